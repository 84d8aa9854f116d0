import { createHash } from 'node:crypto';
import seedrandom from 'seedrandom';
import { describe, expect, test } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import type { ImageRef, RunConfig } from '../../src/session/config.ts';
import { embedImages, resolveImages } from '../../src/trace/images.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { EMBED_LIMITS } from '../../src/trace/schema.ts';
import { CONFIG, HEADER, record } from './arbitraries.ts';

const END = { cycle: 0, icount: 0, reason: 'poweroff', status: 0, message: '' } as const;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const refTo = (name: string, bytes: Uint8Array): ImageRef => ({ name, sizeBytes: bytes.length, sha256: sha256(bytes) });

function noise(sizeBytes: number): Uint8Array {
  const random = seedrandom('images');
  return Uint8Array.from({ length: sizeBytes }, () => random.int32());
}

const small = new TextEncoder().encode('a small guest');
const zeros = new Uint8Array(4 * 1024 * 1024);
const incompressible = noise(EMBED_LIMITS.storedBytes + 10_000);
const images = { guest: small, initrd: zeros, drives: [incompressible, small] };
const config: RunConfig = {
  ...CONFIG,
  guest: refTo('guest', small),
  initrd: refTo('initrd', zeros),
  drives: [refTo('disk', incompressible), refTo('copy', small)],
};

describe('images', () => {
  const embedded = embedImages(config, images);
  const trace = openTrace(record({ calls: [], end: END }, { ...HEADER, config }, embedded));

  test('are embedded once each where they are small when deflated', () => {
    expect(embedded.map((image) => image.sha256)).toEqual([config.guest.sha256, config.initrd?.sha256]);
    expect(trace.embedded).toEqual([config.guest.sha256, config.initrd?.sha256]);
    expect(trace.image(config.guest.sha256)).toEqual(small);
    expect(Buffer.compare(trace.image(sha256(zeros)) ?? new Uint8Array(), zeros)).toBe(0);
    expect(trace.image(sha256(incompressible))).toBeUndefined();
  });

  test('are resolved from the trace, and found by the caller', () => {
    const asked: string[] = [];
    const find = (image: ImageRef): Uint8Array => {
      asked.push(image.name);
      return incompressible;
    };
    const resolved = resolveImages(trace.header.config, (digest) => trace.image(digest), find, sha256);
    expect(asked).toEqual(['disk']);
    expect(resolved.guest).toEqual(small);
    expect(resolved.drives[0]).toBe(incompressible);
    expect(resolved.drives[1]).toEqual(small);
  });

  test('that are missing or differ are named', () => {
    const resolve = (found: Uint8Array | undefined): unknown =>
      resolveImages(
        config,
        (digest) => trace.image(digest),
        () => found,
        sha256,
      );
    expect(() => resolve(undefined)).toThrow(expect.objectContaining({ code: 'trace.image-missing' }) as Error);
    expect(() => resolve(undefined)).toThrow('disk');
    expect(() => resolve(small)).toThrow(expect.objectContaining({ code: 'trace.image-differs' }) as Error);
  });

  test('in a trace that is cut inside them cannot be read', () => {
    const bytes = record({ calls: [], end: END }, { ...HEADER, config }, embedded);
    const offset = openTrace(bytes).chunks[2]?.frame.offset ?? 0;
    expect(() => openTrace(bytes.slice(0, offset + 5), { partial: true })).toThrow(ParatraceError);
  });
});
