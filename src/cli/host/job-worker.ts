/** Worker threads that run the command with other arguments, and are given jobs. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { assert } from '../../assert.ts';
import { ParatraceError } from '../../errors.ts';
import type { JobWorker } from './host.ts';

/** The file that starts the command; it lies beside the program, which is where this module is when it is built. */
const COMMAND_FILE = 'paratrace.js';

/** What a worker sends. */
type Answer = { readonly outcome: unknown } | { readonly failure: string };

export function startJobWorker(args: readonly string[]): JobWorker {
  const worker = new Worker(join(dirname(fileURLToPath(import.meta.url)), COMMAND_FILE), { argv: [...args] });
  const answers: { resolve: (outcome: unknown) => void; reject: (error: Error) => void }[] = [];
  let isStopped = false;
  const failAll = (error: Error) => {
    for (const answer of answers.splice(0)) answer.reject(error);
  };
  worker.on('message', (answer: Answer) => {
    const waiting = answers.shift();
    assert(waiting !== undefined, 'a worker answered without a job');
    if ('failure' in answer) waiting.reject(new Error(answer.failure));
    else waiting.resolve(answer.outcome);
  });
  worker.on('error', failAll);
  worker.on('exit', (code) => {
    if (!isStopped) failAll(new Error(`a worker ended with exit code ${code}`));
  });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        answers.push({ resolve, reject });
        worker.postMessage(job);
      }),
    stop: async () => {
      isStopped = true;
      await worker.terminate();
    },
  };
}

/** Answers jobs until the worker is stopped. What a job throws is a bug, and its stack is the answer. */
export function serveJobs(answer: (job: unknown) => unknown): Promise<void> {
  const port = parentPort;
  if (port === null) throw new ParatraceError('usage.option', '`worker` is for what `golden` starts by itself');
  port.on('message', (job: unknown) => {
    try {
      port.postMessage({ outcome: answer(job) } satisfies Answer);
    } catch (error) {
      port.postMessage({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  return new Promise(() => {});
}
