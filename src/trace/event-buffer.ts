/**
 * Events as columns. An event is its site, its stamp, and those of its fields that vary: the latter in a group for each kind, with one
 * row per event of that kind.
 */
import { assert, must } from '../assert.ts';
import type { EventRow, RowKind } from '../hypervisor/event-row.ts';
import type { ColumnEncoder } from './columns.ts';
import { TWO_32 } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPEC_BY_CODE, EVENT_SPECS, SHARED_GROUP } from './schema.ts';
import { SiteBuffer } from './site-buffer.ts';
import { SiteColumn, SiteColumnEncoder } from './site-columns.ts';
import { packTable } from './table.ts';
import { VaryingGroup } from './varying-group.ts';

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
