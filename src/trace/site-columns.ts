/**
 * Columns with one row per event, as misses: how far each value is from what the site of its event lets expect. Guests poll and loop,
 * so most rows miss by nothing, and a run of such rows takes two bytes. What is left for compression is short.
 */
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import { type ColumnEncoder, isConstant } from './columns.ts';
import { withRoom } from './halves.ts';
import { COLUMN_CODING } from './schema.ts';
import { missOf, SiteGuess } from './site-guess.ts';
import type { SiteKin } from './site-kin.ts';
import { isOneByte, putVarint, VARINT_BYTES_MAX, zigzagHigh, zigzagLow } from './varint.ts';

/** A coding is good enough not to try another if it takes no more than a byte for as many rows. */
const GOOD_ROWS_PER_BYTE = 2;
/** Rows, sites and bytes that there is room for at first. */
const ROOM_FIRST = 256;
const SIGN = 0x8000_0000 | 0;

/** What a coding is chosen by. */
export interface SiteRows {
  readonly count: number;
  /** The two halves that all rows have; undefined if they differ. */
  readonly constant: Uint32Array | undefined;
  /** Two halves of each row, at least `count` rows. */
  readonly words: Uint32Array;
  /** The rows: by `stride` if they ascend, else by `again`. */
  readonly misses: MissWriter;
  readonly ascends: boolean;
}

/** Values of one column of a chunk that is being gathered. */
export class SiteColumn implements SiteRows {
  count = 0;
  /** Two halves of each row: signed while they are gathered, so that V8 never has to keep one on its heap. */
  #halves: Int32Array = new Int32Array(2 * ROOM_FIRST);
  /** The rows so far: by `stride` if they ascend, else by `again`. */
  readonly misses: MissWriter;
  readonly ascends: boolean;
  /** By site: the last value or, if the rows ascend, the last difference; low and high halves by turns. */
  #lasts: Int32Array = new Int32Array(2 * ROOM_FIRST);
  /** Sites below this have been looked at. */
  #siteCount = 0;
  readonly #kin: SiteKin;
  #beforeLow = 0;
  #beforeHigh = 0;

  /**
   * @param ascends values that only grow are coded by their steps
   * @param kin of the sites that are pushed
   */
  constructor(ascends: boolean, kin: SiteKin) {
    this.ascends = ascends;
    this.#kin = kin;
    this.misses = new MissWriter(ascends ? COLUMN_CODING.stride.code : COLUMN_CODING.again.code);
  }

  /** Two halves of each row, at least `count` rows. */
  get words(): Uint32Array {
    return new Uint32Array(this.#halves.buffer);
  }

  get constant(): Uint32Array | undefined {
    const { words } = this;
    return isConstant(words, this.count) ? words.subarray(0, 2) : undefined;
  }

  /** Adds a value of an event of `site`, in signed halves. */
  push(low: number, high: number, site: number): void {
    const at = 2 * this.count;
    if (at === this.#halves.length) this.#halves = withRoom(this.#halves, at + 2);
    this.#halves[at + LOW] = low;
    this.#halves[at + HIGH] = high;
    this.count += 1;
    let stepLow = low;
    let stepHigh = high;
    if (this.ascends) {
      stepLow = (low - this.#beforeLow) | 0;
      stepHigh = (high - this.#beforeHigh - borrow(low, this.#beforeLow)) | 0;
      this.#beforeLow = low;
      this.#beforeHigh = high;
    }
    const place = 2 * site;
    if (site >= this.#siteCount) this.#begin(site);
    const lasts = this.#lasts;
    const lastLow = lasts[place] as number;
    const lastHigh = lasts[place + 1] as number;
    if (stepLow === lastLow && stepHigh === lastHigh) this.misses.putZero();
    else {
      this.misses.putDifference(stepLow, stepHigh, lastLow, lastHigh);
      lasts[place] = stepLow;
      lasts[place + 1] = stepHigh;
    }
  }

  /** The first row of a site: what is expected is what its kin had last. */
  #begin(site: number): void {
    if (2 * site >= this.#lasts.length) this.#lasts = withRoom(this.#lasts, 2 * site + 2);
    this.#siteCount = site + 1;
    const kin = this.#kin.of(site);
    this.#lasts[2 * site] = this.#lasts[2 * kin] as number;
    this.#lasts[2 * site + 1] = this.#lasts[2 * kin + 1] as number;
  }

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
    this.misses.clear();
    this.#lasts.fill(0);
    this.#siteCount = 0;
    this.#beforeLow = 0;
    this.#beforeHigh = 0;
  }
}

/** The sites of the events of a chunk that is being gathered, coded by which was to be expected. */
export class FollowColumn {
  readonly #misses = new MissWriter(COLUMN_CODING.follow.code);
  readonly #guess: SiteGuess;

  /** @param capacity most sites */
  constructor(capacity: number) {
    this.#guess = new SiteGuess(capacity);
  }

  push(site: number): void {
    const guess = this.#guess;
    this.#misses.put(missOf(site, guess), 0);
    guess.learn(site);
  }

  /** The coded column as a copy. Nothing may be pushed after it but for {@link clear}. */
  bytes(): Uint8Array {
    return this.#misses.bytes();
  }

  clear(): void {
    this.#misses.clear();
    this.#guess.clear();
  }
}

/** Chooses the coding of columns. Holds scratch space, so one serves one writer. */
export class SiteColumnEncoder {
  readonly #base: ColumnEncoder;
  readonly #stride: SiteColumn;

  /**
   * @param base codes what no coding by site suits
   * @param kin of the sites
   */
  constructor(base: ColumnEncoder, kin: SiteKin) {
    this.#base = base;
    this.#stride = new SiteColumn(true, kin);
  }

  /**
   * The coded column as a copy, or undefined if all its values are zero.
   * @param sites the site of each row
   */
  encode(column: SiteRows, sites: Uint16Array): Uint8Array | undefined {
    const { count, constant, misses, ascends } = column;
    if (count === 0) return undefined;
    if (constant !== undefined) return this.#base.encode({ words: constant, count: 1 });
    // No other coding takes less than a byte a row, and one in front.
    if (isGood(misses, count) || (ascends && misses.lengthBytes <= count)) return misses.bytes();
    const { words } = column;
    let best = misses;
    if (!ascends) {
      const stride = this.#codeStride(words, count, sites);
      if (stride.lengthBytes < best.lengthBytes) best = stride;
      if (best.lengthBytes <= count) return best.bytes();
    }
    const other = this.#base.encode({ words, count });
    return other !== undefined && other.length <= best.lengthBytes ? other : best.bytes();
  }

  #codeStride(words: Uint32Array, count: number, sites: Uint16Array): MissWriter {
    const stride = this.#stride;
    const halves = new Int32Array(words.buffer);
    stride.clear();
    for (let row = 0; row < count; row += 1) {
      stride.push(halves[2 * row + LOW] as number, halves[2 * row + HIGH] as number, sites[row] as number);
    }
    return stride.misses;
  }
}

function isGood({ lengthBytes }: MissWriter, rows: number): boolean {
  return GOOD_ROWS_PER_BYTE * lengthBytes <= rows;
}

/** Writes misses: varints, and after one of 0 how many more zeros follow. */
export class MissWriter {
  #out = new Uint8Array(ROOM_FIRST);
  #position = 1;
  /** Zeros that have not been written. */
  #zeros = 0;

  /** @param coding of the column, which goes in front */
  constructor(coding: number) {
    this.#out[0] = coding;
  }

  putZero(): void {
    this.#zeros += 1;
  }

  /** How far a value of 64 bits is from the last one, modulo 2^64. Halves are signed. */
  putDifference(low: number, high: number, lastLow: number, lastHigh: number): void {
    const missLow = (low - lastLow) | 0;
    const missHigh = (high - lastHigh - borrow(low, lastLow)) | 0;
    this.put(zigzagLow(missLow, missHigh), zigzagHigh(missLow, missHigh));
  }

  putZeros(count: number): void {
    this.#zeros += count;
  }

  /** A number of 64 bits in unsigned halves. */
  put(low: number, high: number): void {
    if (low === 0 && high === 0) {
      this.#zeros += 1;
      return;
    }
    if (this.#zeros > 0) this.#putZeros();
    this.#makeRoom();
    if (isOneByte(low, high)) this.#out[this.#position++] = low;
    else this.#position = putVarint(this.#out, this.#position, low, high);
  }

  /** Length of what has been put, with the coding in front. */
  get lengthBytes(): number {
    if (this.#zeros > 0) this.#putZeros();
    return this.#position;
  }

  /** What has been put, as a copy. Nothing may be put after it but for {@link clear}. */
  bytes(): Uint8Array {
    // First: it writes zeros that are pending, which may take a longer array.
    const { lengthBytes } = this;
    return this.#out.slice(0, lengthBytes);
  }

  clear(): void {
    this.#position = 1;
    this.#zeros = 0;
  }

  #putZeros(): void {
    this.#makeRoom();
    this.#out[this.#position] = 0;
    this.#position = putVarint(this.#out, this.#position + 1, this.#zeros - 1, 0);
    this.#zeros = 0;
  }

  /** For a zero and one varint. */
  #makeRoom(): void {
    const needed = this.#position + 1 + VARINT_BYTES_MAX;
    if (needed <= this.#out.length) return;
    const out = new Uint8Array(2 * needed);
    out.set(this.#out);
    this.#out = out;
  }
}

/** 1 if the difference of two low halves borrows from the high ones, else 0. Both are signed, and compared as unsigned. */
function borrow(low: number, other: number): number {
  return (low ^ SIGN) < (other ^ SIGN) ? 1 : 0;
}
