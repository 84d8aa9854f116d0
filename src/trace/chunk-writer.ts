/** Writes chunks one after another, each chained to the one before, and at the end the index of them. */
import { type Crc32, crc32 } from '../crc32.ts';
import { ColumnEncoder } from './columns.ts';
import type { CodedEvents } from './event-coder.ts';
import { encodeChunk, encodePreamble, encodeTail, type StoredPayload, storeEvents, storePayload } from './frame.ts';
import { packFields } from './header.ts';
import { type PackableMap, pack } from './messagepack.ts';
import { CHUNK_KINDS, type ChunkKind, INDEX_COLUMNS, SHARED_GROUP, TOTAL_FIELDS, type TraceTotals } from './schema.ts';
import { ColumnGroup, NameTable, packTable } from './table.ts';

/** Takes the bytes of the trace in order. Each array is its to keep. */
export type ByteSink = (bytes: Uint8Array) => void;

/** What the index says of the records of a chunk: how many, and the cycles of the first and the last, 0 if there are none. */
export interface ChunkSpan {
  readonly count: number;
  readonly firstCycle: number;
  readonly lastCycle: number;
}

export const NO_SPAN: ChunkSpan = { count: 0, firstCycle: 0, lastCycle: 0 };

interface IndexRow extends ChunkSpan {
  readonly kind: number;
  readonly offset: number;
}

/** How far a file has been written: plain data, with which another writer goes on. */
export interface ChunksWritten {
  readonly index: readonly IndexRow[];
  readonly chain: number;
  readonly bytesWritten: number;
}

export class ChunkWriter {
  readonly #sink: ByteSink;
  readonly #crc: Crc32;
  readonly #index: IndexRow[] = [];
  #chain: number;
  #bytesWritten: number;

  /**
   * Writes the preamble at once, unless the file has been begun.
   * @param crc the checksum, where the host has a faster one
   * @param written by another writer
   */
  constructor(sink: ByteSink, crc: Crc32 = crc32, written?: ChunksWritten) {
    this.#sink = sink;
    this.#crc = crc;
    if (written !== undefined) {
      this.#index.push(...written.index);
      this.#chain = written.chain;
      this.#bytesWritten = written.bytesWritten;
      return;
    }
    const preamble = encodePreamble();
    this.#chain = preamble.chain;
    this.#bytesWritten = preamble.bytes.length;
    sink(preamble.bytes);
  }

  /** For another writer to go on with. Nothing more may be written by this one. */
  get written(): ChunksWritten {
    return { index: this.#index, chain: this.#chain, bytesWritten: this.#bytesWritten };
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Writes a chunk whose payload is ready; it may be given to the sink as it is. */
  write(kind: ChunkKind, payload: StoredPayload, span: ChunkSpan = NO_SPAN): void {
    const { code } = CHUNK_KINDS[kind];
    const { count, firstCycle, lastCycle } = span;
    const { parts, chain } = encodeChunk(code, this.#index.length, this.#chain, payload, this.#crc);
    this.#index.push({ kind: code, offset: this.#bytesWritten, count, firstCycle, lastCycle });
    this.#chain = chain;
    for (const part of parts) this.#give(part);
  }

  /** Packs, compresses where that helps, and writes. */
  writePacked(kind: ChunkKind, packed: PackableMap, span?: ChunkSpan): void {
    this.write(kind, storePayload(pack(packed)), span);
  }

  /** As {@link writePacked}, in the shorter of two codings. */
  writeEvents({ packed, modelled }: CodedEvents, span: ChunkSpan): void {
    this.write('events', storeEvents(pack(packed), modelled), span);
  }

  /** Writes the index and the closing bytes. Nothing may follow. */
  close(totals: TraceTotals): void {
    const before = this.#bytesWritten;
    this.writePacked('index', this.#packIndex(totals));
    this.#give(encodeTail(this.#bytesWritten - before));
  }

  #packIndex(totals: TraceTotals): PackableMap {
    const rows = this.#index;
    const group = new ColumnGroup(INDEX_COLUMNS, rows.length, new NameTable());
    for (const row of rows) group.push({ ...row });
    const columns = group.take(new ColumnEncoder(rows.length));
    const packed = packTable({ first: 0, count: rows.length }, [], [[SHARED_GROUP, columns]]);
    return packed.set('totals', packFields(TOTAL_FIELDS, totals));
  }

  #give(bytes: Uint8Array): void {
    this.#bytesWritten += bytes.length;
    this.#sink(bytes);
  }
}
