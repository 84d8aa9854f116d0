/**
 * Flushes as generated code: `sfence.vma` and what comes with it; and by what an entry holds, not by its address, for hosts, which take whole
 * spaces or single pages away.
 */
import { TLB_SPACE_COUNT } from '../virtualization-types.ts';
import type { EngineContext } from './engine-context.ts';
import { get64, set32, set64 } from './engine-context.ts';
import type { Expr } from './expr.ts';
import { add, and, eq, extendU, i32, i64, load32, load64, ltU, or, select, shl, shrU, wrap } from './expr.ts';
import { BARE_TLBS, HART, TLB } from './layout.ts';
import { CONTEXT, isVirtualized, SUPERPAGE_SHIFT } from './page-walk.ts';
import { tlbOffset } from './tlb.ts';
import type { Fn } from './wasm-module.ts';

/** `flushBare(hart)`: what was remembered of untranslated accesses. */
export function defineFlushBare({ module, config }: EngineContext): Fn {
  const fn = module.fn('flushBare', ['i32']);
  const size = i32(config.core.tlbEntries * TLB.entryBytes);
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) fn.fill(add(fn.param(0), i32(tlb + BARE_TLBS)), i32(0xff), size);
  set64(fn, fn.param(0), 'fetchPage', i64(-1));
  return fn;
}

/** `flush(hart)`: all translations. */
export function defineFlush({ module, config }: EngineContext): Fn {
  const fn = module.fn('flush', ['i32']);
  const hart = fn.param(0);
  const size = i32(config.core.tlbEntries * TLB.entryBytes);
  fn.fill(add(hart, i32(HART.dataTlb)), i32(0xff), size);
  fn.fill(add(hart, i32(HART.fetchTlb)), i32(0xff), size);
  set64(fn, hart, 'superpages', i64(0));
  entriesDropped(fn, hart);
  return fn;
}

/** `fence(hart, address, all)`: `sfence.vma` for one address or for all. */
export function defineFence(ctx: EngineContext, flush: Fn): Fn {
  const fn = ctx.module.fn('fence', ['i32', 'i64', 'i32']);
  const [hart, address, all] = [fn.param(0), fn.param(1), fn.param(2)];
  // Fragments of a superpage there may be anywhere in the TLB.
  const superpage = and(shrU(get64(hart, 'superpages'), shrU(address, i64(SUPERPAGE_SHIFT))), i64(1));
  fn.if(or(all, wrap(superpage)), () => {
    fn.do(flush, hart);
    fn.return();
  });
  const offset = fn.let(tlbOffset(ctx, address));
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) {
    fn.fill(add(add(hart, i32(tlb)), offset), i32(0xff), i32(TLB.entryBytes));
  }
  entriesDropped(fn, hart);
  return fn;
}

/** `flushSpace(hart, space)`: translations of a deprivileged guest's space, or of a VMID. */
export function defineFlushSpace(ctx: EngineContext): Fn {
  const fn = ctx.module.fn('flushSpace', ['i32', 'i32']);
  const [hart, space] = [fn.param(0), fn.param(1)];
  const deprivileged = fn.let(isVirtualized(hart, 'deprivileged'));
  const [spaceMask, vmidMask] = [TLB_SPACE_COUNT.deprivileged << CONTEXT.spaceShift, 0x1f << CONTEXT.vmidShift];
  const mask = fn.let(select(deprivileged, i32(spaceMask), i32(vmidMask)));
  const wanted = fn.let(shl(space, select(deprivileged, i32(CONTEXT.spaceShift), i32(CONTEXT.vmidShift))));
  dropEntries(ctx, fn, hart, (entry) => eq(and(wrap(load64(entry, TLB.tag)), mask), wanted));
  return fn;
}

/** `flushPage(hart, pageNumber)`: translations to a physical page. */
export function defineFlushPage(ctx: EngineContext): Fn {
  const fn = ctx.module.fn('flushPage', ['i32', 'i32']);
  const [hart, pageNumber] = [fn.param(0), fn.param(1)];
  dropEntries(ctx, fn, hart, (entry) => eq(shrU(load32(entry, TLB.flags), i32(4)), pageNumber));
  return fn;
}

/** `flushAddress(hart, vaLow, vaHigh)`: `sfence.vma` for one address. */
export function defineFlushAddress({ module }: EngineContext, fence: Fn): Fn {
  const fn = module.fn('flushAddress', ['i32', 'i32', 'i32']);
  const address = or(extendU(fn.param(1)), shl(extendU(fn.param(2)), i64(32)));
  fn.do(fence, fn.param(0), address, i32(0));
  return fn;
}

/** Drops entries of both TLBs. One that is empty may be dropped again: it holds ones all over. */
function dropEntries({ config }: EngineContext, fn: Fn, hart: Expr, matches: (entry: Expr) => Expr): void {
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) {
    const entry = fn.let(add(hart, i32(tlb)));
    const end = fn.let(add(entry, i32(config.core.tlbEntries * TLB.entryBytes)));
    fn.loop((again) => {
      fn.if(matches(entry), () => fn.fill(entry, i32(0xff), i32(TLB.entryBytes)));
      fn.set(entry, add(entry, i32(TLB.entryBytes)));
      fn.brIf(again, ltU(entry, end));
    });
  }
  entriesDropped(fn, hart);
}

/** What goes with entries of the modelled TLBs. */
function entriesDropped(fn: Fn, hart: Expr): void {
  set64(fn, hart, 'fetchPage', i64(-1));
  set32(fn, hart, 'hasTlbDigest', i32(0));
}
