/**
 * The semantics of an instruction as a handler of the interpreter: operands come from the predecoded entry, registers and memory
 * from linear memory.
 */
import type { InsnBuilder, SystemOp } from '../isa/insn-builder.ts';
import { CSR_ACTION } from './csrs.ts';
import { get32, get64, getCsr, hasBit, pageOf, set32, set64 } from './engine-context.ts';
import type { Expr, LoadWidth, Local, StoreBits } from './expr.ts';
import {
  add,
  and,
  call,
  cond,
  eq,
  eqz,
  extendS,
  extendU,
  gtS,
  i32,
  i64,
  LOADS,
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
import type { Parts, State, Ways } from './interpreter-state.ts';
import { chargeExtra, pcAfter, pcAt, reloadContext, STOP_AFTER } from './interpreter-state.ts';
import { BLOCK, ENTRIES_PER_PAGE, ENTRY, HART, PAGE_BYTES, TLB } from './layout.ts';
import { ACCESS_KIND } from './memory-access.ts';
import { canVirtualize, isVirtualized } from './page-walk.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import { tlbOffset } from './tlb.ts';
import { MSTATUS } from './traps.ts';

const PAGE_SPAN = ENTRIES_PER_PAGE * ENTRY.bytes;

/** Writes one handler. Operands are read from the entry when first used. */
export class InterpreterBuilder implements InsnBuilder {
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

  /** @param slow gives the address where the TLB does not; 0: a fault. @param found follows it */
  #hostAddress(
    address: Expr,
    log2: number,
    tag: 'fastRead' | 'fastWrite',
    aligned: boolean,
    slow: () => Expr,
    found: () => void = () => {},
  ): Local {
    const { fn } = this.#state;
    const slot = this.#slot(address);
    const host = fn.local('i32');
    fn.ifRarely(
      this.#misses(address, slot, log2, tag, aligned),
      () => {
        fn.set(host, slow());
        chargeExtra(this.#state);
        this.#faultIf(eqz(host));
        found();
      },
      () => fn.set(host, add(wrap(address), load32(slot, HART.dataTlb + TLB.addend))),
    );
    return host;
  }

  #atomicHost(bits: 32 | 64, address: Expr, access: number): Local {
    const { fn, hart, left } = this.#state;
    const log2 = bits === 32 ? 2 : 3;
    const to = fn.let(address);
    const tag = access === ACCESS.write ? 'fastWrite' : 'fastRead';
    return this.#hostAddress(
      to,
      log2,
      tag,
      true,
      () => call(this.#parts.mmu.atomicAddress, hart, to, i32(log2), i32(access)),
      () => {
        // As after a store: the run ends with this instruction.
        if (access !== ACCESS.write) return;
        fn.if(get32(hart, 'stop'), () => fn.set(left, sub(left, i32(STOP_AFTER))));
      },
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
