import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { ParatraceError } from '../../src/errors.ts';
import { openTrace, type TraceReader } from '../../src/trace/reader.ts';
import { FLUSH, FORMAT_VERSION, FRAME_BYTES, PREAMBLE_BYTES } from '../../src/trace/schema.ts';
import { type Call, eventsOf, HEADER, type Run, record } from './arbitraries.ts';

const CODES = ['trace.truncated', 'trace.corrupt', 'trace.not-a-trace', 'trace.version'];

/** Inputs and digests come so rarely that chunks of events are full. */
function makeRun(eventCount: number): Run {
  const calls: Call[] = [];
  let cycle = 0;
  let icount = 0;
  for (const value of syntheticEvents(eventCount)) {
    ({ cycle, icount } = value);
    calls.push({ what: 'event', value });
    if (calls.length % Math.max(20, FLUSH.events / 4) === 0 || (eventCount < 100 && calls.length % 20 === 0)) {
      calls.push({
        what: 'input',
        value: { cycle, icount, port: 'uart0', via: 'pull', bytes: new Uint8Array([65, 66]) },
      });
      calls.push({ what: 'digest', value: { cycle, icount, memory: 5n, harts: 2n ** 63n, devices: 0n } });
    }
  }
  return { calls, end: { cycle: cycle + 1, icount, reason: 'poweroff', status: 0, message: 'powered off' } };
}

/** The typed error that opening gives; fails if there is none or another. */
function errorOf(open: () => unknown): ParatraceError {
  try {
    open();
  } catch (error) {
    expect(error).toBeInstanceOf(ParatraceError);
    const typed = error as ParatraceError;
    expect(CODES).toContain(typed.code);
    expect(typed.place.offset).toBeTypeOf('number');
    return typed;
  }
  throw new Error('a damaged trace was believed');
}

function altered(bytes: Uint8Array, at: number, flip: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ flip;
  return copy;
}

const small = record(makeRun(60));
const smallChunks = openTrace(small).chunks;

/** The chunk that a byte belongs to, by its offset; the preamble counts as the first. */
function chunkOffsetAt(at: number): number {
  return smallChunks.findLast((chunk) => chunk.frame.offset <= at)?.frame.offset ?? PREAMBLE_BYTES;
}

describe('a trace with one altered byte', () => {
  test('is reported at every position', () => {
    for (let at = 0; at < small.length; at += 1) {
      const flip = 1 + ((at * 131) % 255);
      const error = errorOf(() => openTrace(altered(small, at, flip)));
      if (at >= PREAMBLE_BYTES && at < chunkOffsetAt(small.length)) expect(error.place.offset).toBe(chunkOffsetAt(at));
    }
  });

  test('is reported for every other value at positions of each sort', () => {
    const sorts = [0, 8, 9, 10, 11, small.length - 1, small.length - 8];
    for (const { frame } of smallChunks) {
      for (let at = 0; at < FRAME_BYTES; at += 1) sorts.push(frame.offset + at);
      sorts.push(frame.payloadOffset, frame.payloadOffset + frame.storedBytes - 1);
    }
    for (const at of sorts)
      for (let flip = 1; flip < 256; flip += 1) errorOf(() => openTrace(altered(small, at, flip)));
  });

  test('is reported in a large trace', () => {
    const large = record(makeRun(2 * FLUSH.events));
    const property = fc.property(fc.nat({ max: large.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      errorOf(() => openTrace(altered(large, at, flip)));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('is read up to the damage when asked to', () => {
    const events = smallChunks.find((chunk) => chunk.kind === 'digests');
    const at = events?.frame.payloadOffset ?? 0;
    const trace = openTrace(altered(small, at, 1), { partial: true });
    expect(trace.problem?.code).toBe('trace.corrupt');
    expect(trace.readableUpTo.offset).toBe(events?.frame.offset);
    expect([...trace.events()]).toHaveLength(60);
    expect([...trace.digests()]).toHaveLength(0);
    expect(trace.end).toBeUndefined();
  });
});

describe('a trace that is cut', () => {
  test('is reported as such at every length', () => {
    for (let length = 0; length < small.length; length += 1) {
      const error = errorOf(() => openTrace(small.slice(0, length)));
      expect(error.code).toBe('trace.truncated');
      expect(error.place.offset).toBeLessThanOrEqual(length);
    }
  });

  test('can be read up to its last whole chunk at every length', () => {
    const whole = [...openTrace(small).events()];
    const afterHeader = smallChunks[1]?.frame.offset ?? 0;
    for (let length = 0; length < small.length; length += 1) {
      const cut = small.slice(0, length);
      if (length < afterHeader) {
        expect(errorOf(() => openTrace(cut, { partial: true })).code).toBe('trace.truncated');
        continue;
      }
      const trace = openTrace(cut, { partial: true });
      expect(trace.problem?.code).toBe('trace.truncated');
      expect(trace.readableUpTo.offset).toBeLessThanOrEqual(length);
      const events = [...trace.events()];
      expect(events).toEqual(whole.slice(0, events.length));
      expect(trace.readableUpTo.events).toBe(events.length);
    }
  });

  test('says how far it can be read', () => {
    const run = makeRun(2 * FLUSH.events + 10);
    const bytes = record(run);
    const second = openTrace(bytes).chunks.filter((chunk) => chunk.kind === 'events')[1];
    const end = (second?.frame.payloadOffset ?? 0) + (second?.frame.storedBytes ?? 0);
    const trace: TraceReader = openTrace(bytes.slice(0, end + 3), { partial: true });
    const events = eventsOf(run).slice(0, 2 * FLUSH.events);
    expect([...trace.events()]).toEqual(events);
    expect(trace.readableUpTo).toEqual({ offset: end, events: events.length, cycle: events.at(-1)?.cycle });
    expect(trace.problem?.place.offset).toBe(end);
  });
});

describe('chunks', () => {
  const bytes = record(makeRun(FLUSH.events + 10));
  const pieces: readonly Uint8Array[] = openTrace(bytes).chunks.map(({ frame }) =>
    bytes.slice(frame.offset, frame.payloadOffset + frame.storedBytes),
  );
  const tail = bytes.slice(pieces.reduce((sum, piece) => sum + piece.length, PREAMBLE_BYTES));
  const build = (chunks: readonly Uint8Array<ArrayBufferLike>[]): Uint8Array =>
    new Uint8Array(Buffer.concat([bytes.slice(0, PREAMBLE_BYTES), ...chunks, tail]));

  test('in their order are the trace', () => {
    expect(build(pieces)).toEqual(bytes);
  });

  test('that are left out, doubled or swapped are reported', () => {
    for (let at = 0; at < pieces.length; at += 1) {
      const piece = pieces[at] as Uint8Array;
      errorOf(() => openTrace(build(pieces.filter((_, index) => index !== at))));
      errorOf(() => openTrace(build([...pieces.slice(0, at), piece, ...pieces.slice(at)])));
      if (at > 0) errorOf(() => openTrace(build(pieces.with(at - 1, piece).with(at, pieces[at - 1] as Uint8Array))));
    }
  });

  test('of another trace are reported', () => {
    const other = record(makeRun(FLUSH.events + 10), { ...HEADER, coreProfile: {} });
    const { frame } = openTrace(other).chunks[2] as TraceReader['chunks'][number];
    const foreign = other.slice(frame.offset, frame.payloadOffset + frame.storedBytes);
    errorOf(() => openTrace(build(pieces.with(2, foreign))));
  });

  test('after the end are reported', () => {
    expect(errorOf(() => openTrace(new Uint8Array([...small, 0]))).place.offset).toBe(small.length);
    errorOf(() => openTrace(new Uint8Array([...small, ...small])));
  });
});

test('another major version is refused with what to do', () => {
  const error = errorOf(() => openTrace(altered(small, 8, 3)));
  expect(error.code).toBe('trace.version');
  expect(error.message).toContain(`2.${FORMAT_VERSION.minor}`);
});

test('a file that is no trace is called so', () => {
  expect(errorOf(() => openTrace(new TextEncoder().encode('#!/bin/sh\n'))).code).toBe('trace.not-a-trace');
  expect(errorOf(() => openTrace(new Uint8Array())).code).toBe('trace.truncated');
});
