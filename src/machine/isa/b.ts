/** Bit manipulation: Zba, Zbb and Zbs (Unprivileged ISA, chapter 30 "B"). */

import type { Expr } from '../engine/expr.ts';
import {
  add,
  and,
  clz,
  ctz,
  extendS,
  extendU,
  i64,
  ltS,
  ltU,
  mul,
  or,
  popcnt,
  rotl,
  rotr,
  select,
  sext8,
  sext16,
  shl,
  shrU,
  wrap,
  xor,
} from '../engine/expr.ts';
import type { FormatName } from './formats.ts';
import type { Extension, InsnRow } from './insn-row.ts';

type Binary = (a: Expr, b: Expr) => Expr;

const row = (
  extension: Extension,
  spec: string,
  format: FormatName,
  name: string,
  pattern: string,
  semantics: InsnRow['semantics'],
): InsnRow => ({ name, extension, pattern, format, cycles: 'alu', spec, semantics });

const binary = (extension: Extension, spec: string, name: string, pattern: string, operation: Binary): InsnRow =>
  row(extension, spec, 'R', name, pattern, (b) => b.setRd(operation(b.rs1, b.rs2)));

const unary = (name: string, pattern: string, operation: (value: Expr) => Expr): InsnRow =>
  row('Zbb', '30.2', 'R1', name, pattern, (b) => b.setRd(operation(b.rs1)));

const not = (value: Expr) => xor(value, i64(-1));
const unsignedWord = (value: Expr) => and(value, i64(0xffffffffn));

const shiftAdd = [1, 2, 3].flatMap((shift): InsnRow[] => {
  const funct3 = (shift * 2).toString(2).padStart(3, '0');
  const shifted = (value: Expr) => shl(value, i64(shift));
  return [
    binary('Zba', '30.1', `sh${shift}add`, `0010000 ..... ..... ${funct3} ..... 0110011`, (a, b) => add(shifted(a), b)),
    binary('Zba', '30.1', `sh${shift}add.uw`, `0010000 ..... ..... ${funct3} ..... 0111011`, (a, b) =>
      add(shifted(unsignedWord(a)), b),
    ),
  ];
});

/** A mask with the bit that `index` names: shift counts wrap at 64 on both sides. */
const bit = (index: Expr) => shl(i64(1), index);

const SINGLE_BIT: readonly [string, string, Binary][] = [
  ['bclr', '010010', (a, index) => and(a, not(bit(index)))],
  ['bext', '010010', (a, index) => and(shrU(a, index), i64(1))],
  ['binv', '011010', (a, index) => xor(a, bit(index))],
  ['bset', '001010', (a, index) => or(a, bit(index))],
];

const singleBit = SINGLE_BIT.flatMap(([name, funct6, operation]): InsnRow[] => {
  const funct3 = name === 'bext' ? '101' : '001';
  return [
    binary('Zbs', '30.3', name, `${funct6}0 ..... ..... ${funct3} ..... 0110011`, operation),
    row('Zbs', '30.3', 'Shift6', `${name}i`, `${funct6} ...... ..... ${funct3} ..... 0010011`, (b) =>
      b.setRd(operation(b.rs1, b.imm)),
    ),
  ];
});

/** Swaps neighbouring groups of `width` bits. */
const swapGroups = (value: Expr, width: number, mask: bigint) =>
  or(and(shrU(value, i64(width)), i64(mask)), shl(and(value, i64(mask)), i64(width)));

const chooseBy =
  (test: Binary): Binary =>
  (a, b) =>
    select(test(a, b), a, b);

const LOW_7_OF_BYTES = 0x7f7f7f7f7f7f7f7fn;
const HIGH_OF_BYTES = 0x8080808080808080n;

export const ZBA: readonly InsnRow[] = [
  binary('Zba', '30.1', 'add.uw', '0000100 ..... ..... 000 ..... 0111011', (a, b) => add(unsignedWord(a), b)),
  ...shiftAdd,
  row('Zba', '30.1', 'Shift6', 'slli.uw', '000010 ...... ..... 001 ..... 0011011', (b) =>
    b.setRd(shl(unsignedWord(b.rs1), b.imm)),
  ),
];

export const ZBB: readonly InsnRow[] = [
  binary('Zbb', '30.2', 'andn', '0100000 ..... ..... 111 ..... 0110011', (a, b) => and(a, not(b))),
  binary('Zbb', '30.2', 'orn', '0100000 ..... ..... 110 ..... 0110011', (a, b) => or(a, not(b))),
  binary('Zbb', '30.2', 'xnor', '0100000 ..... ..... 100 ..... 0110011', (a, b) => not(xor(a, b))),
  unary('clz', '011000000000 ..... 001 ..... 0010011', clz),
  unary('ctz', '011000000001 ..... 001 ..... 0010011', ctz),
  unary('cpop', '011000000010 ..... 001 ..... 0010011', popcnt),
  unary('clzw', '011000000000 ..... 001 ..... 0011011', (a) => extendU(clz(wrap(a)))),
  unary('ctzw', '011000000001 ..... 001 ..... 0011011', (a) => extendU(ctz(wrap(a)))),
  unary('cpopw', '011000000010 ..... 001 ..... 0011011', (a) => extendU(popcnt(wrap(a)))),
  unary('sext.b', '011000000100 ..... 001 ..... 0010011', sext8),
  unary('sext.h', '011000000101 ..... 001 ..... 0010011', sext16),
  unary('zext.h', '0000100 00000 ..... 100 ..... 0111011', (a) => and(a, i64(0xffff))),
  binary(
    'Zbb',
    '30.2',
    'max',
    '0000101 ..... ..... 110 ..... 0110011',
    chooseBy((a, b) => ltS(b, a)),
  ),
  binary(
    'Zbb',
    '30.2',
    'maxu',
    '0000101 ..... ..... 111 ..... 0110011',
    chooseBy((a, b) => ltU(b, a)),
  ),
  binary('Zbb', '30.2', 'min', '0000101 ..... ..... 100 ..... 0110011', chooseBy(ltS)),
  binary('Zbb', '30.2', 'minu', '0000101 ..... ..... 101 ..... 0110011', chooseBy(ltU)),
  binary('Zbb', '30.2', 'rol', '0110000 ..... ..... 001 ..... 0110011', rotl),
  binary('Zbb', '30.2', 'ror', '0110000 ..... ..... 101 ..... 0110011', rotr),
  binary('Zbb', '30.2', 'rolw', '0110000 ..... ..... 001 ..... 0111011', (a, b) => extendS(rotl(wrap(a), wrap(b)))),
  binary('Zbb', '30.2', 'rorw', '0110000 ..... ..... 101 ..... 0111011', (a, b) => extendS(rotr(wrap(a), wrap(b)))),
  row('Zbb', '30.2', 'Shift6', 'rori', '011000 ...... ..... 101 ..... 0010011', (b) => b.setRd(rotr(b.rs1, b.imm))),
  row('Zbb', '30.2', 'Shift5', 'roriw', '0110000 ..... ..... 101 ..... 0011011', (b) =>
    b.setRd(extendS(rotr(wrap(b.rs1), wrap(b.imm)))),
  ),
  row('Zbb', '30.2', 'R1', 'orc.b', '001010000111 ..... 101 ..... 0010011', (b) => {
    const value = b.rs1;
    const nonzero = and(or(add(and(value, i64(LOW_7_OF_BYTES)), i64(LOW_7_OF_BYTES)), value), i64(HIGH_OF_BYTES));
    b.setRd(mul(shrU(nonzero, i64(7)), i64(0xff)));
  }),
  row('Zbb', '30.2', 'R1', 'rev8', '011010111000 ..... 101 ..... 0010011', (b) => {
    const bytes = b.let(swapGroups(b.rs1, 8, 0x00ff00ff00ff00ffn));
    const halves = b.let(swapGroups(bytes, 16, 0x0000ffff0000ffffn));
    b.setRd(rotl(halves, i64(32)));
  }),
];

export const ZBS: readonly InsnRow[] = singleBit;
