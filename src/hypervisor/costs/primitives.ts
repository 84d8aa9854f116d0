/**
 * The cost primitives: every kind of work that a hypervisor of any mode is charged for, by name. `docs/costs.md` is made from this table.
 *
 * The machine executes the guest, walks its page tables and takes its traps by itself, and every exit really occurs, so a primitive
 * prices one occurrence of the hypervisor's own work and nothing else. `exit` primitives are a whole exit in three parts: out of the
 * guest, the work, back in. `work` primitives are charged once for each `per` while an exit is handled anyway, in their handling part;
 * their other parts are 0.
 */

export interface PrimitiveRow {
  readonly group: PrimitiveGroup;
  readonly kind: 'exit' | 'work';
  /** What one charge is for, where that is not the exit. */
  readonly per?: string;
  readonly about: string;
}

/** In the order in which they are listed. */
export const PRIMITIVE_GROUPS = {
  calls: 'Calls to the hypervisor',
  sensitive: 'Trap and emulate: sensitive instructions of a deprivileged kernel',
  bounces: 'Trap and emulate, paravirtual: traps passed on to a deprivileged kernel',
  shadow: 'Shadow paging',
  stages: 'Two-stage translation',
  devices: 'Device registers',
  interrupts: 'Interrupts, timers and turns',
  paravirtual: 'Paravirtual operations',
  native: 'Without a hypervisor',
} as const;
export type PrimitiveGroup = keyof typeof PRIMITIVE_GROUPS;

export const COST_PRIMITIVES = {
  hypercallKernel: {
    group: 'calls',
    kind: 'exit',
    about: 'A call that the hypervisor serves itself, SBI or hypercall; work primitives of what it does come on top',
  },
  hypercallUser: {
    group: 'calls',
    kind: 'exit',
    about: 'A call that a user-space device model serves (console, reset, suspend)',
  },
  remoteHart: {
    group: 'calls',
    kind: 'work',
    per: 'target hart',
    about: 'Reaching another hart from inside a call: an IPI or a remote fence',
  },

  csrAccess: {
    group: 'sensitive',
    kind: 'exit',
    about: 'A CSR instruction of the kernel, except satp: decoded, done to the virtual CSR',
  },
  sret: { group: 'sensitive', kind: 'exit', about: 'sret of the kernel, to itself or to user mode' },
  sfence: {
    group: 'sensitive',
    kind: 'exit',
    about: 'sfence.vma of the kernel; each shadow entry that it drops is a shadowDrop',
  },
  satpCached: { group: 'sensitive', kind: 'exit', about: 'A write of satp whose shadow root is in the cache' },
  satpNew: { group: 'sensitive', kind: 'exit', about: 'A write of satp for which an empty shadow root is made' },

  syscallBounce: {
    group: 'bounces',
    kind: 'exit',
    about: 'A system call of user mode, entered at the handler of the deprivileged kernel',
  },
  trapBounce: {
    group: 'bounces',
    kind: 'exit',
    about: "A fault or other exception that is the guest's own, entered at the handler of the deprivileged kernel",
  },

  shadowFill: {
    group: 'shadow',
    kind: 'exit',
    about:
      'A hidden fault: the guest maps the page and the shadow does not yet; the walk in software, tables that are made, the entry',
  },
  pteWrite: {
    group: 'shadow',
    kind: 'exit',
    about: 'A store to a guest page table caught by write protection: decoded, done, its shadow entry brought in line',
  },
  shadowDrop: {
    group: 'shadow',
    kind: 'work',
    per: 'shadow entry',
    about: 'An entry dropped by a fence, a recycled root or a page that becomes a page table',
  },

  secondStageFault: { group: 'stages', kind: 'exit', about: 'A second-stage fault that gives the guest a page' },

  mmioKernel: {
    group: 'devices',
    kind: 'exit',
    about: 'A device-register access that the hypervisor serves itself (a ring notification, an emulated controller)',
  },
  mmioUser: {
    group: 'devices',
    kind: 'exit',
    about: 'A device-register access that a user-space device model serves',
  },

  wfi: {
    group: 'interrupts',
    kind: 'exit',
    about: 'wfi leaving the guest, in every mode with a hypervisor; waiting itself is idle time',
  },
  irqClaim: {
    group: 'interrupts',
    kind: 'exit',
    about: 'Reading the claim register of the emulated interrupt controller',
  },
  irqComplete: { group: 'interrupts', kind: 'exit', about: 'Writing its completion register' },
  external: { group: 'interrupts', kind: 'exit', about: 'An interrupt of the host that arrives while the guest runs' },
  inject: {
    group: 'interrupts',
    kind: 'work',
    per: 'interrupt',
    about:
      'Raising an interrupt in the guest once the hypervisor runs, in hardware or in the virtual CSRs of a deprivileged kernel',
  },
  timerSet: {
    group: 'interrupts',
    kind: 'work',
    per: 'deadline',
    about: 'Arming a timer of the hypervisor for the guest, in a call or a trapped write of stimecmp',
  },
  timerExit: {
    group: 'interrupts',
    kind: 'exit',
    about: 'That timer expires while the guest runs (without Sstc); its injection comes on top',
  },
  preempt: { group: 'interrupts', kind: 'exit', about: 'The end of a turn: another hart gets the processor' },

  mmuUpdate: {
    group: 'paravirtual',
    kind: 'work',
    per: 'entry',
    about: 'mmu_update: one page-table entry validated and written',
  },
  vaMapping: {
    group: 'paravirtual',
    kind: 'work',
    per: 'call',
    about: 'update_va_mapping: one entry found by its address, validated, written, its translation flushed',
  },
  pinEntry: {
    group: 'paravirtual',
    kind: 'work',
    per: 'entry that is present',
    about: 'An entry of a page that becomes a page table, by mmuext_op pin or because a table refers to it',
  },
  unpinEntry: {
    group: 'paravirtual',
    kind: 'work',
    per: 'entry that is present',
    about: 'An entry of a page that is a page table no more',
  },
  newBaseptr: {
    group: 'paravirtual',
    kind: 'work',
    per: 'operation',
    about: 'mmuext_op new_baseptr or new_user_baseptr',
  },
  tlbFlush: {
    group: 'paravirtual',
    kind: 'work',
    per: 'operation',
    about: 'mmuext_op tlb_flush or invlpg of a hart; reaching another hart comes on top',
  },
  multicall: { group: 'paravirtual', kind: 'work', per: 'sub-call', about: 'Dispatching one call of a batch' },
  iret: { group: 'paravirtual', kind: 'exit', about: 'iret: the kernel returns to what was interrupted' },
  schedBlock: { group: 'paravirtual', kind: 'exit', about: 'sched_op block or poll; waiting itself is idle time' },
  eventSend: {
    group: 'paravirtual',
    kind: 'work',
    per: 'event',
    about: 'Finding and marking the port of an event; reaching another hart comes on top',
  },
  eventUpcall: {
    group: 'paravirtual',
    kind: 'work',
    per: 'upcall',
    about: "Entering the guest's event callback when the hypervisor returns to it",
  },
  grantMap: { group: 'paravirtual', kind: 'work', per: 'grant', about: 'Mapping a granted page' },
  grantUnmap: { group: 'paravirtual', kind: 'work', per: 'grant', about: 'Unmapping it' },
  grantCopy: {
    group: 'paravirtual',
    kind: 'work',
    per: 'operation',
    about: 'Checking a grant copy; its bytes come on top',
  },
  copyLine: {
    group: 'paravirtual',
    kind: 'work',
    per: '64 bytes',
    about: 'Bytes copied between domains, or a page copied or cleared by mmuext_op',
  },

  nativeCall: { group: 'native', kind: 'work', per: 'call', about: 'An SBI call served by firmware' },
  nativeAccess: { group: 'native', kind: 'work', per: 'access', about: 'A device-register access' },
} as const satisfies Record<string, PrimitiveRow>;
export type CostPrimitive = keyof typeof COST_PRIMITIVES;

export const COST_PRIMITIVE_NAMES = Object.keys(COST_PRIMITIVES) as readonly CostPrimitive[];
