/**
 * How values of guest registers flow through a region: which are wanted of those it begins with, and which it may have written by the time
 * that it leaves somewhere. A compiler's temporaries are most often written before anything can leave: they are neither loaded nor stored
 * at exits that come before.
 */
import { must } from '../../../assert.ts';
import { FORMATS } from '../../isa/formats.ts';
import type { PlacedInsn } from './control-flow.ts';
import type { StructuredBlock, StructuredRegion } from './structure.ts';
import { edgesOf, skippedBy } from './structure.ts';

/** What is known at a place, as sets of registers: one bit for each. */
export interface Written {
  /** Written on some way from the entry to here. */
  readonly maybe: number;
  /** Written on every way. */
  readonly surely: number;
}

export interface RegisterFlow {
  /** Registers in the order in which the region writes them first. */
  readonly order: readonly number[];
  /** For each number of registers in that order: which they are. */
  readonly prefixes: readonly number[];
  /** Registers whose values at the entry are wanted. */
  readonly loaded: number;
  /** At the start of each block. */
  readonly written: readonly Written[];
}

/** Formats with a destination register. */
const WRITES_RD = Object.fromEntries(
  Object.entries(FORMATS).map(([name, { syntax }]) => [name, (syntax as readonly string[]).includes('rd')]),
);
/** Of cycle classes: instructions that never leave. */
const NEVER_LEAVES: ReadonlySet<string> = new Set(['alu', 'mul', 'div', 'divWord', 'fence']);

/** The register that an instruction writes, as a set; none is written for x0. */
export const writtenBy = ({ insn, operands }: PlacedInsn): number =>
  WRITES_RD[insn.format] ? (1 << operands.rd) & ~1 : 0;

/** Registers that must be right where the region leaves: those up to the last in order that may have been written. */
export function prefixOf({ prefixes }: Pick<RegisterFlow, 'prefixes'>, maybe: number): number {
  let length = 0;
  while ((maybe & ~must(prefixes[length], 'prefix')) !== 0) length++;
  return length;
}

export function registerFlow({ blocks }: StructuredRegion): RegisterFlow {
  const writes: number[] = [];
  const order: number[] = [];
  const prefixes = [0];
  let all = 0;
  for (let index = 0; index < blocks.length; index++) {
    const { insns } = must(blocks[index], 'block');
    let own = 0;
    for (let at = 0; at < insns.length; at++) {
      const insn = must(insns[at], 'instruction');
      const register = writtenBy(insn);
      own |= register;
      if ((register & ~all) === 0) continue;
      all |= register;
      order.push(insn.operands.rd);
      prefixes.push(all);
    }
    writes.push(own);
  }
  const written = writtenAtStarts(blocks, writes);
  let loaded = 0;
  for (let index = 0; index < blocks.length; index++) {
    loaded |= wantedIn(index, must(blocks[index], 'block'), blocks, must(written[index], 'block'), { prefixes });
  }
  return { order, prefixes, loaded, written };
}

/** Blocks are in reverse postorder, so that what is surely written is known after one pass; loops add to what may be. */
function writtenAtStarts(blocks: readonly StructuredBlock[], writes: readonly number[]): Written[] {
  const maybe: number[] = new Array(blocks.length).fill(0);
  const surely: number[] = new Array(blocks.length).fill(-1);
  surely[0] = 0;
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const [index, { end }] of blocks.entries()) {
      const own = writes[index] ?? 0;
      for (const edge of edgesOf(end)) {
        if (!('block' in edge)) continue;
        const to = edge.block;
        const before = maybe[to] ?? 0;
        maybe[to] = before | (maybe[index] ?? 0) | own;
        if (to > index) surely[to] = (surely[to] ?? 0) & ((surely[index] ?? 0) | own);
        else if (maybe[to] !== before) isDone = false;
      }
    }
  }
  return blocks.map((_, index) => ({ maybe: maybe[index] ?? 0, surely: surely[index] ?? 0 }));
}

/** Registers whose values at the entry of the region are wanted in a block: operands, and what is stored where it leaves. */
function wantedIn(
  index: number,
  block: StructuredBlock,
  blocks: readonly StructuredBlock[],
  start: Written,
  flow: Pick<RegisterFlow, 'prefixes'>,
): number {
  let { maybe, surely } = start;
  let wanted = 0;
  const leave = () => {
    wanted |= must(flow.prefixes[prefixOf(flow, maybe)], 'prefix') & ~surely;
  };
  // Loops look at the deadline before their first turn.
  if (block.isLoopHeader) leave();
  for (let at = 0; at < block.insns.length; at++) {
    const insn = must(block.insns[at], 'instruction');
    if (!NEVER_LEAVES.has(insn.insn.cycles)) leave();
    wanted |= ((1 << insn.operands.rs1) | (1 << insn.operands.rs2)) & ~surely;
    const register = writtenBy(insn);
    maybe |= register;
    surely |= register;
  }
  // A block that is executed whether or not it is skipped keeps what its registers held if it is.
  const skipped = skippedBy(block, blocks);
  if (skipped) for (const insn of skipped.insns) maybe |= writtenBy(insn);
  const { end } = block;
  if (end.kind === 'indirect' || edgesOf(end).some((edge) => !('block' in edge) || edge.block <= index)) leave();
  return wanted & ~1;
}
