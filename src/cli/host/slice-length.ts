/** How many cycles to run at a time: as many as the host executes in a moment, so that keys and signals never wait long. */
import type { Host } from './host.ts';

const GOAL_MS = 20;
const CYCLES_FIRST = 500_000;
const CYCLES_MIN = 10_000;
const CYCLES_MAX = 1_000_000_000;

export class SliceLength {
  readonly #host: Pick<Host, 'nowMs'>;
  #cycles = CYCLES_FIRST;

  constructor(host: Pick<Host, 'nowMs'>) {
    this.#host = host;
  }

  /** Runs a slice and learns from how long it took. */
  measure<T>(run: (cycles: number) => T): T {
    const start = this.#host.nowMs();
    const result = run(this.#cycles);
    const ms = this.#host.nowMs() - start;
    const factor = ms < GOAL_MS / 2 ? 2 : ms > 2 * GOAL_MS ? 0.5 : 1;
    this.#cycles = Math.round(Math.min(CYCLES_MAX, Math.max(CYCLES_MIN, this.#cycles * factor)));
    return result;
  }
}
