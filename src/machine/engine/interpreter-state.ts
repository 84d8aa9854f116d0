/**
 * What the parts of the interpreter share: the locals of `run`, the ways out of a handler, and how pc follows from the entry.
 */
import type { Csrs } from './csrs.ts';
import type { EngineContext } from './engine-context.ts';
import { get32, get64, set32 } from './engine-context.ts';
import type { Callable, Expr, Local } from './expr.ts';
import { add, and, extendU, geU, gtU, i32, select, shrU, sub } from './expr.ts';
import { BLOCK, PAGE_BYTES } from './layout.ts';
import type { Mmu } from './mmu.ts';
import type { Traps } from './traps.ts';
import type { Fn, Label } from './wasm-module.ts';

/** What a store that must be the last of its run takes off the cycles left; given back at the exit. Runs get fewer than this. */
export const STOP_AFTER = 1 << 30;

export interface Parts {
  readonly ctx: EngineContext;
  readonly mmu: Mmu;
  readonly traps: Traps;
  readonly csrs: Csrs;
  /** Which exceptions go to the host; undefined where no hart can be virtualized. */
  readonly hostTrap: Fn | undefined;
  /** A function with the type of regions. */
  readonly region: Callable;
}

/** Locals of `run`. */
export interface State {
  readonly fn: Fn;
  readonly hart: Expr;
  readonly left: Local;
  readonly retired: Local;
  readonly entryCycle: Local;
  /** Entry that is executed, block that it is in, virtual page of the block. */
  readonly entry: Local;
  readonly block: Local;
  readonly page: Local;
  /** Set only on the way out of the dispatch loop. */
  readonly pc: Local;
  readonly reason: Local;
  readonly dataContext: Local;
  /** Base of the data TLB of the context. */
  readonly dataTlb: Local;
  readonly fetchContext: Local;
}

/** Where handlers go when they are done. */
export interface Ways {
  /** The next entry, or out if the cycles are used up. */
  readonly next: Label;
  /** As `next`, when the cycles are used up. */
  readonly budget: Label;
  /** `pc` is set: find its page. */
  readonly fetch: Label;
  /** `pc` is that of the instruction that ends with the exception in the hart, or with its `stop`. */
  readonly fault: Label;
  /** `pc` and `reason` are set. */
  readonly exit: Label;
}

export const chargeExtra = ({ fn, hart, left }: State): void => {
  fn.set(left, sub(left, get32(hart, 'extraCycles')));
  set32(fn, hart, 'extraCycles', i32(0));
};

export function reloadContext({ fn, hart, dataContext, dataTlb, fetchContext }: State): void {
  fn.set(dataTlb, get32(hart, 'dataTlbBase'));
  fn.set(dataContext, get64(hart, 'dataContext'));
  fn.set(fetchContext, get64(hart, 'fetchContext'));
}

/** pc of `entry` where it may be one past the page: places behind the page's entries fold back (see BLOCK). */
export function pcAfter({ fn, entry, block, page }: State): Expr {
  const place = fn.let(sub(entry, block));
  const offset = fn.let(shrU(sub(place, select(geU(place, i32(BLOCK.shadow)), i32(BLOCK.shadow), i32(0))), i32(2)));
  return add(page, extendU(sub(offset, select(gtU(offset, i32(PAGE_BYTES)), i32(PAGE_BYTES), i32(0)))));
}

/** pc of the instruction at `entry`. */
export const pcAt = ({ entry, block, page }: State): Expr =>
  add(page, extendU(and(shrU(sub(entry, block), i32(2)), i32(PAGE_BYTES - 1))));
