/**
 * The chunks of a trace by kind and content: from its index where the trace is complete, else found by reading what is whole.
 * Either way the list has been checked: order of kinds, running numbers, and the totals.
 */

import { ParatraceError } from '../errors.ts';
import type { InputRecord, Position, RecordPort, RunCounters, StateDigest } from '../session/ports.ts';
import type { ByteSource } from './byte-source.ts';
import { decodeCounters } from './counter-rows.ts';
import { EventChunk } from './event-chunk.ts';
import { corrupt, type FormatVersion, type Frame, readMap } from './frame.ts';
import { unpackEnd, unpackFields } from './header.ts';
import { isMap, MalformedError } from './messagepack.ts';
import {
  CHUNK_KINDS,
  type ChunkKind,
  COUNTER_ROWS_KEY,
  type ColumnSpec,
  DIGEST_COLUMNS,
  FORMAT_VERSION,
  INDEX_COLUMNS,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
  LIMITS,
  OPTIONAL_KIND_FIRST,
  SHARED_GROUP,
  TOTAL_FIELDS,
  type TraceTotals,
} from './schema.ts';
import { Table } from './table.ts';

/** A chunk of the trace. */
export interface ChunkInfo {
  readonly kind: ChunkKind;
  readonly frame: Frame;
  /** Records of this kind in the run before this chunk, and in it. */
  readonly first: number;
  readonly count: number;
  /** Cycles of its first and last record; 0 if it has none. */
  readonly firstCycle: number;
  readonly lastCycle: number;
}

/** An input with the number of events before it. */
export interface RecordedInput extends InputRecord {
  readonly events: number;
}

/** A digest with the number of events before it. */
export interface RecordedDigest extends StateDigest {
  readonly events: number;
}

/** What had been counted at a digest. */
export interface RecordedCounters extends RunCounters, Position {
  /** Events before it. */
  readonly events: number;
}

const KIND_BY_CODE: ReadonlyMap<number, ChunkKind> = new Map(
  (Object.keys(CHUNK_KINDS) as ChunkKind[]).map((kind) => [CHUNK_KINDS[kind].code, kind]),
);
const PORT_BY_CODE = invert(INPUT_PORT_CODES);
const VIA_BY_CODE = invert(INPUT_VIA_CODES);

/** Order in which kinds may begin: a chunk may not follow one of a later stage. */
const STAGE: Readonly<Record<ChunkKind, number>> = {
  header: 0,
  image: 1,
  inputs: 2,
  events: 2,
  digests: 2,
  counters: 2,
  end: 3,
  index: 4,
};

/** The kinds of all chunks, in order. Undefined where the kind is one that may be skipped. Throws `trace.corrupt` and `trace.version`. */
export function chunkKinds(frames: readonly Frame[], version: FormatVersion): (ChunkKind | undefined)[] {
  let stage = -1;
  return frames.map((frame, position) => {
    const kind = KIND_BY_CODE.get(frame.kind);
    if (kind === undefined && frame.kind >= OPTIONAL_KIND_FIRST && position > 0) return undefined;
    if (kind === undefined) {
      const message = `chunk ${position} has kind ${frame.kind}, which is not known`;
      if (version.minor > FORMAT_VERSION.minor)
        throw new ParatraceError('trace.version', message, { offset: frame.offset });
      throw corrupt(message, frame.offset);
    }
    const single = kind === 'header' || kind === 'end';
    if (STAGE[kind] < stage || (single && STAGE[kind] === stage) || (position === 0) !== (kind === 'header')) {
      throw corrupt(`a chunk of kind \`${kind}\` is out of place`, frame.offset);
    }
    stage = STAGE[kind];
    return kind;
  });
}

/**
 * The chunks of a complete trace by its index, which is the last frame, and its totals. Throws `trace.corrupt`.
 * @param fromEvent number of the first event that it holds
 */
export function readIndex(
  source: ByteSource,
  frames: readonly Frame[],
  kinds: readonly (ChunkKind | undefined)[],
  fromEvent: number,
): { readonly chunks: ChunkInfo[]; readonly totals: TraceTotals } {
  const index = frames.at(-1) as Frame;
  return decodeChunk(source, index, (packed) => {
    const rows = new Table(packed, LIMITS.indexRows).rows(SHARED_GROUP, INDEX_COLUMNS);
    if (rows.length !== frames.length - 1) throw new MalformedError(`the index has ${rows.length} rows`);
    if (!isMap(packed.totals)) throw new MalformedError('an index without totals');
    const totals = unpackFields(TOTAL_FIELDS, packed.totals);
    const counts = new ChunkCounter(fromEvent);
    const chunks: ChunkInfo[] = [];
    for (const [position, row] of rows.entries()) {
      const frame = frames[position] as Frame;
      if (row.kind !== frame.kind || row.offset !== frame.offset) {
        throw new MalformedError(`row ${position} of the index is not the chunk that is there`);
      }
      const kind = kinds[position];
      if (kind === undefined) continue;
      const [count, firstCycle, lastCycle] = [row.count, row.firstCycle, row.lastCycle] as number[];
      chunks.push(
        counts.add(kind, frame, { count: count ?? 0, firstCycle: firstCycle ?? 0, lastCycle: lastCycle ?? 0 }),
      );
    }
    for (const kind of ['events', 'inputs', 'digests'] as const) {
      if (counts.of(kind) !== totals[kind]) throw new MalformedError(`the index has ${counts.of(kind)} ${kind}`);
    }
    return { chunks, totals: totals as unknown as TraceTotals };
  });
}

/**
 * The chunks of a trace without an index, by reading each. Ends at the first that is malformed.
 * @param fromEvent number of the first event that it holds
 */
export function rebuildIndex(
  source: ByteSource,
  frames: readonly Frame[],
  kinds: readonly (ChunkKind | undefined)[],
  fromEvent: number,
): { readonly chunks: ChunkInfo[]; readonly problem: ParatraceError | undefined } {
  const counts = new ChunkCounter(fromEvent);
  const chunks: ChunkInfo[] = [];
  for (const [position, frame] of frames.entries()) {
    const kind = kinds[position];
    if (kind === undefined || kind === 'index') continue;
    try {
      chunks.push(counts.add(kind, frame, readSpan(source, frame, kind, counts.next(kind))));
    } catch (error) {
      if (error instanceof ParatraceError) return { chunks, problem: error };
      throw error;
    }
  }
  return { chunks, problem: undefined };
}

/** Decodes a payload, and turns what is malformed into `trace.corrupt` at its chunk. */
export function decodeChunk<T>(
  source: ByteSource,
  frame: Frame,
  decode: (packed: Readonly<Record<string, unknown>>) => T,
): T {
  try {
    return decode(readMap(source, frame));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw corrupt(`chunk ${frame.sequence}: ${error.message}`, frame.offset);
  }
}

/** Inputs of one chunk. Throws {@link MalformedError}. */
export function decodeInputs(packed: Readonly<Record<string, unknown>>, first: number): RecordedInput[] {
  const data = packed.bytes;
  if (!(data instanceof Uint8Array)) throw new MalformedError('inputs without bytes');
  let at = 0;
  const inputs = tableRows(packed, first, INPUT_COLUMNS).map((row) => {
    const lengthBytes = row.lengthBytes as number;
    const port = PORT_BY_CODE.get(row.port as number);
    const via = VIA_BY_CODE.get(row.via as number);
    if (port === undefined || via === undefined) throw new MalformedError('an input with an unknown port or way');
    if (lengthBytes > Math.min(data.length - at, LIMITS.inputBytes)) throw new MalformedError('an input is cut off');
    at += lengthBytes;
    const { events, cycle, icount } = row as Record<string, number>;
    return { events, cycle, icount, port, via, bytes: data.slice(at - lengthBytes, at) } as RecordedInput & {
      port: RecordPort;
    };
  });
  if (at !== data.length) throw new MalformedError('bytes after the last input');
  return inputs;
}

/** Digests of one chunk. Throws {@link MalformedError}. */
export function decodeDigests(packed: Readonly<Record<string, unknown>>, first: number): RecordedDigest[] {
  return tableRows(packed, first, DIGEST_COLUMNS) as unknown as RecordedDigest[];
}

/** Counters of one chunk. Throws {@link MalformedError}. */
export function decodeCounterRows(packed: Readonly<Record<string, unknown>>): RunCounters[] {
  return decodeCounters(packed[COUNTER_ROWS_KEY]);
}

/** Running numbers of the records of each kind. */
class ChunkCounter {
  readonly #counts = new Map<ChunkKind, number>();
  readonly #fromEvent: number;

  constructor(fromEvent: number) {
    this.#fromEvent = fromEvent;
  }

  /** The number of the next record. */
  next(kind: ChunkKind): number {
    return (kind === 'events' ? this.#fromEvent : 0) + this.of(kind);
  }

  of(kind: ChunkKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  add(kind: ChunkKind, frame: Frame, span: { count: number; firstCycle: number; lastCycle: number }): ChunkInfo {
    const first = this.next(kind);
    this.#counts.set(kind, this.of(kind) + span.count);
    return { kind, frame, first, ...span };
  }
}

const EMPTY_SPAN = { count: 0, firstCycle: 0, lastCycle: 0 } as const;

function readSpan(
  source: ByteSource,
  frame: Frame,
  kind: ChunkKind,
  first: number,
): Pick<ChunkInfo, 'count' | 'firstCycle' | 'lastCycle'> {
  if (kind === 'events') {
    return decodeChunk(source, frame, (packed) => {
      const chunk = new EventChunk(packed);
      if (chunk.first !== first) throw new MalformedError(`its first event is ${chunk.first}, not ${first}`);
      const { count, cycles } = chunk;
      return { count, firstCycle: cycles[0] ?? 0, lastCycle: cycles[count - 1] ?? 0 };
    });
  }
  if (kind === 'inputs') return spanOf(decodeChunk(source, frame, (packed) => decodeInputs(packed, first)));
  if (kind === 'digests') return spanOf(decodeChunk(source, frame, (packed) => decodeDigests(packed, first)));
  if (kind === 'counters') return { ...EMPTY_SPAN, count: decodeChunk(source, frame, decodeCounterRows).length };
  if (kind === 'end') decodeChunk(source, frame, unpackEnd);
  return EMPTY_SPAN;
}

function spanOf(records: readonly { readonly cycle: number }[]): Pick<ChunkInfo, 'count' | 'firstCycle' | 'lastCycle'> {
  return { count: records.length, firstCycle: records[0]?.cycle ?? 0, lastCycle: records.at(-1)?.cycle ?? 0 };
}

function tableRows(
  packed: Readonly<Record<string, unknown>>,
  first: number,
  specs: readonly ColumnSpec[],
): Record<string, unknown>[] {
  const table = new Table(packed);
  if (table.first !== first) throw new MalformedError(`its first record is ${table.first}, not ${first}`);
  return table.rows(SHARED_GROUP, specs);
}

function invert<T extends string>(codes: Readonly<Record<T, number>>): ReadonlyMap<number, T> {
  return new Map((Object.keys(codes) as T[]).map((name) => [codes[name], name]));
}
