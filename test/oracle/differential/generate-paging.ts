/** Cases about translation: loads, stores, atomics and fetches through every kind of page-table entry, in each mode. */
import { CSR_NUMBERS } from '../../../src/machine/csr-numbers.ts';
import { encode } from '../../../src/machine/isa/encode.ts';
import type { InsnCode, OracleCase } from './case.ts';
import { full, MODE_LETTER } from './case.ts';
import { operandRegisters, plain } from './generate-instructions.ts';
import { MSTATUS_MXR, MSTATUS_SUM } from './generate-privileged.ts';
import type { TranslationMode } from './page-tables.ts';
import {
  DATA_LEAVES,
  DATA_WINDOW,
  FETCH_WINDOW,
  ODD_REGIONS,
  satpOf,
  TRANSLATION_MODES,
  USER_CODE_OFFSET,
} from './page-tables.ts';
import type { Random } from './random.ts';

const PAGE_BYTES = 4096;
const ACCESSES = ['lb', 'lhu', 'lw', 'ld', 'sb', 'sh', 'sw', 'sd', 'lr.d', 'amoadd.w', 'amomaxu.d'] as const;
const BASE = 7;
const VALUE = 8;
const RD = 6;
const MPRV_BITS = 9;
const MSTATUS_MPRV = 1n << 17n;

const MODE_NAMES = Object.keys(TRANSLATION_MODES) as TranslationMode[];

/** First address that is not canonical in a mode: the sign bit set, and not copied upwards. */
const BEYOND = { sv39: 1n << 38n, sv48: 1n << 47n, sv57: 1n << 56n } as const;

function accessCode(name: (typeof ACCESSES)[number]): InsnCode {
  return full(encode(name, { rd: RD, rs1: BASE, rs2: VALUE, imm: 0 }));
}

function offsetInPage(random: Random, name: string): bigint {
  const aligned = random.below(PAGE_BYTES / 8) * 8;
  if (name.includes('.')) return BigInt(aligned);
  // Now and then across the end of the page, into another entry.
  return BigInt(
    random.chance(6) ? random.pick([4089, 4090, 4093, 4094, 4095]) : random.chance(4) ? aligned + 3 : aligned,
  );
}

function address(random: Random, mode: TranslationMode, name: string): bigint {
  const kind = random.below(10);
  const offset = offsetInPage(random, name);
  if (kind < 7) return DATA_WINDOW + BigInt(random.below(DATA_LEAVES) * PAGE_BYTES) + offset;
  if (kind < 9) return random.pick(ODD_REGIONS) + offset;
  return BigInt.asUintN(
    64,
    random.pick([BEYOND[mode], -BEYOND[mode], -BEYOND[mode] - 8n, 1n << 63n, -8n]) + (offset & 0xff8n),
  );
}

function statusBits(random: Random): bigint {
  return (random.chance(2) ? MSTATUS_SUM : 0n) | (random.chance(2) ? MSTATUS_MXR : 0n);
}

/** A load, store or atomic in S- or U-mode, or in M-mode as if in one of them (MPRV). */
export function pagedAccess(random: Random): OracleCase {
  const translation = random.pick(MODE_NAMES);
  const access = random.pick(ACCESSES);
  const registers = operandRegisters(random);
  registers[BASE] = address(random, translation, access);
  const words = { satp: satpOf(translation), mstatus: statusBits(random) };
  const mode = random.pick([0, 1, 3] as const);
  const common = { row: access, registers, words, mode };
  const at = `0x${registers[BASE].toString(16)} (${translation})`;
  if (mode === 3) {
    const previous = random.pick([0n, 1n]);
    registers[MPRV_BITS] = MSTATUS_MPRV | (previous << 11n);
    const set = full(encode('csrrs', { rs1: MPRV_BITS, imm: CSR_NUMBERS.mstatus }));
    const clear = full(encode('csrrc', { rs1: MPRV_BITS, imm: CSR_NUMBERS.mstatus }));
    return plain({
      ...common,
      name: `${access} at ${at} from M as ${previous === 0n ? 'U' : 'S'}`,
      code: [set, accessCode(access), clear],
    });
  }
  return plain({
    ...common,
    name: `${access} at ${at} in ${MODE_LETTER[mode]}`,
    code: [accessCode(access)],
    codeOffset: mode === 0 ? USER_CODE_OFFSET : 0n,
    place: random.chance(32) ? 'crossing' : 'own',
  });
}

/** A jump to a page of breakpoints through every kind of entry. */
export function pagedFetch(random: Random): OracleCase {
  const translation = random.pick(MODE_NAMES);
  const mode = random.pick([0, 1] as const);
  const registers = operandRegisters(random);
  const page = FETCH_WINDOW + BigInt(random.below(256) * PAGE_BYTES);
  const beyond = BigInt.asUintN(64, random.pick([BEYOND[translation], -BEYOND[translation] - 4n]));
  registers[BASE] = random.chance(16) ? beyond : page + BigInt(random.below(PAGE_BYTES / 2 - 2) * 2);
  return plain({
    name: `jalr to 0x${registers[BASE].toString(16)} (${translation}) in ${MODE_LETTER[mode]}`,
    row: 'jalr',
    mode,
    code: [full(encode('jalr', { rd: 1, rs1: BASE }))],
    registers,
    words: { satp: satpOf(translation), mstatus: statusBits(random) },
    codeOffset: mode === 0 ? USER_CODE_OFFSET : 0n,
  });
}
