/**
 * One region as a WebAssembly function: `region(hart, balance, page)` gives the balance at its end (`balance.ts`). Guest registers live in
 * locals; the semantics of the instruction table write the code.
 *
 * Exactness. What has been executed is owed as a constant until control joins or leaves, then charged by one addition. The head of a region and each loop header
 * go on only if the cycles left reach over the longest way to the next such check, so no deadline can fall inside. A region
 * never traps: a check that fails (TLB, device, code page) leaves before the instruction, with registers, pc and counts as
 * they are there, and the interpreter executes it.
 */
import { assert, must } from '../../../assert.ts';
import { READ_COUNTER } from '../csrs.ts';
import type { EngineContext } from '../engine-context.ts';
import { get32, get64, set64 } from '../engine-context.ts';
import type { Callable, Expr, Local } from '../expr.ts';
import { add, and, call, eq, extendS, extendU, i32, i64, i64Of, ltS, select, shrU, sub, wrap } from '../expr.ts';
import { canVirtualize } from '../page-walk.ts';
import { REFILL } from '../tlb.ts';
import type { Fn, Label, WasmModule } from '../wasm-module.ts';
import { asCycles, balanceOf, charge, cyclesLeft, retiredIn64 } from './balance.ts';
import type { Edge, PlacedInsn } from './control-flow.ts';
import { GuestRegisters } from './guest-registers.ts';
import { holdTest } from './held-test.ts';
import type { StructuredBlock, StructuredRegion } from './structure.ts';
import { edgesOf, skippedBy } from './structure.ts';
import type { Outcome, Owed, RegionVariant } from './translator-builder.ts';
import { REGION_VARIANT, TranslatorBuilder } from './translator-builder.ts';

export type { RegionVariant };
export { REGION_VARIANT };

/** A side exit as one constant: offset from the page (32 bits, signed), instructions (12), cycles (20) to charge. */
const EXIT = { insnShift: 32, cycleShift: 44, insnsMax: 4095, cyclesMax: 1 << 19 } as const;

/** Parameters of every region function: hart, balance, virtual page. */
export const REGION_PARAMS = ['i32', 'i64', 'i64'] as const;
export const REGION_RESULTS = ['i64'] as const;

const NOTHING: Owed = { insns: 0, cycles: 0 };

/** Cycles that must be left for the region to be entered. */
export function regionBudget(ctx: EngineContext, region: StructuredRegion): number {
  return must(longestWays(ctx, region)[0], 'entry');
}

/** Of a walk under Sv57, and under Sv57 on Sv39x4: (5 + 1) * (3 + 1) - 1. */
const walkReferencesMax = (ctx: EngineContext) => (canVirtualize(ctx) ? 23 : 5);

/** What the code of regions calls; declared first in each module of regions. */
export function importServices(module: WasmModule): { readonly refill: Callable; readonly readCounter: Callable } {
  return {
    refill: module.import(REFILL.name, REFILL.params, REFILL.results),
    readCounter: module.import(READ_COUNTER.name, READ_COUNTER.params, READ_COUNTER.results),
  };
}

/** Writes a region into `fn`, which has {@link REGION_PARAMS} and {@link REGION_RESULTS}. */
export type RegionWriter = (ctx: EngineContext, fn: Fn, region: StructuredRegion, variant: RegionVariant) => void;

export const emitRegion: RegionWriter = (ctx, fn, region, variant) => {
  new RegionEmitter(ctx, fn, region, variant).emit();
};

function cyclesOf(ctx: EngineContext, { insns }: StructuredBlock): number {
  const { cycles } = ctx.config.core;
  let sum = 0;
  for (let index = 0; index < insns.length; index++) sum += cycles[must(insns[index], 'instruction').insn.cycles];
  return sum;
}

/** For each block the most cycles from its start to the next check or exit. */
function longestWays(ctx: EngineContext, { blocks }: StructuredRegion): readonly number[] {
  const ways: number[] = new Array(blocks.length).fill(0);
  for (let index = blocks.length - 1; index >= 0; index--) {
    const block = must(blocks[index], 'block');
    let longest = 0;
    for (const edge of edgesOf(block.end)) {
      if (!('block' in edge) || edge.block <= index || blocks[edge.block]?.isLoopHeader) continue;
      longest = Math.max(longest, ways[edge.block] ?? 0);
    }
    ways[index] = cyclesOf(ctx, block) + longest;
  }
  return ways;
}

export class RegionEmitter {
  readonly ctx: EngineContext;
  readonly fn: Fn;
  readonly hart: Expr;
  readonly page: Local;
  readonly variant: RegionVariant;
  readonly dataTlb: Local;
  readonly dataContext: Local;
  readonly #region: StructuredRegion;
  readonly #balance: Local;
  readonly #exit: Local;
  readonly registers: GuestRegisters;
  readonly #ways: readonly number[];
  readonly #labels = new Map<number, Label>();

  constructor(ctx: EngineContext, fn: Fn, region: StructuredRegion, variant: RegionVariant) {
    this.ctx = ctx;
    this.fn = fn;
    this.variant = variant;
    this.registers = new GuestRegisters(fn, region);
    this.#region = region;
    this.hart = fn.param(0);
    this.#balance = fn.param(1);
    this.page = fn.param(2);
    this.#exit = fn.local('i64');
    this.dataTlb = fn.local('i32');
    this.dataContext = fn.local('i64');
    this.#ways = longestWays(ctx, region);
  }

  emit(): void {
    const { fn, hart } = this;
    this.registers.load(hart);
    if (this.variant === REGION_VARIANT.tlb) {
      fn.set(this.dataTlb, get32(hart, 'dataTlbBase'));
      fn.set(this.dataContext, get64(hart, 'dataContext'));
    }
    this.registers.storeAfter(hart, () => {
      this.#tree(0, NOTHING);
      fn.unreachable();
    });
    const exit = this.#exit;
    set64(fn, hart, 'pc', add(this.page, extendS(wrap(exit))));
    const insns = and(shrU(exit, i64(EXIT.insnShift)), i64(EXIT.insnsMax));
    fn.return(add(this.#balance, sub(insns, asCycles(shrU(exit, i64(EXIT.cycleShift))))));
    fn.unreachable();
  }

  /**
   * Has a TLB miss served and charges what it takes. Leaves first if it could bring the deadline too near, because a walk belongs to
   * its instruction: once it is charged, no boundary may come before that instruction. Leaves, with nothing charged, on a fault.
   */
  refill(address: Expr, access: number, needed: number): void {
    const { fn, hart } = this;
    const walkMax = walkReferencesMax(this.ctx) * this.ctx.config.core.walkReferenceCycles;
    fn.brIfRarely(this.registers.leave, ltS(this.#balance, balanceOf(needed + walkMax)));
    const cycles = fn.let(call(must(this.ctx.refill, 'refill'), hart, address, i32(access)));
    fn.brIfRarely(this.registers.leave, ltS(cycles, i32(0)));
    fn.set(this.#balance, sub(this.#balance, asCycles(extendS(cycles))));
  }

  /** Puts down what the present is, as of the instruction before which so much is owed. */
  tellTime({ insns, cycles }: Owed): void {
    const { fn, hart } = this;
    const left = sub(add(cyclesLeft(this.#balance), extendU(get32(hart, 'runLeft'))), i64(cycles));
    set64(fn, hart, 'now', sub(get64(hart, 'entryCycle'), left));
    const inRegion = add(retiredIn64(this.#balance), i64(insns));
    set64(fn, hart, 'nowRetired', add(get64(hart, 'retired'), add(extendU(get32(hart, 'runRetired')), inRegion)));
  }

  /** Leaves the value of a counter in the hart; 1 if it may not be read. */
  readCounter(index: number): Expr {
    return call(must(this.ctx.readCounter, 'readCounter'), this.hart, i32(index));
  }

  /** Says where a side exit that follows would leave. */
  markExit(at: PlacedInsn, owed: Owed): void {
    this.#setExit(at.offset, owed);
  }

  /** Leaves before an instruction, if `test`. */
  sideExit(test: Expr, at: PlacedInsn, owed: Owed): void {
    // The constant is set on the way, not in a branch: it costs nothing there and keeps the hot path straight.
    this.#setExit(at.offset, owed);
    this.fn.brIfRarely(this.registers.leave, test);
  }

  /** A block and everything it dominates. */
  #tree(index: number, owed: Owed): void {
    const block = must(this.#region.blocks[index], 'block');
    const merges = block.dominated.filter((each) => this.#region.blocks[each]?.isMerge).reverse();
    if (!block.isLoopHeader) {
      this.#within(index, merges, owed);
      return;
    }
    this.#settle(owed);
    this.registers.enter(index);
    // Who entered the region has looked.
    if (index > 0) this.#checkDeadline(index);
    this.registers.forget();
    this.fn.loop((again) => {
      this.#labels.set(index, again);
      this.#within(index, merges, NOTHING);
    });
  }

  /** Leaves to a loop header if the deadline is too near for a turn. */
  #checkDeadline(header: number): void {
    const test = ltS(this.#balance, balanceOf(this.#ways[header] ?? 0));
    this.fn.ifRarely(test, () => this.#exitWith(must(this.#region.blocks[header], 'header').start, NOTHING));
  }

  /** Merge nodes, the last in order outermost: each stands behind the block that jumps to it leave. */
  #within(index: number, [outermost, ...inner]: readonly number[], owed: Owed): void {
    if (outermost === undefined) {
      this.#body(index, owed);
      return;
    }
    this.fn.block((end) => {
      this.#labels.set(outermost, end);
      this.#within(index, inner, owed);
    });
    this.registers.forget();
    this.#tree(outermost, NOTHING);
  }

  #body(index: number, before: Owed): void {
    const { fn, ctx } = this;
    const block = must(this.#region.blocks[index], 'block');
    const outcome: Outcome = {};
    this.registers.enter(index);
    let owed = before;
    const needed = before.cycles + (this.#ways[index] ?? 0);
    const { insns } = block;
    for (let position = 0; position < insns.length; position++) {
      const insn = must(insns[position], 'instruction');
      fn.scope(() => {
        insn.insn.semantics(new TranslatorBuilder(this, insn, { owed, needed, outcome }));
        owed = { insns: owed.insns + 1, cycles: owed.cycles + ctx.config.core.cycles[insn.insn.cycles] };
        if (position === insns.length - 1) this.#end(index, block, outcome, owed);
      });
    }
    if (insns.length === 0) this.#end(index, block, outcome, owed);
  }

  /** Brings the balance up to date: where control joins that comes with another debt, and where the region ends. */
  #settle(owed: Owed): void {
    if (owed.insns > 0) this.fn.set(this.#balance, add(this.#balance, charge(owed)));
  }

  #end(index: number, block: StructuredBlock, outcome: Outcome, owed: Owed): void {
    const { fn } = this;
    const { end, insns } = block;
    switch (end.kind) {
      case 'goto':
        this.#go(index, end.to, owed);
        return;
      case 'branch': {
        const test = must(outcome.test, 'test of a branch');
        const skipped = skippedBy(block, this.#region.blocks);
        if (skipped) {
          this.#executeUnless(test, skipped, owed);
          this.#go(index, end.taken, NOTHING);
          return;
        }
        const { known } = this.registers;
        fn.if(test, () => this.#go(index, end.taken, owed));
        this.registers.continueWith(known);
        this.#go(index, end.next, owed);
        return;
      }
      case 'indirect': {
        const target = must(outcome.target, 'target of a jump');
        const { expected } = end;
        if (expected) {
          // Compared as it is, not as a target with its lowest bit cleared: V8 sees the value that the call has put there.
          const returnTo = this.registers.value(must(insns.at(-1), 'jump').operands.rs1);
          const { known } = this.registers;
          fn.if(eq(returnTo, add(this.page, i64(expected.offset))), () => this.#go(index, expected.to, owed));
          this.registers.continueWith(known);
        }
        // As an exit to the first byte of a page there.
        fn.set(this.page, target);
        this.#exitWith(0, owed);
        return;
      }
    }
  }

  /**
   * Executes a block whether or not `test` skips it, and keeps what it has computed if not: RISC-V code has a branch for want of a
   * conditional move, and one that cannot be foretold costs the host more than a few instructions.
   */
  #executeUnless(test: Expr, { insns }: StructuredBlock, before: Owed): void {
    const { fn, ctx, registers } = this;
    fn.scope(() => {
      const isSkipped = holdTest(fn, test);
      const written = new Set(insns.map(({ operands }) => operands.rd).filter((rd) => rd !== 0));
      const kept = [...written].map((register) => ({ register, value: registers.let(registers.value(register)) }));
      let owed = before;
      for (const insn of insns) {
        fn.scope(() => insn.insn.semantics(new TranslatorBuilder(this, insn, { owed, needed: 0, outcome: {} })));
        owed = { insns: owed.insns + 1, cycles: owed.cycles + ctx.config.core.cycles[insn.insn.cycles] };
      }
      for (const { register, value } of kept) {
        // What is written last is most likely what the block is there for, and what the next turn of a loop waits for.
        const isLast = register === insns.at(-1)?.operands.rd;
        registers.write(register, select(isLast ? isSkipped.own : isSkipped.shared, value, registers.value(register)));
      }
      fn.set(this.#balance, add(this.#balance, select(isSkipped.shared, charge(before), charge(owed))));
    });
  }

  #go(from: number, edge: Edge, owed: Owed): void {
    if (!('block' in edge)) {
      this.#exitWith(edge.exit, owed);
      return;
    }
    const target = must(this.#region.blocks[edge.block], 'block');
    if (edge.block > from && !target.isMerge) {
      this.#tree(edge.block, owed);
      return;
    }
    this.#settle(owed);
    if (edge.block <= from) this.#checkDeadline(edge.block);
    this.fn.br(must(this.#labels.get(edge.block), 'label'));
  }

  #exitWith(offset: number, owed: Owed): void {
    this.#setExit(offset, owed);
    this.fn.br(this.registers.leave);
  }

  #setExit(offset: number, { insns, cycles }: Owed): void {
    assert(insns <= EXIT.insnsMax && cycles < EXIT.cyclesMax, 'a side exit that fits its constant');
    const high = (insns << (EXIT.insnShift - 32)) | (cycles << (EXIT.cycleShift - 32));
    this.fn.set(this.#exit, i64Of(offset, high));
  }
}
