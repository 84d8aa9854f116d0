/** The instruction table: every row of every extension, with its index and its pattern as numbers. */
import { must } from '../../assert.ts';
import { A } from './a.ts';
import { ZBA, ZBB, ZBS } from './b.ts';
import type { CompressedRow } from './c.ts';
import { COMPRESSED } from './c.ts';
import type { InsnRow } from './insn-row.ts';
import { M } from './m.ts';
import { PRIVILEGED } from './privileged.ts';
import { RV64I } from './rv64i.ts';

/** Fixed bits of an encoding: `(word & mask) === match`. */
interface Fixed {
  readonly mask: number;
  readonly match: number;
}

export type Insn = InsnRow & Fixed & { readonly index: number };
export type CompressedInsn = CompressedRow & Fixed & { readonly insn: Insn };

function fixedBits(pattern: string, width: 16 | 32): Fixed {
  const bits = pattern.replaceAll(' ', '');
  if (bits.length !== width) throw new RangeError(`pattern of ${bits.length} bits, not ${width}: ${pattern}`);
  const number = (map: (bit: string) => string) => Number.parseInt(Array.from(bits, map).join(''), 2) | 0;
  return { mask: number((bit) => (bit === '.' ? '0' : '1')), match: number((bit) => (bit === '1' ? '1' : '0')) };
}

export const INSNS: readonly Insn[] = [...RV64I, ...M, ...A, ...ZBA, ...ZBB, ...ZBS, ...PRIVILEGED].map(
  (row, index) => ({ ...row, ...fixedBits(row.pattern, 32), index }),
);

const byName = new Map(INSNS.map((insn) => [insn.name, insn]));

/** The row of a mnemonic; undefined if there is none. */
export function insnNamed(name: string): Insn | undefined {
  return byName.get(name);
}

/** Rows are in order of precedence: a more special pattern comes first where two overlap. */
export const COMPRESSED_INSNS: readonly CompressedInsn[] = COMPRESSED.map((row) => ({
  ...row,
  ...fixedBits(row.pattern, 16),
  insn: must(byName.get(row.base), `row ${row.base} of ${row.name}`),
}));
