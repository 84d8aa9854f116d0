/** Starts the thread that translates. A file of its own, so that commands without hot code need not load what threads need. */
import { Worker } from 'node:worker_threads';
import { compileModulesWhole, keepBaseline } from './compiler-flags.ts';
import { threadStarts, threadsStarted } from './thread-starts.ts';

/** @param program path of what the thread runs */
export async function startRegionThread(program: string): Promise<Worker> {
  await threadsStarted();
  compileModulesWhole();
  keepBaseline(true);
  const worker = new Worker(program, { execArgv: [], env: {} });
  threadStarts(worker, () => keepBaseline(false));
  return worker;
}
