/**
 * Traps of virtualized harts as generated code: which exceptions go to the host, and the calls by which the host does what it was
 * stopped for. A deprivileged guest takes nothing by itself; with two stages `medeleg` decides, as `hedeleg` would, and guest-page faults
 * are always the host's (Privileged ISA, hypervisor extension: `hedeleg`, "Guest-Page Faults").
 */
import { CSR_OUTCOME } from '../virtualization-types.ts';
import type { Csrs } from './csrs.ts';
import { CSR_ACTION } from './csrs.ts';
import type { EngineContext } from './engine-context.ts';
import { bump, get32, get64, getCsr, set32, set64 } from './engine-context.ts';
import {
  add,
  and,
  call,
  cond,
  eq,
  eqz,
  extendU,
  geU,
  i32,
  i64,
  load,
  load32,
  load64,
  ne,
  or,
  remU,
  select,
  shl,
  shrU,
  sub,
  wrap,
} from './expr.ts';
import { BLOCK, ENTRY, HART, PAGE_BYTES } from './layout.ts';
import { isVirtualized } from './page-walk.ts';
import { CAUSE, ENGINE_STOP } from './stops.ts';
import type { Traps } from './traps.ts';
import type { Fn } from './wasm-module.ts';

/** What TypeScript calls for a virtualized hart, between runs. It keeps the clock then: what these take is charged there. */
export interface HostTraps {
  /** `hostTrap(hart, entry)`: the engine stop that the pending exception comes to, or 0 if the hart takes it itself. */
  readonly hostTrap: Fn;
  /** `enterTrap(hart, cause, isInterrupt, tvalLow, tvalHigh)`: 1 if the hart can never go on. */
  readonly enterTrap: Fn;
  /** `reflectTrap(hart)`: the same with the exception that went to the host. */
  readonly reflectTrap: Fn;
  /** `retireTrapped(hart)`. */
  readonly retireTrapped: Fn;
  /** `emulateSret(hart)`: 1 if it is illegal at the hart's privilege. */
  readonly emulateSret: Fn;
  /** `emulateCsr(hart, action, isImmediate, cycleLow, cycleHigh)`: a `CSR_OUTCOME`. */
  readonly emulateCsr: Fn;
}

export function defineHostTraps(ctx: EngineContext, traps: Traps, csrs: Csrs): HostTraps {
  const enterTrap = defineEnterTrap(ctx, traps);
  const retireTrapped = defineRetireTrapped(ctx);
  return {
    hostTrap: defineHostTrap(ctx),
    enterTrap,
    reflectTrap: defineReflectTrap(ctx, enterTrap),
    retireTrapped,
    emulateSret: defineEmulateSret(ctx, traps),
    emulateCsr: defineEmulateCsr(ctx, csrs, retireTrapped),
  };
}

function defineHostTrap({ module, plan }: EngineContext): Fn {
  const fn = module.fn('hostTrap', ['i32', 'i32'], ['i32']);
  const [hart, entry] = [fn.param(0), fn.param(1)];
  fn.if(eqz(get32(hart, 'virtualization')), () => fn.return(i32(0)));
  const cause = fn.let(get32(hart, 'cause'));
  const isStage = fn.let(geU(cause, i32(CAUSE.fetchGuestPage)));
  const delegated = wrap(and(shrU(getCsr(hart, 'medeleg'), extendU(cause)), i64(1)));
  const takesItself = and(and(isVirtualized(hart, 'twoStage'), eqz(isStage)), delegated);
  fn.if(takesItself, () => fn.return(i32(0)));

  set64(fn, hart, 'trapEntry', i64(0));
  set32(fn, hart, 'trapInsn', i32(0));
  const isFetch = [CAUSE.fetchAccess, CAUSE.fetchPage, CAUSE.fetchGuestPage].map((each) => eq(cause, i32(each)));
  fn.if(eqz(isFetch.reduce(or)), () => {
    const place = fn.let(remU(sub(entry, i32(plan.blocks)), i32(BLOCK.bytes)));
    const inPage = add(get32(hart, 'fetchRamPage'), and(shrU(place, i32(2)), i32(PAGE_BYTES - 1)));
    const straddling = load32(sub(entry, place), BLOCK.straddleWord);
    const word = fn.let(cond(eq(place, i32(BLOCK.straddle)), straddling, load32(inPage, plan.ram)));
    const isLong = eq(and(word, i32(3)), i32(3));
    set32(fn, hart, 'trapInsn', select(isLong, word, and(word, i32(0xffff))));
    set64(fn, hart, 'trapEntry', load64(entry));
  });
  fn.return(select(isStage, i32(ENGINE_STOP.secondStageFault), i32(ENGINE_STOP.guestTrap)));
  fn.unreachable();
  return fn;
}

function defineEnterTrap({ module }: EngineContext, traps: Traps): Fn {
  const fn = module.fn('enterTrap', ['i32', 'i32', 'i32', 'i32', 'i32'], ['i32']);
  const [hart, cause, isInterrupt, low, high] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3), fn.param(4)];
  const tval = or(extendU(low), shl(extendU(high), i64(32)));
  fn.do(traps.takeTrap, hart, cause, isInterrupt, tval);
  set32(fn, hart, 'extraCycles', i32(0));
  const stuck = fn.let(eq(get32(hart, 'stop'), i32(ENGINE_STOP.stuck)));
  set32(fn, hart, 'stop', i32(0));
  fn.return(stuck);
  fn.unreachable();
  return fn;
}

/** `ecall` of a deprivileged kernel comes as one from U-mode; to the guest it is what its virtual privilege makes it. */
function defineReflectTrap({ module }: EngineContext, enterTrap: Fn): Fn {
  const fn = module.fn('reflectTrap', ['i32'], ['i32']);
  const hart = fn.param(0);
  const cause = fn.let(get32(hart, 'cause'));
  fn.if(eq(cause, i32(CAUSE.userCall)), () => fn.set(cause, add(i32(CAUSE.userCall), get32(hart, 'privilege'))));
  const tval = fn.let(get64(hart, 'tval'));
  fn.return(call(enterTrap, hart, cause, i32(0), wrap(tval), wrap(shrU(tval, i64(32)))));
  fn.unreachable();
  return fn;
}

function defineRetireTrapped({ module }: EngineContext): Fn {
  const fn = module.fn('retireTrapped', ['i32']);
  const hart = fn.param(0);
  const isLong = eq(and(get32(hart, 'trapInsn'), i32(3)), i32(3));
  set64(fn, hart, 'pc', add(get64(hart, 'pc'), select(isLong, i64(4), i64(2))));
  bump(fn, hart, 'retired', i64(1));
  return fn;
}

function defineEmulateSret({ module }: EngineContext, traps: Traps): Fn {
  const fn = module.fn('emulateSret', ['i32'], ['i32']);
  const hart = fn.param(0);
  fn.if(call(traps.trapReturn, hart, i32(0)), () => fn.return(i32(1)));
  set32(fn, hart, 'stop', i32(0));
  bump(fn, hart, 'retired', i64(1));
  fn.return(i32(0));
  fn.unreachable();
  return fn;
}

function defineEmulateCsr({ module }: EngineContext, csrs: Csrs, retireTrapped: Fn): Fn {
  const fn = module.fn('emulateCsr', ['i32', 'i32', 'i32', 'i32', 'i32'], ['i32']);
  const [hart, action, isImmediate] = [fn.param(0), fn.param(1), fn.param(2)];
  const [low, high] = [fn.param(3), fn.param(4)];
  const field = (offset: number) => load('i32', 'u8', hart, HART.trapEntry + offset);
  // The rs1 field: offset of the register, or 8 times the immediate.
  const rs1 = fn.let(field(ENTRY.rs1));
  const operand = cond(isImmediate, extendU(shrU(rs1, i32(3))), load64(add(hart, rs1), HART.regs));
  const writes = or(eq(action, i32(CSR_ACTION.write)), ne(rs1, i32(0)));
  set64(fn, hart, 'now', or(extendU(low), shl(extendU(high), i64(32))));
  set64(fn, hart, 'nowRetired', get64(hart, 'retired'));
  const illegal = call(csrs.access, hart, load32(hart, HART.trapEntry + ENTRY.imm), action, operand, writes);
  fn.if(illegal, () => fn.return(i32(CSR_OUTCOME.illegal)));
  fn.store(64, add(hart, shl(field(ENTRY.rd), i32(3))), get64(hart, 'csrValue'), HART.regs);
  fn.do(retireTrapped, hart);
  const timerChanged = fn.let(eq(get32(hart, 'stop'), i32(ENGINE_STOP.timerChanged)));
  // That an interrupt may be taken now is looked at by the next run.
  set32(fn, hart, 'stop', i32(0));
  fn.return(select(timerChanged, i32(CSR_OUTCOME.timerChanged), i32(CSR_OUTCOME.done)));
  fn.unreachable();
  return fn;
}
