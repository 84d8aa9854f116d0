/**
 * Events as columns. An event is its site, its stamp, and those of its fields that vary: the latter in a group for each kind, with one
 * row per event of that kind.
 */
import { assert, must } from '../assert.ts';
import { type EventRow, HIGH, LOW, type RowKind } from '../hypervisor/event-row.ts';
import type { ColumnEncoder } from './columns.ts';
import { halvesMax, TWO_32 } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPEC_BY_CODE, EVENT_SPECS, type EventColumn, SHARED_GROUP } from './schema.ts';
import { SiteBuffer } from './site-buffer.ts';
import { SiteColumn, SiteColumnEncoder } from './site-columns.ts';
import type { SiteKin } from './site-kin.ts';
import { packTable } from './table.ts';

const [SITE, ICOUNT, STALL] = EVENT_SHARED_COLUMNS.map(({ code }) => code) as [number, number, number];

const KIND_CODES = 1 + Math.max(...EVENT_SPECS.map(({ code }) => code));

/** Events of the chunk that is being gathered. */
export class EventBuffer {
  readonly #capacity: number;
  readonly #siteBuffer: SiteBuffer;
  /** The site of each event. */
  readonly #sites: Uint16Array;
  readonly #icounts: SiteColumn;
  readonly #stalls: SiteColumn;
  /** By code of the kind. */
  readonly #groups: (VaryingGroup | undefined)[] = new Array(KIND_CODES).fill(undefined);
  readonly #encoder: ColumnEncoder;
  readonly #siteEncoder: SiteColumnEncoder;
  count = 0;
  firstCycle = 0;
  lastCycle = 0;
  #lastIcount = 0;

  /** @param encoder for as many rows */
  constructor(capacity: number, encoder: ColumnEncoder) {
    this.#capacity = capacity;
    this.#siteBuffer = new SiteBuffer(capacity);
    this.#sites = new Uint16Array(capacity);
    this.#encoder = encoder;
    const { kin } = this.#siteBuffer;
    this.#icounts = new SiteColumn(true, kin);
    this.#stalls = new SiteColumn(true, kin);
    this.#siteEncoder = new SiteColumnEncoder(encoder, kin);
  }

  /** Adds an event. Asserts that stamps never decrease; the ranges of its fields when the chunk is taken. */
  push(row: EventRow): void {
    const { kind, cycle, icount } = row;
    if (!(cycle >= this.lastCycle && icount >= this.#lastIcount)) {
      const last = `cycle ${this.lastCycle}, icount ${this.#lastIcount}`;
      assert(false, `event ${kind.kind} at cycle ${cycle}, icount ${icount} after ${last}`);
    }
    const site = this.#siteBuffer.find(row);
    (this.#groups[kind.code] ?? this.#newGroup(kind)).push(row, site);
    const at = this.count;
    this.#sites[at] = site;
    this.#icounts.push(icount | 0, (icount / TWO_32) | 0, site);
    const stall = cycle - icount;
    this.#stalls.push(stall | 0, Math.floor(stall / TWO_32) | 0, site);
    if (at === 0) this.firstCycle = cycle;
    this.lastCycle = cycle;
    this.#lastIcount = icount;
    this.count = at + 1;
  }

  /** The payload of the chunk, and an empty buffer again. `first` is the number of events before it. */
  take(first: number): Map<string, Packable> {
    const { count } = this;
    const groups: [number, PackableMap][] = [[SHARED_GROUP, this.#takeShared()]];
    for (const { code } of EVENT_SPECS) {
      const group = this.#groups[code];
      if (group !== undefined) groups.push([code, group.take(this.#siteEncoder)]);
    }
    const packed = packTable({ first, count }, [], groups);
    packed.set('sites', this.#siteBuffer.take(this.#encoder));
    this.count = 0;
    return packed;
  }

  #takeShared(): PackableMap {
    const sites = this.#sites;
    const columns: [number, Uint8Array | undefined][] = [
      [SITE, this.#siteBuffer.follow()],
      [ICOUNT, this.#siteEncoder.encode(this.#icounts, sites)],
      [STALL, this.#siteEncoder.encode(this.#stalls, sites)],
    ];
    this.#icounts.clear();
    this.#stalls.clear();
    return new Map(columns.filter((column): column is [number, Uint8Array] => column[1] !== undefined));
  }

  #newGroup({ code }: RowKind): VaryingGroup {
    const { columns } = must(EVENT_SPEC_BY_CODE.get(code), 'a kind of event has its columns');
    const group = new VaryingGroup(columns, this.#capacity, this.#siteBuffer.kin);
    this.#groups[code] = group;
    return group;
  }
}

/** The fields of one kind that vary. */
class VaryingGroup {
  readonly #columns: readonly { readonly spec: EventColumn; readonly column: SiteColumn }[];
  /** The site of each row. */
  readonly #sites: Uint16Array;
  #count = 0;
  /** Sites up to the last one of a row. */
  #siteCount = 0;

  constructor(columns: readonly EventColumn[], capacity: number, kin: SiteKin) {
    this.#columns = columns
      .filter(({ varies }) => varies)
      .map((spec) => ({ spec, column: new SiteColumn(false, kin) }));
    this.#sites = new Uint16Array(capacity);
  }

  push({ halves }: EventRow, site: number): void {
    const columns = this.#columns;
    for (let index = 0; index < columns.length; index++) {
      const { spec, column } = columns[index] as (typeof columns)[number];
      const low = halves[2 * spec.place + LOW] as number;
      const high = halves[2 * spec.place + HIGH] as number;
      // Most columns are all zeros: such a one stays empty until it has something to say.
      if ((low | high | column.count) === 0) continue;
      if (column.count < this.#count) column.beginWithZeros(this.#count, this.#siteCount);
      column.push(low, high, site);
    }
    this.#sites[this.#count] = site;
    this.#count += 1;
    if (site >= this.#siteCount) this.#siteCount = site + 1;
  }

  /** The columns by code, and an empty group again. Asserts the ranges of all values. */
  take(encoder: SiteColumnEncoder): PackableMap {
    const packed = new Map<number, Packable>();
    for (const { spec, column } of this.#columns) {
      const { lowMax, highMax } = halvesMax(spec.type);
      assert(column.fits(lowMax, highMax), 'the fields of an event have the ranges of their types');
      const coded = encoder.encode(column, this.#sites);
      if (coded !== undefined) packed.set(spec.code, coded);
      column.clear();
    }
    this.#count = 0;
    this.#siteCount = 0;
    return packed;
  }
}
