/**
 * Reads all of a trace, to say what of it is whole: checksums, then the contents of every chunk, then the digests of the images. Reading for
 * use decodes only what is asked for, and so may not come across a chunk whose checksum is right and whose contents are not.
 */
import { ParatraceError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { corrupt } from './frame.ts';
import { type ChunkInfo, openTrace, type TraceReader } from './reader.ts';
import type { TraceTotals } from './schema.ts';

/** What a trace is worth. */
export interface TraceCheck {
  /** Undefined where not even the header and the images are whole: there is nothing to repair. */
  readonly trace: TraceReader | undefined;
  /** The first thing that is wrong with it; undefined if nothing is. */
  readonly problem: ParatraceError | undefined;
  /** The chunks before that, but for those that may be skipped, and the records in them. */
  readonly whole: readonly ChunkInfo[];
  readonly totals: TraceTotals;
  /** First byte that belongs to none of them. */
  readonly wholeBytes: number;
}

/** @throws ParatraceError `trace.not-a-trace` and `trace.version`: bytes of which nothing can be said. */
export function checkTrace(source: ByteSource, sha256: (bytes: Uint8Array) => string): TraceCheck {
  let trace: TraceReader;
  try {
    trace = openTrace(source, { partial: true });
  } catch (error) {
    const problem = asDamage(error);
    return { trace: undefined, problem, whole: [], totals: NO_TOTALS, wholeBytes: problem.place.offset ?? 0 };
  }
  const wrong = firstWrong(trace, sha256);
  if (wrong === undefined) {
    const { problem, chunks, totals, readableUpTo } = trace;
    return { trace, problem, whole: chunks, totals, wholeBytes: readableUpTo.offset };
  }
  const wholeBytes = wrong.place.offset ?? 0;
  const whole = trace.chunks.filter(({ frame }) => frame.offset < wholeBytes);
  const lacksImages = whole.filter(({ kind }) => kind === 'image').length < trace.imageOfChunk.length;
  return {
    trace: lacksImages ? undefined : trace,
    problem: wrong,
    whole,
    totals: totalsOf(trace, whole),
    wholeBytes,
  };
}

const NO_TOTALS: TraceTotals = { events: 0, inputs: 0, inputBytes: 0, digests: 0 };

/** The first chunk whose checksum is right and whose contents are not. */
function firstWrong(trace: TraceReader, sha256: (bytes: Uint8Array) => string): ParatraceError | undefined {
  const problems = [
    damageOf(() => checkImages(trace, sha256)),
    damageOf(() => exhaust(trace.events())),
    damageOf(() => exhaust(trace.inputs())),
    damageOf(() => exhaust(trace.digests())),
    damageOf(() => exhaust(trace.counters())),
  ].filter((problem) => problem !== undefined);
  return problems.sort((a, b) => (a.place.offset ?? 0) - (b.place.offset ?? 0))[0];
}

function checkImages(trace: TraceReader, sha256: (bytes: Uint8Array) => string): void {
  const chunks = trace.chunks.filter(({ kind }) => kind === 'image');
  for (const digest of trace.embedded) {
    const image = trace.image(digest);
    if (image !== undefined && sha256(image) === digest) continue;
    const chunk = chunks[trace.imageOfChunk.indexOf(digest)];
    throw corrupt(`an embedded image has not the digest ${digest}`, chunk?.frame.offset ?? 0);
  }
}

function totalsOf(trace: TraceReader, whole: readonly ChunkInfo[]): TraceTotals {
  const count = (kind: ChunkInfo['kind']): number =>
    whole.reduce((sum, chunk) => sum + (chunk.kind === kind ? chunk.count : 0), 0);
  const inputs = count('inputs');
  let inputBytes = 0;
  let taken = 0;
  for (const input of inputs === 0 ? [] : trace.inputs()) {
    inputBytes += input.bytes.length;
    taken += 1;
    // Those after it may be what is damaged.
    if (taken === inputs) break;
  }
  return { events: count('events'), inputs, inputBytes, digests: count('digests') };
}

function exhaust(records: Iterable<unknown>): void {
  for (const _ of records);
}

function damageOf(read: () => void): ParatraceError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return asDamage(error);
  }
}

/** An error that says that a trace is damaged; any other is thrown again. */
function asDamage(error: unknown): ParatraceError {
  const isDamage =
    error instanceof ParatraceError && (error.code === 'trace.corrupt' || error.code === 'trace.truncated');
  if (!isDamage) throw error;
  return error;
}
