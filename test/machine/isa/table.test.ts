/** The instruction table agrees with itself: patterns, formats, encoder, decoder, disassembler. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { CSR_FAMILIES, CSR_NUMBERS } from '../../../src/machine/csr-numbers.ts';
import { decode, insnLength } from '../../../src/machine/isa/decode.ts';
import { disassemble } from '../../../src/machine/isa/disassemble.ts';
import { encode, encodeInsn } from '../../../src/machine/isa/encode.ts';
import { FORMATS, type Operands } from '../../../src/machine/isa/formats.ts';
import { COMPRESSED_INSNS, INSNS, insnNamed } from '../../../src/machine/isa/table.ts';
import { assemble } from '../../support/assembler.ts';

interface Fixed {
  readonly name: string;
  readonly mask: number;
  readonly match: number;
}

/** Pairs that share an encoding, in the order of the table: the first is the one that decodes. */
const overlaps = (rows: readonly Fixed[]) =>
  rows.flatMap((a, index) =>
    rows
      .slice(index + 1)
      .filter((b) => ((a.match ^ b.match) & a.mask & b.mask) === 0)
      .map((b) => `${a.name} < ${b.name}`),
  );

/** Every overlap of compressed rows that the specification makes: the special register number has a meaning of its own. */
const COMPRESSED_OVERLAPS = [
  'c.addi16sp < c.lui',
  'c.jr < c.mv',
  'c.ebreak < c.jalr',
  'c.ebreak < c.add',
  'c.jalr < c.add',
];

/** Operand bits of the formats that some row fixes: no operand there. */
const FIXED_FIELDS: Readonly<Record<string, string>> = {
  'lr.w': 'rs2 is 0: nothing to store',
  'lr.d': 'rs2 is 0: nothing to store',
};
/** Operand bits of rows that their format does not look at. */
const IGNORED_BITS: Readonly<Record<string, number>> = {
  // Reserved fields of fences are ignored, for future finer fences (Unprivileged ISA 2.7 and 5.1).
  fence: 0xfff0_0f80 & ~0x1f0_0000,
  'fence.i': 0xfff0_0f80 & ~0x1f0_0000,
};
const AQ_RL = 3 << 25;

const allOnes: Operands = { rd: 31, rs1: 31, rs2: 31, imm: -1 };
const arbitraryOperands: fc.Arbitrary<Operands> = fc.record({
  rd: fc.nat(31),
  rs1: fc.nat(31),
  rs2: fc.nat(31),
  imm: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

describe('patterns', () => {
  it('of 32-bit rows do not overlap', () => {
    expect(overlaps(INSNS)).toEqual([]);
  });

  it('of compressed rows overlap only where the specification makes them', () => {
    expect(overlaps(COMPRESSED_INSNS)).toEqual(COMPRESSED_OVERLAPS);
  });

  it('have names that are used once', () => {
    for (const rows of [INSNS, COMPRESSED_INSNS]) {
      expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    }
    expect(insnNamed('addi')?.name).toBe('addi');
    expect(insnNamed('c.addi')).toBeUndefined();
  });

  it('have the low bits of their length', () => {
    for (const { name, mask, match } of INSNS) expect([name, mask & 3, match & 3]).toEqual([name, 3, 3]);
    for (const { name, mask, match } of COMPRESSED_INSNS) {
      expect([name, mask & 3]).toEqual([name, 3]);
      expect([name, match & 3]).not.toEqual([name, 3]);
    }
  });
});

describe('formats', () => {
  it.each(INSNS.map((insn) => [insn.name, insn] as const))('of %s place operands on its free bits', (name, insn) => {
    const operandBits = FORMATS[insn.format].encode(allOnes);
    const free = ~insn.mask;
    // AQ and RL are free bits of every atomic row that order nothing.
    const ignored = (IGNORED_BITS[name] ?? 0) | (insn.format === 'Amo' ? AQ_RL : 0);
    expect((free & ~operandBits & ~ignored) >>> 0).toBe(0);
    const fixed = operandBits & ~free;
    expect(fixed !== 0).toBe(name in FIXED_FIELDS);
  });

  it('list each operand that they decode', () => {
    const parts: Readonly<Record<string, readonly (keyof Operands)[]>> = {
      rd: ['rd'],
      rs1: ['rs1'],
      rs2: ['rs2'],
      imm: ['imm'],
      uimm5: ['rs1'],
      mem: ['imm', 'rs1'],
      base: ['rs1'],
      target: ['imm'],
      upper: ['imm'],
      csr: ['imm'],
    };
    for (const [name, format] of Object.entries(FORMATS)) {
      const listed = new Set(format.syntax.flatMap((part) => must(parts[part], part)));
      const decoded = Object.entries(format.decode(-1)).flatMap(([key, value]) => (value === 0 ? [] : [key]));
      expect([name, ...[...listed].sort()]).toEqual([name, ...decoded.sort()]);
    }
  });
});

describe('encode and decode', () => {
  it.each(INSNS.map((insn) => [insn.name, insn] as const))('%s comes back', (_name, insn) => {
    fc.assert(
      fc.property(arbitraryOperands, (operands) => {
        const word = encodeInsn(insn, operands) & ~(insn.name.startsWith('lr.') ? 0x1f0_0000 : 0);
        const decoded = must(decode(word), 'decoded');
        expect(decoded.insn.name).toBe(insn.name);
        expect(decoded.lengthBytes).toBe(4);
        expect(encodeInsn(insn, decoded.operands)).toBe(word >>> 0);
        // What fits its field comes back as it was.
        const again = FORMATS[insn.format].decode(encodeInsn(insn, decoded.operands));
        expect(again).toEqual(decoded.operands);
        for (const key of ['rd', 'rs1', 'rs2'] as const) expect([0, operands[key]]).toContain(decoded.operands[key]);
      }),
      { numRuns: 50 },
    );
  });

  it('encodes the immediates of each format at both ends of their range', () => {
    const cases: readonly [string, number][] = [
      ['addi', -2048],
      ['addi', 2047],
      ['sd', -2048],
      ['sd', 2047],
      ['beq', -4096],
      ['beq', 4094],
      ['jal', -1048576],
      ['jal', 1048574],
      ['lui', -(2 ** 31)],
      ['lui', 0x7ffff000],
      ['slli', 63],
      ['slliw', 31],
      ['csrrw', 0xfff],
    ];
    for (const [name, imm] of cases) expect([name, decode(encode(name, { imm }))?.operands.imm]).toEqual([name, imm]);
  });

  it('knows words of the specification', () => {
    // Fixed words that no part of the table was made from.
    expect(encode('ecall')).toBe(0x0000_0073);
    expect(encode('mret')).toBe(0x3020_0073);
    expect(encode('addi', {})).toBe(0x0000_0013);
    expect(encode('csrrw', { rd: 10, rs1: 11, imm: 0x340 })).toBe(0x3405_9573);
    expect(encode('jal', { rd: 1, imm: -4 })).toBe(0xffdf_f0ef);
    expect(encode('beq', { rs1: 1, rs2: 2, imm: 8 })).toBe(0x0020_8463);
    expect(encode('sd', { rs1: 2, rs2: 1, imm: 8 })).toBe(0x0011_3423);
    expect(encode('amoadd.d', { rd: 5, rs1: 6, rs2: 7 })).toBe(0x0073_32af);
  });

  it('refuses an unknown mnemonic', () => {
    expect(() => encode('fadd.d')).toThrow(RangeError);
  });

  it('decodes every half word or says that it is illegal, and every expansion can be encoded', () => {
    let legal = 0;
    for (let half = 0; half < 0x1_0000; half++) {
      if ((half & 3) === 3) {
        expect(insnLength(half)).toBe(4);
        continue;
      }
      const decoded = decode(half);
      // What stands above a compressed instruction is no part of it.
      expect(decode(half | 0xffff_0000)).toEqual(decoded);
      if (!decoded) continue;
      legal++;
      expect(decoded.lengthBytes).toBe(2);
      const { insn, operands } = decoded;
      expect(decode(encodeInsn(insn, operands))?.operands).toEqual(operands);
    }
    expect(legal).toBeGreaterThan(30_000);
    expect(decode(0)).toBeUndefined();
    expect(decode(-1)).toBeUndefined();
  });

  it('takes any word without throwing, and what it decodes fits the row', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (random) => {
        const word = random | 3;
        const decoded = decode(word);
        if (decoded) expect((word & decoded.insn.mask) | 0).toBe(decoded.insn.match);
        else expect(INSNS.filter(({ mask, match }) => ((word & mask) | 0) === match)).toEqual([]);
        expect(disassemble(word, 0n)).not.toBe('');
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('disassembly', () => {
  it('of any row assembles to the same word', () => {
    const known = [...Object.values(CSR_NUMBERS), ...Object.values(CSR_FAMILIES), 0x7c0];
    fc.assert(
      fc.property(fc.constantFrom(...INSNS), arbitraryOperands, fc.constantFrom(...known), (insn, operands, csr) => {
        const imm = FORMATS[insn.format].syntax.some((part) => part === 'csr') ? csr : operands.imm;
        const rs2 = insn.name.startsWith('lr.') ? 0 : operands.rs2;
        const word = encodeInsn(insn, { ...operands, rs2, imm });
        const text = disassemble(word, 0x8000_0000n);
        const again = new DataView(assemble(text).bytes.buffer).getUint32(0, true);
        expect([text, again]).toEqual([text, word]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('shows operands in assembly order', () => {
    const at = (name: string, operands: Partial<Operands>) => disassemble(encode(name, operands), 0x8000_0000n);
    expect(at('ld', { rd: 10, rs1: 2, imm: -8 })).toBe('ld a0, -8(sp)');
    expect(at('bne', { rs1: 10, rs2: 0, imm: -4 })).toBe('bne a0, zero, 0x7ffffffc');
    expect(at('csrrs', { rd: 10, imm: 0x300 })).toBe('csrrs a0, mstatus, zero');
    expect(at('csrrwi', { rd: 0, rs1: 5, imm: 0x7c0 })).toBe('csrrwi zero, 0x7c0, 5');
    expect(at('lui', { rd: 5, imm: -4096 })).toBe('lui t0, 0xfffff');
    expect(at('amoadd.w', { rd: 5, rs1: 6, rs2: 7 })).toBe('amoadd.w t0, t2, (t1)');
    expect(disassemble(0x0505, 0n)).toBe('addi a0, a0, 1');
    expect(disassemble(0, 0n)).toBe('.half 0x0');
    expect(disassemble(-1, 0n)).toBe('.word 0xffffffff');
  });
});
