/**
 * What the engine's generated hash is held against, and what machines without an engine hash with: XXH64, the 64-bit xxHash (specification: xxHash fast digest algorithm, version 0.1.1), without BigInt on the way: a 64-bit word
 * is two signed 32-bit halves in an Int32Array, low half first, which stay integers of the host all the way.
 */

/** Halves of the five primes of the specification. */
const PRIME_1_HIGH = 0x9e3779b1 | 0;
const PRIME_1_LOW = 0x85ebca87 | 0;
const PRIME_2_HIGH = 0xc2b2ae3d | 0;
const PRIME_2_LOW = 0x27d4eb4f;
const PRIME_3_HIGH = 0x165667b1;
const PRIME_3_LOW = 0x9e3779f9 | 0;
const PRIME_4_HIGH = 0x85ebca77 | 0;
const PRIME_4_LOW = 0xc2b2ae63 | 0;
const PRIME_5_HIGH = 0x27d4eb2f;
const PRIME_5_LOW = 0x165667c5;

const STRIPE_BYTES = 32;
const LANES = 4;
const WORD_BYTES = 8;
/** Words in the scratch array: four lanes, the accumulator, the input word. */
const ACC = 2 * LANES;
const INPUT = ACC + 2;

/** The hash of `bytes`, unsigned 64 bits. The seed is an unsigned 32-bit number. */
export function xxh64(bytes: Uint8Array, seed = 0): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Int32Array(INPUT + 2);
  let offset = 0;
  if (bytes.length >= STRIPE_BYTES) {
    startLanes(words, seed);
    for (; offset + STRIPE_BYTES <= bytes.length; offset += STRIPE_BYTES) {
      for (let lane = 0; lane < LANES; lane++) {
        load(words, view, offset + WORD_BYTES * lane);
        round(words, 2 * lane);
      }
    }
    mergeLanes(words);
  } else {
    set(words, ACC, PRIME_5_HIGH, PRIME_5_LOW);
    add(words, ACC, 0, seed | 0);
  }
  add(words, ACC, (bytes.length / 2 ** 32) | 0, bytes.length | 0);
  tail(words, view, offset);
  avalanche(words);
  return (BigInt(high(words, ACC) >>> 0) << 32n) | BigInt(low(words, ACC) >>> 0);
}

function startLanes(words: Int32Array, seed: number): void {
  for (let lane = 0; lane < LANES; lane++) set(words, 2 * lane, 0, seed | 0);
  add(words, 0, PRIME_1_HIGH, PRIME_1_LOW);
  add(words, 0, PRIME_2_HIGH, PRIME_2_LOW);
  add(words, 2, PRIME_2_HIGH, PRIME_2_LOW);
  // Minus prime 1 is its complement plus one.
  add(words, 6, ~PRIME_1_HIGH, ~PRIME_1_LOW);
  add(words, 6, 0, 1);
}

function mergeLanes(words: Int32Array): void {
  set(words, ACC, 0, 0);
  addRotatedLane(words, 0, 1);
  addRotatedLane(words, 2, 7);
  addRotatedLane(words, 4, 12);
  addRotatedLane(words, 6, 18);
  for (let lane = 0; lane < LANES; lane++) {
    set(words, INPUT, high(words, 2 * lane), low(words, 2 * lane));
    mixInput(words);
    xorInput(words);
    multiply(words, ACC, PRIME_1_HIGH, PRIME_1_LOW);
    add(words, ACC, PRIME_4_HIGH, PRIME_4_LOW);
  }
}

function addRotatedLane(words: Int32Array, lane: number, bits: number): void {
  set(words, INPUT, high(words, lane), low(words, lane));
  rotate(words, INPUT, bits);
  add(words, ACC, high(words, INPUT), low(words, INPUT));
}

function tail(words: Int32Array, view: DataView, from: number): void {
  let offset = from;
  for (; offset + 8 <= view.byteLength; offset += 8) {
    load(words, view, offset);
    mixInput(words);
    xorInput(words);
    rotate(words, ACC, 27);
    multiply(words, ACC, PRIME_1_HIGH, PRIME_1_LOW);
    add(words, ACC, PRIME_4_HIGH, PRIME_4_LOW);
  }
  if (offset + 4 <= view.byteLength) {
    set(words, INPUT, 0, view.getInt32(offset, true));
    multiply(words, INPUT, PRIME_1_HIGH, PRIME_1_LOW);
    xorInput(words);
    rotate(words, ACC, 23);
    multiply(words, ACC, PRIME_2_HIGH, PRIME_2_LOW);
    add(words, ACC, PRIME_3_HIGH, PRIME_3_LOW);
    offset += 4;
  }
  for (; offset < view.byteLength; offset++) {
    set(words, INPUT, 0, view.getUint8(offset));
    multiply(words, INPUT, PRIME_5_HIGH, PRIME_5_LOW);
    xorInput(words);
    rotate(words, ACC, 11);
    multiply(words, ACC, PRIME_1_HIGH, PRIME_1_LOW);
  }
}

function avalanche(words: Int32Array): void {
  xorShifted(words, 33);
  multiply(words, ACC, PRIME_2_HIGH, PRIME_2_LOW);
  xorShifted(words, 29);
  multiply(words, ACC, PRIME_3_HIGH, PRIME_3_LOW);
  xorShifted(words, 32);
}

/** lane = rotl(lane + input * prime 2, 31) * prime 1 */
function round(words: Int32Array, lane: number): void {
  multiply(words, INPUT, PRIME_2_HIGH, PRIME_2_LOW);
  add(words, lane, high(words, INPUT), low(words, INPUT));
  rotate(words, lane, 31);
  multiply(words, lane, PRIME_1_HIGH, PRIME_1_LOW);
}

/** input = rotl(input * prime 2, 31) * prime 1: a round from zero. */
function mixInput(words: Int32Array): void {
  multiply(words, INPUT, PRIME_2_HIGH, PRIME_2_LOW);
  rotate(words, INPUT, 31);
  multiply(words, INPUT, PRIME_1_HIGH, PRIME_1_LOW);
}

function load(words: Int32Array, view: DataView, offset: number): void {
  words[INPUT] = view.getInt32(offset, true);
  words[INPUT + 1] = view.getInt32(offset + 4, true);
}

function low(words: Int32Array, at: number): number {
  return words[at] as number;
}

function high(words: Int32Array, at: number): number {
  return words[at + 1] as number;
}

function set(words: Int32Array, at: number, highHalf: number, lowHalf: number): void {
  words[at] = lowHalf;
  words[at + 1] = highHalf;
}

function add(words: Int32Array, at: number, highHalf: number, lowHalf: number): void {
  const sum = (low(words, at) + lowHalf) | 0;
  const carry = sum >>> 0 < lowHalf >>> 0 ? 1 : 0;
  words[at + 1] = (high(words, at) + highHalf + carry) | 0;
  words[at] = sum;
}

/** ACC ^= INPUT */
function xorInput(words: Int32Array): void {
  words[ACC] = low(words, ACC) ^ low(words, INPUT);
  words[ACC + 1] = high(words, ACC) ^ high(words, INPUT);
}

/** ACC ^= ACC >>> bits, for bits from 1 to 63. */
function xorShifted(words: Int32Array, bits: number): void {
  const [lowHalf, highHalf] = [low(words, ACC), high(words, ACC)];
  if (bits >= 32) {
    words[ACC] = lowHalf ^ (bits === 32 ? highHalf : highHalf >>> (bits - 32));
  } else {
    words[ACC] = lowHalf ^ ((lowHalf >>> bits) | (highHalf << (32 - bits)));
    words[ACC + 1] = highHalf ^ (highHalf >>> bits);
  }
}

/** Rotates a word left by 1 to 31 bits. */
function rotate(words: Int32Array, at: number, bits: number): void {
  const [lowHalf, highHalf] = [low(words, at), high(words, at)];
  words[at] = (lowHalf << bits) | (highHalf >>> (32 - bits));
  words[at + 1] = (highHalf << bits) | (lowHalf >>> (32 - bits));
}

/** Replaces a word by the low 64 bits of its product with another. */
function multiply(words: Int32Array, at: number, factorHigh: number, factorLow: number): void {
  const [lowHalf, highHalf] = [low(words, at), high(words, at)];
  words[at] = Math.imul(lowHalf, factorLow);
  words[at + 1] =
    (highProduct(lowHalf, factorLow) + Math.imul(highHalf, factorLow) + Math.imul(lowHalf, factorHigh)) | 0;
}

/** The high half of the product of two unsigned halves, from products of 16-bit parts. */
function highProduct(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = Math.imul(a1, b0);
  const otherMiddle = Math.imul(a0, b1);
  const carry = (middle & 0xffff) + (otherMiddle & 0xffff) + (Math.imul(a0, b0) >>> 16);
  return (Math.imul(a1, b1) + (middle >>> 16) + (otherMiddle >>> 16) + (carry >>> 16)) | 0;
}
