/** What a hart's state says of its accesses, as generated code: whose translations they use, and which TLB. */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, getCsr, hasBit, set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import { add, and, cond, eq, eqz, extendU, geU, i32, i64, ltU, ne, or, select, shl, shrU, sub, wrap } from './expr.ts';
import { BARE_TLBS } from './layout.ts';
import { CONTEXT, canVirtualize, isVirtualized } from './page-walk.ts';
import type { Fn } from './wasm-module.ts';

/** `updateContext(hart)`: after any change of privilege, translation, or what either depends on. */
export function defineUpdateContext(ctx: EngineContext): Fn {
  const fn = ctx.module.fn('updateContext', ['i32']);
  const hart = fn.param(0);
  const status = fn.let(getCsr(hart, 'mstatus'));
  const privilege = fn.let(get32(hart, 'privilege'));
  const translated = fn.let(ne(shrU(getCsr(hart, 'satp'), i64(60)), i64(0)));
  const vmid = fn.local('i32');
  if (canVirtualize(ctx)) {
    fn.if(isVirtualized(hart, 'deprivileged'), () => {
      enterDeprivilegedContext(fn, hart, privilege);
      fn.return();
    });
    fn.set(vmid, i32(0));
    fn.if(isVirtualized(hart, 'twoStage'), () => {
      fn.set(translated, i32(1));
      fn.set(vmid, shl(and(wrap(shrU(get64(hart, 'hgatp'), i64(44))), i32(0x1f)), i32(CONTEXT.vmidShift)));
    });
  }
  const tagged = (context: Expr) => extendU(canVirtualize(ctx) ? or(context, vmid) : context);
  const kindOf = (level: Expr) =>
    cond(eq(level, i32(3)), i32(CONTEXT.machine), cond(translated, sub(i32(CONTEXT.user), level), i32(CONTEXT.bare)));
  set64(fn, hart, 'fetchContext', tagged(shl(kindOf(privilege), i32(CONTEXT.shift))));
  const mprv = and(eq(privilege, i32(3)), hasBit(status, 17));
  const mpp = and(wrap(shrU(status, i64(11))), i32(3));
  const effective = fn.let(select(mprv, mpp, privilege));
  const kind = fn.let(kindOf(effective));
  const sum = shl(and(hasBit(status, 18), eq(kind, i32(CONTEXT.supervisor))), i32(5));
  const mxr = shl(and(hasBit(status, 19), geU(kind, i32(CONTEXT.supervisor))), i32(6));
  set64(fn, hart, 'dataContext', tagged(or(shl(kind, i32(CONTEXT.shift)), or(sum, mxr))));
  const tlbBase = (of: Expr) => add(hart, shl(ltU(of, i32(CONTEXT.supervisor)), i32(Math.log2(BARE_TLBS))));
  set32(fn, hart, 'dataTlbBase', tlbBase(kind));
  const open = cond(eqz(kind), get32(hart, 'pmpMachineOpen'), and(eq(kind, i32(CONTEXT.bare)), get32(hart, 'pmpOpen')));
  set32(fn, hart, 'directMemory', open);
  set32(fn, hart, 'fetchTlbBase', tlbBase(kindOf(privilege)));
  set64(fn, hart, 'fetchPage', i64(-1));
  return fn;
}

/** All of a deprivileged guest is in U-mode, on the root and in the space that the host has set for its virtual privilege. */
function enterDeprivilegedContext(fn: Fn, hart: Expr, privilege: Local): void {
  set64(fn, hart, 'realRoot', select(privilege, get64(hart, 'supervisorRoot'), get64(hart, 'userRoot')));
  const space = select(privilege, get32(hart, 'supervisorSpace'), get32(hart, 'userSpace'));
  const context = fn.let(extendU(or(i32(CONTEXT.user << CONTEXT.shift), shl(space, i32(CONTEXT.spaceShift)))));
  set64(fn, hart, 'fetchContext', context);
  set64(fn, hart, 'dataContext', context);
  set32(fn, hart, 'dataTlbBase', hart);
  set32(fn, hart, 'fetchTlbBase', hart);
  set32(fn, hart, 'directMemory', i32(0));
  set64(fn, hart, 'fetchPage', i64(-1));
}
