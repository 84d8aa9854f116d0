import { createHash } from 'node:crypto';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { ParatraceError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/trace/byte-source.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace } from '../../src/trace/check-trace.ts';
import type { ByteSink } from '../../src/trace/chunk-writer.ts';
import { embedImages } from '../../src/trace/images.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { packTrace, repairTrace, unpackTrace } from '../../src/trace/rewrite.ts';
import { FLUSH, IMAGE_PART_BYTES } from '../../src/trace/schema.ts';
import { trimTrace, windowOf } from '../../src/trace/trim.ts';
import { type Call, CONFIG, eventsOf, HEADER, join, type Run, record, runArbitrary } from './arbitraries.ts';
import { forge, piecesOf } from './forge.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function written(write: (sink: ByteSink) => void): Uint8Array {
  const parts: Uint8Array[] = [];
  write((part) => parts.push(part));
  return join(parts);
}

function runOf(count: number): Run {
  const calls: Call[] = [];
  for (const [index, value] of [...syntheticEvents(count)].entries()) {
    const { cycle, icount } = value;
    calls.push({ what: 'event', value });
    if (index % 700 === 5) {
      calls.push({
        what: 'input',
        value: { cycle, icount, port: 'uart0', via: 'pull', bytes: Uint8Array.of(index & 255) },
      });
    }
    if (index % 900 === 8) {
      calls.push({ what: 'digest', value: { cycle, icount, memory: BigInt(index), harts: 2n, devices: 3n } });
    }
  }
  const { cycle, icount } = calls.at(-1)?.value ?? { cycle: 0, icount: 0 };
  calls.push({ what: 'digest', value: { cycle, icount, memory: 7n, harts: 7n, devices: 7n } });
  return { calls, end: { cycle, icount, reason: 'poweroff', status: 0, message: 'the guest powered off' } };
}

const RUN = runOf(2 * FLUSH.events + 100);
const EVENTS = eventsOf(RUN);
const WHOLE = record(RUN);

describe('a repaired trace', () => {
  test('is the trace itself where nothing is wrong, or only the index is lost', () => {
    const again = (bytes: Uint8Array) => written((sink) => repairTrace(checkTrace(memorySource(bytes), sha256), sink));
    expect(again(WHOLE)).toEqual(WHOLE);
    const { chunks } = openTrace(WHOLE);
    const end = chunks.find(({ kind }) => kind === 'end')?.frame;
    expect(again(WHOLE.slice(0, (end?.payloadOffset ?? 0) + (end?.storedBytes ?? 0)))).toEqual(WHOLE);
  });

  test('holds all that was whole, wherever the trace is cut', () => {
    const small = record(runOf(300));
    const first = openTrace(small).chunks[1]?.frame.offset ?? 0;
    for (let length = first; length < small.length; length += 1) {
      const check = checkTrace(memorySource(small.slice(0, length)), sha256);
      expect(check.problem?.code).toBe('trace.truncated');
      expect(check.wholeBytes).toBeLessThanOrEqual(length);
      const repaired = openTrace(written((sink) => repairTrace(check, sink)));
      expect([...repaired.events()]).toHaveLength(check.totals.events);
      expect(repaired.problem).toBeUndefined();
    }
  });

  test('ends before a chunk whose checksum is right and whose contents are not', () => {
    const pieces = piecesOf(WHOLE);
    const at = pieces.findLastIndex(({ kind }) => kind === 4);
    const spoilt = forge(
      pieces.map((piece, index) => (index === at ? { ...piece, raw: piece.raw.slice(0, -9) } : piece)),
      { totals: openTrace(WHOLE).totals },
    );
    const check = checkTrace(memorySource(spoilt), sha256);
    expect(check.problem?.code).toBe('trace.corrupt');
    expect(check.whole).toHaveLength(at);
    const repaired = openTrace(written((sink) => repairTrace(check, sink)));
    expect([...repaired.events()]).toEqual(EVENTS.slice(0, 2 * FLUSH.events));
    expect(repaired.header.excerpt).toEqual({ fromEvent: 0, toEvent: 2 * FLUSH.events });
    expect(repaired.end).toBeUndefined();
  });

  test('is not made of a trace without a header', () => {
    const check = checkTrace(memorySource(WHOLE.slice(0, 40)), sha256);
    expect(check.trace).toBeUndefined();
    expect(() => repairTrace(check, () => {})).toThrow(ParatraceError);
  });
});

describe('a trimmed trace', () => {
  const trimmed = (from: number, to: number) => {
    const trace = openTrace(WHOLE);
    return written((sink) => trimTrace(trace, windowOf(trace, 'event', from, to), sink));
  };

  test.each([
    [0, 0],
    [0, 1],
    [5, 5000],
    [FLUSH.events, 2 * FLUSH.events],
    [FLUSH.events - 1, 2 * FLUSH.events + 1],
    [9000, 1e9],
  ])('has the events from %i and before %i, all inputs, and the last digest', (from, to) => {
    const trace = openTrace(trimmed(from, to));
    expect([...trace.events()]).toEqual(EVENTS.slice(from, to));
    expect([...trace.inputs()]).toEqual([...openTrace(WHOLE).inputs()]);
    expect([...trace.digests()].at(-1)?.memory).toBe(7n);
    expect(trace.end?.message).toBe('the guest powered off');
    expect(trace.eventsOfRun).toBe(EVENTS.length);
    expect(checkTrace(memorySource(trimmed(from, to)), sha256).problem).toBeUndefined();
  });

  test('that keeps everything is the trace itself', () => {
    expect(Buffer.compare(trimmed(0, EVENTS.length), WHOLE)).toBe(0);
  });

  test('can be trimmed again', () => {
    const trace = openTrace(trimmed(1000, 3000));
    const again = openTrace(written((sink) => trimTrace(trace, windowOf(trace, 'event', 0, 1500), sink)));
    expect([...again.events()]).toEqual(EVENTS.slice(1000, 1500));
    expect(again.header.excerpt).toEqual({ fromEvent: 1000, toEvent: 1500 });
  });

  test('has the window that was asked for, in cycles and instructions', () => {
    const property = fc.property(
      runArbitrary(60),
      fc.constantFrom('cycle', 'icount'),
      fc.nat(),
      fc.nat(),
      (run, clock, a, b) => {
        const all = eventsOf(run);
        const bytes = record(run);
        const last = all.at(-1)?.[clock] ?? 0;
        const [from = 0, to = 0] = [a, b].map((value) => value % (last + 2)).sort((x, y) => x - y);
        const trace = openTrace(bytes);
        const part = openTrace(written((sink) => trimTrace(trace, windowOf(trace, clock, from, to), sink)));
        expect([...part.events()]).toEqual(all.filter((event) => event[clock] >= from && event[clock] < to));
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  test('finds its place over chunks', () => {
    const trace = openTrace(WHOLE);
    for (const number of [0, 1, FLUSH.events - 1, FLUSH.events, FLUSH.events + 1, EVENTS.length - 1]) {
      const event = EVENTS[number];
      for (const clock of ['cycle', 'icount'] as const) {
        const value = event?.[clock] ?? 0;
        expect(trace.eventAt(clock, value)).toBe(EVENTS.findIndex((other) => other[clock] >= value));
      }
    }
    expect(trace.eventAt('cycle', 2 ** 52)).toBe(EVENTS.length);
  });
});

describe('images', () => {
  const random = seedrandom('rewrite');
  const small = Uint8Array.from({ length: 5000 }, () => random.int32());
  const large = new Uint8Array(2 * IMAGE_PART_BYTES + 77);
  const noise = Uint8Array.from({ length: 2 ** 20 }, () => random.int32());
  for (let at = 0; at < large.length; at += noise.length) large.set(noise.subarray(0, large.length - at), at);
  const ref = (name: string, bytes: Uint8Array) => ({ name, sizeBytes: bytes.length, sha256: sha256(bytes) });
  const config = { ...CONFIG, guest: ref('guest', small), initrd: undefined, drives: [ref('disk', large)] };
  const images = { guest: small, initrd: undefined, drives: [large] };
  const header = { ...HEADER, config };
  const recorded = record(runOf(100), header, embedImages(config, images));

  test('are all in a packed trace, large ones in parts, and out of an unpacked one', () => {
    expect(openTrace(recorded).embedded).toEqual([config.guest.sha256]);
    const packed = written((sink) => packTrace(openTrace(recorded), images, sink));
    const trace = openTrace(packed);
    expect(trace.embedded).toEqual([config.guest.sha256, config.drives[0]?.sha256]);
    expect(trace.imageOfChunk).toHaveLength(4);
    expect(Buffer.compare(trace.image(sha256(large)) ?? Buffer.of(), large)).toBe(0);
    expect(checkTrace(memorySource(packed), sha256).problem).toBeUndefined();
    const unpacked = written((sink) => unpackTrace(trace, sink));
    expect(openTrace(unpacked).embedded).toEqual([]);
    expect(unpacked.length).toBeLessThan(recorded.length - small.length);
    // And back.
    expect(
      Buffer.compare(
        written((sink) => packTrace(openTrace(unpacked), images, sink)),
        packed,
      ),
    ).toBe(0);
  });

  test('that were altered are found', () => {
    const pieces = piecesOf(recorded);
    const at = pieces.findIndex(({ kind }) => kind === 2);
    const raw = pieces[at]?.raw.slice() ?? new Uint8Array();
    raw[raw.length - 1] = (raw[raw.length - 1] ?? 0) ^ 1;
    const altered = forge(
      pieces.map((piece, index) => (index === at ? { ...piece, raw } : piece)),
      { totals: openTrace(recorded).totals },
    );
    expect(openTrace(altered).problem).toBeUndefined();
    expect(checkTrace(memorySource(altered), sha256).problem?.message).toContain('digest');
  });
});

test('a trace of a later minor version is not rewritten', () => {
  const later = openTrace(
    forge(piecesOf(record(runOf(10))), { minor: 9, totals: { events: 10, inputs: 1, inputBytes: 1, digests: 2 } }),
  );
  for (const write of [
    () => trimTrace(later, { fromEvent: 0, toEvent: 0 }, () => {}),
    () => unpackTrace(later, () => {}),
  ]) {
    expect(write).toThrow('would be lost');
  }
});

test('a trace is read a chunk at a time', () => {
  let largest = 0;
  const source: ByteSource = {
    sizeBytes: WHOLE.length,
    read: (offset, lengthBytes) => {
      largest = Math.max(largest, lengthBytes);
      return WHOLE.slice(offset, offset + lengthBytes);
    },
  };
  const trace = openTrace(source);
  expect([...trace.events()]).toEqual(EVENTS);
  expect(largest).toBe(Math.max(...trace.chunks.map(({ frame }) => frame.storedBytes)));
  expect(largest).toBeLessThan(0.7 * WHOLE.length);
});
