import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HASH } from '../../src/machine/engine/layout.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig } from '../support/machine-rig.ts';
import { mulberry } from '../support/mulberry.ts';
import { xxh64 } from '../support/xxhash64.ts';

/** Published by implementations of xxHash in their own tests, with seed 0. */
const VECTORS: readonly (readonly [text: string, hash: bigint])[] = [
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['as', 0x1c330fb2d66be179n],
  ['asd', 0x631c37ce72a97393n],
  ['asdf', 0x415872f599cea71en],
  ['abc', 0x44bc2cf5ad770999n],
  ['xxhash', 0x32dd38952c4bc720n],
  ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ['Call me Ishmael. Some years ago--never mind how long precisely-', 0x02a2e85470d6fd96n],
];

const { machine } = new MachineRig();
const HASHES = { 'the engine': (bytes: Uint8Array) => machine.hash(bytes), 'the one of tests': xxh64 };
const WINDOW = HASH.windowBytes;

describe.each(Object.entries(HASHES))('XXH64 of %s', (_, hash) => {
  it.each(VECTORS)('of %j is the published one', (text, published) => {
    expect(hash(new TextEncoder().encode(text)).toString(16)).toBe(published.toString(16));
  });

  it('equals the formula of the specification at any length and alignment', () => {
    const around = [0, 1, 31, 32, 33].flatMap((more) =>
      [WINDOW - 32, WINDOW, 2 * WINDOW, 3 * WINDOW].map((base) => base + more),
    );
    const random = mulberry(64);
    const bytes = Uint8Array.from({ length: 4 * WINDOW }, () => 256 * random());
    for (const length of [...Array.from({ length: 301 }, (_, index) => index), ...around]) {
      const from = length % 9;
      const part = bytes.subarray(from, from + length);
      expect(hash(part).toString(16), `${length} bytes from ${from}`).toBe(reference(part).toString(16));
    }
  });

  it('equals it for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat({ max: 40 }), (bytes, from) => {
        expect(hash(bytes.subarray(from))).toBe(reference(bytes.subarray(from)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the engine', () => {
  it('hashes without a trace of it in what the machine holds', () => {
    const rig = new MachineRig();
    const before = [rig.machine.memoryDigest(), plainStateOf(rig.hart)];
    rig.machine.hash(new Uint8Array(3 * WINDOW + 5).fill(0xa5));
    expect([rig.machine.memoryDigest(), plainStateOf(rig.hart)]).toEqual(before);
  });
});

/** The specification word by word, in 64-bit integers. */
function reference(bytes: Uint8Array): bigint {
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
  let acc: bigint = p5;
  if (bytes.length >= 32) {
    let lanes = [mask(p1 + p2), p2, 0n, mask(-p1)];
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
