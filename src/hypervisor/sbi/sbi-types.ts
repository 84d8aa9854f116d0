/**
 * The shape of an SBI extension: a table of functions, from which the dispatcher, the names in reports and the cost class of a call
 * all come. Section numbers in this folder are those of the RISC-V SBI specification, version 2.0.
 */
import type { Machine } from '../../machine/machine-types.ts';
import type { CostPrimitive } from '../costs.ts';
import type { HartStates, ResumePoint } from '../harts.ts';
import type { StealTime } from '../steal-time.ts';

/** Standard error codes (§3, table 1). */
export const SBI_ERROR = {
  SUCCESS: 0n,
  FAILED: -1n,
  NOT_SUPPORTED: -2n,
  INVALID_PARAM: -3n,
  DENIED: -4n,
  INVALID_ADDRESS: -5n,
  ALREADY_AVAILABLE: -6n,
  ALREADY_STARTED: -7n,
  ALREADY_STOPPED: -8n,
  NO_SHMEM: -9n,
} as const;
export type SbiErrorName = keyof typeof SBI_ERROR;

/** What a call returns in a0 (signed) and a1. */
export interface SbiReturn {
  readonly error: bigint;
  readonly value: bigint;
}

/** `no-return`: the caller has stopped, resumes elsewhere, or the run is over. */
export type SbiOutcome = SbiReturn | 'no-return';

/** What functions may do. Implemented by the virtual machine. */
export interface SbiHost {
  readonly machine: Machine;
  readonly harts: HartStates;
  /** Undefined where nobody withholds harts. */
  readonly stealTime: StealTime | undefined;
  /** Writes to the debug console. */
  writeConsole(bytes: Uint8Array): void;
  /** Takes up to `maxBytes` (at least 1) of input from the debug console; empty if there is none. */
  readConsole(maxBytes: number): Uint8Array;
  /** Raises a supervisor software interrupt. */
  sendIpi(target: number): void;
  /** Says that the handling of this call reached `count` other harts: it is charged for each. */
  reachHarts(count: number): void;
  /** `stimecmp` of the hart was written. */
  timerChanged(hart: number): void;
  startHart(target: number, pc: bigint, opaque: bigint): void;
  stopHart(hart: number): void;
  suspendHart(hart: number, resume: ResumePoint | undefined): void;
  /** The guest names this place. */
  mark(hart: number, label: string, value: bigint): void;
  /** Ends the run when the call is over. */
  resetSystem(kind: 'shutdown' | 'reboot', failed: boolean): void;
}

/** The six argument registers a0 to a5, unsigned. */
export type SbiArguments = readonly [bigint, bigint, bigint, bigint, bigint, bigint];

export interface SbiFunction {
  readonly name: string;
  /** Names of the arguments in order, for reports. */
  readonly args: readonly string[];
  /** Who serves it, and so what it costs. */
  readonly cost: Extract<CostPrimitive, 'hypercallKernel' | 'hypercallUser'>;
  readonly handler: (host: SbiHost, caller: number, args: SbiArguments) => SbiOutcome;
}

export interface SbiExtension {
  /** Extension id (EID). */
  readonly eid: number;
  /** Short name, as in the specification's headings. */
  readonly name: string;
  /** Whether this host offers it; by default it does. */
  readonly isOffered?: (host: SbiHost) => boolean;
  /** By function id (FID). */
  readonly functions: Readonly<Record<number, SbiFunction>>;
}

/** Success with a value. */
export function success(value = 0n): SbiReturn {
  return { error: SBI_ERROR.SUCCESS, value };
}

export function failure(name: Exclude<SbiErrorName, 'SUCCESS'>): SbiReturn {
  return { error: SBI_ERROR[name], value: 0n };
}

/** Low 32 bits of an argument that the specification defines as 32 bits wide (§3: only they may be used). */
export function asU32(argument: bigint): number {
  return Number(BigInt.asUintN(32, argument));
}

/** A physical address as a number if `lengthBytes` bytes from it lie in RAM. */
export function ramAddress(host: SbiHost, address: bigint, lengthBytes: number): number | undefined {
  const pa = Number(address);
  return Number.isSafeInteger(pa) && host.machine.memory.contains(pa, lengthBytes) ? pa : undefined;
}

/** Whether a hart can begin to execute there: in RAM and aligned for compressed instructions. */
export function isEntryPoint(host: SbiHost, address: bigint): boolean {
  return address % 2n === 0n && ramAddress(host, address, 2) !== undefined;
}
