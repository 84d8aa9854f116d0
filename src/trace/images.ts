/**
 * Images of a trace: small ones are embedded, so that it stands alone; large ones are named by digest and found again, or
 * clearly missed. The host gives the SHA-256 function and looks for files.
 */
import { Deflate } from 'fflate/browser';
import { assert } from '../assert.ts';
import { ParatraceError } from '../errors.ts';
import type { ImageRef, RunConfig, RunImages } from '../session/config.ts';
import { concatenate } from './concatenate.ts';
import type { StoredPayload } from './frame.ts';
import { pack, packBinaryHead } from './messagepack.ts';
import { CODING, EMBED_LIMITS, IMAGE_PART_BYTES, LIMITS } from './schema.ts';

const DEFLATE_STEP_BYTES = 65_536;
/** Pinned: another level gives other bytes. Lower than for events, because images are written before the guest starts. */
const DEFLATE_OPTIONS = { level: 4, mem: 4 } as const;

/** An image that is embedded, or a part of one, as the payload of its chunk. */
export interface EmbeddedImage {
  readonly sha256: string;
  readonly payload: StoredPayload;
}

/** Where the host may have an image that the trace does not hold. */
export type FindImage = (image: ImageRef) => Uint8Array | undefined;

/** The images of a run that a recorder embeds, each digest once: guest, initrd, drives. */
export function embedImages(config: RunConfig, images: RunImages): EmbeddedImage[] {
  return imagesByDigest(config, images).flatMap(([sha256, bytes]) => {
    const payload = embeddable(sha256, bytes);
    return payload === undefined ? [] : [{ sha256, payload }];
  });
}

/** All images of a run, each digest once, as they are embedded where a trace is to stand alone: long ones in parts. */
export function packImages(config: RunConfig, images: RunImages): EmbeddedImage[] {
  return imagesByDigest(config, images).flatMap(([sha256, bytes]) => {
    const payload = embeddable(sha256, bytes);
    if (payload !== undefined) return [{ sha256, payload }];
    const parts: EmbeddedImage[] = [];
    for (let at = 0; at < bytes.length; at += IMAGE_PART_BYTES) {
      const raw = packImage(sha256, bytes.subarray(at, at + IMAGE_PART_BYTES));
      parts.push({ sha256, payload: deflatePart(raw, LIMITS.chunkBytes) ?? storeAsIs(raw) });
    }
    return parts;
  });
}

function imagesByDigest(config: RunConfig, images: RunImages): [sha256: string, bytes: Uint8Array][] {
  const pairs: [ImageRef, Uint8Array][] = [[config.guest, images.guest]];
  if (config.initrd !== undefined && images.initrd !== undefined) pairs.push([config.initrd, images.initrd]);
  for (const [index, drive] of config.drives.entries()) {
    const bytes = images.drives[index];
    assert(bytes !== undefined, `drive ${index} has no bytes`);
    pairs.push([drive, bytes]);
  }
  return [...new Map(pairs.map(([{ sha256 }, bytes]) => [sha256, bytes]))];
}

/**
 * The images of a recorded run: from the trace where it holds them, else from `find`. Each is checked by its digest.
 * Throws `trace.image-missing` and `trace.image-differs`.
 */
export function resolveImages(
  config: RunConfig,
  embedded: (sha256: string) => Uint8Array | undefined,
  find: FindImage,
  sha256: (bytes: Uint8Array) => string,
): RunImages {
  const resolve = (image: ImageRef): Uint8Array => {
    const bytes = embedded(image.sha256) ?? find(image);
    if (bytes === undefined) {
      const message = `image \`${image.name}\` (${image.sizeBytes} bytes, sha256 ${image.sha256}) was not found`;
      throw new ParatraceError('trace.image-missing', message);
    }
    const found = sha256(bytes);
    if (found !== image.sha256) {
      const message = `image \`${image.name}\` has sha256 ${found}; the trace was recorded with ${image.sha256}`;
      throw new ParatraceError('trace.image-differs', message);
    }
    return bytes;
  };
  return {
    guest: resolve(config.guest),
    initrd: config.initrd === undefined ? undefined : resolve(config.initrd),
    drives: config.drives.map(resolve),
  };
}

/**
 * The payload of an image chunk if it is within {@link EMBED_LIMITS}. One that is small enough as it is is not compressed: the guest would
 * start later. Compression stops as soon as the limit is passed.
 */
function embeddable(sha256: string, bytes: Uint8Array): StoredPayload | undefined {
  if (bytes.length > EMBED_LIMITS.rawBytes) return undefined;
  const raw = packImage(sha256, bytes);
  return raw.length <= EMBED_LIMITS.storedBytes ? storeAsIs(raw) : deflatePart(raw, EMBED_LIMITS.storedBytes);
}

function storeAsIs(raw: Uint8Array): StoredPayload {
  return { coding: CODING.stored, rawBytes: raw.length, stored: raw };
}

/** Deflated, if that makes it shorter and no longer than `storedBytesMax`. */
function deflatePart(raw: Uint8Array, storedBytesMax: number): StoredPayload | undefined {
  const limit = Math.min(storedBytesMax, raw.length - 1);
  const parts: Uint8Array[] = [];
  let storedBytes = 0;
  const deflate = new Deflate(DEFLATE_OPTIONS, (part) => {
    storedBytes += part.length;
    parts.push(part);
  });
  for (let at = 0; at < raw.length; at += DEFLATE_STEP_BYTES) {
    const end = Math.min(at + DEFLATE_STEP_BYTES, raw.length);
    deflate.push(raw.subarray(at, end), end === raw.length);
    if (storedBytes > limit) return undefined;
  }
  return { coding: CODING.deflate, rawBytes: raw.length, stored: concatenate(parts) };
}

/** The payload of an image chunk: what `pack` makes of its map, without the copies that it makes of something large. */
function packImage(sha256: string, bytes: Uint8Array): Uint8Array {
  const empty = pack(
    new Map<string, string | Uint8Array>([
      ['sha256', sha256],
      ['bytes', new Uint8Array()],
    ]),
  );
  const before = empty.length - packBinaryHead(0).length;
  const head = packBinaryHead(bytes.length);
  const packed = new Uint8Array(before + head.length + bytes.length);
  packed.set(empty.subarray(0, before));
  packed.set(head, before);
  packed.set(bytes, before + head.length);
  return packed;
}
