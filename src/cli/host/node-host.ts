/** The process that runs the command, as a {@link Host}. */
import { fstatSync, type Stats, statSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { findEngineCode } from './engine-code.ts';
import { describeSystemError } from './files.ts';
import type { Host, Input, InputHandlers, InputKind, Output } from './host.ts';
import { reportProgram } from './package-files.ts';
import { findTraceThread } from './trace-thread.ts';
import { findWorkerCompiler } from './worker-compiler.ts';

const STDIN_FD = 0;
const STDOUT_FD = 1;
const STDERR_FD = 2;

export function nodeHost(): Host {
  return {
    stdin: new NodeInput(),
    stdout: isPlain(STDOUT_FD) ? new FileOutput(STDOUT_FD) : new NodeOutput(process.stdout),
    stderr: isPlain(STDERR_FD) ? new FileOutput(STDERR_FD) : new NodeOutput(process.stderr),
    nowMs: () => performance.now(),
    processorMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    onInterrupt: (handler) => {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      return () => {
        process.off('SIGINT', handler);
        process.off('SIGTERM', handler);
      };
    },
    pause: () => setImmediate(),
    reportProgram,
    engineCode: findEngineCode,
    isCi: !['', '0', 'false'].includes(process.env.CI ?? ''),
    get parallelism() {
      return availableParallelism();
    },
    startWorker: async (args) => (await import('./job-worker.ts')).startJobWorker(args),
    serveJobs: async (answer) => (await import('./job-worker.ts')).serveJobs(answer),
    regionCompiler: findWorkerCompiler,
    get startTraceThread() {
      return findTraceThread(availableParallelism());
    },
    exitNow: (code) => process.exit(code),
  };
}

/** A file, written as it comes. Node's streams would do the same, and take a while to load. */
class FileOutput implements Output {
  readonly isTerminal = false;
  readonly #fd: number;
  #failure: string | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get isClosed(): boolean {
    return this.#failure !== undefined;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    try {
      for (let at = 0; at < bytes.length && !this.isClosed; ) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      this.#failure = describeSystemError(error as NodeJS.ErrnoException);
    }
  }

  async drained(): Promise<void> {}
}

/** Whether it is a file, or nowhere. */
function isPlain(fd: number): boolean {
  const stat = statOf(fd);
  return stat !== undefined && (stat.isFile() || isNowhere(stat));
}

function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

const isNowhere = ({ rdev }: Stats) => rdev === statSync('/dev/null', { throwIfNoEntry: false })?.rdev;

class NodeOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  #closed = false;
  #failure: string | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that has seen enough (`| head`) is no failure of ours; a full disk is.
      const left = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
      if (!left) this.#failure ??= describeSystemError(error);
      this.#closed = true;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  write(data: string | Uint8Array): void {
    // A copy: the stream may keep the bytes, and guest memory changes.
    if (!this.#closed) this.#stream.write(typeof data === 'string' ? data : data.slice());
  }

  async drained(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

class NodeInput implements Input {
  readonly kind: InputKind = kindOfStdin();
  #stop: (() => void) | undefined;

  open({ data, end }: InputHandlers): void {
    const { stdin } = process;
    const restore = () => stdin.setRawMode(false);
    if (this.kind === 'terminal') {
      stdin.setRawMode(true);
      process.once('exit', restore);
    }
    stdin.on('data', data);
    stdin.once('end', end);
    stdin.once('error', end);
    this.#stop = () => {
      stdin.off('data', data).off('end', end).off('error', end);
      stdin.pause();
      if (this.kind !== 'terminal') return;
      process.off('exit', restore);
      restore();
    };
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  async readAll(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    if (this.kind !== 'none') for await (const part of process.stdin) parts.push(part as Uint8Array);
    return Buffer.concat(parts);
  }
}

function kindOfStdin(): InputKind {
  const stat = statOf(STDIN_FD);
  if (stat === undefined) return 'none';
  if (stat.isFIFO() || stat.isSocket()) return 'stream';
  if (stat.isFile()) return 'file';
  // Asking for a terminal makes Node load what it has for networks and terminals.
  return !isNowhere(stat) && process.stdin.isTTY ? 'terminal' : 'none';
}
