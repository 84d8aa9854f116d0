/** Cases about privilege: every CSR number, writes to the ones there are, traps and their delegation, interrupts, returns. */
import { CSR_NUMBERS, csrName } from '../../../src/machine/csr-numbers.ts';
import { encode } from '../../../src/machine/isa/encode.ts';
import type { InsnCode, Mode, OracleCase } from './case.ts';
import { compressed, full, MODE_LETTER, MODES } from './case.ts';
import { fieldAddress, operandRegisters, plain } from './generate-instructions.ts';
import { AT } from './layout.ts';
import { satpOf } from './page-tables.ts';
import type { Random } from './random.ts';

const CSR_COUNT = 4096;
const READ_RD = 10;
const OPERAND = 11;
const READ_BACK = 12;
const RESTORE = 13;

const MSTATUS = {
  SIE: 1n << 1n,
  MIE: 1n << 3n,
  SPIE: 1n << 5n,
  MPIE: 1n << 7n,
  SPP: 1n << 8n,
  SUM: 1n << 18n,
  MXR: 1n << 19n,
  TVM: 1n << 20n,
  TW: 1n << 21n,
  TSR: 1n << 22n,
} as const;
export const MSTATUS_SUM = MSTATUS.SUM;
export const MSTATUS_MXR = MSTATUS.MXR;

/** CSRs that count, or follow a clock: that they can be read is compared, what they hold is not. */
const COUNTING = new Set(['cycle', 'time', 'instret', 'mcycle', 'minstret']);
/** All counters may be read from below. */
const COUNTERS_OPEN = 0xffff_ffffn;
/** A deadline that no timer reaches. */
const NEVER = 0xffff_ffff_ffff_ffffn;

function counts(number: number): boolean {
  const name = csrName(number);
  return name !== undefined && COUNTING.has(name);
}

/** `csrr` of every number in every mode. */
export function* everyCsrRead(random: Random): Generator<OracleCase> {
  for (let number = 0; number < CSR_COUNT; number++) {
    for (const mode of MODES) {
      const open = random.chance(2);
      yield plain({
        name: `read csr 0x${number.toString(16)} (${csrName(number) ?? 'none'}) in ${MODE_LETTER[mode]}`,
        row: 'csrrs',
        mode,
        code: [full(encode('csrrs', { rd: READ_RD, imm: number }))],
        registers: operandRegisters(random),
        words: open ? { mcounteren: COUNTERS_OPEN, scounteren: COUNTERS_OPEN } : {},
        volatile: counts(number) ? [READ_RD] : [],
      });
    }
  }
}

/** Values after which the harness finds the machine as it left it; other CSRs are set to 0. */
function restoreValue(name: string, trapVector: bigint): bigint {
  if (name === 'mtvec') return trapVector;
  if (name === 'pmpaddr0') return NEVER;
  if (name === 'pmpcfg0') return 0x1fn;
  if (name === 'stimecmp') return NEVER;
  return 0n;
}

const MSTATUS_VS = 3n << 9n;
const MSTATUS_UXL = 3n << 32n;
const MSTATUS_GVA_MPV = 3n << 38n;
/** Interrupts of the hypervisor extension and of counter overflow. */
const FOREIGN_INTERRUPTS = (1n << 2n) | (1n << 6n) | (1n << 10n) | (1n << 12n) | (1n << 13n);
/** Exceptions of the hypervisor extension, and calls from M-mode, which cannot be delegated. */
const FOREIGN_EXCEPTIONS = (1n << 10n) | (1n << 11n) | (0xfn << 20n);
const HIGH_WORD = 0xffff_ffffn << 32n;

/**
 * Values that QEMU 7.2 stores although they are not legal are left out: an odd `sepc` or `mepc` (bit 0 is read-only zero, Privileged ISA
 * 3.1.14), other values of UXL than 2 (3.1.6.3), more than 32 bits of a counter enable (3.1.11), and fields of the vector and
 * hypervisor extensions, which it does not have here.
 */
const LEFT_OUT: Readonly<Record<string, bigint>> = {
  sepc: 1n,
  mepc: 1n,
  mstatus: MSTATUS_UXL | MSTATUS_VS | MSTATUS_GVA_MPV,
  sstatus: MSTATUS_UXL | MSTATUS_VS,
  mie: FOREIGN_INTERRUPTS,
  mip: FOREIGN_INTERRUPTS,
  sie: FOREIGN_INTERRUPTS,
  sip: FOREIGN_INTERRUPTS,
  mideleg: FOREIGN_INTERRUPTS,
  medeleg: FOREIGN_EXCEPTIONS,
  mcounteren: HIGH_WORD,
  scounteren: HIGH_WORD,
};

const MPP = 3n << 11n;
const MPP_RESERVED = 2n << 11n;

function csrOperand(name: string, random: Random): bigint {
  const value = anyCsrOperand(name, random) & ~(LEFT_OUT[name] ?? 0n);
  // What a reserved mode in MPP reads as is open.
  return name === 'mstatus' && (value & MPP) === MPP_RESERVED ? value | MPP : value;
}

function anyCsrOperand(name: string, random: Random): bigint {
  const value = random.chance(4) ? 0xffff_ffff_ffff_ffffn : random.operand();
  if (name.startsWith('pmpcfg')) {
    // Locked entries would stay, and one that is writable but not readable is reserved: R goes with W.
    const unlocked = value & 0x1e1e_1e1e_1e1e_1e1en;
    return unlocked | ((unlocked & 0x0202_0202_0202_0202n) >> 1n);
  }
  if (name === 'pmpaddr0' && random.chance(2)) return value | 0xffff_ffffn;
  return value;
}

const CSR_OPERATIONS = ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'] as const;

/** Every CSR of the table, written from one mode: what was there, what is there afterwards, then restored. */
export function csrWrite(
  random: Random,
  trapVector: bigint,
  names: readonly string[],
  numberOf: (name: string) => number,
): OracleCase {
  const name = random.pick(names);
  const number = numberOf(name);
  const mode = random.chance(2) ? 3 : random.pick(MODES);
  const operation = random.pick(CSR_OPERATIONS);
  const registers = operandRegisters(random);
  registers[OPERAND] = csrOperand(name, random);
  registers[RESTORE] = restoreValue(name, trapVector);
  const immediate = random.below(32) & ~Number((LEFT_OUT[name] ?? 0n) & 31n);
  const source = operation.endsWith('i') ? immediate : random.chance(8) ? 0 : OPERAND;
  const code = [
    full(encode(operation, { rd: random.chance(8) ? 0 : READ_RD, rs1: source, imm: number })),
    full(encode('csrrs', { rd: READ_BACK, imm: number })),
    full(encode('csrrw', { rd: 0, rs1: RESTORE, imm: number })),
  ];
  return plain({
    name: `${operation} ${name}, ${operation.endsWith('i') ? source : `0x${(registers[source] ?? 0n).toString(16)}`} in ${MODE_LETTER[mode]}`,
    row: operation,
    mode,
    code: name.startsWith('pmpcfg') && operation.endsWith('i') ? [code[1] as InsnCode] : code,
    registers,
    words: {
      ...(random.chance(2) ? { mcounteren: COUNTERS_OPEN, scounteren: COUNTERS_OPEN } : {}),
      ...(random.chance(3) ? { mideleg: 0x222n } : {}),
      ...(name === 'satp' && random.chance(3) ? { mstatus: MSTATUS.TVM } : {}),
    },
    volatile: counts(number) ? [READ_RD, READ_BACK] : [],
  });
}

const INTERRUPT_BITS = [1n, 3n, 5n, 7n, 9n, 11n].map((bit) => 1n << bit);
/** QEMU reports some exceptions of AMOs as those of loads: both are delegated, or neither. */
const PAIRED: readonly (readonly [bigint, bigint])[] = [
  [1n << 4n, 1n << 6n],
  [1n << 5n, 1n << 7n],
  [1n << 13n, 1n << 15n],
];

const paired = (medeleg: bigint) =>
  PAIRED.reduce((bits, [load, store]) => ((bits & load) === 0n ? bits & ~store : bits | store), medeleg);

const someBits = (random: Random, bits: readonly bigint[]) =>
  bits.reduce((all, bit) => (random.chance(2) ? all | bit : all), 0n);

/** Pending and enabled interrupts in every combination that software can make; one is taken at once, or none. */
export function interrupts(random: Random): OracleCase {
  const mode = random.pick(MODES);
  return plain({
    name: `interrupts in ${MODE_LETTER[mode]}`,
    row: 'addi',
    mode,
    code: [full(encode('addi', { rd: 5, rs1: 5, imm: 1 }))],
    registers: operandRegisters(random),
    words: {
      mie: someBits(random, INTERRUPT_BITS),
      mip: someBits(random, INTERRUPT_BITS),
      mideleg: someBits(random, INTERRUPT_BITS),
      mstatus: someBits(random, [MSTATUS.MPIE, MSTATUS.SIE, MSTATUS.SPIE, MSTATUS.SPP]),
      stvec: BigInt(AT.supervisorStub) | BigInt(random.below(2)),
    },
  });
}

/** Delegable exceptions but those that end the code or the stub: breakpoint and calls from S and M. */
const DELEGABLE = [0n, 1n, 2n, 4n, 5n, 6n, 7n, 8n, 12n, 13n, 15n].map((bit) => 1n << bit);

const EXCEPTIONS: readonly [row: string, code: readonly InsnCode[]][] = [
  ['ecall', [full(encode('ecall'))]],
  ['ebreak', [full(encode('ebreak'))]],
  ['ebreak', [compressed(0x9002)]],
  ['ld', [full(encode('ld', { rd: 6, rs1: 7, imm: 0 }))]],
  ['sd', [full(encode('sd', { rs2: 6, rs1: 7, imm: 0 }))]],
  ['lr.w', [full(encode('lr.w', { rd: 6, rs1: 7 }))]],
  ['sc.d', [full(encode('sc.d', { rd: 6, rs1: 7, rs2: 8 }))]],
  ['amoadd.d', [full(encode('amoadd.d', { rd: 6, rs1: 7, rs2: 8 }))]],
  ['amoswap.w', [full(encode('amoswap.w', { rd: 6, rs1: 7, rs2: 8 }))]],
  ['jalr', [full(encode('jalr', { rd: 1, rs1: 7 }))]],
  ['', [full(0xffff_ffff)]],
  ['', [compressed(0)]],
];

/** Nothing is at these addresses. */
const NOWHERE = [0x0800_0000n, 0x1_0000_0000n, 0x7fff_ffff_ffff_fff8n, 0xffff_ffff_8000_0000n, 0x1_0000_0001n] as const;

/** Exceptions in each mode, delegated or not. */
export function exceptions(random: Random): OracleCase {
  const mode = random.pick(MODES);
  const [row, code] = random.pick(EXCEPTIONS);
  const registers = operandRegisters(random);
  registers[7] = random.pick(NOWHERE);
  return plain({
    name: `exception of ${row || 'an illegal encoding'} at 0x${registers[7].toString(16)} in ${MODE_LETTER[mode]}`,
    ...(row === '' ? {} : { row }),
    mode,
    code,
    registers,
    words: {
      medeleg: paired(someBits(random, DELEGABLE)),
      mstatus: someBits(random, [MSTATUS.SIE, MSTATUS.SPIE, MSTATUS.SPP, MSTATUS.MPIE]),
      stvec: BigInt(AT.supervisorStub) | BigInt(random.below(2)),
    },
  });
}

/** `sret`, `mret`, `wfi` and `sfence.vma` under the bits that trap them. An interrupt is pending, so that `wfi` does not wait. */
export function returnsAndWaits(random: Random): OracleCase {
  const mode = random.pick(MODES);
  const row = random.pick(['sret', 'mret', 'wfi', 'sfence.vma', 'fence.i']);
  const registers = operandRegisters(random);
  registers[OPERAND] = fieldAddress(random);
  const code = [full(encode(row, row === 'sfence.vma' ? { rs1: random.below(32), rs2: random.below(32) } : {}))];
  if (row === 'mret') code.unshift(full(encode('csrrw', { rs1: OPERAND, imm: CSR_NUMBERS.mepc })));
  return plain({
    name: `${row} in ${MODE_LETTER[mode]}`,
    row,
    mode,
    code,
    registers,
    words: {
      sepc: fieldAddress(random),
      mie: 2n,
      mip: 2n,
      // In S-mode the pending interrupt is left to it and masked there, so that the instruction is reached.
      mideleg: 2n,
      mstatus: someBits(random, [MSTATUS.TVM, MSTATUS.TW, MSTATUS.TSR, MSTATUS.SPIE, MSTATUS.SPP, MSTATUS.MPIE]),
      ...(row !== 'wfi' && random.chance(2) ? { mie: 0n } : {}),
    },
  });
}

/** `satp` written in S-mode: what mode and root it then holds, and whether code can go on. */
export function satpWrite(random: Random): OracleCase {
  const registers = operandRegisters(random);
  registers[OPERAND] = random.pick([
    satpOf('sv39'),
    satpOf('sv48'),
    satpOf('sv57'),
    satpOf('sv39') | (0xffffn << 44n),
    0n,
    ...[1n, 2n, 7n, 11n, 15n].map((mode) => (mode << 60n) | 5n),
    0x0fff_ffff_ffff_ffffn,
  ]);
  registers[RESTORE] = 0n;
  const mode: Mode = random.chance(4) ? 3 : 1;
  return plain({
    name: `csrrw satp, 0x${registers[OPERAND].toString(16)} in ${MODE_LETTER[mode]}`,
    row: 'csrrw',
    mode,
    code: [
      full(encode('csrrw', { rd: READ_RD, rs1: OPERAND, imm: CSR_NUMBERS.satp })),
      full(encode('csrrs', { rd: READ_BACK, imm: CSR_NUMBERS.satp })),
      full(encode('csrrw', { rd: 0, rs1: RESTORE, imm: CSR_NUMBERS.satp })),
    ],
    registers,
    words: random.chance(4) ? { mstatus: MSTATUS.TVM } : {},
  });
}
