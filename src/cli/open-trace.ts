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
export function checkHasAllEvents(path: string, { header, eventsOfRun }: TraceReader): void {
  const { excerpt } = header;
  // What was repaired begins where the run does, and says by itself that its end is missing.
  if (excerpt === undefined || (excerpt.fromEvent === 0 && eventsOfRun === undefined)) return;
  const { fromEvent, toEvent } = excerpt;
  const held = fromEvent === toEvent ? 'no events' : `events ${fromEvent} to ${toEvent - 1} only`;
  throw new ParatraceError('trace.excerpt', `the trace holds ${held}`, { file: path });
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
