/**
 * How likely the next bit is 1, by what was learned of it in several contexts. Each context says what it has seen; weights, which are
 * learned too, say which contexts are to be believed. Integers only, so that writer and reader agree on any host.
 */
import { mix } from './hash.ts';

/** Most contexts of a bit. */
const CONTEXTS_MAX = 10;
/** Slots in which contexts learn, a power of two. */
const SLOTS = 1 << 17;
/** Sets of weights: `set` of {@link BitModel.predict} is below. */
const SETS = 2048;
/** Probabilities of a slot have 16 bits; those that are given out have 12. */
const EVEN = 0x8000;
/** Bits that a slot counts at most, so that it goes on to learn. */
const COUNT_MAX = 60;
const WEIGHT_FIRST = 16_000;
const WEIGHT_ONE = 65_536;
const WEIGHT_RATE = 100;
const LOGIT_MAX = 2047;

/** How far a slot is believed that has seen so many bits, in sixteenths; the last holds for all that follow. */
export const TRUST = [0, 10, 13, 15, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 18, 18, 18] as const;

/** 4096 / (1 + e^-x) for x from -8 to 8 in halves. */
export const LOGISTIC = [
  1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901, 3975,
  4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
] as const;

const LOGITS = makeLogits();
/** By bits seen: the part of the way to the bit that a probability goes, in 65536ths. */
const RATES = Array.from({ length: COUNT_MAX + 1 }, (_, count) => Math.floor(655_360 / (10 * count + 14)));
const TRUSTS = Array.from({ length: COUNT_MAX + 1 }, (_, count) => TRUST[Math.min(count, TRUST.length - 1)] as number);

export class BitModel {
  readonly #probabilities = new Uint16Array(SLOTS).fill(EVEN);
  readonly #counts = new Uint8Array(SLOTS);
  readonly #weights = new Int32Array(SETS * CONTEXTS_MAX).fill(WEIGHT_FIRST);
  readonly #slots = new Int32Array(CONTEXTS_MAX);
  readonly #inputs = new Int32Array(CONTEXTS_MAX);
  #contextCount = 0;
  #firstWeight = 0;
  #probability = 0;

  /**
   * The probability that the next bit is 1, in 4096ths: from 1 to 4095. {@link learn} must follow.
   * @param contexts at most ten, in an order that is always the same for the same `set`
   * @param node which bit it is of what is being coded
   * @param set of the weights, below 2048
   */
  predict(contexts: readonly number[], node: number, set: number): number {
    const count = contexts.length;
    this.#contextCount = count;
    this.#firstWeight = set * CONTEXTS_MAX;
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      const slot = mix(mix(contexts[index] as number, node), index) & (SLOTS - 1);
      const logit = LOGITS[(this.#probabilities[slot] as number) >> 4] as number;
      const input = (logit * (TRUSTS[this.#counts[slot] as number] as number)) >> 4;
      this.#slots[index] = slot;
      this.#inputs[index] = input;
      sum += input * (this.#weights[this.#firstWeight + index] as number);
    }
    this.#probability = Math.min(Math.max(logistic(Math.floor(sum / WEIGHT_ONE)), 1), 4095);
    return this.#probability;
  }

  /** The bit that came. */
  learn(bit: number): void {
    const error = (bit << 12) - this.#probability;
    for (let index = 0; index < this.#contextCount; index += 1) {
      const step = Math.floor(((this.#inputs[index] as number) * error * WEIGHT_RATE + WEIGHT_ONE / 2) / WEIGHT_ONE);
      const at = this.#firstWeight + index;
      this.#weights[at] = (this.#weights[at] as number) + step;
      this.#teach(this.#slots[index] as number, bit);
    }
  }

  #teach(slot: number, bit: number): void {
    const count = this.#counts[slot] as number;
    const probability = this.#probabilities[slot] as number;
    const rate = RATES[count] as number;
    const way = bit === 1 ? 0xffff - probability : probability;
    const step = Math.floor((way * rate) / WEIGHT_ONE);
    this.#probabilities[slot] = bit === 1 ? probability + step : probability - step;
    if (count < COUNT_MAX) this.#counts[slot] = count + 1;
  }
}

/** A probability in 4096ths by its logit, in 256ths, between the points of {@link LOGISTIC}. */
function logistic(logit: number): number {
  if (logit > LOGIT_MAX) return 4095;
  if (logit < -LOGIT_MAX) return 0;
  const place = (logit >> 7) + 16;
  const part = logit & 127;
  return ((LOGISTIC[place] as number) * (128 - part) + (LOGISTIC[place + 1] as number) * part + 64) >> 7;
}

/** By probability in 4096ths: the least logit whose probability is no less. */
function makeLogits(): Int16Array {
  const logits = new Int16Array(4096).fill(LOGIT_MAX);
  let next = 0;
  for (let logit = -LOGIT_MAX; logit <= LOGIT_MAX; logit += 1) {
    const probability = logistic(logit);
    if (probability >= next) logits.fill(logit, next, probability + 1);
    next = Math.max(next, probability + 1);
  }
  return logits;
}
