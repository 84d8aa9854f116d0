/** Numbers of 32 bits out of lists of numbers: what the model of events calls a context. Two contexts may share one: that costs bits only. */
import type { Word } from './word.ts';

const FACTOR = 0x9e3779b1;

/** A context and one more word of 32 bits. */
export function mix(context: number, word: number): number {
  const mixed = Math.imul(context ^ word, FACTOR);
  return mixed ^ (mixed >>> 15);
}

/** A context and one more number, by its low and its high half. */
export function withWord(context: number, { low, high }: Word): number {
  return mix(mix(context, low), high);
}

/** A context and one more number, an integer from -2^31 to 2^32 - 1. */
export function withNumber(context: number, number: number): number {
  return mix(mix(context, number | 0), number < 0 ? -1 : 0);
}

/** The context of two such integers, or of one. */
export function contextOf(first: number, second?: number): number {
  const context = withNumber(0, first);
  return second === undefined ? context : withNumber(context, second);
}
