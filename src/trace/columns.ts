/**
 * One column of integers as bytes. Values of every field type are held as unsigned 64-bit words and coded by the type of the
 * schema, never by what JavaScript happens to hold. Of the codings in `COLUMN_CODING` the shortest is taken, the lowest code on a
 * tie: compression of the whole chunk comes on top, so this only has to make equal things look equal.
 */
import { assert } from '../assert.ts';
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import { COLUMN_CODING } from './schema.ts';
import { isOneByte, putVarint, VARINT_BYTES_MAX, varintLength, zigzagHigh, zigzagLow } from './varint.ts';

const TWO_32 = 0x1_0000_0000;
const WORD_BYTES = 8;
/** Distinct values that the table coding takes at most, and rows from which it is tried. */
const TABLE_VALUES_MAX = 1024;
const TABLE_ROWS_MIN = 16;
const HASH_SLOTS = 4 * TABLE_VALUES_MAX;

/** Values of one column, gathered until its chunk is written. */
export class ColumnBuffer {
  /** Rows so far. */
  count = 0;
  readonly words: Uint32Array;
  readonly #unsigned: BigUint64Array;
  readonly #signed: BigInt64Array;

  constructor(capacity: number) {
    this.words = new Uint32Array(2 * capacity);
    this.#unsigned = new BigUint64Array(this.words.buffer);
    this.#signed = new BigInt64Array(this.words.buffer);
  }

  /** Adds an integer from 0 to `max`, which is a safe integer. */
  pushNumber(value: number, max: number): void {
    // The message of an assertion is built each time: here only when it is needed.
    if (!(value >= 0 && value <= max && Math.floor(value) === value)) {
      assert(false, `a trace column up to ${max} got ${value}`);
    }
    const at = 2 * this.count;
    this.words[at + LOW] = value;
    this.words[at + HIGH] = value < TWO_32 ? 0 : value / TWO_32;
    this.count += 1;
  }

  pushUnsigned(value: bigint): void {
    this.#unsigned[this.count] = value;
    assert(this.#unsigned[this.count] === value, 'a trace column of unsigned 64-bit values got one that is not');
    this.count += 1;
  }

  pushSigned(value: bigint): void {
    this.#signed[this.count] = value;
    assert(this.#signed[this.count] === value, 'a trace column of signed 64-bit values got one that is not');
    this.count += 1;
  }
}

/** Codes columns. Holds scratch space, so one serves one writer. */
export class ColumnEncoder {
  readonly #out: Uint8Array;
  /** Zigzag differences of the values of a table, low and high halves by turns. */
  readonly #deltas: Uint32Array;
  readonly #indexes: Uint16Array;
  readonly #distinct = new Uint32Array(2 * TABLE_VALUES_MAX);
  readonly #slots = new Int16Array(HASH_SLOTS);
  #position = 0;
  /** Lengths of the column that was measured last, as varints: of its values, and of their differences. */
  #plainBytes = 0;
  #deltaBytes = 0;

  /** @param capacity rows of the longest column. */
  constructor(capacity: number) {
    this.#out = new Uint8Array(1 + VARINT_BYTES_MAX * (capacity + 1));
    this.#deltas = new Uint32Array(2 * TABLE_VALUES_MAX);
    this.#indexes = new Uint16Array(capacity);
  }

  /** The coded column as a copy, or undefined if all its values are zero. */
  encode(column: Pick<ColumnBuffer, 'words' | 'count'>): Uint8Array | undefined {
    const { words, count } = column;
    if (isConstant(words, count)) {
      if (count === 0 || (words[0] === 0 && words[1] === 0)) return undefined;
      return this.#finish(COLUMN_CODING.constant.code, words, 1);
    }
    this.#measure(words, count);
    const [plainBytes, deltaBytes] = [this.#plainBytes, this.#deltaBytes];
    const shortest = Math.min(plainBytes, deltaBytes, WORD_BYTES * count);
    // One byte a row is what a table could reach at best.
    if (count >= TABLE_ROWS_MIN && 4 * shortest > 5 * count && this.#tryTable(words, count, shortest)) {
      return this.#out.slice(0, this.#position);
    }
    if (plainBytes === shortest) return this.#finish(COLUMN_CODING.plain.code, words, count);
    if (deltaBytes === shortest) return this.#finishDeltas(words, count);
    return encodeFixed(words, count);
  }

  /** How long the column is as varints, in one pass over it. */
  #measure(words: Uint32Array, count: number): void {
    let [plainBytes, deltaBytes] = [0, 0];
    let [lastLow, lastHigh] = [0, 0];
    for (let at = 0; at < 2 * count; at += 2) {
      const low = word(words, at + LOW);
      const high = word(words, at + HIGH);
      plainBytes += varintLength(low, high);
      const differenceLow = low - lastLow;
      const differenceHigh = high - lastHigh - (differenceLow < 0 ? 1 : 0);
      deltaBytes += varintLength(zigzagLow(differenceLow, differenceHigh), zigzagHigh(differenceLow, differenceHigh));
      lastLow = low;
      lastHigh = high;
    }
    this.#plainBytes = plainBytes;
    this.#deltaBytes = deltaBytes;
  }

  #finishDeltas(words: Uint32Array, count: number): Uint8Array {
    const out = this.#out;
    out[0] = COLUMN_CODING.delta.code;
    let position = 1;
    let [lastLow, lastHigh] = [0, 0];
    for (let at = 0; at < 2 * count; at += 2) {
      const low = word(words, at + LOW);
      const high = word(words, at + HIGH);
      const differenceLow = low - lastLow;
      const differenceHigh = high - lastHigh - (differenceLow < 0 ? 1 : 0);
      const codedLow = zigzagLow(differenceLow, differenceHigh);
      const codedHigh = zigzagHigh(differenceLow, differenceHigh);
      if (isOneByte(codedLow, codedHigh)) out[position++] = codedLow;
      else position = putVarint(out, position, codedLow, codedHigh);
      lastLow = low;
      lastHigh = high;
    }
    return out.slice(0, position);
  }

  #finish(coding: number, words: Uint32Array, count: number): Uint8Array {
    this.#out[0] = coding;
    this.#position = 1;
    this.#putAll(words, count);
    return this.#out.slice(0, this.#position);
  }

  #putAll(words: Uint32Array, count: number): void {
    const out = this.#out;
    let position = this.#position;
    for (let row = 0; row < count; row += 1) {
      const low = word(words, 2 * row + LOW);
      const high = word(words, 2 * row + HIGH);
      if (isOneByte(low, high)) out[position++] = low;
      else position = putVarint(out, position, low, high);
    }
    this.#position = position;
  }

  /** Codes as a table if that takes less than `limitBytes`. */
  #tryTable(words: Uint32Array, count: number, limitBytes: number): boolean {
    const size = this.#collect(words, count);
    if (size === 0) return false;
    toDeltas(this.#distinct, size, this.#deltas);
    let total = varintBytes(this.#deltas, size) + 2 + count;
    for (let row = 0; row < count; row += 1) total += (this.#indexes[row] as number) > 127 ? 1 : 0;
    if (total >= limitBytes) return false;
    this.#out[0] = COLUMN_CODING.table.code;
    this.#position = putVarint(this.#out, 1, size, 0);
    this.#putAll(this.#deltas, size);
    for (let row = 0; row < count; row += 1) {
      this.#position = putVarint(this.#out, this.#position, this.#indexes[row] as number, 0);
    }
    return true;
  }

  /** Finds the distinct values and the index of each row. Returns their number, or 0 if there are too many. */
  #collect(words: Uint32Array, count: number): number {
    const distinct = this.#distinct;
    const slots = this.#slots.fill(-1);
    let size = 0;
    for (let row = 0; row < count; row += 1) {
      const first = word(words, 2 * row);
      const second = word(words, 2 * row + 1);
      let slot = (Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0x9e3779b1) >>> 16) & (HASH_SLOTS - 1);
      let index = slots[slot] as number;
      // Ends: at most a quarter of the slots is ever taken.
      while (index >= 0 && (distinct[2 * index] !== first || distinct[2 * index + 1] !== second)) {
        slot = (slot + 1) & (HASH_SLOTS - 1);
        index = slots[slot] as number;
      }
      if (index < 0) {
        if (size === TABLE_VALUES_MAX) return 0;
        index = size;
        slots[slot] = index;
        distinct[2 * index] = first;
        distinct[2 * index + 1] = second;
        size += 1;
      }
      this.#indexes[row] = index;
    }
    return size;
  }
}

function encodeFixed(words: Uint32Array, count: number): Uint8Array {
  const out = new Uint8Array(1 + WORD_BYTES * count);
  out[0] = COLUMN_CODING.fixed.code;
  const view = new DataView(out.buffer);
  for (let row = 0; row < count; row += 1) {
    view.setUint32(1 + WORD_BYTES * row, word(words, 2 * row + LOW), true);
    view.setUint32(5 + WORD_BYTES * row, word(words, 2 * row + HIGH), true);
  }
  return out;
}

/** Whether all rows have the same value. */
export function isConstant(words: Uint32Array, count: number): boolean {
  for (let at = 2; at < 2 * count; at += 1) if (words[at] !== words[at & 1]) return false;
  return true;
}

/** Zigzag of each difference modulo 2^64. */
function toDeltas(words: Uint32Array, count: number, deltas: Uint32Array): void {
  let lastLow = 0;
  let lastHigh = 0;
  for (let row = 0; row < count; row += 1) {
    const low = word(words, 2 * row + LOW);
    const high = word(words, 2 * row + HIGH);
    const differenceLow = low - lastLow;
    const differenceHigh = high - lastHigh - (differenceLow < 0 ? 1 : 0);
    deltas[2 * row + LOW] = zigzagLow(differenceLow, differenceHigh);
    deltas[2 * row + HIGH] = zigzagHigh(differenceLow, differenceHigh);
    lastLow = low;
    lastHigh = high;
  }
}

function varintBytes(words: Uint32Array, count: number): number {
  let total = 0;
  for (let row = 0; row < count; row += 1) {
    total += varintLength(word(words, 2 * row + LOW), word(words, 2 * row + HIGH));
  }
  return total;
}

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}
