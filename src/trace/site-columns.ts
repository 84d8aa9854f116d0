/**
 * Columns with one row per event, as misses: how far each value is from what the site of its event lets expect. Guests poll and loop,
 * so most rows miss by nothing, and a run of such rows takes two bytes. What is left for compression is short.
 */
import { HIGH, LOW } from '../hypervisor/event-row.ts';
import { type ColumnBuffer, type ColumnEncoder, isConstant } from './columns.ts';
import { COLUMN_CODING } from './schema.ts';
import { SiteGuess } from './site-guess.ts';
import { putVarint, VARINT_BYTES_MAX, zigzagHigh, zigzagLow } from './varint.ts';

/** A coding is good enough not to try another if it takes no more than a byte for as many rows. */
const GOOD_ROWS_PER_BYTE = 8;

/** Codes columns of events. Holds scratch space, so one serves one writer. */
export class SiteColumnEncoder {
  readonly #base: ColumnEncoder;
  readonly #again: MissWriter;
  readonly #stride: MissWriter;
  /** By site: the last value, and the last difference; low and high halves by turns. */
  readonly #lastValues: Uint32Array;
  readonly #lastSteps: Uint32Array;
  readonly #guess: SiteGuess;

  /**
   * @param capacity rows of the longest column, and most sites
   * @param base codes what no coding by site suits
   */
  constructor(capacity: number, base: ColumnEncoder) {
    this.#base = base;
    this.#again = new MissWriter(capacity);
    this.#stride = new MissWriter(capacity);
    this.#lastValues = new Uint32Array(2 * capacity);
    this.#lastSteps = new Uint32Array(2 * capacity);
    this.#guess = new SiteGuess(capacity);
  }

  /**
   * The coded column as a copy, or undefined if all its values are zero. Values that only grow are coded by their steps at once.
   * @param sites the site of each row, below `siteCount`
   */
  encode(column: ColumnBuffer, sites: Uint16Array, siteCount: number, ascends: boolean): Uint8Array | undefined {
    const { words, count } = column;
    if (isConstant(words, count)) return this.#base.encode(column);
    let best = this.#stride;
    if (ascends) {
      this.#codeStride(words, count, sites, siteCount);
    } else {
      best = this.#again;
      this.#codeAgain(words, count, sites, siteCount);
      if (GOOD_ROWS_PER_BYTE * best.position > count) {
        this.#codeStride(words, count, sites, siteCount);
        if (this.#stride.position < best.position) best = this.#stride;
      }
    }
    if (GOOD_ROWS_PER_BYTE * best.position <= count) return best.take();
    const other = this.#base.encode(column);
    return other !== undefined && other.length <= best.position ? other : best.take();
  }

  /** The coded sites themselves. Undefined if all are 0. */
  encodeSites(sites: Uint16Array, count: number): Uint8Array | undefined {
    const out = this.#again;
    const guess = this.#guess;
    let differs = false;
    guess.clear();
    out.start(COLUMN_CODING.follow.code);
    for (let row = 0; row < count; row += 1) {
      const site = sites[row] as number;
      out.put(site === guess.first ? 0 : site === guess.second ? 1 : site + 2, 0);
      if (site !== 0) differs = true;
      guess.learn(site);
    }
    out.finish();
    return differs ? out.take() : undefined;
  }

  #codeAgain(words: Uint32Array, count: number, sites: Uint16Array, siteCount: number): void {
    const out = this.#again;
    const lasts = this.#lastValues.fill(0, 0, 2 * siteCount);
    out.start(COLUMN_CODING.again.code);
    for (let row = 0; row < count; row += 1) {
      const low = words[2 * row + LOW] as number;
      const high = words[2 * row + HIGH] as number;
      const at = 2 * (sites[row] as number);
      const missLow = low - (lasts[at] as number);
      const missHigh = high - (lasts[at + 1] as number) - (missLow < 0 ? 1 : 0);
      lasts[at] = low;
      lasts[at + 1] = high;
      out.putSigned(missLow, missHigh);
    }
    out.finish();
  }

  #codeStride(words: Uint32Array, count: number, sites: Uint16Array, siteCount: number): void {
    const out = this.#stride;
    const lasts = this.#lastSteps.fill(0, 0, 2 * siteCount);
    let [beforeLow, beforeHigh] = [0, 0];
    out.start(COLUMN_CODING.stride.code);
    for (let row = 0; row < count; row += 1) {
      const low = words[2 * row + LOW] as number;
      const high = words[2 * row + HIGH] as number;
      const borrow = low < beforeLow ? 1 : 0;
      const stepLow = (low - beforeLow) >>> 0;
      const stepHigh = (high - beforeHigh - borrow) >>> 0;
      const at = 2 * (sites[row] as number);
      const missLow = stepLow - (lasts[at] as number);
      const missHigh = stepHigh - (lasts[at + 1] as number) - (missLow < 0 ? 1 : 0);
      lasts[at] = stepLow;
      lasts[at + 1] = stepHigh;
      beforeLow = low;
      beforeHigh = high;
      out.putSigned(missLow, missHigh);
    }
    out.finish();
  }
}

/** Writes misses: varints, and after one of 0 how many more zeros follow. */
class MissWriter {
  readonly #out: Uint8Array;
  position = 0;
  /** Zeros that have not been written. */
  #zeros = 0;

  constructor(capacity: number) {
    // Two bytes at most for a zero, and a coding in front.
    this.#out = new Uint8Array(1 + VARINT_BYTES_MAX * (capacity + 1));
  }

  start(coding: number): void {
    this.#out[0] = coding;
    this.position = 1;
    this.#zeros = 0;
  }

  /** A difference of 64 bits, whose halves are taken modulo 2^32. */
  putSigned(low: number, high: number): void {
    if (low === 0 && high === 0) this.#zeros += 1;
    else this.put(zigzagLow(low, high), zigzagHigh(low, high));
  }

  /** A number of 64 bits in unsigned halves. */
  put(low: number, high: number): void {
    if (low === 0 && high === 0) {
      this.#zeros += 1;
      return;
    }
    if (this.#zeros > 0) this.#putZeros();
    if (high === 0 && low < 128) this.#out[this.position++] = low;
    else this.position = putVarint(this.#out, this.position, low, high);
  }

  finish(): void {
    if (this.#zeros > 0) this.#putZeros();
  }

  /** What has been written, as a copy. */
  take(): Uint8Array {
    return this.#out.slice(0, this.position);
  }

  #putZeros(): void {
    this.#out[this.position] = 0;
    this.position = putVarint(this.#out, this.position + 1, this.#zeros - 1, 0);
    this.#zeros = 0;
  }
}
