/**
 * Handler numbers of predecoded entries: which piece of the interpreter executes an entry. Each instruction row has one
 * handler for its 4-byte form, one for the 2-byte form if some compressed instruction stands for it (so that the step to the
 * next entry is a constant), and one for where it straddles a page's end and an in-page target cannot be computed from the
 * entry's place.
 */
import { must } from '../../assert.ts';
import type { Decoded } from '../isa/decode.ts';
import type { Insn } from '../isa/table.ts';
import { COMPRESSED_INSNS, INSNS } from '../isa/table.ts';

/** Handlers that are no instruction. */
export const SPECIAL_HANDLERS = ['undecoded', 'illegal', 'pageEnd', 'straddle', 'probe', 'region'] as const;
export type SpecialHandler = (typeof SPECIAL_HANDLERS)[number];

export interface InsnHandler {
  readonly insn: Insn;
  readonly lengthBytes: 2 | 4;
  /** Never takes the short way to a target in the same page. */
  readonly far: boolean;
}

const HAS_SHORT_FORM: ReadonlySet<Insn> = new Set(COMPRESSED_INSNS.map((row) => row.insn));
const HAS_FAR_FORM = new Set(['B', 'J']);

/** Handlers of instructions, numbered from `SPECIAL_HANDLERS.length`. */
export const INSN_HANDLERS: readonly InsnHandler[] = [
  ...INSNS.map((insn): InsnHandler => ({ insn, lengthBytes: 4, far: false })),
  ...INSNS.filter((insn) => HAS_SHORT_FORM.has(insn)).map(
    (insn): InsnHandler => ({ insn, lengthBytes: 2, far: false }),
  ),
  ...INSNS.filter((insn) => HAS_FAR_FORM.has(insn.format)).map(
    (insn): InsnHandler => ({ insn, lengthBytes: 4, far: true }),
  ),
];

const key = (insn: Insn, lengthBytes: number, far: boolean) =>
  insn.index * 4 + (lengthBytes === 2 ? 1 : 0) + (far ? 2 : 0);
const NUMBERS: number[] = new Array(4 * INSNS.length).fill(-1);
for (const [index, handler] of INSN_HANDLERS.entries()) {
  NUMBERS[key(handler.insn, handler.lengthBytes, handler.far)] = index + SPECIAL_HANDLERS.length;
}

export function specialHandler(name: SpecialHandler): number {
  return SPECIAL_HANDLERS.indexOf(name);
}

/** Handler number of a decoded instruction. */
export function handlerOf({ insn, lengthBytes }: Decoded, straddles: boolean): number {
  const far = straddles && HAS_FAR_FORM.has(insn.format);
  return must(NUMBERS[key(insn, lengthBytes, far)], 'handler of an instruction');
}

/** The instruction behind a handler number; undefined for a special one. */
export function insnOfHandler(handler: number): InsnHandler | undefined {
  return INSN_HANDLERS[handler - SPECIAL_HANDLERS.length];
}
