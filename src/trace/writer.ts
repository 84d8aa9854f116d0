/**
 * Writes a trace as a run goes on: append-only and with bounded memory. When a chunk is written follows from the run alone
 * (`FLUSH` in the schema), so that a replay of the run writes the same bytes.
 */
import { assert } from '../assert.ts';
import { type Crc32, crc32 } from '../crc32.ts';
import { EventRow } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { InputRecord, Observer, RunCounters, RunEnd, StateDigest } from '../session/ports.ts';
import { type ByteSink, type ChunkSpan, ChunkWriter, NO_SPAN } from './chunk-writer.ts';
import { ColumnEncoder } from './columns.ts';
import { concatenate } from './concatenate.ts';
import { encodeCounters } from './counter-rows.ts';
import { EventBuffer } from './event-buffer.ts';
import { packEnd, packHeader } from './header.ts';
import type { EmbeddedImage } from './images.ts';
import {
  COUNTER_ROWS_KEY,
  DIGEST_COLUMNS,
  FLUSH,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
  LIMITS,
  SHARED_GROUP,
  type TraceHeader,
  type TraceTotals,
} from './schema.ts';
import { ColumnGroup, NameTable, packTable } from './table.ts';

const NO_TOTALS: TraceTotals = { events: 0, inputs: 0, inputBytes: 0, digests: 0 };

/**
 * Writes what a trace has before its records: header and images.
 * @param images the images that the header calls embedded
 * @param crc the checksum, where the host has a faster one
 */
export function beginTrace(
  sink: ByteSink,
  header: TraceHeader,
  images: readonly EmbeddedImage[] = [],
  crc: Crc32 = crc32,
): ChunkWriter {
  const chunks = new ChunkWriter(sink, crc);
  const embedded = images.map((image) => image.sha256);
  chunks.writePacked('header', packHeader(header, embedded));
  for (const image of images) chunks.write('image', image.payload);
  return chunks;
}

/** Writes the records of one trace, after what {@link beginTrace} wrote, and the closing chunks by {@link RecordWriter.end}. */
export class RecordWriter implements Observer {
  readonly #chunks: ChunkWriter;
  readonly #encoder = new ColumnEncoder(FLUSH.events);
  readonly #names = new NameTable();
  readonly #events = new EventBuffer(FLUSH.events, this.#encoder);
  /** An event that came as an object. */
  readonly #row = new EventRow();
  readonly #inputs = new RecordBuffer(new ColumnGroup(INPUT_COLUMNS, FLUSH.inputs, this.#names));
  readonly #digests = new RecordBuffer(new ColumnGroup(DIGEST_COLUMNS, FLUSH.digests, this.#names));
  #inputParts: Uint8Array[] = [];
  /** Of the digests that are pending. */
  #counters: RunCounters[] = [];
  #pendingInputBytes = 0;
  #eventsBefore = 0;
  #inputBytes = 0;
  #closed = false;

  /**
   * @param chunks of a trace that has begun
   * @param before records that it holds
   */
  constructor(chunks: ChunkWriter, before: TraceTotals = NO_TOTALS) {
    this.#chunks = chunks;
    this.#eventsBefore = before.events;
    this.#inputs.total = before.inputs;
    this.#inputBytes = before.inputBytes;
    this.#digests.total = before.digests;
  }

  /** For a writer that goes on in the place of this one. Asserts that all records are written. */
  get totalsWritten(): TraceTotals {
    const pending = this.#events.count + this.#inputs.count + this.#digests.count;
    assert(pending === 0, 'records are pending where another writer takes over');
    return this.totals;
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#chunks.bytesWritten;
  }

  /** Records taken so far. */
  get totals(): TraceTotals {
    return {
      events: this.#eventsBefore + this.#events.count,
      inputs: this.#inputs.total,
      inputBytes: this.#inputBytes,
      digests: this.#digests.total,
    };
  }

  event(event: VmEvent): void {
    this.#row.fill(event);
    this.eventRow(this.#row);
  }

  eventRow(row: EventRow): void {
    assert(!this.#closed, 'an event after the end of the run');
    this.#events.push(row);
    if (this.#events.count === FLUSH.events) this.#flush();
  }

  /** An input of at most `LIMITS.inputBytes` bytes; they are copied. */
  input(input: InputRecord): void {
    assert(!this.#closed, 'an input after the end of the run');
    const lengthBytes = input.bytes.length;
    assert(lengthBytes <= LIMITS.inputBytes, `an input of ${lengthBytes} bytes`);
    this.#inputs.push({
      events: this.totals.events,
      cycle: input.cycle,
      icount: input.icount,
      port: INPUT_PORT_CODES[input.port],
      via: INPUT_VIA_CODES[input.via],
      lengthBytes,
    });
    this.#inputParts.push(input.bytes.slice());
    this.#pendingInputBytes += lengthBytes;
    this.#inputBytes += lengthBytes;
    if (this.#inputs.count === FLUSH.inputs || this.#pendingInputBytes >= FLUSH.inputBytes) this.#flush();
  }

  digest(digest: StateDigest, counters?: RunCounters): void {
    assert(!this.#closed, 'a digest after the end of the run');
    const { cycle, icount, memory, harts, devices } = digest;
    this.#digests.push({ events: this.totals.events, cycle, icount, memory, harts, devices });
    if (counters !== undefined) this.#counters.push(counters);
    if (this.#digests.count === FLUSH.digests) this.#flush();
  }

  /** Closes the trace. Nothing may follow. */
  end(end: RunEnd): void {
    assert(!this.#closed, 'a second end of the run');
    this.#flush();
    this.#closed = true;
    this.#chunks.writePacked('end', packEnd(end, this.#eventsBefore));
    this.#chunks.close(this.totals);
  }

  /** Writes all pending records: inputs first, so that a trace that ends here replays. */
  #flush(): void {
    if (this.#inputs.count > 0) {
      const span = this.#inputs.span;
      const packed = this.#inputs.take(this.#encoder);
      packed.set('bytes', concatenate(this.#inputParts));
      this.#inputParts = [];
      this.#pendingInputBytes = 0;
      this.#chunks.writePacked('inputs', packed, span);
    }
    if (this.#events.count > 0) {
      const { count, firstCycle, lastCycle } = this.#events;
      const packed = this.#events.take(this.#eventsBefore);
      this.#eventsBefore += count;
      this.#chunks.writePacked('events', packed, { count, firstCycle, lastCycle });
    }
    if (this.#digests.count > 0) {
      const span = this.#digests.span;
      this.#chunks.writePacked('digests', this.#digests.take(this.#encoder), span);
      this.#writeCounters(span.count);
    }
  }

  /** Those of the digests just written, unless nothing was counted. */
  #writeCounters(digestCount: number): void {
    const count = this.#counters.length;
    if (count === 0) return;
    assert(count === digestCount, 'each digest has its counters');
    const rows = new Map([[COUNTER_ROWS_KEY, encodeCounters(this.#counters)]]);
    this.#counters = [];
    this.#chunks.writePacked('counters', rows, { ...NO_SPAN, count });
  }
}

/** Writes one trace to a sink. The header and the images are written at once. */
export class TraceWriter extends RecordWriter {
  /** The parameters are those of {@link beginTrace}. */
  constructor(...parts: Parameters<typeof beginTrace>) {
    super(beginTrace(...parts));
  }
}

/** Inputs or digests of the chunk that is being gathered. */
class RecordBuffer {
  readonly #group: ColumnGroup;
  #firstCycle = 0;
  #lastCycle = 0;
  count = 0;
  total = 0;

  constructor(group: ColumnGroup) {
    this.#group = group;
  }

  push(record: Readonly<Record<string, number | bigint>> & { readonly cycle: number }): void {
    this.#group.push(record);
    if (this.count === 0) this.#firstCycle = record.cycle;
    this.#lastCycle = record.cycle;
    this.count += 1;
    this.total += 1;
  }

  get span(): ChunkSpan {
    return { count: this.count, firstCycle: this.#firstCycle, lastCycle: this.#lastCycle };
  }

  take(encoder: ColumnEncoder): ReturnType<typeof packTable> {
    const head = { first: this.total - this.count, count: this.count };
    const packed = packTable(head, [], [[SHARED_GROUP, this.#group.take(encoder)]]);
    this.count = 0;
    return packed;
  }
}
