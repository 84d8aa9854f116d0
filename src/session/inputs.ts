/** Input sources: none, a script that is fed as the guest takes it, and a queue that a live host fills. */
import type { InputPort, InputSource, Position } from './ports.ts';

/** No input, ever. */
export class NoInput implements InputSource {
  pull(): undefined {
    return undefined;
  }

  nextPushCycle(): number {
    return Number.POSITIVE_INFINITY;
  }

  push(): undefined {
    return undefined;
  }

  hasEnded(): boolean {
    return true;
  }
}

/**
 * Bytes that the guest is given as it asks for them: nothing comes by itself, so the places follow from the guest alone and recording
 * twice gives the same trace. The 16550 and the debug console get a byte at a time, as if typed; a receive buffer what it holds.
 */
export class ScriptInput implements InputSource {
  readonly #bytes: Uint8Array;
  #taken = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  pull(port: InputPort, _now: Position, maxBytes: number): Uint8Array | undefined {
    const count = Math.min(port === 'virtio-console' ? maxBytes : 1, maxBytes, this.#bytes.length - this.#taken);
    if (count === 0) return undefined;
    this.#taken += count;
    return this.#bytes.slice(this.#taken - count, this.#taken);
  }

  nextPushCycle(): number {
    return Number.POSITIVE_INFINITY;
  }

  push(): undefined {
    return undefined;
  }

  hasEnded(): boolean {
    return this.#taken === this.#bytes.length;
  }
}

/** What a host types: a queue that it fills between slices. Whoever asks first gets the bytes. */
export class LiveInput implements InputSource {
  #queue: Uint8Array[] = [];
  readonly #marks: string[] = [];
  #closed = false;

  /** Adds bytes; after {@link close} they are dropped. */
  offer(bytes: Uint8Array): void {
    if (!this.#closed && bytes.length > 0) this.#queue.push(bytes.slice());
  }

  /** Gives a name to where the run is. */
  offerMark(label: string): void {
    this.#marks.push(label);
  }

  mark(): string | undefined {
    return this.#marks.shift();
  }

  /** No more bytes will come. Those in the queue are still given. */
  close(): void {
    this.#closed = true;
  }

  /** Whether something is there that was not taken: bytes, a mark, or the end. */
  get hasNews(): boolean {
    return this.#queue.length > 0 || this.#marks.length > 0 || this.#closed;
  }

  pull(_port: InputPort, _now: Position, maxBytes: number): Uint8Array | undefined {
    const first = this.#queue[0];
    if (first === undefined) return undefined;
    if (first.length <= maxBytes) this.#queue.shift();
    else this.#queue[0] = first.subarray(maxBytes);
    return first.subarray(0, maxBytes);
  }

  nextPushCycle(): number {
    return Number.POSITIVE_INFINITY;
  }

  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.pull(port, now, maxBytes);
  }

  hasEnded(): boolean {
    return this.#closed && this.#queue.length === 0;
  }
}
