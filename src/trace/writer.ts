/**
 * Writes a trace as a run goes on: append-only and with bounded memory. When a chunk is written follows from the run alone
 * (`FLUSH` in the schema), so that a replay of the run writes the same bytes.
 */
import { assert } from '../assert.ts';
import { type Crc32, crc32 } from '../crc32.ts';
import { type ByteSink, type ChunkSpan, ChunkWriter, NO_SPAN } from './chunk-writer.ts';
import { ColumnEncoder } from './columns.ts';
import { concatenate } from './concatenate.ts';
import { encodeCounters } from './counter-rows.ts';
import { EventCoder } from './event-coder.ts';
import { type EventRoom, type GatheredEvents, makeEventRoom } from './event-gatherer.ts';
import { packEnd, packHeader } from './header.ts';
import type { EmbeddedImage } from './images.ts';
import {
  type BatchTaker,
  type GatheredDigest,
  type GatheredInput,
  type RecordBatch,
  RecordGatherer,
} from './record-batch.ts';
import {
  COUNTER_ROWS_KEY,
  type ColumnSpec,
  DIGEST_COLUMNS,
  FLUSH,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
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

/** Writes batches of records after what {@link beginTrace} wrote, and the closing chunks after the last of them. */
export class BatchWriter implements BatchTaker {
  readonly #chunks: ChunkWriter;
  readonly #encoder = new ColumnEncoder(FLUSH.events);
  readonly #coder = new EventCoder(FLUSH.events, this.#encoder);
  readonly #inputs = new RecordBuffer(INPUT_COLUMNS, FLUSH.inputs);
  readonly #digests = new RecordBuffer(DIGEST_COLUMNS, FLUSH.digests);
  #room: EventRoom | undefined;
  #events: number;
  #inputBytes: number;

  /**
   * @param chunks of a trace that has begun
   * @param before records that it holds
   */
  constructor(chunks: ChunkWriter, before: TraceTotals = NO_TOTALS) {
    this.#chunks = chunks;
    this.#events = before.events;
    this.#inputs.total = before.inputs;
    this.#inputBytes = before.inputBytes;
    this.#digests.total = before.digests;
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#chunks.bytesWritten;
  }

  /** Records written so far. A writer that is given them goes on in the place of this one. */
  get totals(): TraceTotals {
    const inputs = this.#inputs.total;
    return { events: this.#events, inputs, inputBytes: this.#inputBytes, digests: this.#digests.total };
  }

  /** Always the same: a batch is written when it is taken. */
  room(): EventRoom {
    this.#room ??= makeEventRoom(FLUSH.events);
    return this.#room;
  }

  /** Writes inputs first, so that a trace that ends after any chunk replays. */
  take({ events, inputs, digests, end }: RecordBatch): void {
    if (inputs.length > 0) this.#writeInputs(inputs);
    if (digests.length > 0) this.#gatherDigests(digests);
    if (events.count > 0) this.#writeEvents(events);
    if (digests.length > 0) this.#writeDigests(digests);
    if (end === undefined) return;
    this.#chunks.writePacked('end', packEnd(end, this.#events));
    this.#chunks.close(this.totals);
  }

  end(): void {}

  #writeInputs(inputs: readonly GatheredInput[]): void {
    const buffer = this.#inputs;
    for (const { events, input } of inputs) {
      const { cycle, icount, port, via, bytes } = input;
      buffer.push({
        events: this.#events + events,
        cycle,
        icount,
        port: INPUT_PORT_CODES[port],
        via: INPUT_VIA_CODES[via],
        lengthBytes: bytes.length,
      });
      this.#inputBytes += bytes.length;
    }
    const { span } = buffer;
    const packed = buffer.take(this.#encoder);
    packed.set('bytes', concatenate(inputs.map(({ input }) => input.bytes)));
    this.#chunks.writePacked('inputs', packed, span);
  }

  #writeEvents(events: GatheredEvents): void {
    const { count, stamps } = events;
    const packed = this.#coder.code(events, this.#events);
    this.#events += count;
    const [firstCycle, lastCycle] = [stamps[0] as number, stamps[2 * count - 2] as number];
    this.#chunks.writePacked('events', packed, { count, firstCycle, lastCycle });
  }

  /** Before the events are written, which they lie between. */
  #gatherDigests(digests: readonly GatheredDigest[]): void {
    for (const { events, digest } of digests) {
      const { cycle, icount, memory, harts, devices } = digest;
      this.#digests.push({ events: this.#events + events, cycle, icount, memory, harts, devices });
    }
  }

  #writeDigests(digests: readonly GatheredDigest[]): void {
    const { span } = this.#digests;
    this.#chunks.writePacked('digests', this.#digests.take(this.#encoder), span);
    const counters = digests.map((digest) => digest.counters).filter((row) => row !== undefined);
    if (counters.length === 0) return;
    assert(counters.length === digests.length, 'each digest has its counters');
    const rows = new Map([[COUNTER_ROWS_KEY, encodeCounters(counters)]]);
    this.#chunks.writePacked('counters', rows, { ...NO_SPAN, count: counters.length });
  }
}

/** Writes the records of one trace as they come, after what {@link beginTrace} wrote. */
export class RecordWriter extends RecordGatherer {
  readonly #writer: BatchWriter;

  /** @param chunks of a trace that has begun */
  constructor(chunks: ChunkWriter) {
    const writer = new BatchWriter(chunks);
    super(writer);
    this.#writer = writer;
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#writer.bytesWritten;
  }
}

/** Writes one trace to a sink. The header and the images are written at once. */
export class TraceWriter extends RecordWriter {
  /** The parameters are those of {@link beginTrace}. */
  constructor(...parts: Parameters<typeof beginTrace>) {
    super(beginTrace(...parts));
  }
}

/** Inputs or digests of the chunk that is being made. */
class RecordBuffer {
  readonly #group: ColumnGroup;
  #firstCycle = 0;
  #lastCycle = 0;
  count = 0;
  total = 0;

  constructor(columns: readonly ColumnSpec[], capacity: number) {
    this.#group = new ColumnGroup(columns, capacity, new NameTable());
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
