/** Writes single instructions of a region: what operands are and how memory is reached there. */
import { assert, must } from '../../../assert.ts';
import type { InsnBuilder, SystemOp } from '../../isa/insn-builder.ts';
import { csrIndex, REGION_COUNTERS } from '../csrs.ts';
import { get32, get64, pageOf, set32 } from '../engine-context.ts';
import type { Expr, LoadWidth, Local, StoreBits } from '../expr.ts';
import {
  add,
  and,
  eq,
  extendU,
  geU,
  gtU,
  i32,
  i64,
  LOADS,
  load,
  load32,
  load64,
  ne,
  or,
  rotr,
  STORES,
  shrU,
  sub,
  wrap,
} from '../expr.ts';
import { HART, PAGE_BYTES, PAGE_FLAG, RAM_BASE, TLB } from '../layout.ts';
import { ACCESS } from '../stops.ts';
import { tlbOffset } from '../tlb.ts';
import type { PlacedInsn } from './control-flow.ts';
import type { RegionEmitter } from './region-emitter.ts';

/** How a region reaches memory: through the TLB, or directly where neither translation nor PMP stands between. */
export const REGION_VARIANT = { tlb: 0, direct: 1 } as const;
export type RegionVariant = (typeof REGION_VARIANT)[keyof typeof REGION_VARIANT];

/** What has been executed since the balance was last brought up to date, known when the code is written. */
export interface Owed {
  readonly insns: number;
  readonly cycles: number;
}
/** What a branch, jump or call of a block decides, as its semantics say it. */
export interface Outcome {
  test?: Expr;
  target?: Expr;
}

/** Where an instruction stands. */
export interface InsnContext {
  readonly owed: Owed;
  /** Cycles left that its block needs to go on, as if checked at its start. */
  readonly needed: number;
  readonly outcome: Outcome;
}

/** Whether an offset is not in RAM or not aligned, by one comparison. */
function outsideOrMisaligned(offset: Expr, ramBytes: number, log2: number): Expr {
  const last = (1 << log2) - 1;
  if (Number.isInteger(Math.log2(ramBytes))) return ne(and(offset, i64(last - ramBytes)), i64(0));
  // Rotating puts the bits that must be zero for an aligned address on top.
  return geU(log2 === 0 ? offset : rotr(offset, i64(log2)), i64(Math.floor(ramBytes / (1 << log2))));
}

/** Writes one instruction of a region. */
export class TranslatorBuilder implements InsnBuilder {
  readonly #region: RegionEmitter;
  readonly #insn: PlacedInsn;
  readonly #owed: Owed;
  readonly #needed: number;
  readonly #outcome: Outcome;

  constructor(region: RegionEmitter, insn: PlacedInsn, { owed, needed, outcome }: InsnContext) {
    this.#region = region;
    this.#insn = insn;
    this.#owed = owed;
    this.#needed = needed;
    this.#outcome = outcome;
  }

  get rs1(): Expr {
    return this.#region.registers.value(this.#insn.operands.rs1);
  }

  get rs2(): Expr {
    return this.#region.registers.value(this.#insn.operands.rs2);
  }

  get imm(): Expr {
    return i64(this.#insn.operands.imm);
  }

  get uimm(): Expr {
    return i64(this.#insn.operands.rs1);
  }

  get pc(): Expr {
    return add(this.#region.page, i64(this.#insn.offset));
  }

  let(value: Expr): Expr {
    return this.#region.registers.let(value);
  }

  setRd(value: Expr): void {
    this.#region.registers.write(this.#insn.operands.rd, value);
  }

  branch(test: Expr): void {
    this.#outcome.test = test;
  }

  jumpRelative(): void {
    this.#link();
  }

  jumpIndirect(target: Expr): void {
    const to = this.let(target);
    this.#link();
    this.#outcome.target = to;
  }

  load(width: LoadWidth, address: Expr): Expr {
    const { log2 } = LOADS[width];
    const [host, offset] = this.#place(address, log2, false, false);
    return this.let(load('i64', width, host, offset));
  }

  store(bits: StoreBits, address: Expr, value: Expr): void {
    const [host, offset] = this.#place(address, STORES[bits].log2, true, false);
    this.#region.fn.store(bits, host, value, offset);
  }

  atomic(bits: 32 | 64, address: Expr, update: (old: Expr) => Expr): Expr {
    const [host, offset] = this.#place(address, bits === 32 ? 2 : 3, true, true);
    const old = this.let(load('i64', bits === 32 ? 's32' : 'u64', host, offset));
    this.#region.fn.store(bits, host, update(old), offset);
    return old;
  }

  loadReserved(bits: 32 | 64, address: Expr): Expr {
    const { fn, hart } = this.#region;
    const [host, offset] = this.#place(address, bits === 32 ? 2 : 3, false, true);
    set32(fn, hart, 'reservation', this.#ramOffset(host, offset));
    return this.let(load('i64', bits === 32 ? 's32' : 'u64', host, offset));
  }

  storeConditional(bits: 32 | 64, address: Expr, value: Expr): Expr {
    const { fn, hart } = this.#region;
    const [host, offset] = this.#place(address, bits === 32 ? 2 : 3, true, true);
    const failed = fn.let(ne(get32(hart, 'reservation'), this.#ramOffset(host, offset)));
    fn.if(eq(failed, i32(0)), () => fn.store(bits, host, value, offset));
    set32(fn, hart, 'reservation', i32(-1));
    return extendU(failed);
  }

  /** Only counters are read in a region, and nothing is written: a call that tells the time, and leaves first if it is refused. */
  csr(): void {
    const { imm } = this.#insn.operands;
    assert(REGION_COUNTERS.has(imm), `access to CSR 0x${imm.toString(16)} in a region`);
    this.#region.tellTime(this.#owed);
    this.#leaveIf(this.#region.readCounter(must(csrIndex(imm), 'counter')));
    this.setRd(get64(this.#region.hart, 'csrValue'));
  }

  system(op: SystemOp): void {
    assert(op === 'fence', `${op} in a region`);
  }

  #link(): void {
    this.setRd(add(this.#region.page, i64(this.#insn.offset + this.#insn.lengthBytes)));
  }

  #ramOffset(host: Expr, offset: number): Expr {
    return sub(add(host, i32(offset)), i32(this.#region.ctx.plan.ram));
  }

  #leaveIf(test: Expr): void {
    this.#region.sideExit(test, this.#insn, this.#owed);
  }

  /** Where in linear memory an access goes, after the checks that it may: an address and a constant offset. */
  #place(address: Expr, log2: number, write: boolean, aligned: boolean): [Local, number] {
    return this.#region.variant === REGION_VARIANT.direct
      ? this.#direct(address, log2, write, aligned)
      : this.#translated(address, log2, write, aligned);
  }

  #translated(address: Expr, log2: number, write: boolean, aligned: boolean): [Local, number] {
    const { fn, ctx, dataTlb, dataContext } = this.#region;
    const to = fn.let(address);
    const slot = fn.let(add(dataTlb, tlbOffset(ctx, to)));
    const last = (1 << log2) - 1;
    const tag = load64(slot, HART.dataTlb + (write ? TLB.fastWrite : TLB.fastRead));
    const misses = (place: Expr) => ne(tag, or(place, dataContext));
    const refill = () => {
      // Misaligned accesses are the interpreter's: some fault, some need two pages.
      if (last > 0) this.#leaveIf(and(wrap(to), i32(last)));
      this.#region.refill(to, write ? ACCESS.write : ACCESS.read, this.#needed);
      this.#leaveIf(misses(pageOf(to)));
    };
    this.#region.markExit(this.#insn, this.#owed);
    // The low bits stay in what is compared, so that nothing misaligned hits at first: that is cheaper than to look at the last byte.
    const mustAlign = aligned || ctx.config.misaligned === 'trap' || last === 0;
    fn.ifRarely(misses(and(to, i64(-PAGE_BYTES | last))), () => {
      if (mustAlign) refill();
      else fn.if(misses(pageOf(add(to, i64(last)))), refill);
    });
    return [fn.let(add(wrap(to), load32(slot, HART.dataTlb + TLB.addend))), 0];
  }

  /** Untranslated: inside RAM and, for a write, in a page where nothing is to be done beside the write. */
  #direct(address: Expr, log2: number, write: boolean, aligned: boolean): [Local, number] {
    const { fn, ctx } = this.#region;
    const { plan, config } = ctx;
    const inRam = fn.let(sub(address, i64(RAM_BASE)));
    if (write || aligned || config.misaligned === 'trap') {
      this.#leaveIf(outsideOrMisaligned(inRam, plan.ramBytes, log2));
    } else {
      this.#leaveIf(gtU(inRam, i64(plan.ramBytes - (1 << log2))));
    }
    const offset = fn.let(wrap(inRam));
    if (write) {
      const flags = load('i32', 'u8', shrU(offset, i32(12)), plan.pageFlags);
      this.#leaveIf(ne(flags, i32(PAGE_FLAG.dirty)));
    }
    return [offset, plan.ram];
  }
}
