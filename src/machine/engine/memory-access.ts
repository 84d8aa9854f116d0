/** Slow paths of loads, stores and atomics, as generated code: what no fast tag allows, what is misaligned, and devices. */
import type { EngineContext } from './engine-context.ts';
import { pageOf, set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendU,
  gtU,
  i32,
  i64,
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
import { GLOBAL, HART, PAGE_BYTES, TLB, TLB_FLAG } from './layout.ts';
import { accessFaultCause } from './memory-faults.ts';
import { canVirtualize } from './page-walk.ts';
import { ACCESS, CAUSE, ENGINE_STOP } from './stops.ts';
import { entryFlag } from './tlb.ts';
import type { Fn } from './wasm-module.ts';

/**
 * Device accesses tell their kind to TypeScript: log2 of the size in the lowest bits, and these. `none`: what has met a guest-page fault can be no
 * device access.
 */
export const ACCESS_KIND = { log2: 3, signed: 4, write: 8, none: 16 } as const;

/** Result of a store's slow path. */
export const STORE_STATUS = { done: 0, fault: 1, doneAndStop: 2 } as const;

/** What stores and atomics are made of. */
interface WriteParts {
  readonly lookup: Fn;
  readonly raise: Fn;
  readonly noteWrite: Fn;
  readonly arm: Fn;
  readonly watch: Fn;
}

/** `loadSlow(hart, address, kind)`: host address to load from; 0 after a fault or for a device access. */
export function defineLoadSlow(ctx: EngineContext, lookup: Fn, raise: Fn, arm: Fn): Fn {
  const fn = ctx.module.fn('loadSlow', ['i32', 'i64', 'i32'], ['i32']);
  const [hart, address, kind] = [fn.param(0), fn.param(1), fn.param(2)];
  const size = fn.let(shl(i32(1), and(kind, i32(3))));
  const entry = fn.local('i32');
  const leave = (trapped: Expr) => {
    noteAccess(ctx, fn, hart, trapped);
    fn.return(i32(0));
  };
  fn.if(and(wrap(address), sub(size, i32(1))), () => {
    if (ctx.config.misaligned === 'trap') {
      fn.do(raise, hart, i32(CAUSE.loadMisaligned), address);
      fn.return(i32(0));
      return;
    }
    fn.if(crossesPage(address, size), () => {
      const { firstHost, firstBytes, second } = lookUpBoth(
        fn,
        { lookup, hart, address, size, entry, access: ACCESS.read },
        leave,
        () => {
          fn.do(raise, hart, i32(CAUSE.loadAccess), address);
          fn.return(i32(0));
        },
      );
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

/** `storeSlow(hart, address, value, log2)`: makes the whole store; gives a {@link STORE_STATUS}. */
export function defineStoreSlow(ctx: EngineContext, { lookup, raise, noteWrite, arm, watch }: WriteParts): Fn {
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
      const { firstHost, firstBytes, second } = lookUpBoth(
        fn,
        { lookup, hart, address, size, entry, access: ACCESS.write },
        leave,
        () => {
          fn.do(raise, hart, i32(CAUSE.storeAccess), address);
          fault();
        },
      );
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
  storeBytes(fn, host, value, log2);
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
export function defineAtomicAddress(ctx: EngineContext, { lookup, raise, noteWrite, arm, watch }: WriteParts): Fn {
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

const ramFlag = (entry: Expr) => entryFlag(entry, i32(TLB_FLAG.ram));
/** Host address of `address` by its TLB entry; right only for RAM. */
const hostAddress = (entry: Expr, address: Expr) => add(wrap(address), load32(entry, TLB.addend));
const devicePage = (entry: Expr) => shl(extendU(shrU(load32(entry, TLB.flags), i32(4))), i64(12));
const crossesPage = (address: Expr, size: Expr) =>
  gtU(add(and(wrap(address), i32(PAGE_BYTES - 1)), size), i32(PAGE_BYTES));

/** A {@link defineLoadSlow load} or {@link defineStoreSlow store} that lies in two pages. */
interface CrossingAccess {
  readonly lookup: Fn;
  readonly hart: Expr;
  readonly address: Expr;
  readonly size: Expr;
  /** Set to the entry of the first page, then to that of the second. */
  readonly entry: Local;
  readonly access: number;
}

/** Looks up both pages of an access before anything is done in either: `refuse` ends it if one of them is not RAM. */
function lookUpBoth(
  fn: Fn,
  { lookup, hart, address, size, entry, access }: CrossingAccess,
  leave: (trapped: Expr) => void,
  refuse: () => void,
): { readonly firstHost: Local; readonly firstBytes: Local; readonly second: Local } {
  const lookUp = (of: Expr) => {
    fn.set(entry, call(lookup, hart, of, i32(access)));
    fn.if(eqz(entry), () => leave(i32(ACCESS_KIND.none)));
  };
  lookUp(address);
  const firstHost = fn.let(hostAddress(entry, address));
  const firstIsRam = fn.let(ramFlag(entry));
  const second = fn.let(pageOf(add(address, extendU(size))));
  lookUp(second);
  fn.if(eqz(and(firstIsRam, ramFlag(entry))), refuse);
  const firstBytes = fn.let(sub(i32(PAGE_BYTES), and(wrap(address), i32(PAGE_BYTES - 1))));
  return { firstHost, firstBytes, second };
}

/** Stores as many bytes of a value as the size says. */
function storeBytes(fn: Fn, host: Expr, value: Expr, log2: Expr): void {
  fn.block((stored) => {
    for (const [index, bits] of ([8, 16, 32] as const).entries()) {
      fn.if(eq(log2, i32(index)), () => {
        fn.store(bits, host, value);
        fn.br(stored);
      });
    }
    fn.store(64, host, value);
  });
}

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
