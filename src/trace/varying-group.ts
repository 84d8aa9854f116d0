/**
 * The fields of one kind of event that vary, in the chunk that is being coded. Most events have the pattern that their site had last, and then
 * there is nothing to do: a column hears only of rows that differ from what was expected.
 */
import { assert } from '../assert.ts';
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import { PATTERN } from './event-gatherer.ts';
import { halvesMax, withRoom } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import type { EventColumn } from './schema.ts';
import { COLUMN_CODING } from './schema.ts';
import { MissWriter, type SiteColumnEncoder, type SiteRows } from './site-columns.ts';

/** Sites and rows that there is room for at first. */
const ROOM_FIRST = 64;
/** Pairs of patterns that are remembered: a power of two. */
const CHANGES_KEPT = 256;

interface VaryingColumn {
  readonly spec: EventColumn;
  readonly column: ChangeColumn;
}

export class VaryingGroup {
  readonly #columns: readonly VaryingColumn[];
  /** Where the fields lie in a pattern. */
  readonly #places: Uint8Array;
  /** The site of each row. */
  readonly #sites: Uint16Array;
  #count = 0;
  /** By hash: two patterns of one site, and in which columns they differ. */
  readonly #changes = new Int32Array(3 * CHANGES_KEPT).fill(-1);

  /** @param capacity rows at most */
  constructor(columns: readonly EventColumn[], capacity: number) {
    const varying = columns.filter(({ varies }) => varies);
    assert(varying.length < 31, 'the columns of a kind that vary have a bit each');
    this.#columns = varying.map((spec) => ({ spec, column: new ChangeColumn() }));
    this.#places = Uint8Array.from(varying.map(({ place }) => PATTERN.fields + place));
    this.#sites = new Uint16Array(capacity);
  }

  /** Adds a row. Returns its number. */
  push(site: number): number {
    const row = this.#count;
    this.#sites[row] = site;
    this.#count = row + 1;
    return row;
  }

  /**
   * Tells that a row has another pattern than the last one of its site. Patterns are given by their first half.
   * @param last the pattern that was expected, or -1 if zeros were
   * @param isFirst the row is the first of its site: all columns hear of its values in any case
   */
  change(row: number, patterns: Int32Array, pattern: number, last: number, isFirst: boolean): void {
    const places = this.#places;
    let changed = isFirst ? 2 ** places.length - 1 : this.#changed(patterns, pattern, last);
    while (changed !== 0) {
      const index = 31 - Math.clz32(changed);
      changed ^= 1 << index;
      const place = 2 * (places[index] as number);
      const lastLow = last < 0 ? 0 : (patterns[last + place + LOW] as number);
      const lastHigh = last < 0 ? 0 : (patterns[last + place + HIGH] as number);
      const low = patterns[pattern + place + LOW] as number;
      const high = patterns[pattern + place + HIGH] as number;
      (this.#columns[index] as VaryingColumn).column.push(row, low, high, lastLow, lastHigh);
    }
  }

  /** The columns, as bits, in which two patterns of a site differ. A site has few, and goes from one to the other again and again. */
  #changed(patterns: Int32Array, pattern: number, last: number): number {
    const slot = 3 * ((Math.imul(pattern, 31) ^ last) & (CHANGES_KEPT - 1));
    const kept = this.#changes;
    if (kept[slot] === pattern && kept[slot + 1] === last) return kept[slot + 2] as number;
    const places = this.#places;
    let changed = 0;
    for (let index = 0; index < places.length; index++) {
      const place = 2 * (places[index] as number);
      const isSame =
        patterns[pattern + place] === patterns[last + place] &&
        patterns[pattern + place + 1] === patterns[last + place + 1];
      if (!isSame) changed |= 1 << index;
    }
    kept[slot] = pattern;
    kept[slot + 1] = last;
    kept[slot + 2] = changed;
    return changed;
  }

  /** The columns by code, and an empty group again. Asserts the ranges of all values. */
  take(encoder: SiteColumnEncoder): PackableMap {
    const packed = new Map<number, Packable>();
    for (const { spec, column } of this.#columns) {
      const { lowMax, highMax } = halvesMax(spec.type);
      assert(column.fits(lowMax, highMax), 'the fields of an event have the ranges of their types');
      column.finish(this.#count, this.#sites);
      const coded = encoder.encode(column, this.#sites);
      if (coded !== undefined) packed.set(spec.code, coded);
      column.clear();
    }
    this.#count = 0;
    this.#changes.fill(-1);
    return packed;
  }
}

/** One field of them: only rows that were told of are kept; every other has what its site had last. */
class ChangeColumn implements SiteRows {
  count = 0;
  readonly ascends = false;
  readonly misses = new MissWriter(COLUMN_CODING.again.code);
  /** Rows that were told of: number, low and high half of the value by turns. */
  #told: Int32Array = new Int32Array(3 * ROOM_FIRST);
  #toldCount = 0;
  #isConstant = true;
  /** All bits that any row has. */
  #bitsLow = 0;
  #bitsHigh = 0;
  #sites: Uint16Array | undefined;

  /** Adds a row, after rows that are as expected and were not told of. Halves are signed. */
  push(row: number, low: number, high: number, lastLow: number, lastHigh: number): void {
    this.misses.putZeros(row - this.count);
    this.count = row + 1;
    this.misses.putDifference(low, high, lastLow, lastHigh);
    this.#bitsLow |= low;
    this.#bitsHigh |= high;
    const at = 3 * this.#toldCount;
    if (at === this.#told.length) this.#told = withRoom(this.#told, at + 3);
    const told = this.#told;
    told[at] = row;
    told[at + 1] = low;
    told[at + 2] = high;
    this.#toldCount += 1;
    if (low !== told[1] || high !== told[2]) this.#isConstant = false;
  }

  /** After all rows. @param sites of each row */
  finish(count: number, sites: Uint16Array): void {
    this.misses.putZeros(count - this.count);
    this.count = count;
    this.#sites = sites;
  }

  get constant(): Uint32Array | undefined {
    if (!this.#isConstant) return undefined;
    const constant = new Uint32Array(2);
    constant[LOW] = this.#told[1] as number;
    constant[HIGH] = this.#told[2] as number;
    return constant;
  }

  /** Two halves of each row. Made each time: most columns are coded without. */
  get words(): Uint32Array {
    const { count } = this;
    const told = this.#told;
    const sites = this.#sites ?? new Uint16Array();
    const words = new Int32Array(2 * count);
    let siteMost = 0;
    for (let row = 0; row < count; row++) siteMost = Math.max(siteMost, sites[row] as number);
    const lasts = new Int32Array(2 * siteMost + 2);
    for (let row = 0, next = 0; row < count; row++) {
      const at = 2 * (sites[row] as number);
      if (next < 3 * this.#toldCount && told[next] === row) {
        lasts[at] = told[next + 1] as number;
        lasts[at + 1] = told[next + 2] as number;
        next += 3;
      }
      words[2 * row + LOW] = lasts[at] as number;
      words[2 * row + HIGH] = lasts[at + 1] as number;
    }
    return new Uint32Array(words.buffer);
  }

  /** Whether all values lie within maxima that are a power of two less one, each for a half. */
  fits(lowMax: number, highMax: number): boolean {
    return (this.#bitsLow & ~lowMax) === 0 && (this.#bitsHigh & ~highMax) === 0;
  }

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
    this.misses.clear();
    this.#toldCount = 0;
    this.#isConstant = true;
    this.#bitsLow = 0;
    this.#bitsHigh = 0;
    this.#sites = undefined;
  }
}
