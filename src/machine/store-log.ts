/**
 * Stores to watched bytes. The engine notes them in linear memory and goes on, as nobody who is told of them changes anything; they are told of
 * when it comes back.
 */
import { assert, must } from '../assert.ts';
import { GLOBAL, RAM_BASE, STORE_LOG, STORE_RECORD } from './engine/layout.ts';
import type { MachineClock } from './machine-clock.ts';
import type { StoreObserver, WatchedStore } from './machine-types.ts';

export class StoreLog {
  readonly #view: DataView;
  readonly #clock: MachineClock;
  #observer: StoreObserver | undefined;
  // From -0, so that they have room for any number from the start: see `MachineClock`.
  readonly #store = {
    hart: 0,
    gpa: -0,
    sizeBytes: 0,
    beforeLow: -0,
    beforeHigh: -0,
    afterLow: -0,
    afterHigh: -0,
    cycle: -0,
    icount: -0,
    pcLow: -0,
    pcHigh: -0,
  };

  /**
   * @param view the engine's memory
   * @param clock of the machine, which has taken over what a run has counted when its stores are told of
   */
  constructor(view: DataView, clock: MachineClock) {
    this.#view = view;
    this.#clock = clock;
  }

  observe(observer: StoreObserver): void {
    assert(this.#observer === undefined, 'one range is watched');
    this.#observer = observer;
  }

  /** Tells of the stores of the last run, which was of `hart`. */
  tell(hart: number): void {
    const count = this.#view.getUint32(STORE_LOG.count, true);
    if (count === 0) return;
    this.#view.setUint32(STORE_LOG.count, 0, true);
    const observer = must(this.#observer, 'watched stores have an observer');
    for (let index = 0; index < count; index++) observer(this.#read(hart, index));
  }

  #read(hart: number, index: number): WatchedStore {
    const view = this.#view;
    const at = STORE_LOG.records + STORE_LOG.recordBytes * index;
    const store = this.#store;
    store.hart = hart;
    store.gpa = RAM_BASE + view.getUint32(at + STORE_RECORD.offset, true);
    store.sizeBytes = view.getUint32(at + STORE_RECORD.sizeBytes, true);
    store.beforeLow = view.getUint32(at + STORE_RECORD.before, true);
    store.beforeHigh = view.getUint32(at + STORE_RECORD.before + 4, true);
    store.afterLow = view.getUint32(at + STORE_RECORD.after, true);
    store.afterHigh = view.getUint32(at + STORE_RECORD.after + 4, true);
    store.pcLow = view.getUint32(at + STORE_RECORD.pc, true);
    store.pcHigh = view.getUint32(at + STORE_RECORD.pc + 4, true);
    const cyclesSince = view.getInt32(GLOBAL.spentCycles, true) - view.getInt32(at + STORE_RECORD.spentCycles, true);
    const insnsSince = view.getInt32(GLOBAL.retiredInsns, true) - view.getInt32(at + STORE_RECORD.retiredInsns, true);
    store.cycle = this.#clock.cycle - cyclesSince;
    store.icount = this.#clock.icount - insnsSince;
    return store;
  }
}
