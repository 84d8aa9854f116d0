/**
 * The report's model: the events of a run as compact plain data. It says what happened, column by column; how that looks as
 * lanes is derived from it when the report is opened (`timeline.ts`), so that the file stays small.
 *
 * Columns follow the event table of the hypervisor: there is no second list of kinds or fields here.
 */

import { type EventNames, errorKey, interruptName, ringName } from '../analysis/names.ts';
import { computeStatistics, type RunStatistics, reasonOf } from '../analysis/stat.ts';
import { must } from '../assert.ts';
import { ParatraceError } from '../errors.ts';
import { EVENT_KINDS, type EventKind, type EventOf, type FieldType, type VmEvent } from '../hypervisor/events.ts';
import { type CategoryEmulation, EmulationSums, type StepPrices } from './category-emulation.ts';
import { allocateColumn, type ColumnArray, type ColumnType, type EncodedColumn, encodeColumn } from './column-codec.ts';

/** Different kinds of happenings that a lane, the legend or the table may name; bounded, whatever a guest does. */
const CATEGORIES_MAX = 4096;
/** Error codes that get a name; the SBI has about fifteen. */
const ERROR_NAMES_MAX = 64;
const FIRST_CAPACITY = 1024;
/** Label of what has no category of its own. */
const OTHER = 'other';

/** What a report says about the run besides its events. */
export interface ReportFacts {
  /** Name of the guest image. */
  readonly guest: string;
  readonly mode: string;
  readonly costs: string;
  readonly core: string;
  readonly hartCount: number;
  readonly clockHz: number;
  /** Cycles and retired instructions of the whole run. */
  readonly cycles: number;
  readonly icount: number;
  /** How the run ended; undefined for a trace that was cut off. */
  readonly end: { readonly reason: string; readonly status: number; readonly message: string } | undefined;
  /** What rings are for, by name of the ring: `block` for `virtio0 queue 0`. */
  readonly ringRoles: Readonly<Record<string, string>>;
  /** Why nothing is said of what events stand for under emulation; undefined if it is. */
  readonly unpriced: string | undefined;
  /** Why the events are not all there, in one sentence; undefined for a whole trace. */
  readonly truncated: string | undefined;
}

/** Events that are the same sort of happening: one SBI function, one register read, one interrupt cause. */
export interface Category {
  readonly kind: EventKind;
  readonly label: string;
  /** Device, ring or source that groups it; empty where nothing does. */
  readonly group: string;
  readonly count: number;
  /** Names of a hypercall's arguments from a0 on. */
  readonly argumentNames: readonly string[];
  /** What each of its events stands for under emulation; not there if it stands for nothing. */
  readonly emulation?: CategoryEmulation;
}

export interface TimelineModel {
  readonly version: 1;
  readonly facts: ReportFacts;
  readonly statistics: RunStatistics;
  readonly eventCount: number;
  /** Texts of `name` fields. */
  readonly names: readonly string[];
  readonly categories: readonly Category[];
  /** Names of the error codes of calls that occurred, by `errorKey`. */
  readonly errorNames: Readonly<Record<string, string>>;
  /** `category`, the stamps (`cycle`, `icount`, `hart`, `pc`) and `<kind>.<field>`. */
  readonly columns: Readonly<Record<string, EncodedColumn>>;
}

/** The array type that holds a field. */
export function columnTypeOf(field: FieldType): ColumnType {
  switch (field) {
    case 'u8':
    case 'bool':
      return 'u8';
    case 'u16':
      return 'u16';
    case 'u32':
    case 'name':
      return 'u32';
    case 'u53':
      return 'f64';
    case 'u64':
    case 'i64':
      return field;
  }
}

/**
 * Builds the model from the events of a trace, in order.
 * @param prices of the steps of emulation that events stand for; undefined: nothing is said of them
 * @throws ParatraceError `trace.corrupt` if the stamps of the events go back.
 */
export function buildTimelineModel(
  events: Iterable<VmEvent>,
  facts: ReportFacts,
  eventNames: EventNames,
  prices?: StepPrices,
): TimelineModel {
  const builder = new ModelBuilder(eventNames, facts, prices);
  const { cycles, icount } = facts;
  const statistics = computeStatistics(builder.follow(events), facts.hartCount, eventNames, { cycle: cycles, icount });
  return {
    version: 1,
    // Of a trace that was cut off, only the events say how far the run went.
    facts: { ...facts, cycles: Math.max(cycles, builder.lastCycle), icount: Math.max(icount, builder.lastIcount) },
    statistics,
    eventCount: builder.eventCount,
    names: builder.names,
    categories: builder.categories,
    errorNames: Object.fromEntries(builder.errorNames),
    columns: builder.encode(),
  };
}

/** A column that grows. */
class GrowingColumn {
  readonly type: ColumnType;
  #values: ColumnArray;
  #count = 0;

  constructor(type: ColumnType) {
    this.type = type;
    this.#values = allocateColumn(type, FIRST_CAPACITY);
  }

  push(value: number | bigint): void {
    if (this.#count === this.#values.length) {
      const grown = allocateColumn(this.type, this.#count * 2);
      // Both are arrays of this.type, which the type of `set` cannot express.
      (grown as Float64Array).set(this.#values as Float64Array);
      this.#values = grown;
    }
    (this.#values as { [index: number]: number | bigint })[this.#count] = value;
    this.#count += 1;
  }

  encode(coding: 'plain' | 'delta'): EncodedColumn {
    return encodeColumn(this.type, coding, this.#values.subarray(0, this.#count));
  }
}

interface FieldColumn {
  readonly field: string;
  readonly column: GrowingColumn;
}

interface MutableCategory {
  kind: EventKind;
  label: string;
  group: string;
  count: number;
  argumentNames: readonly string[];
  emulation?: EmulationSums;
}

class ModelBuilder {
  eventCount = 0;
  lastCycle = 0;
  lastIcount = 0;
  readonly names: string[] = [];
  readonly categories: MutableCategory[] = [];
  readonly errorNames = new Map<string, string>();
  readonly #eventNames: EventNames;
  readonly #facts: ReportFacts;
  readonly #prices: StepPrices | undefined;
  readonly #nameIds = new Map<string, number>();
  readonly #categoryIds = new Map<string, number>();
  readonly #category = new GrowingColumn('u16');
  readonly #cycle = new GrowingColumn('f64');
  readonly #icount = new GrowingColumn('f64');
  readonly #hart = new GrowingColumn('u8');
  readonly #pc = new GrowingColumn('u64');
  readonly #fields = new Map<EventKind, FieldColumn[]>();

  constructor(eventNames: EventNames, facts: ReportFacts, prices: StepPrices | undefined) {
    this.#eventNames = eventNames;
    this.#facts = facts;
    this.#prices = prices;
    for (const kind of Object.keys(EVENT_KINDS) as EventKind[]) {
      const row: Readonly<Record<string, FieldType>> = EVENT_KINDS[kind].fields;
      const columns = Object.entries(row).map(([field, type]) => ({
        field,
        column: new GrowingColumn(columnTypeOf(type)),
      }));
      this.#fields.set(kind, columns);
    }
  }

  /** The same events, each added as it goes by. */
  *follow(events: Iterable<VmEvent>): Generator<VmEvent, void, undefined> {
    for (const event of events) {
      this.#add(event);
      yield event;
    }
  }

  #add(event: VmEvent): void {
    if (event.cycle < this.lastCycle || event.icount < this.lastIcount) {
      throw new ParatraceError(
        'trace.corrupt',
        `event ${this.eventCount} (${event.kind}) is stamped before the one before it`,
        {
          hart: event.hart,
          cycle: event.cycle,
          icount: event.icount,
        },
      );
    }
    this.lastCycle = event.cycle;
    this.lastIcount = event.icount;
    this.eventCount += 1;
    this.#cycle.push(event.cycle);
    this.#icount.push(event.icount);
    this.#hart.push(event.hart);
    this.#pc.push(event.pc);
    this.#category.push(this.#countIn(event));
    const values = event as unknown as Readonly<Record<string, number | bigint | boolean | string>>;
    for (const { field, column } of must(this.#fields.get(event.kind), 'every kind has columns')) {
      const value = must(values[field], `an event ${event.kind} has a field ${field}`);
      if (typeof value === 'string') column.push(this.#nameId(value));
      else column.push(typeof value === 'boolean' ? Number(value) : value);
    }
  }

  encode(): Record<string, EncodedColumn> {
    const columns: Record<string, EncodedColumn> = {
      category: this.#category.encode('plain'),
      cycle: this.#cycle.encode('delta'),
      icount: this.#icount.encode('delta'),
      hart: this.#hart.encode('plain'),
      pc: this.#pc.encode('plain'),
    };
    for (const [kind, fields] of this.#fields) {
      for (const { field, column } of fields) columns[`${kind}.${field}`] = column.encode('plain');
    }
    return columns;
  }

  #nameId(text: string): number {
    const known = this.#nameIds.get(text);
    if (known !== undefined) return known;
    this.names.push(text);
    this.#nameIds.set(text, this.names.length - 1);
    return this.names.length - 1;
  }

  /** Finds the category of an event and adds the event to its sums. */
  #countIn(event: VmEvent): number {
    if (event.kind === 'hypercall') this.#nameError(event);
    const { label, group } = this.#sortOf(event);
    const id = this.#categoryId(event.kind, label, group);
    const category = must(this.categories[id], 'a category id is in range');
    category.count += 1;
    category.emulation?.add(event);
    if (event.kind === 'hypercall' && category.count === 1) {
      category.argumentNames = this.#eventNames.sbiArguments(event.eid, event.fid);
    }
    return id;
  }

  #categoryId(kind: EventKind, label: string, group: string): number {
    const key = `${kind}\n${group}\n${label}`;
    const known = this.#categoryIds.get(key);
    if (known !== undefined) return known;
    // One place per kind is kept free for what no longer fits.
    const kinds = Object.keys(EVENT_KINDS).length;
    if (this.categories.length >= CATEGORIES_MAX - kinds && label !== OTHER) return this.#categoryId(kind, OTHER, '');
    const argumentNames: readonly string[] = [];
    const { mode, ringRoles } = this.#facts;
    const subject = { kind, name: label, role: ringRoles[group] ?? ringRoles[ringName(group, 0)] ?? '' };
    const prices = label === OTHER ? undefined : this.#prices;
    const emulation = prices && EmulationSums.of(mode, subject, prices);
    this.categories.push({
      kind,
      label,
      group,
      count: 0,
      argumentNames,
      ...(emulation !== undefined && { emulation }),
    });
    this.#categoryIds.set(key, this.categories.length - 1);
    return this.categories.length - 1;
  }

  #sortOf(event: VmEvent): { label: string; group: string } {
    switch (event.kind) {
      case 'hypercall':
      case 'exit':
        return { label: reasonOf(event, this.#eventNames), group: '' };
      case 'mmio':
        return { label: reasonOf(event, this.#eventNames), group: event.device };
      case 'inject':
        return { label: reasonOf(event, this.#eventNames), group: event.source };
      case 'interrupt':
        return { label: interruptName(event.cause), group: '' };
      case 'notify':
      case 'take':
      case 'complete':
      case 'broken':
      case 'drop':
        return { label: RING_WORDS[event.kind], group: ringName(event.device, event.queue) };
      case 'used':
        return {
          label: event.delivered ? 'interrupt sent' : 'interrupt suppressed',
          group: ringName(event.device, event.queue),
        };
      case 'avoidedExit':
        return {
          label: event.operation,
          group: event.operation === 'ring-publish' ? ringName(event.device, event.queue) : event.device,
        };
      case 'mark':
        return { label: `mark ${event.label}`, group: event.by };
      case 'hartState':
        return { label: `hart ${event.state}`, group: '' };
      case 'input':
        return { label: `${event.lengthBytes === 0 ? 'end of input' : 'input'} to ${event.port}`, group: event.port };
      case 'idle':
      case 'wake':
      case 'turn':
      case 'end':
        return { label: PLAIN_WORDS[event.kind], group: '' };
    }
  }

  #nameError({ error, eid }: Pick<EventOf<'hypercall'>, 'error' | 'eid'>): void {
    const key = errorKey(error, eid);
    if (this.errorNames.size >= ERROR_NAMES_MAX || this.errorNames.has(key)) return;
    this.errorNames.set(key, this.#eventNames.sbiError(error, eid));
  }
}

const RING_WORDS = {
  notify: 'doorbell',
  take: 'chain taken',
  complete: 'chain completed',
  broken: 'ring broken',
  drop: 'frame lost',
} as const;

const PLAIN_WORDS = { idle: 'idle', wake: 'wake', turn: 'turn', end: 'end of run' } as const;
