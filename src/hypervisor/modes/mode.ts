/**
 * A virtualization mode is a choice on three axes: who serves privileged operations, how interrupts reach the guest, and how its
 * devices are reached. Each axis is an object of exit handlers; a mode only puts three of them together.
 */
import type { PendingAccess } from '../../machine/machine-types.ts';
import type { CostProfile, ExitCost } from '../costs.ts';
import type { SbiFunction } from '../sbi/sbi-types.ts';

/** The mechanisms that handlers choose from. Implemented by `exits.ts`. */
export interface ExitHost {
  readonly costs: CostProfile;
  /**
   * Serves the pending `ecall` of the hart and emits its `hypercall`.
   * @param priceOf cost of a function; undefined for one that is not served
   * @param remote cost of reaching another hart from inside the call
   */
  serveCall(hart: number, priceOf: (called: SbiFunction | undefined) => ExitCost, remote: ExitCost): void;
  /** Performs the pending device access of the hart and emits its `mmio`. */
  serveAccess(hart: number, cost: ExitCost): void;
  /** Another exit: emits `exit` and charges it. */
  exit(hart: number, reason: string, cost: ExitCost): void;
  /** If something of the host interrupts a running guest, takes that guest out first. Nothing while an exit is handled anyway. */
  leaveGuest(reason: string, cost: ExitCost): void;
  /** Emits `inject` and charges it. */
  inject(source: string, line: number, cost: ExitCost): void;
  /** The hart has executed `wfi`: it waits, unless an interrupt is pending that wakes it. */
  waitForInterrupt(hart: number): void;
}

/** Privileged instructions, page tables and calls to the environment. */
export interface PrivilegedAxis {
  readonly name: string;
  /** `ecall` from supervisor mode. */
  supervisorCall(host: ExitHost, hart: number): void;
  /** What an IPI costs once its call is being served. */
  ipi(host: ExitHost, line: number): void;
}

/** Interrupts and timers. */
export interface InterruptAxis {
  readonly name: string;
  wait(host: ExitHost, hart: number): void;
  /** The turn of a hart that would have gone on is over. */
  preempt(host: ExitHost, hart: number): void;
  /** A device raised its line into the interrupt controller. */
  raise(host: ExitHost, source: string, line: number): void;
  /** The timer of a hart expired. */
  timer(host: ExitHost, line: number): void;
}

/** Device registers. */
export interface DeviceAxis {
  readonly name: string;
  access(host: ExitHost, hart: number, access: PendingAccess): void;
}

export interface Mode {
  readonly name: string;
  readonly about: string;
  /** Privilege modes that a guest may start in. */
  readonly entries: readonly ('m' | 's')[];
  readonly privileged: PrivilegedAxis;
  readonly interrupts: InterruptAxis;
  readonly devices: DeviceAxis;
}
