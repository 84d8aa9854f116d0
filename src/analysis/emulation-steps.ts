/**
 * What an event of a paravirtual run stands for under emulation: the register accesses and traps by which an unmodified guest would have got
 * the same done, each by the primitive that a cost profile prices it with. One table, for everything that prices or draws them.
 *
 * The unmodified guest is mini-os: how many CSRs a trap takes, how many registers a driver of an ATA drive or an e1000 touches, is what `whatif`
 * takes too (`whatif/guest-paths.ts`, `whatif/device-recipes.ts`); `test/analysis/emulation-steps.test.ts` compares it with real runs. Left out is
 * what no event tells of: starting devices, hidden faults and second-stage faults, which depend on pages.
 */
import type { CostPrimitive } from '../hypervisor/costs.ts';
import type { EventKind, VmEvent } from '../hypervisor/events.ts';
import { REGISTER_DRIVERS } from './whatif/device-recipes.ts';
import { CSR_ACCESSES } from './whatif/guest-paths.ts';

/** Modes that runs are compared with. */
export const EMULATION_TARGETS = ['full', 'hvm'] as const;
export type EmulationTarget = (typeof EMULATION_TARGETS)[number];

/** What a step occurs once for: the event, a unit of one of its numbers, or a notification that found something in the ring. */
export type StepUnit =
  | 'event'
  | 'count'
  | 'tableWrites'
  | 'rootLoads'
  | 'flushes'
  | 'value'
  | 'readableBytes'
  | 'announcement';

export interface EmulationStep {
  /** In words: `e1000 TDT write`. */
  readonly what: string;
  readonly primitive: CostPrimitive;
  /** How often, for each unit. */
  readonly times: number;
  readonly per: StepUnit;
}

/** An event as far as its steps depend on it. */
export interface StepSubject {
  readonly kind: EventKind;
  /** Of a priced event its reason, of an avoided exit its operation; else empty. */
  readonly name: string;
  /** What a ring, or the first ring of the device that was acknowledged, is for: `block`, `network in`, `network out`, `console out`. */
  readonly role: string;
}

const { blockInterrupt, blockSubmit, consoleByte, netInterrupt, netRefill, netTransmit, netUnmask } = REGISTER_DRIVERS;

const step = (what: string, primitive: CostPrimitive, times = 1, per: StepUnit = 'event'): EmulationStep => ({
  what,
  primitive,
  times,
  per,
});

/** A trap's entry reads what happened from CSRs: two or three accesses to sscratch, then sepc, sstatus, scause, stval. */
const TRAP_ENTRY = step('CSR accesses of the trap entry', 'csrAccess', CSR_ACCESSES.trapEntry);
const CLAIM: readonly EmulationStep[] = [
  step('claim of the interrupt, and one that finds no other', 'irqClaim', blockInterrupt.claims),
  step('completion of the interrupt', 'irqComplete', blockInterrupt.completions),
];
const TABLE_CALLS: ReadonlySet<string> = new Set(
  ['mmu_update', 'update_va_mapping', 'mmuext_op', 'multicall'].map((call) => `pv.${call}`),
);
const CALL_WORK_FULL: readonly EmulationStep[] = [
  step('store to a write-protected page table', 'pteWrite', 1, 'tableWrites'),
  step('write of satp', 'satpCached', 1, 'rootLoads'),
  step('sfence.vma', 'sfence', 1, 'flushes'),
];

/** How a driver acknowledges the interrupt of its device. */
const ACKNOWLEDGE: Readonly<Record<string, readonly EmulationStep[]>> = {
  block: [
    step('ATA: bus master stopped, its status read and cleared, status read', 'mmioUser', blockInterrupt.registers),
  ],
  'network in': [
    step(
      'e1000: ICR and STATUS read, IMC written; IMS written, STATUS read',
      'mmioUser',
      netInterrupt.registers + netUnmask.registers,
    ),
  ],
};

/** How a driver hands work to its device. */
const NOTIFY: Readonly<Record<string, readonly EmulationStep[]>> = {
  block: [
    step(
      'ATA command: bus master, device, count, address, command, start',
      'mmioUser',
      blockSubmit.registers,
      'announcement',
    ),
  ],
  'network in': [step('e1000 RDT write', 'mmioUser', netRefill.registers, 'announcement')],
  'network out': [step('e1000 TDT write', 'mmioUser', netTransmit.registers, 'announcement')],
};

/** Steps of a kernel without privilege, by kind and name of the event. */
const SENSITIVE: Readonly<Record<string, readonly EmulationStep[]>> = {
  'avoidedExit interrupt-mask': [step('csrrci sstatus', 'csrAccess')],
  'avoidedExit interrupt-unmask': [step('csrrsi sstatus', 'csrAccess')],
  'hypercall pv.iret': [step('CSR accesses of the return', 'csrAccess', CSR_ACCESSES.trapReturn), step('sret', 'sret')],
  'hypercall pv.set_timer_op': [step('write of stimecmp', 'csrAccess'), step('timer armed', 'timerSet')],
  'exit syscall': [step('system call passed on', 'syscallBounce'), TRAP_ENTRY],
  'exit page-fault': [step('fault passed on', 'trapBounce'), TRAP_ENTRY],
  'exit exception': [step('exception passed on', 'trapBounce'), TRAP_ENTRY],
  'exit timer': [step('timer of the hypervisor', 'timerExit')],
  'inject virq-timer': [step('timer interrupt raised', 'inject')],
  'inject upcall': [TRAP_ENTRY],
};
const SENSITIVE_BATCH: Readonly<Record<string, EmulationStep>> = {
  'page-table-write': step('store to a write-protected page table', 'pteWrite', 1, 'count'),
  'address-space-switch': step('write of satp', 'satpCached', 1, 'count'),
  'translation-flush': step('sfence.vma', 'sfence', 1, 'count'),
};
const INTERRUPTS: Readonly<Record<string, readonly EmulationStep[]>> = {
  'exit external': [step('interrupt of the host', 'external')],
  'inject device': [step('interrupt raised', 'inject')],
  idle: [step('wfi', 'wfi')],
  'hypercall pv.console_io': [step('UART: LSR read and THR written', 'mmioUser', consoleByte.registers, 'value')],
};

/** Whether an event only repeats what the steps of the call before it hold already. */
export function isPartOfCall({ kind, name }: StepSubject): boolean {
  return kind === 'avoidedExit' && name in SENSITIVE_BATCH;
}

/**
 * The steps of one event.
 * @param mode under which the run was made: only what that mode makes cheaper has steps
 */
export function emulationSteps(mode: string, target: EmulationTarget, subject: StepSubject): readonly EmulationStep[] {
  if (mode !== 'pv' && mode !== 'pvh' && mode !== 'hvm-pv') return [];
  const ring = ringSteps(subject);
  if (ring !== undefined) return ring;
  if (mode === 'pvh' && subject.kind === 'avoidedExit') return eventSteps(target, subject.name);
  return mode === 'pv' ? paravirtualSteps(target, subject) : [];
}

/** How often a step occurs for an event. */
export function unitsOf(event: VmEvent, per: StepUnit): number {
  const field = unitField(per);
  if (field === undefined) return 1;
  const values = event as unknown as Readonly<Record<string, number | bigint | undefined>>;
  return unitCount(per, Number(values[field] ?? 0));
}

/** The field of an event that tells how many units it has; undefined: it is one. */
export function unitField(per: StepUnit): string | undefined {
  if (per === 'event') return undefined;
  return per === 'announcement' ? 'waiting' : per;
}

/** Units by the value of that field. */
export function unitCount(per: StepUnit, value: number): number {
  return per === 'announcement' ? Math.min(value, 1) : value;
}

/** Undefined for what is no matter of rings. */
function ringSteps({ kind, name, role }: StepSubject): readonly EmulationStep[] | undefined {
  switch (kind) {
    case 'notify':
      return NOTIFY[role] ?? [];
    case 'take':
      return role === 'console out'
        ? [step('UART: LSR read and THR written', 'mmioUser', consoleByte.registers, 'readableBytes')]
        : [];
    case 'avoidedExit':
      if (name !== 'ring-publish') return undefined;
      // An ATA command takes a whole batch, and a tail of received buffers is moved once for all of them.
      return role === 'network out' ? [step('e1000 TDT write', 'mmioUser', netTransmit.registers, 'count')] : [];
    default:
      return undefined;
  }
}

/** With hardware assistance only the interrupt controller is avoided: drivers still acknowledge their devices by registers. */
function eventSteps(target: EmulationTarget, operation: string): readonly EmulationStep[] {
  if (operation === 'interrupt-acknowledge') return CLAIM;
  return target === 'full' ? (SENSITIVE[`avoidedExit ${operation}`] ?? []) : [];
}

function paravirtualSteps(target: EmulationTarget, { kind, name, role }: StepSubject): readonly EmulationStep[] {
  if (kind === 'avoidedExit' && name === 'interrupt-acknowledge') {
    const driver = ACKNOWLEDGE[role];
    return driver === undefined ? [] : [...CLAIM, ...driver];
  }
  const key = kind === 'idle' ? kind : `${kind} ${kind === 'inject' && name.startsWith('pv-') ? 'device' : name}`;
  const always = INTERRUPTS[key] ?? [];
  if (target !== 'full') return always;
  const batch = kind === 'avoidedExit' ? SENSITIVE_BATCH[name] : undefined;
  if (batch !== undefined) return [batch];
  const work = kind === 'hypercall' && TABLE_CALLS.has(name) ? CALL_WORK_FULL : [];
  return [...always, ...(SENSITIVE[key] ?? []), ...work];
}
