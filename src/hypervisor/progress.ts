/**
 * Can the guest still go on? Questions that the loop asks where nothing is left to do, or where harts do nothing but turn on the spot.
 * They look at the machine and change nothing in it.
 */

import { must } from '../assert.ts';
import { type Hart, type Machine, PRIVILEGE } from '../machine/machine-types.ts';
import type { StateSink } from '../machine/state-sink.ts';
import type { HartStates } from './harts.ts';

/**
 * Cycles between two looks whether a hart jumps to itself with interrupts off. A look costs one stop; a millisecond of guest time at
 * 1 GHz is soon enough for a person.
 */
export const WATCH_CYCLES = 1_000_000;

const MSTATUS_SIE = 1n << 1n;
const MSTATUS_MIE = 1n << 3n;

/**
 * Which harts turn on the spot. A look lets the hart that has the processor retire one instruction: if that leads to itself while no
 * interrupt can be taken, the hart will never do anything else. It takes looks at all harts that run to say so of the guest.
 */
export class SpinWatch {
  readonly #quantumCycles: number;
  #nextCycle = WATCH_CYCLES;
  readonly #spinning = new Set<number>();

  /** @param quantumCycles length of a turn: after it another hart can be looked at. */
  constructor(quantumCycles: number) {
    this.#quantumCycles = quantumCycles;
  }

  /** When the next look is due. */
  get nextCycle(): number {
    return this.#nextCycle;
  }

  /** A look was taken. */
  looked(cycle: number, hart: number, spins: boolean): void {
    if (spins && !this.#spinning.has(hart)) {
      this.#spinning.add(hart);
      this.#nextCycle = cycle + this.#quantumCycles;
      return;
    }
    if (!spins) this.#spinning.clear();
    this.#nextCycle = (Math.floor(cycle / WATCH_CYCLES) + 1) * WATCH_CYCLES;
  }

  /** Whether a hart was found to spin, and no look at any hart has found otherwise since. */
  spins(hart: number): boolean {
    return this.#spinning.has(hart);
  }

  writeState(sink: StateSink): void {
    sink.value('nextCycle', this.#nextCycle);
    sink.value(
      'spinning',
      [...this.#spinning].sort((a, b) => a - b),
    );
  }
}

/** Why no hart can ever run again although nothing is scheduled; undefined if an interrupt could still wake one. */
export function deadEnd(machine: Machine, harts: HartStates): string | undefined {
  for (let id = 0; id < harts.count; id++) if (harts.isWaiting(id) && machine.canWake(id)) return undefined;
  const waiting = machine.harts.filter(({ id }) => harts.isWaiting(id));
  if (waiting.length === 0) return 'every hart has stopped, and nobody is left to start one';
  return `${place(waiting)} in wfi with every interrupt disabled, so nothing can wake the guest`;
}

/** Whether no interrupt, pending or to come, can be taken by the hart as it is (Privileged ISA 3.1.6.1, 3.1.9). */
export function interruptsOff(hart: Hart): boolean {
  const enabled = hart.csr('mie');
  const delegated = hart.csr('mideleg');
  const status = hart.csr('mstatus');
  switch (hart.privilege) {
    case PRIVILEGE.M:
      return (status & MSTATUS_MIE) === 0n || (enabled & ~delegated) === 0n;
    case PRIVILEGE.S:
      return (enabled & ~delegated) === 0n && ((status & MSTATUS_SIE) === 0n || (enabled & delegated) === 0n);
    default:
      return enabled === 0n;
  }
}

/** `hart 0 is at pc 0x80200000`, or the same for several. */
export function place(harts: readonly Hart[]): string {
  const where = harts.map(({ id, pc }) => `hart ${id} at pc 0x${pc.toString(16)}`).join(', ');
  return `${where} ${harts.length === 1 ? 'is' : 'are'}`;
}

/** What a hart that cannot even reach its trap handler is stuck on. */
export function stuckTrap(machine: Machine, hartId: number): string {
  const hart = must(machine.harts[hartId], `hart ${hartId}`);
  const level = hart.privilege === PRIVILEGE.M ? 'm' : 's';
  const [cause, vector, from, value] = [`${level}cause`, `${level}tvec`, `${level}epc`, `${level}tval`].map(
    (name) => `${name} 0x${hart.csr(name).toString(16)}`,
  );
  return `hart ${hartId} cannot fetch its trap handler: ${vector}, ${cause}, ${from}, ${value}`;
}
