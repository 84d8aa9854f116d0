/** One case of the differential test: a few instructions in a given state. */
import type { CaseWord } from './layout.ts';

/** Privilege modes by encoding, and `mstatus.MPP` for each. */
export type Mode = 0 | 1 | 3;
export const MODES: readonly Mode[] = [0, 1, 3];
export const MODE_LETTER = { 0: 'U', 1: 'S', 3: 'M' } as const;

export interface InsnCode {
  readonly value: number;
  readonly lengthBytes: 2 | 4;
}

export interface OracleCase {
  /** What is tested, for messages: mnemonic and operands, or a CSR. */
  readonly name: string;
  /** Row of the instruction table, if it stands for one: coverage is counted by it. */
  readonly row?: string;
  readonly mode: Mode;
  /** Up to three instructions; a `c.ebreak` follows. */
  readonly code: readonly InsnCode[];
  /** `jump`: in the middle of the field. `crossing`: the first instruction lies across a page boundary. */
  readonly place: 'own' | 'jump' | 'crossing';
  /** x0 to x31; x0 is ignored. */
  readonly registers: readonly bigint[];
  /** What else is set; the defaults are 0, `stvec` at its stub and `probe` at the data. `pc` is set from `place`. */
  readonly words: Partial<Record<Exclude<CaseWord, 'pc' | 'patch'>, bigint>>;
  /** Added to the physical address of the code: a virtual alias. */
  readonly codeOffset: bigint;
  /** Registers whose values hosts may differ in, such as counters: not compared. */
  readonly volatile: readonly number[];
}

export const full = (value: number): InsnCode => ({ value: value >>> 0, lengthBytes: 4 });
export const compressed = (value: number): InsnCode => ({ value: value & 0xffff, lengthBytes: 2 });
