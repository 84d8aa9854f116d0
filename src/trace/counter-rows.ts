/**
 * The rows of a counters chunk: varints, the fields of a row in the order of the schema, each as its difference from the row before in the
 * chunk (from 0 for the first). Counters never decrease.
 */
import { assert } from '../assert.ts';
import type { RunCounters } from '../session/ports.ts';
import { MalformedError } from './messagepack.ts';
import { COUNTER_NAMES, LIMITS } from './schema.ts';
import { putVarint, VARINT_BYTES_MAX } from './varint.ts';

export function encodeCounters(rows: readonly RunCounters[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * COUNTER_NAMES.length * VARINT_BYTES_MAX);
  let at = 0;
  rows.forEach((row, index) => {
    for (const name of COUNTER_NAMES) {
      const difference = row[name] - (rows[index - 1]?.[name] ?? 0);
      assert(Number.isSafeInteger(difference) && difference >= 0, 'counters are safe integers that never decrease');
      at = putVarint(bytes, at, difference >>> 0, Math.floor(difference / 2 ** 32));
    }
  });
  return bytes.slice(0, at);
}

/** @throws MalformedError for bytes that are no rows. */
export function decodeCounters(packed: unknown): RunCounters[] {
  if (!(packed instanceof Uint8Array)) throw new MalformedError('counters without rows');
  const rows: RunCounters[] = [];
  let at = 0;
  while (at < packed.length) {
    if (rows.length === LIMITS.rowsPerChunk) throw new MalformedError('more counters than a chunk holds');
    const row: Partial<Record<keyof RunCounters, number>> = {};
    for (const name of COUNTER_NAMES) {
      const read = readNumber(packed, at);
      at = read.end;
      const value = (rows.at(-1)?.[name] ?? 0) + read.value;
      if (!Number.isSafeInteger(value)) throw new MalformedError(`counter \`${name}\` is too large`);
      row[name] = value;
    }
    rows.push(row as RunCounters);
  }
  return rows;
}

function readNumber(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = 0; index < VARINT_BYTES_MAX; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new MalformedError('a counter is cut off');
    value += (byte & 127) * 128 ** index;
    if (byte < 128) return { value, end: start + index + 1 };
  }
  throw new MalformedError('a counter has no end');
}
