/**
 * The one source of randomness of a run: a byte stream that follows from the seed alone.
 *
 * Byte n of the stream is `floor(u / 2 ** (8 * (n % 4))) mod 256`, where u is the (n div 4)-th unsigned 32-bit output of seedrandom's
 * ARC4 generator (`int32() >>> 0`) seeded with the seed string, without entropy of the host. How the bytes are drawn, one at a time
 * or in blocks, makes no difference.
 */
import seedrandom from 'seedrandom';

/** A deterministic byte stream. */
export interface RandomBytes {
  /** The next `lengthBytes` bytes of the stream. */
  next(lengthBytes: number): Uint8Array;
  /** Bytes drawn so far: with the seed, the whole state. */
  readonly drawnBytes: number;
}

/** The stream of `seed`. */
export class SeededBytes implements RandomBytes {
  readonly #generator: seedrandom.PRNG;
  #word = 0;
  #drawn = 0;

  constructor(seed: string) {
    this.#generator = seedrandom(seed, { entropy: false, global: false });
  }

  get drawnBytes(): number {
    return this.#drawn;
  }

  next(lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    for (let index = 0; index < lengthBytes; index++) {
      if (this.#drawn % 4 === 0) this.#word = this.#generator.int32() >>> 0;
      bytes[index] = (this.#word >>> (8 * (this.#drawn % 4))) & 0xff;
      this.#drawn++;
    }
    return bytes;
  }
}
