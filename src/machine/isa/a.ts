/** Atomics (Unprivileged ISA, chapter 14 "A"). The aq and rl bits are accepted and order nothing: harts take turns. */

import type { Expr } from '../engine/expr.ts';
import { add, and, extendS, gtS, gtU, ltS, ltU, or, select, wrap, xor } from '../engine/expr.ts';
import type { InsnRow } from './insn-row.ts';

/** `update` works on i32 for .w and on i64 for .d, so that comparisons have the right width. */
type Update = (old: Expr, operand: Expr) => Expr;

const widths = [
  { suffix: 'w', funct3: '010', bits: 32 },
  { suffix: 'd', funct3: '011', bits: 64 },
] as const;

const amo = (name: string, funct5: string, update: Update): InsnRow[] =>
  widths.map(({ suffix, funct3, bits }) => ({
    name: `${name}.${suffix}`,
    extension: 'A',
    pattern: `${funct5} .. ..... ..... ${funct3} ..... 0101111`,
    format: 'Amo',
    cycles: 'atomic',
    spec: '14.4',
    semantics: (b) => {
      const operand = b.rs2;
      const narrow = (value: Expr) => (bits === 32 ? wrap(value) : value);
      const widen = (value: Expr) => (bits === 32 ? extendS(value) : value);
      b.setRd(b.atomic(bits, b.rs1, (old) => widen(update(b.let(narrow(old)), b.let(narrow(operand))))));
    },
  }));

const choose =
  (keepOld: Update): Update =>
  (old, operand) =>
    select(keepOld(old, operand), old, operand);

const reservations: InsnRow[] = widths.flatMap(({ suffix, funct3, bits }): InsnRow[] => [
  {
    name: `lr.${suffix}`,
    extension: 'A',
    pattern: `00010 .. 00000 ..... ${funct3} ..... 0101111`,
    format: 'Amo',
    cycles: 'atomic',
    spec: '14.2',
    semantics: (b) => b.setRd(b.loadReserved(bits, b.rs1)),
  },
  {
    name: `sc.${suffix}`,
    extension: 'A',
    pattern: `00011 .. ..... ..... ${funct3} ..... 0101111`,
    format: 'Amo',
    cycles: 'atomic',
    spec: '14.2',
    semantics: (b) => b.setRd(b.storeConditional(bits, b.rs1, b.rs2)),
  },
]);

export const A: readonly InsnRow[] = [
  ...reservations,
  ...amo('amoswap', '00001', (_old, operand) => operand),
  ...amo('amoadd', '00000', add),
  ...amo('amoxor', '00100', xor),
  ...amo('amoand', '01100', and),
  ...amo('amoor', '01000', or),
  ...amo('amomin', '10000', choose(ltS)),
  ...amo('amomax', '10100', choose(gtS)),
  ...amo('amominu', '11000', choose(ltU)),
  ...amo('amomaxu', '11100', choose(gtU)),
];
