/** Opens a trace file for a verb that can show the part of a damaged trace that is whole, and says that it is not. */
import { EXIT_CODE, type ExitCode, formatError, ParatraceError } from '../errors.ts';
import { openTrace, type TraceReader } from '../trace/reader.ts';
import { readFile } from './host/files.ts';
import type { Host } from './host/host.ts';

/** @throws ParatraceError if the file cannot be read, or not even the header of the trace is whole. */
export function openTraceFile(path: string): TraceReader {
  const bytes = readFile(path);
  return inFile(path, () => openTrace(bytes, { partial: true }));
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
