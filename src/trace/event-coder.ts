/**
 * Events as columns. An event is its site, its stamp, and those of its fields that vary: the latter in a group for each kind, with one
 * row per event of that kind.
 */
import { must } from '../assert.ts';
import { EventRow, LOW } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import { ColumnEncoder } from './columns.ts';
import { EventGatherer, type GatheredEvents, makeEventRoom, PATTERN, PATTERN_HALVES } from './event-gatherer.ts';
import { TWO_32 } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import { encodeModelled } from './model/modelled-events.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPEC_BY_CODE, EVENT_SPECS, SHARED_GROUP } from './schema.ts';
import { FollowColumn, SiteColumn, SiteColumnEncoder } from './site-columns.ts';
import { SiteTable } from './site-table.ts';
import { packTable } from './table.ts';
import { VaryingGroup } from './varying-group.ts';

const [SITE, ICOUNT, STALL] = EVENT_SHARED_COLUMNS.map(({ code }) => code) as [number, number, number];

const KIND_CODES = 1 + Math.max(...EVENT_SPECS.map(({ code }) => code));

/** The payload of an events chunk. */
export interface CodedEvents {
  /** As columns. */
  readonly packed: Map<string, Packable>;
  /** In the coding `modelled`; undefined where there is more of anything than that takes. */
  readonly modelled: Uint8Array | undefined;
}

/** Codes the events of one chunk after the other. */
export class EventCoder {
  readonly #capacity: number;
  readonly #siteTable: SiteTable;
  /** By pattern. */
  readonly #siteOfPattern: Uint16Array;
  /** The site of each event. */
  readonly #sites: Uint16Array;
  readonly #follow: FollowColumn;
  readonly #icounts: SiteColumn;
  readonly #stalls: SiteColumn;
  /** By code of the kind. */
  readonly #groups: (VaryingGroup | undefined)[] = new Array(KIND_CODES).fill(undefined);
  readonly #encoder: ColumnEncoder;
  readonly #siteEncoder: SiteColumnEncoder;
  /** By site: its last pattern, in halves; -1 if it has had none. */
  readonly #lastPatterns: Int32Array;

  /**
   * @param capacity most events of a chunk
   * @param encoder for as many rows
   */
  constructor(capacity: number, encoder = new ColumnEncoder(capacity)) {
    this.#capacity = capacity;
    this.#siteTable = new SiteTable(capacity);
    const { kin } = this.#siteTable;
    this.#siteOfPattern = new Uint16Array(capacity);
    this.#sites = new Uint16Array(capacity);
    this.#follow = new FollowColumn(capacity);
    this.#icounts = new SiteColumn(true, kin);
    this.#stalls = new SiteColumn(true, kin);
    this.#encoder = encoder;
    this.#siteEncoder = new SiteColumnEncoder(encoder, kin);
    this.#lastPatterns = new Int32Array(capacity);
  }

  /** The payload of a chunk. Asserts the ranges of all fields. `first` is the number of events before it. */
  code(events: GatheredEvents, first: number): CodedEvents {
    this.#findSites(events);
    const { firsts } = this.#siteTable;
    const shared = this.#codeShared(events);
    this.#tellOfChanges(events);
    const groups: [number, PackableMap][] = [[SHARED_GROUP, shared]];
    for (const { code } of EVENT_SPECS) {
      const group = this.#groups[code];
      if (group !== undefined) groups.push([code, group.take(this.#siteEncoder)]);
    }
    const packed = packTable({ first, count: events.count }, [], groups);
    packed.set('sites', this.#siteTable.take(events, this.#encoder));
    return { packed, modelled: encodeModelled({ events, sites: this.#sites, firsts, first }) };
  }

  /** Sites are numbered as events come to them, and so are patterns. */
  #findSites({ room: { patterns, order }, patternCount, count }: GatheredEvents): void {
    const siteOfPattern = this.#siteOfPattern;
    for (let pattern = 0; pattern < patternCount; pattern++) {
      siteOfPattern[pattern] = this.#siteTable.find(patterns, PATTERN_HALVES * pattern);
    }
    const sites = this.#sites;
    for (let event = 0; event < count; event++) sites[event] = siteOfPattern[order[event] as number] as number;
  }

  #codeShared({ room: { stamps }, count }: GatheredEvents): PackableMap {
    const sites = this.#sites;
    const icounts = this.#icounts;
    const stalls = this.#stalls;
    for (let event = 0; event < count; event++) {
      const site = sites[event] as number;
      const icount = stamps[2 * event + 1] as number;
      const stall = (stamps[2 * event] as number) - icount;
      icounts.push(icount | 0, (icount / TWO_32) | 0, site);
      stalls.push(stall | 0, Math.floor(stall / TWO_32) | 0, site);
    }
    const columns: [number, Uint8Array | undefined][] = [
      [SITE, this.#codeSites(count)],
      [ICOUNT, this.#siteEncoder.encode(icounts, sites)],
      [STALL, this.#siteEncoder.encode(stalls, sites)],
    ];
    icounts.clear();
    stalls.clear();
    return new Map(columns.filter((column): column is [number, Uint8Array] => column[1] !== undefined));
  }

  /** Undefined if there is one site. */
  #codeSites(count: number): Uint8Array | undefined {
    if (this.#siteTable.count < 2) return undefined;
    const follow = this.#follow;
    const sites = this.#sites;
    for (let event = 0; event < count; event++) follow.push(sites[event] as number);
    const bytes = follow.bytes();
    follow.clear();
    return bytes;
  }

  #tellOfChanges({ room: { patterns, order }, count }: GatheredEvents): void {
    const { kin } = this.#siteTable;
    const lastPatterns = this.#lastPatterns.fill(-1, 0, this.#siteTable.count);
    const sites = this.#sites;
    for (let event = 0; event < count; event++) {
      const site = sites[event] as number;
      const pattern = PATTERN_HALVES * (order[event] as number);
      const group =
        this.#groups[patterns[pattern + 2 * PATTERN.kind + LOW] as number] ?? this.#newGroup(patterns, pattern);
      const row = group.push(site);
      const last = lastPatterns[site] as number;
      if (last === pattern) continue;
      // What is expected of a site that is new is what its kin had last.
      const expected = last < 0 ? (lastPatterns[kin.of(site)] as number) : last;
      group.change(row, patterns, pattern, expected, last < 0);
      lastPatterns[site] = pattern;
    }
  }

  #newGroup(patterns: Int32Array, pattern: number): VaryingGroup {
    const code = patterns[pattern + 2 * PATTERN.kind + LOW] as number;
    const { columns } = must(EVENT_SPEC_BY_CODE.get(code), 'a kind of event has its columns');
    const group = new VaryingGroup(columns, this.#capacity);
    this.#groups[code] = group;
    return group;
  }
}

/** The payload of a chunk of these events. `first` is the number of events before it. */
export function codeEvents(events: readonly VmEvent[], first: number): CodedEvents {
  const gatherer = new EventGatherer(makeEventRoom(events.length));
  const row = new EventRow();
  for (const event of events) {
    row.fill(event);
    gatherer.push(row);
  }
  return new EventCoder(events.length).code(gatherer.take(), first);
}
