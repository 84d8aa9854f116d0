/**
 * Memory layout of a differential test image, and of one case and one record in it. `harness.S` reads the same numbers, which
 * reach it as preprocessor definitions made from this file.
 */

export const RAM_BASE = 0x8000_0000;
export const RAM_BYTES = 64 << 20;

/** First byte of each part of the image. */
export const AT = {
  harness: RAM_BASE,
  /** The harness's variables: next case, next record, cases left. */
  variables: 0x8001_0000,
  tohost: 0x8001_0040,
  /** Where `stvec` points: an `ecall` for each vector, so that a delegated trap comes back to M-mode. */
  supervisorStub: 0x8001_1000,
  pageTables: 0x8002_0000,
  pageTablesEnd: 0x8004_0000,
  /** What loads and stores work on. */
  data: 0x8004_0000,
  dataEnd: 0x8006_0000,
  /** Nothing but `c.ebreak`: where jumps may land. */
  field: 0x8010_0000,
  fieldEnd: 0x8040_0000,
  /** Jumps and branches are patched in here, with a mebibyte of field to either side. */
  jumpSlot: 0x8028_0000,
  slots: 0x8040_0000,
  slotsEnd: 0x8080_0000,
  cases: 0x8080_0000,
  records: 0x8100_0000,
  recordsEnd: 0x8200_0000,
} as const;

/** 64-bit words of a case after x1 to x31, in order. */
export const CASE_WORDS = [
  'pc',
  'mstatus',
  'satp',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
  'stvec',
  'sepc',
  'probe',
  'mcounteren',
  'scounteren',
  'patch',
] as const;

/** 64-bit words of a record after x1 to x31, in order. */
export const RECORD_WORDS = [
  'mcause',
  'mepc',
  'mtval',
  'mstatus',
  'scause',
  'sepc',
  'stval',
  'satp',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
  'stvec',
  'sscratch',
  'probe0',
  'probe1',
  'mcounteren',
  'scounteren',
] as const;

export type CaseWord = (typeof CASE_WORDS)[number];
export type RecordWord = (typeof RECORD_WORDS)[number];

const REGISTER_BYTES = 31 * 8;

export const CASE_BYTES = REGISTER_BYTES + CASE_WORDS.length * 8;
export const RECORD_BYTES = REGISTER_BYTES + RECORD_WORDS.length * 8;
/** Cases of one image. */
export const CASES_MAX = 20_000;

export const caseWordAt = (word: CaseWord): number => REGISTER_BYTES + CASE_WORDS.indexOf(word) * 8;
export const recordWordAt = (word: RecordWord): number => REGISTER_BYTES + RECORD_WORDS.indexOf(word) * 8;

/** `-D` options for the harness. */
export function harnessDefinitions(): string[] {
  return [
    `-DVARIABLES=${AT.variables}`,
    `-DTOHOST=${AT.tohost}`,
    `-DCASE_BYTES=${CASE_BYTES}`,
    `-DRECORD_BYTES=${RECORD_BYTES}`,
    ...CASE_WORDS.map((word) => `-DCASE_${word}=${caseWordAt(word)}`),
    ...RECORD_WORDS.map((word) => `-DRECORD_${word}=${recordWordAt(word)}`),
  ];
}
