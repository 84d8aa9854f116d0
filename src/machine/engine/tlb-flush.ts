/** Flushes by what an entry holds, not by its address, as generated code: for hosts, which take whole spaces or single pages away. */
import { TLB_SPACE_COUNT } from '../virtualization-types.ts';
import type { EngineContext } from './engine-context.ts';
import { set64 } from './engine-context.ts';
import type { Expr } from './expr.ts';
import { add, and, eq, extendU, i32, i64, load32, load64, ltU, or, select, shl, shrU, wrap } from './expr.ts';
import { HART, TLB } from './layout.ts';
import { CONTEXT, isVirtualized } from './page-walk.ts';
import type { Fn } from './wasm-module.ts';

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
  set64(fn, hart, 'fetchPage', i64(-1));
}
