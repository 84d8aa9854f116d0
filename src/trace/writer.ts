/**
 * Writes a trace as a run goes on: append-only and with bounded memory. When a chunk is written follows from the run alone
 * (`FLUSH` in the schema), so that a replay of the run writes the same bytes.
 */
import { assert } from '../assert.ts';
import { EventRow } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { InputRecord, Observer, RunCounters, RunEnd, StateDigest } from '../session/ports.ts';
import { ColumnEncoder } from './columns.ts';
import { encodeCounters } from './counter-rows.ts';
import { EventBuffer } from './event-buffer.ts';
import { encodeFrame, encodePreamble, encodeTail, type StoredPayload, storePayload } from './frame.ts';
import { packEnd, packFields, packHeader } from './header.ts';
import type { EmbeddedImage } from './images.ts';
import { type PackableMap, pack } from './messagepack.ts';
import {
  CHUNK_KINDS,
  type ChunkKind,
  COUNTER_ROWS_KEY,
  DIGEST_COLUMNS,
  FLUSH,
  INDEX_COLUMNS,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
  LIMITS,
  SHARED_GROUP,
  TOTAL_FIELDS,
  type TraceHeader,
  type TraceTotals,
} from './schema.ts';
import { ColumnGroup, NameTable, packTable } from './table.ts';

/** Takes the bytes of the trace in order. Each array is its to keep. */
export type ByteSink = (bytes: Uint8Array) => void;

/** A row of the index. */
interface IndexRow {
  readonly kind: number;
  readonly offset: number;
  readonly count: number;
  readonly firstCycle: number;
  readonly lastCycle: number;
}

const NO_CYCLES = { count: 0, firstCycle: 0, lastCycle: 0 } as const;

/** Writes one trace to a sink. The header and the images are written at once, the closing chunks by {@link TraceWriter.end}. */
export class TraceWriter implements Observer {
  readonly #sink: ByteSink;
  readonly #encoder = new ColumnEncoder(FLUSH.events);
  readonly #names = new NameTable();
  readonly #events = new EventBuffer(FLUSH.events, this.#encoder);
  /** An event that came as an object. */
  readonly #row = new EventRow();
  readonly #inputs = new RecordBuffer(new ColumnGroup(INPUT_COLUMNS, FLUSH.inputs, this.#names));
  readonly #digests = new RecordBuffer(new ColumnGroup(DIGEST_COLUMNS, FLUSH.digests, this.#names));
  readonly #index: IndexRow[] = [];
  #inputParts: Uint8Array[] = [];
  /** Of the digests that are pending. */
  #counters: RunCounters[] = [];
  #pendingInputBytes = 0;
  #chain: number;
  #bytesWritten: number;
  #eventsBefore = 0;
  #inputBytes = 0;
  #closed = false;

  /** @param images the images that the header calls embedded. */
  constructor(sink: ByteSink, header: TraceHeader, images: readonly EmbeddedImage[] = []) {
    this.#sink = sink;
    const preamble = encodePreamble();
    this.#chain = preamble.chain;
    this.#bytesWritten = preamble.bytes.length;
    sink(preamble.bytes);
    this.#writePacked(
      'header',
      packHeader(
        header,
        images.map((image) => image.sha256),
      ),
    );
    for (const image of images) this.#writeChunk('image', image.payload, NO_CYCLES);
  }

  /** Bytes given to the sink so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
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
    this.#writePacked('end', packEnd(end, this.#eventsBefore));
    const before = this.#bytesWritten;
    this.#writePacked('index', this.#packIndex());
    this.#write(encodeTail(this.#bytesWritten - before));
  }

  /** Writes all pending records: inputs first, so that a trace that ends here replays. */
  #flush(): void {
    if (this.#inputs.count > 0) {
      const span = this.#inputs.span;
      const packed = this.#inputs.take(this.#encoder);
      packed.set('bytes', concatenate(this.#inputParts, this.#pendingInputBytes));
      this.#inputParts = [];
      this.#pendingInputBytes = 0;
      this.#writePacked('inputs', packed, span);
    }
    if (this.#events.count > 0) {
      const { count, firstCycle, lastCycle } = this.#events;
      const packed = this.#events.take(this.#eventsBefore);
      this.#eventsBefore += count;
      this.#writePacked('events', packed, { count, firstCycle, lastCycle });
    }
    if (this.#digests.count > 0) {
      const span = this.#digests.span;
      this.#writePacked('digests', this.#digests.take(this.#encoder), span);
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
    this.#writePacked('counters', rows, { ...NO_CYCLES, count });
  }

  #packIndex(): PackableMap {
    const rows = this.#index;
    const group = new ColumnGroup(INDEX_COLUMNS, rows.length, this.#names);
    for (const row of rows) group.push({ ...row });
    const columns = group.take(new ColumnEncoder(rows.length));
    const packed = packTable({ first: 0, count: rows.length }, [], [[SHARED_GROUP, columns]]);
    return packed.set('totals', packFields(TOTAL_FIELDS, this.totals));
  }

  #writePacked(kind: ChunkKind, packed: PackableMap, span: Omit<IndexRow, 'kind' | 'offset'> = NO_CYCLES): void {
    this.#writeChunk(kind, storePayload(pack(packed)), span);
  }

  #writeChunk(kind: ChunkKind, payload: StoredPayload, span: Omit<IndexRow, 'kind' | 'offset'>): void {
    const { code } = CHUNK_KINDS[kind];
    const frame = encodeFrame(code, this.#index.length, this.#chain, payload);
    this.#index.push({ kind: code, offset: this.#bytesWritten, ...span });
    this.#chain = frame.chain;
    this.#write(frame.bytes);
  }

  #write(bytes: Uint8Array): void {
    this.#bytesWritten += bytes.length;
    this.#sink(bytes);
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

  get span(): Omit<IndexRow, 'kind' | 'offset'> {
    return { count: this.count, firstCycle: this.#firstCycle, lastCycle: this.#lastCycle };
  }

  take(encoder: ColumnEncoder): ReturnType<typeof packTable> {
    const head = { first: this.total - this.count, count: this.count };
    const packed = packTable(head, [], [[SHARED_GROUP, this.#group.take(encoder)]]);
    this.count = 0;
    return packed;
  }
}

function concatenate(parts: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const whole = new Uint8Array(lengthBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
