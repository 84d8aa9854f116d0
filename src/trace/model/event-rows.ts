/** The events of a chunk row by row, as the model codes them: out of what was gathered, and as a payload of plain columns. */
import { HIGH, LOW } from '../../hypervisor/event-row.ts';
import { type GatheredEvents, PATTERN, PATTERN_HALVES } from '../event-gatherer.ts';
import type { Packable, PackableMap } from '../messagepack.ts';
import {
  COLUMN_CODING,
  type ColumnSpec,
  EVENT_SHARED_COLUMNS,
  EVENT_SPEC_BY_CODE,
  type EventColumn,
  SHARED_GROUP,
  SITE_SHARED_COLUMNS,
} from '../schema.ts';
import { packTable } from '../table.ts';
import { difference, isZero, type Word, wordOf } from './word.ts';

/** A site; its fields are those that do not vary, in the order of the kind. A text is a number: its place among the names. */
export interface SiteRow {
  kind: number;
  hart: Word;
  pc: Word;
  readonly fields: Word[];
}

/** An event; its fields are those that vary. */
export interface EventRowOfSite {
  site: number;
  icount: Word;
  stall: Word;
  readonly fields: Word[];
}

export interface EventRows {
  readonly first: number;
  /** In order of first use. */
  readonly names: string[];
  readonly sites: SiteRow[];
  readonly events: EventRowOfSite[];
  /** By kind: of each column that varies, whether any event has a value other than 0. */
  readonly present: boolean[][];
}

/** The columns of a kind with one row per site, and those with one per event. */
export interface KindColumns {
  readonly fixed: readonly EventColumn[];
  readonly varying: readonly EventColumn[];
}

const WORD_BYTES = 8;

/** By code of the kind; made when they are needed. */
const COLUMNS: (KindColumns | undefined)[] = [];

/** The columns of a kind by its code. Undefined if this version does not know it. */
export function columnsOf(code: number): KindColumns | undefined {
  const made = COLUMNS[code];
  if (made !== undefined) return made;
  const spec = EVENT_SPEC_BY_CODE.get(code);
  if (spec === undefined) return undefined;
  const columns = {
    fixed: spec.columns.filter(({ varies }) => !varies),
    varying: spec.columns.filter(({ varies }) => varies),
  };
  COLUMNS[code] = columns;
  return columns;
}

/** Gathered events with their sites. */
export interface EventsOfSites {
  readonly events: GatheredEvents;
  /** The site of each event, and of each site the first half of its first pattern. */
  readonly sites: Uint16Array;
  readonly firsts: Int32Array;
  /** Number of events before the chunk. */
  readonly first: number;
}

export function rowsOf({ events, sites, firsts, first }: EventsOfSites): EventRows {
  const { room, count, texts } = events;
  const { patterns, order, stamps } = room;
  const names = new NameOrder(texts);
  const siteRows: SiteRow[] = [];
  for (const pattern of firsts) siteRows.push(siteOf(patterns, pattern, names));
  // Nothing changes the fields of rows that are written: events of one pattern share them.
  const fieldsOfPattern: (Word[] | undefined)[] = [];
  const present: boolean[][] = [];
  const rows: EventRowOfSite[] = [];
  for (let event = 0; event < count; event++) {
    const pattern = order[event] as number;
    let fields = fieldsOfPattern[pattern];
    if (fields === undefined) {
      fields = varyingFields(patterns, PATTERN_HALVES * pattern, present);
      fieldsOfPattern[pattern] = fields;
    }
    const icount = wordOf(stamps[2 * event + 1] as number);
    const stall = difference(wordOf(stamps[2 * event] as number), icount);
    rows.push({ site: sites[event] as number, icount, stall, fields });
  }
  return { first, names: names.ordered, sites: siteRows, events: rows, present };
}

/** Texts in the order in which sites name them. */
class NameOrder {
  readonly ordered: string[] = [];
  readonly #texts: readonly string[];
  readonly #places: (Word | undefined)[] = [];

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  /** The place of a text, by its number among those that were gathered. */
  placeOf(number: number): Word {
    const known = this.#places[number];
    if (known !== undefined) return known;
    const place = wordOf(this.ordered.push(this.#texts[number] as string) - 1);
    this.#places[number] = place;
    return place;
  }
}

function siteOf(patterns: Int32Array, pattern: number, names: NameOrder): SiteRow {
  const kind = wordAt(patterns, pattern, PATTERN.kind).low;
  const { fixed } = columnsOf(kind) as KindColumns;
  const fields: Word[] = [];
  for (let index = 0; index < fixed.length; index++) {
    const { place, type } = fixed[index] as EventColumn;
    const word = wordAt(patterns, pattern, PATTERN.fields + place);
    fields.push(type === 'name' ? names.placeOf(word.low) : word);
  }
  const [hart, pc] = [wordAt(patterns, pattern, PATTERN.hart), wordAt(patterns, pattern, PATTERN.pc)];
  return { kind, hart, pc, fields };
}

function varyingFields(patterns: Int32Array, pattern: number, present: boolean[][]): Word[] {
  const kind = wordAt(patterns, pattern, PATTERN.kind).low;
  const { varying } = columnsOf(kind) as KindColumns;
  present[kind] ??= varying.map(() => false);
  const fields: Word[] = [];
  for (let index = 0; index < varying.length; index++) {
    const word = wordAt(patterns, pattern, PATTERN.fields + (varying[index] as EventColumn).place);
    if (!isZero(word)) present[kind][index] = true;
    fields.push(word);
  }
  return fields;
}

function wordAt(patterns: Int32Array, pattern: number, place: number): Word {
  const at = pattern + 2 * place;
  return { low: patterns[at + LOW] as number, high: patterns[at + HIGH] as number };
}

/** The rows as a payload of plain columns. */
export function packRows({ first, names, sites, events }: EventRows): PackableMap {
  const siteGroups: [number, PackableMap][] = [
    [
      SHARED_GROUP,
      packColumns(
        SITE_SHARED_COLUMNS,
        sites.map(({ kind, hart, pc }) => [wordOf(kind), hart, pc]),
      ),
    ],
  ];
  const eventGroups: [number, PackableMap][] = [
    [
      SHARED_GROUP,
      packColumns(
        EVENT_SHARED_COLUMNS,
        events.map(({ site, icount, stall }) => [wordOf(site), icount, stall]),
      ),
    ],
  ];
  for (const code of new Set(sites.map(({ kind }) => kind))) {
    const { fixed, varying } = columnsOf(code) as KindColumns;
    const ofKind = sites.filter(({ kind }) => kind === code).map(({ fields }) => fields);
    siteGroups.push([code, packColumns(fixed, ofKind)]);
    const eventsOfKind = events.filter(({ site }) => sites[site]?.kind === code).map(({ fields }) => fields);
    eventGroups.push([code, packColumns(varying, eventsOfKind)]);
  }
  const packed = packTable({ first, count: events.length }, [], eventGroups);
  return packed.set('sites', packTable({ first: 0, count: sites.length }, names, siteGroups));
}

function packColumns(specs: readonly ColumnSpec[], rows: readonly (readonly Word[])[]): PackableMap {
  const columns = new Map<number, Packable>();
  for (let index = 0; index < specs.length; index++) {
    if (rows.every((row) => isZero(row[index] as Word))) continue;
    const bytes = new Uint8Array(1 + WORD_BYTES * rows.length);
    bytes[0] = COLUMN_CODING.fixed.code;
    const view = new DataView(bytes.buffer);
    for (let row = 0; row < rows.length; row++) {
      const { low, high } = (rows[row] as readonly Word[])[index] as Word;
      view.setInt32(1 + WORD_BYTES * row, low, true);
      view.setInt32(5 + WORD_BYTES * row, high, true);
    }
    columns.set((specs[index] as ColumnSpec).code, bytes);
  }
  return columns;
}
