/**
 * The file that a trace is written to: append-only, each chunk written before the run goes on, so that whatever happens to the
 * process, what was recorded up to the last chunk can be read.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { assert } from '../../assert.ts';
import { openTrace } from '../../trace/reader.ts';
import { attempt, readFile } from './files.ts';

export class TraceFile {
  readonly path: string;
  #fd: number | undefined;
  #early: Uint8Array[] | undefined = [];
  #sizeBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes the next bytes of the trace; before {@link open} they are kept. */
  readonly write = (bytes: Uint8Array): void => {
    if (this.#early !== undefined) this.#early.push(bytes);
    else this.#append(bytes);
  };

  /**
   * Creates or empties the file. Not before the run is known to begin, so that a usage error leaves an older trace alone.
   * @throws ParatraceError `file.unreadable`.
   */
  open(): void {
    this.#fd = attempt(this.path, 'written', () => openSync(this.path, 'w'));
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#append(bytes);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** How far the file can be read, in one sentence; for a trace whose recording failed. Undefined if it was never opened. */
  describeReadable(): string | undefined {
    if (this.#early !== undefined) return undefined;
    try {
      const { readableUpTo, end } = openTrace(readFile(this.path), { partial: true });
      if (end !== undefined) return `the trace ${this.path} is complete`;
      const { offset, events, cycle } = readableUpTo;
      return `the trace ${this.path} can be read up to offset ${offset}: ${events} events, cycle ${cycle}`;
    } catch {
      return `nothing of the trace ${this.path} can be read`;
    }
  }

  #append(bytes: Uint8Array): void {
    const fd = this.#fd;
    assert(fd !== undefined, 'a trace goes on after its file is closed');
    this.#sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      at += attempt(this.path, 'written', () => writeSync(fd, bytes, at, bytes.length - at));
    }
  }
}
