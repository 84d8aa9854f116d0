/**
 * Digests as generated code. RAM and memory of the host: each page that changed since the last time is hashed with XXH64 and its contribution to a
 * sum is replaced; a page of zeros contributes nothing, so the digest depends on the contents alone. TLBs: what the modelled
 * machine holds, without the engine's fast tags.
 */
import type { EngineContext } from './engine-context.ts';
import { getGlobal, setGlobal } from './engine-context.ts';
import type { Expr } from './expr.ts';
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendU,
  geU,
  i32,
  i64,
  leU,
  load,
  load64,
  ltU,
  mul,
  or,
  rotl,
  select,
  shl,
  shrU,
  sub,
  xor,
} from './expr.ts';
import { BARE_TLBS, HART, HART_BYTES, HARTS_BASE, NO_TAG, PAGE_BYTES, PAGE_FLAG, TLB } from './layout.ts';
import type { Fn } from './wasm-module.ts';

/** Primes of XXH64 (xxHash specification, "XXH64 algorithm"). */
const PRIME = [
  0n,
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

export interface Digests {
  /** `hashPage(address)`: XXH64 with seed 0 of 4,096 bytes of linear memory. */
  readonly hashPage: Fn;
  /** `memoryDigest()`: brings the sum up to date and gives it. */
  readonly memoryDigest: Fn;
  /** `tlbDigest(hart)`. */
  readonly tlbDigest: Fn;
}

export function defineDigests(ctx: EngineContext): Digests {
  const hashPage = defineHashPage(ctx);
  return { hashPage, memoryDigest: defineMemoryDigest(ctx, hashPage), tlbDigest: defineTlbDigest(ctx) };
}

const times = (value: Expr, prime: 1 | 2 | 3 | 4 | 5) => mul(value, i64(PRIME[prime]));
const round = (accumulator: Expr, input: Expr) => times(rotl(add(accumulator, times(input, 2)), i64(31)), 1);

function defineHashPage({ module }: EngineContext): Fn {
  const fn = module.fn('hashPage', ['i32'], ['i64']);
  const at = fn.param(0);
  const end = fn.let(add(at, i32(PAGE_BYTES)));
  const lanes = [PRIME[1] + PRIME[2], PRIME[2], 0n, -PRIME[1]].map((start) => fn.let(i64(BigInt.asIntN(64, start))));
  fn.loop((again) => {
    for (const [index, lane] of lanes.entries()) fn.set(lane, round(lane, load64(at, index * 8)));
    fn.set(at, add(at, i32(32)));
    fn.brIf(again, ltU(at, end));
  });
  const rotations = [1n, 7n, 12n, 18n];
  const hash = fn.let(lanes.map((lane, index): Expr => rotl(lane, i64(rotations[index] ?? 0n))).reduce(add));
  for (const lane of lanes) fn.set(hash, add(times(xor(hash, round(i64(0), lane)), 1), i64(PRIME[4])));
  fn.set(hash, add(hash, i64(PAGE_BYTES)));
  fn.set(hash, times(xor(hash, shrU(hash, i64(33))), 2));
  fn.set(hash, times(xor(hash, shrU(hash, i64(29))), 3));
  fn.return(xor(hash, shrU(hash, i64(32))));
  fn.unreachable();
  return fn;
}

function defineMemoryDigest({ module, plan, config }: EngineContext, hashPage: Fn): Fn {
  const fn = module.fn('memoryDigest', [], ['i64']);
  const pages = i32((plan.ramBytes + plan.hostBytes) / PAGE_BYTES);
  const sum = fn.let(getGlobal('memoryDigest'));
  const zero = i64(ZERO_PAGE_HASH);
  const page = fn.let(i32(0));
  fn.block((done) => {
    fn.loop((again) => {
      fn.brIf(done, geU(page, pages));
      // Few pages change between two digests: most are passed over by eights.
      const hasEight = and(eqz(and(page, i32(7))), leU(add(page, i32(8)), pages));
      fn.if(hasEight, () => {
        fn.if(eqz(and(load64(page, plan.pageFlags), i64(EIGHT_DIRTY))), () => {
          fn.set(page, add(page, i32(8)));
          fn.br(again);
        });
      });
      const flags = fn.let(load('i32', 'u8', page, plan.pageFlags));
      fn.if(and(flags, i32(PAGE_FLAG.dirty)), () => {
        const slot = fn.let(shl(page, i32(3)));
        const hash = fn.let(call(hashPage, add(shl(page, i32(12)), i32(plan.ram))));
        // An odd factor for each page keeps equal pages in other places apart.
        const factor = or(shl(extendU(page), i64(1)), i64(1));
        const digest = fn.let(times(mul(xor(hash, zero), factor), 5));
        fn.set(sum, add(sub(sum, load64(slot, plan.pageDigests)), digest));
        fn.store(64, slot, digest, plan.pageDigests);
        fn.store(8, page, and(flags, i32(~PAGE_FLAG.dirty)), plan.pageFlags);
      });
      fn.set(page, add(page, i32(1)));
      fn.br(again);
    });
  });
  setGlobal(fn, 'memoryDigest', sum);
  dropFastWrites(fn, config.hartCount, config.core.tlbEntries);
  fn.return(sum);
  fn.unreachable();
  return fn;
}

/** The flags of eight pages that have all changed. */
const EIGHT_DIRTY = BigInt(PAGE_FLAG.dirty) * 0x0101_0101_0101_0101n;

/** XXH64 of 4,096 zero bytes, seed 0. A test compares it with `hashPage`. */
const ZERO_PAGE_HASH = 0xac869b6f32d8bbdbn;

/** Pages are clean now: the next write to each must go the slow way once and mark it. */
function dropFastWrites(fn: Fn, hartCount: number, entries: number): void {
  const hart = fn.let(i32(HARTS_BASE));
  fn.loop((nextHart) => {
    const entry = fn.let(add(hart, i32(HART.dataTlb)));
    const end = fn.let(add(entry, i32(entries * TLB.entryBytes)));
    fn.loop((again) => {
      fn.store(64, entry, i64(NO_TAG), TLB.fastWrite);
      fn.store(64, entry, i64(NO_TAG), BARE_TLBS + TLB.fastWrite);
      fn.set(entry, add(entry, i32(TLB.entryBytes)));
      fn.brIf(again, ltU(entry, end));
    });
    fn.set(hart, add(hart, i32(HART_BYTES)));
    fn.brIf(nextHart, ltU(hart, i32(HARTS_BASE + HART_BYTES * hartCount)));
  });
}

function defineTlbDigest({ module, config }: EngineContext): Fn {
  const fn = module.fn('tlbDigest', ['i32'], ['i64']);
  const hart = fn.param(0);
  const hash = fn.let(i64(PRIME[5]));
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) {
    const entry = fn.let(add(hart, i32(tlb)));
    const end = fn.let(add(entry, i32(config.core.tlbEntries * TLB.entryBytes)));
    fn.loop((again) => {
      const tag = fn.let(load64(entry, TLB.tag));
      const flags = load('i64', 'u32', entry, TLB.flags);
      // An empty entry is empty whatever its other fields hold.
      fn.set(hash, round(hash, select(eq(tag, i64(NO_TAG)), i64(0), xor(tag, shl(flags, i64(20))))));
      fn.set(entry, add(entry, i32(TLB.entryBytes)));
      fn.brIf(again, ltU(entry, end));
    });
  }
  fn.return(hash);
  fn.unreachable();
  return fn;
}
