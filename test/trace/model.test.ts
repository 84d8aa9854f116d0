import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { storePayload } from '../../src/trace/frame.ts';
import { MalformedError } from '../../src/trace/messagepack.ts';
import { decodeModelled } from '../../src/trace/model/modelled-events.ts';
import { type BitCoder, RangeReader, RangeWriter } from '../../src/trace/model/range-coder.ts';
import { difference, lengthOf, sum, toNumber, type Word, wordOf } from '../../src/trace/model/word.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { CHUNK_KINDS, CODING, EVENT_SPECS, FLUSH, LIMITS } from '../../src/trace/schema.ts';
import { eventsOf, type Run, record } from './arbitraries.ts';
import { piecesOf } from './forge.ts';

const END = { cycle: 2 ** 40, icount: 2 ** 39, reason: 'tohost', status: 0, message: '' } as const;

function runOf(events: readonly VmEvent[]): Run {
  return { calls: events.map((value) => ({ what: 'event', value })), end: END };
}

/** The codings of the events chunks of a run, whose events come back. */
function codingsOf(events: readonly VmEvent[]): number[] {
  const run = runOf(events);
  const trace = openTrace(record(run));
  expect([...trace.events()]).toEqual(eventsOf(run));
  return trace.chunks.filter(({ kind }) => kind === 'events').map(({ frame }) => frame.coding);
}

function markOf(label: string): VmEvent {
  return { kind: 'mark', cycle: 1, icount: 1, hart: 0, pc: 0n, by: 'user', label, value: 0n };
}

describe('modelled events', () => {
  test('are those of short chunks', () => {
    const events = [...syntheticEvents(LIMITS.modelledEvents + 1)];
    expect(codingsOf(events.slice(0, -1))).toEqual([CODING.modelled]);
    expect(codingsOf(events)).toEqual([CODING.preset]);
    expect(codingsOf([...syntheticEvents(FLUSH.events + 7)])).toEqual([CODING.preset, CODING.modelled]);
  });

  test('are not those of chunks whose names are longer than they may be', () => {
    const text = (length: number) => '0123456789'.repeat(length / 10 + 1).slice(0, length);
    expect(codingsOf([markOf(text(LIMITS.modelledNameBytes))])).not.toEqual([CODING.modelled]);
    expect(codingsOf([markOf(text(100)), markOf('\u{1f40e} \ufeff'), markOf('')])).toEqual([CODING.modelled]);
  });

  test('are smaller by a third than the columns of a short run, deflated', () => {
    const bytes = record(runOf([...syntheticEvents(200)]));
    const piece = piecesOf(bytes).find(({ kind }) => kind === CHUNK_KINDS.events.code);
    const columns = storePayload(piece?.raw ?? new Uint8Array()).stored.length;
    const [chunk] = openTrace(bytes).chunks.filter(({ kind }) => kind === 'events');
    expect(3 * (chunk?.frame.storedBytes ?? 0)).toBeLessThan(2 * columns);
  });

  test('of any bytes are events or malformed', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeModelled(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('have the columns that they had when the coding was made', () => {
    const columns = EVENT_SPECS.map(({ code, columns }) => [
      code,
      ...columns.map((one) => [one.code, one.type, one.varies]),
    ]);
    // Another column, or another order, is another coding: what adds one keeps chunks with it out of this one.
    expect(createHash('sha256').update(JSON.stringify(columns)).digest('hex')).toBe(
      '2f827671437d857cf1279948a596c15cd252b86354dbbff8fccae6fa0e835f6f',
    );
  });
});

test('bits come back, whatever was thought of them', () => {
  const bit = fc.tuple(
    fc.integer({ min: 0, max: 1 }),
    fc.oneof(fc.constantFrom(1, 4095), fc.integer({ min: 1, max: 4095 })),
  );
  const property = fc.property(fc.array(bit, { maxLength: 300 }), (bits) => {
    const writer = new RangeWriter();
    const code = (coder: BitCoder, known: boolean) =>
      bits.map(([value, probability]) => coder.code(known ? value : 0, probability));
    expect(code(writer, true)).toEqual(bits.map(([value]) => value));
    const reader = new RangeReader(writer.finish());
    expect(code(reader, false)).toEqual(bits.map(([value]) => value));
    reader.expectEnd();
  });
  fc.assert(property, { numRuns: 300 });
});

test('words are numbers modulo 2^64', () => {
  const halves = (value: bigint): Word => {
    return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
  };
  const some = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n),
  );
  const property = fc.property(some, some, (one, other) => {
    expect(sum(halves(one), halves(other))).toEqual(halves(one + other));
    expect(difference(halves(one), halves(other))).toEqual(halves(one - other));
    expect(lengthOf(halves(one))).toBe(one === 0n ? 0 : one.toString(2).length);
    const safe = BigInt.asUintN(53, one);
    expect(wordOf(Number(safe))).toEqual(halves(safe));
    expect(BigInt(toNumber(halves(safe)))).toBe(safe);
  });
  fc.assert(property, { numRuns: 500 });
});
