/** A wish to end the run: by a signal, a key, or a reader that went away. And waiting that such a wish cuts short. */
import { EXIT_CODE } from '../../errors.ts';
import type { Host } from './host.ts';

/** A second wish that comes sooner is the first one again: package runners pass on signals that the terminal has already sent to all. */
const SAME_WISH_MS = 250;

export class Interruption {
  readonly #host: Host;
  readonly #stopListening: () => void;
  #by: string | undefined;
  #sinceMs = 0;
  #wake: (() => void) | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#stopListening = host.onInterrupt((signal) => this.request(signal));
  }

  /** What asked for the end first. */
  get by(): string | undefined {
    return this.#by;
  }

  /** The second wish does not wait for the first to be fulfilled. */
  request(by: string): void {
    const nowMs = this.#host.nowMs();
    if (this.#by !== undefined) {
      if (nowMs - this.#sinceMs > SAME_WISH_MS) this.#host.exitNow(EXIT_CODE.guestFailed);
      return;
    }
    this.#by = by;
    this.#sinceMs = nowMs;
    this.wake();
  }

  /** Ends a wait. */
  wake(): void {
    this.#wake?.();
  }

  /** Waits until woken, at most so long. */
  async wait(ms: number): Promise<void> {
    if (this.#by !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  close(): void {
    this.#stopListening();
  }
}
