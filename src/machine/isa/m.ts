/** Multiplication and division (Unprivileged ISA, chapter 13 "M"). */

import type { Expr } from '../engine/expr.ts';
import {
  add,
  and,
  cond,
  divS,
  divU,
  eq,
  eqz,
  extendS,
  i32,
  i64,
  mul,
  remS,
  remU,
  shrS,
  shrU,
  sub,
  wrap,
} from '../engine/expr.ts';
import type { InsnBuilder } from './insn-builder.ts';
import type { InsnRow } from './insn-row.ts';

const MIN_64 = -(2n ** 63n);
const MIN_32 = -(2 ** 31);
const LOW_32 = 0xffffffffn;

/** High half of the unsigned 128-bit product, from four 32-bit products. */
function mulHighUnsigned(b: InsnBuilder, x: Expr, y: Expr): Expr {
  const low = (value: Expr) => and(value, i64(LOW_32));
  const high = (value: Expr) => shrU(value, i64(32));
  const [xl, xh, yl, yh] = [b.let(low(x)), b.let(high(x)), b.let(low(y)), b.let(high(y))];
  const middle = b.let(add(mul(xh, yl), high(mul(xl, yl))));
  const cross = b.let(add(mul(xl, yh), low(middle)));
  return add(add(mul(xh, yh), high(middle)), high(cross));
}

/** What a factor read as signed takes off the unsigned high half: the other factor where it is negative. */
const ifNegative = (value: Expr, other: Expr) => and(shrS(value, i64(63)), other);

const multiply = (name: string, funct3: string, semantics: InsnRow['semantics']): InsnRow => ({
  name,
  extension: 'M',
  pattern: `0000001 ..... ..... ${funct3} ..... 0110011`,
  format: 'R',
  cycles: 'mul',
  spec: '13.1',
  semantics,
});

/** Division by zero and overflow have results, not traps (table 11 of 13.2); WebAssembly's would trap. */
const divide = (
  name: string,
  pattern: string,
  cycles: 'div' | 'divWord',
  operation: (x: Expr, y: Expr) => Expr,
): InsnRow => ({
  name,
  extension: 'M',
  pattern,
  format: 'R',
  cycles,
  spec: '13.2',
  semantics: (b) =>
    b.setRd(cycles === 'div' ? operation(b.rs1, b.rs2) : extendS(operation(b.let(wrap(b.rs1)), b.let(wrap(b.rs2))))),
});

const constant = (like: Expr, value: number | bigint): Expr => (like.type === 'i32' ? i32(Number(value)) : i64(value));

const quotientSigned = (x: Expr, y: Expr): Expr => {
  const least = constant(x, x.type === 'i32' ? MIN_32 : MIN_64);
  const overflows = and(eq(x, least), eq(y, constant(y, -1)));
  return cond(eqz(y), constant(x, -1), cond(overflows, x, divS(x, y)));
};
const quotientUnsigned = (x: Expr, y: Expr): Expr => cond(eqz(y), constant(x, -1), divU(x, y));
const remainderSigned = (x: Expr, y: Expr): Expr => cond(eqz(y), x, remS(x, y));
const remainderUnsigned = (x: Expr, y: Expr): Expr => cond(eqz(y), x, remU(x, y));

const long = (funct3: string) => `0000001 ..... ..... ${funct3} ..... 0110011`;
const short = (funct3: string) => `0000001 ..... ..... ${funct3} ..... 0111011`;

export const M: readonly InsnRow[] = [
  multiply('mul', '000', (b) => b.setRd(mul(b.rs1, b.rs2))),
  multiply('mulh', '001', (b) => {
    const high = mulHighUnsigned(b, b.rs1, b.rs2);
    b.setRd(sub(sub(high, ifNegative(b.rs1, b.rs2)), ifNegative(b.rs2, b.rs1)));
  }),
  multiply('mulhsu', '010', (b) => {
    const high = mulHighUnsigned(b, b.rs1, b.rs2);
    b.setRd(sub(high, ifNegative(b.rs1, b.rs2)));
  }),
  multiply('mulhu', '011', (b) => b.setRd(mulHighUnsigned(b, b.rs1, b.rs2))),
  divide('div', long('100'), 'div', quotientSigned),
  divide('divu', long('101'), 'div', quotientUnsigned),
  divide('rem', long('110'), 'div', remainderSigned),
  divide('remu', long('111'), 'div', remainderUnsigned),
  {
    name: 'mulw',
    extension: 'M',
    pattern: '0000001 ..... ..... 000 ..... 0111011',
    format: 'R',
    cycles: 'mul',
    spec: '13.1',
    semantics: (b) => b.setRd(extendS(mul(wrap(b.rs1), wrap(b.rs2)))),
  },
  divide('divw', short('100'), 'divWord', quotientSigned),
  divide('divuw', short('101'), 'divWord', quotientUnsigned),
  divide('remw', short('110'), 'divWord', remainderSigned),
  divide('remuw', short('111'), 'divWord', remainderUnsigned),
];
