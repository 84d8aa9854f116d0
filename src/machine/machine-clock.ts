/**
 * The clock of a machine. Everybody reads and charges it here, as plain numbers, many times for each stop. The engine is told the cycle when
 * it is entered, and leaves what it has added in linear memory, as numbers of 32 bits.
 */
import { assert } from '../assert.ts';
import type { Clock } from './bus.ts';
import { GLOBAL } from './engine/layout.ts';
import { writeCounter } from './hart-state.ts';

export class MachineClock implements Clock {
  // V8 gives a field that begins with -0 room for any number. One that begins with a small integer gets another kind of room when it passes
  // 2^31, and all code that was optimized for the first kind is thrown away then, in the middle of a run.
  cycle = -0;
  icount = -0;
  readonly #view: DataView;
  readonly #cyclesPerTick: number;

  /** @param view the engine's memory */
  constructor(view: DataView, cyclesPerTick: number) {
    this.#view = view;
    this.#cyclesPerTick = cyclesPerTick;
    this.cycle = 0;
    this.icount = 0;
  }

  get mtime(): bigint {
    return BigInt(this.ticks);
  }

  /** `mtime` as a number: it stays a safe integer, as the cycles do. */
  get ticks(): number {
    return Math.floor(this.cycle / this.#cyclesPerTick);
  }

  charge(cycles: number): void {
    const cycle = this.cycle + cycles;
    assert(Number.isSafeInteger(cycle) && cycle >= 0, 'a counter has left the safe integers');
    this.cycle = cycle;
  }

  /** Tells the engine what cycle it is. */
  toEngine(): void {
    writeCounter(this.#view, GLOBAL.cycle, this.cycle);
  }

  /** Adds what the engine has counted. */
  fromEngine(): void {
    this.cycle += this.#view.getInt32(GLOBAL.spentCycles, true);
    this.icount += this.#view.getInt32(GLOBAL.retiredInsns, true);
  }
}
