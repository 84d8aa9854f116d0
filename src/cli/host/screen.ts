/**
 * Guest output on standard output and everything else on standard error, so that on one terminal the two do not spoil each other: the
 * progress line stands only where the guest has ended its line, and is wiped before anything is written.
 */
import { formatSi, groupDigits } from '../../viz/format.ts';
import type { Host } from './host.ts';

const BUFFER_BYTES = 16_384;
const PROGRESS_INTERVAL_MS = 200;
const NEWLINE = 0x0a;
const WIPE = '\r\x1b[K';

/** What the progress line tells. */
export interface Progress {
  readonly cycle: number;
  readonly icount: number;
  readonly events: number;
}

export class Screen {
  readonly #host: Host;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #bytesWritten = 0;
  /** Whether guest output and messages share one terminal. */
  readonly #shared: boolean;
  readonly #showsProgress: boolean;
  #midLine = false;
  #progressShown = false;
  #last = { ms: 0, icount: 0 };

  constructor(host: Host, options: { readonly progress: boolean }) {
    this.#host = host;
    this.#shared = host.stdout.isTerminal && host.stderr.isTerminal;
    this.#showsProgress = options.progress && host.stderr.isTerminal;
    this.#last = { ms: host.nowMs(), icount: 0 };
  }

  /** Bytes of guest output so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Guest output; kept until {@link flush} or until there is much of it. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#bytesWritten += bytes.length;
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.flush();
    this.#midLine = bytes.at(-1) !== NEWLINE;
    if (bytes.length > BUFFER_BYTES) {
      this.#wipe();
      this.#host.stdout.write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  flush(): void {
    if (this.#buffered === 0) return;
    this.#wipe();
    this.#host.stdout.write(this.#buffer.slice(0, this.#buffered));
    this.#buffered = 0;
  }

  /** A message on standard error, on a line of its own. */
  say(line: string): void {
    this.flush();
    this.#wipe();
    if (this.#shared && this.#midLine) this.#host.stdout.write('\n');
    this.#midLine = false;
    this.#host.stderr.write(`${line}\n`);
  }

  /** Shows how far the run is, a few times a second. */
  progress({ cycle, icount, events }: Progress): void {
    if (!this.#showsProgress) return;
    const ms = this.#host.nowMs();
    const passed = ms - this.#last.ms;
    if (passed < PROGRESS_INTERVAL_MS) return;
    const mips = (icount - this.#last.icount) / passed / 1000;
    this.#last = { ms, icount };
    if (this.#shared && this.#midLine) return;
    this.#host.stderr.write(`${WIPE}${formatSi(cycle)} cycles, ${mips.toFixed(0)} MIPS, ${groupDigits(events)} events`);
    this.#progressShown = true;
  }

  /** Leaves the terminal clean. */
  close(): void {
    this.flush();
    this.#wipe();
  }

  #wipe(): void {
    if (this.#progressShown) this.#host.stderr.write(WIPE);
    this.#progressShown = false;
  }
}
