/**
 * Numbers by what is to be expected of them. A number is compared with candidates, one bit each; one that is none of them has its length
 * and then its bits from the top. The model learns which candidates tend to be right, which lengths and bits come, in which contexts.
 */
import { MalformedError } from '../messagepack.ts';
import { BitModel } from './bit-model.ts';
import { contextOf, mix } from './hash.ts';
import type { BitCoder } from './range-coder.ts';

const LENGTH_BITS = 7;
const WORD_BITS = 64;
const HALF_BITS = 32;
const HALF_SHIFT = 32n;
/** Sets of weights of a field: for each candidate, then these. */
const CANDIDATES_MAX = 4;
const SETS_PER_FIELD = 8;
const SIGN_SET = 4;
const LENGTH_SET = 5;
const DIGIT_SET = 6;
/** Nodes: of candidates from 0 on, of a sign, of lengths, of digits. */
const SIGN_NODE = 100;
const LENGTH_NODE = 1000;
const DIGIT_NODE = 2000;
const CANDIDATE_NODE = 10_000;
/** What came of the last numbers of a field: three bits each for candidate or none. */
const OUTCOME_BITS = 3;
const NO_CANDIDATE = 7;
const OUTCOMES_MASK = 0xfff;

/** What a number may be, by rule. What is undefined is no candidate. */
export type Candidates = readonly (bigint | undefined)[];

export class NumberModel {
  readonly #coder: BitCoder;
  readonly #bits = new BitModel();
  /** By field. */
  readonly #outcomes: number[] = [];
  #contexts: readonly number[] = [];

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  /**
   * Codes one number and returns it.
   * @param value from 0 to 2^64 - 1, where numbers are written
   * @param field below 256: numbers of different fields have nothing in common
   * @param candidates at most four
   * @param contexts at most five
   * @param base if given, a number that is no candidate is coded by its signed difference from it
   */
  code(value: bigint, field: number, candidates: Candidates, contexts: readonly number[], base?: bigint): bigint {
    const pattern = patternOf(candidates);
    const outcomes = this.#outcomes[field] ?? 0;
    this.#contexts = [
      contextOf(field),
      0,
      contextOf(field, pattern, outcomes & 0xff),
      ...contexts.map((context) => mix(contextOf(field), context)),
    ];
    const chosen = this.#codeCandidate(value, field, candidates, pattern);
    this.#outcomes[field] = ((outcomes << OUTCOME_BITS) | (chosen ?? NO_CANDIDATE)) & OUTCOMES_MASK;
    if (chosen !== undefined) return candidates[chosen] as bigint;
    return base === undefined ? this.#codeMagnitude(value, field) : this.#codeDifference(value, field, base);
  }

  /** The first candidate that is right. */
  #codeCandidate(value: bigint, field: number, candidates: Candidates, pattern: number): number | undefined {
    for (const [index, candidate] of candidates.entries()) {
      if (candidate === undefined || candidates.indexOf(candidate) < index) continue;
      const node = CANDIDATE_NODE + CANDIDATES_MAX * pattern + index;
      if (this.#codeBit(value === candidate ? 1 : 0, node, SETS_PER_FIELD * field + index) === 1) return index;
    }
    return undefined;
  }

  #codeDifference(value: bigint, field: number, base: bigint): bigint {
    const difference = BigInt.asIntN(WORD_BITS, value - base);
    const isNegative = this.#codeBit(difference < 0n ? 1 : 0, SIGN_NODE, SETS_PER_FIELD * field + SIGN_SET) === 1;
    const magnitude = this.#codeMagnitude(difference < 0n ? -difference : difference, field);
    return BigInt.asUintN(WORD_BITS, isNegative ? base - magnitude : base + magnitude);
  }

  /** A number by its length in bits, and those below its top bit. */
  #codeMagnitude(value: bigint, field: number): bigint {
    const set = SETS_PER_FIELD * field + DIGIT_SET;
    const length = this.#codeLength(lengthOf(value), SETS_PER_FIELD * field + LENGTH_SET);
    if (length === 0) return 0n;
    // Halves: a 64-bit number for each bit would take longer than all the rest.
    const [low, high] = [Number(BigInt.asUintN(HALF_BITS, value)), Number(value >> HALF_SHIFT)];
    const halves = [0, 0];
    let node = DIGIT_NODE + length;
    for (let place = length - 1; place >= 0; place -= 1) {
      const isHigh = place >= HALF_BITS;
      const shift = isHigh ? place - HALF_BITS : place;
      // The top bit is 1 by what the length is.
      const bit = place === length - 1 ? 1 : this.#codeBit(((isHigh ? high : low) >>> shift) & 1, node, set);
      halves[isHigh ? 1 : 0] = (halves[isHigh ? 1 : 0] as number) + bit * 2 ** shift;
      if (place < length - 1) node = mix(node, bit);
    }
    return (BigInt(halves[1] as number) << HALF_SHIFT) | BigInt(halves[0] as number);
  }

  #codeLength(length: number, set: number): number {
    let coded = 1;
    for (let left = LENGTH_BITS - 1; left >= 0; left -= 1) {
      coded = 2 * coded + this.#codeBit((length >> left) & 1, LENGTH_NODE + coded, set);
    }
    coded -= 1 << LENGTH_BITS;
    if (coded > WORD_BITS) throw new MalformedError(`a number of ${coded} bits`);
    return coded;
  }

  #codeBit(bit: number, node: number, set: number): number {
    const coded = this.#coder.code(bit, this.#bits.predict(this.#contexts, node, set));
    this.#bits.learn(coded);
    return coded;
  }
}

/** Which candidates there are, and which are new among them: two bits each. */
function patternOf(candidates: Candidates): number {
  let pattern = 1;
  for (const [index, candidate] of candidates.entries()) {
    const sort = candidate === undefined ? 0 : candidates.indexOf(candidate) < index ? 1 : 2;
    pattern = 4 * pattern + sort;
  }
  return pattern;
}

/** Bits of a number up to its highest 1: 0 for 0. */
export function lengthOf(value: bigint): number {
  const high = Number(value >> HALF_SHIFT);
  return high === 0 ? HALF_BITS - Math.clz32(Number(value)) : WORD_BITS - Math.clz32(high);
}
