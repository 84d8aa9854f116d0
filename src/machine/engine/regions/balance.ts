/**
 * What a region may use up and has used up, as one number that it is called with and gives back: cycles left above, instructions retired
 * below, so that one addition charges both. The lower part is short, so that what a way through a region charges is a constant that an
 * instruction of the host can hold: a longer one costs it a register, of which loops have none to spare. So a region is called with a part
 * of the cycles that are left, and called again.
 */
import type { Const, Expr } from '../expr.ts';
import { and, extendS, extendU, i32, i64, shl, shrS, wrap } from '../expr.ts';

const CYCLE_SHIFT = 20;
/** Most cycles that a region is called with: an instruction takes at least one, so that their number fits below. */
export const REGION_CYCLES_MAX = (1 << CYCLE_SHIFT) - 1;

/** What is added to a balance for instructions and their cycles. */
export const charge = ({ insns, cycles }: { readonly insns: number; readonly cycles: number }): Const =>
  i64(insns - cycles * 2 ** CYCLE_SHIFT);

/** The balance with so many cycles left and nothing retired. */
export const balanceOf = (cycles: number): Const => i64(cycles * 2 ** CYCLE_SHIFT);

/** i64 cycles, as a balance counts them. */
export const asCycles = (cycles: Expr): Expr => shl(cycles, i64(CYCLE_SHIFT));

/** The balance to call a region with. @param cycles i32, at most {@link REGION_CYCLES_MAX} */
export const openBalance = (cycles: Expr): Expr => asCycles(extendS(cycles));

/** i64: cycles left. */
export const cyclesLeft = (balance: Expr): Expr => shrS(balance, i64(CYCLE_SHIFT));

/** i32: instructions retired. */
export const retiredIn = (balance: Expr): Expr => and(wrap(balance), i32(REGION_CYCLES_MAX));

/** i64: the same. */
export const retiredIn64 = (balance: Expr): Expr => extendU(retiredIn(balance));
