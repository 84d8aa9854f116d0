/** The test of a branch that becomes conditional moves: it is wanted after the registers that it compares have changed. */
import { must } from '../../../assert.ts';
import type { Expr, OpName } from '../expr.ts';
import { eqz, gtU, i64, ltU, op, xor } from '../expr.ts';
import type { Fn } from '../wasm-module.ts';

const OPPOSITES: Partial<Record<OpName, OpName>> = { ltS: 'geS', geS: 'ltS', ltU: 'geU', geU: 'ltU' };

/**
 * V8 joins a comparison with the conditional move that wants it if nothing else does. Otherwise it makes a 0 or 1 of it and tests that, which is
 * two instructions more on the way from one turn of a loop to the next; and it knows two comparisons of the same values for one. So there
 * are two that say the same in different words.
 */
export interface HeldTest {
  /** For one use, where time counts. */
  readonly own: Expr;
  /** For all others. */
  readonly shared: Expr;
}

/** @param test a comparison of two i64 that are locals or constants, whose values now are meant */
export function holdTest(fn: Fn, test: Expr): HeldTest {
  if (test.kind !== 'op') return { own: fn.let(test), shared: fn.let(test) };
  const args = test.args.map((arg) => (arg.kind === 'const' ? arg : fn.let(arg)));
  const own = op(test.op, ...args);
  return { own, shared: fn.let(inOtherWords(test.op, must(args[0], 'operand'), must(args[1], 'operand'))) };
}

function inOtherWords(name: OpName, a: Expr, b: Expr): Expr {
  const opposite = OPPOSITES[name];
  if (opposite !== undefined) return eqz(op(opposite, a, b));
  const isZero = b.kind === 'const' && b.low === 0 && b.high === 0;
  const difference = isZero ? a : xor(a, b);
  return name === 'eq' ? ltU(difference, i64(1)) : gtU(difference, i64(0));
}
