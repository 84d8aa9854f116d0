/**
 * How the time that a guest executes divides between the tiers. They take turns far too often for a clock to be read at each, so it is
 * estimated: over slices with different mixtures of the two, time is close to a sum of so much for each instruction of either tier
 * (least squares). Where slices do not tell the two apart, or follow no such sum, there is no estimate.
 */

/** Slices that an estimate needs. */
const SLICES_MIN = 8;
/** Least that mixtures must differ: 1 - r^2 of the two counts, where r is the cosine between them. */
const DIFFERENCE_MIN = 0.02;
/** Most of the (squared) time of the slices that the sum may fail to explain. */
const RESIDUE_MAX = 0.05;

/** Nanoseconds of wall time for an instruction. */
export interface TierCosts {
  readonly interpretedNs: number;
  readonly translatedNs: number;
}

export class TierFit {
  #slices = 0;
  #ii = 0;
  #it = 0;
  #tt = 0;
  #iy = 0;
  #ty = 0;
  #yy = 0;

  /** What one slice did: instructions by tier, and how long they took. */
  add(interpreted: number, translated: number, ms: number): void {
    this.#slices += 1;
    this.#ii += interpreted * interpreted;
    this.#it += interpreted * translated;
    this.#tt += translated * translated;
    this.#iy += interpreted * ms;
    this.#ty += translated * ms;
    this.#yy += ms * ms;
  }

  /** Undefined where the slices do not tell. */
  get costs(): TierCosts | undefined {
    const determinant = this.#ii * this.#tt - this.#it * this.#it;
    if (this.#slices < SLICES_MIN || determinant <= DIFFERENCE_MIN * this.#ii * this.#tt) return undefined;
    const interpreted = (this.#tt * this.#iy - this.#it * this.#ty) / determinant;
    const translated = (this.#ii * this.#ty - this.#it * this.#iy) / determinant;
    const residue = this.#yy - interpreted * this.#iy - translated * this.#ty;
    if (interpreted <= 0 || translated <= 0 || residue > RESIDUE_MAX * this.#yy) return undefined;
    return { interpretedNs: interpreted * 1e6, translatedNs: translated * 1e6 };
  }
}
