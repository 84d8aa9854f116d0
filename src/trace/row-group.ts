/**
 * Rows of words that become columns when their chunk is written. Gathering a row is one run of stores, which is what an exit pays for;
 * turning rows into columns, and checking them, waits for the chunk.
 */
import { assert } from '../assert.ts';
import { type EventRow, HIGH, LOW, NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import type { ColumnBuffer, ColumnEncoder } from './columns.ts';
import type { Packable, PackableMap } from './messagepack.ts';
import type { ColumnSpec } from './schema.ts';
import type { NameTable } from './table.ts';

const TWO_32 = 0x1_0000_0000;
const U32_MAX = TWO_32 - 1;

interface Column {
  readonly spec: ColumnSpec;
  /** Largest halves of a word of the type: all its bits set. */
  readonly lowMax: number;
  readonly highMax: number;
}

/** The columns of one group while their chunk is gathered. */
export class RowGroup {
  readonly #columns: readonly Column[];
  readonly #names: NameTable;
  /** Places of the names among the fields. */
  readonly #namePlaces: readonly number[];
  /** Halves of a row. */
  readonly #width: number;
  readonly #staged: Uint32Array;
  #count = 0;

  /** @param capacity most rows of a chunk */
  constructor(specs: readonly ColumnSpec[], capacity: number, names: NameTable) {
    this.#columns = specs.map((spec) => ({ spec, ...halvesMax(spec.type) }));
    this.#names = names;
    this.#namePlaces = specs.flatMap(({ type }, place) => (type === 'name' ? [place] : []));
    this.#width = 2 * specs.length;
    this.#staged = new Uint32Array(this.#width * capacity);
  }

  /** Adds the fields of an event, whose places are those of the columns. */
  push({ words, texts }: EventRow): void {
    const staged = this.#staged;
    const width = this.#width;
    const start = width * this.#count;
    for (let at = 0; at < width; at += 1) staged[start + at] = words[at] as number;
    for (const place of this.#namePlaces) {
      staged[start + 2 * place + LOW] = this.#names.indexOf(texts[place] as string);
      staged[start + 2 * place + HIGH] = 0;
    }
    this.#count += 1;
  }

  /** Adds kind and stamp of an event, in the order of the columns of all events. */
  pushStamp({ kind, cycle, icount, hart, pcLow, pcHigh }: EventRow): void {
    const staged = this.#staged;
    const start = this.#width * this.#count;
    staged[start + LOW] = kind.code;
    staged[start + HIGH] = 0;
    staged[start + 2 + LOW] = cycle;
    staged[start + 2 + HIGH] = cycle / TWO_32;
    staged[start + 4 + LOW] = icount;
    staged[start + 4 + HIGH] = icount / TWO_32;
    staged[start + 6 + LOW] = hart;
    staged[start + 6 + HIGH] = 0;
    staged[start + 8 + LOW] = pcLow;
    staged[start + 8 + HIGH] = pcHigh;
    this.#count += 1;
  }

  /** The columns by code, and an empty group again. Asserts the ranges of all values. */
  take(encoder: ColumnEncoder, scratch: ColumnBuffer): PackableMap {
    const packed = new Map<number, Packable>();
    for (const [place, column] of this.#columns.entries()) {
      this.#gather(place, column, scratch);
      const coded = encoder.encode(scratch);
      if (coded !== undefined) packed.set(column.spec.code, coded);
    }
    this.#count = 0;
    return packed;
  }

  #gather(place: number, { lowMax, highMax }: Column, scratch: ColumnBuffer): void {
    const { words } = scratch;
    const staged = this.#staged;
    const width = this.#width;
    let fits = true;
    for (let row = 0, at = 2 * place; row < this.#count; row += 1, at += width) {
      const low = staged[at + LOW] as number;
      const high = staged[at + HIGH] as number;
      words[2 * row + LOW] = low;
      words[2 * row + HIGH] = high;
      if (low > lowMax || high > highMax) fits = false;
    }
    scratch.count = this.#count;
    assert(fits, 'the fields of an event have the ranges of their types');
  }
}

function halvesMax(type: FieldType): { lowMax: number; highMax: number } {
  const max = type === 'bool' ? 1 : (NUMBER_MAX[type] ?? Number.POSITIVE_INFINITY);
  const isWord = type === 'u64' || type === 'i64';
  return { lowMax: Math.min(max, U32_MAX), highMax: isWord ? U32_MAX : Math.floor(max / TWO_32) };
}
