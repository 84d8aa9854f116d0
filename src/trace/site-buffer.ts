/**
 * The sites of a chunk that is being gathered. A site is all that tends to be the same when a guest passes the same place again: kind,
 * hart and pc of an event, and those of its fields that do not vary. Finding the site of an event is what an exit pays for: most
 * events follow the one that they followed before, so that one comparison is enough.
 */
import { assert, must } from '../assert.ts';
import { type EventRow, HIGH, LOW } from '../hypervisor/event-row.ts';
import { ColumnBuffer, type ColumnEncoder } from './columns.ts';
import { halvesMax } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import {
  type ColumnSpec,
  EVENT_SPEC_BY_CODE,
  EVENT_SPECS,
  type EventColumn,
  SHARED_GROUP,
  SITE_SHARED_COLUMNS,
} from './schema.ts';
import { FollowColumn } from './site-columns.ts';
import { SiteKin } from './site-kin.ts';
import { NameTable, packTable } from './table.ts';

/** Words of a site: kind, hart and pc, then the fields that do not vary. */
const HEAD_WORDS = 3;

interface KindLayout {
  readonly columns: readonly EventColumn[];
  /** For each field that is a word: its place in an event, then its place in a site. */
  readonly words: Uint8Array;
  /** The same for each that is a text. */
  readonly texts: Uint8Array;
}

const LAYOUTS: readonly (KindLayout | undefined)[] = makeLayouts();
const SITE_WORDS =
  HEAD_WORDS + Math.max(...EVENT_SPECS.map(({ columns }) => columns.filter(({ varies }) => !varies).length));

const NO_TEXTS: string[] = [];

export class SiteBuffer {
  count = 0;
  /** Two halves for each word of each site. */
  readonly #words: Uint32Array;
  /** Of each site: the texts among its fields that do not vary, by place. */
  readonly #texts: (readonly string[])[] = [];
  /** The sites of all events, in order. */
  readonly #follow: FollowColumn;
  /** By hash: a site and 1, or 0. At most a quarter of the slots is ever taken. */
  readonly #slots: Uint32Array;
  readonly #scratch: ColumnBuffer;
  readonly kin = new SiteKin();

  /** @param capacity most sites, at most `LIMITS.sites` */
  constructor(capacity: number) {
    this.#words = new Uint32Array(2 * SITE_WORDS * capacity);
    this.#follow = new FollowColumn(capacity);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(4 * capacity)));
    this.#scratch = new ColumnBuffer(capacity);
  }

  /** The number of the site of an event, which is added when it is new. */
  find(row: EventRow): number {
    const layout = LAYOUTS[row.kind.code] as KindLayout;
    const expected = this.#follow.expected;
    if (expected < this.count && this.#isSite(expected, row, layout)) {
      this.#follow.pushExpected(expected);
      return expected;
    }
    const site = this.#search(row, layout);
    this.#follow.push(site);
    return site;
  }

  /** The coded sites of all events. Undefined if there is one site. */
  follow(): Uint8Array | undefined {
    return this.count > 1 ? this.#follow.bytes() : undefined;
  }

  /** The sites as a table, and an empty buffer again. Asserts the ranges of all values. */
  take(encoder: ColumnEncoder): Map<string, Packable> {
    const names = new NameTable();
    const all = Array.from({ length: this.count }, (_, site) => site);
    const groups: [number, PackableMap][] = [[SHARED_GROUP, this.#pack(SITE_SHARED_COLUMNS, 0, all, names, encoder)]];
    for (const { code } of EVENT_SPECS) {
      const sites = all.filter((site) => this.#words[2 * SITE_WORDS * site + LOW] === code);
      const { columns } = must(LAYOUTS[code], 'a kind of event has its columns');
      if (sites.length > 0) groups.push([code, this.#pack(columns, HEAD_WORDS, sites, names, encoder)]);
    }
    const packed = packTable({ first: 0, count: this.count }, names.list(), groups);
    this.#clear();
    return packed;
  }

  #clear(): void {
    this.#follow.clear();
    this.#slots.fill(0);
    this.#texts.length = 0;
    this.kin.clear();
    this.count = 0;
  }

  #isSite(site: number, row: EventRow, layout: KindLayout): boolean {
    const stored = this.#words;
    const { kind, hart, pcLow, pcHigh, words, texts } = row;
    const at = 2 * SITE_WORDS * site;
    if (stored[at + LOW] !== kind.code || stored[at + 2 + LOW] !== hart) return false;
    if (stored[at + 4 + LOW] !== pcLow || stored[at + 4 + HIGH] !== pcHigh) return false;
    const { words: places, texts: textPlaces } = layout;
    for (let index = 0; index < places.length; index += 2) {
      const from = 2 * (places[index] as number);
      const to = at + 2 * (places[index + 1] as number);
      if (stored[to] !== words[from] || stored[to + 1] !== words[from + 1]) return false;
    }
    const own = this.#texts[site] as readonly string[];
    for (let index = 0; index < textPlaces.length; index += 2) {
      if (own[textPlaces[index + 1] as number] !== texts[textPlaces[index] as number]) return false;
    }
    return true;
  }

  #search(row: EventRow, layout: KindLayout): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(row, layout) & mask;
    for (;;) {
      const found = slots[slot] as number;
      if (found === 0) break;
      if (this.#isSite(found - 1, row, layout)) return found - 1;
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.count + 1;
    return this.#add(row, layout);
  }

  #add(row: EventRow, layout: KindLayout): number {
    const { kind, hart, pcLow, pcHigh, words, texts } = row;
    const stored = this.#words;
    const site = this.count;
    const at = 2 * SITE_WORDS * site;
    stored[at + LOW] = kind.code;
    stored[at + 2 + LOW] = hart;
    stored[at + 4 + LOW] = pcLow;
    stored[at + 4 + HIGH] = pcHigh;
    const { words: places, texts: textPlaces } = layout;
    for (let index = 0; index < places.length; index += 2) {
      const from = 2 * (places[index] as number);
      const to = at + 2 * (places[index + 1] as number);
      stored[to] = words[from] as number;
      stored[to + 1] = words[from + 1] as number;
    }
    const own: string[] = textPlaces.length === 0 ? NO_TEXTS : new Array(SITE_WORDS).fill('');
    for (let index = 0; index < textPlaces.length; index += 2) {
      own[textPlaces[index + 1] as number] = texts[textPlaces[index] as number] as string;
    }
    this.#texts.push(own);
    this.kin.add(kind.code, pcLow, pcHigh);
    this.count += 1;
    return site;
  }

  /** Columns whose words begin at `place` of a site, with the rows `sites`. */
  #pack(
    columns: readonly ColumnSpec[],
    place: number,
    sites: readonly number[],
    names: NameTable,
    encoder: ColumnEncoder,
  ): PackableMap {
    const packed = new Map<number, Packable>();
    for (const [index, { code, type }] of columns.entries()) {
      const { lowMax, highMax } = halvesMax(type);
      const column = this.#scratch;
      column.count = 0;
      for (const site of sites) {
        const at = SITE_WORDS * site + place + index;
        const low =
          type === 'name'
            ? names.indexOf(this.#texts[site]?.[place + index] as string)
            : (this.#words[2 * at + LOW] as number);
        const high = type === 'name' ? 0 : (this.#words[2 * at + HIGH] as number);
        assert(low <= lowMax && high <= highMax, 'the fields of an event have the ranges of their types');
        column.words[2 * column.count + LOW] = low;
        column.words[2 * column.count + HIGH] = high;
        column.count += 1;
      }
      const coded = encoder.encode(column);
      if (coded !== undefined) packed.set(code, coded);
    }
    return packed;
  }
}

/** Of everything but texts: what has the same words has seldom other texts. */
function hash({ kind, hart, pcLow, pcHigh, words }: EventRow, layout: KindLayout): number {
  let mixed = Math.imul(pcLow ^ Math.imul(pcHigh, 0x85ebca6b) ^ (kind.code << 24) ^ (hart << 16), 0x9e3779b1);
  for (let index = 0; index < layout.words.length; index += 2) {
    const from = layout.words[index] as number;
    mixed = Math.imul(mixed ^ (words[2 * from] as number), 0x85ebca6b) ^ (words[2 * from + 1] as number);
    mixed ^= mixed >>> 15;
  }
  return mixed ^ (mixed >>> 16);
}

function makeLayouts(): (KindLayout | undefined)[] {
  const layouts: (KindLayout | undefined)[] = [];
  for (const [code, spec] of EVENT_SPEC_BY_CODE) {
    const columns = spec.columns.filter(({ varies }) => !varies);
    const places = columns.map(({ place, type }, index) => ({
      isText: type === 'name',
      pair: [place, HEAD_WORDS + index],
    }));
    const pairs = (texts: boolean): Uint8Array =>
      Uint8Array.from(places.filter(({ isText }) => isText === texts).flatMap(({ pair }) => pair));
    layouts[code] = { columns, words: pairs(false), texts: pairs(true) };
  }
  return layouts;
}
