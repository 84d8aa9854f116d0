/**
 * Numbers of 64 bits as two halves. The model works with them and not with BigInt: a short run codes its events in code that V8 interprets,
 * where each operation on a BigInt takes as long as twenty on halves.
 */
import { TWO_32 } from '../halves.ts';

/** A number modulo 2^64. Never changed. Both halves are signed, so that V8 never has to keep one on its heap. */
export interface Word {
  readonly low: number;
  readonly high: number;
}

export const ZERO: Word = { low: 0, high: 0 };
export const ONE: Word = { low: 1, high: 0 };

/** A safe integer from 0 up. */
export function wordOf(value: number): Word {
  return { low: value | 0, high: value < TWO_32 ? 0 : (value / TWO_32) | 0 };
}

/** As a number without a sign: exact below 2^53. */
export function toNumber({ low, high }: Word): number {
  return (high >>> 0) * TWO_32 + (low >>> 0);
}

export function sum(one: Word, other: Word): Word {
  const low = (one.low + other.low) | 0;
  const carry = low >>> 0 < one.low >>> 0 ? 1 : 0;
  return { low, high: (one.high + other.high + carry) | 0 };
}

export function difference(one: Word, other: Word): Word {
  const borrow = one.low >>> 0 < other.low >>> 0 ? 1 : 0;
  return { low: (one.low - other.low) | 0, high: (one.high - other.high - borrow) | 0 };
}

export function isZero({ low, high }: Word): boolean {
  return (low | high) === 0;
}

/** Bits of a number without a sign up to its highest 1: 0 for 0. */
export function lengthOf({ low, high }: Word): number {
  return high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
}
