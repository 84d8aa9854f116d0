/** A host for the command line made of arrays: what was written can be read, what is typed and signalled is scripted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Host, Input, InputHandlers, InputKind, Output } from '../../src/cli/host/host.ts';
import { main } from '../../src/cli/main.ts';
import type { ExitCode } from '../../src/errors.ts';
import type { EngineCodeStore } from '../../src/machine/machine-types.ts';

/** Stands for the program of the report's page, which a build makes. */
export const PAGE_PROGRAM = 'console.log("the page");';

export class FakeOutput implements Output {
  isTerminal = false;
  isClosed = false;
  failure: string | undefined;
  readonly #parts: Uint8Array[] = [];
  /** Called with each write. */
  onWrite: ((text: string) => void) | undefined;

  write(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    this.#parts.push(bytes);
    this.onWrite?.(new TextDecoder().decode(bytes));
  }

  async drained(): Promise<void> {}

  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts));
  }
}

export class FakeInput implements Input {
  kind: InputKind = 'none';
  handlers: InputHandlers | undefined;
  bytes = new Uint8Array();
  closed = false;

  open(handlers: InputHandlers): void {
    this.handlers = handlers;
  }

  close(): void {
    this.closed = true;
  }

  async readAll(): Promise<Uint8Array> {
    return this.bytes;
  }
}

/** What each look at the clock takes: the time that a slice should take, so that slices stay as long as the first one. */
const LOOK_MS = 20;

export class FakeHost implements Host {
  readonly stdin = new FakeInput();
  readonly stdout = new FakeOutput();
  readonly stderr = new FakeOutput();
  readonly signalHandlers = new Set<(signal: string) => void>();
  exitedWith: number | undefined;
  /** Called between slices. */
  onPause: (() => void) | undefined;
  engineCode: EngineCodeStore = () => undefined;
  isCi = false;
  readonly parallelism = 1;
  #nowMs = 0;

  nowMs(): number {
    this.#nowMs += LOOK_MS;
    return this.#nowMs;
  }

  processorMs(): number {
    return 0;
  }

  onInterrupt(handler: (signal: string) => void): () => void {
    this.signalHandlers.add(handler);
    return () => this.signalHandlers.delete(handler);
  }

  async pause(): Promise<void> {
    await setImmediate();
    this.onPause?.();
  }

  regionCompiler(): undefined {}

  exitNow(code: number): void {
    this.exitedWith = code;
  }

  reportProgram(): string {
    return PAGE_PROGRAM;
  }

  signal(name: string): void {
    for (const handler of this.signalHandlers) handler(name);
  }
}

export interface Outcome {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line with standard input closed, unless the host says otherwise. */
export async function paratrace(args: readonly string[], host = new FakeHost()): Promise<Outcome> {
  const code = await main(args, host);
  return { code, stdout: host.stdout.text, stderr: host.stderr.text };
}

/** A folder for the files of a test file. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'paratrace-cli-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
