/**
 * The event vocabulary: everything the hypervisor tells about a run. Typed once here; the trace columns, the JSON output, the
 * report and the documentation are derived from this table.
 *
 * Every event carries its stamp: the cycle and instruction count at which it happened (for an exit: before its cost was
 * charged), the hart, and that hart's pc. Stamps never decrease along a run: all harts share one clock.
 */

/**
 * Field types. `u8` to `u53` are JavaScript numbers (safe, non-negative integers), `u64` and `i64` are bigint,
 * `bool` is boolean, `name` is a short string from a small set (a device, a reason).
 */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u53' | 'u64' | 'i64' | 'bool' | 'name';

type FieldValue<T extends FieldType> = T extends 'u8' | 'u16' | 'u32' | 'u53'
  ? number
  : T extends 'u64' | 'i64'
    ? bigint
    : T extends 'bool'
      ? boolean
      : string;

/** Cost parts of a VM exit in cycles, charged to the clock when the exit is handled. */
const COST = { entryCycles: 'u32', handlingCycles: 'u32', returnCycles: 'u32' } as const;

interface EventRow {
  /** Number in the trace; explicit, never reused. */
  readonly code: number;
  /** Lane family in the report. */
  readonly lane: 'hart' | 'hypercall' | 'interrupt' | 'ring' | 'input' | 'avoided' | 'mark';
  readonly about: string;
  readonly fields: Readonly<Record<string, FieldType>>;
}

export const EVENT_STAMP = { cycle: 'u53', icount: 'u53', hart: 'u8', pc: 'u64' } as const;

export const EVENT_KINDS = {
  hypercall: {
    code: 1,
    lane: 'hypercall',
    about:
      'The guest called the SBI, or its paravirtual interface: extension and function id, the arguments that the function takes (the others are 0; all of a0 to a5 if there is no such function), and what came back in a0 and a1. Of a paravirtual call also what it did that would have trapped under emulation: entries of page tables written, address spaces loaded, flushes of translations.',
    fields: {
      ...COST,
      eid: 'u64',
      fid: 'u64',
      arg0: 'u64',
      arg1: 'u64',
      arg2: 'u64',
      arg3: 'u64',
      arg4: 'u64',
      arg5: 'u64',
      error: 'i64',
      value: 'u64',
      tableWrites: 'u32',
      rootLoads: 'u32',
      flushes: 'u32',
    },
  },
  mmio: {
    code: 2,
    lane: 'hart',
    about: 'The guest accessed a device register that the hypervisor serves.',
    fields: { ...COST, device: 'name', register: 'name', gpa: 'u53', sizeBytes: 'u8', write: 'bool', value: 'u64' },
  },
  exit: {
    code: 3,
    lane: 'hart',
    about:
      'Another VM exit, by reason: `wfi`, `preempt` (the timer of the hypervisor ended the turn), `external` (a device interrupt of the host).',
    fields: { ...COST, reason: 'name' },
  },
  inject: {
    code: 4,
    lane: 'interrupt',
    about:
      'The hypervisor raised an interrupt wire: a device line into the interrupt controller, a timer or an IPI into a hart.',
    fields: { ...COST, source: 'name', line: 'u32' },
  },
  interrupt: {
    code: 5,
    lane: 'interrupt',
    about: 'The hart took an interrupt trap: the cause as in scause or mcause without the interrupt bit.',
    fields: { cause: 'u8' },
  },
  notify: {
    code: 6,
    lane: 'ring',
    about: 'The driver notified a ring: its published index and how many chains wait.',
    fields: { device: 'name', queue: 'u16', availIndex: 'u16', waiting: 'u16' },
  },
  take: {
    code: 7,
    lane: 'ring',
    about: 'The device took a descriptor chain: head, length, bytes it may read and write, chains now in flight.',
    fields: {
      device: 'name',
      queue: 'u16',
      head: 'u16',
      descriptors: 'u16',
      indirect: 'bool',
      readableBytes: 'u32',
      writableBytes: 'u32',
      inFlight: 'u16',
    },
  },
  complete: {
    code: 8,
    lane: 'ring',
    about: 'The device returned a chain through the used ring: bytes written, chains still in flight.',
    fields: { device: 'name', queue: 'u16', head: 'u16', writtenBytes: 'u32', usedIndex: 'u16', inFlight: 'u16' },
  },
  used: {
    code: 9,
    lane: 'ring',
    about:
      'After returning chains the device decided whether to interrupt the driver (`delivered`) or was told not to.',
    fields: { device: 'name', queue: 'u16', usedIndex: 'u16', delivered: 'bool' },
  },
  broken: {
    code: 10,
    lane: 'ring',
    about:
      'A malformed ring: the device sets DEVICE_NEEDS_RESET and serves no more until reset. What was wrong, and the value.',
    fields: { device: 'name', queue: 'u16', what: 'name', offending: 'u64' },
  },
  idle: { code: 11, lane: 'hart', about: 'The hart waits for an interrupt.', fields: {} },
  wake: { code: 12, lane: 'hart', about: 'The hart goes on after waiting.', fields: {} },
  turn: {
    code: 13,
    lane: 'hart',
    about: 'The hypervisor gave the processor to this hart; which one had it before. Only with several harts.',
    fields: { from: 'u8' },
  },
  hartState: {
    code: 14,
    lane: 'hart',
    about: 'The hart state management state of `target` changed: `started`, `stopped`, `suspended`.',
    fields: { target: 'u8', state: 'name' },
  },
  input: {
    code: 15,
    lane: 'input',
    about: 'The guest was given console bytes; the bytes themselves are in the inputs of the trace.',
    fields: { port: 'name', lengthBytes: 'u32' },
  },
  end: {
    code: 16,
    lane: 'hart',
    about: 'The run ended: reason and the exit code of the guest.',
    fields: { reason: 'name', status: 'u32' },
  },
  drop: {
    code: 17,
    lane: 'ring',
    about: 'A network frame was lost: its length, and why, such as `no-buffer` where the driver gave too few.',
    fields: { device: 'name', queue: 'u16', lengthBytes: 'u32', reason: 'name' },
  },
  avoidedExit: {
    code: 18,
    lane: 'avoided',
    about:
      'The guest did `count` times without an exit what emulation would have trapped: `interrupt-mask`, `interrupt-unmask`, `interrupt-acknowledge` (stores to the shared-info page, told of right after them; `line` is the port that was acknowledged, `device` whose it is, or `timer`, `ipi` or empty), `ring-publish` (entries that the device found without a notification of their own, when it took them), `page-table-write`, `address-space-switch`, `translation-flush` (of the call before, beyond the one that its exit stands for). Costs nothing.',
    fields: { operation: 'name', device: 'name', queue: 'u16', line: 'u32', count: 'u32' },
  },
  mark: {
    code: 19,
    lane: 'mark',
    about:
      'Somebody gave this place a name: the guest by a call, with a value of its own (`by` is `guest`), or the user (`user`; the name also is an input of the trace). Costs nothing.',
    fields: { by: 'name', label: 'name', value: 'u64' },
  },
} as const satisfies Record<string, EventRow>;

export type EventKind = keyof typeof EVENT_KINDS;

export type EventStamp = { readonly [F in keyof typeof EVENT_STAMP]: FieldValue<(typeof EVENT_STAMP)[F]> };

type FieldsOf<K extends EventKind> = (typeof EVENT_KINDS)[K]['fields'];

/** One event of kind `K`: its stamp and the fields of its row. */
export type EventOf<K extends EventKind> = EventStamp & { readonly kind: K } & {
  readonly [F in keyof FieldsOf<K>]: FieldsOf<K>[F] extends FieldType ? FieldValue<FieldsOf<K>[F]> : never;
};

/** Any event: a union that `kind` discriminates. */
export type VmEvent = { [K in EventKind]: EventOf<K> }[EventKind];

/** Kinds that carry cost parts. */
export type PricedEvent = Extract<VmEvent, { entryCycles: number }>;

export function isPriced(event: VmEvent): event is PricedEvent {
  return 'entryCycles' in event;
}

/** Cycles that an exit took from the guest in all. */
export function costOf(event: PricedEvent): number {
  return event.entryCycles + event.handlingCycles + event.returnCycles;
}
