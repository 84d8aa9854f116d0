/** Fetches from a page other than the last, as generated code. */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, pageOf, set32, set64 } from './engine-context.ts';
import { add, call, eqz, i32, load32, load64, ne, or, shrU, wrap } from './expr.ts';
import { HART, TLB, TLB_FLAG } from './layout.ts';
import { raiseWalkFault } from './memory-faults.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import { entryFlag, ramPageOf, tlbOffset } from './tlb.ts';
import type { Fn } from './wasm-module.ts';

/** `fetchLookup(hart, address)`: the fetch TLB entry of the page, after a walk if need be; 0 after a fault. Always RAM. */
export function defineFetchLookup(ctx: EngineContext, walk: Fn, fill: Fn, raise: Fn): Fn {
  const fn = ctx.module.fn('fetchLookup', ['i32', 'i64'], ['i32']);
  const [hart, address] = [fn.param(0), fn.param(1)];
  const entry = fn.let(add(add(get32(hart, 'fetchTlbBase'), i32(HART.fetchTlb)), tlbOffset(ctx, address)));
  const context = fn.let(get64(hart, 'fetchContext'));
  const tag = fn.let(or(pageOf(address), context));
  const access = i32(ACCESS.fetch);
  const miss = or(ne(load64(entry, TLB.tag), tag), eqz(entryFlag(entry, i32(TLB_FLAG.execute))));
  fn.if(miss, () => {
    const status = fn.let(call(walk, hart, address, access, wrap(context)));
    raiseWalkFault(fn, raise, hart, address, access, status);
    fn.do(fill, hart, entry, tag);
  });
  fn.if(eqz(entryFlag(entry, i32(TLB_FLAG.ram))), () => {
    fn.do(raise, hart, i32(CAUSE.fetchAccess), address);
    fn.return(i32(0));
  });
  fn.return(entry);
  fn.unreachable();
  return fn;
}

/**
 * `fetchSlow(hart, address)`: the predecoded block of the page; 0 after a fault or, with `stop` set, where the page has no
 * block yet. Makes the page the one that is fetched from.
 */
export function defineFetchSlow({ module, plan }: EngineContext, fetchLookup: Fn): Fn {
  const fn = module.fn('fetchSlow', ['i32', 'i64'], ['i32']);
  const [hart, address] = [fn.param(0), fn.param(1)];
  const entry = fn.let(call(fetchLookup, hart, address));
  fn.if(eqz(entry), () => fn.return(i32(0)));
  const ramPage = fn.let(ramPageOf(entry));
  set64(fn, hart, 'fetchPage', pageOf(address));
  set32(fn, hart, 'fetchRamPage', ramPage);
  const block = fn.let(load32(shrU(ramPage, i32(10)), plan.blockTable));
  fn.if(eqz(block), () => {
    set32(fn, hart, 'stop', i32(ENGINE_STOP.block));
    fn.return(i32(0));
  });
  fn.store(32, entry, block, TLB.block);
  fn.store(64, entry, load64(entry, TLB.tag), TLB.fastRead);
  fn.return(block);
  fn.unreachable();
  return fn;
}
