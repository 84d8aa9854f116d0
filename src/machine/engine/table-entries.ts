/** What all page walks do with one entry of a table, as generated code (Privileged ISA 12.3.1, 12.3.2). */
import type { EngineContext } from './engine-context.ts';
import { bump, get32, pageOf, set32 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendU,
  geU,
  i32,
  i64,
  load32,
  load64,
  ltU,
  ne,
  or,
  select,
  sub,
  wrap,
} from './expr.ts';
import { HART, NO_RESERVATION, RAM_BASE, TLB_FLAG } from './layout.ts';
import { ACCESS } from './stops.ts';
import type { Fn } from './wasm-module.ts';

/** Bits of a page-table entry (Privileged ISA 12.3.1). */
export const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, A: 64n, D: 128n } as const;
export const PTE_PPN_MASK = ((1n << 44n) - 1n) << 10n;
/** N, PBMT and reserved bits: without their extensions they must be zero. */
const PTE_RESERVED = 0xffc0_0000_0000_0000n;

/** How a walk can fail. */
export const WALK_FAULT = { page: 1, access: 2, guestPage: 3 } as const;

/** Code that reads entries one after the other, and what it has read last. */
export interface TableReader {
  readonly pte: Local;
  /** Where the entry stands, as an offset from the start of RAM. */
  readonly offset: Local;
  /** Reads the entry at a physical address, or returns from the function with an access fault. It costs a reference, unless not `counted`. */
  read(address: Expr, counted?: Expr): void;
  /** Whether the entry means nothing: not valid, W without R, reserved bits. */
  isInvalid(rwx: Expr): Expr;
}

/** @param limit end of what may hold tables, as an offset from the start of RAM: i64 */
export function defineTableReader(ctx: EngineContext, fn: Fn, hart: Expr, pmp: Fn, limit: Expr): TableReader {
  const { config, plan } = ctx;
  const pte = fn.local('i64');
  const offset = fn.local('i32');
  const count = () => {
    bump(fn, hart, 'walkReferences', i64(1));
    set32(fn, hart, 'extraCycles', add(get32(hart, 'extraCycles'), i32(config.core.walkReferenceCycles)));
  };
  return {
    pte,
    offset,
    read: (address, counted) => {
      const entry = fn.let(address);
      const inRam = fn.let(sub(entry, i64(RAM_BASE)));
      fn.if(geU(inRam, limit), () => fn.return(i32(WALK_FAULT.access)));
      // The walk reads as S-mode does (12.3.2 step 2).
      fn.if(eqz(and(call(pmp, hart, pageOf(entry), i32(0)), i32(TLB_FLAG.read))), () =>
        fn.return(i32(WALK_FAULT.access)),
      );
      fn.set(offset, wrap(inRam));
      fn.set(pte, load64(offset, plan.ram));
      if (counted) fn.if(counted, count);
      else count();
    },
    isInvalid: (rwx) =>
      or(
        eqz(and(pte, i64(PTE.V))),
        or(eq(and(rwx, i64(PTE.R | PTE.W)), i64(PTE.W)), ne(and(pte, i64(PTE_RESERVED)), i64(0))),
      ),
  };
}

/** Bits that an access needs set in its leaf: A, and D for a write. */
export const statusBits = (access: Expr): Expr => select(eq(access, i32(ACCESS.write)), i64(PTE.A | PTE.D), i64(PTE.A));

/** Whether the leaf lacks some of them. */
export const lacksStatus = (pte: Expr, access: Expr): Expr => ne(and(pte, statusBits(access)), statusBits(access));

/**
 * Sets A and D as the access wants them, or returns from the function with `fault` where that is left to software (12.3.2 step 9;
 * Svade, Svadu).
 */
export function updateStatus(
  ctx: EngineContext,
  fn: Fn,
  { hart, access, reader, fault }: { hart: Expr; access: Expr; reader: TableReader; fault: number },
  { pmp, noteWrite }: { pmp: Fn; noteWrite: Fn },
): void {
  const { pte, offset } = reader;
  fn.if(lacksStatus(pte, access), () => {
    if (ctx.config.adUpdate === 'fault') {
      fn.return(i32(fault));
      return;
    }
    const ptePage = add(pageOf(extendU(offset)), i64(RAM_BASE));
    fn.if(eqz(and(call(pmp, hart, ptePage, i32(0)), i32(TLB_FLAG.write))), () => fn.return(i32(WALK_FAULT.access)));
    fn.set(pte, or(pte, statusBits(access)));
    fn.do(noteWrite, offset, i32(8));
    // A store like another: an SC to the entry after it would take the bit back.
    const distance = sub(get32(hart, 'reservation'), offset);
    fn.if(ltU(distance, i32(8)), () => set32(fn, hart, 'reservation', i32(NO_RESERVATION)));
    fn.store(64, offset, pte, ctx.plan.ram);
  });
}

/**
 * `pmp(hart, page, machine)`: what PMP allows in a physical page, as TLB flags (Privileged ISA 3.7). The granularity is
 * 4 KiB (G = 10), so a page always lies wholly in or out of a region.
 */
export function definePmp({ module }: EngineContext): Fn {
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
