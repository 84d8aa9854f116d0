/**
 * The inputs of a recorded run, given to a run that may have become another one. As long as it is the recorded run they come at exactly
 * their places, so that recording again gives the same bytes; after the first difference, as soon as it has come as far.
 */
import type { InputPort, InputSource, Position } from '../session/ports.ts';
import type { RecordedInput } from '../trace/reader.ts';

export class RecordedInputs implements InputSource {
  readonly #inputs: readonly RecordedInput[];
  readonly #inSync: () => boolean;
  #next = 0;
  /** Bytes of the next input that were given already. */
  #given = 0;
  /** Whether the next input is given wherever the run is: it waits for nothing else. */
  #released = false;
  /** The input that was released last. */
  #releasedLast = -1;
  #ended = false;

  /** @param inSync whether the run has been the recorded one so far */
  constructor(inputs: Iterable<RecordedInput>, inSync: () => boolean) {
    this.#inputs = [...inputs];
    this.#inSync = inSync;
  }

  /** The run waits for input and for nothing else. @returns false if there is none to give that it would take */
  release(): boolean {
    // Marks are no input to the guest: those that it has not come to are passed over.
    while (this.#inputs[this.#next]?.port === 'mark') this.#next += 1;
    if (this.#inputs[this.#next] === undefined || this.#releasedLast === this.#next) return false;
    this.#released = true;
    this.#releasedLast = this.#next;
    return true;
  }

  pull(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#give('pull', port, now, maxBytes);
  }

  nextPushCycle(now: Position): number {
    for (let index = this.#next; index < this.#inputs.length; index += 1) {
      const { via, cycle } = this.#inputs[index] as RecordedInput;
      if (via === 'push' && cycle > now.cycle) return cycle;
    }
    return Number.POSITIVE_INFINITY;
  }

  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#give('push', port, now, maxBytes);
  }

  mark(now: Position): string | undefined {
    const next = this.#inputs[this.#next];
    if (next?.port !== 'mark' || !this.#isDue(next, now)) return undefined;
    this.#next += 1;
    return new TextDecoder().decode(next.bytes);
  }

  hasEnded(now: Position): boolean {
    const next = this.#inputs[this.#next];
    if (next !== undefined && isEnd(next) && this.#isDue(next, now)) {
      // Marks may follow it.
      this.#next += 1;
      this.#ended = true;
    }
    // A run that goes on past all that was recorded is another run, and gets no more.
    return this.#ended || (next === undefined && !this.#inSync());
  }

  #give(via: RecordedInput['via'], port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    const next = this.#inputs[this.#next];
    if (next === undefined || isEnd(next) || next.port === 'mark' || !this.#isDue(next, now)) return undefined;
    if (!this.#released && (next.via !== via || next.port !== port)) return undefined;
    const bytes = next.bytes.subarray(this.#given, this.#given + maxBytes);
    this.#given += bytes.length;
    this.#releasedLast = -1;
    if (this.#given === next.bytes.length) {
      this.#next += 1;
      this.#given = 0;
      this.#released = false;
    }
    return bytes;
  }

  #isDue({ cycle, icount }: RecordedInput, now: Position): boolean {
    if (this.#released) return true;
    if (this.#inSync()) return now.cycle >= cycle && now.icount >= icount;
    return now.cycle >= cycle || now.icount >= icount;
  }
}

/** The end of the input is an input without bytes. */
function isEnd(input: RecordedInput): boolean {
  return input.bytes.length === 0;
}
