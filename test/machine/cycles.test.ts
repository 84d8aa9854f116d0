/** What instructions, traps and TLB misses cost, to the cycle. */
import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { CYCLE_CLASSES } from '../../src/machine/core-profiles.ts';
import { INSNS } from '../../src/machine/isa/table.ts';
import { PRIVILEGE } from '../../src/machine/machine-types.ts';
import {
  MachineRig,
  PAGE,
  PAGING,
  PageTables,
  type PagingName,
  PTE,
  RAM,
  RWX,
  TEST_CORE,
} from '../support/machine-rig.ts';

const COST = TEST_CORE.cycles;
const WALK = TEST_CORE.walkReferenceCycles;

/** One instruction for each class, some twice, and what it must cost. */
const CLASSES: readonly (readonly [string, number])[] = [
  ['add a0, a1, a2', COST.alu],
  ['sh1add a0, a1, a2', COST.alu],
  ['.half 0x0505', COST.alu],
  ['auipc a0, 5', COST.alu],
  ['ld a0, 0(s0)', COST.load],
  ['lwu a0, 0(s0)', COST.load],
  ['lbu a0, 0(s0)', COST.loadNarrow],
  ['lh a0, 0(s0)', COST.loadNarrow],
  ['sd a0, 0(s0)', COST.store],
  ['sb a0, 0(s0)', COST.store],
  ['bne zero, zero, 0x80000000', COST.branch],
  ['beq zero, zero, 0x80000100', COST.branch],
  ['jal ra, 0x80000100', COST.jump],
  ['jalr ra, 0(s0)', COST.jumpIndirect],
  ['mulh a0, a1, a2', COST.mul],
  ['div a0, a1, a2', COST.div],
  ['remuw a0, a1, a2', COST.divWord],
  ['amoadd.d a0, a1, (s0)', COST.atomic],
  ['lr.w a0, zero, (s0)', COST.atomic],
  ['sc.w a0, a1, (s0)', COST.atomic],
  ['csrrw a0, mscratch, a1', COST.csr],
  ['fence', COST.fence],
  ['fence.i', COST.fence],
  ['sfence.vma zero, zero', COST.fence],
  ['wfi', COST.system],
  ['mret', COST.system],
  // A trap is not an instruction, but takes time: else a run of traps would never reach its deadline.
  ['ecall', COST.system],
  ['ebreak', COST.system],
  ['.word 0', COST.system],
];

describe('cycles of a class', () => {
  const rig = new MachineRig();

  it.each(CLASSES)('%s costs %i', (text, cycles) => {
    rig.load(text);
    rig.start();
    rig.setX('s0', RAM + 0x200);
    expect(rig.step()).toBe(cycles);
  });

  it('covers every class', () => {
    expect(new Set(INSNS.map((insn) => insn.cycles))).toEqual(new Set(CYCLE_CLASSES));
    const costs = new Set(CLASSES.map(([, cycles]) => cycles));
    for (const name of CYCLE_CLASSES) expect([name, costs.has(COST[name])]).toEqual([name, true]);
  });

  it('of a faulting instruction is that of the trap alone, and nothing retires', () => {
    rig.load('ld a0, 0(zero)');
    rig.start();
    const { retired } = rig.hart;
    expect(rig.step()).toBe(COST.system);
    expect(rig.hart.retired).toBe(retired);
    expect(rig.hart.pc).toBe(BigInt(rig.halt));
  });

  it('adds up in cycle, icount and mtime', () => {
    rig.load('addi a0, zero, 3; loop: addi a0, a0, -1; bne a0, zero, loop; ebreak');
    rig.start();
    const [cycle, icount] = [rig.machine.clock.cycle, rig.machine.clock.icount];
    rig.runToTrap();
    // The wfi of the halting handler retires too.
    expect(rig.machine.clock.icount - icount).toBe(1 + 3 * 2 + 1);
    expect(rig.machine.clock.cycle - cycle).toBe(4 * COST.alu + 3 * COST.branch + 2 * COST.system);
    expect(rig.machine.clock.mtime).toBe(BigInt(Math.floor(rig.machine.clock.cycle / TEST_CORE.cyclesPerTick)));
  });
});

/** Maps code at RAM and a data window at 0x4000_0000, and runs in S-mode. */
function paged(paging: PagingName): { rig: MachineRig; tables: PageTables } {
  const rig = new MachineRig();
  const tables = new PageTables(rig, paging);
  tables.identity(RAM, RAM + 4 * PAGE, RWX);
  return { rig, tables };
}

/** Starts in S-mode and steps `count` times; gives what each took. */
function steps(rig: MachineRig, tables: PageTables, count: number): number[] {
  rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
  return Array.from({ length: count }, () => rig.step());
}

const DATA = 0x4000_0000;

describe.each(['sv39', 'sv48', 'sv57'] as const)('TLB misses under %s', (paging) => {
  const { levels } = PAGING[paging];
  const { rig, tables } = paged(paging);
  const miss = levels * WALK;

  it('cost the references that the walk makes; hits cost nothing', () => {
    tables.map(DATA, RAM + 0x8000, RWX);
    rig.load(`lui s0, 0x40000; ld a0, 0(s0); ld a0, 8(s0); sd a0, 16(s0)`);
    const before = rig.machine.counters(0);
    expect(steps(rig, tables, 4)).toEqual([miss + COST.alu, miss + COST.load, COST.load, COST.store]);
    const after = rig.machine.counters(0);
    expect(after.tlbMisses - before.tlbMisses).toBe(2);
    expect(after.walkReferences - before.walkReferences).toBe(2 * levels);
  });

  it.each(Array.from({ length: levels - 1 }, (_, index) => index + 1))(
    'are shorter for a page of level %i',
    (level) => {
      const size = PAGE * 512 ** level;
      // A superpage that covers RAM begins where it is aligned; the highest but one of the address space is not used by code.
      const base = Math.floor(RAM / size) * size;
      const from = -2n * BigInt(size);
      tables.map(from, base, RWX, level);
      rig.load('ld a0, 0(s0); ld a0, 0(s1); ld a0, 0(s0)');
      rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
      const at = from + BigInt(RAM + 0x8000 - base);
      rig.setX('s0', at);
      rig.setX('s1', at + BigInt(PAGE));
      const short = (levels - level) * WALK;
      // The TLB holds 4-KiB fragments: the next page of the superpage misses as well.
      expect([rig.step(), rig.step(), rig.step()]).toEqual([miss + short + COST.load, short + COST.load, COST.load]);
      rig.machine.memory.write64(tables.entryAddress(from, level), 0n);
    },
  );

  it('of an address without a mapping cost what was read of the tables', () => {
    rig.load('ld a0, 0(s0)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    // The root has no entry here: one reference.
    rig.setX('s0', 1n << BigInt(12 + 9 * levels - 2));
    expect(rig.step()).toBe(miss + WALK + COST.system);
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    // An address that is not canonical: no reference at all.
    rig.setX('s0', 1n << 62n);
    expect(rig.step()).toBe(miss + COST.system);
  });

  it('are made once for each page that a misaligned access touches', () => {
    tables.map(DATA, RAM + 0x8000, RWX);
    tables.map(DATA + PAGE, RAM + 0x9000, RWX);
    rig.load('ld a0, -4(s0); ld a0, -4(s0); ld a0, 0(s0)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA + PAGE);
    expect([rig.step(), rig.step(), rig.step()]).toEqual([3 * miss + COST.load, COST.load, COST.load]);
  });
});

describe('the modelled TLB', () => {
  const { rig, tables } = paged('sv39');
  const miss = 3 * WALK;
  const entries = TEST_CORE.tlbEntries;
  tables.map(DATA, RAM + 0x8000, RWX);
  tables.map(DATA + PAGE, RAM + 0x9000, RWX);
  tables.map(DATA + entries * PAGE, RAM + 0xa000, RWX);
  const run = (source: string, count: number, registers: Readonly<Record<'s0' | 's1', number>>) => {
    rig.load(source);
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    for (const name of ['s0', 's1'] as const) rig.setX(name, registers[name]);
    return Array.from({ length: count }, () => rig.step());
  };

  it('is direct-mapped: two pages a TLB apart evict each other, neighbours do not', () => {
    const source = 'ld a0, 0(s0); ld a0, 0(s1); ld a0, 0(s0)';
    const first = miss + COST.load;
    expect(run(source, 3, { s0: DATA, s1: DATA + entries * PAGE })).toEqual([first + miss, first, first]);
    expect(run(source, 3, { s0: DATA, s1: DATA + PAGE })).toEqual([first + miss, first, COST.load]);
  });

  it('is apart for fetches and data, and fetches look it up only when the page changes', () => {
    const source = `ld a0, 0(s0); j far; .org ${RAM + PAGE - 2}; far: .half 0x0505; .half 0x0505; .half 0x0505`;
    // The data access to the code page does not find what the fetch has brought.
    expect(run(source, 5, { s0: RAM, s1: 0 })).toEqual([
      2 * miss + COST.load,
      COST.jump,
      COST.alu,
      miss + COST.alu,
      COST.alu,
    ]);
  });

  it('is looked up for both pages of an instruction that straddles them', () => {
    const source = `j far; .org ${RAM + PAGE - 2}; far: addi a0, a0, 1; addi a0, a0, 1; j far`;
    expect(run(source, 5, { s0: 0, s1: 0 })).toEqual([
      miss + COST.jump,
      miss + COST.alu,
      COST.alu,
      COST.jump,
      COST.alu,
    ]);
  });

  it('is walked again by the first write to a clean page, which the walk marks', () => {
    tables.map(DATA + 2 * PAGE, RAM + 0xb000, RWX & ~(PTE.A | PTE.D));
    const entry = tables.entryAddress(DATA + 2 * PAGE);
    const { memory } = rig.machine;
    const flagsOf = () => Number(memory.read64(entry) & 0xffn);
    rig.load('ld a0, 0(s0); sd a0, 0(s0); sd a0, 0(s0)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA + 2 * PAGE);
    expect(rig.step()).toBe(2 * miss + COST.load);
    expect(flagsOf()).toBe(RWX & ~PTE.D);
    expect(rig.step()).toBe(miss + COST.store);
    expect(flagsOf()).toBe(RWX);
    expect(rig.step()).toBe(COST.store);
  });

  it('keeps a translation until a fence, and a fence for one address leaves the others', () => {
    const source = `ld a0, 0(s0); ld a0, 0(s1); sfence.vma s1, zero; ld a0, 0(s0); ld a0, 0(s1);
      sfence.vma zero, zero; ld a0, 0(s1)`;
    expect(run(source, 7, { s0: DATA, s1: DATA + PAGE })).toEqual([
      2 * miss + COST.load,
      miss + COST.load,
      COST.fence,
      COST.load,
      miss + COST.load,
      COST.fence,
      // The fence for all drops the translation of the code too.
      2 * miss + COST.load,
    ]);
  });

  it('drops by a fence whatever is in the place of the address, in both halves', () => {
    // The code is in the place of DATA.
    const taken = run('ld a0, 0(s0); sfence.vma s0, zero; nop', 3, { s0: DATA, s1: 0 });
    expect(taken).toEqual([2 * miss + COST.load, COST.fence, miss + COST.alu]);
  });

  it('uses an old translation where no fence was made', () => {
    const { memory } = rig.machine;
    memory.write64(RAM + 0x8000, 0x1111n);
    memory.write64(RAM + 0x9000, 0x2222n);
    rig.load('ld a0, 0(s0); sd s2, 0(s1); ld a1, 0(s0); sfence.vma s0, zero; ld a2, 0(s0); ebreak');
    tables.map(DATA + 3 * PAGE, RAM + 0x10_0000, RWX);
    const entry = tables.entryAddress(DATA);
    tables.identity(Math.floor(entry / PAGE) * PAGE, Math.floor(entry / PAGE) * PAGE + 1, RWX);
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA);
    rig.setX('s1', entry);
    rig.setX('s2', (BigInt((RAM + 0x9000) / PAGE) << 10n) | BigInt(RWX));
    expect(rig.runToTrap().cause).toBe(3n);
    expect([rig.x('a0'), rig.x('a1'), rig.x('a2')]).toEqual([0x1111n, 0x1111n, 0x2222n]);
    tables.map(DATA, RAM + 0x8000, RWX);
  });

  it('is emptied whole by a fence for an address in a gigabyte of which a superpage has been in it', () => {
    tables.map(DATA - 2 ** 29, RAM, RWX, 1);
    rig.load('ld a0, 0(s0); ld a0, 0(s1); sfence.vma s1, zero; ld a0, 0(s0)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA - 2 ** 29);
    rig.setX('s1', DATA - 2 ** 29 + PAGE);
    for (let step = 0; step < 3; step++) rig.step();
    expect(rig.step()).toBe(miss + 2 * WALK + COST.load);
  });

  it('keeps what a superpage elsewhere in the address space has brought at such a fence', () => {
    tables.map(DATA - 2 ** 29, RAM, RWX, 1);
    rig.load('ld a0, 0(s0); ld a0, 0(s1); sfence.vma s1, zero; ld a0, 0(s0); ld a0, 0(s1)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA - 2 ** 29);
    rig.setX('s1', DATA + PAGE);
    for (let step = 0; step < 3; step++) rig.step();
    expect([rig.step(), rig.step()]).toEqual([COST.load, miss + COST.load]);
  });

  it('keeps contexts apart: what S has brought misses for U', () => {
    tables.map(DATA + 4 * PAGE, RAM + 0xc000, RWX | PTE.U);
    rig.load('csrrs zero, sstatus, s1; ld a0, 0(s0); csrrc zero, sstatus, s1; csrrs zero, sstatus, s1; ld a0, 0(s0)');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA + 4 * PAGE);
    rig.setX('s1', 1 << 18);
    const taken = Array.from({ length: 5 }, () => rig.step());
    expect(taken).toEqual([miss + COST.csr, miss + COST.load, COST.csr, COST.csr, COST.load]);
  });

  it('is emptied by a change of mode in satp, not by a new root', () => {
    const other = new PageTables(rig, 'sv39', RAM + 0x18_0000);
    other.identity(RAM, RAM + PAGE, RWX);
    rig.load('csrrw zero, satp, s1; nop; csrrw zero, satp, zero; nop; csrrw zero, satp, s1; nop');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s1', other.satp);
    const taken = Array.from({ length: 6 }, () => rig.step());
    expect(taken).toEqual([miss + COST.csr, COST.alu, COST.csr, COST.alu, COST.csr, miss + COST.alu]);
  });

  it('costs nothing in machine mode and where translation is off', () => {
    rig.load('ld a0, 0(s0); ld a0, 0(s0)');
    for (const privilege of [PRIVILEGE.M, PRIVILEGE.S, PRIVILEGE.U]) {
      rig.start({ privilege, csrs: privilege === PRIVILEGE.M ? { satp: tables.satp } : {} });
      rig.setX('s0', RAM + 0x8000);
      const { tlbMisses } = rig.machine.counters(0);
      expect([rig.step(), rig.step()]).toEqual([COST.load, COST.load]);
      expect(rig.machine.counters(0).tlbMisses).toBe(tlbMisses);
    }
  });

  it('forgets all by flushTranslations', () => {
    run('ld a0, 0(s0); ld a0, 0(s0); ld a0, 0(s0)', 2, { s0: DATA, s1: 0 });
    must(rig.machine, 'machine').flushTranslations(0);
    expect(rig.step()).toBe(2 * miss + COST.load);
  });
});
