/**
 * The jump cache: which region begins at a place in RAM, in one line of the host's cache. A shortcut past predecoded entry and record,
 * filled when a region is entered from its entry. What it says holds as long as the generation of the page does; the region table
 * clears what it gives to another function.
 */
import type { EngineContext } from './engine-context.ts';
import { get32, pageOf, set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import { add, and, i32, leS, load32, load64, ltS, ne, or, shl, shrU, wrap, xor } from './expr.ts';
import type { State } from './interpreter-state.ts';
import type { MemoryPlan } from './layout.ts';
import { ENTRY, HART, JUMP, PAGE_BYTES, REGION, TLB } from './layout.ts';
import { ramPageOf, tlbOffset } from './tlb.ts';
import type { Label } from './wasm-module.ts';

/** Places are even. What is above the low bits moves them about, so that equal offsets in different parts of the code stay apart. */
const SPREAD = { low: 1, high: 14 } as const;
const SET_MASK = JUMP.sets - 1;
const TARGET_MASK = (1 << JUMP.variantShift) - 1;
const VALID = 1;

/** Address of the set for a place, without the plan's `jumps`. */
function setOf(place: Expr): Expr {
  const index = and(xor(shrU(place, i32(SPREAD.low)), shrU(place, i32(SPREAD.high))), i32(SET_MASK));
  return shl(index, i32(Math.log2(JUMP.setBytes)));
}

/** Empties the entry for a place, at which another region is to begin. @param ramOffset of the head */
export function forgetJump(view: DataView, plan: MemoryPlan, ramOffset: number): void {
  const index = ((ramOffset >>> SPREAD.low) ^ (ramOffset >>> SPREAD.high)) & SET_MASK;
  for (let way = 0; way < JUMP.setBytes; way += JUMP.wayBytes) {
    const at = plan.jumps + index * JUMP.setBytes + way + JUMP.place;
    if (view.getUint32(at, true) === (ramOffset | VALID) >>> 0) view.setInt32(at, 0, true);
  }
}

/** Offset in RAM of an address in the page that instructions are fetched from. */
const placeOf = (hart: Expr, address: Expr): Expr =>
  add(get32(hart, 'fetchRamPage'), and(wrap(address), i32(PAGE_BYTES - 1)));

/** Generation of the page that instructions are fetched from. */
export const currentGeneration = ({ plan }: EngineContext, hart: Expr): Expr =>
  load32(shrU(get32(hart, 'fetchRamPage'), i32(10)), plan.pageGenerations);

/** Puts down the region that begins at `pc`, as its record has it. The other entry of the set keeps what was there. */
export function rememberJump({ plan }: EngineContext, { fn, hart }: State, pc: Expr, record: Expr): void {
  const place = fn.let(placeOf(hart, pc));
  const set = fn.let(setOf(place));
  const tag = fn.let(or(place, i32(VALID)));
  // An entry that is there says what the record does: whoever changes the record empties it.
  fn.if(ne(load32(set, plan.jumps + JUMP.place), tag), () => {
    for (const half of [0, 8]) {
      fn.store(64, set, load64(set, plan.jumps + half), plan.jumps + JUMP.wayBytes + half);
    }
    const target = or(load32(record, REGION.table), shl(load32(record, REGION.variant), i32(JUMP.variantShift)));
    fn.store(32, set, tag, plan.jumps + JUMP.place);
    fn.store(32, set, load32(record, REGION.generation), plan.jumps + JUMP.generation);
    fn.store(32, set, load32(record, REGION.budget), plan.jumps + JUMP.budget);
    fn.store(32, set, target, plan.jumps + JUMP.target);
  });
}

/**
 * Sets `target` to the index of the region at `pc` and `entry` to its predecoded entry, or goes to `miss`: if it is not known, if it is not
 * right in this context, if the deadline is too near, or if its page must be looked for. Page and block are those of `pc` if they have been found.
 */
export function followJump(ctx: EngineContext, state: State, target: Local, miss: Label): void {
  const { plan } = ctx;
  const { fn, hart, left, pc, entry, block, page, fetchContext } = state;
  // At the deadline the next page is not looked for.
  fn.brIf(miss, leS(left, i32(0)));
  fn.if(ne(pageOf(pc), page), () => {
    const slot = fn.let(add(add(get32(hart, 'fetchTlbBase'), i32(HART.fetchTlb)), tlbOffset(ctx, pc)));
    fn.brIf(miss, ne(load64(slot, TLB.fastRead), or(pageOf(pc), fetchContext)));
    fn.set(page, pageOf(pc));
    fn.set(block, load32(slot, TLB.block));
    set64(fn, hart, 'fetchPage', page);
    set32(fn, hart, 'fetchRamPage', ramPageOf(slot));
  });
  const place = fn.let(placeOf(hart, pc));
  const jump = fn.let(setOf(place));
  const tag = fn.let(or(place, i32(VALID)));
  fn.if(ne(load32(jump, plan.jumps + JUMP.place), tag), () => {
    fn.brIf(miss, ne(load32(jump, plan.jumps + JUMP.wayBytes + JUMP.place), tag));
    fn.set(jump, add(jump, i32(JUMP.wayBytes)));
  });
  fn.brIf(miss, ne(load32(jump, plan.jumps + JUMP.generation), currentGeneration(ctx, hart)));
  fn.brIf(miss, ltS(left, load32(jump, plan.jumps + JUMP.budget)));
  const found = fn.let(load32(jump, plan.jumps + JUMP.target));
  fn.brIf(miss, ne(shrU(found, i32(JUMP.variantShift)), get32(hart, 'directMemory')));
  fn.set(target, and(found, i32(TARGET_MASK)));
  fn.set(entry, add(block, shl(and(wrap(pc), i32(PAGE_BYTES - 2)), i32(Math.log2(ENTRY.bytes / 2)))));
}
