/**
 * The clock of a machine. The engine counts in linear memory; everybody else reads and charges it here, as plain numbers, many times for
 * each stop. So it is carried over when the engine is entered and when it has come back.
 */
import { assert } from '../assert.ts';
import type { Clock } from './bus.ts';
import { GLOBAL } from './engine/layout.ts';
import { readCounter, writeCounter } from './hart-state.ts';

export class MachineClock implements Clock {
  cycle = 0;
  icount = 0;
  readonly #view: DataView;
  readonly #cyclesPerTick: number;

  /** @param view the engine's memory */
  constructor(view: DataView, cyclesPerTick: number) {
    this.#view = view;
    this.#cyclesPerTick = cyclesPerTick;
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

  /** Gives the counts to the engine. */
  toEngine(): void {
    writeCounter(this.#view, GLOBAL.cycle, this.cycle);
    writeCounter(this.#view, GLOBAL.icount, this.icount);
  }

  /** Takes them back. */
  fromEngine(): void {
    this.cycle = readCounter(this.#view, GLOBAL.cycle);
    this.icount = readCounter(this.#view, GLOBAL.icount);
  }
}
