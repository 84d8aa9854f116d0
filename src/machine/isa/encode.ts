/** From row and operands to instruction word: for tests, generators and small guests made in memory. */

import type { Operands } from './formats.ts';
import { FORMATS } from './formats.ts';
import type { Insn } from './table.ts';
import { insnNamed } from './table.ts';

/** The word of `insn`; operand bits that do not fit their field are cut off. Unsigned 32 bits. */
export function encodeInsn(insn: Insn, operands: Partial<Operands>): number {
  return (insn.match | FORMATS[insn.format].encode({ rd: 0, rs1: 0, rs2: 0, imm: 0, ...operands })) >>> 0;
}

/** As {@link encodeInsn}, by mnemonic. @throws RangeError if there is no such instruction */
export function encode(name: string, operands: Partial<Operands> = {}): number {
  const insn = insnNamed(name);
  if (!insn) throw new RangeError(`no instruction named ${name}`);
  return encodeInsn(insn, operands);
}
