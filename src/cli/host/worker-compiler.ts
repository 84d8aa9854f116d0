/**
 * Translates on a thread of its own (docs/adr/translation-thread.md). The thread starts with the first job, and neither keeps the process
 * alive nor outlives it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import type { CompiledBatch, RegionCompiler, RegionJob } from '../../machine/region-compiler.ts';
import { isThreadStarting, lookAfterStart, startThread, threadsStarted } from './thread-starts.ts';

/** The program of the thread, which the build puts beside that of the command. */
const PROGRAM = 'region-worker.cjs';

interface Waiting {
  readonly resolve: (batch: CompiledBatch) => void;
  readonly reject: (reason: Error) => void;
}

/** Told once if the thread fails. */
export type FailureHandler = (reason: string) => void;

/** Undefined where the thread's program is not built, as in the sources. */
export function findWorkerCompiler(onFailure: FailureHandler): RegionCompiler | undefined {
  const program = join(dirname(fileURLToPath(import.meta.url)), PROGRAM);
  return existsSync(program) ? new WorkerCompiler(program, onFailure) : undefined;
}

export class WorkerCompiler implements RegionCompiler {
  readonly #program: string;
  readonly #onFailure: FailureHandler;
  /** From the first job on. */
  #worker: Promise<Worker> | undefined;
  #failure: Error | undefined;
  /** Jobs that are not answered, in the order of their answers. */
  #waiting: Waiting[] = [];

  /** @param program path of the thread's program */
  constructor(program: string, onFailure: FailureHandler) {
    this.#program = program;
    this.#onFailure = onFailure;
  }

  async compile(job: RegionJob): Promise<CompiledBatch> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#worker ??= this.#start().catch((error: unknown) => {
      this.#fail(asError(error));
      throw error;
    });
    const worker = await this.#worker;
    const answer = new Promise<CompiledBatch>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    worker.postMessage(job);
    return answer;
  }

  attend(): void {
    lookAfterStart();
  }

  async #start(): Promise<Worker> {
    if (isThreadStarting()) await threadsStarted();
    const worker = startThread(this.#program, {}, true);
    worker.on('message', (batch: CompiledBatch) => this.#waiting.shift()?.resolve(batch));
    worker.on('messageerror', (error) => this.#fail(error));
    worker.on('error', (error) => this.#fail(asError(error)));
    worker.on('exit', (code) => this.#fail(new Error(`the thread ended with code ${code}`)));
    return worker;
  }

  /** Nobody is left waiting. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#worker?.then(
      (worker) => worker.terminate(),
      () => {}, // It never started.
    );
    this.#onFailure(error.message);
  }
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
