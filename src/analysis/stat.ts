/**
 * Statistics of a run: where its cycles went, exits by reason, and what the rings did. One pass over the events, with memory that
 * grows with the number of distinct reasons only.
 */
import { costOf, type EventOf, isPriced, type PricedEvent, type VmEvent } from '../hypervisor/events.ts';
import type { Position } from '../session/ports.ts';
import type { EventNames } from './names.ts';

/** Most distinct reasons that are counted apart: a guest may call anything. The rest is summed up per kind. */
const REASONS_MAX = 1024;

/** What a priced event is: an exit of the guest, or an interrupt that the hypervisor raises. */
export type ReasonKind = PricedEvent['kind'];

/** Exits of one reason. */
export interface ReasonRow {
  readonly kind: ReasonKind;
  /** `DBCN.debug_console_write`, `uart0.LSR read`, `wfi`, `timer`. */
  readonly reason: string;
  readonly count: number;
  readonly totalCycles: number;
  /** Share of all cycles of the run, 0 to 1. */
  readonly share: number;
  readonly minCycles: number;
  readonly meanCycles: number;
  readonly maxCycles: number;
  /** Count by hart number. */
  readonly countByHart: readonly number[];
}

/** One hart. */
export interface HartRow {
  readonly hart: number;
  readonly events: number;
  readonly exits: number;
  readonly hypervisorCycles: number;
  readonly interrupts: number;
  /** Cycles between its waiting and its going on, whether another hart ran or not. */
  readonly waitingCycles: number;
}

/** One queue of one device. */
export interface RingRow {
  readonly device: string;
  readonly queue: number;
  readonly notifications: number;
  readonly chainsTaken: number;
  readonly chainsCompleted: number;
  readonly readableBytes: number;
  readonly writtenBytes: number;
  readonly inFlightMax: number;
  readonly interruptsDelivered: number;
  readonly interruptsSuppressed: number;
  readonly broken: number;
  /** Network frames that were lost. */
  readonly framesDropped: number;
}

/** Exits that the guest was spared: see `hypervisor/avoided-exits.ts`. */
export interface AvoidedRow {
  readonly operation: string;
  /** Whose ring or interrupt it was; empty if it was no device's. */
  readonly device: string;
  readonly count: number;
}

export interface RunStatistics {
  readonly events: number;
  readonly cycles: number;
  readonly icount: number;
  /** Together these are all cycles. Idle: the hart that has the processor waits, and no other can run. */
  readonly guestCycles: number;
  readonly hypervisorCycles: number;
  readonly idleCycles: number;
  /** Most cycles first; then by kind and reason. */
  readonly reasons: readonly ReasonRow[];
  readonly harts: readonly HartRow[];
  readonly rings: readonly RingRow[];
  /** Most first; then by operation and device. */
  readonly avoided: readonly AvoidedRow[];
}

/**
 * @param events all events of the run, in order.
 * @param end where the run ended, or where the trace is cut off; undefined: at the last event.
 */
export function computeStatistics(
  events: Iterable<VmEvent>,
  hartCount: number,
  names: Pick<EventNames, 'sbiFunction'>,
  end?: Position,
): RunStatistics {
  const collector = new StatisticsCollector(hartCount, names);
  for (const event of events) collector.add(event);
  return collector.finish(end);
}

/** Statistics of a run that is told event by event. */
export class StatisticsCollector {
  readonly #reasons: ReasonCounter;
  readonly #clock: CycleAccount;
  readonly #harts: MutableRow<HartRow>[];
  readonly #rings = new Map<string, MutableRow<RingRow>>();
  readonly #avoided = new Map<string, MutableRow<AvoidedRow>>();
  #count = 0;

  constructor(hartCount: number, names: Pick<EventNames, 'sbiFunction'>) {
    this.#reasons = new ReasonCounter(hartCount, names);
    this.#clock = new CycleAccount(hartCount);
    this.#harts = Array.from({ length: hartCount }, (_, hart) => emptyHart(hart));
  }

  add(event: VmEvent): void {
    this.#count += 1;
    this.#clock.add(event);
    const hart = this.#harts[event.hart];
    if (hart !== undefined) countHart(hart, event);
    if (isPriced(event)) this.#reasons.add(event);
    if (event.kind === 'avoidedExit') countAvoided(this.#avoided, event);
    else if ('queue' in event) countRing(this.#rings, event);
  }

  /** Called once, after the last event. @param end as for {@link computeStatistics} */
  finish(end?: Position): RunStatistics {
    const clock = this.#clock;
    clock.finish(end);
    const { cycle: cycles, icount, hypervisorCycles, idleCycles, waitingCycles } = clock;
    return {
      events: this.#count,
      cycles,
      icount,
      guestCycles: cycles - hypervisorCycles - idleCycles,
      hypervisorCycles,
      idleCycles,
      reasons: this.#reasons.rows(cycles),
      harts: this.#harts.map((row) => ({ ...row, waitingCycles: waitingCycles[row.hart] ?? 0 })),
      rings: [...this.#rings.values()].sort((a, b) => compareTexts(a.device, b.device) || a.queue - b.queue),
      avoided: [...this.#avoided.values()].sort(
        (a, b) => b.count - a.count || compareTexts(a.operation, b.operation) || compareTexts(a.device, b.device),
      ),
    };
  }
}

type MutableRow<T> = { -readonly [F in keyof T]: T[F] };
type RingEvent = Exclude<Extract<VmEvent, { queue: number }>, { kind: 'avoidedExit' }>;

/** Follows the one clock: who has the processor, who waits, what the hypervisor charged. */
class CycleAccount {
  cycle = 0;
  icount = 0;
  idleCycles = 0;
  hypervisorCycles = 0;
  readonly waitingCycles: number[];
  readonly #waitingSince: (number | undefined)[];
  #current = 0;
  /** Charged since the last event: part of the time up to the next. */
  #charged = 0;

  constructor(hartCount: number) {
    this.waitingCycles = new Array(hartCount).fill(0);
    this.#waitingSince = new Array(hartCount).fill(undefined);
  }

  add(event: VmEvent): void {
    this.#advance(event);
    if (event.kind === 'idle') this.#waitingSince[event.hart] = event.cycle;
    else if (event.kind === 'wake') this.#wake(event.hart);
    if (event.kind === 'turn') this.#current = event.hart;
    if (isPriced(event)) this.#charged += costOf(event);
  }

  /** The rest of the run after the last event. */
  finish(end: Position | undefined): void {
    if (end !== undefined && end.cycle >= this.cycle) this.#advance(end);
    for (const hart of this.#waitingSince.keys()) this.#wake(hart);
  }

  #advance(to: Position): void {
    const passed = to.cycle - this.cycle;
    const charged = Math.min(this.#charged, passed);
    this.hypervisorCycles += charged;
    this.#charged -= charged;
    if (this.#waitingSince[this.#current] !== undefined) this.idleCycles += passed - charged;
    this.cycle = to.cycle;
    this.icount = to.icount;
  }

  #wake(hart: number): void {
    const since = this.#waitingSince[hart];
    if (since !== undefined) this.waitingCycles[hart] = (this.waitingCycles[hart] ?? 0) + this.cycle - since;
    this.#waitingSince[hart] = undefined;
  }
}

class ReasonCounter {
  readonly #hartCount: number;
  readonly #names: Pick<EventNames, 'sbiFunction'>;
  readonly #rows = new Map<string, MutableRow<ReasonRow> & { countByHart: number[] }>();

  constructor(hartCount: number, names: Pick<EventNames, 'sbiFunction'>) {
    this.#hartCount = hartCount;
    this.#names = names;
  }

  add(event: PricedEvent): void {
    const row = this.#row(event.kind, reasonOf(event, this.#names));
    const cost = costOf(event);
    row.minCycles = row.count === 0 ? cost : Math.min(row.minCycles, cost);
    row.maxCycles = Math.max(row.maxCycles, cost);
    row.count += 1;
    row.totalCycles += cost;
    row.countByHart[event.hart] = (row.countByHart[event.hart] ?? 0) + 1;
  }

  rows(cycles: number): ReasonRow[] {
    return [...this.#rows.values()]
      .map((row) => ({
        ...row,
        share: cycles === 0 ? 0 : row.totalCycles / cycles,
        meanCycles: row.totalCycles / row.count,
      }))
      .sort(
        (a, b) => b.totalCycles - a.totalCycles || compareTexts(a.kind, b.kind) || compareTexts(a.reason, b.reason),
      );
  }

  #row(kind: ReasonKind, reason: string): MutableRow<ReasonRow> & { countByHart: number[] } {
    const key = `${kind} ${reason}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const other = `other ${kind}`;
    if (this.#rows.size >= REASONS_MAX && reason !== other) return this.#row(kind, other);
    const countByHart: number[] = new Array(this.#hartCount).fill(0);
    const numbers = { count: 0, totalCycles: 0, share: 0, minCycles: 0, meanCycles: 0, maxCycles: 0 };
    const row = { kind, reason, ...numbers, countByHart };
    this.#rows.set(key, row);
    return row;
  }
}

/** The reason that a priced event is counted under. */
export function reasonOf(event: PricedEvent, names: Pick<EventNames, 'sbiFunction'>): string {
  switch (event.kind) {
    case 'hypercall':
      return names.sbiFunction(event.eid, event.fid);
    case 'mmio':
      return `${event.device}.${event.register} ${event.write ? 'write' : 'read'}`;
    case 'exit':
      return event.reason;
    case 'inject':
      return event.source;
  }
}

function emptyHart(hart: number): MutableRow<HartRow> {
  return { hart, events: 0, exits: 0, hypervisorCycles: 0, interrupts: 0, waitingCycles: 0 };
}

function countHart(row: MutableRow<HartRow>, event: VmEvent): void {
  row.events += 1;
  if (event.kind === 'interrupt') row.interrupts += 1;
  if (!isPriced(event)) return;
  row.hypervisorCycles += costOf(event);
  if (event.kind !== 'inject') row.exits += 1;
}

function countAvoided(rows: Map<string, MutableRow<AvoidedRow>>, event: EventOf<'avoidedExit'>): void {
  const { operation, device, count } = event;
  const key = `${operation} ${device}`;
  const row = rows.get(key) ?? { operation, device, count: 0 };
  rows.set(key, row);
  row.count += count;
}

function countRing(rings: Map<string, MutableRow<RingRow>>, event: RingEvent): void {
  const key = `${event.device} ${event.queue}`;
  const row = rings.get(key) ?? emptyRing(event.device, event.queue);
  rings.set(key, row);
  switch (event.kind) {
    case 'notify':
      row.notifications += 1;
      break;
    case 'take':
      row.chainsTaken += 1;
      row.readableBytes += event.readableBytes;
      row.inFlightMax = Math.max(row.inFlightMax, event.inFlight);
      break;
    case 'complete':
      row.chainsCompleted += 1;
      row.writtenBytes += event.writtenBytes;
      break;
    case 'used':
      if (event.delivered) row.interruptsDelivered += 1;
      else row.interruptsSuppressed += 1;
      break;
    case 'broken':
      row.broken += 1;
      break;
    case 'drop':
      row.framesDropped += 1;
      break;
  }
}

function emptyRing(device: string, queue: number): MutableRow<RingRow> {
  return {
    device,
    queue,
    notifications: 0,
    chainsTaken: 0,
    chainsCompleted: 0,
    readableBytes: 0,
    writtenBytes: 0,
    inFlightMax: 0,
    interruptsDelivered: 0,
    interruptsSuppressed: 0,
    broken: 0,
    framesDropped: 0,
  };
}

/** By code unit, so that no locale has a say. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
