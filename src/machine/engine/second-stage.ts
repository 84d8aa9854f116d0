/**
 * The second stage of translation as generated code: guest physical to host physical addresses by the Sv39x4 table that `hgatp` names
 * (Privileged ISA, hypervisor extension: "Guest Physical Address Translation"; Sv39x4 is Sv39 with 41-bit addresses and a root of 16 KiB).
 *
 * Every access counts as one from U-mode, so each page needs U. An access to an entry of the guest's own tables is a read, or a write
 * where it sets A or D, whatever the instruction does. The G bit and MXR mean nothing here.
 */
import type { EngineContext } from './engine-context.ts';
import { get64, hasBit, set32, set64 } from './engine-context.ts';
import { add, and, eq, eqz, i32, i64, ne, or, shl, shrU, sub } from './expr.ts';
import { TLB_FLAG } from './layout.ts';
import { defineTableReader, PTE, PTE_PPN_MASK, updateStatus, WALK_FAULT } from './table-entries.ts';
import type { Fn } from './wasm-module.ts';

/** Why a second-stage walk is made: for the access itself, or for an entry of the guest's tables. */
export const TABLE_ACCESS = { none: 0, read: 1, write: 2 } as const;

/** Width of guest physical addresses (Sv39x4). */
const GPA_BITS = 41;
const LEVELS = 3;
/** The root has four times the entries of a page. */
const ROOT_INDEX_MASK = 2047;

/**
 * `secondStage(hart, gpa, access, table, counted)`: 0 or a {@link WALK_FAULT}. Leaves the host physical page in `stagePage` and what may be done
 * with it in `stageFlags`. Without `counted` it costs nothing: the entry was read a moment ago for the same page.
 */
export function defineSecondStage(ctx: EngineContext, pmp: Fn, noteWrite: Fn): Fn {
  const { module, plan } = ctx;
  const fn = module.fn('secondStage', ['i32', 'i64', 'i32', 'i32', 'i32'], ['i32']);
  const [hart, gpa, access, tableAccess, counted] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3), fn.param(4)];
  const reader = defineTableReader(ctx, fn, hart, pmp, i64(plan.ramBytes + plan.hostBytes));
  const guestFault = () => fn.return(i32(WALK_FAULT.guestPage));
  set64(fn, hart, 'stageAddress', gpa);
  set32(fn, hart, 'stageTable', tableAccess);
  const hgatp = fn.let(get64(hart, 'hgatp'));
  fn.if(or(eqz(hgatp), ne(shrU(gpa, i64(GPA_BITS)), i64(0))), guestFault);

  const table = fn.let(shl(and(hgatp, i64((1n << 44n) - 1n)), i64(12)));
  const shift = fn.let(i64(12 + 9 * (LEVELS - 1)));
  const indexMask = fn.let(i64(ROOT_INDEX_MASK));
  const { pte } = reader;
  fn.loop((next) => {
    reader.read(add(table, shl(and(shrU(gpa, shift), indexMask), i64(3))), counted);
    const rwx = fn.let(and(pte, i64(PTE.R | PTE.W | PTE.X)));
    fn.if(reader.isInvalid(rwx), guestFault);
    fn.if(eqz(rwx), () => {
      fn.if(or(ne(and(pte, i64(PTE.D | PTE.A | PTE.U)), i64(0)), eq(shift, i64(12))), guestFault);
      fn.set(table, shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
      fn.set(shift, sub(shift, i64(9)));
      fn.set(indexMask, i64(511));
      fn.br(next);
    });
  });

  const allowed = fn.let(or(hasBit(pte, 1), or(shl(hasBit(pte, 2), i32(1)), shl(hasBit(pte, 3), i32(2)))));
  fn.if(or(eqz(hasBit(pte, 4)), eqz(and(allowed, shl(i32(1), access)))), guestFault);
  const offsetMask = fn.let(sub(shl(i64(1), shift), i64(1)));
  const page = fn.let(shl(and(pte, i64(PTE_PPN_MASK)), i64(2)));
  fn.if(ne(and(page, offsetMask), i64(0)), guestFault);
  updateStatus(ctx, fn, { hart, access, reader, fault: WALK_FAULT.guestPage }, { pmp, noteWrite });
  // As for one stage: the first write to a page that is not yet dirty must walk again.
  fn.if(eqz(hasBit(pte, 7)), () => fn.set(allowed, and(allowed, i32(~TLB_FLAG.write))));
  set64(fn, hart, 'stagePage', or(page, and(and(gpa, i64(-4096)), offsetMask)));
  set32(fn, hart, 'stageFlags', allowed);
  fn.return(i32(0));
  fn.unreachable();
  return fn;
}
