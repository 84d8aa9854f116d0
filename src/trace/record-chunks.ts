/** Writes chunks of inputs and of digests, of records that are all there. */
import { assert } from '../assert.ts';
import type { RunCounters } from '../session/ports.ts';
import type { RecordedDigest, RecordedInput } from './chunk-list.ts';
import { type ChunkSpan, type ChunkWriter, NO_SPAN } from './chunk-writer.ts';
import type { ColumnEncoder } from './columns.ts';
import { concatenate } from './concatenate.ts';
import { encodeCounters } from './counter-rows.ts';
import type { Packable } from './messagepack.ts';
import {
  COUNTER_ROWS_KEY,
  type ColumnSpec,
  DIGEST_COLUMNS,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
  SHARED_GROUP,
} from './schema.ts';
import { ColumnGroup, NameTable, packTable } from './table.ts';

/** A digest with what had been counted there, if anything was. */
export interface CountedDigest {
  readonly digest: RecordedDigest;
  readonly counters: RunCounters | undefined;
}

/** @param first number of inputs in the chunks before this one */
export function writeInputs(
  chunks: ChunkWriter,
  encoder: ColumnEncoder,
  first: number,
  inputs: readonly RecordedInput[],
): void {
  const rows = inputs.map(({ port, via, bytes, ...at }) => {
    return { ...at, port: INPUT_PORT_CODES[port], via: INPUT_VIA_CODES[via], lengthBytes: bytes.length };
  });
  const packed = packRows(INPUT_COLUMNS, encoder, first, rows);
  packed.set('bytes', concatenate(inputs.map(({ bytes }) => bytes)));
  chunks.writePacked('inputs', packed, spanOf(inputs));
}

/** Counters follow in a chunk of their own: of all the digests, or of none. @param first number of digests in the chunks before this one */
export function writeDigests(
  chunks: ChunkWriter,
  encoder: ColumnEncoder,
  first: number,
  counted: readonly CountedDigest[],
): void {
  const digests = counted.map(({ digest }) => digest);
  const rows = digests.map((digest) => ({ ...digest }));
  chunks.writePacked('digests', packRows(DIGEST_COLUMNS, encoder, first, rows), spanOf(digests));
  const counters = counted.map((digest) => digest.counters).filter((row) => row !== undefined);
  if (counters.length === 0) return;
  assert(counters.length === digests.length, 'each digest has its counters, or none has');
  const coded = new Map([[COUNTER_ROWS_KEY, encodeCounters(counters)]]);
  chunks.writePacked('counters', coded, { ...NO_SPAN, count: counters.length });
}

/** Where records lie that are all of a chunk. */
export function spanOf(records: readonly { readonly cycle: number }[]): ChunkSpan {
  return { count: records.length, firstCycle: records[0]?.cycle ?? 0, lastCycle: records.at(-1)?.cycle ?? 0 };
}

function packRows(
  columns: readonly ColumnSpec[],
  encoder: ColumnEncoder,
  first: number,
  rows: readonly Readonly<Record<string, unknown>>[],
): Map<string, Packable> {
  const group = new ColumnGroup(columns, rows.length, new NameTable());
  for (const row of rows) group.push(row);
  return packTable({ first, count: rows.length }, [], [[SHARED_GROUP, group.take(encoder)]]);
}
