/**
 * Who has the processor: harts take fixed turns of a configured number of cycles on the one clock, in ascending order.
 *
 * A turn's end matters only while another hart wants the processor. A hart that becomes runnable after the running one has used up its
 * turn is served at once. Everything follows from cycles, so it makes no difference how often the loop looks.
 */
import type { StateSink } from '../machine/state-sink.ts';

/** Whose turn it is, and why it changed. */
export interface Turn {
  readonly hart: number;
  readonly from: number;
  readonly changed: boolean;
  /** The hart that had the processor would have gone on: it was preempted. */
  readonly preempted: boolean;
}

/** Most looks find the same hart going on: that answer is made once for each. */
const goingOn = (hart: number): Turn => ({ hart, from: hart, changed: false, preempted: false });

export class Turns {
  readonly #quantumCycles: number;
  readonly #hartCount: number;
  readonly #goingOn: readonly Turn[];
  #current = 0;
  /** Whether the current hart has run without a break since it was chosen: only then can it be preempted. */
  #onCore = false;
  #endCycle: number;

  constructor(hartCount: number, quantumCycles: number) {
    this.#hartCount = hartCount;
    this.#goingOn = Array.from({ length: hartCount }, (_, hart) => goingOn(hart));
    this.#quantumCycles = quantumCycles;
    this.#endCycle = quantumCycles;
  }

  /** The hart that has, or last had, the processor. */
  get current(): number {
    return this.#current;
  }

  /** Where the turn ends if another hart wants the processor; Infinity if none does. */
  deadline(isRunnable: (hart: number) => boolean): number {
    return this.#next(isRunnable) === undefined ? Number.POSITIVE_INFINITY : this.#endCycle;
  }

  /** Decides who runs at `cycle`. Undefined if no hart wants to. */
  choose(cycle: number, isRunnable: (hart: number) => boolean): Turn | undefined {
    const from = this.#current;
    const goesOn = isRunnable(from);
    const preempted = goesOn && this.#onCore;
    const next = goesOn && cycle < this.#endCycle ? undefined : this.#next(isRunnable);
    this.#onCore = goesOn || next !== undefined;
    if (next === undefined) return goesOn ? this.#goingOn[from] : undefined;
    this.#current = next;
    this.#endCycle = cycle + this.#quantumCycles;
    return { hart: next, from, changed: true, preempted };
  }

  /** The current hart waits or has stopped: whatever wakes it, and whenever that is noticed, it was not preempted. */
  leave(): void {
    this.#onCore = false;
  }

  /**
   * The current hart gives up the rest of its turn at `cycle`: it is not preempted then. It goes on if no other hart wants one. The only hart there is
   * stays where it was: nobody asks who comes next before something else happens, which may be the end of a slice of the host's time.
   */
  giveUp(cycle: number): void {
    this.#endCycle = cycle;
    if (this.#hartCount > 1) this.#onCore = false;
  }

  /** Starts the turn of the current hart anew at `cycle`: what it costs to switch is not taken from its turn. */
  restart(cycle: number): void {
    this.#endCycle = cycle + this.#quantumCycles;
  }

  writeState(sink: StateSink): void {
    sink.value('current', this.#current);
    sink.value('endCycle', this.#endCycle);
    sink.value('onCore', this.#onCore);
  }

  /** The next runnable hart after the current one, which does not count. */
  #next(isRunnable: (hart: number) => boolean): number | undefined {
    for (let step = 1; step < this.#hartCount; step++) {
      const hart = (this.#current + step) % this.#hartCount;
      if (isRunnable(hart)) return hart;
    }
    return undefined;
  }
}
