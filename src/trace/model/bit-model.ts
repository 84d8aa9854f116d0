/**
 * How likely the next bit is 1, by what was learned of it in several contexts. Each context says what it has seen; weights, which are
 * learned too, say which contexts are to be believed. Integers only, so that writer and reader agree on any host.
 */
import type { BitCoder } from './range-coder.ts';

/** Most contexts of a bit. */
export const CONTEXTS_MAX = 10;
/** Slots in which contexts learn, a power of two. */
const SLOTS = 1 << 17;
/** Sets of weights: `set` of {@link BitModel.code} is below. */
const SETS = 2048;
/** Probabilities of a slot have 16 bits; those that are given out have 12. */
const EVEN = 0x8000;
/** Bits that a slot counts at most, so that it goes on to learn. */
const COUNT_MAX = 60;
const WEIGHT_FIRST = 16_000;
/** A weight of one is 2 to this power. */
const WEIGHT_SHIFT = 16;
const WEIGHT_ONE = 2 ** WEIGHT_SHIFT;
const WEIGHT_RATE = 100;
const LOGIT_MAX = 2047;
/** As in `hash.ts`, which is written out here: a call for each context of each bit would take half of the time. */
const FACTOR = 0x9e3779b1;

/** How far a slot is believed that has seen so many bits, in sixteenths; the last holds for all that follow. */
export const TRUST = [0, 10, 13, 15, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 18, 18, 18] as const;

/** 4096 / (1 + e^-x) for x from -8 to 8 in halves. */
export const LOGISTIC = [
  1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901, 3975,
  4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
] as const;

const LOGITS = makeLogits();
/** By bits seen: the part of the way to the bit that a probability goes, in 65536ths. */
const RATES = Uint16Array.from({ length: COUNT_MAX + 1 }, (_, count) => Math.floor(655_360 / (10 * count + 14)));
const TRUSTS = Uint8Array.from(
  { length: COUNT_MAX + 1 },
  (_, count) => TRUST[Math.min(count, TRUST.length - 1)] as number,
);

export class BitModel {
  /** The contexts of the next bits, in an order that is always the same for the same set of weights. */
  readonly contexts = new Int32Array(CONTEXTS_MAX);
  /** How many there are. */
  contextCount = 0;
  readonly #coder: BitCoder;
  readonly #probabilities = new Uint16Array(SLOTS).fill(EVEN);
  readonly #counts = new Uint8Array(SLOTS);
  readonly #weights = new Int32Array(SETS * CONTEXTS_MAX).fill(WEIGHT_FIRST);
  readonly #slots = new Int32Array(CONTEXTS_MAX);
  readonly #inputs = new Int32Array(CONTEXTS_MAX);

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  /**
   * Codes a bit by what its contexts have seen, and learns from it. Returns it.
   * @param node which bit it is of what is being coded
   * @param set of the weights, below 2048
   */
  code(bit: number, node: number, set: number): number {
    const firstWeight = set * CONTEXTS_MAX;
    const probability = this.#predict(node, firstWeight);
    const coded = this.#coder.code(bit, probability);
    this.#learn(coded, probability, firstWeight);
    return coded;
  }

  /** The probability that the next bit is 1, in 4096ths: from 1 to 4095. */
  #predict(node: number, firstWeight: number): number {
    const { contexts, contextCount } = this;
    const probabilities = this.#probabilities;
    const counts = this.#counts;
    const weights = this.#weights;
    const slots = this.#slots;
    const inputs = this.#inputs;
    let sum = 0;
    for (let index = 0; index < contextCount; index++) {
      let mixed = Math.imul((contexts[index] as number) ^ node, FACTOR);
      mixed = Math.imul(mixed ^ (mixed >>> 15) ^ index, FACTOR);
      const slot = (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
      const logit = LOGITS[(probabilities[slot] as number) >> 4] as number;
      const input = (logit * (TRUSTS[counts[slot] as number] as number)) >> 4;
      slots[index] = slot;
      inputs[index] = input;
      sum += input * (weights[firstWeight + index] as number);
    }
    return Math.min(Math.max(logistic(Math.floor(sum / WEIGHT_ONE)), 1), 4095);
  }

  /** The bit that came. */
  #learn(bit: number, probability: number, firstWeight: number): void {
    const { contextCount } = this;
    const probabilities = this.#probabilities;
    const counts = this.#counts;
    const weights = this.#weights;
    const slots = this.#slots;
    const inputs = this.#inputs;
    // A product of two numbers of 13 bits and the rate has no more than 31 bits.
    const step = ((bit << 12) - probability) * WEIGHT_RATE;
    for (let index = 0; index < contextCount; index++) {
      (weights[firstWeight + index] as number) += ((inputs[index] as number) * step + WEIGHT_ONE / 2) >> WEIGHT_SHIFT;
      const slot = slots[index] as number;
      const count = counts[slot] as number;
      const rate = RATES[count] as number;
      const seen = probabilities[slot] as number;
      probabilities[slot] = bit === 1 ? seen + (((0xffff - seen) * rate) >>> 16) : seen - ((seen * rate) >>> 16);
      if (count < COUNT_MAX) counts[slot] = count + 1;
    }
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
