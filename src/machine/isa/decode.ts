/** From instruction word to row and operands, by the table alone. */

import type { Operands } from './formats.ts';
import { FORMATS } from './formats.ts';
import type { CompressedInsn, Insn } from './table.ts';
import { COMPRESSED_INSNS, INSNS } from './table.ts';

export interface Decoded {
  readonly insn: Insn;
  readonly operands: Operands;
  readonly lengthBytes: 2 | 4;
  /** The compressed form that stood there, if it was one. */
  readonly compressed?: string;
}

/** Length of the instruction that begins with this half word (Unprivileged ISA 1.5); longer ones than 32 bits are illegal here. */
export function insnLength(half: number): 2 | 4 {
  return (half & 3) === 3 ? 4 : 2;
}

/** Rows by major opcode and funct3, a few candidates each. Found when first asked for: a guest has a few of them. */
const BY_OPCODE: (readonly Insn[] | undefined)[] = Array.from({ length: 1024 });
const BY_QUADRANT: (readonly CompressedInsn[] | undefined)[] = Array.from({ length: 32 });

/** What each half word stands for, once it has been met: a fifth of the time of looking for it again. */
const COMPRESSED: (Decoded | null | undefined)[] = new Array(0x10000);

/**
 * Decodes one instruction. Results are shared: the same half word gives the same object.
 * @param word 32 bits from memory; of a 16-bit instruction only the low half counts.
 * @returns undefined for an illegal or unsupported encoding.
 */
export function decode(word: number): Decoded | undefined {
  if (insnLength(word) === 4) return decodeFull(word);
  const half = word & 0xffff;
  const known = COMPRESSED[half];
  if (known !== undefined) return known ?? undefined;
  const decoded = decodeCompressed(half);
  COMPRESSED[half] = decoded ?? null;
  return decoded;
}

function decodeFull(word: number): Decoded | undefined {
  const key = ((word & 0x7f) << 3) | ((word >>> 12) & 7);
  BY_OPCODE[key] ??= rowsOfOpcode(key);
  for (const insn of BY_OPCODE[key]) {
    if ((word & insn.mask) === insn.match) {
      return { insn, operands: FORMATS[insn.format].decode(word), lengthBytes: 4 };
    }
  }
  return undefined;
}

function decodeCompressed(half: number): Decoded | undefined {
  const key = ((half & 3) << 3) | (half >>> 13);
  BY_QUADRANT[key] ??= rowsOfQuadrant(key);
  for (const row of BY_QUADRANT[key]) {
    if ((half & row.mask) !== row.match) continue;
    const operands = row.expand(half);
    return operands && { insn: row.insn, operands, lengthBytes: 2, compressed: row.name };
  }
  return undefined;
}

function rowsOfOpcode(key: number): readonly Insn[] {
  const word = ((key >> 3) & 0x7f) | ((key & 7) << 12);
  return INSNS.filter((insn) => {
    const mask = insn.mask & 0x707f;
    return (word & mask) === (insn.match & mask);
  });
}

function rowsOfQuadrant(key: number): readonly CompressedInsn[] {
  return COMPRESSED_INSNS.filter((row) => (row.match & 0xe003) === (((key & 7) << 13) | (key >> 3)));
}
