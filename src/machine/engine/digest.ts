/**
 * Digests as generated code. RAM and memory of the host: each page that changed since the last time is hashed with XXH64 and its contribution to a
 * sum is replaced; a page of zeros contributes nothing, so the digest depends on the contents alone. TLBs: what the modelled
 * machine holds, without the engine's fast tags.
 */

import type { EngineContext } from './engine-context.ts';
import { get32, get64, getGlobal, set32, set64, setGlobal } from './engine-context.ts';
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
  load32,
  load64,
  ltU,
  mul,
  or,
  select,
  shl,
  sub,
  xor,
} from './expr.ts';
import { PRIME, round, times } from './hash.ts';
import type { MemoryPlan } from './layout.ts';
import { BARE_TLBS, CHANGES, HART, HART_BYTES, HARTS_BASE, NO_TAG, PAGE_BYTES, PAGE_FLAG, TLB } from './layout.ts';
import type { Fn } from './wasm-module.ts';

export interface Digests {
  /** `memoryDigest()`: brings the sum up to date and gives it. */
  readonly memoryDigest: Fn;
  /** `tlbDigest(hart)`. */
  readonly tlbDigest: Fn;
}

/** @param hashPage see `hash.ts` */
export function defineDigests(ctx: EngineContext, hashPage: Fn): Digests {
  return { memoryDigest: defineMemoryDigest(ctx, defineDigestPage(ctx, hashPage)), tlbDigest: defineTlbDigest(ctx) };
}

function defineMemoryDigest({ module, plan, config }: EngineContext, digestPage: Fn): Fn {
  const fn = module.fn('memoryDigest', [], ['i64']);
  const pages = i32((plan.ramBytes + plan.hostBytes) / PAGE_BYTES);
  const sum = fn.let(getGlobal('memoryDigest'));
  takeChanges(
    fn,
    CHANGES.pages,
    (page) => fn.set(sum, add(sum, call(digestPage, page))),
    () => forEachDirtyPage(fn, plan, pages, (page) => fn.set(sum, add(sum, call(digestPage, page)))),
  );
  setGlobal(fn, 'memoryDigest', sum);
  // Pages are clean now: the next write to each must go the slow way once and mark it.
  takeChanges(
    fn,
    CHANGES.entries,
    (entry) => fn.store(64, entry, i64(NO_TAG), TLB.fastWrite),
    () => dropFastWrites(fn, config.hartCount, config.core.tlbEntries),
  );
  fn.return(sum);
  fn.unreachable();
  return fn;
}

/** `digestPage(page)`: brings up to date what the page contributes to the sum, and gives the difference. The page is clean after that. */
function defineDigestPage({ module, plan }: EngineContext, hashPage: Fn): Fn {
  const fn = module.fn('digestPage', ['i32'], ['i64']);
  const page = fn.param(0);
  const slot = fn.let(shl(page, i32(3)));
  const hash = fn.let(call(hashPage, add(shl(page, i32(12)), i32(plan.ram))));
  // An odd factor for each page keeps equal pages in other places apart.
  const factor = or(shl(extendU(page), i64(1)), i64(1));
  const digest = fn.let(times(mul(xor(hash, i64(ZERO_PAGE_HASH)), factor), 5));
  const before = fn.let(load64(slot, plan.pageDigests));
  fn.store(64, slot, digest, plan.pageDigests);
  fn.store(8, page, and(load('i32', 'u8', page, plan.pageFlags), i32(~PAGE_FLAG.dirty)), plan.pageFlags);
  fn.return(sub(digest, before));
  fn.unreachable();
  return fn;
}

/** Empties a list of `CHANGES`: `take` for each item, or `takeAll` if there have been more than it holds. */
function takeChanges(fn: Fn, list: number, take: (item: Expr) => void, takeAll: () => void): void {
  const count = fn.let(load32(i32(0), list));
  fn.if(
    leU(count, i32(CHANGES.capacity)),
    () => {
      const index = fn.let(i32(0));
      fn.block((done) => {
        fn.loop((again) => {
          fn.brIf(done, geU(index, count));
          take(fn.let(load32(shl(index, i32(2)), list + CHANGES.item)));
          fn.set(index, add(index, i32(1)));
          fn.br(again);
        });
      });
    },
    takeAll,
  );
  fn.store(32, i32(0), i32(0), list);
}

function forEachDirtyPage(fn: Fn, plan: MemoryPlan, pages: Expr, body: (page: Expr) => void): void {
  const page = fn.let(i32(0));
  fn.block((done) => {
    fn.loop((again) => {
      fn.brIf(done, geU(page, pages));
      // Most are passed over by many at a time.
      for (const count of [64, 8]) {
        const begins = and(eqz(and(page, i32(count - 1))), leU(add(page, i32(count)), pages));
        fn.if(begins, () => {
          fn.if(eqz(anyDirty(plan.pageFlags, page, count)), () => {
            fn.set(page, add(page, i32(count)));
            fn.br(again);
          });
        });
      }
      fn.if(and(load('i32', 'u8', page, plan.pageFlags), i32(PAGE_FLAG.dirty)), () => body(page));
      fn.set(page, add(page, i32(1)));
      fn.br(again);
    });
  });
}

/** Not 0 if one of the pages from `page` on has changed; their number is a multiple of 8. */
function anyDirty(pageFlags: number, page: Expr, count: number): Expr {
  const eights = Array.from({ length: count / 8 }, (_, index) => load64(page, pageFlags + 8 * index));
  return and(eights.reduce(or), i64(EIGHT_DIRTY));
}

/** The flags of eight pages that have all changed. */
const EIGHT_DIRTY = BigInt(PAGE_FLAG.dirty) * 0x0101_0101_0101_0101n;

/** XXH64 of 4,096 zero bytes, seed 0. A test compares it with `hashPage`. */
const ZERO_PAGE_HASH = 0xac869b6f32d8bbdbn;

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
  fn.if(get32(hart, 'hasTlbDigest'), () => fn.return(get64(hart, 'tlbDigest')));
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
  set64(fn, hart, 'tlbDigest', hash);
  set32(fn, hart, 'hasTlbDigest', i32(1));
  fn.return(hash);
  fn.unreachable();
  return fn;
}
