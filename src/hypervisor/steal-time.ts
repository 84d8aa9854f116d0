/**
 * Steal time (SBI 2.0 §16): for how long each hart was ready to run and did not, because another had the processor, written to where
 * its guest has asked for it. Counted from then on, in cycles of the one clock, so that a replay counts the same.
 *
 * What the hypervisor does for a hart itself is no steal time.
 */

import { assert } from '../assert.ts';
import type { Clock, GuestMemory } from '../machine/bus.ts';
import { ascending, type StateSink } from '../machine/state-sink.ts';

/** `struct sbi_sta_struct` (§16.1). */
const RECORD = { sequence: 0, steal: 8, preempted: 16 } as const;
export const STEAL_RECORD_BYTES = 64;
const NANOSECONDS = 1_000_000_000n;

/** Memory that the hypervisor writes to whenever it likes. */
export interface SharedPages {
  /** False if the guest may not have it written to. */
  hold(pa: number): boolean;
  release(pa: number): void;
}

interface Account {
  readonly pa: number;
  stolenCycles: number;
  /** Since when the hart is ready and does not run; undefined while it runs or waits. */
  readySince: number | undefined;
}

export interface StealTimeOptions {
  readonly memory: GuestMemory;
  readonly clock: Pick<Clock, 'cycle'>;
  readonly cyclesPerSecond: number;
  readonly pages: SharedPages;
}

export class StealTime {
  readonly #options: StealTimeOptions;
  readonly #accounts = new Map<number, Account>();

  constructor(options: StealTimeOptions) {
    assert(Number.isSafeInteger(options.cyclesPerSecond), 'a clock of whole cycles per second');
    this.#options = options;
  }

  /** Begins to account for a hart, at a record in RAM that is aligned to its size. False if it may not be written to. */
  begin(hart: number, pa: number): boolean {
    const { memory, pages } = this.#options;
    if (!pages.hold(pa)) return false;
    this.end(hart);
    memory.writeBytes(pa, new Uint8Array(STEAL_RECORD_BYTES));
    this.#accounts.set(hart, { pa, stolenCycles: 0, readySince: undefined });
    return true;
  }

  end(hart: number): void {
    const account = this.#accounts.get(hart);
    if (account === undefined) return;
    this.#accounts.delete(hart);
    this.#options.pages.release(account.pa);
  }

  /** The hart could run from now on. */
  ready(hart: number): void {
    const account = this.#accounts.get(hart);
    if (account !== undefined) account.readySince ??= this.#options.clock.cycle;
  }

  /** The hart has lost the processor though it could go on. */
  preempted(hart: number): void {
    const account = this.#accounts.get(hart);
    if (account === undefined) return;
    this.#options.memory.write8(account.pa + RECORD.preempted, 1);
    this.ready(hart);
  }

  /** The hart runs from now on. */
  entered(hart: number): void {
    const account = this.#accounts.get(hart);
    if (account?.readySince === undefined) return;
    const { memory, clock } = this.#options;
    account.stolenCycles += clock.cycle - account.readySince;
    account.readySince = undefined;
    const { pa, stolenCycles } = account;
    const sequence = memory.read32(pa + RECORD.sequence);
    // Odd while it is written: other harts of the guest may read it at any time.
    memory.write32(pa + RECORD.sequence, (sequence + 1) >>> 0);
    memory.write64(pa + RECORD.steal, (BigInt(stolenCycles) * NANOSECONDS) / BigInt(this.#options.cyclesPerSecond));
    memory.write32(pa + RECORD.sequence, (sequence + 2) >>> 0);
    memory.write8(pa + RECORD.preempted, 0);
  }

  /** Whether a hart has asked for it: only then it has state. */
  get isUsed(): boolean {
    return this.#accounts.size > 0;
  }

  writeState(sink: StateSink): void {
    sink.beginList('harts');
    for (const [hart, { pa, stolenCycles, readySince }] of ascending(this.#accounts)) {
      sink.begin(undefined);
      sink.value('hart', hart);
      sink.value('pa', pa);
      sink.value('stolenCycles', stolenCycles);
      sink.value('readySince', readySince ?? -1);
      sink.end();
    }
    sink.end();
  }
}
