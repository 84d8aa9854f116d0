/**
 * A virtualization mode is a choice on three axes: who serves privileged operations, how interrupts reach the guest, and how its
 * devices are reached. Each axis is an object of exit handlers; a mode only puts three of them together.
 */
import type { AvoidedOn, CallWork } from '../avoided-exits.ts';
import type { CostProfile, ExitCost } from '../costs.ts';
import type { SbiErrorName, SbiFunction } from '../sbi/sbi-types.ts';
import type { Handlings } from './operations.ts';
import type { VirtualProcessorMaker } from './virtual-processor.ts';

/** Cost of an SBI call; `called` is undefined for a function that is not served. */
export type CallPrice = (called: SbiFunction | undefined, primitives: CostProfile['primitives']) => ExitCost;

/** What comes of a call. The object is reused. */
export interface CallOutcome {
  /** For a0: a safe integer. */
  error: number;
  /** For a1: a safe integer from 0 up. */
  value: number;
  /** Work beyond the exit itself. */
  moreCycles: number;
  /** Whether a0 and a1 are set. */
  setsRegisters: boolean;
  work: CallWork;
}

/** The mechanisms that handlers choose from. Implemented by `exits.ts`. */
export interface ExitHost {
  readonly costs: CostProfile;
  /**
   * Serves the pending `ecall` of the hart and emits its `hypercall`.
   * @param remote cost of reaching another hart from inside the call
   */
  serveCall(hart: number, priceOf: CallPrice, remote: ExitCost): void;
  /** Performs the pending device access of the hart and emits its `mmio`. @param register its name, if it has one */
  serveAccess(hart: number, register: string | undefined, cost: ExitCost): void;
  /** Another exit: emits `exit` and charges it. */
  exit(hart: number, reason: string, cost: ExitCost): void;
  /**
   * Another exit with work to do: charged as a served call is, and stamped before it.
   * @param work returns the cycles of further work that it turned out to be
   */
  exitWith(hart: number, reason: string, cost: ExitCost, work: () => number): void;
  /** If something of the host interrupts a running guest, takes that guest out first. Nothing while an exit is handled anyway. */
  leaveGuest(reason: string, cost: ExitCost): void;
  /** Emits `inject` and charges it. */
  inject(source: string, line: number, cost: ExitCost): void;
  /** The hart has executed `wfi`: it waits, unless an interrupt is pending that wakes it. */
  waitForInterrupt(hart: number): void;
  /** The hart whose call is served gives up the rest of its turn, if another wants one. */
  yieldTurn(): void;
  /** A virtualized hart is about to take an interrupt trap: emits `interrupt`. */
  interrupted(hart: number, cause: number): void;
  /** `ecall` of the kernel of a virtualized hart. */
  supervisorCall(hart: number): void;
  /** An access that a virtualized hart turned out to make to a device: it is pending. */
  deviceAccess(hart: number): void;
  /** `stimecmp` of a hart was written. */
  timerChanged(): void;
  /**
   * Serves the pending `ecall` of the hart as a call that is no SBI call, and emits its `hypercall`.
   * @param argumentCount how many registers from a0 on are its arguments; undefined if nothing has that number
   * @param serve fills in what comes of it
   */
  serveHypercall(
    hart: number,
    cost: ExitCost,
    argumentCount: number | undefined,
    serve: (outcome: CallOutcome) => void,
  ): void;
  /** Answers the pending `ecall` of the hart, an SBI call, with an error. */
  refuseCall(hart: number, error: Exclude<SbiErrorName, 'SUCCESS'>): void;
  /** The timer of a virtualized hart expired: it is its processor's. */
  timerExpired(hart: number): void;
  /** The guest's trap handler cannot be reached: the run ends. */
  stuck(hart: number): void;
}

/** Privileged instructions, page tables and calls to the environment. */
export interface PrivilegedAxis {
  readonly name: string;
  readonly handlings: Handlings<'privileged'>;
  /** What a guest does here without an exit that emulation would trap: events `avoidedExit`. */
  readonly avoids: readonly AvoidedOn<'privileged'>[];
  /** `ecall` from supervisor mode. */
  supervisorCall(host: ExitHost, hart: number): void;
  /** What an IPI costs once its call is being served. */
  ipi(host: ExitHost, line: number): void;
  /** Whether guests find the paravirtual interface in their device tree. */
  readonly isDiscovered?: true;
  /** How harts are virtualized; undefined where the guest has the machine to itself. */
  readonly processor?: VirtualProcessorSupport;
}

export interface VirtualProcessorSupport {
  readonly make: VirtualProcessorMaker;
  /** Memory of the host that it takes, for so much RAM of the guest: a multiple of 4 KiB. */
  readonly hostMemoryBytes: (guestMemoryBytes: number) => number;
  /** What it takes of the end of the guest's RAM, for so much of that: nothing by default. */
  readonly reservedBytes?: (guestMemoryBytes: number) => number;
}

/** Interrupts and timers. */
export interface InterruptAxis {
  readonly name: string;
  readonly handlings: Handlings<'interrupts'>;
  readonly avoids: readonly AvoidedOn<'interrupts'>[];
  wait(host: ExitHost, hart: number): void;
  /** The turn of a hart that would have gone on is over. */
  preempt(host: ExitHost, hart: number): void;
  /** A device raised its line into the interrupt controller. */
  raise(host: ExitHost, source: string, line: number): void;
  /** The timer of a hart expired. */
  timer(host: ExitHost, line: number): void;
  /** A device or back end sends an event to a port. Only where there are event channels. */
  send?(host: ExitHost, source: string, port: number): void;
  /** The upcall of a vCPU is raised in it, if `isRemote` from a call of another. Only where hardware enters the guest then. */
  upcall?(host: ExitHost, vcpu: number, isRemote: boolean): void;
}

/**
 * Which devices a guest finds: those of a plain machine, virtio ones, or both as on real hardware; none with registers for a guest that asks
 * for its devices by calls.
 */
export type DeviceSet = 'emulated' | 'rings' | 'both' | 'calls';

/** Device registers. */
export interface DeviceAxis {
  readonly name: string;
  readonly deviceSet: DeviceSet;
  readonly handlings: Handlings<'devices'>;
  readonly avoids: readonly AvoidedOn<'devices'>[];
  /** @param device name of the device that the pending access of the hart is to. @param register name of the register, if it has one */
  access(host: ExitHost, hart: number, device: string, register: string | undefined, isWrite: boolean): void;
}

export interface Mode {
  readonly name: string;
  readonly about: string;
  /** Whether it runs only kernels that are written for the interface of docs/abi.md. */
  readonly isParavirtual?: true;
  /** Privilege modes that a guest may start in. */
  readonly entries: readonly ('m' | 's')[];
  readonly privileged: PrivilegedAxis;
  readonly interrupts: InterruptAxis;
  readonly devices: DeviceAxis;
}
