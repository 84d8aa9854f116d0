/**
 * Threads of the command start one after the other, and under V8's own settings as far as they can (`compiler-flags.ts`): some are read when a
 * thread is made, they hold for the whole process, and the thread that translates wants others than one that makes a trace.
 */
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { keepBaseline, readBranchHints } from './compiler-flags.ts';

/** A thread has read what it wants of its settings this long after it has got its limits, in milliseconds; V8 takes a tenth of that. */
const READ_MS = 1;

let starting: ThreadStart | undefined;

class ThreadStart {
  readonly over: Promise<void>;
  readonly #worker: Worker;
  #hasBaseline: boolean;
  /** When it was first seen that the thread has got its limits, just before V8 makes its heap and compilers. */
  #limitedAt: number | undefined;

  constructor(worker: Worker, hasBaseline: boolean) {
    this.#worker = worker;
    this.#hasBaseline = hasBaseline;
    this.over = new Promise((resolve) => {
      const done = () => {
        // A thread that ends later is none of the next one's affair.
        worker.off('online', done);
        worker.off('exit', done);
        starting = undefined;
        this.#settingsRead();
        readBranchHints(process.versions.v8);
        resolve();
      };
      worker.once('online', done);
      worker.once('exit', done);
    });
  }

  look(): void {
    if (!this.#hasBaseline) return;
    const now = performance.now();
    if ((this.#worker.resourceLimits?.maxOldGenerationSizeMb ?? 0) > 0) this.#limitedAt ??= now;
    if (now - (this.#limitedAt ?? now) >= READ_MS) this.#settingsRead();
  }

  #settingsRead(): void {
    if (this.#hasBaseline) keepBaseline(false);
    this.#hasBaseline = false;
  }
}

/** Whether a thread may not have read its settings yet. */
export function isThreadStarting(): boolean {
  return starting !== undefined;
}

/** Resolves when no thread is starting. */
export async function threadsStarted(): Promise<void> {
  while (starting !== undefined) await starting.over;
}

/** To be called now and then while a thread starts: settings go back to V8's own as soon as it has read them, not only when it runs. */
export function lookAfterStart(): void {
  starting?.look();
}

/**
 * Starts a thread that has no environment and keeps what it prints to itself. Not while another one starts.
 * @param program path of what it runs
 * @param hasBaseline whether its JavaScript is left as V8's baseline compiler makes it
 */
export function startThread(program: string, options: WorkerOptions, hasBaseline = false): Worker {
  readBranchHints(process.versions.v8, false);
  // Not imported: most commands start none.
  const threads = process.getBuiltinModule('node:worker_threads');
  if (hasBaseline) keepBaseline(true);
  const worker = new threads.Worker(program, { ...options, execArgv: [], env: {}, stdout: true, stderr: true });
  starting = new ThreadStart(worker, hasBaseline);
  worker.unref();
  return worker;
}
