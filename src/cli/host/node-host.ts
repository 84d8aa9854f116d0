/** The process that runs the command, as a {@link Host}. */
import { fstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describeSystemError } from './files.ts';
import type { Host, Input, InputHandlers, InputKind, Output } from './host.ts';
import { reportProgram } from './package-files.ts';

const STDIN_FD = 0;

export function nodeHost(): Host {
  return {
    stdin: new NodeInput(),
    stdout: new NodeOutput(process.stdout),
    stderr: new NodeOutput(process.stderr),
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
    exitNow: (code) => process.exit(code),
  };
}

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
  if (process.stdin.isTTY) return 'terminal';
  try {
    const stat = fstatSync(STDIN_FD);
    if (stat.isFIFO() || stat.isSocket()) return 'stream';
    return stat.isFile() ? 'file' : 'none';
  } catch {
    return 'none';
  }
}
