/**
 * When to look where the guest is, so that the translator finds out what code is worth its while: often as long as the samples find code
 * that is interpreted, seldom when all of it is translated. Counted in cycles that the engine has executed; nobody but the wall clock
 * can tell when a sample was taken.
 */

/** Translated code takes some microseconds for as many cycles, so that a stop costs next to nothing. */
const CYCLES_MAX = 1 << 21;
/** The first sample is taken when so many times as many instructions have retired: to begin costs the guest 5 to 10 ms, too much of a run that is shorter. */
const FIRST = 1_500;
/** Samples become rarer by a 128th and more frequent by four: they stay frequent while one in 180 finds interpreted code, which takes much more of the time. */
const GROWTH = 129 / 128;
const FALL = 4;

export class Sampling {
  readonly #cyclesMin: number;
  #cycles: number;
  #random = 1;
  /** Instructions that must have retired before the first sample; unknown before the first run. */
  #firstIcount: number | undefined;

  /** @param cyclesMin between samples of code that is interpreted */
  constructor(cyclesMin: number) {
    this.#cyclesMin = cyclesMin;
    this.#cycles = cyclesMin;
  }

  /** A sample has been taken. @param isTranslated whether it found code that is translated */
  taken(isTranslated: boolean): void {
    this.#cycles = isTranslated
      ? Math.min(this.#cycles * GROWTH, CYCLES_MAX)
      : Math.max(this.#cycles / FALL, this.#cyclesMin);
  }

  /** Cycles to the next sample. @param icount instructions that have retired by now */
  next(icount: number): number {
    this.#firstIcount ??= icount + FIRST * this.#cyclesMin;
    // Up to a quarter more or less: a loop that takes as long as the samples are apart would always be found at the same place.
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    const cycles = Math.floor(this.#cycles * (0.75 + this.#random / 2 ** 33));
    // An instruction takes a cycle at least.
    return Math.max(cycles, this.#firstIcount - icount);
  }

  /** Whether a sample may be taken. */
  hasBegun(icount: number): boolean {
    return this.#firstIcount !== undefined && icount >= this.#firstIcount;
  }
}
