/** Assembly text of one instruction, by the table. Plain: no pseudo-instructions, so that every row can be read back. */
import { csrName } from '../csr-numbers.ts';
import type { Decoded } from './decode.ts';
import { decode } from './decode.ts';
import { FORMATS } from './formats.ts';
import { REGISTER_NAMES } from './registers.ts';

const register = (index: number) => REGISTER_NAMES[index] ?? `x${index}`;
const hex = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16)}`;

/**
 * @param word the instruction; of a 16-bit one only the low half counts
 * @param pc its address, for branch and jump targets
 */
export function disassemble(word: number, pc: bigint): string {
  const decoded = decode(word);
  if (!decoded)
    return (word & 3) === 3 ? `.word 0x${(word >>> 0).toString(16)}` : `.half 0x${(word & 0xffff).toString(16)}`;
  const operands = FORMATS[decoded.insn.format].syntax.map((part) => operandText(part, decoded, pc));
  return operands.length === 0 ? decoded.insn.name : `${decoded.insn.name} ${operands.join(', ')}`;
}

type Part = (typeof FORMATS)[keyof typeof FORMATS]['syntax'][number];

function operandText(part: Part, { operands }: Decoded, pc: bigint): string {
  const { rd, rs1, rs2, imm } = operands;
  switch (part) {
    case 'rd':
      return register(rd);
    case 'rs1':
      return register(rs1);
    case 'rs2':
      return register(rs2);
    case 'imm':
      return String(imm);
    case 'uimm5':
      return String(rs1);
    case 'upper':
      return `0x${(imm >>> 12).toString(16)}`;
    case 'mem':
      return `${imm}(${register(rs1)})`;
    case 'base':
      return `(${register(rs1)})`;
    case 'target':
      return hex(pc + BigInt(imm));
    case 'csr':
      return csrName(imm) ?? `0x${imm.toString(16)}`;
  }
}
