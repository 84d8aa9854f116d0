/**
 * The fields of one kind of event that vary, in the chunk that is being gathered. Most events have in all of them what their site had last,
 * and then one comparison of all words together is all there is to do: a column hears only of rows that differ from what was expected.
 */
import { assert } from '../assert.ts';
import { type EventRow, HIGH, LOW } from '../hypervisor/event-row.ts';
import { halvesMax } from './halves.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import type { EventColumn } from './schema.ts';
import { COLUMN_CODING } from './schema.ts';
import { MissWriter, type SiteColumnEncoder, type SiteRows } from './site-columns.ts';
import type { SiteKin } from './site-kin.ts';

/** Sites and rows that there is room for at first. */
const ROOM_FIRST = 64;

interface VaryingColumn {
  readonly spec: EventColumn;
  readonly column: ChangeColumn;
}

export class VaryingGroup {
  readonly #columns: readonly VaryingColumn[];
  /** Where the halves of the fields lie in a row of an event. */
  readonly #places: Uint8Array;
  /** By site: the halves that it had last, in the order of `places`. */
  #lasts: Int32Array;
  readonly #kin: SiteKin;
  /** The site of each row. */
  readonly #sites: Uint16Array;
  #count = 0;
  /** Sites up to the last one of a row: a site beyond has had none. */
  #siteCount = 0;

  /** @param capacity rows at most */
  constructor(columns: readonly EventColumn[], capacity: number, kin: SiteKin) {
    const varying = columns.filter(({ varies }) => varies);
    this.#columns = varying.map((spec) => ({ spec, column: new ChangeColumn() }));
    this.#places = Uint8Array.from(varying.flatMap(({ place }) => [2 * place, 2 * place + 1]));
    this.#lasts = new Int32Array(ROOM_FIRST * this.#places.length);
    this.#kin = kin;
    this.#sites = new Uint16Array(capacity);
  }

  push({ halves }: EventRow, site: number): void {
    const row = this.#count;
    this.#sites[row] = site;
    this.#count = row + 1;
    const places = this.#places;
    const isNew = site >= this.#siteCount;
    if (isNew) this.#begin(site);
    const lasts = this.#lasts;
    const first = places.length * site;
    let at = 0;
    if (!isNew) while (at < places.length && lasts[first + at] === halves[places[at] as number]) at += 1;
    // All columns before this one are as expected. Those of a site that is new hear of its values in any case.
    for (at &= ~1; at < places.length; at += 2) {
      const [lowAt, highAt] = [first + at + LOW, first + at + HIGH];
      const low = halves[places[at + LOW] as number] as number;
      const high = halves[places[at + HIGH] as number] as number;
      const lastLow = lasts[lowAt] as number;
      const lastHigh = lasts[highAt] as number;
      if (low === lastLow && high === lastHigh && !isNew) continue;
      (this.#columns[at >> 1] as VaryingColumn).column.push(row, low, high, lastLow, lastHigh);
      lasts[lowAt] = low;
      lasts[highAt] = high;
    }
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
    this.#siteCount = 0;
    return packed;
  }

  /** The first row of a site: what is expected is what its kin had last. */
  #begin(site: number): void {
    const width = this.#places.length;
    const first = width * site;
    if (first + width > this.#lasts.length) this.#lasts = longer(this.#lasts, first + width);
    this.#siteCount = site + 1;
    const kin = this.#kin.of(site);
    if (kin === site) this.#lasts.fill(0, first, first + width);
    else this.#lasts.copyWithin(first, width * kin, width * (kin + 1));
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
    if (at === this.#told.length) this.#told = longer(this.#told, at + 3);
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

/** A copy of at least that length, and as much again. */
function longer(halves: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(2 * length);
  copy.set(halves);
  return copy;
}
