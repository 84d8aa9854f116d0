/** Exceptions of memory accesses, as generated code. */
import type { EngineContext } from './engine-context.ts';
import { set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import { add, eq, i32, select, shl } from './expr.ts';
import { ACCESS, CAUSE } from './stops.ts';
import { WALK_FAULT } from './table-entries.ts';
import type { Fn } from './wasm-module.ts';

/** `raise(hart, cause, tval)`: notes the exception that the current instruction ends with. */
export function defineRaise({ module }: EngineContext): Fn {
  const fn = module.fn('raise', ['i32', 'i32', 'i64']);
  set32(fn, fn.param(0), 'cause', fn.param(1));
  set64(fn, fn.param(0), 'tval', fn.param(2));
  return fn;
}

const pageFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchPage), add(i32(CAUSE.loadPage), shl(access, i32(1))));
const guestPageFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchGuestPage), add(i32(CAUSE.loadGuestPage), shl(access, i32(1))));
/** The access fault of an access: fetch, load, or store and atomic. */
export const accessFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchAccess), add(i32(CAUSE.loadAccess), shl(access, i32(1))));

/** Ends a function that gives 0 after a fault, if a walk has not found a translation. */
export function raiseWalkFault(fn: Fn, raise: Fn, hart: Expr, address: Expr, access: Expr, status: Local): void {
  fn.if(status, () => {
    const cause = select(eq(status, i32(WALK_FAULT.page)), pageFaultCause(access), accessFaultCause(access));
    fn.do(raise, hart, select(eq(status, i32(WALK_FAULT.guestPage)), guestPageFaultCause(access), cause), address);
    fn.return(i32(0));
  });
}
