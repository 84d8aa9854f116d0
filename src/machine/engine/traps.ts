/** Traps as generated code: entry with delegation, return, and which interrupt is to be taken (Privileged ISA 3.1.6 to 3.1.9, 12.1). */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, getCsr, hasBit, set32, set64, setCsr } from './engine-context.ts';
import type { Expr } from './expr.ts';
import { add, and, call, eq, eqz, extendU, geS, i32, i64, ltU, ne, or, select, shl, shrU, wrap, xor } from './expr.ts';
import type { Mmu } from './mmu.ts';
import { canVirtualize } from './page-walk.ts';
import { CAUSE, ENGINE_STOP } from './stops.ts';
import type { Fn } from './wasm-module.ts';

/** Bits of mstatus and sstatus. */
export const MSTATUS = {
  SIE: 1,
  MIE: 3,
  SPIE: 5,
  MPIE: 7,
  SPP: 8,
  MPP: 11,
  MPRV: 17,
  SUM: 18,
  MXR: 19,
  TVM: 20,
  TW: 21,
  TSR: 22,
} as const;

const INTERRUPT_BIT = 1n << 63n;
/** Order in which simultaneous interrupts are taken: MEI, MSI, MTI, SEI, SSI, STI (3.1.9). */
const PRIORITY = [11, 3, 7, 9, 1, 5];

export interface Traps {
  /** `takeTrap(hart, cause, isInterrupt, tval)` with the pc of the hart as epc. */
  readonly takeTrap: Fn;
  /** `pendingInterrupt(hart)`: cause of the interrupt to take now, or -1. */
  readonly pendingInterrupt: Fn;
  /** `trapReturn(hart, fromMachine)`: 1 if it is illegal in this mode. */
  readonly trapReturn: Fn;
}

const bit = (index: number) => 1n << BigInt(index);
/** `status` with bit `to` set to the value of bit `from`. */
const copyBit = (status: Expr, from: number, to: number): Expr =>
  or(and(status, i64(~bit(to))), shl(and(shrU(status, i64(from)), i64(1)), i64(to)));

/** Pending bits: those that software holds and the wires. */
export const pendingBits = (hart: Expr): Expr => or(getCsr(hart, 'mip'), extendU(get32(hart, 'wires')));

export function defineTraps(ctx: EngineContext, mmu: Mmu): Traps {
  const pendingInterrupt = definePendingInterrupt(ctx);
  return {
    takeTrap: defineTakeTrap(ctx, mmu),
    pendingInterrupt,
    trapReturn: defineTrapReturn(ctx, mmu, pendingInterrupt),
  };
}

function defineTakeTrap(ctx: EngineContext, mmu: Mmu): Fn {
  const { module, config } = ctx;
  const fn = module.fn('takeTrap', ['i32', 'i32', 'i32', 'i64']);
  const [hart, cause, isInterrupt, tval] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const privilege = fn.let(get32(hart, 'privilege'));
  const epc = fn.let(get64(hart, 'pc'));
  const status = fn.let(getCsr(hart, 'mstatus'));
  const causeValue = fn.let(or(extendU(cause), select(isInterrupt, i64(INTERRUPT_BIT), i64(0))));
  const delegation = select(isInterrupt, getCsr(hart, 'mideleg'), getCsr(hart, 'medeleg'));
  const byRegister = and(ltU(privilege, i32(3)), wrap(and(shrU(delegation, extendU(cause)), i64(1))));
  // What a virtualized hart takes at all, its guest takes: the rest has gone to the host.
  const delegated = canVirtualize(ctx) ? or(get32(hart, 'virtualization'), byRegister) : byRegister;
  const vector = fn.local('i64');

  const enter = (level: 's' | 'm', into: number) => {
    setCsr(fn, hart, `${level}epc`, epc);
    setCsr(fn, hart, `${level}cause`, causeValue);
    setCsr(fn, hart, `${level}tval`, tval);
    set32(fn, hart, 'privilege', i32(into));
    fn.set(vector, getCsr(hart, `${level}tvec`));
  };
  fn.if(
    delegated,
    () => {
      enter('s', 1);
      const saved = and(copyBit(status, MSTATUS.SIE, MSTATUS.SPIE), i64(~(bit(MSTATUS.SIE) | bit(MSTATUS.SPP))));
      setCsr(fn, hart, 'mstatus', or(saved, shl(extendU(privilege), i64(MSTATUS.SPP))));
    },
    () => {
      enter('m', 3);
      const saved = and(copyBit(status, MSTATUS.MIE, MSTATUS.MPIE), i64(~(bit(MSTATUS.MIE) | (3n << 11n))));
      setCsr(fn, hart, 'mstatus', or(saved, shl(extendU(privilege), i64(MSTATUS.MPP))));
    },
  );
  const vectored = and(isInterrupt, wrap(and(vector, i64(1))));
  const target = fn.let(add(and(vector, i64(-4)), select(vectored, shl(extendU(cause), i64(2)), i64(0))));
  set64(fn, hart, 'pc', target);
  fn.do(mmu.updateContext, hart);
  // A trap takes time even where no instruction retires, so that a run always reaches its deadline.
  set32(fn, hart, 'extraCycles', add(get32(hart, 'extraCycles'), i32(config.core.cycles.system)));

  // The handler itself cannot be fetched, in the mode that the trap enters: this repeats for ever.
  const fetchFault = or(eq(cause, i32(CAUSE.fetchAccess)), eq(cause, i32(CAUSE.fetchPage)));
  const sameMode = eq(privilege, get32(hart, 'privilege'));
  const repeats = and(and(fetchFault, eqz(isInterrupt)), and(eq(target, epc), sameMode));
  fn.if(repeats, () => set32(fn, hart, 'stop', i32(ENGINE_STOP.stuck)));
  return fn;
}

function definePendingInterrupt(ctx: EngineContext): Fn {
  const { module } = ctx;
  const fn = module.fn('pendingInterrupt', ['i32'], ['i32']);
  const hart = fn.param(0);
  const pending = fn.let(and(pendingBits(hart), getCsr(hart, 'mie')));
  fn.if(eqz(pending), () => fn.return(i32(-1)));
  const status = fn.let(getCsr(hart, 'mstatus'));
  const privilege = fn.let(get32(hart, 'privilege'));
  const delegation = fn.let(getCsr(hart, 'mideleg'));
  const toMachine = and(pending, xor(delegation, i64(-1)));
  const real = canVirtualize(ctx) ? eqz(get32(hart, 'virtualization')) : i32(1);
  const machineOn = and(real, or(ltU(privilege, i32(3)), hasBit(status, MSTATUS.MIE)));
  const supervisorOn = or(eqz(privilege), and(eq(privilege, i32(1)), hasBit(status, MSTATUS.SIE)));
  const chosen = fn.let(select(machineOn, toMachine, i64(0)));
  fn.if(eqz(chosen), () => fn.set(chosen, select(supervisorOn, and(pending, delegation), i64(0))));
  for (const cause of PRIORITY) fn.if(hasBit(chosen, cause), () => fn.return(i32(cause)));
  fn.return(i32(-1));
  fn.unreachable();
  return fn;
}

function defineTrapReturn({ module }: EngineContext, mmu: Mmu, pendingInterrupt: Fn): Fn {
  const fn = module.fn('trapReturn', ['i32', 'i32'], ['i32']);
  const [hart, fromMachine] = [fn.param(0), fn.param(1)];
  const privilege = fn.let(get32(hart, 'privilege'));
  const status = fn.let(getCsr(hart, 'mstatus'));
  const mprv = i64(~bit(MSTATUS.MPRV));
  fn.if(
    fromMachine,
    () => {
      fn.if(ltU(privilege, i32(3)), () => fn.return(i32(1)));
      const to = fn.let(wrap(and(shrU(status, i64(MSTATUS.MPP)), i64(3))));
      fn.set(status, or(copyBit(status, MSTATUS.MPIE, MSTATUS.MIE), i64(bit(MSTATUS.MPIE))));
      fn.set(status, and(status, i64(~(3n << 11n))));
      fn.if(ne(to, i32(3)), () => fn.set(status, and(status, mprv)));
      set32(fn, hart, 'privilege', to);
      set64(fn, hart, 'pc', getCsr(hart, 'mepc'));
    },
    () => {
      const forbidden = and(eq(privilege, i32(1)), hasBit(status, MSTATUS.TSR));
      fn.if(or(eqz(privilege), forbidden), () => fn.return(i32(1)));
      set32(fn, hart, 'privilege', wrap(and(shrU(status, i64(MSTATUS.SPP)), i64(1))));
      fn.set(status, or(copyBit(status, MSTATUS.SPIE, MSTATUS.SIE), i64(bit(MSTATUS.SPIE))));
      fn.set(status, and(and(status, i64(~bit(MSTATUS.SPP))), mprv));
      set64(fn, hart, 'pc', getCsr(hart, 'sepc'));
    },
  );
  setCsr(fn, hart, 'mstatus', status);
  fn.do(mmu.updateContext, hart);
  fn.if(geS(call(pendingInterrupt, hart), i32(0)), () => set32(fn, hart, 'stop', i32(ENGINE_STOP.again)));
  fn.return(i32(0));
  fn.unreachable();
  return fn;
}
