/** Opens a trace file for a verb that can show the part of a damaged trace that is whole, and says that it is not. */
import { EXIT_CODE, type ExitCode, formatError, ParatraceError } from '../errors.ts';
import { openTrace, type TraceReader } from '../trace/reader.ts';
import type { Host } from './host/host.ts';
import { traceSource } from './host/trace-source.ts';

/** @throws ParatraceError if the file cannot be read, or not even the header of the trace is whole. */
export function openTraceFile(path: string): TraceReader {
  const source = traceSource(path);
  return inFile(path, () => openTrace(source, { partial: true }));
}

/** Adds the name of the file to the place of an error. */
export function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    // A divergence is no fault of the file, and carries more than its message.
    throw error instanceof ParatraceError && error.code !== 'replay.diverged' ? withFile(error, path) : error;
  }
}

/**
 * Opens a trace file for a verb that needs all of it.
 * @throws ParatraceError if anything is wrong with it.
 */
export function openWholeTrace(path: string): TraceReader {
  const source = traceSource(path);
  return inFile(path, () => openTrace(source));
}

/**
 * Makes sure that a trace has all events of its run.
 * @throws ParatraceError `trace.excerpt`.
 */
export function checkHasAllEvents(path: string, trace: TraceReader): void {
  const held = partHeld(trace);
  if (held !== undefined) throw new ParatraceError('trace.excerpt', `the trace holds ${held}`, { file: path });
}

/**
 * Makes sure that two traces can be compared: both have all events of their runs, or neither has.
 * @throws ParatraceError `trace.excerpt`.
 */
export function checkBothWhole([left, right]: readonly [string, string], a: TraceReader, b: TraceReader): void {
  const [ofA, ofB] = [partHeld(a), partHeld(b)];
  if ((ofA === undefined) === (ofB === undefined)) return;
  const [part, whole, held] = ofA === undefined ? [right, left, ofB] : [left, right, ofA];
  const message = `the trace holds ${held}, and ${whole} all of its run: both must be whole, or both trimmed`;
  throw new ParatraceError('trace.excerpt', message, { file: part });
}

/** Says which events a trace holds, if not all of its run. */
export function noteExcerpt(host: Host, path: string, trace: TraceReader): void {
  const held = partHeld(trace);
  if (held !== undefined) host.stderr.write(`paratrace: ${path} holds ${held}\n`);
}

/** Which events of its run a trimmed trace holds; undefined for any other. */
function partHeld({ header: { excerpt }, eventsOfRun }: TraceReader): string | undefined {
  // What was repaired begins where the run does, and says by itself that its end is missing.
  if (excerpt === undefined || (excerpt.fromEvent === 0 && eventsOfRun === undefined)) return undefined;
  const { fromEvent, toEvent } = excerpt;
  if (fromEvent === toEvent) return 'no events';
  const all = eventsOfRun === undefined ? '' : ` of ${eventsOfRun}`;
  return `events ${fromEvent} to ${toEvent - 1}${all} only`;
}

/** What is wrong with a trace, for JSON output; undefined if nothing is. */
export function problemOf({ problem, readableUpTo }: TraceReader) {
  if (problem === undefined) return undefined;
  return { code: problem.code, message: problem.message, offset: problem.place.offset, readableUpTo };
}

/** Says that a trace is not whole, and gives the exit code that follows. */
export function reportProblem(host: Host, path: string, { problem, readableUpTo }: TraceReader): ExitCode {
  if (problem === undefined) return EXIT_CODE.ok;
  const { events, cycle } = readableUpTo;
  const what = formatError(withFile(problem, path));
  host.stderr.write(`paratrace: ${what}\n  shown: the whole part, ${events} events up to cycle ${cycle}\n`);
  return problem.exitCode;
}

function withFile(error: ParatraceError, file: string): ParatraceError {
  return new ParatraceError(error.code, error.message, { file, ...error.place });
}
