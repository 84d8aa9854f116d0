/**
 * Compressed instructions (Unprivileged ISA, chapter 28 "C"), RV64. A compressed instruction has no semantics of its own: each
 * row says which 32-bit instruction it stands for and with which operands.
 *
 * The floating-point loads and stores of the quadrants 0 and 2 are absent: the machine has no F or D, so they are illegal.
 */
import type { Operands } from './formats.ts';

export interface CompressedRow {
  readonly name: string;
  /** 16 characters from bit 15 to bit 0, spaces ignored. */
  readonly pattern: string;
  /** The 32-bit instruction that it stands for. */
  readonly base: string;
  /** Operands of that instruction, or undefined if this encoding is reserved. */
  readonly expand: (half: number) => Operands | undefined;
}

const RA = 1;
const SP = 2;

/** Full register fields and the 3-bit ones that name x8 to x15. */
const rd = (h: number) => (h >>> 7) & 31;
const rs2 = (h: number) => (h >>> 2) & 31;
const rdLow = (h: number) => 8 + ((h >>> 2) & 7);
const rs1Low = (h: number) => 8 + ((h >>> 7) & 7);

/** Bits `high..low` of the half moved so that the lowest lands at `to`. */
const bits = (h: number, high: number, low: number, to: number) => ((h >>> low) & ((1 << (high - low + 1)) - 1)) << to;
const signExtend = (value: number, width: number) => (value << (32 - width)) >> (32 - width);

/** The 6-bit immediate of most CI instructions: bit 12, then bits 6 to 2. */
const imm6 = (h: number) => signExtend(bits(h, 12, 12, 5) | bits(h, 6, 2, 0), 6);
const shamt6 = (h: number) => bits(h, 12, 12, 5) | bits(h, 6, 2, 0);
const offsetWord = (h: number) => bits(h, 12, 10, 3) | bits(h, 6, 6, 2) | bits(h, 5, 5, 6);
const offsetDouble = (h: number) => bits(h, 12, 10, 3) | bits(h, 6, 5, 6);
const offsetBranch = (h: number) =>
  signExtend(bits(h, 12, 12, 8) | bits(h, 11, 10, 3) | bits(h, 6, 5, 6) | bits(h, 4, 3, 1) | bits(h, 2, 2, 5), 9);
const offsetJump = (h: number) =>
  signExtend(
    bits(h, 12, 12, 11) |
      bits(h, 11, 11, 4) |
      bits(h, 10, 9, 8) |
      bits(h, 8, 8, 10) |
      bits(h, 7, 7, 6) |
      bits(h, 6, 6, 7) |
      bits(h, 5, 3, 1) |
      bits(h, 2, 2, 5),
    12,
  );

const operands = (given: Partial<Operands>): Operands => ({ rd: 0, rs1: 0, rs2: 0, imm: 0, ...given });

/** Both-register arithmetic of quadrant 1: `rd' = rd' op rs2'`. */
const arithmetic = (name: string, base: string, pattern: string): CompressedRow => ({
  name,
  pattern,
  base,
  expand: (h) => operands({ rd: rs1Low(h), rs1: rs1Low(h), rs2: rdLow(h) }),
});

export const COMPRESSED: readonly CompressedRow[] = [
  {
    name: 'c.addi4spn',
    pattern: '000 ........ ... 00',
    base: 'addi',
    expand: (h) => {
      const imm = bits(h, 12, 11, 4) | bits(h, 10, 7, 6) | bits(h, 6, 6, 2) | bits(h, 5, 5, 3);
      return imm === 0 ? undefined : operands({ rd: rdLow(h), rs1: SP, imm });
    },
  },
  {
    name: 'c.lw',
    pattern: '010 ... ... .. ... 00',
    base: 'lw',
    expand: (h) => operands({ rd: rdLow(h), rs1: rs1Low(h), imm: offsetWord(h) }),
  },
  {
    name: 'c.ld',
    pattern: '011 ... ... .. ... 00',
    base: 'ld',
    expand: (h) => operands({ rd: rdLow(h), rs1: rs1Low(h), imm: offsetDouble(h) }),
  },
  {
    name: 'c.sw',
    pattern: '110 ... ... .. ... 00',
    base: 'sw',
    expand: (h) => operands({ rs1: rs1Low(h), rs2: rdLow(h), imm: offsetWord(h) }),
  },
  {
    name: 'c.sd',
    pattern: '111 ... ... .. ... 00',
    base: 'sd',
    expand: (h) => operands({ rs1: rs1Low(h), rs2: rdLow(h), imm: offsetDouble(h) }),
  },
  {
    name: 'c.addi',
    pattern: '000 . ..... ..... 01',
    base: 'addi',
    expand: (h) => operands({ rd: rd(h), rs1: rd(h), imm: imm6(h) }),
  },
  {
    name: 'c.addiw',
    pattern: '001 . ..... ..... 01',
    base: 'addiw',
    expand: (h) => (rd(h) === 0 ? undefined : operands({ rd: rd(h), rs1: rd(h), imm: imm6(h) })),
  },
  {
    name: 'c.li',
    pattern: '010 . ..... ..... 01',
    base: 'addi',
    expand: (h) => operands({ rd: rd(h), imm: imm6(h) }),
  },
  {
    name: 'c.addi16sp',
    pattern: '011 . 00010 ..... 01',
    base: 'addi',
    expand: (h) => {
      const imm = signExtend(
        bits(h, 12, 12, 9) | bits(h, 6, 6, 4) | bits(h, 5, 5, 6) | bits(h, 4, 3, 7) | bits(h, 2, 2, 5),
        10,
      );
      return imm === 0 ? undefined : operands({ rd: SP, rs1: SP, imm });
    },
  },
  {
    name: 'c.lui',
    pattern: '011 . ..... ..... 01',
    base: 'lui',
    expand: (h) => (imm6(h) === 0 || rd(h) === SP ? undefined : operands({ rd: rd(h), imm: imm6(h) << 12 })),
  },
  {
    name: 'c.srli',
    pattern: '100 . 00 ... ..... 01',
    base: 'srli',
    expand: (h) => operands({ rd: rs1Low(h), rs1: rs1Low(h), imm: shamt6(h) }),
  },
  {
    name: 'c.srai',
    pattern: '100 . 01 ... ..... 01',
    base: 'srai',
    expand: (h) => operands({ rd: rs1Low(h), rs1: rs1Low(h), imm: shamt6(h) }),
  },
  {
    name: 'c.andi',
    pattern: '100 . 10 ... ..... 01',
    base: 'andi',
    expand: (h) => operands({ rd: rs1Low(h), rs1: rs1Low(h), imm: imm6(h) }),
  },
  arithmetic('c.sub', 'sub', '100 0 11 ... 00 ... 01'),
  arithmetic('c.xor', 'xor', '100 0 11 ... 01 ... 01'),
  arithmetic('c.or', 'or', '100 0 11 ... 10 ... 01'),
  arithmetic('c.and', 'and', '100 0 11 ... 11 ... 01'),
  arithmetic('c.subw', 'subw', '100 1 11 ... 00 ... 01'),
  arithmetic('c.addw', 'addw', '100 1 11 ... 01 ... 01'),
  { name: 'c.j', pattern: '101 ........... 01', base: 'jal', expand: (h) => operands({ imm: offsetJump(h) }) },
  {
    name: 'c.beqz',
    pattern: '110 ... ... ..... 01',
    base: 'beq',
    expand: (h) => operands({ rs1: rs1Low(h), imm: offsetBranch(h) }),
  },
  {
    name: 'c.bnez',
    pattern: '111 ... ... ..... 01',
    base: 'bne',
    expand: (h) => operands({ rs1: rs1Low(h), imm: offsetBranch(h) }),
  },
  {
    name: 'c.slli',
    pattern: '000 . ..... ..... 10',
    base: 'slli',
    expand: (h) => operands({ rd: rd(h), rs1: rd(h), imm: shamt6(h) }),
  },
  {
    name: 'c.lwsp',
    pattern: '010 . ..... ..... 10',
    base: 'lw',
    expand: (h) =>
      rd(h) === 0
        ? undefined
        : operands({ rd: rd(h), rs1: SP, imm: bits(h, 12, 12, 5) | bits(h, 6, 4, 2) | bits(h, 3, 2, 6) }),
  },
  {
    name: 'c.ldsp',
    pattern: '011 . ..... ..... 10',
    base: 'ld',
    expand: (h) =>
      rd(h) === 0
        ? undefined
        : operands({ rd: rd(h), rs1: SP, imm: bits(h, 12, 12, 5) | bits(h, 6, 5, 3) | bits(h, 4, 2, 6) }),
  },
  {
    name: 'c.jr',
    pattern: '100 0 ..... 00000 10',
    base: 'jalr',
    expand: (h) => (rd(h) === 0 ? undefined : operands({ rs1: rd(h) })),
  },
  {
    name: 'c.mv',
    pattern: '100 0 ..... ..... 10',
    base: 'add',
    expand: (h) => (rs2(h) === 0 ? undefined : operands({ rd: rd(h), rs2: rs2(h) })),
  },
  { name: 'c.ebreak', pattern: '100 1 00000 00000 10', base: 'ebreak', expand: () => operands({}) },
  {
    name: 'c.jalr',
    pattern: '100 1 ..... 00000 10',
    base: 'jalr',
    expand: (h) => (rd(h) === 0 ? undefined : operands({ rd: RA, rs1: rd(h) })),
  },
  {
    name: 'c.add',
    pattern: '100 1 ..... ..... 10',
    base: 'add',
    expand: (h) => (rs2(h) === 0 ? undefined : operands({ rd: rd(h), rs1: rd(h), rs2: rs2(h) })),
  },
  {
    name: 'c.swsp',
    pattern: '110 ...... ..... 10',
    base: 'sw',
    expand: (h) => operands({ rs1: SP, rs2: rs2(h), imm: bits(h, 12, 9, 2) | bits(h, 8, 7, 6) }),
  },
  {
    name: 'c.sdsp',
    pattern: '111 ...... ..... 10',
    base: 'sd',
    expand: (h) => operands({ rs1: SP, rs2: rs2(h), imm: bits(h, 12, 10, 3) | bits(h, 9, 7, 6) }),
  },
];
