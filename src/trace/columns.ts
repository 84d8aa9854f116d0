/**
 * One column of integers as bytes. Values of every field type are held as unsigned 64-bit words and coded by the type of the
 * schema, never by what JavaScript happens to hold. Of the codings in `COLUMN_CODING` the shortest is taken, the lowest code on a
 * tie: compression of the whole chunk comes on top, so this only has to make equal things look equal.
 */
import { assert } from '../assert.ts';
import { HIGH, LOW, NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import { MalformedError } from './messagepack.ts';
import { COLUMN_CODING } from './schema.ts';

const TWO_32 = 0x1_0000_0000;
const VARINT_BYTES_MAX = 10;
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
  encode(column: ColumnBuffer): Uint8Array | undefined {
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
      if (codedHigh === 0 && codedLow < 128) out[position++] = codedLow;
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
      if (high === 0 && low < 128) out[position++] = low;
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

/** Values of one decoded column by row: numbers, bigints, booleans or names, as its type says. */
export type ColumnValues = ArrayLike<number | bigint | boolean | string>;

/**
 * The words of a coded column of `count` rows, two halves each. An absent column reads as zeros.
 * Throws {@link MalformedError} for anything that is not a column of that type and length.
 */
export function decodeColumnWords(
  coded: Uint8Array | undefined,
  type: FieldType,
  count: number,
  names: readonly string[],
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * count);
  if (coded !== undefined) decodeWords(coded, words, count);
  const max = type === 'name' ? names.length - 1 : type === 'bool' ? 1 : NUMBER_MAX[type];
  if (max === undefined) return words;
  for (let row = 0; row < count; row += 1) {
    const value = word(words, 2 * row + HIGH) * TWO_32 + word(words, 2 * row + LOW);
    if (value > max) throw new MalformedError(`a column value is ${value}, above ${max}`);
  }
  return words;
}

/**
 * Decodes a column of `count` rows. Names are indexes into `names`. An absent column reads as zeros.
 * Throws {@link MalformedError} for anything that is not a column of that type and length.
 */
export function decodeColumn(
  coded: Uint8Array | undefined,
  type: FieldType,
  count: number,
  names: readonly string[],
): ColumnValues {
  const words = decodeColumnWords(coded, type, count, names);
  if (type === 'u64') return new BigUint64Array(words.buffer);
  if (type === 'i64') return new BigInt64Array(words.buffer);
  if (type === 'bool') return mapRows(words, count, (value) => value === 1);
  if (type === 'name') return mapRows(words, count, (value) => names[value] as string);
  return toNumbers(words, count);
}

function mapRows<T>(words: Uint32Array, count: number, map: (value: number) => T): T[] {
  const mapped: T[] = [];
  for (let row = 0; row < count; row += 1) mapped.push(map(word(words, 2 * row + LOW)));
  return mapped;
}

function toNumbers(words: Uint32Array, count: number): Float64Array {
  const numbers = new Float64Array(count);
  for (let row = 0; row < count; row += 1) {
    numbers[row] = word(words, 2 * row + HIGH) * TWO_32 + word(words, 2 * row + LOW);
  }
  return numbers;
}

function decodeWords(coded: Uint8Array, words: Uint32Array, count: number): void {
  const reader = new VarintReader(coded);
  const coding = reader.byte();
  if (coding === COLUMN_CODING.constant.code) {
    reader.readAll(words, 1);
    for (let at = 2; at < 2 * count; at += 1) words[at] = word(words, at & 1);
  } else if (coding === COLUMN_CODING.plain.code) {
    reader.readAll(words, count);
  } else if (coding === COLUMN_CODING.delta.code) {
    reader.readAll(words, count);
    fromDeltas(words, count);
  } else if (coding === COLUMN_CODING.table.code) {
    decodeTable(reader, words, count);
  } else if (coding === COLUMN_CODING.fixed.code) {
    decodeFixed(coded, words, count);
    return;
  } else {
    throw new MalformedError(`column coding ${coding} is not known`);
  }
  reader.expectEnd();
}

function decodeTable(reader: VarintReader, words: Uint32Array, count: number): void {
  reader.next();
  const size = reader.low;
  if (reader.high !== 0 || size > count) throw new MalformedError('a column table longer than its column');
  const table = new Uint32Array(2 * size);
  reader.readAll(table, size);
  fromDeltas(table, size);
  for (let row = 0; row < count; row += 1) {
    reader.next();
    if (reader.high !== 0 || reader.low >= size) throw new MalformedError('a column index beyond its table');
    words[2 * row] = word(table, 2 * reader.low);
    words[2 * row + 1] = word(table, 2 * reader.low + 1);
  }
}

/** Reads varints of up to 64 bits: seven bits a byte, lowest first, the top bit set on all bytes but the last. */
class VarintReader {
  low = 0;
  high = 0;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new MalformedError('a column is cut off');
    this.#at += 1;
    return value;
  }

  /** The next varint into `low` and `high`, unsigned. */
  next(): void {
    let value = this.byte();
    let low = value & 127;
    let high = 0;
    for (let shift = 7; value > 127; shift += 7) {
      value = this.byte();
      const bits = value & 127;
      if (shift > 63 || (shift === 63 && value > 1)) throw new MalformedError('a varint of more than 64 bits');
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
  }

  readAll(words: Uint32Array, count: number): void {
    for (let row = 0; row < count; row += 1) {
      this.next();
      words[2 * row + LOW] = this.low;
      words[2 * row + HIGH] = this.high;
    }
  }

  expectEnd(): void {
    if (this.#at !== this.#bytes.length) throw new MalformedError('bytes after the end of a column');
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

function decodeFixed(coded: Uint8Array, words: Uint32Array, count: number): void {
  if (coded.length !== 1 + WORD_BYTES * count) throw new MalformedError('a column of fixed size has another length');
  const view = new DataView(coded.buffer, coded.byteOffset, coded.byteLength);
  for (let row = 0; row < count; row += 1) {
    words[2 * row + LOW] = view.getUint32(1 + WORD_BYTES * row, true);
    words[2 * row + HIGH] = view.getUint32(5 + WORD_BYTES * row, true);
  }
}

function isConstant(words: Uint32Array, count: number): boolean {
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

/** Low half of the zigzag of a difference, whose halves are taken modulo 2^32. */
function zigzagLow(low: number, high: number): number {
  return ((low << 1) ^ (high >> 31)) >>> 0;
}

/** Its high half. */
function zigzagHigh(low: number, high: number): number {
  return (((high << 1) | ((low | 0) >>> 31)) ^ (high >> 31)) >>> 0;
}

/** Inverse of {@link toDeltas}, in place. */
function fromDeltas(words: Uint32Array, count: number): void {
  let lastLow = 0;
  let lastHigh = 0;
  for (let row = 0; row < count; row += 1) {
    const zigzagLow = word(words, 2 * row + LOW);
    const zigzagHigh = word(words, 2 * row + HIGH);
    const sign = -(zigzagLow & 1);
    const low = lastLow + ((((zigzagLow >>> 1) | (zigzagHigh << 31)) ^ sign) >>> 0);
    lastHigh = (lastHigh + ((zigzagHigh >>> 1) ^ sign) + (low >= TWO_32 ? 1 : 0)) >>> 0;
    lastLow = low >>> 0;
    words[2 * row + LOW] = lastLow;
    words[2 * row + HIGH] = lastHigh;
  }
}

function varintBytes(words: Uint32Array, count: number): number {
  let total = 0;
  for (let row = 0; row < count; row += 1) {
    total += varintLength(word(words, 2 * row + LOW), word(words, 2 * row + HIGH));
  }
  return total;
}

/** Bytes of a varint of these halves: one for each seven bits begun, at least one. */
function varintLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low | 1) : 64 - Math.clz32(high);
  // The quotient by 7, rounded up, for 1 to 64.
  return (9 * bits + 64) >>> 6;
}

/** Writes a varint and returns the position after it. */
function putVarint(out: Uint8Array, position: number, low: number, high: number): number {
  let at = position;
  let restLow = low;
  let restHigh = high;
  while (restHigh !== 0 || restLow > 127) {
    out[at] = (restLow & 127) | 128;
    at += 1;
    restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
    restHigh >>>= 7;
  }
  out[at] = restLow;
  return at + 1;
}

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}
