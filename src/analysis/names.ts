/** What events are called in reports: names that do not stand in the trace because they follow from its numbers. */

/** Names of SBI calls, given by the caller so that analysis needs no hypervisor. */
export interface EventNames {
  /** `DBCN.debug_console_write`; for an unknown function as much as is known. */
  sbiFunction(eid: bigint, fid: bigint): string;
  /** `SBI_ERR_NOT_SUPPORTED`; what an error is called depends on whose call it was. */
  sbiError(error: bigint, eid: bigint): string;
  /** Names of the arguments from a0 on; empty for an unknown function. */
  sbiArguments(eid: bigint, fid: bigint): readonly string[];
}

/** Interrupt causes without the interrupt bit (Privileged ISA, tables of mcause and scause values). */
const INTERRUPT_NAMES: Readonly<Record<number, string>> = {
  1: 'supervisor software',
  3: 'machine software',
  5: 'supervisor timer',
  7: 'machine timer',
  9: 'supervisor external',
  11: 'machine external',
  13: 'counter overflow',
};

/** `supervisor timer` for 5; `cause N` for a cause without a standard name. */
export function interruptName(cause: number): string {
  return INTERRUPT_NAMES[cause] ?? `cause ${cause}`;
}

/** What the name of a call's error is filed under: the same number means something else to another interface. */
export function errorKey(error: bigint, eid: bigint): string {
  return `${eid}:${error}`;
}

/** `virtio1 queue 0`. */
export function ringName(device: string, queue: number): string {
  return `${device} queue ${queue}`;
}

/** `0x80200000`. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
