/**
 * Events as columns. An event is its site, its stamp, and those of its fields that vary: the latter in a group for each kind, with one
 * row per event of that kind.
 */
import { assert, must } from '../assert.ts';
import { type EventRow, HIGH, LOW, type RowKind } from '../hypervisor/event-row.ts';
import { ColumnBuffer, type ColumnEncoder } from './columns.ts';
import { halvesMax, TWO_32 } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPEC_BY_CODE, EVENT_SPECS, type EventColumn, SHARED_GROUP } from './schema.ts';
import { SiteBuffer } from './site-buffer.ts';
import { SiteColumnEncoder } from './site-columns.ts';
import { packTable } from './table.ts';

const [SITE, ICOUNT, STALL] = EVENT_SHARED_COLUMNS.map(({ code }) => code) as [number, number, number];

/** Events of the chunk that is being gathered. */
export class EventBuffer {
  readonly #capacity: number;
  readonly #siteBuffer: SiteBuffer;
  /** The site of each event. */
  readonly #sites: Uint16Array;
  readonly #icounts: ColumnBuffer;
  readonly #stalls: ColumnBuffer;
  /** By code of the kind. */
  readonly #groups: (VaryingGroup | undefined)[] = [];
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
    this.#icounts = new ColumnBuffer(capacity);
    this.#stalls = new ColumnBuffer(capacity);
    this.#encoder = encoder;
    this.#siteEncoder = new SiteColumnEncoder(capacity, encoder);
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
    const icounts = this.#icounts.words;
    icounts[2 * at + LOW] = icount;
    icounts[2 * at + HIGH] = icount / TWO_32;
    const stall = cycle - icount;
    const stalls = this.#stalls.words;
    stalls[2 * at + LOW] = stall;
    stalls[2 * at + HIGH] = Math.floor(stall / TWO_32);
    if (at === 0) this.firstCycle = cycle;
    this.lastCycle = cycle;
    this.#lastIcount = icount;
    this.count = at + 1;
  }

  /** The payload of the chunk, and an empty buffer again. `first` is the number of events before it. */
  take(first: number): Map<string, Packable> {
    const { count } = this;
    const siteCount = this.#siteBuffer.count;
    const groups: [number, PackableMap][] = [[SHARED_GROUP, this.#takeShared(siteCount)]];
    for (const { code } of EVENT_SPECS) {
      const group = this.#groups[code];
      if (group !== undefined) groups.push([code, group.take(this.#siteEncoder, siteCount)]);
    }
    const packed = packTable({ first, count }, [], groups);
    packed.set('sites', this.#siteBuffer.take(this.#encoder));
    this.count = 0;
    return packed;
  }

  #takeShared(siteCount: number): PackableMap {
    const sites = this.#sites;
    this.#icounts.count = this.count;
    this.#stalls.count = this.count;
    const columns: [number, Uint8Array | undefined][] = [
      [SITE, this.#siteEncoder.encodeSites(sites, this.count)],
      [ICOUNT, this.#siteEncoder.encode(this.#icounts, sites, siteCount, true)],
      [STALL, this.#siteEncoder.encode(this.#stalls, sites, siteCount, true)],
    ];
    return new Map(columns.filter((column): column is [number, Uint8Array] => column[1] !== undefined));
  }

  #newGroup({ code }: RowKind): VaryingGroup {
    const { columns } = must(EVENT_SPEC_BY_CODE.get(code), 'a kind of event has its columns');
    const group = new VaryingGroup(columns, this.#capacity);
    this.#groups[code] = group;
    return group;
  }
}

/** The fields of one kind that vary. */
class VaryingGroup {
  readonly #columns: readonly {
    readonly spec: EventColumn;
    readonly words: Uint32Array;
    readonly buffer: ColumnBuffer;
  }[];
  /** The site of each row. */
  readonly #sites: Uint16Array;
  #count = 0;

  constructor(columns: readonly EventColumn[], capacity: number) {
    this.#columns = columns
      .filter(({ varies }) => varies)
      .map((spec) => {
        const buffer = new ColumnBuffer(capacity);
        return { spec, words: buffer.words, buffer };
      });
    this.#sites = new Uint16Array(capacity);
  }

  push({ words }: EventRow, site: number): void {
    const at = this.#count;
    for (const { spec, words: column } of this.#columns) {
      column[2 * at] = words[2 * spec.place] as number;
      column[2 * at + 1] = words[2 * spec.place + 1] as number;
    }
    this.#sites[at] = site;
    this.#count = at + 1;
  }

  /** The columns by code, and an empty group again. Asserts the ranges of all values. */
  take(encoder: SiteColumnEncoder, siteCount: number): PackableMap {
    const packed = new Map<number, Packable>();
    for (const { spec, buffer } of this.#columns) {
      buffer.count = this.#count;
      assert(fits(buffer, spec), 'the fields of an event have the ranges of their types');
      const coded = encoder.encode(buffer, this.#sites, siteCount, false);
      if (coded !== undefined) packed.set(spec.code, coded);
    }
    this.#count = 0;
    return packed;
  }
}

function fits({ words, count }: ColumnBuffer, { type }: EventColumn): boolean {
  if (type === 'u64' || type === 'i64') return true;
  const { lowMax, highMax } = halvesMax(type);
  for (let at = 0; at < 2 * count; at += 2) {
    if ((words[at + LOW] as number) > lowMax || (words[at + HIGH] as number) > highMax) return false;
  }
  return true;
}
