/**
 * Events as columns and back. The shared columns hold kind and stamp of every event in order; the fields of each kind follow
 * in a group of their own, one row per event of that kind.
 */
import { assert, must } from '../assert.ts';
import type { EventRow, RowKind } from '../hypervisor/event-row.ts';
import type { EventKind, VmEvent } from '../hypervisor/events.ts';
import type { ColumnValues } from './column-decoder.ts';
import { ColumnBuffer, type ColumnEncoder } from './columns.ts';
import { MalformedError, type Packable, type PackableMap } from './messagepack.ts';
import { RowGroup } from './row-group.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPECS, type EventSpec, SHARED_GROUP } from './schema.ts';
import { NameTable, packTable, type Table } from './table.ts';

const SPEC_BY_CODE: ReadonlyMap<number, EventSpec> = new Map(EVENT_SPECS.map((spec) => [spec.code, spec]));

/** Events of the chunk that is being gathered. */
export class EventBuffer {
  readonly #capacity: number;
  readonly #names = new NameTable();
  readonly #shared: RowGroup;
  /** The column that is being coded. */
  readonly #scratch: ColumnBuffer;
  /** By code of the kind. */
  readonly #groups: (RowGroup | undefined)[] = [];
  count = 0;
  firstCycle = 0;
  lastCycle = 0;
  #lastIcount = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#scratch = new ColumnBuffer(capacity);
    this.#shared = new RowGroup(EVENT_SHARED_COLUMNS, capacity, this.#names);
  }

  /** Adds an event. Asserts that stamps never decrease and that every field has its type and range. */
  push(row: EventRow): void {
    const { kind, cycle, icount } = row;
    if (!(cycle >= this.lastCycle && icount >= this.#lastIcount)) {
      const last = `cycle ${this.lastCycle}, icount ${this.#lastIcount}`;
      assert(false, `event ${kind.kind} at cycle ${cycle}, icount ${icount} after ${last}`);
    }
    this.#shared.pushStamp(row);
    (this.#groups[kind.code] ?? this.#newGroup(kind)).push(row);
    if (this.count === 0) this.firstCycle = cycle;
    this.lastCycle = cycle;
    this.#lastIcount = icount;
    this.count += 1;
  }

  /** The payload of the chunk, and an empty buffer again. `first` is the number of events before it. */
  take(first: number, encoder: ColumnEncoder): Map<string, Packable> {
    const groups: [number, PackableMap][] = [[SHARED_GROUP, this.#shared.take(encoder, this.#scratch)]];
    for (const { code } of EVENT_SPECS) {
      const group = this.#groups[code];
      if (group !== undefined) groups.push([code, group.take(encoder, this.#scratch)]);
    }
    const packed = packTable({ first, count: this.count }, this.#names.list(), groups);
    this.#names.clear();
    this.count = 0;
    return packed;
  }

  #newGroup({ code }: RowKind): RowGroup {
    const { columns } = must(SPEC_BY_CODE.get(code), 'a kind of event has its columns');
    const group = new RowGroup(columns, this.#capacity, this.#names);
    this.#groups[code] = group;
    return group;
  }
}

/** Kinds and stamps of one chunk, and its events when they are asked for. */
export class EventChunk {
  readonly first: number;
  readonly count: number;
  readonly cycles: ArrayLike<number>;
  readonly #table: Table;
  readonly #stamps: readonly ColumnValues[];
  readonly #kinds: ArrayLike<number>;

  /** Throws {@link MalformedError}, also when stamps decrease. */
  constructor(table: Table) {
    this.#table = table;
    this.first = table.first;
    this.count = table.count;
    const [kinds, ...stamps] = table.columns(SHARED_GROUP, EVENT_SHARED_COLUMNS);
    this.#kinds = kinds as ArrayLike<number>;
    this.#stamps = stamps;
    this.cycles = stamps[0] as ArrayLike<number>;
    checkAscending(this.cycles);
    checkAscending(stamps[1] as ArrayLike<number>);
  }

  /**
   * Events of rows `[start, end)`, of the given kinds or all. Kinds that this version does not know are skipped where
   * `skipUnknown` says so. Throws {@link MalformedError}.
   */
  *events(
    start: number,
    end: number,
    kinds: ReadonlySet<EventKind> | undefined,
    skipUnknown: boolean,
  ): Generator<VmEvent, void, undefined> {
    const builders = this.#builders(kinds, skipUnknown);
    const rows = new Uint32Array(builders.length);
    const [cycles, icounts, harts, pcs] = this.#stamps as [ColumnValues, ColumnValues, ColumnValues, ColumnValues];
    for (let row = 0; row < end; row += 1) {
      const code = this.#kinds[row] as number;
      const builder = builders[code];
      if (builder === undefined) continue;
      const kindRow = rows[code] as number;
      rows[code] = kindRow + 1;
      if (row < start) continue;
      const event = builder(kindRow);
      event.cycle = cycles[row];
      event.icount = icounts[row];
      event.hart = harts[row];
      event.pc = pcs[row];
      yield event as unknown as VmEvent;
    }
  }

  /** One builder per wanted kind that occurs, by code. */
  #builders(kinds: ReadonlySet<EventKind> | undefined, skipUnknown: boolean): (RowBuilder | undefined)[] {
    const counts = new Map<number, number>();
    let last = 0;
    for (let row = 0; row < this.count; row += 1) {
      const code = this.#kinds[row] as number;
      counts.set(code, (counts.get(code) ?? 0) + 1);
      last = Math.max(last, code);
    }
    const builders: (RowBuilder | undefined)[] = new Array(last + 1).fill(undefined);
    for (const [code, count] of counts) {
      const spec = SPEC_BY_CODE.get(code);
      if (spec === undefined && !skipUnknown) throw new MalformedError(`event kind ${code} is not known`);
      if (spec !== undefined && (kinds === undefined || kinds.has(spec.kind))) {
        builders[code] = rowBuilder(spec, this.#table.columns(code, spec.columns, count));
      }
    }
    return builders;
  }
}

type RowBuilder = (row: number) => Record<string, unknown>;

/** Copies of one template with all fields in place are much faster than objects grown field by field. */
function rowBuilder(spec: EventSpec, columns: readonly ColumnValues[]): RowBuilder {
  const fields: Record<string, unknown> = {};
  for (const { name } of spec.columns) fields[name] = undefined;
  const template = { kind: spec.kind, cycle: 0, icount: 0, hart: 0, pc: 0n, ...fields };
  const names = spec.columns.map((column) => column.name);
  return (row) => {
    const event: Record<string, unknown> = { ...template };
    for (let index = 0; index < names.length; index += 1) {
      event[names[index] as string] = (columns[index] as ColumnValues)[row];
    }
    return event;
  };
}

function checkAscending(values: ArrayLike<number>): void {
  for (let row = 1; row < values.length; row += 1) {
    if ((values[row] as number) < (values[row - 1] as number)) throw new MalformedError('stamps of events decrease');
  }
}
