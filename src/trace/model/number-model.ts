/**
 * Numbers by what is to be expected of them. A number is compared with candidates, one bit each; one that is none of them has its length
 * and then its bits from the top. The model learns which candidates tend to be right, which lengths and bits come, in which contexts.
 */
import { MalformedError } from '../messagepack.ts';
import { BitModel } from './bit-model.ts';
import { contextOf, mix, withNumber } from './hash.ts';
import type { BitCoder } from './range-coder.ts';
import { difference, lengthOf, sum, type Word, ZERO } from './word.ts';

const LENGTH_BITS = 7;
const WORD_BITS = 64;
const HALF_BITS = 32;
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
/** Whether there is a candidate, and whether it is a new one: its two bits in a pattern. */
const [NONE, REPEATED, NEW] = [0, 1, 2] as const;

/** What a number may be, by rule. What is undefined is no candidate. */
export type Candidates = readonly (Word | undefined)[];

export class NumberModel {
  readonly #bits: BitModel;
  /** By field. */
  readonly #outcomes: number[] = [];

  constructor(coder: BitCoder) {
    this.#bits = new BitModel(coder);
  }

  /**
   * Codes one number and returns it.
   * @param value where numbers are written
   * @param field below 256: numbers of different fields have nothing in common
   * @param candidates at most four
   * @param contexts at most five
   * @param base if given, a number that is no candidate is coded by its signed difference from it
   */
  code(value: Word, field: number, candidates: Candidates, contexts: readonly number[], base?: Word): Word {
    const pattern = patternOf(candidates);
    const outcomes = this.#outcomes[field] ?? 0;
    this.#setContexts(field, pattern, outcomes & 0xff, contexts);
    const chosen = this.#codeCandidate(value, field, candidates, pattern);
    const outcome = chosen < 0 ? NO_CANDIDATE : chosen;
    this.#outcomes[field] = ((outcomes << OUTCOME_BITS) | outcome) & OUTCOMES_MASK;
    if (chosen >= 0) return candidates[chosen] as Word;
    return base === undefined ? this.#codeMagnitude(value, field) : this.#codeDifference(value, field, base);
  }

  #setContexts(field: number, pattern: number, outcomes: number, contexts: readonly number[]): void {
    const bits = this.#bits;
    const all = bits.contexts;
    const ofField = contextOf(field);
    all[0] = ofField;
    all[1] = 0;
    all[2] = withNumber(withNumber(ofField, pattern), outcomes);
    const count = contexts.length;
    for (let index = 0; index < count; index++) all[3 + index] = mix(ofField, contexts[index] as number);
    bits.contextCount = 3 + count;
  }

  /** The place of the first candidate that is right, or -1. */
  #codeCandidate(value: Word, field: number, candidates: Candidates, pattern: number): number {
    const count = candidates.length;
    for (let index = 0; index < count; index++) {
      if (sortAt(pattern, count, index) !== NEW) continue;
      const { low, high } = candidates[index] as Word;
      const node = CANDIDATE_NODE + CANDIDATES_MAX * pattern + index;
      const isRight = value.low === low && value.high === high ? 1 : 0;
      if (this.#bits.code(isRight, node, SETS_PER_FIELD * field + index) === 1) return index;
    }
    return -1;
  }

  #codeDifference(value: Word, field: number, base: Word): Word {
    const distance = difference(value, base);
    const isNegative = this.#bits.code(distance.high < 0 ? 1 : 0, SIGN_NODE, SETS_PER_FIELD * field + SIGN_SET) === 1;
    const magnitude = this.#codeMagnitude(distance.high < 0 ? difference(ZERO, distance) : distance, field);
    return isNegative ? difference(base, magnitude) : sum(base, magnitude);
  }

  /** A number by its length in bits, and those below its top bit. */
  #codeMagnitude(value: Word, field: number): Word {
    const length = this.#codeLength(lengthOf(value), SETS_PER_FIELD * field + LENGTH_SET);
    if (length === 0) return ZERO;
    const set = SETS_PER_FIELD * field + DIGIT_SET;
    let node = DIGIT_NODE + length;
    // The top bit is 1 by what the length is.
    const top = 1 << (length - 1);
    let high = length > HALF_BITS ? top : 0;
    let low = length > HALF_BITS ? 0 : top;
    for (let place = length - 2; place >= 0; place -= 1) {
      const isHigh = place >= HALF_BITS;
      const bit = this.#bits.code(((isHigh ? value.high : value.low) >>> place) & 1, node, set);
      if (isHigh) high |= bit << place;
      else low |= bit << place;
      node = mix(node, bit);
    }
    return { low, high };
  }

  #codeLength(length: number, set: number): number {
    let coded = 1;
    for (let left = LENGTH_BITS - 1; left >= 0; left -= 1) {
      coded = 2 * coded + this.#bits.code((length >> left) & 1, LENGTH_NODE + coded, set);
    }
    coded -= 1 << LENGTH_BITS;
    if (coded > WORD_BITS) throw new MalformedError(`a number of ${coded} bits`);
    return coded;
  }
}

/** Which candidates there are, and which are new among them: two bits each, after a 1. */
function patternOf(candidates: Candidates): number {
  let pattern = 1;
  for (let index = 0; index < candidates.length; index++) {
    const candidate = candidates[index];
    const sort = candidate === undefined ? NONE : isRepeated(candidates, index, candidate) ? REPEATED : NEW;
    pattern = 4 * pattern + sort;
  }
  return pattern;
}

function isRepeated(candidates: Candidates, before: number, { low, high }: Word): boolean {
  for (let index = 0; index < before; index++) {
    const other = candidates[index];
    if (other !== undefined && other.low === low && other.high === high) return true;
  }
  return false;
}

/** What a pattern says of the candidate at `index` of `count`. */
function sortAt(pattern: number, count: number, index: number): number {
  return (pattern >> (2 * (count - 1 - index))) & 3;
}
