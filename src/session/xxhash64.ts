/**
 * XXH64, the 64-bit xxHash (specification: xxHash fast digest algorithm, version 0.1.1), without BigInt on the way: a 64-bit word
 * is two 32-bit halves in a Uint32Array, low half first.
 */

/** The five primes of the specification as [high, low] halves. */
const PRIME_1 = [0x9e3779b1, 0x85ebca87] as const;
const PRIME_2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const PRIME_3 = [0x165667b1, 0x9e3779f9] as const;
const PRIME_4 = [0x85ebca77, 0xc2b2ae63] as const;
const PRIME_5 = [0x27d4eb2f, 0x165667c5] as const;
type Word = readonly [high: number, low: number];

const STRIPE_BYTES = 32;
const LANES = 4;
const WORD_BYTES = 8;
/** Words in the scratch array: four lanes, the accumulator, the input word. */
const ACC = 2 * LANES;
const INPUT = ACC + 2;

/** The hash of `bytes`, unsigned 64 bits. The seed is an unsigned 32-bit number. */
export function xxh64(bytes: Uint8Array, seed = 0): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint32Array(INPUT + 2);
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
    set(words, ACC, PRIME_5);
    add(words, ACC, 0, seed);
  }
  add(words, ACC, Math.floor(bytes.length / 2 ** 32), bytes.length >>> 0);
  tail(words, view, offset);
  avalanche(words);
  return (BigInt(words[ACC + 1] ?? 0) << 32n) | BigInt(words[ACC] ?? 0);
}

function startLanes(words: Uint32Array, seed: number): void {
  for (let lane = 0; lane < LANES; lane++) {
    set(words, 2 * lane, [0, seed]);
  }
  add(words, 0, ...PRIME_1);
  add(words, 0, ...PRIME_2);
  add(words, 2, ...PRIME_2);
  // Minus prime 1 is its complement plus one.
  add(words, 6, ~PRIME_1[0], ~PRIME_1[1] >>> 0);
  add(words, 6, 0, 1);
}

function mergeLanes(words: Uint32Array): void {
  const rotations = [1, 7, 12, 18] as const;
  set(words, ACC, [0, 0]);
  rotations.forEach((bits, lane) => {
    const rotated = rotated64(words, 2 * lane, bits);
    add(words, ACC, ...rotated);
  });
  for (let lane = 0; lane < LANES; lane++) {
    set(words, INPUT, [words[2 * lane + 1] ?? 0, words[2 * lane] ?? 0]);
    mixInput(words);
    xor(words, ACC, words[INPUT + 1] ?? 0, words[INPUT] ?? 0);
    multiply(words, ACC, PRIME_1);
    add(words, ACC, ...PRIME_4);
  }
}

function tail(words: Uint32Array, view: DataView, from: number): void {
  let offset = from;
  for (; offset + 8 <= view.byteLength; offset += 8) {
    load(words, view, offset);
    mixInput(words);
    xor(words, ACC, words[INPUT + 1] ?? 0, words[INPUT] ?? 0);
    set(words, ACC, rotated64(words, ACC, 27));
    multiply(words, ACC, PRIME_1);
    add(words, ACC, ...PRIME_4);
  }
  if (offset + 4 <= view.byteLength) {
    set(words, INPUT, [0, view.getUint32(offset, true)]);
    multiply(words, INPUT, PRIME_1);
    xor(words, ACC, words[INPUT + 1] ?? 0, words[INPUT] ?? 0);
    set(words, ACC, rotated64(words, ACC, 23));
    multiply(words, ACC, PRIME_2);
    add(words, ACC, ...PRIME_3);
    offset += 4;
  }
  for (; offset < view.byteLength; offset++) {
    set(words, INPUT, [0, view.getUint8(offset)]);
    multiply(words, INPUT, PRIME_5);
    xor(words, ACC, words[INPUT + 1] ?? 0, words[INPUT] ?? 0);
    set(words, ACC, rotated64(words, ACC, 11));
    multiply(words, ACC, PRIME_1);
  }
}

function avalanche(words: Uint32Array): void {
  xorShifted(words, 33);
  multiply(words, ACC, PRIME_2);
  xorShifted(words, 29);
  multiply(words, ACC, PRIME_3);
  xorShifted(words, 32);
}

/** lane = rotl(lane + input * prime 2, 31) * prime 1 */
function round(words: Uint32Array, lane: number): void {
  multiply(words, INPUT, PRIME_2);
  add(words, lane, words[INPUT + 1] ?? 0, words[INPUT] ?? 0);
  set(words, lane, rotated64(words, lane, 31));
  multiply(words, lane, PRIME_1);
}

/** input = rotl(input * prime 2, 31) * prime 1: a round from zero. */
function mixInput(words: Uint32Array): void {
  multiply(words, INPUT, PRIME_2);
  set(words, INPUT, rotated64(words, INPUT, 31));
  multiply(words, INPUT, PRIME_1);
}

function load(words: Uint32Array, view: DataView, offset: number): void {
  words[INPUT] = view.getUint32(offset, true);
  words[INPUT + 1] = view.getUint32(offset + 4, true);
}

function set(words: Uint32Array, at: number, [high, low]: Word): void {
  words[at] = low;
  words[at + 1] = high;
}

function add(words: Uint32Array, at: number, high: number, low: number): void {
  const sum = (words[at] ?? 0) + (low >>> 0);
  words[at] = sum;
  words[at + 1] = (words[at + 1] ?? 0) + high + (sum > 0xffffffff ? 1 : 0);
}

function xor(words: Uint32Array, at: number, high: number, low: number): void {
  words[at] = (words[at] ?? 0) ^ low;
  words[at + 1] = (words[at + 1] ?? 0) ^ high;
}

/** ACC ^= ACC >>> bits, for bits from 1 to 63. */
function xorShifted(words: Uint32Array, bits: number): void {
  const low = words[ACC] ?? 0;
  const high = words[ACC + 1] ?? 0;
  if (bits >= 32) xor(words, ACC, 0, bits === 32 ? high : high >>> (bits - 32));
  else xor(words, ACC, high >>> bits, (low >>> bits) | (high << (32 - bits)));
}

/** The word rotated left by 1 to 31 bits. */
function rotated64(words: Uint32Array, at: number, bits: number): Word {
  const low = words[at] ?? 0;
  const high = words[at + 1] ?? 0;
  return [((high << bits) | (low >>> (32 - bits))) >>> 0, ((low << bits) | (high >>> (32 - bits))) >>> 0];
}

/** The low 64 bits of the product. The low halves are multiplied in 16-bit parts, so that no part exceeds 2^53. */
function multiply(words: Uint32Array, at: number, [factorHigh, factorLow]: Word): void {
  const low = words[at] ?? 0;
  const high = words[at + 1] ?? 0;
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = factorLow & 0xffff;
  const b1 = factorLow >>> 16;
  const bottom = a0 * b0;
  const middle = a1 * b0 + (bottom >>> 16) + a0 * b1;
  words[at] = ((middle % 0x1_0000) * 0x1_0000 + (bottom & 0xffff)) >>> 0;
  const carry = Math.floor(middle / 0x1_0000) + a1 * b1;
  words[at + 1] = (carry % 0x1_0000_0000) + Math.imul(high, factorLow) + Math.imul(low, factorHigh);
}
