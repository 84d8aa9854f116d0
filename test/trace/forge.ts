/** Traces with right checksums and wrong contents: what an attacker, a bug or a later version would write. */

import { crc32 } from '../../src/crc32.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { ColumnEncoder } from '../../src/trace/columns.ts';
import { codeEvents } from '../../src/trace/event-coder.ts';
import {
  encodeChunk,
  encodePreamble,
  encodeTail,
  type Frame,
  readPayload,
  scanFrames,
  storePayload,
} from '../../src/trace/frame.ts';
import { packFields } from '../../src/trace/header.ts';
import { type PackableMap, pack } from '../../src/trace/messagepack.ts';
import { type ChunkInfo, openTrace, type TraceReader } from '../../src/trace/reader.ts';
import { CHUNK_KINDS, CODING, INDEX_COLUMNS, SHARED_GROUP, TOTAL_FIELDS } from '../../src/trace/schema.ts';
import { ColumnGroup, NameTable, packTable } from '../../src/trace/table.ts';
import { join } from './arbitraries.ts';

export interface Piece {
  readonly kind: number;
  readonly raw: Uint8Array;
  readonly count: number;
  readonly firstCycle: number;
  readonly lastCycle: number;
}

/** The chunks of a whole trace but for the index, decompressed; events as columns, however short the chunk is. */
export function piecesOf(bytes: Uint8Array): Piece[] {
  const source = memorySource(bytes);
  const { frames } = scanFrames(source, (kind) => kind === CHUNK_KINDS.index.code);
  const trace = openTrace(bytes);
  return frames.slice(0, -1).map((frame: Frame, index) => {
    const info = trace.chunks[index];
    const { count = 0, firstCycle = 0, lastCycle = 0 } = info ?? {};
    const raw = frame.coding === CODING.modelled && info ? columnsOf(trace, info) : readPayload(source, frame).slice();
    return { kind: frame.kind, raw, count, firstCycle, lastCycle };
  });
}

/** The payload that a longer chunk of these events would have. */
function columnsOf(trace: TraceReader, { first, count }: ChunkInfo): Uint8Array {
  const events = [...trace.events({ fromEvent: first, toEvent: first + count })];
  return new Uint8Array(pack(codeEvents(events, first).packed));
}

/** A file of chunks with right frames. `index`: with an index that fits them; `tail` in its place otherwise. */
export function forge(
  pieces: readonly Piece[],
  options: { readonly minor?: number; readonly index?: boolean; readonly totals?: object } = {},
): Uint8Array {
  const preamble = encodePreamble().bytes;
  new DataView(preamble.buffer).setUint16(10, options.minor ?? 0, true);
  const parts = [preamble];
  let chain = crc32(preamble);
  let offset = preamble.length;
  const group = new ColumnGroup(INDEX_COLUMNS, pieces.length, new NameTable());
  for (const [sequence, { kind, raw, count, firstCycle, lastCycle }] of pieces.entries()) {
    const frame = encodeChunk(kind, sequence, chain, storePayload(raw));
    group.push({ kind, offset, count, firstCycle, lastCycle });
    const bytes = join(frame.parts);
    parts.push(bytes);
    offset += bytes.length;
    chain = frame.chain;
  }
  if (options.index !== false) {
    const columns = group.take(new ColumnEncoder(pieces.length));
    const packed = packTable({ first: 0, count: pieces.length }, [], [[SHARED_GROUP, columns]]);
    packed.set('totals', packFields(TOTAL_FIELDS, options.totals ?? totalsOf(pieces)));
    const frame = encodeChunk(CHUNK_KINDS.index.code, pieces.length, chain, storePayload(pack(packed)));
    const bytes = join(frame.parts);
    parts.push(bytes, encodeTail(bytes.length));
  }
  return join(parts);
}

/** A payload in place of another, with the same place in the index. */
export function withPayload(piece: Piece, payload: PackableMap): Piece {
  return { ...piece, raw: pack(payload).slice() };
}

function totalsOf(pieces: readonly Piece[]): object {
  const count = (code: number): number =>
    pieces.reduce((sum, piece) => sum + (piece.kind === code ? piece.count : 0), 0);
  const { events, inputs, digests } = CHUNK_KINDS;
  return { events: count(events.code), inputs: count(inputs.code), inputBytes: 0, digests: count(digests.code) };
}
