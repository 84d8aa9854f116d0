/**
 * The sites of a chunk. A site is all that tends to be the same when a guest passes the same place again: kind, hart and pc of an event, and
 * those of its fields that do not vary. Patterns that differ in nothing else are of one site.
 */
import { assert, must } from '../assert.ts';
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import { ColumnBuffer, type ColumnEncoder } from './columns.ts';
import { type GatheredEvents, mixWord, PATTERN, slotsFor } from './event-gatherer.ts';
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
import { SiteKin } from './site-kin.ts';
import { NameTable, packTable } from './table.ts';

interface KindLayout {
  readonly columns: readonly EventColumn[];
  /** Where the fields that do not vary lie in a pattern, after the places that all kinds share. */
  readonly places: Uint8Array;
}

const SHARED_PLACES = Uint8Array.of(PATTERN.kind, PATTERN.hart, PATTERN.pc);
/** By code of the kind. */
const LAYOUTS: readonly (KindLayout | undefined)[] = makeLayouts();

export class SiteTable {
  count = 0;
  readonly kin = new SiteKin();
  /** Of each site: its first pattern, in words. */
  readonly #firsts: Int32Array;
  /** By hash: a site and 1, or 0. */
  readonly #slots: Int32Array;
  readonly #scratch: ColumnBuffer;

  /** @param capacity most sites, at most `LIMITS.sites` */
  constructor(capacity: number) {
    this.#firsts = new Int32Array(capacity);
    this.#slots = slotsFor(capacity);
    this.#scratch = new ColumnBuffer(capacity);
  }

  /** The number of the site of a pattern, which is added when it is new. `at`: the first word of the pattern. */
  find(patterns: Int32Array, at: number): number {
    const kind = patterns[at + 2 * PATTERN.kind + LOW] as number;
    const { places } = LAYOUTS[kind] as KindLayout;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(patterns, at, places) & mask;
    for (;;) {
      const found = slots[slot] as number;
      if (found === 0) break;
      if (isSame(patterns, this.#firsts[found - 1] as number, at, places)) return found - 1;
      slot = (slot + 1) & mask;
    }
    const site = this.count;
    slots[slot] = site + 1;
    this.#firsts[site] = at;
    const pc = at + 2 * PATTERN.pc;
    this.kin.add(kind, patterns[pc + LOW] as number, patterns[pc + HIGH] as number);
    this.count = site + 1;
    return site;
  }

  /** Of each site: the first half of its first pattern. As good as the next {@link find}. */
  get firsts(): Int32Array {
    return this.#firsts.subarray(0, this.count);
  }

  /** The sites as a table, and an empty table again. Asserts the ranges of all values. */
  take(events: GatheredEvents, encoder: ColumnEncoder): Map<string, Packable> {
    const names = new NameTable();
    const { firsts } = this;
    const groups: [number, PackableMap][] = [];
    const pack = (group: number, columns: readonly ColumnSpec[], places: Uint8Array, rows: Int32Array): void => {
      const packed = new Map<number, Packable>();
      for (const [index, { code, type }] of columns.entries()) {
        const column = this.#gather(events, rows, places[index] as number, type, names);
        const coded = encoder.encode(column);
        if (coded !== undefined) packed.set(code, coded);
      }
      groups.push([group, packed]);
    };
    pack(SHARED_GROUP, SITE_SHARED_COLUMNS, SHARED_PLACES, firsts);
    for (const { code } of EVENT_SPECS) {
      const rows = firsts.filter((first) => events.room.patterns[first + 2 * PATTERN.kind + LOW] === code);
      const { columns, places } = must(LAYOUTS[code], 'a kind of event has its columns');
      if (rows.length > 0) pack(code, columns, places.subarray(SHARED_PLACES.length), rows);
    }
    const packed = packTable({ first: 0, count: this.count }, names.list(), groups);
    this.#slots.fill(0);
    this.kin.clear();
    this.count = 0;
    return packed;
  }

  /** One column: what lies at a place of the patterns that begin at `rows`. */
  #gather(
    { room: { patterns }, texts }: GatheredEvents,
    rows: Int32Array,
    place: number,
    type: FieldType,
    names: NameTable,
  ): ColumnBuffer {
    const { lowMax, highMax } = halvesMax(type);
    const column = this.#scratch;
    const { words } = column;
    for (let row = 0; row < rows.length; row++) {
      const at = (rows[row] as number) + 2 * place;
      const low = patterns[at + LOW] as number;
      words[2 * row + LOW] = type === 'name' ? names.indexOf(texts[low] as string) : low;
      words[2 * row + HIGH] = patterns[at + HIGH] as number;
      const fits = (words[2 * row + LOW] as number) <= lowMax && (words[2 * row + HIGH] as number) <= highMax;
      assert(fits, 'the fields of an event have the ranges of their types');
    }
    column.count = rows.length;
    return column;
  }
}

function isSame(patterns: Int32Array, one: number, other: number, places: Uint8Array): boolean {
  for (let index = 0; index < places.length; index++) {
    const place = 2 * (places[index] as number);
    if (patterns[one + place] !== patterns[other + place]) return false;
    if (patterns[one + place + 1] !== patterns[other + place + 1]) return false;
  }
  return true;
}

function hash(patterns: Int32Array, at: number, places: Uint8Array): number {
  let mixed = 0;
  for (let index = 0; index < places.length; index++) {
    const place = at + 2 * (places[index] as number);
    mixed = mixWord(mixed, patterns[place] as number, patterns[place + 1] as number);
  }
  return mixed;
}

function makeLayouts(): (KindLayout | undefined)[] {
  const layouts: (KindLayout | undefined)[] = [];
  for (const [code, spec] of EVENT_SPEC_BY_CODE) {
    const columns = spec.columns.filter(({ varies }) => !varies);
    const places = columns.map(({ place }) => PATTERN.fields + place);
    layouts[code] = { columns, places: Uint8Array.from([...SHARED_PLACES, ...places]) };
  }
  return layouts;
}
