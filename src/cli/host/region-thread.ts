/** Starts the thread that translates. A file of its own, so that commands without hot code need not load what threads need. */
import { Worker } from 'node:worker_threads';
import { compileModulesWhole } from './compiler-flags.ts';

/** @param program path of what the thread runs */
export function startRegionThread(program: string): Worker {
  compileModulesWhole();
  return new Worker(program, { execArgv: [], env: {} });
}
