/** Bits as a number in a range that each of them narrows by its probability: likely bits take next to nothing. */
import { MalformedError } from '../messagepack.ts';

/** Writes bits, or reads them. */
export interface BitCoder {
  /**
   * Codes one bit and returns it.
   * @param bit 0 or 1 where bits are written; what is read does not depend on it
   * @param probability of 1, in 4096ths, from 1 to 4095
   */
  code(bit: number, probability: number): number;
}

const TOP_BYTE = 0xff00_0000;
const WORD_BYTES = 4;

/** The end of the lower part of a range, where the bit is 1. */
function middleOf(first: number, last: number, probability: number): number {
  return first + Math.floor((last - first) / 4096) * probability;
}

export class RangeWriter implements BitCoder {
  readonly #bytes: number[] = [];
  #first = 0;
  #last = 0xffff_ffff;

  code(bit: number, probability: number): number {
    const middle = middleOf(this.#first, this.#last, probability);
    if (bit === 1) this.#last = middle;
    else this.#first = middle + 1;
    while (((this.#first ^ this.#last) & TOP_BYTE) === 0) {
      this.#bytes.push(this.#last >>> 24);
      this.#first = (this.#first << 8) >>> 0;
      this.#last = ((this.#last << 8) | 0xff) >>> 0;
    }
    return bit;
  }

  /** All bytes, with as many at the end as it takes to lie in the range when zeros follow. */
  finish(): Uint8Array {
    const top = (this.#last & TOP_BYTE) >>> 0;
    this.#bytes.push(top >>> 24);
    if (top < this.#first) this.#bytes.push((this.#last >>> 16) & 0xff);
    return Uint8Array.from(this.#bytes);
  }
}

export class RangeReader implements BitCoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #first = 0;
  #last = 0xffff_ffff;
  #word = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let count = 0; count < WORD_BYTES; count += 1) this.#next();
  }

  /** Throws {@link MalformedError} where the bytes have ended long before. */
  code(_bit: number, probability: number): number {
    const middle = middleOf(this.#first, this.#last, probability);
    const bit = this.#word <= middle ? 1 : 0;
    if (bit === 1) this.#last = middle;
    else this.#first = middle + 1;
    while (((this.#first ^ this.#last) & TOP_BYTE) === 0) {
      this.#first = (this.#first << 8) >>> 0;
      this.#last = ((this.#last << 8) | 0xff) >>> 0;
      this.#next();
    }
    return bit;
  }

  /** Throws {@link MalformedError} if bytes are left that no writer would have written. */
  expectEnd(): void {
    if (this.#at < this.#bytes.length) throw new MalformedError('bytes after the last event');
  }

  #next(): void {
    // A writer leaves out what follows the last byte that matters.
    if (this.#at >= this.#bytes.length + WORD_BYTES) throw new MalformedError('events are cut off');
    this.#word = ((this.#word << 8) | (this.#bytes[this.#at] ?? 0)) >>> 0;
    this.#at += 1;
  }
}
