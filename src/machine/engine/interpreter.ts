/**
 * The interpreter: one generated function that executes predecoded entries in a dispatch loop until its cycles are used up
 * or something needs TypeScript. Its handlers come from the semantics of the instruction table.
 *
 * What it keeps in locals: the entry pointer (from which pc follows), the page and its block, cycles left, instructions
 * retired. Exactness: the cycles left are compared after each instruction, so a run ends at the first instruction boundary
 * at or after its deadline; an instruction that faults or needs a device changes nothing before it leaves.
 */
import type { InsnBuilder, SystemOp } from '../isa/insn-builder.ts';
import type { Csrs } from './csrs.ts';
import { CSR_ACTION } from './csrs.ts';
import type { EngineContext } from './engine-context.ts';
import { get32, get64, getCsr, getGlobal, hasBit, pageOf, set32, set64, setGlobal } from './engine-context.ts';
import type { Callable, Expr, LoadWidth, Local, StoreBits } from './expr.ts';
import {
  add,
  and,
  call,
  cond,
  eq,
  eqz,
  extendS,
  extendU,
  geS,
  geU,
  gtS,
  gtU,
  i32,
  i64,
  LOADS,
  leS,
  load,
  load32,
  load64,
  ltU,
  ne,
  or,
  STORES,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
} from './expr.ts';
import type { InsnHandler } from './handlers.ts';
import { INSN_HANDLERS, SPECIAL_HANDLERS } from './handlers.ts';
import { BLOCK, ENTRIES_PER_PAGE, ENTRY, HART, PAGE_BYTES, REGION, TLB } from './layout.ts';
import type { Mmu } from './mmu.ts';
import { ACCESS_KIND, ramPageOf, tlbOffset } from './mmu.ts';
import { canVirtualize, isVirtualized } from './page-walk.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import type { Traps } from './traps.ts';
import { MSTATUS } from './traps.ts';
import type { Fn, Label } from './wasm-module.ts';

/** What a store that must be the last of its run takes off the cycles left; given back at the exit. Runs get fewer than this. */
const STOP_AFTER = 1 << 30;
/** Most cycles that one call of `run` may be given. */
export const RUN_CYCLES_MAX = 1 << 28;

const PAGE_SPAN = ENTRIES_PER_PAGE * ENTRY.bytes;

interface Parts {
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
interface State {
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
interface Ways {
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
        leaveOnBudget(state, exit);
      });
      takeFault(parts, state, fetch, exit);
    });
  });
  writeBack(state);
  fn.return(state.reason);
  fn.unreachable();
  return fn;
}

const chargeExtra = ({ fn, hart, left }: State): void => {
  fn.set(left, sub(left, get32(hart, 'extraCycles')));
  set32(fn, hart, 'extraCycles', i32(0));
};

function reloadContext({ fn, hart, dataContext, dataTlb, fetchContext }: State): void {
  fn.set(dataTlb, get32(hart, 'dataTlbBase'));
  fn.set(dataContext, get64(hart, 'dataContext'));
  fn.set(fetchContext, get64(hart, 'fetchContext'));
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

/** The cycles are used up after an instruction: `entry` is the next one. */
function leaveOnBudget(state: State, exit: Label): void {
  const { fn, hart, left, reason, pc } = state;
  fn.set(pc, pcAfter(state));
  fn.set(reason, get32(hart, 'stop'));
  fn.if(reason, () => {
    fn.set(left, add(left, i32(STOP_AFTER)));
    set32(fn, hart, 'stop', i32(0));
  });
  fn.br(exit);
}

/** pc of `entry` where it may be one past the page: places behind the page's entries fold back (see BLOCK). */
function pcAfter({ fn, entry, block, page }: State): Expr {
  const place = fn.let(sub(entry, block));
  const offset = fn.let(shrU(sub(place, select(geU(place, i32(BLOCK.shadow)), i32(BLOCK.shadow), i32(0))), i32(2)));
  return add(page, extendU(sub(offset, select(gtU(offset, i32(PAGE_BYTES)), i32(PAGE_BYTES), i32(0)))));
}

/** pc of the instruction at `entry`. */
const pcAt = ({ entry, block, page }: State): Expr =>
  add(page, extendU(and(shrU(sub(entry, block), i32(2)), i32(PAGE_BYTES - 1))));

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

function writeBack({ fn, hart, pc, entry, retired, entryCycle, left }: State): void {
  set64(fn, hart, 'pc', pc);
  set32(fn, hart, 'entryPointer', entry);
  const count = extendU(retired);
  set64(fn, hart, 'retired', add(get64(hart, 'retired'), count));
  setGlobal(fn, 'icount', add(getGlobal('icount'), count));
  setGlobal(fn, 'cycle', sub(entryCycle, extendS(left)));
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

/** A head that has been reported counts up from here, and so is not reported again while it waits to be compiled. */
const ALREADY_HOT = -(1 << 30);

const SPECIAL: Record<(typeof SPECIAL_HANDLERS)[number], (parts: Parts, state: State, ways: Ways) => void> = {
  undecoded: (_parts, state, ways) => {
    const { fn, entry, block, pc, reason } = state;
    // In the shadow only single entries are filled: everything after them stands in its own place.
    fn.if(geU(sub(entry, block), i32(BLOCK.shadow)), () => {
      fn.set(entry, sub(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    fn.set(pc, pcAt(state));
    fn.set(reason, i32(ENGINE_STOP.decode));
    fn.br(ways.exit);
  },
  /** A head that is not translated: counts how often it is reached. */
  probe: (_parts, state, ways) => {
    const { fn, entry, pc, reason } = state;
    const record = fn.let(load32(entry, ENTRY.imm));
    const count = fn.let(add(load32(record, REGION.count), i32(1)));
    fn.store(32, record, count, REGION.count);
    fn.if(geS(count, getGlobal('hotCount', 'u32')), () => {
      fn.store(32, record, i32(ALREADY_HOT), REGION.count);
      fn.set(pc, pcAt(state));
      fn.set(reason, i32(ENGINE_STOP.hot));
      fn.br(ways.exit);
    });
    fn.set(entry, add(entry, i32(BLOCK.shadow)));
    fn.br(ways.next);
  },
  /** The head of a translated region: run it if it is still right here and the deadline is far enough. */
  region: ({ ctx, region }, state, ways) => {
    const { fn, hart, left, retired, entry, page, pc } = state;
    const record = fn.let(load32(entry, ENTRY.imm));
    const generations = shrU(get32(hart, 'fetchRamPage'), i32(10));
    const current = eq(load32(generations, ctx.plan.pageGenerations), load32(record, REGION.generation));
    fn.if(eqz(current), () => {
      fn.store(16, entry, i32(SPECIAL_HANDLERS.indexOf('probe')), ENTRY.handler);
      fn.store(32, record, load32(record, REGION.restart), REGION.count);
      fn.set(entry, add(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    const fits = eq(get32(hart, 'directMemory'), load32(record, REGION.variant));
    fn.if(eqz(fits), () => {
      // Code that has come to be used otherwise, such as a kernel's after it has turned translation on, gets hot again.
      const count = fn.let(add(load32(record, REGION.count), i32(1)));
      fn.store(32, record, count, REGION.count);
      fn.if(geS(count, getGlobal('hotCount', 'u32')), () => {
        fn.store(16, entry, i32(SPECIAL_HANDLERS.indexOf('probe')), ENTRY.handler);
        fn.store(32, record, i32(0), REGION.count);
      });
      fn.set(entry, add(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    fn.if(geS(left, load32(record, REGION.budget)), () => {
      const balance = fn.let(shl(extendS(left), i64(32)));
      set32(fn, hart, 'runRetired', retired);
      fn.callIndirect(balance, region, load32(record, REGION.table), hart, balance, page);
      fn.set(left, wrap(shrS(balance, i64(32))));
      const progress = fn.let(wrap(balance));
      // A region that left before its first instruction wants that one interpreted.
      fn.if(progress, () => {
        fn.set(retired, add(retired, progress));
        // Nothing in a run that nobody measures.
        if (ctx.config.meter) setGlobal(fn, 'translated', add(getGlobal('translated'), extendU(progress)));
        fn.set(pc, get64(hart, 'pc'));
        fn.br(ways.fetch);
      });
    });
    fn.set(entry, add(entry, i32(BLOCK.shadow)));
    fn.br(ways.next);
  },
  illegal: (_parts, state, ways) => {
    const { fn, hart, entry, pc } = state;
    fn.set(pc, pcAt(state));
    set32(fn, hart, 'cause', i32(CAUSE.illegal));
    set64(fn, hart, 'tval', extendU(load32(entry, ENTRY.imm)));
    fn.br(ways.fault);
  },
  pageEnd: (_parts, state, ways) => {
    const { fn, pc } = state;
    fn.set(pc, pcAfter(state));
    fn.br(ways.fetch);
  },
  /** The second half lies in the next page: fetch it through the TLB and see whether its decoding still stands. */
  straddle: ({ ctx, mmu }, state, ways) => {
    const { fn, hart, entry, block, page, pc } = state;
    fn.set(pc, pcAt(state));
    const second = fn.let(call(mmu.fetchLookup, hart, add(page, i64(PAGE_BYTES))));
    chargeExtra(state);
    fn.brIf(ways.fault, eqz(second));
    const low = load('i32', 'u16', get32(hart, 'fetchRamPage'), ctx.plan.ram + PAGE_BYTES - 2);
    const high = load('i32', 'u16', ramPageOf(second), ctx.plan.ram);
    const word = fn.let(or(low, shl(high, i32(16))));
    fn.set(entry, add(block, i32(BLOCK.straddle)));
    fn.if(ne(word, load32(block, BLOCK.straddleWord)), () => {
      fn.store(32, block, word, BLOCK.straddleWord);
      set32(fn, hart, 'stop', i32(ENGINE_STOP.decode));
      fn.br(ways.fault);
    });
    fn.br(ways.next);
  },
};

function insnHandler(parts: Parts, state: State, ways: Ways, handler: InsnHandler): void {
  const builder = new InterpreterBuilder(parts, state, ways, handler);
  handler.insn.semantics(builder);
  builder.finish();
}

/** Writes one handler. Operands are read from the entry when first used. */
class InterpreterBuilder implements InsnBuilder {
  readonly #parts: Parts;
  readonly #state: State;
  readonly #ways: Ways;
  readonly #handler: InsnHandler;
  readonly #operands = new Map<string, Local>();
  #left = false;

  constructor(parts: Parts, state: State, ways: Ways, handler: InsnHandler) {
    this.#parts = parts;
    this.#state = state;
    this.#ways = ways;
    this.#handler = handler;
  }

  get rs1(): Expr {
    return this.#operand('rs1', () => this.#register(load('i32', 'u8', this.#state.entry, ENTRY.rs1)));
  }

  get rs2(): Expr {
    return this.#operand('rs2', () => this.#register(load('i32', 'u8', this.#state.entry, ENTRY.imm)));
  }

  get imm(): Expr {
    const word = load('i64', 's32', this.#state.entry, ENTRY.imm);
    return this.#operand('imm', () => (this.#hasRs2() ? shrS(word, i64(8)) : word));
  }

  get uimm(): Expr {
    return this.#operand('uimm', () => extendU(shrU(load('i32', 'u8', this.#state.entry, ENTRY.rs1), i32(3))));
  }

  get pc(): Expr {
    return this.#operand('pc', () => pcAt(this.#state));
  }

  let(value: Expr): Expr {
    return this.#state.fn.let(value);
  }

  setRd(value: Expr): void {
    const { fn, hart, entry } = this.#state;
    // The value is evaluated into a local first where it is not one already, to keep the address off the value's path.
    const slot = add(hart, shl(load('i32', 'u8', entry, ENTRY.rd), i32(3)));
    fn.store(64, slot, value, HART.regs);
  }

  branch(test: Expr): void {
    const { fn } = this.#state;
    fn.if(test, () => this.#goRelative());
  }

  jumpRelative(): void {
    this.#link();
    this.#goRelative();
    this.#left = true;
  }

  jumpIndirect(target: Expr): void {
    const { fn, entry, block, page, pc } = this.#state;
    const to = fn.let(target);
    this.#link();
    this.#retire();
    fn.if(eq(pageOf(to), page), () => {
      fn.set(entry, add(block, shl(and(wrap(to), i32(0xffe)), i32(2))));
      this.#next();
    });
    fn.set(pc, to);
    fn.br(this.#ways.fetch);
    this.#left = true;
  }

  load(width: LoadWidth, address: Expr): Expr {
    const { fn, hart } = this.#state;
    const { log2 } = LOADS[width];
    const signed = width.startsWith('s') ? ACCESS_KIND.signed : 0;
    const to = fn.let(address);
    const host = this.#hostAddress(to, log2, 'fastRead', false, () =>
      call(this.#parts.mmu.loadSlow, hart, to, i32(log2 | signed)),
    );
    return this.let(load('i64', width, host));
  }

  store(bits: StoreBits, address: Expr, value: Expr): void {
    const { fn, hart, left } = this.#state;
    const { log2 } = STORES[bits];
    const to = fn.let(address);
    const slot = this.#slot(to);
    const stored = fn.let(value);
    fn.ifRarely(
      this.#misses(to, slot, log2, 'fastWrite', false),
      () => {
        const status = fn.let(call(this.#parts.mmu.storeSlow, hart, to, stored, i32(log2)));
        chargeExtra(this.#state);
        this.#faultIf(eq(status, i32(1)));
        // Status 2, done and stop: makes the cycles left negative, so that the run ends after this instruction.
        fn.set(left, sub(left, shl(status, i32(29))));
      },
      () => fn.store(bits, add(wrap(to), load32(slot, HART.dataTlb + TLB.addend)), stored),
    );
  }

  atomic(bits: 32 | 64, address: Expr, update: (old: Expr) => Expr): Expr {
    const host = this.#atomicHost(bits, address, ACCESS.write);
    const old = this.let(load('i64', bits === 32 ? 's32' : 'u64', host));
    this.#state.fn.store(bits, host, update(old));
    return old;
  }

  loadReserved(bits: 32 | 64, address: Expr): Expr {
    const { fn, hart } = this.#state;
    const host = this.#atomicHost(bits, address, ACCESS.read);
    set32(fn, hart, 'reservation', sub(host, i32(this.#parts.ctx.plan.ram)));
    return this.let(load('i64', bits === 32 ? 's32' : 'u64', host));
  }

  storeConditional(bits: 32 | 64, address: Expr, value: Expr): Expr {
    const { fn, hart } = this.#state;
    const stored = this.let(value);
    const host = this.#atomicHost(bits, address, ACCESS.write);
    const failed = fn.let(ne(get32(hart, 'reservation'), sub(host, i32(this.#parts.ctx.plan.ram))));
    fn.if(eqz(failed), () => fn.store(bits, host, stored));
    set32(fn, hart, 'reservation', i32(-1));
    return extendU(failed);
  }

  csr(action: 'write' | 'set' | 'clear', operand: Expr): void {
    const { fn, hart, entry, entryCycle, left, retired } = this.#state;
    const index = load32(entry, ENTRY.imm);
    // `set` and `clear` write only if the rs1 field is not zero, whatever the register holds (6.1).
    const writes = action === 'write' ? i32(1) : ne(load('i32', 'u8', entry, ENTRY.rs1), i32(0));
    this.#sensitiveIf((deprivileged) => and(deprivileged, call(this.#parts.csrs.hidden, hart, index, writes)));
    set64(fn, hart, 'now', sub(entryCycle, extendS(left)));
    set64(fn, hart, 'nowRetired', add(get64(hart, 'retired'), extendU(retired)));
    const illegal = call(this.#parts.csrs.access, hart, index, i32(CSR_ACTION[action]), operand, writes);
    this.#illegalIf(illegal);
    this.setRd(get64(hart, 'csrValue'));
    this.#endWithNewContext();
  }

  system(op: SystemOp): void {
    const { fn, hart } = this.#state;
    const privilege = get32(hart, 'privilege');
    const status = getCsr(hart, 'mstatus');
    const supervisorTrapped = (bit: number) => and(eq(privilege, i32(1)), hasBit(status, bit));
    switch (op) {
      case 'fence':
        return;
      case 'fence.i':
        set64(fn, hart, 'fetchPage', i64(-1));
        this.#endWithNewContext();
        return;
      case 'sfence.vma': {
        this.#sensitiveIf((deprivileged) => deprivileged);
        this.#illegalIf(or(eqz(privilege), supervisorTrapped(MSTATUS.TVM)));
        const all = eqz(load('i32', 'u8', this.#state.entry, ENTRY.rs1));
        fn.do(this.#parts.mmu.fence, hart, this.rs1, all);
        this.#endWithNewContext();
        return;
      }
      case 'wfi':
        this.#sensitiveIf((deprivileged) => deprivileged);
        this.#illegalIf(or(eqz(privilege), supervisorTrapped(MSTATUS.TW)));
        set32(fn, hart, 'stop', i32(ENGINE_STOP.wfi));
        this.#endWithNewContext();
        return;
      case 'mret':
      case 'sret':
        this.#trapReturn(op);
        return;
      case 'ebreak':
        this.#raise(i32(CAUSE.breakpoint));
        return;
      case 'ecall':
        if (this.#parts.ctx.config.supervisorCallsStop) {
          fn.if(eq(this.#realPrivilege(privilege), i32(1)), () => {
            set32(fn, hart, 'stop', i32(ENGINE_STOP.supervisorCall));
            this.#fault();
          });
        }
        this.#raise(add(this.#realPrivilege(privilege), i32(CAUSE.userCall)));
        return;
    }
  }

  /** After the semantics: the step to the next entry, unless the instruction has gone elsewhere. */
  finish(): void {
    if (this.#left) return;
    this.#advance();
    this.#retire();
    this.#next();
  }

  #hasRs2(): boolean {
    const { format } = this.#handler.insn;
    return format === 'S' || format === 'B';
  }

  #operand(name: string, make: () => Expr): Local {
    const known = this.#operands.get(name);
    if (known) return known;
    const local = this.#state.fn.let(make());
    this.#operands.set(name, local);
    return local;
  }

  #register(offset: Expr): Expr {
    return load64(add(this.#state.hart, offset), HART.regs);
  }

  #advance(): void {
    const { fn, entry } = this.#state;
    fn.set(entry, add(entry, i32((this.#handler.lengthBytes / 2) * ENTRY.bytes)));
  }

  #retire(): void {
    const { fn, left, retired } = this.#state;
    fn.set(retired, add(retired, i32(1)));
    fn.set(left, sub(left, i32(this.#parts.ctx.config.core.cycles[this.#handler.insn.cycles])));
  }

  #next(): void {
    const { fn, left } = this.#state;
    fn.brIf(this.#ways.next, gtS(left, i32(0)));
    fn.br(this.#ways.budget);
  }

  #link(): void {
    this.setRd(add(this.pc, i64(this.#handler.lengthBytes)));
  }

  /** To `pc + imm`: inside the page by arithmetic on the entry, else by pc. */
  #goRelative(): void {
    const { fn, entry, block, pc } = this.#state;
    this.#retire();
    if (!this.#handler.far) {
      const place = fn.let(add(sub(entry, block), shl(wrap(this.imm), i32(2))));
      fn.if(ltU(place, i32(PAGE_SPAN)), () => {
        fn.set(entry, add(block, place));
        this.#next();
      });
    }
    fn.set(pc, add(pcAt(this.#state), this.imm));
    fn.br(this.#ways.fetch);
  }

  #slot(address: Expr): Local {
    return this.#state.fn.let(add(this.#state.dataTlb, tlbOffset(this.#parts.ctx, address)));
  }

  /** Whether the TLB does not let an access through: it does in the right page and context, and aligned as it must be. */
  #misses(address: Expr, slot: Expr, log2: number, tag: 'fastRead' | 'fastWrite', aligned: boolean): Expr {
    const last = (1 << log2) - 1;
    const mustAlign = aligned || this.#parts.ctx.config.misaligned === 'trap';
    const place = mustAlign
      ? and(address, i64(-PAGE_BYTES | last))
      : pageOf(last === 0 ? address : add(address, i64(last)));
    return ne(load64(slot, HART.dataTlb + TLB[tag]), or(place, this.#state.dataContext));
  }

  #hostAddress(address: Expr, log2: number, tag: 'fastRead' | 'fastWrite', aligned: boolean, slow: () => Expr): Local {
    const { fn } = this.#state;
    const slot = this.#slot(address);
    const host = fn.local('i32');
    fn.ifRarely(
      this.#misses(address, slot, log2, tag, aligned),
      () => {
        fn.set(host, slow());
        chargeExtra(this.#state);
        this.#faultIf(eqz(host));
      },
      () => fn.set(host, add(wrap(address), load32(slot, HART.dataTlb + TLB.addend))),
    );
    return host;
  }

  #atomicHost(bits: 32 | 64, address: Expr, access: number): Local {
    const { fn, hart } = this.#state;
    const log2 = bits === 32 ? 2 : 3;
    const to = fn.let(address);
    const tag = access === ACCESS.write ? 'fastWrite' : 'fastRead';
    return this.#hostAddress(to, log2, tag, true, () =>
      call(this.#parts.mmu.atomicAddress, hart, to, i32(log2), i32(access)),
    );
  }

  #fault(): void {
    const { fn, pc } = this.#state;
    fn.set(pc, pcAt(this.#state));
    fn.br(this.#ways.fault);
  }

  #faultIf(test: Expr): void {
    this.#state.fn.ifRarely(test, () => this.#fault());
  }

  #raise(cause: Expr): void {
    const { fn, hart } = this.#state;
    set32(fn, hart, 'cause', cause);
    set64(fn, hart, 'tval', i64(0));
    this.#fault();
    this.#left = true;
  }

  /** What an instruction sees of its privilege, where the hart's is perhaps virtual. */
  #realPrivilege(privilege: Expr): Expr {
    if (!canVirtualize(this.#parts.ctx)) return privilege;
    return select(isVirtualized(this.#state.hart, 'deprivileged'), i32(0), privilege);
  }

  /** An instruction that is illegal in the U-mode that a deprivileged guest is really in. */
  #sensitiveIf(test: (deprivileged: Expr) => Expr): void {
    if (canVirtualize(this.#parts.ctx)) this.#illegalIf(test(isVirtualized(this.#state.hart, 'deprivileged')));
  }

  #illegalIf(test: Expr): void {
    const { fn, hart, entry, block } = this.#state;
    fn.if(test, () => {
      const place = fn.let(sub(entry, block));
      const offset = and(shrU(place, i32(2)), i32(PAGE_BYTES - 1));
      const inPage = load32(add(get32(hart, 'fetchRamPage'), offset), this.#parts.ctx.plan.ram);
      const word = cond(eq(place, i32(BLOCK.straddle)), load32(block, BLOCK.straddleWord), inPage);
      set32(fn, hart, 'cause', i32(CAUSE.illegal));
      set64(fn, hart, 'tval', extendU(word));
      this.#fault();
    });
  }

  /** Retires, then goes on with what the instruction may have changed: context, fetch page, a reason to stop. */
  #endWithNewContext(): void {
    const { fn, hart, page, pc, reason } = this.#state;
    this.#advance();
    this.#retire();
    reloadContext(this.#state);
    fn.set(reason, get32(hart, 'stop'));
    fn.if(reason, () => {
      set32(fn, hart, 'stop', i32(0));
      fn.set(pc, pcAfter(this.#state));
      fn.br(this.#ways.exit);
    });
    fn.if(ne(get64(hart, 'fetchPage'), page), () => {
      fn.set(pc, pcAfter(this.#state));
      fn.set(page, i64(-1));
      fn.br(this.#ways.fetch);
    });
    this.#next();
    this.#left = true;
  }

  #trapReturn(op: 'mret' | 'sret'): void {
    const { fn, hart, page, pc, reason } = this.#state;
    this.#sensitiveIf((deprivileged) => deprivileged);
    this.#illegalIf(call(this.#parts.traps.trapReturn, hart, i32(op === 'mret' ? 1 : 0)));
    this.#retire();
    reloadContext(this.#state);
    fn.set(page, i64(-1));
    fn.set(pc, get64(hart, 'pc'));
    fn.set(reason, get32(hart, 'stop'));
    fn.if(reason, () => {
      set32(fn, hart, 'stop', i32(0));
      fn.br(this.#ways.exit);
    });
    fn.br(this.#ways.fetch);
    this.#left = true;
  }
}
