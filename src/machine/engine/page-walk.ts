/**
 * The page walk as generated code (Privileged ISA 12.3.2). It counts each reference to a table that it really makes. Where harts can be
 * virtualized it goes through two stages, or starts at a root that the host has set.
 */

import { VIRTUALIZATION } from '../virtualization-types.ts';
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
  load,
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
import { HART, PAGE_BYTES, TLB_FLAG } from './layout.ts';
import { defineSecondStage, TABLE_ACCESS } from './second-stage.ts';
import { ACCESS } from './stops.ts';
import { defineTableReader, lacksStatus, PTE, PTE_PPN_MASK, updateStatus, WALK_FAULT } from './table-entries.ts';
import type { Fn } from './wasm-module.ts';

/**
 * Translation contexts, in bits 3 and 4 of a context; bit 5 is SUM, bit 6 MXR. Of a hart with two stages bits 7 to 11 are the VMID. A
 * deprivileged hart has its space in bits 5 to 11, as SUM and MXR mean nothing there.
 */
export const CONTEXT = {
  machine: 0,
  bare: 1,
  supervisor: 2,
  user: 3,
  shift: 3,
  sum: 1 << 5,
  mxr: 1 << 6,
  vmidShift: 7,
  spaceShift: 5,
} as const;

const PHYSICAL_END = 1n << 40n;
/** Superpages are remembered by gigabyte. */
export const SUPERPAGE_SHIFT = 30;
const ACCESS_COUNT = Object.keys(ACCESS).length;

/** Whether harts of the machine can be virtualized: only then is there code for it. */
export const canVirtualize = ({ plan }: EngineContext): boolean => plan.hostBytes > 0;

export const isVirtualized = (hart: Expr, kind: keyof typeof VIRTUALIZATION): Expr =>
  eq(get32(hart, 'virtualization'), i32(VIRTUALIZATION[kind]));

/** What the code of the walk works on. */
interface Walk {
  readonly ctx: EngineContext;
  readonly fn: Fn;
  readonly hart: Expr;
  readonly address: Expr;
  readonly access: Expr;
  readonly page: Local;
  readonly allowed: Local;
  /** i32 truth; undefined where no hart has a second stage. */
  readonly twoStage: Local | undefined;
  readonly secondStage: Fn | undefined;
}

/**
 * `walk(hart, address, access, context)`: 0 or a {@link WALK_FAULT}. Leaves the physical page in `walkPage` and what this context may do
 * with it in `walkFlags`.
 */
export function definePageWalk(ctx: EngineContext, pmp: Fn, noteWrite: Fn): Fn {
  const secondStage = canVirtualize(ctx) ? defineSecondStage(ctx, pmp, noteWrite) : undefined;
  const fn = ctx.module.fn('walk', ['i32', 'i64', 'i32', 'i32'], ['i32']);
  const [hart, address, access, context] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3)];
  const kind = fn.let(and(shrU(context, i32(CONTEXT.shift)), i32(3)));
  const isMachine = eqz(kind);
  const page = fn.local('i64');
  const allowed = fn.local('i32');
  const twoStage = secondStage && fn.let(isVirtualized(hart, 'twoStage'));
  const walk: Walk = { ctx, fn, hart, address, access, page, allowed, twoStage, secondStage };
  const fault = (which: keyof typeof WALK_FAULT) => () => fn.return(i32(WALK_FAULT[which]));

  const finish = (whenAllowed?: () => void) => {
    fn.if(geU(page, i64(PHYSICAL_END)), fault('access'));
    fn.set(allowed, and(allowed, call(pmp, hart, page, isMachine)));
    fn.if(eqz(and(allowed, shl(i32(1), access))), fault('access'));
    whenAllowed?.();
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
  const kindOfMiss = fn.let(missCounter(hart, access));
  fn.store(64, kindOfMiss, add(load64(kindOfMiss), i64(1)));
  const satp = fn.let(rootOf(walk));
  if (secondStage) {
    fn.if(eqz(shrU(satp, i64(60))), () => {
      // A deprivileged guest whose host has given no root.
      fn.if(eqz(twoStage ?? i32(0)), fault('page'));
      // VS-stage translation is off: guest virtual addresses are guest physical ones.
      fn.set(page, pageOf(address));
      fn.set(allowed, i32(7));
      throughSecondStage(walk);
      finish();
    });
  }
  const levels = fn.let(sub(wrap(shrU(satp, i64(60))), i32(5)));
  // An address is canonical if all bits above the translated ones equal the highest of them.
  const unused = fn.let(extendU(sub(i32(64 - 12), mul(levels, i32(9)))));
  fn.if(ne(shrS(shl(address, unused), unused), address), fault('page'));
  const table = fn.let(shl(and(satp, i64((1n << 44n) - 1n)), i64(12)));
  const level = fn.let(sub(levels, i32(1)));
  const shift = fn.local('i64');
  const reader = defineTableReader(ctx, fn, hart, pmp, tableLimit(walk));
  const { pte } = reader;
  /** Where the entry stands in the space that the table is written in. */
  const entry = fn.local('i64');

  fn.loop((next) => {
    fn.set(shift, extendU(add(i32(12), mul(level, i32(9)))));
    fn.set(entry, add(table, shl(and(shrU(address, shift), i64(511)), i64(3))));
    reader.read(placeOfEntry(walk, entry));
    const rwx = fn.let(and(pte, i64(PTE.R | PTE.W | PTE.X)));
    fn.if(reader.isInvalid(rwx), fault('page'));
    fn.if(eqz(rwx), () => {
      // D, A and U are reserved in a pointer to the next level.
      fn.if(ne(and(pte, i64(PTE.D | PTE.A | PTE.U)), i64(0)), fault('page'));
      fn.if(eqz(level), fault('page'));
      fn.set(table, shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
      fn.set(level, sub(level, i32(1)));
      fn.br(next);
    });
  });

  checkLeaf(walk, pte, kind, context);
  const offsetMask = fn.let(sub(shl(i64(1), shift), i64(1)));
  fn.set(page, shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
  fn.if(ne(and(page, offsetMask), i64(0)), fault('page'));
  fn.set(page, or(page, and(pageOf(address), offsetMask)));
  if (twoStage) fn.if(twoStage, () => leafThroughSecondStage(walk, pte, entry));
  updateStatus(ctx, fn, { hart, access, reader, fault: WALK_FAULT.page }, { pmp, noteWrite });
  // A page that is not yet dirty must be walked again by the first write.
  fn.if(eqz(hasBit(pte, 7)), () => fn.set(allowed, and(allowed, i32(~TLB_FLAG.write))));
  fn.if(gtU(shift, i64(12)), () => noteSuperpage(walk, shift));
  finish(secondStage && (() => noteFirstUse(walk, reader.offset, noteWrite)));
  fn.unreachable();
  return fn;
}

/** Address of the counter of a TLB miss by `access` at the present privilege. */
export function missCounter(hart: Expr, access: Expr): Expr {
  const isUser = eqz(get32(hart, 'privilege'));
  const kind = add(access, select(isUser, i32(0), i32(ACCESS_COUNT)));
  return add(add(hart, i32(HART.missesByKind)), shl(kind, i32(3)));
}

/**
 * A superpage is about to be in the TLB: in its gigabyte, or, if it is larger, in any. (Rocket's TLB drops the fragments of superpages by the
 * highest part of a fence's address in the same way: rocket-chip `TLB.scala`, `invalidateVPN`.)
 */
function noteSuperpage({ fn, hart, address }: Walk, shift: Local): void {
  const gigabyte = shl(i64(1), shrU(address, i64(SUPERPAGE_SHIFT)));
  const where = select(gtU(shift, i64(SUPERPAGE_SHIFT)), i64(-1), gigabyte);
  set64(fn, hart, 'superpages', or(get64(hart, 'superpages'), where));
}

/** Counts the leaf whose entry stands at `offset` in RAM if no walk has found it since the host last forgot that one had. */
function noteFirstUse({ ctx: { plan }, fn, hart }: Walk, offset: Local, noteWrite: Fn): void {
  const map = fn.let(get32(hart, 'usedEntries'));
  // Tables of the host have no place in the map.
  fn.if(and(ne(map, i32(0)), ltU(offset, i32(plan.ramBytes))), () => {
    // One bit for each entry of 8 bytes.
    const at = fn.let(add(map, shrU(offset, i32(6))));
    const before = fn.let(load('i32', 'u8', at));
    const bit = fn.let(shl(i32(1), and(shrU(offset, i32(3)), i32(7))));
    fn.if(eqz(and(before, bit)), () => {
      fn.do(noteWrite, sub(at, i32(plan.ram)), i32(1));
      fn.store(8, at, or(before, bit));
      const count = fn.let(add(hart, select(get32(hart, 'privilege'), i32(8), i32(0))));
      fn.store(64, count, add(load64(count, HART.firstUses), i64(1)), HART.firstUses);
    });
  });
}

/** The root that the walk starts from, in the form of `satp`. */
function rootOf({ hart, secondStage }: Walk): Expr {
  const satp = getCsr(hart, 'satp');
  return secondStage ? cond(isVirtualized(hart, 'deprivileged'), get64(hart, 'realRoot'), satp) : satp;
}

/** Where tables may stand: memory of the host is for tables that the host has set. */
function tableLimit({ ctx: { plan }, fn, hart, secondStage }: Walk): Expr {
  if (!secondStage) return i64(plan.ramBytes);
  const all = i64(plan.ramBytes + plan.hostBytes);
  return fn.let(select(isVirtualized(hart, 'deprivileged'), all, i64(plan.ramBytes)));
}

/** Physical address of an entry of the table that is walked: the guest's own tables lie behind the second stage themselves. */
function placeOfEntry({ fn, hart, twoStage, secondStage }: Walk, entry: Local): Expr {
  if (!secondStage || !twoStage) return entry;
  const place = fn.let(entry);
  fn.if(twoStage, () => {
    const status = call(secondStage, hart, entry, i32(ACCESS.read), i32(TABLE_ACCESS.read), i32(1));
    returnFault(fn, fn.let(status));
    fn.set(place, or(get64(hart, 'stagePage'), and(entry, i64(PAGE_BYTES - 1))));
  });
  return place;
}

/** Takes `page` and `allowed` from guest physical to physical memory. */
function throughSecondStage({ fn, hart, address, access, page, allowed, secondStage }: Walk): void {
  if (!secondStage) return;
  const gpa = or(page, and(address, i64(PAGE_BYTES - 1)));
  const status = call(secondStage, hart, gpa, access, i32(TABLE_ACCESS.none), i32(1));
  returnFault(fn, fn.let(status));
  fn.set(page, get64(hart, 'stagePage'));
  fn.set(allowed, and(allowed, get32(hart, 'stageFlags')));
}

/**
 * Everything of a leaf that can fail comes before the guest's entry is changed. The page of that entry has just been looked up to read
 * it: that setting A or D needs more of it costs no second walk.
 */
function leafThroughSecondStage(walk: Walk, pte: Local, entry: Local): void {
  const { ctx, fn, hart, access, secondStage } = walk;
  if (!secondStage) return;
  fn.if(lacksStatus(pte, access), () => {
    if (ctx.config.adUpdate === 'fault') {
      fn.return(i32(WALK_FAULT.page));
      return;
    }
    const status = call(secondStage, hart, entry, i32(ACCESS.write), i32(TABLE_ACCESS.write), i32(0));
    returnFault(fn, fn.let(status));
  });
  throughSecondStage(walk);
}

function returnFault(fn: Fn, status: Local): void {
  fn.if(status, () => fn.return(status));
}

/** Which accesses a leaf allows in this context; a page fault if not this one. */
function checkLeaf({ fn, access, allowed }: Walk, pte: Local, kind: Local, context: Expr): void {
  const pageFault = () => fn.return(i32(WALK_FAULT.page));
  const isUserPage = fn.let(ne(and(pte, i64(PTE.U)), i64(0)));
  const isUser = eq(kind, i32(CONTEXT.user));
  const sum = ne(and(context, i32(CONTEXT.sum)), i32(0));
  const mxr = ne(and(context, i32(CONTEXT.mxr)), i32(0));
  const readable = or(hasBit(pte, 1), and(mxr, hasBit(pte, 3)));
  fn.set(allowed, or(readable, or(shl(hasBit(pte, 2), i32(1)), shl(hasBit(pte, 3), i32(2)))));
  fn.if(isUser, () => fn.if(eqz(isUserPage), pageFault));
  fn.if(and(eqz(isUser), isUserPage), () => {
    // S-mode never executes user pages, and touches them only with SUM.
    fn.set(allowed, select(sum, and(allowed, i32(TLB_FLAG.read | TLB_FLAG.write)), i32(0)));
  });
  fn.if(eqz(and(allowed, shl(i32(1), access))), pageFault);
}
