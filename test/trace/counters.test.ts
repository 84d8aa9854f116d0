/** Counters in traces: what is written comes back, and foreign bytes give an error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunCounters } from '../../src/session/ports.ts';
import { decodeCounters, encodeCounters } from '../../src/trace/counter-rows.ts';
import { MalformedError } from '../../src/trace/messagepack.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { COUNTER_NAMES, FLUSH } from '../../src/trace/schema.ts';
import { type Call, record } from './arbitraries.ts';

const step = fc.oneof(fc.nat({ max: 1000 }), fc.constantFrom(0, 2 ** 31, 2 ** 32, 2 ** 49 - 1));
const rowsArbitrary = fc
  .array(fc.array(step, { minLength: COUNTER_NAMES.length, maxLength: COUNTER_NAMES.length }), { maxLength: 8 })
  .map((steps) => {
    const sums = COUNTER_NAMES.map(() => 0);
    return steps.map((row) => {
      row.forEach((by, index) => {
        sums[index] = (sums[index] ?? 0) + by;
      });
      return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, sums[index] ?? 0])) as unknown as RunCounters;
    });
  });

const END = { cycle: 10 ** 6, icount: 5, reason: 'poweroff', status: 0, message: '' } as const;
const zero = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as unknown as RunCounters;

describe('counters', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        expect(decodeCounters(encodeCounters(rows))).toEqual(rows);
      }),
    );
  });

  it('are rows or a MalformedError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeCounters(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
    expect(() => decodeCounters('text')).toThrow(MalformedError);
  });

  it('stand in a trace beside their digests, through several chunks, and need no index', () => {
    const calls: Call[] = Array.from({ length: FLUSH.digests + 3 }, (_, index) => ({
      what: 'digest',
      value: { cycle: 10 * index, icount: index, memory: 1n, harts: 2n, devices: 3n },
      counters: { ...zero, walkReferences: 100 * index, userFirstUses: 7 },
    }));
    const bytes = record({ calls, end: END });
    const trace = openTrace(bytes);
    const counters = [...trace.counters()];
    expect(counters).toHaveLength(FLUSH.digests + 3);
    expect(counters[5]).toEqual({ events: 0, cycle: 50, icount: 5, ...zero, walkReferences: 500, userFirstUses: 7 });
    const cut = openTrace(bytes.subarray(0, bytes.length - 4), { partial: true });
    expect([...cut.counters()]).toEqual(counters);
  });

  it('add less than 60 bytes to a small trace, and nothing where nothing is counted', () => {
    const value = { cycle: 300_000, icount: 200_000, memory: 1n, harts: 2n, devices: 3n };
    const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 9_000])) as unknown as RunCounters;
    const without = openTrace(record({ calls: [{ what: 'digest', value }], end: END }));
    expect([...without.counters()]).toEqual([]);
    const sizes = [undefined, counters].map(
      (counted) =>
        record({ calls: [{ what: 'digest', value, ...(counted && { counters: counted }) }], end: END }).length,
    );
    expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBeLessThan(60);
  });
});
