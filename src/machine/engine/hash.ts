/** XXH64 with seed 0 as generated code ("XXH64 algorithm" of the xxHash fast digest algorithm, version 0.1.1): of pages, and of bytes of the host. */
import type { EngineContext } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import { add, and, eqz, extendU, geU, i32, i64, load, load64, ltU, mul, ne, rotl, shrU, xor } from './expr.ts';
import { HASH, PAGE_BYTES } from './layout.ts';
import type { Fn } from './wasm-module.ts';

export const PRIME = [
  0n,
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** What is taken in at once: 8 bytes for each lane. */
export const BLOCK_BYTES = 32;
const LANE_STARTS = [PRIME[1] + PRIME[2], PRIME[2], 0n, -PRIME[1]].map((start) => BigInt.asIntN(64, start));
const LANE_ROTATIONS = [1n, 7n, 12n, 18n];

export interface Hash {
  /** `hashPage(address)`: of 4,096 bytes of linear memory. */
  readonly page: Fn;
  /** `hashBlocks(sizeBytes, isFirst)`: takes in whole blocks, at least one, that stand at the start of the window. */
  readonly blocks: Fn;
  /** `hashEnd(tailBytes, lengthBytes)`: the hash, with less than a block more in the window, of `lengthBytes` in all. */
  readonly end: Fn;
}

export function defineHash(ctx: EngineContext): Hash {
  return { page: defineHashPage(ctx), blocks: defineHashBlocks(ctx), end: defineHashEnd(ctx) };
}

export const times = (value: Expr, prime: 1 | 2 | 3 | 4 | 5): Expr => mul(value, i64(PRIME[prime]));
export const round = (accumulator: Expr, input: Expr): Expr =>
  times(rotl(add(accumulator, times(input, 2)), i64(31)), 1);

function defineHashPage({ module }: EngineContext): Fn {
  const fn = module.fn('hashPage', ['i32'], ['i64']);
  const at = fn.param(0);
  const end = fn.let(add(at, i32(PAGE_BYTES)));
  const lanes = LANE_STARTS.map((start) => fn.let(i64(start)));
  takeIn(fn, lanes, at, end);
  const hash = fn.let(i64(0));
  mergeLanes(fn, hash, lanes);
  fn.set(hash, add(hash, i64(PAGE_BYTES)));
  fn.return(avalanche(fn, hash));
  fn.unreachable();
  return fn;
}

function defineHashBlocks({ module }: EngineContext): Fn {
  const fn = module.fn('hashBlocks', ['i32', 'i32']);
  const lanes = LANE_STARTS.map((start) => fn.let(i64(start)));
  fn.if(eqz(fn.param(1)), () => {
    for (const [index, lane] of lanes.entries()) fn.set(lane, load64(i32(0), HASH.lanes + 8 * index));
  });
  const at = fn.let(i32(HASH.window));
  takeIn(fn, lanes, at, fn.let(add(at, fn.param(0))));
  for (const [index, lane] of lanes.entries()) fn.store(64, i32(0), lane, HASH.lanes + 8 * index);
  return fn;
}

function defineHashEnd({ module }: EngineContext): Fn {
  const fn = module.fn('hashEnd', ['i32', 'i32'], ['i64']);
  const [tailBytes, lengthBytes] = [fn.param(0), fn.param(1)];
  const hash = fn.let(i64(PRIME[5]));
  fn.if(geU(lengthBytes, i32(BLOCK_BYTES)), () =>
    mergeLanes(
      fn,
      hash,
      LANE_STARTS.map((_, index) => fn.let(load64(i32(0), HASH.lanes + 8 * index))),
    ),
  );
  fn.set(hash, add(hash, extendU(lengthBytes)));
  takeInTail(fn, hash, tailBytes);
  fn.return(avalanche(fn, hash));
  fn.unreachable();
  return fn;
}

/** Blocks from `at` to `end`, at least one; `at` gets there. */
function takeIn(fn: Fn, lanes: readonly Local[], at: Local, end: Local): void {
  fn.loop((again) => {
    for (const [index, lane] of lanes.entries()) fn.set(lane, round(lane, load64(at, index * 8)));
    fn.set(at, add(at, i32(BLOCK_BYTES)));
    fn.brIf(again, ltU(at, end));
  });
}

function mergeLanes(fn: Fn, hash: Local, lanes: readonly Local[]): void {
  fn.set(hash, lanes.map((lane, index): Expr => rotl(lane, i64(LANE_ROTATIONS[index] ?? 0n))).reduce(add));
  for (const lane of lanes) fn.set(hash, add(times(xor(hash, round(i64(0), lane)), 1), i64(PRIME[4])));
}

/** What is left of the window: words, at most one half of a word, bytes. */
function takeInTail(fn: Fn, hash: Local, tailBytes: Local): void {
  const at = fn.let(i32(HASH.window));
  const wordsEnd = fn.let(add(at, and(tailBytes, i32(-8))));
  const end = fn.let(add(at, tailBytes));
  const mix = (input: Expr, rotation: bigint, by: 1 | 2, sizeBytes: number) => {
    fn.set(hash, times(rotl(xor(hash, input), i64(rotation)), by));
    fn.set(at, add(at, i32(sizeBytes)));
  };
  whileBelow(fn, at, wordsEnd, () => {
    mix(round(i64(0), load64(at)), 27n, 1, 8);
    fn.set(hash, add(hash, i64(PRIME[4])));
  });
  fn.if(ne(and(tailBytes, i32(4)), i32(0)), () => {
    mix(times(load('i64', 'u32', at), 1), 23n, 2, 4);
    fn.set(hash, add(hash, i64(PRIME[3])));
  });
  whileBelow(fn, at, end, () => mix(times(load('i64', 'u8', at), 5), 11n, 1, 1));
}

function whileBelow(fn: Fn, at: Local, end: Local, body: () => void): void {
  fn.block((done) => {
    fn.loop((again) => {
      fn.brIf(done, geU(at, end));
      body();
      fn.br(again);
    });
  });
}

function avalanche(fn: Fn, hash: Local): Expr {
  fn.set(hash, times(xor(hash, shrU(hash, i64(33))), 2));
  fn.set(hash, times(xor(hash, shrU(hash, i64(29))), 3));
  return xor(hash, shrU(hash, i64(32)));
}
