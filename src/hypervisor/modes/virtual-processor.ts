/**
 * What a mode does with a virtualized hart when it stops: the line between the loop of the virtual machine and the two ways to virtualize
 * a processor.
 */
import type { Machine } from '../../machine/machine-types.ts';
import type { ExitHost } from './mode.ts';

export interface VirtualProcessor {
  /** Sets a hart up before its guest first executes, and again each time it is started anew. */
  start(hart: number): void;
  /** After `STOP.guestTrap`. */
  guestTrap(host: ExitHost, hart: number): void;
  /** After `STOP.guestInterrupt`: the guest takes the interrupt. */
  guestInterrupt(host: ExitHost, hart: number): void;
  /** After `STOP.secondStageFault`. */
  secondStageFault(host: ExitHost, hart: number): void;
}

/** Makes the processors of one virtual machine. */
export type VirtualProcessorMaker = (machine: Machine) => VirtualProcessor;

/** Exception causes (Privileged ISA, table of `scause`). */
export const CAUSE = {
  fetchAccess: 1,
  illegal: 2,
  loadAccess: 5,
  storeAccess: 7,
  userCall: 8,
  supervisorCall: 9,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** The access fault for a kind of access, by `ACCESS_TYPE`. */
export const ACCESS_FAULTS = [CAUSE.loadAccess, CAUSE.storeAccess, CAUSE.fetchAccess] as const;
