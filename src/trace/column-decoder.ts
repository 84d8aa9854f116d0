/** Coded columns back to values: the inverse of `columns.ts`, for bytes that may be anything. */
import { HIGH, LOW, NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import { TWO_32 } from './halves.ts';
import { MalformedError } from './messagepack.ts';
import { COLUMN_CODING } from './schema.ts';
import { SiteGuess, siteOf } from './site-guess.ts';
import type { SiteKin } from './site-kin.ts';

const WORD_BYTES = 8;

/** Values of one decoded column by row: numbers, bigints, booleans or names, as its type says. */
export type ColumnValues = ArrayLike<number | bigint | boolean | string>;

/** What columns with one row per event are decoded with. */
export interface SiteContext {
  /** Number of sites. */
  readonly siteCount: number;
  /** The site of each row, below `siteCount`; undefined for the column that says so itself. */
  readonly sites: Uint16Array | undefined;
  readonly kin: SiteKin;
}

/**
 * The words of a coded column of `count` rows, two halves each. An absent column reads as zeros.
 * Throws {@link MalformedError} for anything that is not a column of that type and length.
 */
export function decodeColumnWords(
  coded: Uint8Array | undefined,
  type: FieldType,
  count: number,
  names: readonly string[],
  context?: SiteContext,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * count);
  if (coded !== undefined) decodeWords(coded, words, count, context);
  const max = type === 'name' ? names.length - 1 : type === 'bool' ? 1 : NUMBER_MAX[type];
  if (max !== undefined) checkRange(words, count, max);
  return words;
}

/** @param max a half, or a word of which the lower half is all ones */
function checkRange(words: Uint32Array, count: number, max: number): void {
  const highMax = Math.max(0, Math.floor(max / TWO_32));
  const lowMax = highMax === 0 ? max : TWO_32 - 1;
  for (let row = 0; row < count; row += 1) {
    const high = word(words, 2 * row + HIGH);
    const low = word(words, 2 * row + LOW);
    if (high > highMax || low > lowMax) {
      throw new MalformedError(`a column value is ${high * TWO_32 + low}, above ${max}`);
    }
  }
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
  return toValues(decodeColumnWords(coded, type, count, names), type, count, names);
}

/** The values of the words of a column. */
export function toValues(
  words: Uint32Array<ArrayBuffer>,
  type: FieldType,
  count: number,
  names: readonly string[],
): ColumnValues {
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

function decodeWords(coded: Uint8Array, words: Uint32Array, count: number, context: SiteContext | undefined): void {
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
  } else if (coding === COLUMN_CODING.again.code && context?.sites !== undefined) {
    reader.readMisses(words, count);
    fromLastValues(words, count, context.sites, context);
  } else if (coding === COLUMN_CODING.stride.code && context?.sites !== undefined) {
    reader.readMisses(words, count);
    fromLastSteps(words, count, context.sites, context);
  } else if (coding === COLUMN_CODING.follow.code && context !== undefined && context.sites === undefined) {
    reader.readMisses(words, count);
    fromFollowers(words, count, context.siteCount);
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
    if (value < 128) {
      this.low = value;
      this.high = 0;
      return;
    }
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

  /** Misses into words that are zero: after one of 0 comes the number of further zeros. */
  readMisses(words: Uint32Array, count: number): void {
    for (let row = 0; row < count; row += 1) {
      this.next();
      if (this.low !== 0 || this.high !== 0) {
        words[2 * row + LOW] = this.low;
        words[2 * row + HIGH] = this.high;
        continue;
      }
      this.next();
      if (this.high !== 0 || this.low >= count - row) throw new MalformedError('a run of zeros beyond its column');
      row += this.low;
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

/** What each site had last, a value or a step, in two halves; at first what its kin had. */
class SiteLasts {
  readonly halves: Uint32Array;
  readonly #kin: SiteKin;
  /** Sites below this have been seen. */
  #begun = 0;

  constructor({ siteCount, kin }: SiteContext) {
    this.halves = new Uint32Array(2 * siteCount);
    this.#kin = kin;
  }

  /** Adds the difference behind a zigzag to what the site had last, and says where its halves are. */
  add(site: number, zigzagLow: number, zigzagHigh: number): number {
    const at = 2 * site;
    if (site >= this.#begun) this.#begin(site);
    if (zigzagLow !== 0 || zigzagHigh !== 0) addZigzag(this.halves, at, zigzagLow, zigzagHigh);
    return at;
  }

  #begin(site: number): void {
    this.#begun = site + 1;
    const kin = 2 * this.#kin.of(site);
    this.halves[2 * site] = word(this.halves, kin);
    this.halves[2 * site + 1] = word(this.halves, kin + 1);
  }
}

/** Values from the zigzag of their differences from the last of the same site, in place. */
function fromLastValues(words: Uint32Array, count: number, sites: Uint16Array, context: SiteContext): void {
  const lasts = new SiteLasts(context);
  for (let row = 0; row < count; row += 1) {
    const at = lasts.add(sites[row] as number, word(words, 2 * row + LOW), word(words, 2 * row + HIGH));
    words[2 * row + LOW] = word(lasts.halves, at);
    words[2 * row + HIGH] = word(lasts.halves, at + 1);
  }
}

/** Values from the zigzag of the differences of their steps from the last step of the same site, in place. */
function fromLastSteps(words: Uint32Array, count: number, sites: Uint16Array, context: SiteContext): void {
  const lasts = new SiteLasts(context);
  let [low, high] = [0, 0];
  for (let row = 0; row < count; row += 1) {
    const at = lasts.add(sites[row] as number, word(words, 2 * row + LOW), word(words, 2 * row + HIGH));
    const sum = low + word(lasts.halves, at);
    high = (high + word(lasts.halves, at + 1) + (sum >= TWO_32 ? 1 : 0)) >>> 0;
    low = sum >>> 0;
    words[2 * row + LOW] = low;
    words[2 * row + HIGH] = high;
  }
}

/** Adds the difference behind a zigzag to the number whose low half is at `at`, and its high half after it. */
function addZigzag(numbers: Uint32Array, at: number, zigzagLow: number, zigzagHigh: number): void {
  const sign = -(zigzagLow & 1);
  const sum = word(numbers, at) + ((((zigzagLow >>> 1) | (zigzagHigh << 31)) ^ sign) >>> 0);
  numbers[at] = sum;
  numbers[at + 1] = word(numbers, at + 1) + ((zigzagHigh >>> 1) ^ sign) + (sum >= TWO_32 ? 1 : 0);
}

/** Sites from whether each was the one expected, in place. */
function fromFollowers(words: Uint32Array, count: number, siteCount: number): void {
  const guess = new SiteGuess(siteCount);
  for (let row = 0; row < count; row += 1) {
    const miss = word(words, 2 * row + LOW);
    const site = siteOf(miss, guess);
    if (site >= siteCount || word(words, 2 * row + HIGH) !== 0) throw new MalformedError('a site that there is not');
    guess.learn(site);
    words[2 * row + LOW] = site;
  }
}

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}
