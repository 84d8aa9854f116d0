/** The events of one chunk: sites and stamps at once, fields when they are asked for. The inverse of `event-coder.ts`. */
import { must } from '../assert.ts';
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import type { EventKind, VmEvent } from '../hypervisor/events.ts';
import { type SiteContext, toValues } from './column-decoder.ts';
import { type EventObject, eventMaker } from './event-makers.ts';
import { TWO_32 } from './halves.ts';
import { isMap, MalformedError } from './messagepack.ts';
import {
  type ColumnSpec,
  EVENT_SHARED_COLUMNS,
  EVENT_SPEC_BY_CODE,
  type EventColumn,
  type EventSpec,
  LIMITS,
  SHARED_GROUP,
  SITE_SHARED_COLUMNS,
} from './schema.ts';
import { SiteKin } from './site-kin.ts';
import { Table } from './table.ts';

/** The columns of all events, as words of any value: this file checks what they may be. */
const [SITE_COLUMN, STAMP_COLUMNS] = anyWords();

/** The events of one kind in a chunk. */
export interface KindRows {
  readonly code: number;
  /** Undefined for a kind that this version does not know. */
  readonly spec: EventSpec | undefined;
  /** Its sites, in order. */
  readonly sites: readonly number[];
  /** Number of its events, and the site of each. */
  readonly count: number;
  readonly siteOfRow: Uint16Array;
}

export class EventChunk {
  readonly first: number;
  readonly count: number;
  /** Number of sites. */
  readonly siteCount: number;
  /** The site of each event. */
  readonly sites: Uint16Array;
  readonly cycles: Float64Array;
  readonly icounts: Float64Array;
  /** Of each site: kind by code, hart, and the words of the pc. */
  readonly siteKinds: ArrayLike<number>;
  readonly siteHarts: ArrayLike<number>;
  readonly sitePcs: Uint32Array<ArrayBuffer>;
  /** The kinds that occur, by code. */
  readonly kinds: readonly (KindRows | undefined)[];
  readonly #table: Table;
  readonly #siteTable: Table;
  readonly #kin = new SiteKin();

  /** Throws {@link MalformedError}, also when stamps decrease. */
  constructor(packed: Readonly<Record<string, unknown>>) {
    this.#table = new Table(packed);
    this.first = this.#table.first;
    this.count = this.#table.count;
    if (!isMap(packed.sites)) throw new MalformedError('events without sites');
    this.#siteTable = new Table(packed.sites);
    this.siteCount = this.#siteTable.count;
    if (this.siteCount > LIMITS.sites) throw new MalformedError('too many sites');
    if (this.siteCount > this.count) throw new MalformedError('more sites than events');
    const [kinds, harts, pcs] = this.#siteTable.columnWords(SHARED_GROUP, SITE_SHARED_COLUMNS);
    this.siteHarts = lowHalves(must(harts, 'a column of all sites'), this.siteCount);
    this.siteKinds = lowHalves(must(kinds, 'a column of all sites'), this.siteCount);
    this.sitePcs = must(pcs, 'a column of all sites');
    for (let site = 0; site < this.siteCount; site += 1) {
      this.#kin.add(
        this.siteKinds[site] as number,
        this.sitePcs[2 * site + LOW] as number,
        this.sitePcs[2 * site + HIGH] as number,
      );
    }
    this.sites = this.#readSites();
    const context = { siteCount: this.siteCount, sites: this.sites, kin: this.#kin };
    const [icounts, stalls] = this.#table.columnWords(SHARED_GROUP, STAMP_COLUMNS, this.count, context);
    this.icounts = new Float64Array(this.count);
    this.cycles = new Float64Array(this.count);
    readStamps(
      must(icounts, 'a column of all events'),
      must(stalls, 'a column of all events'),
      this.icounts,
      this.cycles,
    );
    this.kinds = this.#sortKinds();
  }

  /** The words of columns of one kind that vary, with one row per event of that kind. Throws {@link MalformedError}. */
  varyingWords(kind: KindRows, columns: readonly EventColumn[]): Uint32Array<ArrayBuffer>[] {
    const context: SiteContext = { siteCount: this.siteCount, sites: kind.siteOfRow, kin: this.#kin };
    return this.#table.columnWords(kind.code, columns, kind.count, context);
  }

  /** Whether all events of a kind have the same value in a column that varies; it may be so in others too. */
  isUniform({ code }: KindRows, column: EventColumn): boolean {
    return this.#table.isUniform(code, column);
  }

  /** The words of columns of one kind that do not vary, with one row per site of that kind. Throws {@link MalformedError}. */
  siteWords(kind: KindRows, columns: readonly EventColumn[]): Uint32Array<ArrayBuffer>[] {
    return this.#siteTable.columnWords(kind.code, columns, kind.sites.length);
  }

  /** The names that columns of sites refer to. */
  get names(): readonly string[] {
    return this.#siteTable.names;
  }

  /**
   * Events of rows `[start, end)`, of the given kinds or all. Kinds that this version does not know are skipped where
   * `skipUnknown` says so. Throws {@link MalformedError}.
   */
  events(start: number, end: number, wanted: ReadonlySet<EventKind> | undefined, skipUnknown: boolean): VmEvent[] {
    const builders = this.kinds.map((kind) => kind && this.#builder(kind, wanted, skipUnknown));
    const rows = new Uint32Array(builders.length);
    const { sites, siteKinds, cycles, icounts } = this;
    const events: VmEvent[] = [];
    for (let row = 0; row < end; row += 1) {
      const site = sites[row] as number;
      const code = siteKinds[site] as number;
      const builder = builders[code];
      if (builder === undefined) continue;
      const kindRow = rows[code] as number;
      rows[code] = kindRow + 1;
      if (row >= start) {
        events.push(builder(site, kindRow, cycles[row] as number, icounts[row] as number) as unknown as VmEvent);
      }
    }
    return events;
  }

  #readSites(): Uint16Array {
    const { count, siteCount } = this;
    const context = { siteCount, sites: undefined, kin: this.#kin };
    const words = must(this.#table.columnWords(SHARED_GROUP, SITE_COLUMN, count, context)[0], 'a column of all events');
    const sites = new Uint16Array(count);
    for (let row = 0; row < count; row += 1) {
      const site = words[2 * row + LOW] as number;
      if (site >= siteCount || words[2 * row + HIGH] !== 0) {
        throw new MalformedError(`an event at site ${site} of ${siteCount}`);
      }
      sites[row] = site;
    }
    return sites;
  }

  #sortKinds(): (KindRows | undefined)[] {
    const sitesByKind: number[][] = [];
    for (let site = 0; site < this.siteCount; site += 1) {
      const code = this.siteKinds[site] as number;
      sitesByKind[code] ??= [];
      sitesByKind[code].push(site);
    }
    const rows = this.#rowsByKind(sitesByKind);
    return sitesByKind.map((sites, code) => {
      const siteOfRow = must(rows[code], 'each kind has its rows');
      return { code, spec: EVENT_SPEC_BY_CODE.get(code), sites, count: siteOfRow.length, siteOfRow };
    });
  }

  /** By kind: the sites of its events, in order. */
  #rowsByKind(sitesByKind: readonly number[][]): (Uint16Array | undefined)[] {
    const { sites, siteKinds, count } = this;
    const codes = Object.keys(sitesByKind).map(Number);
    const rows: (Uint16Array | undefined)[] = [];
    if (codes.length === 1) {
      rows[codes[0] as number] = sites;
      return rows;
    }
    const counts = new Uint32Array(sitesByKind.length);
    for (let row = 0; row < count; row += 1) (counts[siteKinds[sites[row] as number] as number] as number)++;
    for (const code of codes) rows[code] = new Uint16Array(counts[code] as number);
    counts.fill(0);
    for (let row = 0; row < count; row += 1) {
      const site = sites[row] as number;
      const code = siteKinds[site] as number;
      const at = counts[code] as number;
      (rows[code] as Uint16Array)[at] = site;
      counts[code] = at + 1;
    }
    return rows;
  }

  #builder(kind: KindRows, wanted: ReadonlySet<EventKind> | undefined, skipUnknown: boolean): Builder | undefined {
    const { code, spec } = kind;
    if (spec === undefined && !skipUnknown) throw new MalformedError(`event kind ${code} is not known`);
    if (spec === undefined || wanted?.has(spec.kind) === false) return undefined;
    const templates = this.#templates(kind, spec);
    const varying = spec.columns.filter(({ varies }) => varies);
    const columns = this.varyingWords(kind, varying).map((words, index) => {
      const { name, type } = varying[index] as EventColumn;
      const values =
        type === 'u64' || type === 'i64'
          ? sharedBigints(words, type, kind, this.siteCount)
          : toValues(words, type, kind.count, []);
      return { name, values };
    });
    const make = eventMaker(code);
    return (site, row, cycle, icount) => make(templates[site] as EventObject, cycle, icount, columns, row);
  }

  /** By site: an event of the kind, but for what differs from event to event. */
  #templates(kind: KindRows, spec: EventSpec): Record<string, unknown>[] {
    const fixed = spec.columns.filter(({ varies }) => !varies);
    const values = this.siteWords(kind, fixed).map((words, index) =>
      toValues(words, (fixed[index] as EventColumn).type, kind.sites.length, this.names),
    );
    const templates: Record<string, unknown>[] = [];
    for (const [row, site] of kind.sites.entries()) {
      const low = this.sitePcs[2 * site + LOW] as number;
      const pc = BigInt(low) | (BigInt(this.sitePcs[2 * site + HIGH] as number) << 32n);
      const event: Record<string, unknown> = { kind: spec.kind, cycle: 0, icount: 0, hart: this.siteHarts[site], pc };
      for (const { name, varies } of spec.columns) {
        event[name] = varies ? undefined : values[fixed.findIndex((column) => column.name === name)]?.[row];
      }
      templates[site] = event;
    }
    return templates;
  }
}

/** Makes an event of a site, a row among those of its kind, and a stamp. */
type Builder = (site: number, row: number, cycle: number, icount: number) => Record<string, unknown>;

/** Values of 64 bits, of which those that are again the last of their site are the same object: most are, and making one takes long. */
function sharedBigints(
  words: Uint32Array<ArrayBuffer>,
  type: 'u64' | 'i64',
  { count, siteOfRow }: KindRows,
  siteCount: number,
): bigint[] {
  const values = type === 'u64' ? new BigUint64Array(words.buffer) : new BigInt64Array(words.buffer);
  const shared: bigint[] = new Array(count);
  const lastRows = new Int32Array(siteCount).fill(-1);
  for (let row = 0; row < count; row += 1) {
    const site = siteOfRow[row] as number;
    const last = lastRows[site] as number;
    const isAgain = last >= 0 && words[2 * last] === words[2 * row] && words[2 * last + 1] === words[2 * row + 1];
    shared[row] = (isAgain ? shared[last] : values[row]) as bigint;
    lastRows[site] = row;
  }
  return shared;
}

function lowHalves(words: Uint32Array, count: number): Uint16Array {
  const halves = new Uint16Array(count);
  for (let row = 0; row < count; row += 1) halves[row] = words[2 * row + LOW] as number;
  return halves;
}

/**
 * Instruction counts and cycles: a cycle is a count and a stall, modulo 2^64. Throws {@link MalformedError} unless all of them are safe integers and
 * none is less than the one before.
 */
function readStamps(counts: Uint32Array, stalls: Uint32Array, icounts: Float64Array, cycles: Float64Array): void {
  let [lastIcount, lastCycle] = [0, 0];
  for (let row = 0; row < cycles.length; row += 1) {
    const icount = (counts[2 * row + HIGH] as number) * TWO_32 + (counts[2 * row + LOW] as number);
    // A stall is less than zero where the cycle is less than the count.
    const stall = ((stalls[2 * row + HIGH] as number) | 0) * TWO_32 + (stalls[2 * row + LOW] as number);
    const cycle = icount + stall;
    if (!(icount <= Number.MAX_SAFE_INTEGER && cycle >= 0 && cycle <= Number.MAX_SAFE_INTEGER)) {
      throw new MalformedError(`an event at cycle ${cycle}, instruction ${icount}`);
    }
    if (icount < lastIcount || cycle < lastCycle) throw new MalformedError('stamps of events decrease');
    icounts[row] = icount;
    cycles[row] = cycle;
    lastIcount = icount;
    lastCycle = cycle;
  }
}

function anyWords(): [site: ColumnSpec[], stamps: ColumnSpec[]] {
  const columns = EVENT_SHARED_COLUMNS.map((column) => ({ ...column, type: 'u64' as const }));
  return [columns.slice(0, 1), columns.slice(1)];
}
