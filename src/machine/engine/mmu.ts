/**
 * Memory as generated code: TLB lookup, the slow paths of loads, stores and atomics, fetches, fences.
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
import { get32, get64, getCsr, hasBit, pageOf, set32, set64 } from './engine-context.ts';
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
  ne,
  or,
  select,
  shl,
  shrU,
  sub,
  wrap,
} from './expr.ts';
import { BARE_TLBS, BLOCK, GLOBAL, HART, NO_TAG, PAGE_BYTES, PAGE_FLAG, RAM_BASE, TLB, TLB_FLAG } from './layout.ts';
import { CONTEXT, canVirtualize, definePageWalk, isVirtualized, missCounter, SUPERPAGE_SHIFT } from './page-walk.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import { definePmp, WALK_FAULT } from './table-entries.ts';
import type { Fn } from './wasm-module.ts';

/**
 * Device accesses tell their kind to TypeScript: log2 of the size in the lowest bits, and these. `none`: what has met a guest-page fault can be no
 * device access.
 */
export const ACCESS_KIND = { log2: 3, signed: 4, write: 8, none: 16 } as const;

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
  const walk = definePageWalk(ctx, pmp, noteWrite);
  const fill = defineFill(ctx);
  const lookup = defineLookup(ctx, walk, fill, raise);
  const arm = defineArm(ctx);
  const flush = defineFlush(ctx);
  const watch = defineWatch(ctx);
  const fetchLookup = defineFetchLookup(ctx, walk, fill, raise);
  return {
    updateContext: defineUpdateContext(ctx),
    flush,
    flushBare: defineFlushBare(ctx),
    fence: defineFence(ctx, flush),
    loadSlow: defineLoadSlow(ctx, lookup, raise, arm),
    storeSlow: defineStoreSlow(ctx, { lookup, raise, noteWrite, arm, watch }),
    atomicAddress: defineAtomicAddress(ctx, { lookup, raise, noteWrite, arm, watch }),
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
const guestPageFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchGuestPage), add(i32(CAUSE.loadGuestPage), shl(access, i32(1))));
const accessFaultCause = (access: Expr) =>
  select(eq(access, i32(ACCESS.fetch)), i32(CAUSE.fetchAccess), add(i32(CAUSE.loadAccess), shl(access, i32(1))));

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
    const cause = select(eq(status, i32(WALK_FAULT.page)), pageFaultCause(access), accessFaultCause(access));
    fn.do(raise, hart, select(eq(status, i32(WALK_FAULT.guestPage)), guestPageFaultCause(access), cause), address);
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
  const kind = fn.let(missCounter(hart, access));
  const missesOfKind = fn.let(load64(kind));
  const entry = fn.let(call(lookup, hart, address, access));
  const cycles = fn.let(get32(hart, 'extraCycles'));
  set32(fn, hart, 'extraCycles', i32(0));
  fn.if(eqz(entry), () => {
    set64(fn, hart, 'tlbMisses', misses);
    set64(fn, hart, 'walkReferences', references);
    fn.store(64, kind, missesOfKind);
    fn.return(i32(-1));
  });
  fn.do(arm, entry);
  fn.return(cycles);
  fn.unreachable();
  return fn;
}

function defineUpdateContext(ctx: EngineContext): Fn {
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
  set64(fn, hart, 'superpages', i64(0));
  set64(fn, hart, 'fetchPage', i64(-1));
  return fn;
}

/** `fence(hart, address, all)`: `sfence.vma` for one address or for all. */
function defineFence(ctx: EngineContext, flush: Fn): Fn {
  const fn = ctx.module.fn('fence', ['i32', 'i64', 'i32']);
  const [hart, address, all] = [fn.param(0), fn.param(1), fn.param(2)];
  // Fragments of a superpage there may be anywhere in the TLB.
  const superpage = and(shrU(get64(hart, 'superpages'), shrU(address, i64(SUPERPAGE_SHIFT))), i64(1));
  fn.if(or(all, wrap(superpage)), () => {
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

/** After a fault: notes what the second stage may have kept from a device. */
function noteAccess(ctx: EngineContext, fn: Fn, hart: Expr, kind: Expr, value?: Expr): void {
  if (!canVirtualize(ctx)) return;
  set32(fn, hart, 'accessKind', kind);
  if (value) set64(fn, hart, 'accessValue', value);
}

/** `loadSlow(hart, address, kind)`: host address to load from; 0 after a fault or for a device access. */
function defineLoadSlow(ctx: EngineContext, lookup: Fn, raise: Fn, arm: Fn): Fn {
  const fn = ctx.module.fn('loadSlow', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, address, kind] = [fn.param(0), fn.param(1), fn.param(2)];
  const size = fn.let(shl(i32(1), and(kind, i32(3))));
  const entry = fn.local('i32');
  const leave = (trapped: Expr) => {
    noteAccess(ctx, fn, hart, trapped);
    fn.return(i32(0));
  };
  const ramFlag = (of: Expr) => entryFlag(of, i32(TLB_FLAG.ram));
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    if (ctx.config.misaligned === 'trap') {
      fn.do(raise, hart, i32(CAUSE.loadMisaligned), address);
      fn.return(i32(0));
      return;
    }
    fn.if(crossesPage(address, size), () => {
      fn.set(entry, call(lookup, hart, address, i32(ACCESS.read)));
      fn.if(eqz(entry), () => leave(i32(ACCESS_KIND.none)));
      const firstHost = fn.let(hostAddress(entry, address));
      const firstIsRam = fn.let(ramFlag(entry));
      const second = fn.let(pageOf(add(address, extendU(size))));
      fn.set(entry, call(lookup, hart, second, i32(ACCESS.read)));
      fn.if(eqz(entry), () => leave(i32(ACCESS_KIND.none)));
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
  fn.if(eqz(entry), () => leave(kind));
  fn.if(eqz(ramFlag(entry)), () => {
    deviceAccess(fn, raise, hart, entry, address, size, kind, i32(ACCESS.read));
    fn.return(i32(0));
  });
  fn.do(arm, entry);
  fn.return(hostAddress(entry, address));
  fn.unreachable();
  return fn;
}

/** What stores and atomics are made of. */
interface WriteParts {
  readonly lookup: Fn;
  readonly raise: Fn;
  readonly noteWrite: Fn;
  readonly arm: Fn;
  readonly watch: Fn;
}

/** `watch(hart, ramOffset, size)`: 1 if a write that is about to be made there is watched: then it is noted, and what it replaces. */
function defineWatch({ module, plan }: EngineContext): Fn {
  const fn = module.fn('watch', ['i32', 'i32', 'i32'], ['i32']);
  const [hart, offset, size] = [fn.param(0), fn.param(1), fn.param(2)];
  const word = (place: number) => load32(i32(0), place);
  fn.if(geU(offset, word(GLOBAL.watchedEnd)), () => fn.return(i32(0)));
  fn.if(leU(add(offset, size), word(GLOBAL.watchedStart)), () => fn.return(i32(0)));
  set32(fn, hart, 'watchedOffset', offset);
  set32(fn, hart, 'watchedSize', size);
  set64(fn, hart, 'watchedBefore', load64(add(offset, i32(plan.ram))));
  fn.return(i32(1));
  fn.unreachable();
  return fn;
}

/** `storeSlow(hart, address, value, log2)`: makes the whole store; gives a {@link STORE_STATUS}. */
function defineStoreSlow(ctx: EngineContext, { lookup, raise, noteWrite, arm, watch }: WriteParts): Fn {
  const { module, plan, config } = ctx;
  const fn = module.fn('storeSlow', ['i32', 'i64', 'i64', 'i32'], ['i32']);
  const [hart, address, value, log2] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const size = fn.let(shl(i32(1), log2));
  const entry = fn.local('i32');
  const fault = () => fn.return(i32(STORE_STATUS.fault));
  const leave = (trapped: Expr) => {
    noteAccess(ctx, fn, hart, trapped, value);
    fault();
  };
  const ramFlag = (of: Expr) => entryFlag(of, i32(TLB_FLAG.ram));
  const ramOffset = (host: Expr) => sub(host, i32(plan.ram));
  const finish = (watched: Expr) => {
    fn.if(watched, () => {
      set32(fn, hart, 'stop', i32(ENGINE_STOP.watchedStore));
      fn.return(i32(STORE_STATUS.doneAndStop));
    });
    fn.return(i32(STORE_STATUS.done));
  };
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    if (config.misaligned === 'trap') {
      fn.do(raise, hart, i32(CAUSE.storeMisaligned), address);
      fault();
      return;
    }
    fn.if(crossesPage(address, size), () => {
      fn.set(entry, call(lookup, hart, address, i32(ACCESS.write)));
      fn.if(eqz(entry), () => leave(i32(ACCESS_KIND.none)));
      const firstHost = fn.let(hostAddress(entry, address));
      const firstIsRam = fn.let(ramFlag(entry));
      const second = fn.let(pageOf(add(address, extendU(size))));
      fn.set(entry, call(lookup, hart, second, i32(ACCESS.write)));
      fn.if(eqz(entry), () => leave(i32(ACCESS_KIND.none)));
      fn.if(eqz(and(firstIsRam, ramFlag(entry))), () => {
        fn.do(raise, hart, i32(CAUSE.storeAccess), address);
        fault();
      });
      const firstBytes = fn.let(sub(i32(PAGE_BYTES), and(wrap(address), i32(PAGE_BYTES - 1))));
      const secondHost = fn.let(hostAddress(entry, second));
      fn.do(noteWrite, ramOffset(firstHost), firstBytes);
      fn.do(noteWrite, ramOffset(secondHost), sub(size, firstBytes));
      // No range goes on across a page, so at most one half is watched.
      const firstWatched = fn.let(call(watch, hart, ramOffset(firstHost), firstBytes));
      const secondWatched = fn.let(call(watch, hart, ramOffset(secondHost), sub(size, firstBytes)));
      const index = fn.let(i32(0));
      fn.loop((again) => {
        const to = add(select(ltU(index, firstBytes), firstHost, sub(secondHost, firstBytes)), index);
        fn.store(8, to, shrU(value, extendU(shl(index, i32(3)))));
        fn.set(index, add(index, i32(1)));
        fn.brIf(again, ltU(index, size));
      });
      finish(or(firstWatched, secondWatched));
    });
  });
  fn.set(entry, call(lookup, hart, address, i32(ACCESS.write)));
  fn.if(eqz(entry), () => leave(or(log2, i32(ACCESS_KIND.write))));
  fn.if(eqz(ramFlag(entry)), () => {
    set64(fn, hart, 'accessValue', value);
    deviceAccess(fn, raise, hart, entry, address, size, or(log2, i32(ACCESS_KIND.write)), i32(ACCESS.write));
    fault();
  });
  const host = fn.let(hostAddress(entry, address));
  fn.do(noteWrite, ramOffset(host), size);
  const watched = fn.let(call(watch, hart, ramOffset(host), size));
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
  finish(watched);
  fn.unreachable();
  return fn;
}

/**
 * `atomicAddress(hart, address, log2, access)`: host address for an atomic access (access: read for LR, else write); 0 after a
 * fault. Atomics are always aligned and only in RAM (the PMA of devices has no atomics). One that writes to watched bytes has set `stop`.
 */
function defineAtomicAddress(ctx: EngineContext, { lookup, raise, noteWrite, arm, watch }: WriteParts): Fn {
  const fn = ctx.module.fn('atomicAddress', ['i32', 'i64', 'i32', 'i32'], ['i32']);
  const [hart, address, log2, access] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const size = fn.let(shl(i32(1), log2));
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    fn.do(raise, hart, add(i32(CAUSE.loadMisaligned), shl(access, i32(1))), address);
    fn.return(i32(0));
  });
  const entry = fn.let(call(lookup, hart, address, access));
  fn.if(eqz(entry), () => {
    noteAccess(ctx, fn, hart, i32(ACCESS_KIND.none));
    fn.return(i32(0));
  });
  fn.if(eqz(entryFlag(entry, i32(TLB_FLAG.ram))), () => {
    fn.do(raise, hart, accessFaultCause(access), address);
    fn.return(i32(0));
  });
  const host = fn.let(hostAddress(entry, address));
  fn.if(access, () => {
    const offset = fn.let(sub(host, i32(ctx.plan.ram)));
    fn.do(noteWrite, offset, size);
    fn.if(call(watch, hart, offset, size), () => set32(fn, hart, 'stop', i32(ENGINE_STOP.watchedStore)));
  });
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
