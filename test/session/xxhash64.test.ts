import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xxh64 } from '../../src/session/xxhash64.ts';

/** Published by implementations of xxHash in their own tests. */
const VECTORS: readonly (readonly [text: string, seed: number, hash: bigint])[] = [
  ['', 0, 0xef46db3751d8e999n],
  ['a', 0, 0xd24ec4f1a98c6e5bn],
  ['as', 0, 0x1c330fb2d66be179n],
  ['asd', 0, 0x631c37ce72a97393n],
  ['asdf', 0, 0x415872f599cea71en],
  ['abc', 0, 0x44bc2cf5ad770999n],
  ['xxhash', 0, 0x32dd38952c4bc720n],
  ['xxhash', 20141025, 0xb559b98d844e0635n],
  ['Nobody inspects the spammish repetition', 0, 0xfbcea83c8a378bf1n],
  ['Call me Ishmael. Some years ago--never mind how long precisely-', 0, 0x02a2e85470d6fd96n],
];

describe('xxh64', () => {
  it.each(VECTORS)('hashes %j with seed %i', (text, seed, hash) => {
    expect(xxh64(new TextEncoder().encode(text), seed).toString(16)).toBe(hash.toString(16));
  });

  it('equals the formula of the specification for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 0xffffffff }), (bytes, seed) => {
        expect(xxh64(bytes, seed)).toBe(reference(bytes, BigInt(seed)));
      }),
      { numRuns: 500 },
    );
  });

  it('hashes a view into a larger buffer', () => {
    const buffer = Uint8Array.from({ length: 100 }, (_, index) => index);
    expect(xxh64(buffer.subarray(3, 70))).toBe(xxh64(buffer.slice(3, 70)));
  });
});

/** The specification word by word, in 64-bit integers. */
function reference(bytes: Uint8Array, seed: bigint): bigint {
  const mask = (value: bigint) => BigInt.asUintN(64, value);
  const rotl = (value: bigint, bits: bigint) => mask((mask(value) << bits) | (mask(value) >> (64n - bits)));
  const [p1, p2, p3, p4, p5] = [
    11400714785074694791n,
    14029467366897019727n,
    1609587929392839161n,
    9650029242287828579n,
    2870177450012600261n,
  ] as const;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const round = (acc: bigint, input: bigint) => mask(rotl(mask(acc + mask(input * p2)), 31n) * p1);
  let offset = 0;
  let acc = mask(seed + p5);
  if (bytes.length >= 32) {
    let lanes = [mask(seed + p1 + p2), mask(seed + p2), seed, mask(seed - p1)];
    for (; offset + 32 <= bytes.length; offset += 32) {
      lanes = lanes.map((lane, index) => round(lane, view.getBigUint64(offset + 8 * index, true)));
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    acc = mask(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n));
    for (const lane of lanes) acc = mask((acc ^ round(0n, lane)) * p1 + p4);
  }
  acc = mask(acc + BigInt(bytes.length));
  for (; offset + 8 <= bytes.length; offset += 8) {
    acc = mask(rotl(acc ^ round(0n, view.getBigUint64(offset, true)), 27n) * p1 + p4);
  }
  if (offset + 4 <= bytes.length) {
    acc = mask(rotl(acc ^ mask(BigInt(view.getUint32(offset, true)) * p1), 23n) * p2 + p3);
    offset += 4;
  }
  for (; offset < bytes.length; offset++) acc = mask(rotl(acc ^ (BigInt(view.getUint8(offset)) * p5), 11n) * p1);
  acc = mask((acc ^ (acc >> 33n)) * p2);
  acc = mask((acc ^ (acc >> 29n)) * p3);
  return acc ^ (acc >> 32n);
}
