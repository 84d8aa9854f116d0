/**
 * The TLB as generated code. It is part of the modelled machine: direct-mapped, one lookup for each data access and one for each fetch that changes
 * page. A hit costs nothing, a miss costs the page-table references that the walk makes. Fast tags beside the modelled tag
 * let generated code skip a lookup that could not have missed; withholding one (page with predecoded code, page not yet
 * marked changed, watched page) changes no cycle.
 */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, pageOf, set32, set64 } from './engine-context.ts';
import type { Expr } from './expr.ts';
import { add, and, call, eq, eqz, i32, i64, load, load32, load64, ltU, ne, or, shl, shrU, sub, wrap } from './expr.ts';
import { CHANGES, HART, NO_TAG, PAGE_BYTES, PAGE_FLAG, RAM_BASE, TLB, TLB_FLAG } from './layout.ts';
import { raiseWalkFault } from './memory-faults.ts';
import { noteChange } from './memory-writes.ts';
import { missCounter } from './page-walk.ts';
import type { Fn } from './wasm-module.ts';

/** Offset of the TLB entry of an address within a TLB: i32. */
export function tlbOffset(ctx: EngineContext, address: Expr): Expr {
  return and(wrap(shrU(address, i64(7))), i32((ctx.config.core.tlbEntries - 1) * TLB.entryBytes));
}

/** Of a TLB entry: not 0 if it has the flag. */
export const entryFlag = (entry: Expr, flag: Expr) => and(load32(entry, TLB.flags), flag);

/** Offset in RAM of the page that a TLB entry maps. */
export const ramPageOf = (entry: Expr): Expr =>
  sub(shl(shrU(load32(entry, TLB.flags), i32(4)), i32(12)), i32(RAM_BASE));

/** `fill(hart, entry, tag)`: makes a TLB entry from the result of a walk, with no fast tags. */
export function defineFill({ module, plan }: EngineContext): Fn {
  const fn = module.fn('fill', ['i32', 'i32', 'i64']);
  const [hart, entry, tag] = [fn.param(0), fn.param(1), fn.param(2)];
  const page = fn.let(get64(hart, 'walkPage'));
  const inRam = fn.let(sub(page, i64(RAM_BASE)));
  const isRam = fn.let(ltU(inRam, i64(plan.ramBytes)));
  fn.store(64, entry, i64(NO_TAG), TLB.fastRead);
  fn.store(64, entry, i64(NO_TAG), TLB.fastWrite);
  fn.store(64, entry, tag, TLB.tag);
  set32(fn, hart, 'hasTlbDigest', i32(0));
  fn.store(32, entry, sub(add(wrap(inRam), i32(plan.ram)), wrap(pageOf(tag))), TLB.addend);
  const number = shl(wrap(shrU(page, i64(12))), i32(4));
  fn.store(32, entry, or(number, or(get32(hart, 'walkFlags'), shl(isRam, i32(3)))), TLB.flags);
  return fn;
}

/** `lookup(hart, address, access)`: the data TLB entry that allows the access, after a walk if need be; 0 after a fault. */
export function defineLookup(ctx: EngineContext, walk: Fn, fill: Fn, raise: Fn): Fn {
  const fn = ctx.module.fn('lookup', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, address, access] = [fn.param(0), fn.param(1), fn.param(2)];
  const entry = fn.let(add(add(get32(hart, 'dataTlbBase'), i32(HART.dataTlb)), tlbOffset(ctx, address)));
  const context = fn.let(get64(hart, 'dataContext'));
  const tag = fn.let(or(pageOf(address), context));
  const hit = and(eq(load64(entry, TLB.tag), tag), ne(entryFlag(entry, shl(i32(1), access)), i32(0)));
  fn.if(hit, () => fn.return(entry));
  const status = fn.let(call(walk, hart, address, access, wrap(context)));
  raiseWalkFault(fn, raise, hart, address, access, status);
  fn.do(fill, hart, entry, tag);
  fn.return(entry);
  fn.unreachable();
  return fn;
}

/** `arm(entry)`: gives a data TLB entry the fast tags that its page allows now. */
export function defineArm({ module, plan }: EngineContext): Fn {
  const fn = module.fn('arm', ['i32']);
  const entry = fn.param(0);
  const tag = fn.let(load64(entry, TLB.tag));
  const flags = fn.let(load32(entry, TLB.flags));
  fn.if(eqz(and(flags, i32(TLB_FLAG.ram))), () => fn.return());
  fn.if(and(flags, i32(TLB_FLAG.read)), () => fn.store(64, entry, tag, TLB.fastRead));
  const page = sub(shrU(flags, i32(4)), i32(RAM_BASE / PAGE_BYTES));
  const pageFlags = load('i32', 'u8', page, plan.pageFlags);
  // Writable without a look only where nothing is to be done beside the write: dirty already, no code, not watched.
  fn.if(and(eq(pageFlags, i32(PAGE_FLAG.dirty)), ne(and(flags, i32(TLB_FLAG.write)), i32(0))), () => {
    noteChange(fn, CHANGES.entries, entry);
    fn.store(64, entry, tag, TLB.fastWrite);
  });
  return fn;
}

/** Name, parameters and result of the function that regions call on a TLB miss. */
export const REFILL = { name: 'refill', params: ['i32', 'i64', 'i32'], results: ['i32'] } as const;

/**
 * `refill(hart, address, access)`: what the interpreter's lookup would do, for a region. Gives the cycles that it took, or -1 if it
 * ended in a fault: then nothing has happened, and the interpreter finds the same fault again.
 */
export function defineRefill({ module }: EngineContext, lookup: Fn, arm: Fn): Fn {
  const fn = module.fn(REFILL.name, REFILL.params, REFILL.results);
  const [hart, address, access] = [fn.param(0), fn.param(1), fn.param(2)];
  const misses = fn.let(get64(hart, 'tlbMisses'));
  const references = fn.let(get64(hart, 'walkReferences'));
  const kind = fn.let(missCounter(hart, access));
  const missesOfKind = fn.let(load64(kind));
  const entry = fn.let(call(lookup, hart, address, access));
  const cycles = fn.let(get32(hart, 'extraCycles'));
  set32(fn, hart, 'extraCycles', i32(0));
  fn.if(eqz(entry), () => {
    set64(fn, hart, 'tlbMisses', misses);
    set64(fn, hart, 'walkReferences', references);
    fn.store(64, kind, missesOfKind);
    fn.return(i32(-1));
  });
  fn.do(arm, entry);
  fn.return(cycles);
  fn.unreachable();
  return fn;
}
