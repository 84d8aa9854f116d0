/**
 * Everything a guest does, or that happens to it, for which a mode needs an answer. Each axis of a mode says of its operations who does
 * them and which events at which prices come of that; `docs/modes.md` is made from what they say, statistics group events by it, and a
 * test compares it with the events of real runs.
 */
import type { CostPrimitive } from '../costs.ts';
import type { PricedEvent } from '../events.ts';

/** Why cycles go to a hypervisor: the groups of comparisons. */
export const CAUSES = {
  sensitive: 'sensitive instructions',
  bounces: 'traps and system calls passed on',
  shadow: 'shadow paging',
  secondStage: 'second-stage faults',
  devices: 'device registers',
  notifications: 'ring notifications',
  interrupts: 'interrupts and timers',
  calls: 'hypercalls',
} as const;
export type Cause = keyof typeof CAUSES;

interface OperationRow {
  readonly axis: 'privileged' | 'interrupts' | 'devices';
  readonly cause: Cause;
  readonly about: string;
}

/** In the order in which they are listed; an event belongs to the first operation that names it. */
export const OPERATIONS = {
  satpWrite: { axis: 'privileged', cause: 'sensitive', about: 'access of the kernel to `satp`' },
  csrAccess: { axis: 'privileged', cause: 'sensitive', about: 'access of the kernel to another CSR' },
  sret: { axis: 'privileged', cause: 'sensitive', about: '`sret`' },
  fence: { axis: 'privileged', cause: 'sensitive', about: '`sfence.vma`' },
  userCall: { axis: 'privileged', cause: 'bounces', about: '`ecall` from U-mode' },
  ownFault: { axis: 'privileged', cause: 'bounces', about: "page fault of the guest's own" },
  exception: { axis: 'privileged', cause: 'bounces', about: 'another exception' },
  noMemory: { axis: 'privileged', cause: 'bounces', about: 'access to neither memory nor a device' },
  hiddenFault: {
    axis: 'privileged',
    cause: 'shadow',
    about: 'page that the guest maps and the hypervisor does not yet',
  },
  tableStore: { axis: 'privileged', cause: 'shadow', about: 'store to a page table in use' },
  secondStageFault: { axis: 'privileged', cause: 'secondStage', about: 'first touch of a page of guest memory' },
  supervisorCall: { axis: 'privileged', cause: 'calls', about: '`ecall` from S-mode' },
  ipi: { axis: 'privileged', cause: 'interrupts', about: 'interrupt from another hart' },
  wait: { axis: 'interrupts', cause: 'interrupts', about: '`wfi`' },
  preemption: { axis: 'interrupts', cause: 'interrupts', about: 'end of a turn' },
  timer: { axis: 'interrupts', cause: 'interrupts', about: 'timer' },
  upcall: { axis: 'interrupts', cause: 'interrupts', about: 'upcall of the kernel, which looks for events' },
  deviceInterrupt: { axis: 'interrupts', cause: 'interrupts', about: 'interrupt of a device' },
  notification: { axis: 'devices', cause: 'notifications', about: 'notification of a ring' },
  register: { axis: 'devices', cause: 'devices', about: 'another device register' },
} as const satisfies Record<string, OperationRow>;
export type OperationName = keyof typeof OPERATIONS;

/** Operations of one axis. */
export type OperationOf<A extends OperationRow['axis']> = {
  [K in OperationName]: (typeof OPERATIONS)[K]['axis'] extends A ? K : never;
}[OperationName];

/** An event that an operation makes, and what it is charged. */
export interface EmittedEvent {
  readonly kind: PricedEvent['kind'];
  /** The reason that statistics count it under; `*` stands for any text. */
  readonly reason: string;
  /** Its price: one of these. None: nothing. */
  readonly costs: readonly CostPrimitive[];
  /** Work that may come on top of its handling, each any number of times. */
  readonly work?: readonly CostPrimitive[];
}

/** What becomes of an operation in a mode. */
export interface Handling {
  /** `nobody`: it does not occur. */
  readonly by: 'hypervisor' | 'hardware' | 'firmware' | 'nobody';
  readonly does: string;
  /** In order. Those that are not for every occurrence say so in `does`. */
  readonly events: readonly EmittedEvent[];
}

export type Handlings<A extends OperationRow['axis']> = Readonly<Record<OperationOf<A>, Handling>>;

/** Whether an event of that kind and reason is one. */
export function isEmitted({ kind, reason }: EmittedEvent, eventKind: string, eventReason: string): boolean {
  if (kind !== eventKind) return false;
  const star = reason.indexOf('*');
  if (star < 0) return reason === eventReason;
  const [head, tail] = [reason.slice(0, star), reason.slice(star + 1)];
  const fits = eventReason.length >= head.length + tail.length;
  return fits && eventReason.startsWith(head) && eventReason.endsWith(tail);
}
