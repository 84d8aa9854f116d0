/** What the axes of modes do about each of their operations, as data: see `operations.ts`. The handlers are in `axes.ts` and beside it. */
import type { CostPrimitive } from '../costs.ts';
import type { PricedEvent } from '../events.ts';
import type { EmittedEvent, Handling, Handlings } from './operations.ts';

const never: Handling = { by: 'nobody', does: 'does not occur', events: [] };
const instead = (does: string): Handling => ({ by: 'nobody', does, events: [] });
const hardware = (does: string, ...events: readonly EmittedEvent[]): Handling => ({ by: 'hardware', does, events });
const firmware = (does: string, ...events: readonly EmittedEvent[]): Handling => ({ by: 'firmware', does, events });
const hypervisor = (does: string, ...events: readonly EmittedEvent[]): Handling => ({ by: 'hypervisor', does, events });

function emits(
  kind: PricedEvent['kind'],
  reason: string,
  costs: readonly CostPrimitive[],
  work: readonly CostPrimitive[] = [],
): EmittedEvent {
  return { kind, reason, costs, ...(work.length > 0 && { work }) };
}

/** What a supervisor mode of the guest's own does without anybody's help. */
const OWN_SUPERVISOR = {
  satpWrite: hardware('done by the instruction'),
  csrAccess: hardware('done by the instruction'),
  sret: hardware('done by the instruction'),
  fence: hardware('done by the instruction'),
  userCall: hardware("enters the kernel's handler"),
  ownFault: hardware("enters the kernel's handler"),
  exception: hardware("enters the kernel's handler"),
  hiddenFault: never,
  tableStore: hardware('a store like any other'),
} as const;

export const FIRMWARE_CALLS: Handlings<'privileged'> = {
  ...OWN_SUPERVISOR,
  noMemory: hardware('an access fault'),
  secondStageFault: never,
  supervisorCall: firmware(
    'an SBI call, served below the guest',
    emits('hypercall', '*', ['nativeCall'], ['nativeCall']),
  ),
  ipi: firmware('raised in the hart', emits('inject', 'ipi', ['nativeCall'])),
};

const CALLED_HYPERVISOR = {
  supervisorCall: hypervisor(
    'an SBI call, served in the hypervisor; consoles, reset and suspend in its user-space device model',
    emits('hypercall', '*', ['hypercallKernel', 'hypercallUser'], ['remoteHart']),
  ),
  ipi: hypervisor('raised in the virtual hart', emits('inject', 'ipi', ['remoteHart'])),
} as const;

export const HARDWARE_ASSISTED: Handlings<'privileged'> = {
  ...OWN_SUPERVISOR,
  ...CALLED_HYPERVISOR,
  noMemory: hypervisor('the access fault is entered in the guest', emits('exit', 'access-fault', ['trapBounce'])),
  secondStageFault: hypervisor('the page is mapped', emits('exit', 'second-stage-fault', ['secondStageFault'])),
};

/** Work of calls for events, by docs/abi.md. */
const EVENT_CALL_WORK: readonly CostPrimitive[] = ['multicall', 'eventSend'];

export const HARDWARE_ASSISTED_WITH_EVENTS: Handlings<'privileged'> = {
  ...HARDWARE_ASSISTED,
  supervisorCall: hypervisor(
    'a call for events (docs/abi.md), or an SBI call, served in the hypervisor; consoles, reset and suspend in its user-space device model',
    emits('hypercall', 'pv.sched_op', ['schedBlock', 'hypercallKernel']),
    emits('hypercall', 'pv.*', ['hypercallKernel'], EVENT_CALL_WORK),
    emits('hypercall', '*', ['hypercallKernel', 'hypercallUser'], ['remoteHart']),
  ),
};

export const TRAP_AND_EMULATE: Handlings<'privileged'> = {
  ...CALLED_HYPERVISOR,
  satpWrite: hypervisor(
    'the shadow root of the address space is found in the cache, or an empty one is made',
    emits('exit', 'csr satp', ['satpCached', 'satpNew'], ['shadowDrop']),
  ),
  csrAccess: hypervisor(
    'decoded, done to the virtual CSR; `cycle`, `time` and `instret` are read without an exit',
    emits('exit', 'csr *', ['csrAccess'], ['timerSet', 'shadowDrop']),
  ),
  sret: hypervisor('done to the virtual privilege and CSRs', emits('exit', 'sret', ['sret'])),
  fence: hypervisor(
    'the TLB is flushed; shadow entries are never stale',
    emits('exit', 'sfence.vma', ['sfence'], ['shadowDrop']),
  ),
  userCall: hypervisor("the kernel's handler is entered", emits('exit', 'syscall', ['syscallBounce'])),
  ownFault: hypervisor("the kernel's handler is entered", emits('exit', 'page-fault', ['trapBounce'])),
  exception: hypervisor("the kernel's handler is entered", emits('exit', 'exception', ['trapBounce'])),
  noMemory: hypervisor('the access fault is entered in the guest', emits('exit', 'access-fault', ['trapBounce'])),
  hiddenFault: hypervisor(
    "the guest's tables are walked and the shadow filled; the guest never knows",
    emits('exit', 'shadow-fill', ['shadowFill'], ['shadowDrop']),
  ),
  tableStore: hypervisor(
    'caught by write protection: done, and what was made of the entry is dropped',
    emits('exit', 'pte-write', ['pteWrite'], ['shadowDrop']),
  ),
  secondStageFault: never,
};

/** Work that calls of the paravirtual interface come to, by docs/abi.md. */
const CALL_WORK: readonly CostPrimitive[] = [
  'mmuUpdate',
  'vaMapping',
  'pinEntry',
  'unpinEntry',
  'newBaseptr',
  'tlbFlush',
  'multicall',
  'copyLine',
  'remoteHart',
  'timerSet',
  'eventSend',
  'grantMap',
  'grantUnmap',
  'grantCopy',
];

export const PARAVIRTUAL: Handlings<'privileged'> = {
  satpWrite: instead('the kernel calls `mmuext_op` instead; the instruction is an exception'),
  csrAccess: instead('the kernel uses shared pages and calls instead; the instruction is an exception'),
  sret: instead('the kernel calls `iret` instead; the instruction is an exception'),
  fence: instead('the kernel calls `mmuext_op` instead; the instruction is an exception'),
  userCall: hypervisor("the kernel's callback is entered", emits('exit', 'syscall', ['syscallBounce'])),
  ownFault: hypervisor("the kernel's callback is entered", emits('exit', 'page-fault', ['trapBounce'])),
  exception: hypervisor("the kernel's callback is entered", emits('exit', 'exception', ['trapBounce'])),
  noMemory: instead('nothing but memory can be mapped'),
  hiddenFault: instead("does not occur: the guest's own tables are walked"),
  tableStore: instead(
    "the kernel calls `mmu_update` instead; tables are mapped read-only, and a store is a fault of the guest's own",
  ),
  secondStageFault: never,
  supervisorCall: hypervisor(
    'a call of the interface (docs/abi.md), validated and served; SBI calls as in other modes',
    emits('hypercall', 'pv.iret', ['iret']),
    emits('hypercall', 'pv.sched_op', ['schedBlock', 'hypercallKernel']),
    emits('hypercall', 'pv.*', ['hypercallKernel'], CALL_WORK),
    emits('hypercall', '*', ['hypercallKernel', 'hypercallUser'], ['remoteHart']),
  ),
  ipi: instead('an event that the other hart sends by a call'),
};

export const DIRECT_INTERRUPTS: Handlings<'interrupts'> = {
  wait: hardware('the hart waits'),
  preemption: hardware('the next hart has a turn on the one modelled core'),
  timer: hardware('pending at the deadline', emits('inject', 'timer', [])),
  upcall: never,
  deviceInterrupt: hardware('its line rises at the interrupt controller', emits('inject', '*', [])),
};

const PREEMPTION = hypervisor(
  'the next hart has a turn on the one modelled core',
  emits('exit', 'preempt', ['preempt']),
);
const WAIT = hypervisor('the virtual hart waits', emits('exit', 'wfi', ['wfi']));
const DEVICE_INTERRUPT = hypervisor(
  'takes a running guest out, then its line rises at the emulated controller; inside an exit and while all wait, the injection alone',
  emits('exit', 'external', ['external']),
  emits('inject', '*', ['inject']),
);

export const EMULATED_INTERRUPTS: Handlings<'interrupts'> = {
  wait: WAIT,
  preemption: PREEMPTION,
  timer: hardware("`stimecmp` is the guest's own: pending at the deadline", emits('inject', 'timer', [])),
  upcall: never,
  deviceInterrupt: DEVICE_INTERRUPT,
};

export const EVENT_CHANNELS_BESIDE_CONTROLLER: Handlings<'interrupts'> = {
  ...EMULATED_INTERRUPTS,
  deviceInterrupt: hypervisor(
    'takes a running guest out, then marks the port that its line is bound to, or its line rises at the emulated controller; inside an exit and while all wait, without the exit',
    emits('exit', 'external', ['external']),
    emits('inject', '*', ['eventSend', 'inject']),
  ),
  upcall: hypervisor(
    'raised as the virtual software interrupt when a port becomes pending and the guest has not masked upcalls',
    emits('inject', 'upcall', ['inject', 'remoteHart']),
  ),
};

export const EMULATED_INTERRUPTS_AND_TIMER: Handlings<'interrupts'> = {
  wait: WAIT,
  preemption: PREEMPTION,
  timer: hypervisor(
    'a timer of the hypervisor takes a running guest out and is raised in it',
    emits('exit', 'timer', ['timerExit']),
    emits('inject', 'timer', ['inject']),
  ),
  upcall: never,
  deviceInterrupt: DEVICE_INTERRUPT,
};

export const EVENT_CHANNELS: Handlings<'interrupts'> = {
  wait: instead('the kernel calls `sched_op` instead; the instruction is an exception'),
  preemption: PREEMPTION,
  timer: hypervisor(
    'a timer of the hypervisor takes a running guest out and becomes an event',
    emits('exit', 'timer', ['timerExit']),
    emits('inject', 'virq-timer', ['eventSend']),
  ),
  deviceInterrupt: hypervisor(
    'an event of the back end; takes a running guest out',
    emits('exit', 'external', ['external']),
    emits('inject', 'pv-*', ['eventSend']),
  ),
  upcall: hypervisor(
    'when the hypervisor returns to the guest, an event is pending and the guest has not masked them',
    emits('inject', 'upcall', ['eventUpcall']),
  ),
};

export const DIRECT_DEVICES: Handlings<'devices'> = {
  notification: hardware('an access on the bus', emits('mmio', '*.QueueNotify write', ['nativeAccess'])),
  register: hardware('an access on the bus', emits('mmio', '*', ['nativeAccess'])),
};

export const TRAPPED_DEVICES: Handlings<'devices'> = {
  notification: hypervisor(
    'ends in the hypervisor, which leaves the work to another thread',
    emits('mmio', '*.QueueNotify write', ['mmioKernel']),
  ),
  register: hypervisor(
    'decoded, done by the user-space device model; those of the interrupt controller by the hypervisor, which emulates it',
    emits('mmio', '*', ['mmioUser', 'mmioKernel', 'irqClaim', 'irqComplete']),
  ),
};

export const EMULATED_DEVICES: Handlings<'devices'> = {
  notification: never,
  register: TRAPPED_DEVICES.register,
};

export const DEVICE_CALLS: Handlings<'devices'> = {
  notification: instead('an event that the driver sends by a call'),
  register: instead('no register can be mapped'),
};
