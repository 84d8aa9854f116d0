/**
 * Console input on its way into the guest: asks the input source, records every byte taken with its place, and notices a guest that
 * does nothing but poll.
 *
 * When the guest is given bytes follows from the guest alone (`pull`): it polls an empty receiver, calls the debug console's read,
 * posts a receive buffer, or every hart waits with a receiver armed. Only a live host pushes: at a stop, into an armed receiver.
 */
import type { PlainState } from '../machine/bus.ts';
import type { InputPort, InputRecord, InputSource, Position } from './vm-ports.ts';

/**
 * Polls of empty receivers in a row, without console output in between, after which a guest does nothing but wait for input. A boot
 * loader that counts down its autoboot delay polls a few hundred times and prints in between; at a prompt a guest makes this many
 * polls within a second of guest time.
 */
export const EMPTY_POLLS_WAITING = 10_000;

/** What the input needs from the virtual machine around it. */
export interface ConsoleInputOptions {
  readonly source: InputSource;
  readonly now: () => Position;
  /** Called for each record, in order of position. */
  readonly taken: (record: InputRecord) => void;
}

export class ConsoleInput {
  readonly #source: InputSource;
  readonly #now: () => Position;
  readonly #taken: (record: InputRecord) => void;
  #ended = false;
  #emptyPolls = 0;
  /** Whether the guest's last access to the 16550 was a poll: then this one is a poll for input. */
  #uartPolled = false;
  #takenBytes = 0;

  constructor(options: ConsoleInputOptions) {
    this.#source = options.source;
    this.#now = options.now;
    this.#taken = options.taken;
  }

  /** Whether the end of the input has been reached and recorded. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Polls of empty receivers since the guest last wrote to a console or was given input. */
  get emptyPolls(): number {
    return this.#emptyPolls;
  }

  /** The guest looks for input on a port; counts as a poll. At most `maxBytes` bytes, at least 1; undefined if there are none. */
  poll(port: InputPort, maxBytes: number): Uint8Array | undefined {
    const bytes = this.pull(port, maxBytes);
    if (bytes === undefined) this.#emptyPolls++;
    return bytes;
  }

  /**
   * The guest polled the empty receiver of the 16550. A poll that comes right after a write to the device belongs to transmitting or to
   * set-up (drivers read LSR before each byte they send, and clear the FIFOs when they start), so input waits for the next poll.
   */
  pollUart(maxBytes: number): Uint8Array | undefined {
    if (this.#uartPolled) return this.poll('uart0', maxBytes);
    this.#uartPolled = true;
    return undefined;
  }

  uartWritten(): void {
    this.#uartPolled = false;
  }

  /** The guest wrote to a console: it does more than poll. */
  consoleWritten(): void {
    this.#emptyPolls = 0;
  }

  /** The guest waits for input on a port without polling. */
  pull(port: InputPort, maxBytes: number): Uint8Array | undefined {
    return this.#record(port, 'pull', this.#source.pull(port, this.#now(), maxBytes));
  }

  /** A stop of the loop, with a receiver that is armed on that port. */
  push(port: InputPort, maxBytes: number): Uint8Array | undefined {
    return this.#record(port, 'push', this.#source.push(port, this.#now(), maxBytes));
  }

  /** Looks whether the input has ended, and records it the first time. */
  checkEnd(): void {
    if (this.#ended || !this.#source.hasEnded(this.#now())) return;
    this.#ended = true;
    this.#taken({ ...this.#now(), port: 'uart0', via: 'push', bytes: new Uint8Array() });
  }

  /** The cycle at which the loop must ask again. */
  nextCycle(): number {
    return this.#source.nextPushCycle(this.#now());
  }

  state(): PlainState {
    return {
      ended: this.#ended,
      emptyPolls: this.#emptyPolls,
      uartPolled: this.#uartPolled,
      takenBytes: this.#takenBytes,
    };
  }

  #record(port: InputPort, via: 'pull' | 'push', bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined || bytes.length === 0) return undefined;
    this.#emptyPolls = 0;
    this.#takenBytes += bytes.length;
    this.#taken({ ...this.#now(), port, via, bytes });
    return bytes;
  }
}
