/**
 * Operand formats of 32-bit instructions (Unprivileged ISA 2.2, 2.3): where the operands stand in the word, how they are taken
 * out, put in and written in assembly text.
 */

/** Operands of a decoded instruction. Fields that a format does not have are 0. */
export interface Operands {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  /** Sign-extended immediate, shift amount, or CSR number: fits 32 bits. */
  readonly imm: number;
}

export interface Format {
  /** Operands in assembly order. `mem` is `imm(rs1)`, `target` a pc-relative immediate, `base` is `(rs1)`. */
  readonly syntax: readonly ('rd' | 'rs1' | 'rs2' | 'imm' | 'uimm5' | 'mem' | 'base' | 'target' | 'upper' | 'csr')[];
  readonly decode: (word: number) => Operands;
  /** The operand bits; the caller adds the fixed bits of the pattern. Bits that do not fit are cut off. */
  readonly encode: (operands: Operands) => number;
}

const rd = (word: number) => (word >>> 7) & 31;
const rs1 = (word: number) => (word >>> 15) & 31;
const rs2 = (word: number) => (word >>> 20) & 31;

const immI = (word: number) => word >> 20;
const immS = (word: number) => ((word >> 25) << 5) | ((word >>> 7) & 31);
const immB = (word: number) =>
  ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e);
const immJ = (word: number) =>
  ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe);

const putRd = (value: number) => (value & 31) << 7;
const putRs1 = (value: number) => (value & 31) << 15;
const putRs2 = (value: number) => (value & 31) << 20;
const putB = (imm: number) =>
  ((imm & 0x1000) << 19) | ((imm & 0x7e0) << 20) | ((imm & 0x1e) << 7) | ((imm & 0x800) >>> 4);
const putJ = (imm: number) => ((imm & 0x100000) << 11) | ((imm & 0x7fe) << 20) | ((imm & 0x800) << 9) | (imm & 0xff000);

export const FORMATS = {
  R: {
    syntax: ['rd', 'rs1', 'rs2'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: rs2(w), imm: 0 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | putRs2(o.rs2),
  },
  /** One source register. */
  R1: {
    syntax: ['rd', 'rs1'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: 0 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1),
  },
  I: {
    syntax: ['rd', 'rs1', 'imm'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: immI(w) }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | (o.imm << 20),
  },
  Load: {
    syntax: ['rd', 'mem'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: immI(w) }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | (o.imm << 20),
  },
  Shift6: {
    syntax: ['rd', 'rs1', 'imm'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: (w >>> 20) & 63 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | ((o.imm & 63) << 20),
  },
  Shift5: {
    syntax: ['rd', 'rs1', 'imm'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: (w >>> 20) & 31 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | ((o.imm & 31) << 20),
  },
  S: {
    syntax: ['rs2', 'mem'],
    decode: (w) => ({ rd: 0, rs1: rs1(w), rs2: rs2(w), imm: immS(w) }),
    encode: (o) => putRs1(o.rs1) | putRs2(o.rs2) | ((o.imm & 0xfe0) << 20) | ((o.imm & 31) << 7),
  },
  B: {
    syntax: ['rs1', 'rs2', 'target'],
    decode: (w) => ({ rd: 0, rs1: rs1(w), rs2: rs2(w), imm: immB(w) }),
    encode: (o) => putRs1(o.rs1) | putRs2(o.rs2) | putB(o.imm),
  },
  U: {
    syntax: ['rd', 'upper'],
    decode: (w) => ({ rd: rd(w), rs1: 0, rs2: 0, imm: (w & 0xfffff000) | 0 }),
    encode: (o) => putRd(o.rd) | (o.imm & 0xfffff000),
  },
  J: {
    syntax: ['rd', 'target'],
    decode: (w) => ({ rd: rd(w), rs1: 0, rs2: 0, imm: immJ(w) }),
    encode: (o) => putRd(o.rd) | putJ(o.imm),
  },
  /** Atomics: the aq and rl bits order nothing on a machine whose harts take turns. */
  Amo: {
    syntax: ['rd', 'rs2', 'base'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: rs2(w), imm: 0 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | putRs2(o.rs2),
  },
  Csr: {
    syntax: ['rd', 'csr', 'rs1'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: w >>> 20 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | (o.imm << 20),
  },
  /** As Csr, with a 5-bit immediate in the place of rs1. */
  CsrImm: {
    syntax: ['rd', 'csr', 'uimm5'],
    decode: (w) => ({ rd: rd(w), rs1: rs1(w), rs2: 0, imm: w >>> 20 }),
    encode: (o) => putRd(o.rd) | putRs1(o.rs1) | (o.imm << 20),
  },
  /** Fences: rs1 and rs2 only for `sfence.vma`. */
  Fence: {
    syntax: ['rs1', 'rs2'],
    decode: (w) => ({ rd: 0, rs1: rs1(w), rs2: rs2(w), imm: 0 }),
    encode: (o) => putRs1(o.rs1) | putRs2(o.rs2),
  },
  None: {
    syntax: [],
    decode: () => ({ rd: 0, rs1: 0, rs2: 0, imm: 0 }),
    encode: () => 0,
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
