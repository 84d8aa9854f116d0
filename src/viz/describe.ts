/**
 * Events in words: what the tooltip and the details panel say. Plain text only; the page puts it into text nodes.
 */
import { type EmulationTarget, unitsOf } from '../analysis/emulation-steps.ts';
import { errorKey, hex, interruptName, ringName } from '../analysis/names.ts';
import { costOf, EVENT_KINDS, type EventOf, isPriced, type VmEvent } from '../hypervisor/events.ts';
import type { EventTable } from './event-table.ts';
import { formatCycles, formatGuestTime, groupDigits } from './format.ts';
import type { Flow } from './ring-lanes.ts';
import { lowerBound } from './sorted.ts';

/** One labelled value. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Description {
  /** What happened, in a few words. */
  readonly title: string;
  /** What this kind of event is. */
  readonly about: string;
  /** What is particular to it: arguments, register, chain. */
  readonly facts: readonly Fact[];
  /** Cost in parts; empty for events that cost nothing. */
  readonly costs: readonly Fact[];
  /** Where in the run: cycle, icount, hart, pc. */
  readonly place: readonly Fact[];
}

export function describeEvent(table: EventTable, index: number): Description {
  const event = table.event(index);
  const category = table.categoryOf(index);
  return {
    title: titleOf(event, category.label),
    about: EVENT_KINDS[event.kind].about,
    facts: factsOf(table, event, category.argumentNames),
    costs: costsOf(event),
    place: [
      { label: 'cycle', value: groupDigits(event.cycle) },
      { label: 'guest time', value: formatGuestTime(event.cycle, table.model.facts.clockHz) },
      { label: 'icount', value: groupDigits(event.icount) },
      { label: 'hart', value: String(event.hart) },
      { label: 'pc', value: hex(event.pc) },
    ],
  };
}

/** The one line that says most about an event, for the tooltip. */
export function summarizeEvent(table: EventTable, index: number): readonly string[] {
  const event = table.event(index);
  const { label: sort, argumentNames } = table.categoryOf(index);
  const lines = [titleOf(event, sort)];
  const [first, second, third] = factsOf(table, event, argumentNames);
  const facts = [first, second, third]
    .filter((fact) => fact !== undefined)
    .map(({ label, value }) => `${label} ${value}`);
  if (facts.length > 0) lines.push(facts.join(' · '));
  if (isPriced(event)) {
    lines.push(
      `${formatCycles(costOf(event))}: entry ${groupDigits(event.entryCycles)}, handling ${groupDigits(event.handlingCycles)}, return ${groupDigits(event.returnCycles)}`,
    );
  }
  lines.push(`hart ${event.hart} · cycle ${groupDigits(event.cycle)}`);
  return lines;
}

/** The steps of emulation that an event stands for, with their prices, and the sum; none if it stands for nothing. */
export function describeEmulation(table: EventTable, index: number, target: EmulationTarget): readonly Fact[] {
  const { emulation } = table.categoryOf(index);
  if (emulation === undefined) return [];
  const event = table.event(index);
  const all = emulation.byTarget[target].steps;
  if (all.length === 0) return [{ label: 'in all', value: 'nothing: hardware does it' }];
  const steps = all
    .map(({ what, per, times, cycles }) => ({ what, cycles, count: unitsOf(event, per) * times }))
    .filter(({ count }) => count > 0);
  if (steps.length === 0) return [];
  const sum = steps.reduce((before, { cycles, count }) => before + cycles * count, 0);
  const note = emulation.isPartOfCall ? ', among those of the call before' : '';
  return [
    ...steps.map(({ what, cycles, count }) => ({
      label: what,
      value: count === 1 ? formatCycles(cycles) : `${groupDigits(count)} × ${formatCycles(cycles)}`,
    })),
    { label: 'in all', value: `${formatCycles(sum)}${note}` },
  ];
}

/** A chain from doorbell to interrupt: each step with its cycles since the one before. */
export function describeFlow(
  table: EventTable,
  flow: Flow,
): readonly { readonly name: string; readonly event: number; readonly sinceCycles: number | undefined }[] {
  const steps = [
    { name: 'doorbell write', event: flow.doorbell },
    { name: 'notify', event: flow.notify },
    { name: 'take', event: flow.take },
    { name: 'complete', event: flow.complete },
    { name: 'used', event: flow.used },
    { name: 'wire raised', event: flow.inject },
    { name: 'interrupt taken', event: flow.interrupt },
  ];
  let before: number | undefined;
  return steps.flatMap(({ name, event }) => {
    if (event === undefined) return [];
    const cycle = table.cycle[event] ?? 0;
    const sinceCycles = before === undefined ? undefined : cycle - before;
    before = cycle;
    return [{ name, event, sinceCycles }];
  });
}

function titleOf(event: VmEvent, label: string): string {
  switch (event.kind) {
    case 'hypercall':
      return `Hypercall: ${label}`;
    case 'mmio':
      return `${event.write ? 'Write to' : 'Read from'} ${event.device}.${event.register}`;
    case 'exit':
      return `VM exit: ${event.reason}`;
    case 'inject':
      return `${event.source} raised an interrupt`;
    case 'interrupt':
      return `Interrupt taken: ${interruptName(event.cause)}`;
    case 'notify':
    case 'take':
    case 'complete':
    case 'used':
    case 'broken':
    case 'drop':
      return `${ringName(event.device, event.queue)}: ${label}`;
    case 'avoidedExit':
      return `Avoided exit: ${label}`;
    case 'mark':
      return `Mark ${event.label}, set by the ${event.by}`;
    case 'hartState':
      return `Hart ${event.target} ${event.state}`;
    case 'turn':
      return `Hart ${event.hart} gets the processor`;
    case 'idle':
      return `Hart ${event.hart} waits for an interrupt`;
    case 'wake':
      return `Hart ${event.hart} goes on`;
    case 'input':
      return event.lengthBytes === 0 ? `End of input on ${event.port}` : `Console input on ${event.port}`;
    case 'end':
      return `End of run: ${event.reason}`;
  }
}

function factsOf(table: EventTable, event: VmEvent, argumentNames: readonly string[]): readonly Fact[] {
  switch (event.kind) {
    case 'hypercall':
      return hypercallFacts(table, event, argumentNames);
    case 'mmio':
      return [
        { label: 'value', value: hex(event.value) },
        { label: 'address', value: hex(event.gpa) },
        { label: 'size', value: bytes(event.sizeBytes) },
        { label: 'device', value: event.device },
        { label: 'register', value: event.register },
      ];
    case 'exit':
      return [{ label: 'reason', value: event.reason }];
    case 'inject':
      return [
        { label: 'source', value: event.source },
        { label: 'line', value: String(event.line) },
      ];
    case 'interrupt':
      return [{ label: 'cause', value: `${event.cause} (${interruptName(event.cause)})` }];
    case 'notify':
      return [
        { label: 'waiting', value: plural(event.waiting, 'chain') },
        { label: 'avail index', value: String(event.availIndex) },
        ...ringFacts(event),
      ];
    case 'take':
      return takeFacts(event);
    case 'complete':
      return [
        { label: 'head', value: String(event.head) },
        { label: 'written', value: bytes(event.writtenBytes) },
        { label: 'in flight after', value: plural(event.inFlight, 'chain') },
        { label: 'used index', value: String(event.usedIndex) },
        ...ringFacts(event),
      ];
    case 'used':
      return [
        { label: 'interrupt', value: event.delivered ? 'sent' : 'suppressed by the driver' },
        { label: 'used index', value: String(event.usedIndex) },
        ...ringFacts(event),
      ];
    case 'broken':
      return [
        { label: 'what', value: event.what },
        { label: 'offending value', value: hex(event.offending) },
        ...ringFacts(event),
      ];
    case 'drop':
      return [
        { label: 'reason', value: event.reason },
        { label: 'length', value: bytes(event.lengthBytes) },
        ...ringFacts(event),
      ];
    case 'avoidedExit':
      return avoidedFacts(event);
    case 'mark':
      return [{ label: 'value', value: hex(event.value) }];
    case 'turn':
      return [{ label: 'before', value: `hart ${event.from}` }];
    case 'hartState':
      return [
        { label: 'target', value: `hart ${event.target}` },
        { label: 'state', value: event.state },
      ];
    case 'input':
      return [
        { label: 'length', value: bytes(event.lengthBytes) },
        { label: 'port', value: event.port },
      ];
    case 'end':
      return [
        { label: 'reason', value: event.reason },
        { label: 'status', value: String(event.status) },
      ];
    case 'idle':
    case 'wake':
      return [];
  }
}

function hypercallFacts(
  table: EventTable,
  event: EventOf<'hypercall'>,
  argumentNames: readonly string[],
): readonly Fact[] {
  const error = table.model.errorNames[errorKey(event.error, event.eid)] ?? String(event.error);
  const registers = [event.arg0, event.arg1, event.arg2, event.arg3, event.arg4, event.arg5];
  // Of a known function, registers that are no arguments hold whatever the guest had in them.
  const shown = argumentNames.length > 0 ? registers.slice(0, argumentNames.length) : registers;
  return [
    ...shown.map((value, index) => {
      const name = argumentNames[index];
      return { label: name === undefined ? `a${index}` : `a${index} ${name}`, value: hex(value) };
    }),
    { label: 'error', value: `${error} (${event.error})` },
    { label: 'value', value: hex(event.value) },
    { label: 'extension (a7)', value: hex(event.eid) },
    { label: 'function (a6)', value: hex(event.fid) },
  ];
}

function takeFacts(event: EventOf<'take'>): readonly Fact[] {
  return [
    { label: 'head', value: String(event.head) },
    { label: 'descriptors', value: `${event.descriptors}${event.indirect ? ', indirect' : ''}` },
    { label: 'device reads', value: bytes(event.readableBytes) },
    { label: 'device may write', value: bytes(event.writableBytes) },
    { label: 'in flight after', value: plural(event.inFlight, 'chain') },
    ...ringFacts(event),
  ];
}

function avoidedFacts({ operation, device, queue, line, count }: EventOf<'avoidedExit'>): readonly Fact[] {
  return [
    { label: 'operation', value: operation },
    { label: 'times', value: groupDigits(count) },
    ...(line > 0 ? [{ label: 'port', value: `${line}${device === '' ? '' : ` (${device})`}` }] : []),
    ...(line === 0 && device !== '' ? ringFacts({ device, queue }) : []),
  ];
}

function ringFacts(event: { readonly device: string; readonly queue: number }): readonly Fact[] {
  return [{ label: 'ring', value: ringName(event.device, event.queue) }];
}

function costsOf(event: VmEvent): readonly Fact[] {
  if (!isPriced(event)) return [];
  return [
    { label: 'entry', value: `${groupDigits(event.entryCycles)} cycles` },
    { label: 'handling', value: `${groupDigits(event.handlingCycles)} cycles` },
    { label: 'return', value: `${groupDigits(event.returnCycles)} cycles` },
    { label: 'total', value: `${groupDigits(costOf(event))} cycles` },
  ];
}

function bytes(count: number): string {
  return plural(count, 'byte');
}

function plural(count: number, noun: string): string {
  return `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** How many labels a note about many events lists. */
const SORTS_SHOWN = 3;
/** How many events a note about many looks at: enough to say what is frequent. */
const EVENTS_LOOKED_AT = 5000;

/**
 * The sorts of `count` events of a lane from `first` on, most frequent first, as `12 × uart0 LSR read`.
 *
 * @param events the rising event numbers of the lane
 */
export function describeEventsIn(
  table: EventTable,
  events: Uint32Array,
  first: number,
  count: number,
): readonly string[] {
  const start = lowerBound(events, first);
  const looked = Math.min(count, EVENTS_LOOKED_AT);
  const sorts = new Map<number, number>();
  for (let i = start; i < start + looked; i += 1) {
    const category = table.category[events[i] ?? 0] ?? 0;
    sorts.set(category, (sorts.get(category) ?? 0) + 1);
  }
  const ordered = Array.from(sorts).sort(([, a], [, b]) => b - a);
  const lines = ordered.slice(0, SORTS_SHOWN).map(([category, times]) => {
    const about = looked < count ? 'of the first ' : '';
    return `${groupDigits(times)} × ${table.model.categories[category]?.label ?? ''}${about === '' ? '' : ` (${about}${groupDigits(looked)})`}`;
  });
  const rest = ordered.length - SORTS_SHOWN;
  return rest > 0 ? [...lines, `and ${plural(rest, 'other sort')}`] : lines;
}
