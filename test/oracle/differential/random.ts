/** Seeded choices, and operand values where sign, width and carry change. */
import seedrandom from 'seedrandom';
import { must } from '../../../src/assert.ts';

const POWERS = [7n, 8n, 15n, 16n, 31n, 32n, 47n, 62n, 63n];

/** Zero, small numbers, every boundary of a width from both sides, and bit patterns. */
const BOUNDARIES: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  -1n,
  -2n,
  -3n,
  ...POWERS.flatMap((power) => [
    1n << power,
    (1n << power) - 1n,
    (1n << power) + 1n,
    -(1n << power),
    -(1n << power) - 1n,
  ]),
  0x5555_5555_5555_5555n,
  0xaaaa_aaaa_aaaa_aaaan,
  0x0123_4567_89ab_cdefn,
  0xffff_ffff_0000_0000n,
  0x8000_0000_8000_0000n,
  0x7fff_ffff_8000_0000n,
  0x00ff_00ff_00ff_00ffn,
  0x8080_8080_8080_8080n,
].map((value) => BigInt.asUintN(64, value));

export interface Random {
  /** An integer in `[0, limit)`. */
  below(limit: number): number;
  chance(oneIn: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** 64 random bits. */
  bits64(): bigint;
  bits32(): number;
  /** A boundary value, one with few bits, or random bits. */
  operand(): bigint;
}

export function createRandom(seed: string): Random {
  const generator = seedrandom(seed);
  const below = (limit: number) => Math.floor(generator() * limit);
  const bits32 = () => below(2 ** 32);
  const bits64 = () => (BigInt(bits32()) << 32n) | BigInt(bits32());
  const pick = <T>(values: readonly T[]): T => must(values[below(values.length)], 'a value to pick');
  return {
    below,
    chance: (oneIn) => below(oneIn) === 0,
    pick,
    bits32,
    bits64,
    operand: () => {
      const kind = below(4);
      if (kind < 2) return pick(BOUNDARIES);
      return kind === 2 ? bits64() : BigInt.asUintN(64, BigInt.asIntN(32, bits64()) >> BigInt(below(32)));
    },
  };
}
