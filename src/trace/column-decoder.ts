/** Coded columns back to values: the inverse of `columns.ts`, for bytes that may be anything. */
import { HIGH, LOW, NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import { MalformedError } from './messagepack.ts';
import { COLUMN_CODING } from './schema.ts';

const TWO_32 = 0x1_0000_0000;
const WORD_BYTES = 8;

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

function decodeFixed(coded: Uint8Array, words: Uint32Array, count: number): void {
  if (coded.length !== 1 + WORD_BYTES * count) throw new MalformedError('a column of fixed size has another length');
  const view = new DataView(coded.buffer, coded.byteOffset, coded.byteLength);
  for (let row = 0; row < count; row += 1) {
    words[2 * row + LOW] = view.getUint32(1 + WORD_BYTES * row, true);
    words[2 * row + HIGH] = view.getUint32(5 + WORD_BYTES * row, true);
  }
}

/** Values from the zigzag of their differences, in place. */
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

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}
