/**
 * Memory as generated code: TLB lookup, page walk with PMP, the slow paths of loads, stores and atomics, fetches, fences.
 *
 * The TLB is part of the modelled machine: direct-mapped, one lookup for each data access and one for each fetch that changes
 * page. A hit costs nothing, a miss costs the page-table references that the walk makes. Fast tags beside the modelled tag
 * let generated code skip a lookup that could not have missed; withholding one (page with predecoded code, page not yet
 * marked changed, watched page) changes no cycle.
 *
 * Left out, and reading as the specification allows: ASIDs (ASIDLEN is 0), Svnapot and Svpbmt (their PTE bits are reserved).
 * Physical addresses from 2^40 up hold nothing: access fault.
 */
import type { EngineContext } from './engine-context.ts';
import { bump, get32, get64, getCsr, hasBit, pageOf, set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import {
  add,
  and,
  call,
  cond,
  eq,
  eqz,
  extendU,
  geU,
  gtU,
  i32,
  i64,
  leU,
  load,
  load32,
  load64,
  ltU,
  mul,
  ne,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
} from './expr.ts';
import { BARE_TLBS, BLOCK, GLOBAL, HART, NO_TAG, PAGE_BYTES, PAGE_FLAG, RAM_BASE, TLB, TLB_FLAG } from './layout.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import type { Fn } from './wasm-module.ts';

/** Translation contexts, in bits 3 and 4 of a context; bit 5 is SUM, bit 6 MXR. */
export const CONTEXT = { machine: 0, bare: 1, supervisor: 2, user: 3, shift: 3, sum: 1 << 5, mxr: 1 << 6 } as const;

/** Bits of a page-table entry (Privileged ISA 12.3.1). */
const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, A: 64n, D: 128n } as const;
const PTE_PPN_MASK = ((1n << 44n) - 1n) << 10n;
/** N, PBMT and reserved bits: without their extensions they must be zero. */
const PTE_RESERVED = 0xffc0_0000_0000_0000n;
const PHYSICAL_END = 1n << 40n;

/** Device accesses tell their kind to TypeScript: log2 of the size, then these. */
export const ACCESS_KIND = { signed: 4, write: 8 } as const;

/** Result of a store's slow path. */
export const STORE_STATUS = { done: 0, fault: 1, doneAndStop: 2 } as const;

export interface Mmu {
  readonly updateContext: Fn;
  readonly flush: Fn;
  /** Forgets what was remembered of untranslated accesses: after a change of PMP. */
  readonly flushBare: Fn;
  readonly fence: Fn;
  readonly loadSlow: Fn;
  readonly storeSlow: Fn;
  readonly atomicAddress: Fn;
  readonly refill: Fn;
  readonly fetchLookup: Fn;
  readonly fetchSlow: Fn;
  readonly noteWrite: Fn;
}

/** Offset of the TLB entry of an address within a TLB: i32. */
export function tlbOffset(ctx: EngineContext, address: Expr): Expr {
  return and(wrap(shrU(address, i64(7))), i32((ctx.config.core.tlbEntries - 1) * TLB.entryBytes));
}

export function defineMmu(ctx: EngineContext): Mmu {
  const noteWrite = defineNoteWrite(ctx);
  const raise = defineRaise(ctx);
  const pmp = definePmp(ctx);
  const walk = defineWalk(ctx, pmp, noteWrite);
  const fill = defineFill(ctx);
  const lookup = defineLookup(ctx, walk, fill, raise);
  const arm = defineArm(ctx);
  const flush = defineFlush(ctx);
  const fetchLookup = defineFetchLookup(ctx, walk, fill, raise);
  return {
    updateContext: defineUpdateContext(ctx),
    flush,
    flushBare: defineFlushBare(ctx),
    fence: defineFence(ctx, flush),
    loadSlow: defineLoadSlow(ctx, lookup, raise, arm),
    storeSlow: defineStoreSlow(ctx, lookup, raise, noteWrite, arm),
    atomicAddress: defineAtomicAddress(ctx, lookup, raise, noteWrite, arm),
    refill: defineRefill(ctx, lookup, arm),
    fetchLookup,
    fetchSlow: defineFetchSlow(ctx, fetchLookup),
    noteWrite,
  };
}

/** `noteWrite(ramOffset, size)`: RAM is about to change there: stale predecoded entries go, the page is dirty. */
function defineNoteWrite({ module, plan }: EngineContext): Fn {
  const fn = module.fn('noteWrite', ['i32', 'i32']);
  const [offset, size] = [fn.param(0), fn.param(1)];
  const page = fn.let(shrU(offset, i32(12)));
  const flags = fn.let(load('i32', 'u8', page, plan.pageFlags));
  fn.if(and(flags, i32(PAGE_FLAG.code)), () => {
    const block = fn.let(load32(shl(page, i32(2)), plan.blockTable));
    const at = fn.let(and(offset, i32(PAGE_BYTES - 1)));
    // An instruction of 4 bytes may begin one half word before the bytes that change.
    const half = fn.let(shrU(select(ltU(at, i32(2)), i32(0), sub(at, i32(2))), i32(1)));
    const last = fn.let(shrU(sub(add(at, size), i32(1)), i32(1)));
    const dropped = fn.let(i64(0));
    fn.loop((again) => {
      const entry = fn.let(add(block, shl(half, i32(3))));
      fn.set(dropped, or(dropped, load64(entry)));
      fn.store(64, entry, i64(0));
      fn.store(64, entry, i64(0), BLOCK.shadow);
      fn.set(half, add(half, i32(1)));
      fn.brIf(again, leU(half, last));
    });
    // Code has changed, not only data beside it: regions translated from the page are stale.
    fn.if(ne(dropped, i64(0)), () => {
      const generation = fn.let(shl(page, i32(2)));
      fn.store(32, generation, add(load32(generation, plan.pageGenerations), i32(1)), plan.pageGenerations);
    });
  });
  fn.store(8, page, or(flags, i32(PAGE_FLAG.dirty)), plan.pageFlags);
  return fn;
}

/** `raise(hart, cause, tval)`: notes the exception that the current instruction ends with. */
function defineRaise({ module }: EngineContext): Fn {
  const fn = module.fn('raise', ['i32', 'i32', 'i64']);
  set32(fn, fn.param(0), 'cause', fn.param(1));
  set64(fn, fn.param(0), 'tval', fn.param(2));
  return fn;
}

const pageFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchPage), add(i32(CAUSE.loadPage), shl(access, i32(1))));
const accessFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchAccess), add(i32(CAUSE.loadAccess), shl(access, i32(1))));

/**
 * `pmp(hart, page, machine)`: what PMP allows in a physical page, as TLB flags (Privileged ISA 3.7). The granularity is
 * 4 KiB (G = 10), so a page always lies wholly in or out of a region.
 */
function definePmp({ module }: EngineContext): Fn {
  const fn = module.fn('pmp', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, page, machine] = [fn.param(0), fn.param(1), fn.param(2)];
  const entry = fn.let(add(hart, i32(HART.pmp)));
  const end = fn.let(add(entry, i32(16 * 24)));
  const all = i32(TLB_FLAG.read | TLB_FLAG.write | TLB_FLAG.execute);
  fn.if(and(get32(hart, 'pmpOpen'), eqz(machine)), () => fn.return(all));
  fn.loop((again) => {
    const inside = and(geU(page, load64(entry, 0)), ltU(page, load64(entry, 8)));
    fn.if(inside, () => {
      const flags = fn.let(load32(entry, 16));
      // M-mode is bound only by locked entries: bit 7 is L.
      fn.if(and(machine, eqz(and(flags, i32(0x80)))), () => fn.return(all));
      fn.return(and(flags, i32(7)));
    });
    fn.set(entry, add(entry, i32(24)));
    fn.brIf(again, ltU(entry, end));
  });
  fn.return(select(machine, all, i32(0)));
  fn.unreachable();
  return fn;
}

/**
 * `walk(hart, address, access, context)`: 0, or 1 for a page fault, 2 for an access fault. Leaves the physical page in
 * `walkPage` and what this context may do with it in `walkFlags` (Privileged ISA 12.3.2).
 */
function defineWalk(ctx: EngineContext, pmp: Fn, noteWrite: Fn): Fn {
  const { module, config, plan } = ctx;
  const fn = module.fn('walk', ['i32', 'i64', 'i32', 'i32'], ['i32']);
  const [hart, address, access, context] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const kind = fn.let(and(shrU(context, i32(CONTEXT.shift)), i32(3)));
  const isMachine = eqz(kind);
  const need = fn.let(shl(i32(1), access));
  const page = fn.local('i64');
  const allowed = fn.local('i32');
  const PAGE_FAULT = i32(1);
  const ACCESS_FAULT = i32(2);

  const finish = () => {
    fn.if(geU(page, i64(PHYSICAL_END)), () => fn.return(ACCESS_FAULT));
    fn.set(allowed, and(allowed, call(pmp, hart, page, isMachine)));
    fn.if(eqz(and(allowed, need)), () => fn.return(ACCESS_FAULT));
    set64(fn, hart, 'walkPage', page);
    set32(fn, hart, 'walkFlags', allowed);
    fn.return(i32(0));
  };

  fn.if(ltU(kind, i32(CONTEXT.supervisor)), () => {
    fn.set(page, pageOf(address));
    fn.set(allowed, i32(7));
    finish();
  });

  bump(fn, hart, 'tlbMisses', i64(1));
  const satp = fn.let(getCsr(hart, 'satp'));
  const levels = fn.let(sub(wrap(shrU(satp, i64(60))), i32(5)));
  // An address is canonical if all bits above the translated ones equal the highest of them.
  const unused = fn.let(extendU(sub(i32(64 - 12), mul(levels, i32(9)))));
  fn.if(ne(shrS(shl(address, unused), unused), address), () => fn.return(PAGE_FAULT));
  const table = fn.let(shl(and(satp, i64((1n << 44n) - 1n)), i64(12)));
  const level = fn.let(sub(levels, i32(1)));
  const shift = fn.local('i64');
  const pte = fn.local('i64');
  const pteOffset = fn.local('i32');

  fn.loop((next) => {
    fn.set(shift, extendU(add(i32(12), mul(level, i32(9)))));
    const entry = fn.let(add(table, shl(and(shrU(address, shift), i64(511)), i64(3))));
    const inRam = fn.let(sub(entry, i64(RAM_BASE)));
    fn.if(geU(inRam, i64(plan.ramBytes)), () => fn.return(ACCESS_FAULT));
    // The walk reads as S-mode does (12.3.2 step 2).
    fn.if(eqz(and(call(pmp, hart, pageOf(entry), i32(0)), i32(TLB_FLAG.read))), () => fn.return(ACCESS_FAULT));
    fn.set(pteOffset, wrap(inRam));
    fn.set(pte, load64(pteOffset, plan.ram));
    bump(fn, hart, 'walkReferences', i64(1));
    set32(fn, hart, 'extraCycles', add(get32(hart, 'extraCycles'), i32(config.core.walkReferenceCycles)));

    const rwx = fn.let(and(pte, i64(PTE.R | PTE.W | PTE.X)));
    const invalid = or(
      eqz(and(pte, i64(PTE.V))),
      or(eq(and(rwx, i64(PTE.R | PTE.W)), i64(PTE.W)), ne(and(pte, i64(PTE_RESERVED)), i64(0))),
    );
    fn.if(invalid, () => fn.return(PAGE_FAULT));
    fn.if(eqz(rwx), () => {
      // D, A and U are reserved in a pointer to the next level.
      fn.if(ne(and(pte, i64(PTE.D | PTE.A | PTE.U)), i64(0)), () => fn.return(PAGE_FAULT));
      fn.if(eqz(level), () => fn.return(PAGE_FAULT));
      fn.set(table, shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
      fn.set(level, sub(level, i32(1)));
      fn.br(next);
    });
  });

  // A leaf: which accesses it allows in this context.
  const isUserPage = fn.let(ne(and(pte, i64(PTE.U)), i64(0)));
  const isUser = eq(kind, i32(CONTEXT.user));
  const sum = ne(and(context, i32(CONTEXT.sum)), i32(0));
  const mxr = ne(and(context, i32(CONTEXT.mxr)), i32(0));
  const readable = or(hasBit(pte, 1), and(mxr, hasBit(pte, 3)));
  fn.set(allowed, or(readable, or(shl(hasBit(pte, 2), i32(1)), shl(hasBit(pte, 3), i32(2)))));
  fn.if(isUser, () => fn.if(eqz(isUserPage), () => fn.return(PAGE_FAULT)));
  fn.if(and(eqz(isUser), isUserPage), () => {
    // S-mode never executes user pages, and touches them only with SUM.
    fn.set(allowed, select(sum, and(allowed, i32(TLB_FLAG.read | TLB_FLAG.write)), i32(0)));
  });
  fn.if(eqz(and(allowed, need)), () => fn.return(PAGE_FAULT));
  const offsetMask = fn.let(sub(shl(i64(1), shift), i64(1)));
  fn.set(page, shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
  fn.if(ne(and(page, offsetMask), i64(0)), () => fn.return(PAGE_FAULT));

  const wanted = fn.let(select(eq(access, i32(ACCESS.write)), i64(PTE.A | PTE.D), i64(PTE.A)));
  fn.if(ne(and(pte, wanted), wanted), () => {
    if (config.adUpdate === 'fault') {
      fn.return(PAGE_FAULT);
      return;
    }
    const ptePage = add(pageOf(extendU(pteOffset)), i64(RAM_BASE));
    fn.if(eqz(and(call(pmp, hart, ptePage, i32(0)), i32(TLB_FLAG.write))), () => fn.return(ACCESS_FAULT));
    fn.set(pte, or(pte, wanted));
    fn.do(noteWrite, pteOffset, i32(8));
    fn.store(64, pteOffset, pte, plan.ram);
  });
  // A page that is not yet dirty must be walked again by the first write.
  fn.if(eqz(hasBit(pte, 7)), () => fn.set(allowed, and(allowed, i32(~TLB_FLAG.write))));
  fn.set(page, or(page, and(pageOf(address), offsetMask)));
  fn.if(gtU(shift, i64(12)), () => set32(fn, hart, 'superpages', i32(1)));
  finish();
  fn.unreachable();
  return fn;
}

/** `fill(hart, entry, tag)`: makes a TLB entry from the result of a walk, with no fast tags. */
function defineFill({ module, plan }: EngineContext): Fn {
  const fn = module.fn('fill', ['i32', 'i32', 'i64']);
  const [hart, entry, tag] = [fn.param(0), fn.param(1), fn.param(2)];
  const page = fn.let(get64(hart, 'walkPage'));
  const inRam = fn.let(sub(page, i64(RAM_BASE)));
  const isRam = fn.let(ltU(inRam, i64(plan.ramBytes)));
  fn.store(64, entry, i64(NO_TAG), TLB.fastRead);
  fn.store(64, entry, i64(NO_TAG), TLB.fastWrite);
  fn.store(64, entry, tag, TLB.tag);
  fn.store(32, entry, sub(add(wrap(inRam), i32(plan.ram)), wrap(pageOf(tag))), TLB.addend);
  const number = shl(wrap(shrU(page, i64(12))), i32(4));
  fn.store(32, entry, or(number, or(get32(hart, 'walkFlags'), shl(isRam, i32(3)))), TLB.flags);
  return fn;
}

const entryFlag = (entry: Expr, flag: Expr) => and(load32(entry, TLB.flags), flag);

/** `lookup(hart, address, access)`: the data TLB entry that allows the access, after a walk if need be; 0 after a fault. */
function defineLookup(ctx: EngineContext, walk: Fn, fill: Fn, raise: Fn): Fn {
  const fn = ctx.module.fn('lookup', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, address, access] = [fn.param(0), fn.param(1), fn.param(2)];
  const entry = fn.let(add(add(get32(hart, 'dataTlbBase'), i32(HART.dataTlb)), tlbOffset(ctx, address)));
  const context = fn.let(get64(hart, 'dataContext'));
  const tag = fn.let(or(pageOf(address), context));
  const hit = and(eq(load64(entry, TLB.tag), tag), ne(entryFlag(entry, shl(i32(1), access)), i32(0)));
  fn.if(hit, () => fn.return(entry));
  const status = fn.let(call(walk, hart, address, access, wrap(context)));
  raiseWalkFault(fn, raise, hart, address, access, status);
  fn.do(fill, hart, entry, tag);
  fn.return(entry);
  fn.unreachable();
  return fn;
}

function raiseWalkFault(fn: Fn, raise: Fn, hart: Expr, address: Expr, access: Expr, status: Local): void {
  fn.if(status, () => {
    const cause = select(eq(status, i32(1)), pageFaultCause(access), accessFaultCause(access));
    fn.do(raise, hart, cause, address);
    fn.return(i32(0));
  });
}

/** `arm(entry)`: gives a data TLB entry the fast tags that its page allows now. */
function defineArm({ module, plan }: EngineContext): Fn {
  const fn = module.fn('arm', ['i32']);
  const entry = fn.param(0);
  const tag = fn.let(load64(entry, TLB.tag));
  const flags = fn.let(load32(entry, TLB.flags));
  fn.if(eqz(and(flags, i32(TLB_FLAG.ram))), () => fn.return());
  fn.if(and(flags, i32(TLB_FLAG.read)), () => fn.store(64, entry, tag, TLB.fastRead));
  const page = sub(shrU(flags, i32(4)), i32(RAM_BASE / PAGE_BYTES));
  const pageFlags = load('i32', 'u8', page, plan.pageFlags);
  // Writable without a look only where nothing is to be done beside the write: dirty already, no code, not watched.
  fn.if(and(eq(pageFlags, i32(PAGE_FLAG.dirty)), ne(and(flags, i32(TLB_FLAG.write)), i32(0))), () =>
    fn.store(64, entry, tag, TLB.fastWrite),
  );
  return fn;
}

/** Name, parameters and result of the function that regions call on a TLB miss. */
export const REFILL = { name: 'refill', params: ['i32', 'i64', 'i32'], results: ['i32'] } as const;

/**
 * `refill(hart, address, access)`: what the interpreter's lookup would do, for a region. Gives the cycles that it took, or -1 if it
 * ended in a fault: then nothing has happened, and the interpreter finds the same fault again.
 */
function defineRefill({ module }: EngineContext, lookup: Fn, arm: Fn): Fn {
  const fn = module.fn(REFILL.name, REFILL.params, REFILL.results);
  const [hart, address, access] = [fn.param(0), fn.param(1), fn.param(2)];
  const misses = fn.let(get64(hart, 'tlbMisses'));
  const references = fn.let(get64(hart, 'walkReferences'));
  const entry = fn.let(call(lookup, hart, address, access));
  const cycles = fn.let(get32(hart, 'extraCycles'));
  set32(fn, hart, 'extraCycles', i32(0));
  fn.if(eqz(entry), () => {
    set64(fn, hart, 'tlbMisses', misses);
    set64(fn, hart, 'walkReferences', references);
    fn.return(i32(-1));
  });
  fn.do(arm, entry);
  fn.return(cycles);
  fn.unreachable();
  return fn;
}

function defineUpdateContext({ module }: EngineContext): Fn {
  const fn = module.fn('updateContext', ['i32']);
  const hart = fn.param(0);
  const status = fn.let(getCsr(hart, 'mstatus'));
  const privilege = fn.let(get32(hart, 'privilege'));
  const translated = fn.let(ne(shrU(getCsr(hart, 'satp'), i64(60)), i64(0)));
  const kindOf = (level: Expr) =>
    cond(eq(level, i32(3)), i32(CONTEXT.machine), cond(translated, sub(i32(CONTEXT.user), level), i32(CONTEXT.bare)));
  set64(fn, hart, 'fetchContext', extendU(shl(kindOf(privilege), i32(CONTEXT.shift))));
  const mprv = and(eq(privilege, i32(3)), hasBit(status, 17));
  const mpp = and(wrap(shrU(status, i64(11))), i32(3));
  const effective = fn.let(select(mprv, mpp, privilege));
  const kind = fn.let(kindOf(effective));
  const sum = shl(and(hasBit(status, 18), eq(kind, i32(CONTEXT.supervisor))), i32(5));
  const mxr = shl(and(hasBit(status, 19), geU(kind, i32(CONTEXT.supervisor))), i32(6));
  set64(fn, hart, 'dataContext', extendU(or(shl(kind, i32(CONTEXT.shift)), or(sum, mxr))));
  const tlbBase = (of: Expr) => add(hart, shl(ltU(of, i32(CONTEXT.supervisor)), i32(Math.log2(BARE_TLBS))));
  set32(fn, hart, 'dataTlbBase', tlbBase(kind));
  const open = cond(eqz(kind), get32(hart, 'pmpMachineOpen'), and(eq(kind, i32(CONTEXT.bare)), get32(hart, 'pmpOpen')));
  set32(fn, hart, 'directMemory', open);
  set32(fn, hart, 'fetchTlbBase', tlbBase(kindOf(privilege)));
  set64(fn, hart, 'fetchPage', i64(-1));
  return fn;
}

function defineFlushBare({ module, config }: EngineContext): Fn {
  const fn = module.fn('flushBare', ['i32']);
  const size = i32(config.core.tlbEntries * TLB.entryBytes);
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) fn.fill(add(fn.param(0), i32(tlb + BARE_TLBS)), i32(0xff), size);
  set64(fn, fn.param(0), 'fetchPage', i64(-1));
  return fn;
}

function defineFlush({ module, config }: EngineContext): Fn {
  const fn = module.fn('flush', ['i32']);
  const hart = fn.param(0);
  const size = i32(config.core.tlbEntries * TLB.entryBytes);
  fn.fill(add(hart, i32(HART.dataTlb)), i32(0xff), size);
  fn.fill(add(hart, i32(HART.fetchTlb)), i32(0xff), size);
  set32(fn, hart, 'superpages', i32(0));
  set64(fn, hart, 'fetchPage', i64(-1));
  return fn;
}

/** `fence(hart, address, all)`: `sfence.vma` for one address or for all. */
function defineFence(ctx: EngineContext, flush: Fn): Fn {
  const fn = ctx.module.fn('fence', ['i32', 'i64', 'i32']);
  const [hart, address, all] = [fn.param(0), fn.param(1), fn.param(2)];
  // Fragments of one superpage may be anywhere in the TLB.
  fn.if(or(all, get32(hart, 'superpages')), () => {
    fn.do(flush, hart);
    fn.return();
  });
  const offset = fn.let(tlbOffset(ctx, address));
  for (const tlb of [HART.dataTlb, HART.fetchTlb]) {
    fn.fill(add(add(hart, i32(tlb)), offset), i32(0xff), i32(TLB.entryBytes));
  }
  set64(fn, hart, 'fetchPage', i64(-1));
  return fn;
}

/** Host address of `address` by its TLB entry; right only for RAM. */
const hostAddress = (entry: Expr, address: Expr) => add(wrap(address), load32(entry, TLB.addend));
const devicePage = (entry: Expr) => shl(extendU(shrU(load32(entry, TLB.flags), i32(4))), i64(12));
const crossesPage = (address: Expr, size: Expr) =>
  gtU(add(and(wrap(address), i32(PAGE_BYTES - 1)), size), i32(PAGE_BYTES));

/** Leaves the access to TypeScript; a misaligned one is refused, since no device register is there. */
function deviceAccess(fn: Fn, raise: Fn, hart: Expr, entry: Expr, address: Expr, size: Expr, kind: Expr, access: Expr) {
  fn.if(
    and(wrap(address), sub(size, i32(1))),
    () => {
      fn.do(raise, hart, accessFaultCause(access), address);
    },
    () => {
      // If no device answers there, TypeScript ends the instruction with an access fault at this address.
      set64(fn, hart, 'tval', address);
      set64(fn, hart, 'accessAddress', or(devicePage(entry), and(address, i64(PAGE_BYTES - 1))));
      set32(fn, hart, 'accessKind', kind);
      set32(fn, hart, 'stop', i32(ENGINE_STOP.access));
    },
  );
}

/** `loadSlow(hart, address, kind)`: host address to load from; 0 after a fault or for a device access. */
function defineLoadSlow(ctx: EngineContext, lookup: Fn, raise: Fn, arm: Fn): Fn {
  const fn = ctx.module.fn('loadSlow', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, address, kind] = [fn.param(0), fn.param(1), fn.param(2)];
  const size = fn.let(shl(i32(1), and(kind, i32(3))));
  const entry = fn.local('i32');
  const ramFlag = (of: Expr) => entryFlag(of, i32(TLB_FLAG.ram));
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    if (ctx.config.misaligned === 'trap') {
      fn.do(raise, hart, i32(CAUSE.loadMisaligned), address);
      fn.return(i32(0));
      return;
    }
    fn.if(crossesPage(address, size), () => {
      fn.set(entry, call(lookup, hart, address, i32(ACCESS.read)));
      fn.if(eqz(entry), () => fn.return(i32(0)));
      const firstHost = fn.let(hostAddress(entry, address));
      const firstIsRam = fn.let(ramFlag(entry));
      const second = fn.let(pageOf(add(address, extendU(size))));
      fn.set(entry, call(lookup, hart, second, i32(ACCESS.read)));
      fn.if(eqz(entry), () => fn.return(i32(0)));
      fn.if(eqz(and(firstIsRam, ramFlag(entry))), () => {
        fn.do(raise, hart, i32(CAUSE.loadAccess), address);
        fn.return(i32(0));
      });
      const firstBytes = fn.let(sub(i32(PAGE_BYTES), and(wrap(address), i32(PAGE_BYTES - 1))));
      const secondHost = fn.let(sub(hostAddress(entry, second), firstBytes));
      const index = fn.let(i32(0));
      fn.loop((again) => {
        const from = add(select(ltU(index, firstBytes), firstHost, secondHost), index);
        fn.store(8, add(hart, index), load('i32', 'u8', from), HART.scratch);
        fn.set(index, add(index, i32(1)));
        fn.brIf(again, ltU(index, size));
      });
      fn.return(add(hart, i32(HART.scratch)));
    });
  });
  fn.set(entry, call(lookup, hart, address, i32(ACCESS.read)));
  fn.if(eqz(entry), () => fn.return(i32(0)));
  fn.if(eqz(ramFlag(entry)), () => {
    deviceAccess(fn, raise, hart, entry, address, size, kind, i32(ACCESS.read));
    fn.return(i32(0));
  });
  fn.do(arm, entry);
  fn.return(hostAddress(entry, address));
  fn.unreachable();
  return fn;
}

/** `storeSlow(hart, address, value, log2)`: makes the whole store; gives a {@link STORE_STATUS}. */
function defineStoreSlow(ctx: EngineContext, lookup: Fn, raise: Fn, noteWrite: Fn, arm: Fn): Fn {
  const { module, plan, config } = ctx;
  const fn = module.fn('storeSlow', ['i32', 'i64', 'i64', 'i32'], ['i32']);
  const [hart, address, value, log2] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const size = fn.let(shl(i32(1), log2));
  const entry = fn.local('i32');
  const fault = () => fn.return(i32(STORE_STATUS.fault));
  const ramFlag = (of: Expr) => entryFlag(of, i32(TLB_FLAG.ram));
  const ramOffset = (host: Expr) => sub(host, i32(plan.ram));
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    if (config.misaligned === 'trap') {
      fn.do(raise, hart, i32(CAUSE.storeMisaligned), address);
      fault();
      return;
    }
    fn.if(crossesPage(address, size), () => {
      fn.set(entry, call(lookup, hart, address, i32(ACCESS.write)));
      fn.if(eqz(entry), fault);
      const firstHost = fn.let(hostAddress(entry, address));
      const firstIsRam = fn.let(ramFlag(entry));
      const second = fn.let(pageOf(add(address, extendU(size))));
      fn.set(entry, call(lookup, hart, second, i32(ACCESS.write)));
      fn.if(eqz(entry), fault);
      fn.if(eqz(and(firstIsRam, ramFlag(entry))), () => {
        fn.do(raise, hart, i32(CAUSE.storeAccess), address);
        fault();
      });
      const firstBytes = fn.let(sub(i32(PAGE_BYTES), and(wrap(address), i32(PAGE_BYTES - 1))));
      const secondHost = fn.let(hostAddress(entry, second));
      fn.do(noteWrite, ramOffset(firstHost), firstBytes);
      fn.do(noteWrite, ramOffset(secondHost), sub(size, firstBytes));
      const index = fn.let(i32(0));
      fn.loop((again) => {
        const to = add(select(ltU(index, firstBytes), firstHost, sub(secondHost, firstBytes)), index);
        fn.store(8, to, shrU(value, extendU(shl(index, i32(3)))));
        fn.set(index, add(index, i32(1)));
        fn.brIf(again, ltU(index, size));
      });
      fn.return(i32(STORE_STATUS.done));
    });
  });
  fn.set(entry, call(lookup, hart, address, i32(ACCESS.write)));
  fn.if(eqz(entry), fault);
  fn.if(eqz(ramFlag(entry)), () => {
    set64(fn, hart, 'accessValue', value);
    deviceAccess(fn, raise, hart, entry, address, size, or(log2, i32(ACCESS_KIND.write)), i32(ACCESS.write));
    fault();
  });
  const host = fn.let(hostAddress(entry, address));
  fn.do(noteWrite, ramOffset(host), size);
  fn.block((stored) => {
    for (const [index, bits] of ([8, 16, 32] as const).entries()) {
      fn.if(eq(log2, i32(index)), () => {
        fn.store(bits, host, value);
        fn.br(stored);
      });
    }
    fn.store(64, host, value);
  });
  fn.do(arm, entry);
  const atTohost = eq(ramOffset(host), load32(i32(0), GLOBAL.tohostOffset));
  fn.if(and(atTohost, ne(load64(host), i64(0))), () => {
    set32(fn, hart, 'stop', i32(ENGINE_STOP.tohost));
    fn.return(i32(STORE_STATUS.doneAndStop));
  });
  fn.return(i32(STORE_STATUS.done));
  fn.unreachable();
  return fn;
}

/**
 * `atomicAddress(hart, address, log2, access)`: host address for an atomic access (access: read for LR, else write); 0 after a
 * fault. Atomics are always aligned and only in RAM (the PMA of devices has no atomics).
 */
function defineAtomicAddress(ctx: EngineContext, lookup: Fn, raise: Fn, noteWrite: Fn, arm: Fn): Fn {
  const fn = ctx.module.fn('atomicAddress', ['i32', 'i64', 'i32', 'i32'], ['i32']);
  const [hart, address, log2, access] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const size = fn.let(shl(i32(1), log2));
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    fn.do(raise, hart, add(i32(CAUSE.loadMisaligned), shl(access, i32(1))), address);
    fn.return(i32(0));
  });
  const entry = fn.let(call(lookup, hart, address, access));
  fn.if(eqz(entry), () => fn.return(i32(0)));
  fn.if(eqz(entryFlag(entry, i32(TLB_FLAG.ram))), () => {
    fn.do(raise, hart, accessFaultCause(access), address);
    fn.return(i32(0));
  });
  const host = fn.let(hostAddress(entry, address));
  fn.if(access, () => fn.do(noteWrite, sub(host, i32(ctx.plan.ram)), size));
  fn.do(arm, entry);
  fn.return(host);
  fn.unreachable();
  return fn;
}

/** `fetchLookup(hart, address)`: the fetch TLB entry of the page, after a walk if need be; 0 after a fault. Always RAM. */
function defineFetchLookup(ctx: EngineContext, walk: Fn, fill: Fn, raise: Fn): Fn {
  const fn = ctx.module.fn('fetchLookup', ['i32', 'i64'], ['i32']);
  const [hart, address] = [fn.param(0), fn.param(1)];
  const entry = fn.let(add(add(get32(hart, 'fetchTlbBase'), i32(HART.fetchTlb)), tlbOffset(ctx, address)));
  const context = fn.let(get64(hart, 'fetchContext'));
  const tag = fn.let(or(pageOf(address), context));
  const access = i32(ACCESS.fetch);
  const miss = or(ne(load64(entry, TLB.tag), tag), eqz(entryFlag(entry, i32(TLB_FLAG.execute))));
  fn.if(miss, () => {
    const status = fn.let(call(walk, hart, address, access, wrap(context)));
    raiseWalkFault(fn, raise, hart, address, access, status);
    fn.do(fill, hart, entry, tag);
  });
  fn.if(eqz(entryFlag(entry, i32(TLB_FLAG.ram))), () => {
    fn.do(raise, hart, i32(CAUSE.fetchAccess), address);
    fn.return(i32(0));
  });
  fn.return(entry);
  fn.unreachable();
  return fn;
}

/** Offset in RAM of the page that a TLB entry maps. */
export const ramPageOf = (entry: Expr): Expr =>
  sub(shl(shrU(load32(entry, TLB.flags), i32(4)), i32(12)), i32(RAM_BASE));

/**
 * `fetchSlow(hart, address)`: the predecoded block of the page; 0 after a fault or, with `stop` set, where the page has no
 * block yet. Makes the page the one that is fetched from.
 */
function defineFetchSlow({ module, plan }: EngineContext, fetchLookup: Fn): Fn {
  const fn = module.fn('fetchSlow', ['i32', 'i64'], ['i32']);
  const [hart, address] = [fn.param(0), fn.param(1)];
  const entry = fn.let(call(fetchLookup, hart, address));
  fn.if(eqz(entry), () => fn.return(i32(0)));
  const ramPage = fn.let(ramPageOf(entry));
  set64(fn, hart, 'fetchPage', pageOf(address));
  set32(fn, hart, 'fetchRamPage', ramPage);
  const block = fn.let(load32(shrU(ramPage, i32(10)), plan.blockTable));
  fn.if(eqz(block), () => {
    set32(fn, hart, 'stop', i32(ENGINE_STOP.block));
    fn.return(i32(0));
  });
  fn.store(32, entry, block, TLB.block);
  fn.store(64, entry, load64(entry, TLB.tag), TLB.fastRead);
  fn.return(block);
  fn.unreachable();
  return fn;
}
