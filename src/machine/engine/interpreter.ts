/**
 * The interpreter: one generated function that executes predecoded entries in a dispatch loop until its cycles are used up
 * or something needs TypeScript. Its handlers come from the semantics of the instruction table.
 *
 * What it keeps in locals: the entry pointer (from which pc follows), the page and its block, cycles left, instructions
 * retired. Exactness: the cycles left are compared after each instruction, so a run ends at the first instruction boundary
 * at or after its deadline; an instruction that faults or needs a device changes nothing before it leaves.
 */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, getGlobal, pageOf, set32, set64, setGlobal } from './engine-context.ts';
import type { Expr } from './expr.ts';
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendS,
  extendU,
  geS,
  i32,
  i64,
  leS,
  load,
  load32,
  load64,
  ltU,
  ne,
  or,
  shl,
  shrU,
  sub,
  wrap,
} from './expr.ts';
import type { InsnHandler } from './handlers.ts';
import { INSN_HANDLERS, SPECIAL_HANDLERS } from './handlers.ts';
import { InterpreterBuilder } from './interpreter-builder.ts';
import type { Parts, State, Ways } from './interpreter-state.ts';
import { chargeExtra, pcAfter, reloadContext, STOP_AFTER } from './interpreter-state.ts';
import { ENTRY, HART, STORE_LOG, TLB } from './layout.ts';
import { logStore } from './memory-writes.ts';
import { canVirtualize, isVirtualized } from './page-walk.ts';
import { SPECIAL } from './special-handlers.ts';
import { ENGINE_STOP } from './stops.ts';
import { ramPageOf, tlbOffset } from './tlb.ts';
import type { Fn, Label } from './wasm-module.ts';

/** Most cycles that one call of `run` may be given. */
export const RUN_CYCLES_MAX = 1 << 28;

/** `run(hart, cycles, resume)`: gives an engine stop. `resume` continues an instruction whose fetch has been made. */
export function defineRun(parts: Parts): Fn {
  const { ctx, traps } = parts;
  const fn = ctx.module.fn('run', ['i32', 'i32', 'i32'], ['i32']);
  const [hart, cycles, resume] = [fn.param(0), fn.param(1), fn.param(2)];
  const state: State = {
    fn,
    hart,
    left: fn.let(cycles),
    retired: fn.local('i32'),
    entryCycle: fn.let(add(getGlobal('cycle'), extendS(cycles))),
    entry: fn.local('i32'),
    block: fn.local('i32'),
    page: fn.local('i64'),
    pc: fn.let(get64(hart, 'pc')),
    reason: fn.local('i32'),
    dataContext: fn.local('i64'),
    dataTlb: fn.local('i32'),
    fetchContext: fn.local('i64'),
  };
  fn.block((exit) => {
    fn.if(eqz(resume), () => {
      const interrupt = fn.let(call(traps.pendingInterrupt, hart));
      fn.if(geS(interrupt, i32(0)), () => {
        set32(fn, hart, 'cause', interrupt);
        if (canVirtualize(ctx)) {
          fn.if(isVirtualized(hart, 'deprivileged'), () => {
            fn.set(state.reason, i32(ENGINE_STOP.guestInterrupt));
            fn.br(exit);
          });
        }
        fn.do(traps.takeTrap, hart, interrupt, i32(1), i64(0));
        chargeExtra(state);
        fn.set(state.pc, get64(hart, 'pc'));
        fn.set(state.reason, i32(ENGINE_STOP.interruptTaken));
        fn.br(exit);
      });
    });
    set64(fn, hart, 'entryCycle', state.entryCycle);
    reloadContext(state);
    fn.set(state.page, get64(hart, 'fetchPage'));
    fn.set(state.block, load32(shrU(get32(hart, 'fetchRamPage'), i32(10)), ctx.plan.blockTable));
    fn.loop((fetch) => {
      fn.block((fault) => {
        findPage(parts, state, resume, { fetch, fault, exit });
        fn.block((budget) => {
          fn.loop((next) => dispatchEntry(parts, state, { next, budget, fetch, fault, exit }));
        });
        leaveOnBudget(ctx, state, cycles, fetch, exit);
      });
      takeFault(parts, state, fetch, exit);
    });
  });
  writeBack(state, cycles);
  fn.return(state.reason);
  fn.unreachable();
  return fn;
}

/** The head of the fetch loop: ends the run on used-up cycles, else finds block and entry of `pc`. */
function findPage({ ctx, mmu }: Parts, state: State, resume: Expr, ways: Pick<Ways, 'fetch' | 'fault' | 'exit'>): void {
  const { fn, hart, left, entry, block, page, pc, reason, fetchContext } = state;
  fn.if(and(leS(left, i32(0)), eqz(resume)), () => {
    fn.set(reason, i32(ENGINE_STOP.budget));
    fn.br(ways.exit);
  });
  // Only the first fetch of a run can continue one.
  if (resume.kind === 'local') fn.set(resume, i32(0));
  fn.if(ne(pageOf(pc), page), () => {
    const slot = fn.let(add(add(get32(hart, 'fetchTlbBase'), i32(HART.fetchTlb)), tlbOffset(ctx, pc)));
    const hit = eq(load64(slot, TLB.fastRead), or(pageOf(pc), fetchContext));
    fn.if(
      hit,
      () => {
        fn.set(block, load32(slot, TLB.block));
        set64(fn, hart, 'fetchPage', pageOf(pc));
        set32(fn, hart, 'fetchRamPage', ramPageOf(slot));
      },
      () => {
        fn.set(block, call(mmu.fetchSlow, hart, pc));
        chargeExtra(state);
        fn.set(page, get64(hart, 'fetchPage'));
        fn.brIf(ways.fault, eqz(block));
      },
    );
    fn.set(page, pageOf(pc));
  });
  fn.if(eqz(block), () => {
    set32(fn, hart, 'stop', i32(ENGINE_STOP.block));
    fn.br(ways.fault);
  });
  fn.set(entry, add(block, shl(and(wrap(pc), i32(0xffe)), i32(2))));
}

/** The cycles are used up after an instruction, or it asks for more than the next one: `entry` is that. */
function leaveOnBudget({ plan }: EngineContext, state: State, cycles: Expr, fetch: Label, exit: Label): void {
  const { fn, hart, left, retired, reason, pc } = state;
  fn.set(pc, pcAfter(state));
  fn.set(reason, get32(hart, 'stop'));
  fn.if(reason, () => {
    fn.set(left, add(left, i32(STOP_AFTER)));
    set32(fn, hart, 'stop', i32(0));
    fn.if(eq(reason, i32(ENGINE_STOP.watchedStore)), () => {
      const count = logStore(fn, plan, { hart, pc, spentCycles: sub(cycles, left), retiredInsns: retired });
      fn.brIf(fetch, ltU(count, i32(STORE_LOG.capacity)));
    });
  });
  fn.br(exit);
}

function takeFault({ traps, hostTrap }: Parts, state: State, fetch: Label, exit: Label): void {
  const { fn, hart, entry, page, pc, reason } = state;
  set64(fn, hart, 'pc', pc);
  const leave = () => {
    fn.set(reason, get32(hart, 'stop'));
    fn.if(reason, () => {
      set32(fn, hart, 'stop', i32(0));
      fn.set(pc, get64(hart, 'pc'));
      fn.br(exit);
    });
  };
  leave();
  if (hostTrap) {
    fn.set(reason, call(hostTrap, hart, entry));
    fn.brIf(exit, reason);
  }
  fn.do(traps.takeTrap, hart, get32(hart, 'cause'), i32(0), get64(hart, 'tval'));
  chargeExtra(state);
  leave();
  reloadContext(state);
  fn.set(page, i64(-1));
  fn.set(pc, get64(hart, 'pc'));
  fn.br(fetch);
}

function writeBack({ fn, hart, pc, entry, retired, left }: State, cycles: Expr): void {
  set64(fn, hart, 'pc', pc);
  set32(fn, hart, 'entryPointer', entry);
  set64(fn, hart, 'retired', add(get64(hart, 'retired'), extendU(retired)));
  setGlobal(fn, 'retiredInsns', retired);
  setGlobal(fn, 'spentCycles', sub(cycles, left));
}

/** One turn of the dispatch loop: a branch table over nested blocks, a handler after each. */
function dispatchEntry(parts: Parts, state: State, ways: Ways): void {
  const { fn, entry } = state;
  const handlers: (() => void)[] = [
    ...SPECIAL_HANDLERS.map((name) => () => SPECIAL[name](parts, state, ways)),
    ...INSN_HANDLERS.map((handler) => () => insnHandler(parts, state, ways, handler)),
  ];
  fn.switch(load('i32', 'u16', entry, ENTRY.handler), handlers.length, (which) => handlers[which]?.());
}

function insnHandler(parts: Parts, state: State, ways: Ways, handler: InsnHandler): void {
  const builder = new InterpreterBuilder(parts, state, ways, handler);
  handler.insn.semantics(builder);
  builder.finish();
}
