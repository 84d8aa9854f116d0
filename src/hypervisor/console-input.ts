/**
 * Console input on its way into the guest: asks the input source, records every byte taken with its place, and notices a guest that
 * does nothing but poll.
 *
 * When the guest is given bytes follows from the guest alone (`pull`): it polls an empty receiver, calls the debug console's read,
 * posts a receive buffer, or every hart waits with a receiver armed. Only a live host pushes: at a stop, into an armed receiver.
 */

import type { Clock } from '../machine/bus.ts';
import type { StateSink } from '../machine/state-sink.ts';
import type { InputPort, InputRecord, InputSource } from './vm-ports.ts';

/**
 * Polls of empty receivers in a row, without console output in between, after which a guest does nothing but wait for input. A boot
 * loader that counts down its autoboot delay polls a few hundred times and prints in between; at a prompt a guest makes this many
 * polls within a second of guest time.
 */
export const EMPTY_POLLS_WAITING = 10_000;

/**
 * Polls of the 16550 in a row, without a write to it or a byte from it in between, from which on a poll is taken to be for input. Drivers read LSR
 * before each byte they send, and clear the receiver when they start; boot loaders look for Ctrl-C once after each line, and throw
 * away what else they find. Input given to such a poll would be lost.
 */
export const UART_POLLS_IN_A_ROW = 4;
/** A guest that never polls so often in a row is given input after so many polls in all. */
export const UART_POLLS_IN_ALL = 65_536;

/** A receiver that input can be put into, by port. */
export interface Receiver {
  readonly port: InputPort;
  /** Bytes it waits for by interrupt now; 0 if it is not armed. */
  readonly armedBytes: () => number;
  readonly receive: (bytes: Uint8Array) => void;
}

/** What the input needs from the virtual machine around it. */
export interface ConsoleInputOptions {
  readonly source: InputSource;
  readonly clock: Clock;
  /** Called for each record, in order of position. */
  readonly taken: (record: InputRecord) => void;
}

export class ConsoleInput {
  readonly #source: InputSource;
  /** Passed on as the position: whoever wants to keep one copies it. */
  readonly #clock: Clock;
  readonly #taken: (record: InputRecord) => void;
  #ended = false;
  #emptyPolls = 0;
  /** Polls of the 16550 since the guest last wrote to it or was given input, and since it was last given input. */
  #uartPollsInARow = 0;
  #uartPollsInAll = 0;
  #takenBytes = 0;
  /** Not part of the state: how often the loop looks for the end. */
  #pulled = false;

  constructor(options: ConsoleInputOptions) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#taken = options.taken;
  }

  /** Whether the source was asked for bytes since its end was last looked for: it may have given its last ones. */
  get hasChanged(): boolean {
    return this.#pulled && !this.#ended;
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

  /** The guest polled the empty receiver of the 16550: see {@link UART_POLLS_IN_A_ROW}. */
  pollUart(maxBytes: number): Uint8Array | undefined {
    this.#uartPollsInARow++;
    this.#uartPollsInAll++;
    if (this.#uartPollsInARow < UART_POLLS_IN_A_ROW && this.#uartPollsInAll < UART_POLLS_IN_ALL) return undefined;
    const bytes = this.poll('uart0', maxBytes);
    if (bytes !== undefined) {
      this.#uartPollsInARow = 0;
      this.#uartPollsInAll = 0;
    }
    return bytes;
  }

  uartWritten(): void {
    this.#uartPollsInARow = 0;
  }

  /** The guest wrote to a console: it does more than poll. */
  consoleWritten(): void {
    this.#emptyPolls = 0;
  }

  /** The guest waits for input on a port without polling. */
  pull(port: InputPort, maxBytes: number): Uint8Array | undefined {
    this.#pulled = true;
    return this.#record(port, 'pull', this.#source.pull(port, this.#clock, maxBytes));
  }

  /** A stop of the loop, with a receiver that is armed on that port. */
  push(port: InputPort, maxBytes: number): Uint8Array | undefined {
    this.#pulled = true;
    return this.#record(port, 'push', this.#source.push(port, this.#clock, maxBytes));
  }

  /** Takes the marks that the user sets here. They leave the guest alone, and what is known of it. */
  takeMarks(): void {
    for (;;) {
      const label = this.#source.mark?.(this.#clock);
      if (label === undefined) return;
      const { cycle, icount } = this.#clock;
      this.#taken({ cycle, icount, port: 'mark', via: 'push', bytes: new TextEncoder().encode(label) });
    }
  }

  /** Looks whether the input has ended, and records it the first time. */
  checkEnd(): void {
    if (this.#ended) return;
    this.#pulled = false;
    if (!this.#source.hasEnded(this.#clock)) return;
    this.#ended = true;
    const { cycle, icount } = this.#clock;
    this.#taken({ cycle, icount, port: 'uart0', via: 'push', bytes: new Uint8Array() });
  }

  /** The cycle at which the loop must ask again. */
  nextCycle(): number {
    return this.#source.nextPushCycle(this.#clock);
  }

  writeState(sink: StateSink): void {
    sink.value('ended', this.#ended);
    sink.value('emptyPolls', this.#emptyPolls);
    sink.value('uartPollsInARow', this.#uartPollsInARow);
    sink.value('uartPollsInAll', this.#uartPollsInAll);
    sink.value('takenBytes', this.#takenBytes);
  }

  #record(port: InputPort, via: 'pull' | 'push', bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined || bytes.length === 0) return undefined;
    this.#emptyPolls = 0;
    this.#takenBytes += bytes.length;
    const { cycle, icount } = this.#clock;
    this.#taken({ cycle, icount, port, via, bytes });
    return bytes;
  }
}
