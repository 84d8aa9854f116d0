/**
 * The file that a trace is written to: append-only, each chunk written before the run goes on, so that whatever happens to the
 * process, what was recorded up to the last chunk can be read. Until it is complete its name ends in `.partial`: a trace of the name that
 * was asked for is a whole one, and an older one is replaced only then.
 */
import { closeSync, openSync, renameSync } from 'node:fs';
import { assert, must } from '../../assert.ts';
import { append, attempt, PARTIAL_SUFFIX, partialPathOf } from './files.ts';

/** An open file, and the name that errors of it give. */
export interface AppendTarget {
  readonly fd: number;
  readonly path: string;
}

export class TraceFile {
  /** As the user named it. */
  readonly path: string;
  #fd: number | undefined;
  #early: Uint8Array[] | undefined = [];
  #sizeBytes = 0;
  /** Where the bytes go. */
  #writtenPath: string;
  #isFinished = false;

  constructor(path: string) {
    this.path = path;
    this.#writtenPath = path;
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
   * Creates or empties the partial file. Not before the run is known to begin, so that a usage error leaves an older one alone.
   * @throws ParatraceError `file.unreadable`.
   */
  open(): void {
    this.#writtenPath = partialPathOf(this.path);
    this.#fd = attempt(this.#writtenPath, 'written', () => openSync(this.#writtenPath, 'w'));
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#append(bytes);
  }

  /** The file, once it is open, for another thread to append to; {@link finish} and {@link close} stay here. */
  get target(): AppendTarget {
    return { fd: must(this.#fd, 'a trace is handed to a thread after its file is open'), path: this.#writtenPath };
  }

  /** Counts bytes that another thread has appended. */
  countAppended(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
  }

  /**
   * The trace is complete: closes it and gives it its name.
   * @throws ParatraceError `file.unreadable`.
   */
  finish(): void {
    assert(this.#fd !== undefined && !this.#isFinished, 'a trace is finished once, after it was opened');
    this.close();
    this.#isFinished = true;
    const from = this.#writtenPath;
    if (!from.endsWith(PARTIAL_SUFFIX) || from === this.path) return;
    attempt(this.path, 'written', () => renameSync(from, from.slice(0, -PARTIAL_SUFFIX.length)));
  }

  /** Closes the file if it is open. Unless it was finished, it stays partial. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** How far the file can be read, in one sentence; for a trace whose recording failed. Undefined if it was never opened. */
  async describeReadable(): Promise<string | undefined> {
    if (this.#early !== undefined || this.#isFinished) return undefined;
    const path = this.#writtenPath;
    // Only now: what reads a trace takes a while to load.
    const [{ openTrace }, { traceSource }] = await Promise.all([
      import('../../trace/reader.ts'),
      import('./trace-source.ts'),
    ]);
    try {
      const { readableUpTo, end } = openTrace(traceSource(path), { partial: true });
      if (end !== undefined) return `the trace ${path} is complete`;
      const { offset, events, cycle } = readableUpTo;
      return `the trace ${path} can be read up to offset ${offset}: ${events} events, cycle ${cycle}`;
    } catch {
      return `nothing of the trace ${path} can be read`;
    }
  }

  #append(bytes: Uint8Array): void {
    const fd = this.#fd;
    assert(fd !== undefined, 'a trace goes on after its file is closed');
    this.#sizeBytes += bytes.length;
    append(fd, this.#writtenPath, bytes);
  }
}
