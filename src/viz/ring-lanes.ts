/**
 * What each ring did: how many chains were in flight and how many waited, each chain from the moment the device took it until it
 * was returned, and which doorbell, completion and interrupt belong together.
 */
import { ringName } from '../analysis/names.ts';
import type { EventTable } from './event-table.ts';
import { upperBound } from './sorted.ts';
import { type StepLane, StepLaneBuilder } from './step-lane.ts';

/** Rings beyond these get no lane of their own; a real machine has at most a few dozen. */
const RINGS_MAX = 64;
/** Chains in flight at once that are drawn one below the other; occupancy counts them all. */
const SLOTS_MAX = 32;
const NO_SLOT = 255;
/** How far around a doorbell's notification the register write that rang it is looked for. */
const DOORBELL_SEARCH_EVENTS = 64;
/** How far after a completion the interrupt that tells of it is looked for: completions of a full queue, four events each. */
const USED_SEARCH_EVENTS = 4096;
/** Interrupt causes of a supervisor or machine external interrupt. */
const EXTERNAL_CAUSES: ReadonlySet<number> = new Set([9, 11]);

/** Chains of one ring in the order in which they were taken. */
export interface ChainColumns {
  /** The `take` event of each chain. */
  readonly takes: Uint32Array;
  /** The `complete` event, -1 if the chain was never returned. */
  readonly completes: Int32Array;
  /** The `notify` event that announced it, -1 if the device found it without a doorbell. */
  readonly notifies: Int32Array;
  readonly starts: Float64Array;
  /** Cycle of completion; end of the run for a chain that was never returned. */
  readonly ends: Float64Array;
  readonly slots: Uint8Array;
}

export interface RingLanes {
  readonly name: string;
  readonly device: string;
  readonly queue: number;
  /** All events of the ring. */
  readonly events: Uint32Array;
  readonly occupancy: StepLane;
  readonly chains: ChainColumns;
  /** Chains by slot, each list in order and without overlap. */
  readonly slots: readonly Uint32Array[];
}

/** The events around one chain, in order of causation. */
export interface Flow {
  readonly ring: RingLanes;
  readonly chain: number;
  /** The register write that rang the doorbell. */
  readonly doorbell: number | undefined;
  readonly notify: number | undefined;
  readonly take: number;
  readonly complete: number | undefined;
  readonly used: number | undefined;
  readonly inject: number | undefined;
  readonly interrupt: number | undefined;
}

/** Lanes of all rings in the order in which they first appear, and how many rings were left out. */
export function buildRingLanes(table: EventTable): { readonly rings: readonly RingLanes[]; readonly leftOut: number } {
  const walks = new Map<string, RingWalk>();
  const leftOut = new Set<string>();
  const kinds = table.model.categories.map(({ kind }) => kind);
  const ringEvents = table.select(({ kind }) => isRingKind(kind));
  for (const i of ringEvents) {
    const kind = kinds[table.category[i] ?? 0];
    if (kind === undefined || !isRingKind(kind)) continue;
    const row = table.row[i] ?? 0;
    const device = table.name(table.numbers(kind, 'device')[row] ?? 0);
    const queue = table.numbers(kind, 'queue')[row] ?? 0;
    const name = ringName(device, queue);
    let walk = walks.get(name);
    if (walk === undefined) {
      if (walks.size >= RINGS_MAX) {
        leftOut.add(name);
        continue;
      }
      walk = new RingWalk(table, device, queue);
      walks.set(name, walk);
    }
    walk.add(i, kind, row);
  }
  return { rings: Array.from(walks.values(), (walk) => walk.finish()), leftOut: leftOut.size };
}

type RingKind = 'notify' | 'take' | 'complete' | 'used' | 'broken' | 'drop';

const RING_KINDS: ReadonlySet<string> = new Set<RingKind>(['notify', 'take', 'complete', 'used', 'broken', 'drop']);

function isRingKind(kind: string): kind is RingKind {
  return RING_KINDS.has(kind);
}

class RingWalk {
  readonly #table: EventTable;
  readonly #device: string;
  readonly #queue: number;
  readonly #events: number[] = [];
  readonly #steps = new StepLaneBuilder();
  readonly #takes: number[] = [];
  readonly #completes: number[] = [];
  readonly #notifies: number[] = [];
  readonly #slotOf: number[] = [];
  readonly #slots: number[][] = [];
  readonly #slotBusy: boolean[] = [];
  /** Chain by head of the chains in flight. */
  readonly #open = new Map<number, number>();
  #notify = -1;
  /** Chains that the last doorbell announced and that were not taken yet. */
  #waiting = 0;

  constructor(table: EventTable, device: string, queue: number) {
    this.#table = table;
    this.#device = device;
    this.#queue = queue;
  }

  add(event: number, kind: RingKind, row: number): void {
    const cycle = this.#table.cycle[event] ?? 0;
    this.#events.push(event);
    if (kind === 'notify') {
      this.#notify = event;
      this.#waiting = this.#table.numbers('notify', 'waiting')[row] ?? 0;
      this.#steps.set(cycle, undefined, this.#waiting);
    } else if (kind === 'take') this.#take(event, row, cycle);
    else if (kind === 'complete') this.#complete(event, row, cycle);
    else if (kind === 'broken') this.#steps.set(cycle, 0, 0);
  }

  finish(): RingLanes {
    const endCycle = this.#table.model.facts.cycles;
    const takes = Uint32Array.from(this.#takes);
    const completes = Int32Array.from(this.#completes);
    return {
      name: ringName(this.#device, this.#queue),
      device: this.#device,
      queue: this.#queue,
      events: Uint32Array.from(this.#events),
      occupancy: this.#steps.build(endCycle),
      chains: {
        takes,
        completes,
        notifies: Int32Array.from(this.#notifies),
        starts: Float64Array.from(takes, (event) => this.#table.cycle[event] ?? 0),
        ends: Float64Array.from(completes, (event) => (event < 0 ? endCycle : (this.#table.cycle[event] ?? 0))),
        slots: Uint8Array.from(this.#slotOf),
      },
      slots: this.#slots.map((chains) => Uint32Array.from(chains)),
    };
  }

  #take(event: number, row: number, cycle: number): void {
    const head = this.#table.numbers('take', 'head')[row] ?? 0;
    const stale = this.#open.get(head);
    if (stale !== undefined) this.#close(stale, head, event);
    const chain = this.#takes.length;
    this.#takes.push(event);
    this.#completes.push(-1);
    this.#notifies.push(this.#waiting > 0 ? this.#notify : -1);
    this.#waiting = Math.max(0, this.#waiting - 1);
    this.#open.set(head, chain);
    this.#slotOf.push(this.#takeSlot(chain));
    this.#steps.set(cycle, this.#table.numbers('take', 'inFlight')[row] ?? 0, this.#waiting);
  }

  #complete(event: number, row: number, cycle: number): void {
    const head = this.#table.numbers('complete', 'head')[row] ?? 0;
    const chain = this.#open.get(head);
    if (chain !== undefined) this.#close(chain, head, event);
    this.#steps.set(cycle, this.#table.numbers('complete', 'inFlight')[row] ?? 0, undefined);
  }

  #close(chain: number, head: number, event: number): void {
    this.#completes[chain] = event;
    this.#open.delete(head);
    const slot = this.#slotOf[chain] ?? NO_SLOT;
    if (slot !== NO_SLOT) this.#slotBusy[slot] = false;
  }

  #takeSlot(chain: number): number {
    let slot = 0;
    while (slot < SLOTS_MAX && this.#slotBusy[slot] === true) slot += 1;
    if (slot === SLOTS_MAX) return NO_SLOT;
    this.#slotBusy[slot] = true;
    const list = this.#slots[slot];
    if (list === undefined) this.#slots[slot] = [chain];
    else list.push(chain);
    return slot;
  }
}

/** Finds the flow that an event is part of: the chain of a ring event, a doorbell write or an interrupt. */
export class FlowFinder {
  readonly #table: EventTable;
  readonly #rings: readonly RingLanes[];
  readonly #injects: Uint32Array;
  readonly #interrupts: Uint32Array;

  constructor(table: EventTable, rings: readonly RingLanes[]) {
    this.#table = table;
    this.#rings = rings;
    this.#injects = table.select(({ kind }) => kind === 'inject');
    const causes = table.numbers('interrupt', 'cause');
    const interrupts = table.select(({ kind }) => kind === 'interrupt');
    this.#interrupts = interrupts.filter((_, row) => EXTERNAL_CAUSES.has(causes[row] ?? 0));
  }

  /** The flow of the chain that `event` belongs to; of the first one for a doorbell, of the last one for an interrupt. */
  of(event: number): Flow | undefined {
    const kind = this.#table.kindOf(event);
    if (isRingKind(kind)) return this.#ofRingEvent(event, kind);
    if (kind === 'mmio') return this.#ofDoorbell(event);
    if (kind === 'inject') return this.#ofInject(event);
    if (kind !== 'interrupt') return undefined;
    for (let at = upperBound(this.#injects, event) - 1; at >= 0 && at > -DOORBELL_SEARCH_EVENTS; at -= 1) {
      const inject = this.#injects[at] ?? 0;
      const flow = this.#ofInject(inject);
      if (flow !== undefined) return flow.interrupt === event ? flow : undefined;
    }
    return undefined;
  }

  flowOfChain(ring: RingLanes, chain: number): Flow {
    const take = ring.chains.takes[chain] ?? 0;
    const completed = ring.chains.completes[chain] ?? -1;
    const notified = ring.chains.notifies[chain] ?? -1;
    const complete = completed < 0 || this.#table.kindOf(completed) !== 'complete' ? undefined : completed;
    const notify = notified < 0 ? undefined : notified;
    const used = complete === undefined ? undefined : this.#usedAfter(ring, complete);
    const inject = used === undefined ? undefined : this.#injectAfter(ring, used);
    const interrupt = inject === undefined ? undefined : this.#interrupts[upperBound(this.#interrupts, inject)];
    const doorbell = notify === undefined ? undefined : this.#doorbellOf(notify);
    return { ring, chain, doorbell, notify, take, complete, used, inject, interrupt };
  }

  #ofRingEvent(event: number, kind: RingKind): Flow | undefined {
    const ring = this.#rings.find(({ events }) => events[upperBound(events, event) - 1] === event);
    if (ring === undefined) return undefined;
    const { takes, completes, notifies } = ring.chains;
    const before = upperBound(takes, event) - 1;
    if (kind === 'take') return this.flowOfChain(ring, before);
    if (kind === 'notify') {
      return notifies[before + 1] === event ? this.flowOfChain(ring, before + 1) : undefined;
    }
    // A chain completes soon after it was taken, with at most a queue of other chains in between.
    const wanted = kind === 'complete' ? event : this.#lastComplete(ring, event);
    for (let chain = before; chain >= 0 && before - chain < 65_536; chain -= 1) {
      if (completes[chain] === wanted) return this.flowOfChain(ring, chain);
    }
    return undefined;
  }

  #lastComplete(ring: RingLanes, event: number): number {
    for (let at = upperBound(ring.events, event) - 1; at >= 0; at -= 1) {
      const candidate = ring.events[at] ?? 0;
      if (this.#table.kindOf(candidate) === 'complete') return candidate;
    }
    return -2;
  }

  /** The notification that a register write made: stamped within the exit, so it follows the write. */
  #ofDoorbell(event: number): Flow | undefined {
    const end = Math.min(this.#table.count, event + DOORBELL_SEARCH_EVENTS);
    for (let candidate = event + 1; candidate < end; candidate += 1) {
      const kind = this.#table.kindOf(candidate);
      if ((this.#table.cycle[candidate] ?? 0) > this.#table.endCycle(event) || kind === 'mmio') return undefined;
      if (kind === 'notify') return this.#ofRingEvent(candidate, 'notify');
    }
    return undefined;
  }

  #ofInject(event: number): Flow | undefined {
    const source = this.#table.categoryOf(event).group;
    for (const ring of this.#rings) {
      if (ring.device !== source) continue;
      const used = ring.events[upperBound(ring.events, event) - 1];
      if (used === undefined || this.#table.kindOf(used) !== 'used') continue;
      const flow = this.#ofRingEvent(used, 'used');
      if (flow?.inject === event) return flow;
    }
    return undefined;
  }

  /**
   * What told the driver of a completion: the next interrupt that is sent while the ring is busy, however many were suppressed
   * before it. When a ring falls idle in silence, its driver looks by itself.
   */
  #usedAfter(ring: RingLanes, complete: number): number | undefined {
    const first = upperBound(ring.events, complete);
    const delivered = this.#table.numbers('used', 'delivered');
    let inFlight = this.#inFlightAfter(complete);
    let suppressed: number | undefined;
    for (let at = first; at < ring.events.length && at - first < USED_SEARCH_EVENTS; at += 1) {
      const event = ring.events[at] ?? 0;
      const kind = this.#table.kindOf(event);
      if (kind === 'complete') inFlight = this.#inFlightAfter(event);
      if (kind !== 'used') continue;
      if (delivered[this.#table.row[event] ?? 0] === 1) return event;
      suppressed ??= event;
      if (inFlight === 0) return suppressed;
    }
    return suppressed;
  }

  #inFlightAfter(complete: number): number {
    return this.#table.numbers('complete', 'inFlight')[this.#table.row[complete] ?? 0] ?? 0;
  }

  /** The wire that a completion raised: it comes before the ring does anything else. */
  #injectAfter(ring: RingLanes, used: number): number | undefined {
    const next = ring.events[upperBound(ring.events, used)] ?? this.#table.count;
    for (let at = upperBound(this.#injects, used); at < this.#injects.length; at += 1) {
      const event = this.#injects[at] ?? 0;
      if (event > next) return undefined;
      if (this.#table.categoryOf(event).group === ring.device) return event;
    }
    return undefined;
  }

  #doorbellOf(notify: number): number | undefined {
    const cycle = this.#table.cycle[notify] ?? 0;
    const end = Math.max(-1, notify - DOORBELL_SEARCH_EVENTS);
    for (let candidate = notify - 1; candidate > end; candidate -= 1) {
      if (this.#table.kindOf(candidate) !== 'mmio') continue;
      return this.#table.endCycle(candidate) >= cycle ? candidate : undefined;
    }
    return undefined;
  }
}
