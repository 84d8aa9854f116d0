/** What each computing instruction gives, against its definition on big integers, executed by the engine. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/machine/isa/encode.ts';
import { INSNS } from '../../../src/machine/isa/table.ts';
import { MachineRig, RAM } from '../../support/machine-rig.ts';

const signed = (value: bigint, bits = 64) => BigInt.asIntN(bits, value);
const unsigned = (value: bigint, bits = 64) => BigInt.asUintN(bits, value);
type Meaning = (a: bigint, b: bigint) => bigint;

/** On the low words, sign-extended. */
const word =
  (meaning: Meaning): Meaning =>
  (a, b) =>
    signed(meaning(signed(a, 32), signed(b, 32)), 32);
const flag = (value: boolean) => (value ? 1n : 0n);
const choose = (test: boolean, a: bigint, b: bigint) => (test ? a : b);
const bitString = (value: bigint, bits = 64) => unsigned(value, bits).toString(2).padStart(bits, '0');
const bytesOf = (value: bigint) =>
  Array.from({ length: 8 }, (_, index) => (unsigned(value) >> BigInt(8 * index)) & 0xffn);
const fromBytes = (bytes: readonly bigint[]) => bytes.reduceRight((sum, byte) => (sum << 8n) | byte, 0n);

const divide: Meaning = (a, b) => (b === 0n ? -1n : a / b);
const remainder: Meaning = (a, b) => (b === 0n ? a : a % b);
const onUnsigned =
  (meaning: Meaning, bits: number): Meaning =>
  (a, b) =>
    meaning(unsigned(a, bits), unsigned(b, bits));
const rotateLeft = (value: bigint, by: bigint, bits: number) => {
  const count = ((by % BigInt(bits)) + BigInt(bits)) % BigInt(bits);
  return (unsigned(value, bits) << count) | (unsigned(value, bits) >> (BigInt(bits) - count));
};
const leadingZeros = (value: bigint, bits: number) => BigInt(bits - bitString(value, bits).replace(/^0+/, '').length);
const trailingZeros = (value: bigint, bits: number) => BigInt(bits - bitString(value, bits).replace(/0+$/, '').length);
const ones = (value: bigint, bits: number) => BigInt(bitString(value, bits).replaceAll('0', '').length);
const low32 = (value: bigint) => unsigned(value, 32);
const bitOf = (index: bigint) => 1n << (index & 63n);

/** By mnemonic, of signed operands; `b` is rs2 or the immediate. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 63n),
  slt: (a, b) => flag(a < b),
  sltu: (a, b) => flag(unsigned(a) < unsigned(b)),
  xor: (a, b) => a ^ b,
  srl: (a, b) => unsigned(a) >> (b & 63n),
  sra: (a, b) => a >> (b & 63n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addw: word((a, b) => a + b),
  subw: word((a, b) => a - b),
  sllw: word((a, b) => a << (b & 31n)),
  srlw: word((a, b) => low32(a) >> (b & 31n)),
  sraw: word((a, b) => a >> (b & 31n)),
  mul: (a, b) => a * b,
  mulh: (a, b) => (a * b) >> 64n,
  mulhsu: (a, b) => (a * unsigned(b)) >> 64n,
  mulhu: (a, b) => (unsigned(a) * unsigned(b)) >> 64n,
  mulw: word((a, b) => a * b),
  div: divide,
  divu: onUnsigned(divide, 64),
  rem: remainder,
  remu: onUnsigned(remainder, 64),
  divw: word(divide),
  divuw: word(onUnsigned(divide, 32)),
  remw: word(remainder),
  remuw: word(onUnsigned(remainder, 32)),
  'add.uw': (a, b) => low32(a) + b,
  sh1add: (a, b) => (a << 1n) + b,
  sh2add: (a, b) => (a << 2n) + b,
  sh3add: (a, b) => (a << 3n) + b,
  'sh1add.uw': (a, b) => (low32(a) << 1n) + b,
  'sh2add.uw': (a, b) => (low32(a) << 2n) + b,
  'sh3add.uw': (a, b) => (low32(a) << 3n) + b,
  'slli.uw': (a, b) => low32(a) << b,
  andn: (a, b) => a & ~b,
  orn: (a, b) => a | ~b,
  xnor: (a, b) => ~(a ^ b),
  clz: (a) => leadingZeros(a, 64),
  clzw: (a) => leadingZeros(a, 32),
  ctz: (a) => trailingZeros(a, 64),
  ctzw: (a) => trailingZeros(a, 32),
  cpop: (a) => ones(a, 64),
  cpopw: (a) => ones(a, 32),
  'sext.b': (a) => signed(a, 8),
  'sext.h': (a) => signed(a, 16),
  'zext.h': (a) => unsigned(a, 16),
  max: (a, b) => choose(a > b, a, b),
  maxu: (a, b) => (unsigned(a) > unsigned(b) ? a : b),
  min: (a, b) => choose(a < b, a, b),
  minu: (a, b) => (unsigned(a) < unsigned(b) ? a : b),
  rol: (a, b) => rotateLeft(a, b & 63n, 64),
  ror: (a, b) => rotateLeft(a, -(b & 63n), 64),
  rolw: word((a, b) => rotateLeft(a, b & 31n, 32)),
  rorw: word((a, b) => rotateLeft(a, -(b & 31n), 32)),
  'orc.b': (a) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  rev8: (a) => fromBytes(bytesOf(a).reverse()),
  bclr: (a, b) => a & ~bitOf(b),
  bext: (a, b) => (a >> (b & 63n)) & 1n,
  binv: (a, b) => a ^ bitOf(b),
  bset: (a, b) => a | bitOf(b),
};

/** Immediate forms mean what the register form does. */
const REGISTER_FORM: Readonly<Record<string, string>> = {
  addi: 'add',
  addiw: 'addw',
  slti: 'slt',
  sltiu: 'sltu',
  xori: 'xor',
  ori: 'or',
  andi: 'and',
  slli: 'sll',
  srli: 'srl',
  srai: 'sra',
  slliw: 'sllw',
  srliw: 'srlw',
  sraiw: 'sraw',
  rori: 'ror',
  roriw: 'rorw',
  bclri: 'bclr',
  bexti: 'bext',
  binvi: 'binv',
  bseti: 'bset',
};

const COMPUTING = INSNS.filter(({ format }) => ['R', 'R1', 'I', 'Shift6', 'Shift5'].includes(format));
const EDGES = [0n, 1n, -1n, 2n, 31n, 32n, 63n, 64n, 1n << 31n, -(1n << 31n), (1n << 31n) - 1n, 0xffff_ffffn];
const WIDE_EDGES = [1n << 63n, (1n << 63n) - 1n, 0x0080_ff7f_8000_01ffn, 0x1_0000_0000n];
const value = fc.oneof(
  fc.constantFrom(...EDGES, ...WIDE_EDGES),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -70n, max: 70n }),
);

describe('results', () => {
  const rig = new MachineRig();

  it.each(COMPUTING.map(({ name, format }) => [name, format] as const))('of %s are as defined', (name, format) => {
    const meaning = MEANINGS[name] ?? MEANINGS[REGISTER_FORM[name] ?? ''];
    if (!meaning) throw new Error(`${name} has no definition here`);
    fc.assert(
      fc.property(value, value, fc.integer({ min: -2048, max: 2047 }), (a, b, wanted) => {
        const imm = format === 'Shift6' ? wanted & 63 : format === 'Shift5' ? wanted & 31 : wanted;
        const isRegister = format === 'R' || format === 'R1';
        rig.machine.memory.write32(RAM, encode(name, { rd: 10, rs1: 11, rs2: format === 'R' ? 12 : 0, imm }));
        rig.hart.pc = BigInt(RAM);
        rig.setX('a1', a);
        rig.setX('a2', b);
        rig.step();
        const expected = unsigned(meaning(signed(a), isRegister ? signed(b) : BigInt(imm)));
        expect([a, isRegister ? b : imm, rig.x('a0')]).toEqual([a, isRegister ? b : imm, expected]);
      }),
      {
        numRuns: 60,
        examples: [
          [1n << 63n, -1n, -1],
          [-(1n << 31n), -1n, 0],
          [5n, 0n, 0],
        ],
      },
    );
  });

  it('may overwrite an operand, and x0 takes none', () => {
    rig.load('add a0, a0, a0; mulhu a1, a2, a1; add zero, a0, a0; add a3, zero, zero; ebreak');
    rig.start();
    rig.setX('a0', 21);
    rig.setX('a1', 1n << 63n);
    rig.setX('a2', 6);
    rig.setX('a3', 9);
    rig.runToTrap();
    expect([rig.x('a0'), rig.x('a1'), rig.x('zero'), rig.x('a3')]).toEqual([42n, 3n, 0n, 0n]);
  });

  it('of lui and auipc are signed, and relative to the instruction', () => {
    rig.load('lui a0, 0x80000; lui a1, 0x7ffff; auipc a2, 0xfffff; auipc a3, 1; ebreak');
    rig.start();
    rig.runToTrap();
    expect([rig.x('a0'), rig.x('a1')]).toEqual([0xffff_ffff_8000_0000n, 0x7fff_f000n]);
    expect([rig.x('a2'), rig.x('a3')]).toEqual([BigInt(RAM + 8 - 4096), BigInt(RAM + 12 + 4096)]);
  });

  it.each([
    ['beq', (a: bigint, b: bigint) => a === b],
    ['bne', (a: bigint, b: bigint) => a !== b],
    ['blt', (a: bigint, b: bigint) => signed(a) < signed(b)],
    ['bge', (a: bigint, b: bigint) => signed(a) >= signed(b)],
    ['bltu', (a: bigint, b: bigint) => unsigned(a) < unsigned(b)],
    ['bgeu', (a: bigint, b: bigint) => unsigned(a) >= unsigned(b)],
  ] as const)('of %s decide where to go', (name, test) => {
    rig.load(`${name} a1, a2, ${RAM + 0x40}`);
    rig.start();
    fc.assert(
      fc.property(value, value, (a, b) => {
        rig.hart.pc = BigInt(RAM);
        rig.setX('a1', a);
        rig.setX('a2', b);
        rig.step();
        expect([a, b, rig.hart.pc]).toEqual([a, b, BigInt(RAM + (test(unsigned(a), unsigned(b)) ? 0x40 : 4))]);
      }),
      { numRuns: 60, examples: [[5n, 5n]] },
    );
  });

  it('of jalr clear the lowest bit, and read the base before they link', () => {
    rig.load('jalr a0, 9(a0)');
    rig.start();
    rig.setX('a0', RAM + 0x100);
    rig.step();
    expect([rig.hart.pc, rig.x('a0')]).toEqual([BigInt(RAM + 0x108), BigInt(RAM + 4)]);
  });
});
