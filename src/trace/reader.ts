import { ParatraceError } from '../errors.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { RunEnd } from '../session/ports.ts';
import { type ByteSource, memorySource } from './byte-source.ts';
import {
  type ChunkInfo,
  chunkKinds,
  decodeChunk,
  decodeCounterRows,
  decodeDigests,
  decodeInputs,
  type RecordedCounters,
  type RecordedDigest,
  type RecordedInput,
  readIndex,
  rebuildIndex,
} from './chunk-list.ts';
import { checkCount, countersAt, openEvents, readImage, selectEvents } from './chunk-records.ts';
import { concatenate } from './concatenate.ts';
import { type EventFilter, EventSelection, lowerBound } from './event-filter.ts';
import { corrupt, type FormatVersion, type Frame, type FrameScan, type StoredPayload, scanFrames } from './frame.ts';
import { unpackEnd, unpackHeader } from './header.ts';
import { ChunkRows, RecordedRows } from './recorded-rows.ts';
import { CHUNK_KINDS, PREAMBLE_BYTES, type TraceHeader, type TraceTotals } from './schema.ts';

export type { ByteSource } from './byte-source.ts';
export type { ChunkInfo, RecordedCounters, RecordedDigest, RecordedInput } from './chunk-list.ts';
export type { EventFilter } from './event-filter.ts';

export interface OpenOptions {
  /** Read a trace that is cut off or damaged up to its last whole chunk instead of throwing: see {@link TraceReader.problem}. */
  readonly partial?: boolean;
}

/** How far a trace can be read. */
export interface ReadableUpTo {
  /** First byte that is not part of a whole chunk. */
  readonly offset: number;
  /** Events before it, and the cycle of the last record before it. */
  readonly events: number;
  readonly cycle: number;
}

/** An open trace. */
export interface TraceReader {
  readonly version: FormatVersion;
  readonly header: TraceHeader;
  /** SHA-256 of the embedded images, each once, in order. */
  readonly embedded: readonly string[];
  /** SHA-256 of the image of each image chunk, in order: one for each part of an image. */
  readonly imageOfChunk: readonly string[];
  readonly chunks: readonly ChunkInfo[];
  readonly totals: TraceTotals;
  /** How the run ended; undefined if that is not in the readable part. */
  readonly end: RunEnd | undefined;
  /** Events of the whole run, of which an excerpt holds fewer; undefined without `end`. */
  readonly eventsOfRun: number | undefined;
  /** What is wrong with the trace; only ever set when opened with `partial`. */
  readonly problem: ParatraceError | undefined;
  readonly readableUpTo: ReadableUpTo;
  /** Events in order. Throws `trace.corrupt` where a chunk with right checksums holds what cannot be. */
  events(filter?: EventFilter): Generator<VmEvent, void, undefined>;
  /** All events in order, to be compared: much faster than objects. Throws as `events` does. */
  rows(): RecordedRows;
  inputs(): Generator<RecordedInput, void, undefined>;
  digests(): Generator<RecordedDigest, void, undefined>;
  /** What had been counted at each digest; nothing in a trace that was made without (format 1.0). */
  counters(): Generator<RecordedCounters, void, undefined>;
  /** The bytes of an embedded image, or undefined. */
  image(sha256: string): Uint8Array | undefined;
  /** The number of the first event that is in the trace and at or after a cycle or an instruction count; one past the last if none is. */
  eventAt(clock: 'cycle' | 'icount', value: number): number;
  /** The payload of a chunk as it stands in the file. */
  stored(chunk: ChunkInfo): StoredPayload;
}

/**
 * Opens a trace that lies in memory, or anywhere else that bytes can be read from: then a chunk at a time is in memory.
 * Throws `trace.not-a-trace`, `trace.version`, `trace.truncated` and `trace.corrupt`. With `partial` the latter two only if not even the
 * header and the embedded images are whole, or if chunks whose checksums are right contradict each other.
 */
export function openTrace(bytes: Uint8Array | ByteSource, options: OpenOptions = {}): TraceReader {
  const source = bytes instanceof Uint8Array ? memorySource(bytes) : bytes;
  const scan = scanFrames(source, (kind) => kind === CHUNK_KINDS.index.code);
  if (scan.problem !== undefined && options.partial !== true) throw scan.problem;
  return new SourceTrace(source, scan, options);
}

class SourceTrace implements TraceReader {
  readonly version: FormatVersion;
  readonly header: TraceHeader;
  readonly embedded: readonly string[];
  readonly imageOfChunk: readonly string[];
  readonly chunks: readonly ChunkInfo[];
  readonly totals: TraceTotals;
  readonly end: RunEnd | undefined;
  readonly problem: ParatraceError | undefined;
  readonly eventsOfRun: number | undefined;
  readonly #source: ByteSource;

  constructor(source: ByteSource, { version, frames, problem }: FrameScan, options: OpenOptions) {
    this.#source = source;
    this.version = version;
    const headerFrame = frames[0];
    if (headerFrame === undefined) throw problem ?? corrupt('a trace without a header', PREAMBLE_BYTES);
    const kinds = chunkKinds(frames, version);
    const { header, embedded } = decodeChunk(source, headerFrame, unpackHeader);
    this.header = header;
    this.imageOfChunk = embedded;
    this.embedded = [...new Set(embedded)];
    const fromEvent = header.excerpt?.fromEvent ?? 0;
    const listed = problem ?? this.#readIndex(frames, kinds, options.partial === true);
    if (listed instanceof ParatraceError) {
      const rebuilt = rebuildIndex(source, frames, kinds, fromEvent);
      this.chunks = rebuilt.chunks;
      this.problem = rebuilt.problem ?? listed;
      this.totals = this.#countTotals();
    } else {
      this.chunks = listed.chunks;
      this.totals = listed.totals;
      this.problem = undefined;
    }
    this.#checkImages();
    const end = this.#readEnd();
    this.end = end?.end;
    this.eventsOfRun = end?.events;
  }

  get readableUpTo(): ReadableUpTo {
    const last = this.chunks.at(-1) as ChunkInfo;
    const problemOffset = last.frame.payloadOffset + last.frame.storedBytes;
    const cycle = this.chunks.reduce((highest, chunk) => Math.max(highest, chunk.lastCycle), this.end?.cycle ?? 0);
    const offset = this.problem === undefined ? this.#source.sizeBytes : problemOffset;
    return { offset, events: this.totals.events, cycle };
  }

  *events(filter: EventFilter = {}): Generator<VmEvent, void, undefined> {
    const { fromIcount, fromEvent = 0 } = filter;
    // The index has no instruction counts, but a search in it is short.
    const first = fromIcount === undefined ? fromEvent : Math.max(fromEvent, this.eventAt('icount', fromIcount));
    const selection = new EventSelection({ ...filter, fromEvent: first });
    for (const info of this.chunks) {
      if (info.kind !== 'events' || selection.isAfter(info)) continue;
      if (selection.isBefore(info)) return;
      const chunk = this.#decode(info, (packed) => openEvents(packed, info));
      const events = selectEvents(info, chunk, selection, this.version);
      // One generator only: one for each layer takes longer than making the events.
      for (let index = 0; index < events.length; index += 1) yield events[index] as VmEvent;
      if (selection.endsIn(chunk)) return;
    }
  }

  rows(): RecordedRows {
    return new RecordedRows(this.#chunkRows());
  }

  *inputs(): Generator<RecordedInput, void, undefined> {
    for (const info of this.chunks) {
      if (info.kind !== 'inputs') continue;
      yield* this.#decode(info, (packed) => checkCount(decodeInputs(packed, info.first), info));
    }
  }

  *digests(): Generator<RecordedDigest, void, undefined> {
    for (const info of this.chunks) {
      if (info.kind !== 'digests') continue;
      yield* this.#decode(info, (packed) => checkCount(decodeDigests(packed, info.first), info));
    }
  }

  *counters(): Generator<RecordedCounters, void, undefined> {
    let digests: readonly RecordedDigest[] = [];
    for (const info of this.chunks) {
      if (info.kind === 'digests') {
        digests = this.#decode(info, (packed) => checkCount(decodeDigests(packed, info.first), info));
      } else if (info.kind === 'counters') {
        const rows = this.#decode(info, (packed) => checkCount(decodeCounterRows(packed), info));
        yield* this.#decode(info, () => rows.map((row, index) => countersAt(row, digests[index])));
      }
    }
  }

  image(sha256: string): Uint8Array | undefined {
    const infos = this.chunks.filter(({ kind }) => kind === 'image');
    const parts = infos.filter((_, position) => this.imageOfChunk[position] === sha256);
    if (parts.length === 0) return undefined;
    return concatenate(parts.map((info) => this.#decode(info, (packed) => readImage(packed, sha256))));
  }

  eventAt(clock: 'cycle' | 'icount', value: number): number {
    const infos = this.chunks.filter(({ kind, count }) => kind === 'events' && count > 0);
    let found = (this.header.excerpt?.fromEvent ?? 0) + this.totals.events;
    // Chunks are in order: what is wanted is in the last one whose first event is too early, or it is the event after that chunk.
    let [low, high] = [0, infos.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const info = infos[middle] as ChunkInfo;
      const { cycles, icounts } = this.#decode(info, (packed) => openEvents(packed, info));
      const row = lowerBound(clock === 'cycle' ? cycles : icounts, value);
      if (row < info.count) found = info.first + row;
      if (row > 0 && row < info.count) break;
      if (row === 0) high = middle;
      else low = middle + 1;
    }
    return found;
  }

  stored({ frame }: ChunkInfo): StoredPayload {
    const { coding, rawBytes, payloadOffset, storedBytes } = frame;
    return { coding, rawBytes, stored: this.#source.read(payloadOffset, storedBytes) };
  }

  *#chunkRows(): Generator<ChunkRows, void, undefined> {
    for (const info of this.chunks) {
      if (info.kind !== 'events') continue;
      yield this.#decode(info, (packed) => new ChunkRows(openEvents(packed, info)));
    }
  }

  /** The chunks by the index, or what is wrong with it where another way to find them is wanted. */
  #readIndex(
    frames: readonly Frame[],
    kinds: ReturnType<typeof chunkKinds>,
    partial: boolean,
  ): ReturnType<typeof readIndex> | ParatraceError {
    try {
      return readIndex(this.#source, frames, kinds, this.header.excerpt?.fromEvent ?? 0);
    } catch (error) {
      if (partial && error instanceof ParatraceError) return error;
      throw error;
    }
  }

  #decode<T>(info: ChunkInfo, decode: (packed: Readonly<Record<string, unknown>>) => T): T {
    return decodeChunk(this.#source, info.frame, decode);
  }

  #checkImages(): void {
    const images = this.chunks.filter((chunk) => chunk.kind === 'image');
    const { length } = this.imageOfChunk;
    if (images.length === length) return;
    if (this.problem !== undefined && images.length < length) throw this.problem;
    throw corrupt(`${images.length} image chunks where the header names ${length}`, PREAMBLE_BYTES);
  }

  #readEnd(): { readonly end: RunEnd; readonly events: number } | undefined {
    const { excerpt } = this.header;
    const held = excerpt === undefined ? undefined : excerpt.toEvent - excerpt.fromEvent;
    if (held !== undefined && this.totals.events !== held && this.problem === undefined) {
      throw corrupt(`the trace holds ${this.totals.events} events of an excerpt of ${held}`, PREAMBLE_BYTES);
    }
    const info = this.chunks.find((chunk) => chunk.kind === 'end');
    if (info === undefined) return undefined;
    const found = this.#decode(info, unpackEnd);
    const right = excerpt === undefined ? found.events === this.totals.events : found.events >= excerpt.toEvent;
    if (!right) {
      const message = `the run ended after ${found.events} events; the trace holds ${this.totals.events}`;
      throw corrupt(message, info.frame.offset);
    }
    return found;
  }

  /** Totals of a trace without an index. */
  #countTotals(): TraceTotals {
    const count = (kind: ChunkInfo['kind']): number =>
      this.chunks.reduce((sum, chunk) => sum + (chunk.kind === kind ? chunk.count : 0), 0);
    let inputBytes = 0;
    for (const input of this.inputs()) inputBytes += input.bytes.length;
    return { events: count('events'), inputs: count('inputs'), inputBytes, digests: count('digests') };
  }
}
