/**
 * What the verbs need of the process around them, so that tests can run the same verbs with streams of their own. Files are not
 * behind it: tests have real ones.
 */

import type { EngineCodeStore } from '../../machine/machine-types.ts';
import type { RegionCompiler } from '../../machine/region-compiler.ts';
import type { StartTraceThread } from './trace-thread.ts';

/** Where text and guest output go. */
export interface Output {
  readonly isTerminal: boolean;
  /** Whether whoever read it is gone: what is written now is lost. */
  readonly isClosed: boolean;
  /** Why it is closed, if it was not the reader who went away. */
  readonly failure: string | undefined;
  write(data: string | Uint8Array): void;
  /** Resolves when what was written has been taken, or the reader is gone. */
  drained(): Promise<void>;
}

/**
 * What standard input is. `terminal`: somebody types; `stream`: a pipe or socket, which may still bring something; `file`: all of it is
 * there; `none`: closed, or a device such as /dev/null.
 */
export type InputKind = 'terminal' | 'stream' | 'file' | 'none';

export interface InputHandlers {
  readonly data: (bytes: Uint8Array) => void;
  readonly end: () => void;
}

export interface Input {
  readonly kind: InputKind;
  /** Reads as bytes come; a terminal goes into raw mode. */
  open(handlers: InputHandlers): void;
  /** Stops reading and gives the terminal back. */
  close(): void;
  /** Everything up to the end. */
  readAll(): Promise<Uint8Array>;
}

/** A worker of the host that runs jobs, one at a time. Jobs and their outcomes are plain data. */
export interface JobWorker {
  /** Rejects with what the job threw, or if the worker is gone. */
  run(job: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface Host {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds since the process began. */
  nowMs(): number;
  /** Milliseconds of processor time that the process has used. */
  processorMs(): number;
  /** Calls `handler` for each SIGINT and SIGTERM until the returned function is called. */
  onInterrupt(handler: (signal: string) => void): () => void;
  /** Lets timers, input and signals have their turn. */
  pause(): Promise<void>;
  /** The program of the report's page, as the build bundles it. */
  reportProgram(): string;
  /** Code of the engine that came with the program. */
  engineCode: EngineCodeStore;
  /** Whether the environment says that this is continuous integration (`CI`), where nothing is accepted. */
  readonly isCi: boolean;
  /** Workers that are worth starting. */
  readonly parallelism: number;
  /** Starts the command with these arguments in a worker. Undefined: the host has none. */
  readonly startWorker?: (args: readonly string[]) => Promise<JobWorker>;
  /** In a worker: answers jobs until it is stopped. Throws `usage.option` anywhere else. */
  readonly serveJobs?: (answer: (job: unknown) => unknown) => Promise<void>;
  /** A thread that translates; undefined if there is none. @param onFailure told why, if it ends before the process does */
  regionCompiler(onFailure: (reason: string) => void): RegionCompiler | undefined;
  /** Starts a thread that makes a trace; undefined if there is none. */
  readonly startTraceThread?: StartTraceThread | undefined;
  /** Ends the process at once. */
  exitNow(code: number): void;
}
