/**
 * Writes a trace as a run goes on: append-only and with bounded memory. When a chunk is written follows from the run alone
 * (`FLUSH` in the schema), so that a replay of the run writes the same bytes.
 */
import { type Crc32, crc32 } from '../crc32.ts';
import { type ByteSink, ChunkWriter } from './chunk-writer.ts';
import { ColumnEncoder } from './columns.ts';
import { EventCoder } from './event-coder.ts';
import { type EventRoom, type GatheredEvents, makeEventRoom } from './event-gatherer.ts';
import { packEnd, packHeader } from './header.ts';
import type { EmbeddedImage } from './images.ts';
import { type BatchTaker, type RecordBatch, RecordGatherer } from './record-batch.ts';
import { writeDigests, writeInputs } from './record-chunks.ts';
import { FLUSH, type TraceHeader, type TraceTotals } from './schema.ts';

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
  #room: EventRoom | undefined;
  #totals: TraceTotals;

  /**
   * @param chunks of a trace that has begun
   * @param before records that it holds
   */
  constructor(chunks: ChunkWriter, before: TraceTotals = NO_TOTALS) {
    this.#chunks = chunks;
    this.#totals = before;
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#chunks.bytesWritten;
  }

  /** Records written so far. A writer that is given them goes on in the place of this one. */
  get totals(): TraceTotals {
    return this.#totals;
  }

  /** Always the same: a batch is written when it is taken. */
  room(): EventRoom {
    this.#room ??= makeEventRoom(FLUSH.events);
    return this.#room;
  }

  /** Writes inputs first, so that a trace that ends after any chunk replays. */
  take({ events, inputs, digests, end }: RecordBatch): void {
    const before = this.#totals;
    if (inputs.length > 0) writeInputs(this.#chunks, this.#encoder, before.inputs, inputs);
    if (events.count > 0) this.#writeEvents(events, before.events);
    if (digests.length > 0) writeDigests(this.#chunks, this.#encoder, before.digests, digests);
    this.#totals = {
      events: before.events + events.count,
      inputs: before.inputs + inputs.length,
      inputBytes: inputs.reduce((sum, { bytes }) => sum + bytes.length, before.inputBytes),
      digests: before.digests + digests.length,
    };
    if (end === undefined) return;
    this.#chunks.writePacked('end', packEnd(end, this.#totals.events));
    this.#chunks.close(this.#totals);
  }

  end(): void {}

  #writeEvents(events: GatheredEvents, first: number): void {
    const { count, room } = events;
    const [firstCycle, lastCycle] = [room.stamps[0] as number, room.stamps[2 * count - 2] as number];
    this.#chunks.writeEvents(this.#coder.code(events, first), { count, firstCycle, lastCycle });
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
