/**
 * Cases from the rows of the instruction table: each row with boundary operands and overlapping registers; loads, stores and
 * atomics on the data window; jumps into the field; and every 16-bit encoding there is.
 */
import { assert } from '../../../src/assert.ts';
import { encodeInsn } from '../../../src/machine/isa/encode.ts';
import type { Insn } from '../../../src/machine/isa/table.ts';
import { INSNS } from '../../../src/machine/isa/table.ts';
import type { Mode, OracleCase } from './case.ts';
import { compressed, full, MODES } from './case.ts';
import { AT } from './layout.ts';
import type { Random } from './random.ts';

const WINDOW_MARGIN = 4096;
const FIELD_MARGIN = 4096;
const HALF_ENCODINGS = 0x1_0000;

/** Formats whose rows are generated here; CSR and privileged instructions have generators of their own. */
const ELSEWHERE = new Set(['Csr', 'CsrImm', 'None']);

export const plain = (given: Partial<OracleCase> & Pick<OracleCase, 'name' | 'code' | 'registers'>): OracleCase => ({
  mode: 3,
  place: 'own',
  words: {},
  codeOffset: 0n,
  volatile: [],
  ...given,
});

export function operandRegisters(random: Random): bigint[] {
  return Array.from({ length: 32 }, (_, i) => (i === 0 ? 0n : random.operand()));
}

/** An address in the data window, mostly aligned to `bytes`. */
export function dataAddress(random: Random, bytes: number): bigint {
  const span = AT.dataEnd - AT.data - 2 * WINDOW_MARGIN;
  const address = AT.data + WINDOW_MARGIN + random.below(span);
  return BigInt(random.chance(4) ? address : address - (address % bytes));
}

export function fieldAddress(random: Random): bigint {
  return BigInt(AT.field + FIELD_MARGIN + 2 * random.below((AT.fieldEnd - AT.field) / 2 - FIELD_MARGIN));
}

const immediate12 = (random: Random) => random.pick([-2048, -2047, -1, 0, 1, 2, 2046, 2047, random.below(4096) - 2048]);

/** Rows that `generateRow` covers. */
export const PLAIN_ROWS: readonly Insn[] = INSNS.filter(
  (row) => !ELSEWHERE.has(row.format) && row.name !== 'sfence.vma',
);

/** One case of a row. */
export function generateRow(row: Insn, random: Random): OracleCase {
  const mode = random.pick(MODES);
  const [rd, rs1, rs2] = chooseRegisters(random);
  switch (row.format) {
    case 'Load':
      return row.name === 'jalr' ? indirectJump(row, random, mode) : memoryAccess(row, random, mode);
    case 'S':
      return memoryAccess(row, random, mode);
    case 'Amo':
      return atomic(row, random, mode);
    case 'B':
    case 'J':
      return relativeJump(row, random, mode);
    default: {
      const imm =
        row.format === 'U'
          ? random.bits32() & 0xfffff000
          : immediate12(random) | (random.chance(2) ? random.below(64) : 0);
      // Fences have fields without a meaning of their own: hints, which must do no more than a fence.
      const noise = row.format === 'Fence' ? (random.below(4096) << 20) & ~row.mask : 0;
      return plain({
        name: `${row.name} rd=x${rd} rs1=x${rs1} rs2=x${rs2} imm=${imm}`,
        row: row.name,
        mode,
        place: random.chance(64) ? 'crossing' : 'own',
        code: [full(encodeInsn(row, { rd, rs1, rs2, imm }) | noise)],
        registers: operandRegisters(random),
      });
    }
  }
}

/** Often the same register twice, and now and then x0. */
function chooseRegisters(random: Random): [number, number, number] {
  const rs1 = random.below(32);
  const rs2 = random.chance(6) ? rs1 : random.below(32);
  const rd = random.chance(6) ? rs1 : random.chance(6) ? rs2 : random.below(32);
  return [rd, rs1, rs2];
}

const accessBytes = (name: string) => ({ b: 1, h: 2, w: 4, d: 8 })[name.replace(/^[ls]/, '').charAt(0)] ?? 8;

function memoryAccess(row: Insn, random: Random, mode: Mode): OracleCase {
  const rs1 = 1 + random.below(31);
  const rd = random.chance(6) ? rs1 : random.below(32);
  const imm = immediate12(random);
  const address = dataAddress(random, accessBytes(row.name));
  const registers = operandRegisters(random);
  registers[rs1] = BigInt.asUintN(64, address - BigInt(imm));
  return plain({
    name: `${row.name} rd=x${rd} rs2=x${rd} ${imm}(x${rs1}) at 0x${address.toString(16)}`,
    row: row.name,
    mode,
    code: [full(encodeInsn(row, { rd, rs1, rs2: rd, imm }))],
    registers,
    words: { probe: address - (address % 8n) },
  });
}

function indirectJump(row: Insn, random: Random, mode: Mode): OracleCase {
  const rs1 = 1 + random.below(31);
  const rd = random.chance(4) ? rs1 : random.below(32);
  const imm = immediate12(random);
  const registers = operandRegisters(random);
  const target = random.chance(8) ? 0x1_0000_0000n | (random.bits64() << 36n) : fieldAddress(random);
  registers[rs1] = BigInt.asUintN(64, target - BigInt(imm));
  return plain({
    name: `jalr x${rd}, ${imm}(x${rs1}) to 0x${BigInt.asUintN(64, target).toString(16)}`,
    row: row.name,
    mode,
    code: [full(encodeInsn(row, { rd, rs1, imm }))],
    registers,
  });
}

function relativeJump(row: Insn, random: Random, mode: Mode): OracleCase {
  const [rd, rs1, rs2] = chooseRegisters(random);
  const reach = row.format === 'J' ? 1 << 20 : 1 << 12;
  const chosen = random.pick([-reach, reach - 2, 4, 6, -2, random.below(reach) * 2 - reach]) & ~1;
  // An offset of 0 would never end, and one of 2 would run the second half of the jump.
  const imm = chosen === 0 || chosen === 2 ? 4 : chosen;
  const registers = operandRegisters(random);
  if (random.chance(3)) registers[rs2] = rs2 === 0 ? 0n : (registers[rs1] ?? 0n);
  return plain({
    name: `${row.name} rd=x${rd} x${rs1}, x${rs2}, ${imm}`,
    row: row.name,
    mode,
    place: 'jump',
    code: [full(encodeInsn(row, { rd, rs1, rs2, imm }))],
    registers,
  });
}

/** Atomics on an address that a store-conditional may or may not hold a reservation for. */
function atomic(row: Insn, random: Random, mode: Mode): OracleCase {
  const rs1 = 1 + random.below(31);
  const rs2 = random.chance(6) ? rs1 : random.below(32);
  const rd = random.chance(6) ? rs1 : random.below(32);
  const aqRl = random.below(4) << 25;
  const registers = operandRegisters(random);
  const bytes = row.name.endsWith('.d') ? 8 : 4;
  const chosen = dataAddress(random, bytes);
  // Whether a store-conditional that fails anyway also traps for its alignment is left open (Unprivileged ISA 14.2).
  const address = row.name.startsWith('sc.') ? chosen & ~7n : chosen;
  registers[rs1] = address;
  const code = [full(encodeInsn(row, row.name.startsWith('lr.') ? { rd, rs1 } : { rd, rs1, rs2 }) | aqRl)];
  if (row.name.startsWith('sc.')) code.unshift(full(reservationBefore(row, rs1, random)));
  return plain({
    name: `${row.name} x${rd}, x${rs2}, (x${rs1}) at 0x${address.toString(16)}${code.length > 1 ? ' after a reservation or none' : ''}`,
    row: row.name,
    mode,
    code,
    registers,
    words: { probe: address - (address % 8n) },
  });
}

/** A load-reserved of the same address, or a store-conditional, which leaves no reservation behind whatever it answers. */
function reservationBefore(row: Insn, rs1: number, random: Random): number {
  const spare = rs1 === 31 ? 30 : 31;
  const kind = random.chance(3) ? 'sc' : 'lr';
  const first = INSNS.find((insn) => insn.name === row.name.replace('sc', kind));
  assert(first !== undefined, 'the table has lr beside sc');
  return encodeInsn(first, { rd: spare, rs1, rs2: 0 });
}

/** Encodings of quadrants 0 and 2 that access memory: their base registers are given addresses. */
function accessesMemory(half: number): boolean {
  const quadrant = half & 3;
  const funct3 = half >>> 13;
  return (quadrant === 0 || quadrant === 2) && funct3 !== 0 && funct3 !== 4;
}

/** c.j, c.beqz and c.bnez: relative jumps. */
const jumpsRelative = (half: number) => (half & 3) === 1 && half >>> 13 >= 5;
/** c.jr and c.jalr. */
const jumpsIndirect = (half: number) => (half & 3) === 2 && half >>> 13 === 4 && ((half >>> 2) & 31) === 0;
/** c.j, c.beqz or c.bnez to itself: it would never end. */
const isSelfLoop = (half: number) =>
  jumpsRelative(half) && (half & 0x1c7c) === 0 && (half >>> 13 !== 5 || (half & 0x1ffc) === 0);

/** Every 16-bit encoding but the 32-bit ones' first halves, legal or not. */
export function* everyHalf(random: Random): Generator<OracleCase> {
  for (let half = 0; half < HALF_ENCODINGS; half++) {
    if ((half & 3) === 3 || isSelfLoop(half)) continue;
    const registers = operandRegisters(random);
    if (accessesMemory(half)) {
      for (let i = 1; i < 32; i++) if (random.chance(2) || i === 2) registers[i] = dataAddress(random, 8) - 256n;
      for (let i = 8; i < 16; i++) registers[i] = dataAddress(random, 8) - 256n;
    }
    if (jumpsIndirect(half)) for (let i = 1; i < 32; i++) registers[i] = fieldAddress(random);
    yield plain({
      name: `half word 0x${half.toString(16).padStart(4, '0')}`,
      mode: random.pick(MODES),
      place: jumpsRelative(half) ? 'jump' : 'own',
      code: [compressed(half)],
      registers,
    });
  }
}

/**
 * A word near a legal one: one to three bits flipped, so that most are reserved encodings. It runs in U-mode, and neither jumps
 * nor waits.
 */
export function nearlyLegal(random: Random): OracleCase | undefined {
  const row = random.pick(INSNS);
  let word = row.match | (random.bits32() & ~row.mask);
  for (let flips = 1 + random.below(3); flips > 0; flips--) word ^= 1 << random.below(32);
  const opcode = word & 0x7f;
  if ((word & 3) !== 3 || [0x63, 0x67, 0x6f, 0x73].includes(opcode)) return undefined;
  const registers = Array.from({ length: 32 }, () => dataAddress(random, 8));
  return plain({ name: `word 0x${(word >>> 0).toString(16)}`, mode: 0, code: [full(word)], registers });
}
