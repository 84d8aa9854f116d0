/**
 * The counts of `GUEST_PAGES`, counted again: both builds of mini-os are executed instruction by instruction, under `pv` and `native`, and what each
 * instruction of the kernel touches is noted by pages.
 */
import { describe, expect, it } from 'vitest';
import { GUEST_PAGES } from '../../src/analysis/whatif/guest-paths.ts';
import { must } from '../../src/assert.ts';
import { decode, insnLength } from '../../src/machine/isa/decode.ts';
import type { Hart, Machine } from '../../src/machine/machine-types.ts';
import { BUILDS, type Build, steppedMiniOs } from '../support/stepped-mini-os.ts';

const PAGE = 4096;
/** The kernel lies in RAM, at its physical addresses; processes lie below. */
const RAM_BASE = 0x8000_0000;
/** Functions that have the TLB flushed, and the instruction in them that does. */
const FLUSHES = /^(?:pv|native)_(?:activate|flush_all)$/;
const FLUSHING = { pv: 'ecall', registers: 'sfence.vma', rings: 'sfence.vma' } as const;

interface Touches {
  /** Pages of the kernel that it touches while its addresses are not translated. */
  readonly bare: ReadonlySet<number>;
  readonly translated: ReadonlySet<number>;
  /** Between two flushes of the TLB, how many pages of the kernel: by the function of the second. */
  readonly betweenFlushes: readonly { readonly by: string; readonly pages: number }[];
  /** What the machine has counted of first uses. Only under `pv`. */
  readonly firstUses: number;
}

/** Executes a workload to its end. */
function touchesOf(build: Build, workload: string, iterations: number): Touches {
  const [mode, append] = BUILDS[build];
  const { session, machine, hart, symbols } = steppedMiniOs({ mode, append, workload, iterations });
  const [bare, translated] = [new Set<number>(), new Set<number>()];
  const betweenFlushes: { by: string; pages: number }[] = [];
  let sinceFlush = new Set<number>();
  let flushing: string | undefined;
  while (session.end === undefined) {
    const pc = Number(hart.pc);
    if (pc >= RAM_BASE) {
      const isBare = build !== 'pv' && hart.csr('satp') === 0n;
      const { insn, addresses } = accessesOf(machine, hart, pc);
      for (const address of addresses.filter((address) => address >= RAM_BASE)) {
        const page = Math.floor(address / PAGE);
        (isBare ? bare : translated).add(page);
        sinceFlush.add(page);
      }
      const symbol = must(symbols.symbolAt(hart.pc), 'a function of the kernel');
      if (symbol.offset === 0n && FLUSHES.test(symbol.name)) flushing ??= symbol.name;
      if (flushing !== undefined && insn === FLUSHING[build]) {
        betweenFlushes.push({ by: flushing, pages: sinceFlush.size });
        [flushing, sinceFlush] = [undefined, new Set()];
      }
    }
    session.run(1);
  }
  return { bare, translated, betweenFlushes, firstUses: machine.counters(0).kernelFirstUses };
}

/** The addresses of an instruction: where it stands, and what it loads from or stores to. */
function accessesOf({ memory }: Machine, hart: Hart, pc: number) {
  const half = (at: number) => (memory.read32(at - (at % 4)) >>> ((at % 4) * 8)) & 0xffff;
  const low = half(pc);
  const { insn, operands, lengthBytes } = must(decode(low | (insnLength(low) === 4 ? half(pc + 2) << 16 : 0)), 'code');
  const addresses = [pc, pc + lengthBytes - 2];
  const isAtomic = /^(?:lr|sc|amo)/.test(insn.name);
  if (insn.format === 'Load' || insn.format === 'S' || isAtomic) {
    addresses.push(Number(hart.x(operands.rs1)) + (isAtomic ? 0 : operands.imm));
  }
  return { insn: insn.name, addresses };
}

const pagesOf = ({ bare, translated }: Touches) => new Set([...bare, ...translated]).size;

describe('recipes of guest pages', () => {
  // One process, and calls that touch nothing of their own.
  const [pv, registers, rings] = (['pv', 'registers', 'rings'] as const).map((build) =>
    touchesOf(build, 'syscall', 10),
  );

  it('see what the machine counts', () => {
    expect(pagesOf(must(pv, 'a run'))).toBe(pv?.firstUses);
  });

  it('say how many more pages the paravirtual kernel touches', () => {
    for (const unmodified of [registers, rings]) {
      expect(pagesOf(must(pv, 'a run')) - pagesOf(must(unmodified, 'a run'))).toBe(GUEST_PAGES.more);
    }
  });

  it('say how many pages the unmodified kernel touches before translation and after', () => {
    const { bare, translated } = must(registers, 'a run');
    expect([...bare].filter((page) => translated.has(page))).toHaveLength(GUEST_PAGES.retouched);
  });

  it.each([
    ['ctxsw', 20, 'activate'],
    ['pipe', 4, 'activate'],
    ['mmap', 6, 'flush_all'],
  ])('say how many more it uses between two flushes of %s', (workload, iterations, by) => {
    const usual = (build: Build) => {
      const counts = touchesOf(build, workload, iterations).betweenFlushes.filter((each) => each.by.endsWith(by));
      // The first brings the process into being, the last ends it.
      const some = counts.slice(counts.length >> 1, -1).map(({ pages }) => pages);
      expect(new Set(some).size, `${build}: ${some}`).toBe(1);
      return must(some[0], 'a flush');
    };
    expect(usual('pv') - usual('registers')).toBe(GUEST_PAGES.misses);
  });
});
