/**
 * Reads a trace from where bytes come later: a file that is opened asynchronously, a `Blob`, a server that gives ranges. Only what is asked for
 * is read: the closing index and the header when it is opened, then chunk by chunk. Each chunk that is read is checked by its
 * checksum and against the index; that no other was put in its place is checked by `openTrace` alone, which reads all of them.
 */
import type { VmEvent } from '../hypervisor/events.ts';
import type { RunEnd } from '../session/ports.ts';
import type { ByteSource } from './byte-source.ts';
import {
  type ChunkInfo,
  chunkKinds,
  decodeChunk,
  decodeDigests,
  decodeInputs,
  type RecordedDigest,
  type RecordedInput,
  readIndex,
} from './chunk-list.ts';
import { checkCount, openEvents, readImage, selectEvents } from './chunk-records.ts';
import { concatenate } from './concatenate.ts';
import { type EventFilter, EventSelection } from './event-filter.ts';
import { corrupt, type FormatVersion, type Frame, findIndex, readLoneFrame, readPreamble } from './frame.ts';
import { unpackEnd, unpackHeader } from './header.ts';
import {
  CHUNK_KINDS,
  FRAME_BYTES,
  INDEX_COLUMNS,
  LIMITS,
  PREAMBLE_BYTES,
  SHARED_GROUP,
  TAIL_BYTES,
  type TraceHeader,
  type TraceTotals,
} from './schema.ts';
import { Table } from './table.ts';

/** Where bytes come later. */
export interface AsyncByteSource {
  readonly sizeBytes: number;
  /** `lengthBytes` bytes from `offset` on, which lie inside the source; exactly as many. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array> | Uint8Array;
}

/** An open trace, read as it is asked for. Everything is as in `TraceReader`, but later. */
export interface AsyncTraceReader {
  readonly version: FormatVersion;
  readonly header: TraceHeader;
  /** SHA-256 of the embedded images, each once, in order. */
  readonly embedded: readonly string[];
  readonly totals: TraceTotals;
  /** How the run ended; undefined in an excerpt without its end. */
  readonly end: RunEnd | undefined;
  /** Events in order. Throws `trace.corrupt` where a chunk is not what the index says. */
  events(filter?: EventFilter): AsyncGenerator<VmEvent, void, undefined>;
  inputs(): AsyncGenerator<RecordedInput, void, undefined>;
  digests(): AsyncGenerator<RecordedDigest, void, undefined>;
  image(sha256: string): Promise<Uint8Array | undefined>;
  /** The number of the first event at or after a cycle or an instruction count; one past the last if there is none. */
  eventAt(clock: 'cycle' | 'icount', value: number): Promise<number>;
}

/**
 * Opens a complete trace.
 * Throws `trace.not-a-trace`, `trace.version`, `trace.corrupt`, and `trace.truncated` for one that has no closing index: `openTrace` reads
 * what is whole of it.
 */
export async function openTraceAsync(source: AsyncByteSource): Promise<AsyncTraceReader> {
  const version = readPreamble(await part(source, 0, Math.min(source.sizeBytes, PREAMBLE_BYTES)));
  const tailBytes = Math.min(source.sizeBytes, TAIL_BYTES);
  const indexOffset = findIndex(await part(source, source.sizeBytes - tailBytes, tailBytes));
  const index = await part(source, indexOffset, source.sizeBytes - TAIL_BYTES - indexOffset);
  const frames = listFrames(index, indexOffset);
  const kinds = chunkKinds(frames, version);
  const headerPart = await chunkPart(source, frames, 0);
  const { header, embedded } = decodeChunk(headerPart, loneFrame(headerPart, frames, 0), unpackHeader);
  const { chunks, totals } = readIndex(index, frames, kinds, header.excerpt?.fromEvent ?? 0);
  const trace = new LaterTrace({ source, version, header, embedded, frames, chunks, totals });
  await trace.readEnd();
  return trace;
}

interface Opened {
  readonly source: AsyncByteSource;
  readonly version: FormatVersion;
  readonly header: TraceHeader;
  readonly embedded: readonly string[];
  readonly frames: readonly Frame[];
  readonly chunks: readonly ChunkInfo[];
  readonly totals: TraceTotals;
}

class LaterTrace implements AsyncTraceReader {
  readonly version: FormatVersion;
  readonly header: TraceHeader;
  readonly embedded: readonly string[];
  readonly totals: TraceTotals;
  end: RunEnd | undefined;
  readonly #opened: Opened;

  constructor(opened: Opened) {
    this.#opened = opened;
    this.version = opened.version;
    this.header = opened.header;
    this.embedded = [...new Set(opened.embedded)];
    this.totals = opened.totals;
  }

  async readEnd(): Promise<void> {
    const info = this.#opened.chunks.find(({ kind }) => kind === 'end');
    if (info !== undefined) this.end = (await this.#decode(info, unpackEnd)).end;
  }

  async *events(filter: EventFilter = {}): AsyncGenerator<VmEvent, void, undefined> {
    const { fromIcount, fromEvent = 0 } = filter;
    const first = fromIcount === undefined ? fromEvent : Math.max(fromEvent, await this.eventAt('icount', fromIcount));
    const selection = new EventSelection({ ...filter, fromEvent: first });
    for (const info of this.#opened.chunks) {
      if (info.kind !== 'events' || selection.isAfter(info)) continue;
      if (selection.isBefore(info)) return;
      const chunk = await this.#decode(info, (packed) => openEvents(packed, info));
      yield* selectEvents(info, chunk, selection, this.version);
      if (selection.endsIn(chunk)) return;
    }
  }

  async *inputs(): AsyncGenerator<RecordedInput, void, undefined> {
    for (const info of this.#opened.chunks) {
      if (info.kind !== 'inputs') continue;
      yield* await this.#decode(info, (packed) => checkCount(decodeInputs(packed, info.first), info));
    }
  }

  async *digests(): AsyncGenerator<RecordedDigest, void, undefined> {
    for (const info of this.#opened.chunks) {
      if (info.kind !== 'digests') continue;
      yield* await this.#decode(info, (packed) => checkCount(decodeDigests(packed, info.first), info));
    }
  }

  async image(sha256: string): Promise<Uint8Array | undefined> {
    const infos = this.#opened.chunks.filter(({ kind }) => kind === 'image');
    const parts: Uint8Array[] = [];
    for (const [position, info] of infos.entries()) {
      if (this.#opened.embedded[position] !== sha256) continue;
      parts.push(await this.#decode(info, (packed) => readImage(packed, sha256)));
    }
    return parts.length === 0 ? undefined : concatenate(parts);
  }

  async eventAt(clock: 'cycle' | 'icount', value: number): Promise<number> {
    const infos = this.#opened.chunks.filter(({ kind, count }) => kind === 'events' && count > 0);
    const at = clock === 'cycle' ? 'fromCycle' : 'fromIcount';
    let [low, high] = [0, infos.length];
    let found = (this.header.excerpt?.fromEvent ?? 0) + this.totals.events;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const info = infos[middle] as ChunkInfo;
      const chunk = await this.#decode(info, (packed) => openEvents(packed, info));
      const { start } = new EventSelection({ [at]: value, fromEvent: info.first }).rows(chunk);
      if (start < info.count) {
        found = info.first + start;
        high = middle;
      } else low = middle + 1;
      if (start > 0 && start < info.count) break;
    }
    return found;
  }

  async #decode<T>(info: ChunkInfo, decode: (packed: Readonly<Record<string, unknown>>) => T): Promise<T> {
    const { source, frames } = this.#opened;
    const position = info.frame.sequence;
    const bytes = await chunkPart(source, frames, position);
    return decodeChunk(bytes, loneFrame(bytes, frames, position), decode);
  }
}

/** Frames as the index has them, that of the index included: what else a frame says is read with its chunk. */
function listFrames(index: ByteSource, indexOffset: number): readonly Frame[] {
  const frame = readLoneFrame(index, indexOffset, sequenceAt(index, indexOffset));
  const rows = decodeChunk(index, frame, (packed) =>
    new Table(packed, LIMITS.indexRows).rows(SHARED_GROUP, INDEX_COLUMNS),
  );
  if (frame.kind !== CHUNK_KINDS.index.code || rows.length !== frame.sequence) {
    throw corrupt('the last chunk is not the index of the trace', indexOffset);
  }
  const offsets = [...rows.map((row) => Number(row.offset)), indexOffset];
  const listed = rows.map((row, sequence): Frame => {
    const [offset, next] = [offsets[sequence] as number, offsets[sequence + 1] as number];
    const storedBytes = next - offset - FRAME_BYTES;
    const isFirst = sequence > 0 || offset === PREAMBLE_BYTES;
    if (storedBytes < 0 || storedBytes > LIMITS.chunkBytes || !isFirst) {
      throw corrupt(`row ${sequence} of the index has a place that it cannot have`, indexOffset);
    }
    const place = { offset, payloadOffset: offset + FRAME_BYTES, storedBytes };
    return { kind: Number(row.kind), coding: 0, sequence, ...place, rawBytes: 0, payloadCrc: 0, chain: 0 };
  });
  return [...listed, frame];
}

/** The number that the frame at an offset says that it has. */
function sequenceAt(source: ByteSource, offset: number): number {
  if (source.sizeBytes - offset < FRAME_BYTES) throw corrupt('the index is shorter than a frame', offset);
  const bytes = source.read(offset, FRAME_BYTES);
  return new DataView(bytes.buffer, bytes.byteOffset, FRAME_BYTES).getUint32(2, true);
}

/** A chunk's own frame, which must be what the index says. */
function loneFrame(bytes: ByteSource, frames: readonly Frame[], position: number): Frame {
  const listed = frames[position] as Frame;
  const frame = readLoneFrame(bytes, listed.offset, position);
  if (frame.kind === listed.kind && frame.storedBytes === listed.storedBytes) return frame;
  throw corrupt(`chunk ${position} is not what the index says`, listed.offset);
}

function chunkPart(source: AsyncByteSource, frames: readonly Frame[], position: number): Promise<ByteSource> {
  const { offset, storedBytes } = frames[position] as Frame;
  return part(source, offset, FRAME_BYTES + storedBytes);
}

/** Bytes that are there now, as a source in which they have their places. */
async function part(source: AsyncByteSource, offset: number, lengthBytes: number): Promise<ByteSource> {
  const bytes = await source.read(offset, lengthBytes);
  if (bytes.length !== lengthBytes) {
    throw corrupt(`the source gave ${bytes.length} bytes where ${lengthBytes} were asked for`, offset);
  }
  return {
    sizeBytes: offset + lengthBytes,
    read: (from, count) => bytes.subarray(from - offset, from - offset + count),
  };
}
