/** RV32I and RV64I base integer instructions (Unprivileged ISA, chapters 2 and 4). */

import type { CycleClass } from '../core-profiles.ts';
import type { Expr, LoadWidth, StoreBits } from '../engine/expr.ts';
import {
  add,
  and,
  eq,
  extendS,
  extendU,
  geS,
  geU,
  i64,
  ltS,
  ltU,
  ne,
  or,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
  xor,
} from '../engine/expr.ts';
import type { InsnBuilder } from './insn-builder.ts';
import type { InsnRow } from './insn-row.ts';

type Binary = (a: Expr, b: Expr) => Expr;

/** A 32-bit operation on the low halves, sign-extended. */
const word =
  (operation: Binary): Binary =>
  (a, b) =>
    extendS(operation(wrap(a), wrap(b)));
/** A comparison as the value 0 or 1. */
const flag =
  (operation: Binary): Binary =>
  (a, b) =>
    extendU(operation(a, b));

const registers = (name: string, pattern: string, operation: Binary, spec = '2.4.2'): InsnRow => ({
  name,
  extension: 'I',
  pattern,
  format: 'R',
  cycles: 'alu',
  spec,
  semantics: (b) => b.setRd(operation(b.rs1, b.rs2)),
});

const immediate = (
  name: string,
  pattern: string,
  operation: Binary,
  format: 'I' | 'Shift6' | 'Shift5' = 'I',
  spec = '2.4.1',
): InsnRow => ({
  name,
  extension: 'I',
  pattern,
  format,
  cycles: 'alu',
  spec,
  semantics: (b) => b.setRd(operation(b.rs1, b.imm)),
});

const branch = (name: string, funct3: string, test: Binary): InsnRow => ({
  name,
  extension: 'I',
  pattern: `....... ..... ..... ${funct3} ..... 1100011`,
  format: 'B',
  cycles: 'branch',
  spec: '2.5.2',
  semantics: (b) => b.branch(test(b.rs1, b.rs2)),
});

const loadRow = (name: string, funct3: string, width: LoadWidth, cycles: CycleClass): InsnRow => ({
  name,
  extension: 'I',
  pattern: `............ ..... ${funct3} ..... 0000011`,
  format: 'Load',
  cycles,
  spec: '2.6, 4.3',
  semantics: (b) => b.setRd(b.load(width, add(b.rs1, b.imm))),
});

const storeRow = (name: string, funct3: string, bits: StoreBits): InsnRow => ({
  name,
  extension: 'I',
  pattern: `....... ..... ..... ${funct3} ..... 0100011`,
  format: 'S',
  cycles: 'store',
  spec: '2.6, 4.3',
  semantics: (b) => b.store(bits, add(b.rs1, b.imm), b.rs2),
});

const system = (name: 'ecall' | 'ebreak', pattern: string): InsnRow => ({
  name,
  extension: 'I',
  pattern,
  format: 'None',
  cycles: 'system',
  spec: '2.8',
  semantics: (b: InsnBuilder) => b.system(name),
});

export const RV64I: readonly InsnRow[] = [
  {
    name: 'lui',
    extension: 'I',
    pattern: '.................... ..... 0110111',
    format: 'U',
    cycles: 'alu',
    spec: '2.4.1',
    semantics: (b) => b.setRd(b.imm),
  },
  {
    name: 'auipc',
    extension: 'I',
    pattern: '.................... ..... 0010111',
    format: 'U',
    cycles: 'alu',
    spec: '2.4.1',
    semantics: (b) => b.setRd(add(b.pc, b.imm)),
  },
  {
    name: 'jal',
    extension: 'I',
    pattern: '.................... ..... 1101111',
    format: 'J',
    cycles: 'jump',
    spec: '2.5.1',
    semantics: (b) => b.jumpRelative(),
  },
  {
    name: 'jalr',
    extension: 'I',
    pattern: '............ ..... 000 ..... 1100111',
    format: 'Load',
    cycles: 'jumpIndirect',
    spec: '2.5.1',
    semantics: (b) => b.jumpIndirect(and(add(b.rs1, b.imm), i64(-2))),
  },
  branch('beq', '000', eq),
  branch('bne', '001', ne),
  branch('blt', '100', ltS),
  branch('bge', '101', geS),
  branch('bltu', '110', ltU),
  branch('bgeu', '111', geU),
  loadRow('lb', '000', 's8', 'loadNarrow'),
  loadRow('lh', '001', 's16', 'loadNarrow'),
  loadRow('lw', '010', 's32', 'load'),
  loadRow('ld', '011', 'u64', 'load'),
  loadRow('lbu', '100', 'u8', 'loadNarrow'),
  loadRow('lhu', '101', 'u16', 'loadNarrow'),
  loadRow('lwu', '110', 'u32', 'load'),
  storeRow('sb', '000', 8),
  storeRow('sh', '001', 16),
  storeRow('sw', '010', 32),
  storeRow('sd', '011', 64),
  immediate('addi', '............ ..... 000 ..... 0010011', add),
  immediate('slti', '............ ..... 010 ..... 0010011', flag(ltS)),
  immediate('sltiu', '............ ..... 011 ..... 0010011', flag(ltU)),
  immediate('xori', '............ ..... 100 ..... 0010011', xor),
  immediate('ori', '............ ..... 110 ..... 0010011', or),
  immediate('andi', '............ ..... 111 ..... 0010011', and),
  immediate('slli', '000000 ...... ..... 001 ..... 0010011', shl, 'Shift6', '4.2.1'),
  immediate('srli', '000000 ...... ..... 101 ..... 0010011', shrU, 'Shift6', '4.2.1'),
  immediate('srai', '010000 ...... ..... 101 ..... 0010011', shrS, 'Shift6', '4.2.1'),
  registers('add', '0000000 ..... ..... 000 ..... 0110011', add),
  registers('sub', '0100000 ..... ..... 000 ..... 0110011', sub),
  registers('sll', '0000000 ..... ..... 001 ..... 0110011', shl),
  registers('slt', '0000000 ..... ..... 010 ..... 0110011', flag(ltS)),
  registers('sltu', '0000000 ..... ..... 011 ..... 0110011', flag(ltU)),
  registers('xor', '0000000 ..... ..... 100 ..... 0110011', xor),
  registers('srl', '0000000 ..... ..... 101 ..... 0110011', shrU),
  registers('sra', '0100000 ..... ..... 101 ..... 0110011', shrS),
  registers('or', '0000000 ..... ..... 110 ..... 0110011', or),
  registers('and', '0000000 ..... ..... 111 ..... 0110011', and),
  immediate('addiw', '............ ..... 000 ..... 0011011', word(add), 'I', '4.2.1'),
  immediate('slliw', '0000000 ..... ..... 001 ..... 0011011', word(shl), 'Shift5', '4.2.1'),
  immediate('srliw', '0000000 ..... ..... 101 ..... 0011011', word(shrU), 'Shift5', '4.2.1'),
  immediate('sraiw', '0100000 ..... ..... 101 ..... 0011011', word(shrS), 'Shift5', '4.2.1'),
  registers('addw', '0000000 ..... ..... 000 ..... 0111011', word(add), '4.2.2'),
  registers('subw', '0100000 ..... ..... 000 ..... 0111011', word(sub), '4.2.2'),
  registers('sllw', '0000000 ..... ..... 001 ..... 0111011', word(shl), '4.2.2'),
  registers('srlw', '0000000 ..... ..... 101 ..... 0111011', word(shrU), '4.2.2'),
  registers('sraw', '0100000 ..... ..... 101 ..... 0111011', word(shrS), '4.2.2'),
  {
    name: 'fence',
    extension: 'I',
    pattern: '............ ..... 000 ..... 0001111',
    format: 'Fence',
    cycles: 'fence',
    spec: '2.7',
    semantics: (b) => b.system('fence'),
  },
  system('ecall', '000000000000 00000 000 00000 1110011'),
  system('ebreak', '000000000001 00000 000 00000 1110011'),
];
