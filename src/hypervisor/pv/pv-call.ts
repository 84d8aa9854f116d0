/** A call of the paravirtual interface that is being served: its arguments, and what comes of it. */

import type { CallWork } from '../avoided-exits.ts';

/** Arguments of a call: a0 to a5, or those of an entry of a multicall. */
export const CALL_ARGUMENTS = 6;

/** What is left to do when a call has been served. */
export const AFTERWARDS = { goOn: 0, iret: 1, block: 2, yield: 3, poll: 4 } as const;
export type Afterwards = (typeof AFTERWARDS)[keyof typeof AFTERWARDS];

export class PvCall implements CallWork {
  /** Low and high halves, in turn. */
  readonly words = new Uint32Array(2 * CALL_ARGUMENTS);
  /** What the call returns beside its error: a safe integer. */
  value = 0;
  /** Cycles of work beyond the exit itself. */
  cycles = 0;
  tableWrites = 0;
  rootLoads = 0;
  flushes = 0;
  afterwards: Afterwards = AFTERWARDS.goOn;
  /** Of a poll: its ports, and the `time` at which it ends; Infinity: never by itself. */
  polled: readonly number[] = [];
  pollEndTicks = Number.POSITIVE_INFINITY;

  start(): void {
    this.value = 0;
    this.cycles = 0;
    this.tableWrites = 0;
    this.rootLoads = 0;
    this.flushes = 0;
    this.afterwards = AFTERWARDS.goOn;
  }

  low(index: number): number {
    return this.words[2 * index] as number;
  }

  high(index: number): number {
    return this.words[2 * index + 1] as number;
  }

  /** An argument as a number: exact up to 2^53, and beyond that neither an address nor a count that anything accepts. */
  number(index: number): number {
    return this.high(index) * 0x1_0000_0000 + this.low(index);
  }
}
