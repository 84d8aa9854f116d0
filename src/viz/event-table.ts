/**
 * Reading side of the model: events by number, columns decoded when first asked for. Everything that the report draws or says
 * comes through here.
 */
import { type EmulationTarget, unitCount, unitField } from '../analysis/emulation-steps.ts';
import { assert, must } from '../assert.ts';
import { EVENT_KINDS, EVENT_STAMP, type EventKind, type FieldType, type VmEvent } from '../hypervisor/events.ts';
import { type ColumnArray, decodeColumn } from './column-codec.ts';
import type { Category, TimelineModel } from './timeline-model.ts';

const KINDS = Object.keys(EVENT_KINDS) as EventKind[];

/** Whether events of a kind carry a cost. */
export function isPricedKind(kind: EventKind): boolean {
  return 'entryCycles' in EVENT_KINDS[kind].fields;
}

/** Opens a model for reading. */
export function openEventTable(model: TimelineModel): EventTable {
  return new EventTable(model);
}

export class EventTable {
  readonly model: TimelineModel;
  readonly count: number;
  /** Category number by event. */
  readonly category: Uint16Array;
  /** Cycle by event: never decreases. */
  readonly cycle: Float64Array;
  readonly hart: Uint8Array;
  /** Kind of each category, as an index into the event table's order. */
  readonly #kindOfCategory: Uint8Array;
  readonly #decoded = new Map<string, ColumnArray>();
  #row: Uint32Array | undefined;
  #cost: Float64Array | undefined;
  readonly #emulated = new Map<EmulationTarget, Float64Array>();
  readonly #emulatedSums = new WeakMap<Uint32Array, Map<EmulationTarget, Float64Array>>();

  constructor(model: TimelineModel) {
    this.model = model;
    this.count = model.eventCount;
    const category = this.#column('category');
    const cycle = this.#column('cycle');
    const hart = this.#column('hart');
    assert(category instanceof Uint16Array, 'the category column has type u16');
    assert(cycle instanceof Float64Array, 'the cycle column has type f64');
    assert(hart instanceof Uint8Array, 'the hart column has type u8');
    this.category = category;
    this.cycle = cycle;
    this.hart = hart;
    this.#kindOfCategory = Uint8Array.from(model.categories, (entry) => KINDS.indexOf(entry.kind));
  }

  categoryOf(event: number): Category {
    return must(this.model.categories[this.category[event] ?? 0], 'a category number is in range');
  }

  kindOf(event: number): EventKind {
    return this.categoryOf(event).kind;
  }

  icount(event: number): number {
    return Number(this.#column('icount')[event] ?? 0);
  }

  /** Row of each event in the columns of its kind. */
  get row(): Uint32Array {
    if (this.#row !== undefined) return this.#row;
    const next = new Uint32Array(KINDS.length);
    const rows = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i += 1) {
      const kind = this.#kindOfCategory[this.category[i] ?? 0] ?? 0;
      const row = next[kind] ?? 0;
      rows[i] = row;
      next[kind] = row + 1;
    }
    this.#row = rows;
    return rows;
  }

  /** Cycles charged to each event; 0 for kinds that carry no cost. */
  get cost(): Float64Array {
    if (this.#cost !== undefined) return this.#cost;
    const costs = new Float64Array(this.count);
    for (const kind of KINDS.filter(isPricedKind)) {
      const entry = this.numbers(kind, 'entryCycles');
      const handling = this.numbers(kind, 'handlingCycles');
      const back = this.numbers(kind, 'returnCycles');
      let row = 0;
      const wanted = KINDS.indexOf(kind);
      for (let i = 0; i < this.count; i += 1) {
        if (this.#kindOfCategory[this.category[i] ?? 0] !== wanted) continue;
        costs[i] = (entry[row] ?? 0) + (handling[row] ?? 0) + (back[row] ?? 0);
        row += 1;
      }
    }
    this.#cost = costs;
    return costs;
  }

  /** Cycles that each event stands for under emulation; 0 for what stands for nothing, or is counted with the call before. */
  emulated(target: EmulationTarget): Float64Array {
    const known = this.#emulated.get(target);
    if (known !== undefined) return known;
    const cycles = new Float64Array(this.count);
    const prices = this.model.categories.map((category) => this.#pricesOf(category, target));
    for (let i = 0; i < this.count; i += 1) {
      let sum = 0;
      for (const { per, values, cycles: price } of prices[this.category[i] ?? 0] ?? []) {
        sum += price * (values === undefined ? 1 : unitCount(per, Number(values[this.row[i] ?? 0] ?? 0)));
      }
      cycles[i] = sum;
    }
    this.#emulated.set(target, cycles);
    return cycles;
  }

  /** Sums of {@link emulated} over the events of a lane: at each position that of all before it. */
  emulatedSums(events: Uint32Array, target: EmulationTarget): Float64Array {
    const byTarget = this.#emulatedSums.get(events) ?? new Map<EmulationTarget, Float64Array>();
    this.#emulatedSums.set(events, byTarget);
    const known = byTarget.get(target);
    if (known !== undefined) return known;
    const emulated = this.emulated(target);
    const sums = new Float64Array(events.length + 1);
    for (let position = 0; position < events.length; position += 1) {
      sums[position + 1] = (sums[position] ?? 0) + (emulated[events[position] ?? 0] ?? 0);
    }
    byTarget.set(target, sums);
    return sums;
  }

  /** First cycle after an event: where its cost has been paid. */
  endCycle(event: number): number {
    return (this.cycle[event] ?? 0) + (this.cost[event] ?? 0);
  }

  /** A numeric field of one kind, by row. */
  numbers(kind: EventKind, field: string): Exclude<ColumnArray, BigUint64Array | BigInt64Array> {
    const values = this.#column(`${kind}.${field}`);
    assert(
      !(values instanceof BigUint64Array) && !(values instanceof BigInt64Array),
      `${kind}.${field} is not numeric`,
    );
    return values;
  }

  /** Text of a name number. */
  name(id: number): string {
    return must(this.model.names[id], 'a name number is in range');
  }

  /** Numbers of all events of the categories that `wanted` accepts, in order. */
  select(wanted: (category: Category, id: number) => boolean): Uint32Array {
    const accepted = Uint8Array.from(this.model.categories, (entry, id) => Number(wanted(entry, id)));
    const count = this.model.categories.reduce((sum, entry, id) => sum + (accepted[id] === 1 ? entry.count : 0), 0);
    const events = new Uint32Array(count);
    if (count === 0) return events;
    let at = 0;
    for (let i = 0; i < this.count; i += 1) {
      if (accepted[this.category[i] ?? 0] === 1) events[at++] = i;
    }
    return events;
  }

  /** The event as the hypervisor told it. */
  event(index: number): VmEvent {
    assert(index >= 0 && index < this.count, 'an event number is in range');
    const kind = this.kindOf(index);
    const row = this.row[index] ?? 0;
    const event: Record<string, unknown> = { kind };
    for (const [field, type] of Object.entries(EVENT_STAMP)) event[field] = this.#value(field, type, index);
    const fields: Readonly<Record<string, FieldType>> = EVENT_KINDS[kind].fields;
    for (const [field, type] of Object.entries(fields)) event[field] = this.#value(`${kind}.${field}`, type, row);
    // Built from the same rows as the type.
    return event as unknown as VmEvent;
  }

  /** The steps of a category: what a unit of each costs, and the numbers that say how many units an event has. */
  #pricesOf({ kind, emulation }: Category, target: EmulationTarget) {
    if (emulation === undefined || emulation.isPartOfCall) return [];
    return emulation.byTarget[target].steps.map(({ per, times, cycles }) => {
      const field = unitField(per);
      const values = field === undefined ? undefined : this.#column(`${kind}.${field}`);
      return { per, values, cycles: times * cycles };
    });
  }

  #value(column: string, type: FieldType, row: number): number | bigint | boolean | string {
    const value = must(this.#column(column)[row], 'a row is in range');
    if (type === 'bool') return value === 1;
    if (type === 'name') return this.name(Number(value));
    return value;
  }

  #column(name: string): ColumnArray {
    const known = this.#decoded.get(name);
    if (known !== undefined) return known;
    const values = decodeColumn(must(this.model.columns[name], `the report has a column ${name}`));
    this.#decoded.set(name, values);
    return values;
  }
}
