/**
 * Threads of the command start one after the other. V8 reads some settings when a thread starts, they hold for the whole process, and the thread that
 * translates wants others than one that makes a trace (`compiler-flags.ts`).
 */
import type { Worker } from 'node:worker_threads';

let starting: Promise<void> | undefined;

/** Whether a thread may not have read its settings yet. */
export function isThreadStarting(): boolean {
  return starting !== undefined;
}

/** Resolves when no thread is starting. */
export async function threadsStarted(): Promise<void> {
  while (starting !== undefined) await starting;
}

/** Tells of a thread that has just been made. Not while another one starts. @param read called once, when it has read its settings or is over */
export function threadStarts(worker: Worker, read?: () => void): void {
  starting = new Promise((resolve) => {
    const done = () => {
      // A thread that ends later is none of the next one's affair.
      worker.off('online', done);
      worker.off('exit', done);
      starting = undefined;
      read?.();
      resolve();
    };
    worker.once('online', done);
    worker.once('exit', done);
  });
}
