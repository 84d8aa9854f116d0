/** Starts the thread that translates. A file of its own, so that commands without hot code need not load what threads need. */
import { Worker } from 'node:worker_threads';
import { compileModulesWhole, keepBaseline } from './compiler-flags.ts';

/** @param program path of what the thread runs */
export function startRegionThread(program: string): Worker {
  compileModulesWhole();
  keepBaseline(true);
  const worker = new Worker(program, { execArgv: [], env: {} });
  const restore = () => keepBaseline(false);
  worker.once('online', restore);
  worker.once('exit', restore);
  return worker;
}
