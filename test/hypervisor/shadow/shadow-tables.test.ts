/** Shadow tables by themselves: what is made, found again, dropped, and given back. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { type GuestLeaf, PAGE_BYTES, PTE, TABLE_ENTRIES } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { ShadowTables } from '../../../src/hypervisor/shadow/shadow-tables.ts';
import { createRandom } from '../../oracle/differential/random.ts';
import { MachineRig } from '../../support/machine-rig.ts';

const RW = PTE.R | PTE.W;
const ROLE = 1;
/** Page numbers of the guest. */
const ROOT = 0x80010;
const MIDDLE = 0x80011;
const LAST = 0x80012;
const DATA = 0x80020;

function rig(hostPages = 32) {
  const { machine } = new MachineRig({ hostMemoryBytes: hostPages * PAGE_BYTES });
  const memory = machine.hostMemory;
  const tables = new ShadowTables(memory, { page: () => {}, all: () => {} });
  return { memory, tables, freePages: memory.freePages };
}

const va = (low: number) => ({ low, high: 0 });
function leaf(page: number, tables: GuestLeaf['tables'], flags = PTE.V | RW | PTE.A | PTE.D): GuestLeaf {
  return { kind: 'leaf', page, flags, level: tables.findIndex((table) => table !== undefined), tables };
}
const SMALL = leaf(DATA, [LAST, MIDDLE, ROOT]);

/** Flags of the shadow leaf for an address below 1 GiB, or undefined. */
function leafFlags({ memory }: ReturnType<typeof rig>, root: number, low: number): number | undefined {
  let at = root;
  for (const shift of [30, 21]) {
    const entry = at + 8 * ((low >>> shift) & 511);
    if ((memory.pteFlags(entry) & PTE.V) === 0) return undefined;
    at = memory.pteNumber(entry) * PAGE_BYTES;
  }
  const flags = memory.pteFlags(at + 8 * ((low >>> 12) & 511));
  return (flags & PTE.V) === 0 ? undefined : flags;
}

describe('shadow tables', () => {
  it('are made entry by entry, and given back', () => {
    const all = rig();
    const { tables, memory } = all;
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    expect(tables.map(root, ROLE, va(0x1000), DATA, RW, SMALL)).toBe(3);
    expect(tables.map(root, ROLE, va(0x2000), DATA, RW, SMALL)).toBe(1);
    expect(tables.counts).toEqual({ pages: 3, leaves: 2, tables: 3 });
    expect(leafFlags(all, root.pa, 0x1000)).toBe(PTE.V | PTE.U | PTE.A | PTE.D | RW);
    expect(tables.tableWritten(LAST, [1])).toBe(1);
    expect(leafFlags(all, root.pa, 0x1000)).toBeUndefined();
    expect(tables.dropRoot(root)).toBeGreaterThan(0);
    expect(tables.counts).toEqual({ pages: 0, leaves: 0, tables: 0 });
    expect(memory.freePages).toBe(all.freePages);
  });

  it('share what is below one guest table, until no root leads there', () => {
    const { tables, memory, freePages } = rig();
    const first = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    const second = must(tables.takeRoot(ROOT + 0x100, ROLE, 3), 'a root');
    tables.map(first, ROLE, va(0), DATA, RW, SMALL);
    expect(tables.map(second, ROLE, va(0), DATA, RW, leaf(DATA, [LAST, MIDDLE, ROOT + 0x100]))).toBe(2);
    tables.dropRoot(first);
    expect(tables.counts).toEqual({ pages: 3, leaves: 1, tables: 3 });
    tables.dropRoot(second);
    expect(memory.freePages).toBe(freePages);
  });

  it('close a page to stores when it becomes a table, also on the way to its own leaf', () => {
    const all = rig();
    const { tables } = all;
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    tables.map(root, ROLE, va(0x3000), LAST, RW, leaf(LAST, [LAST, MIDDLE, ROOT]));
    expect(must(leafFlags(all, root.pa, 0x3000), 'a leaf') & (PTE.W | PTE.D)).toBe(0);
    tables.map(root, ROLE, va(0x20_0000), MIDDLE + 8, RW, leaf(MIDDLE + 8, [LAST + 4, MIDDLE, ROOT]));
    expect(must(leafFlags(all, root.pa, 0x20_0000), 'a leaf') & PTE.W).toBe(PTE.W);
    tables.map(root, ROLE, va(0x40_0000), DATA, RW, leaf(DATA, [MIDDLE + 8, MIDDLE, ROOT]));
    expect(must(leafFlags(all, root.pa, 0x20_0000), 'a leaf') & PTE.W).toBe(0);
  });

  it('forget a table that leads to itself', () => {
    const { tables, memory, freePages } = rig();
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    tables.map(root, ROLE, va(0), MIDDLE, PTE.R, leaf(MIDDLE, [MIDDLE, MIDDLE, ROOT]));
    expect(tables.forgetTable(MIDDLE)).toBeGreaterThan(0);
    expect(tables.counts).toEqual({ pages: 1, leaves: 0, tables: 1 });
    tables.dropRoot(root);
    expect(memory.freePages).toBe(freePages);
  });

  it('keep clean and dirty superpages of one region apart', () => {
    const all = rig();
    const { tables } = all;
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    const flags = PTE.V | RW | PTE.A;
    const clean = leaf(0x80000, [undefined, MIDDLE, ROOT], flags);
    tables.map(root, ROLE, va(0), 0x80000, PTE.R, clean);
    tables.map(root, ROLE, va(0x20_0000), 0x80000, PTE.R, clean);
    tables.map(root, ROLE, va(0), 0x80000, RW, leaf(0x80000, [undefined, MIDDLE, ROOT], flags | PTE.D));
    expect(must(leafFlags(all, root.pa, 0), 'a leaf') & PTE.W).toBe(PTE.W);
    expect(must(leafFlags(all, root.pa, 0x20_0000), 'a leaf') & PTE.W).toBe(0);
  });

  it('open the leaf of one address for an instruction, and no other', () => {
    const all = rig();
    const { tables } = all;
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    for (const at of [0x1000, 0x2000]) tables.map(root, ROLE, va(at), LAST, RW, leaf(LAST, [LAST, MIDDLE, ROOT]));
    expect(tables.setWritable(root, va(0x1000), true)).toBe(true);
    expect(must(leafFlags(all, root.pa, 0x1000), 'a leaf') & PTE.W).toBe(PTE.W);
    expect(must(leafFlags(all, root.pa, 0x2000), 'a leaf') & PTE.W).toBe(0);
    tables.setWritable(root, va(0x1000), false);
    expect(must(leafFlags(all, root.pa, 0x1000), 'a leaf') & PTE.W).toBe(0);
    expect(tables.setWritable(root, va(0x9000), true)).toBe(false);
  });

  it('say when memory of the host is used up, and leave nothing wrong behind', () => {
    const { tables, memory, freePages } = rig(4);
    const root = must(tables.takeRoot(ROOT, ROLE, 3), 'a root');
    expect(tables.map(root, ROLE, va(0), DATA, RW, SMALL)).toBe(3);
    const other = leaf(DATA, [LAST + 0x40, MIDDLE + 0x40, ROOT]);
    expect(tables.map(root, ROLE, va(0x4000_0000), DATA, RW, other)).toBeUndefined();
    expect(tables.takeRoot(ROOT + 0x100, ROLE, 3)).toBeUndefined();
    tables.emptyRoot(root);
    expect(memory.freePages).toBe(freePages - 1);
    expect(tables.map(root, ROLE, va(0x4000_0000), DATA, RW, other)).toBe(3);
    tables.dropRoot(root);
    expect(memory.freePages).toBe(freePages);
  });

  it('give everything back after anything (seed "shadow tables")', () => {
    const random = createRandom('shadow tables');
    const { tables, memory, freePages } = rig(24);
    const roots = [0, 1, 2].map((index) => must(tables.takeRoot(ROOT + index, index % 2, 3), 'a root'));
    for (let step = 0; step < 3000; step++) {
      const index = random.below(roots.length);
      const root = must(roots[index], 'a root');
      const pool = () => ROOT + random.below(8);
      const low = (random.below(3) << 30) + (random.below(3) << 21) + (random.below(TABLE_ENTRIES) << 12);
      const isSuperpage = random.chance(4);
      const walk = leaf(pool(), [isSuperpage ? undefined : pool(), pool(), ROOT + index]);
      switch (random.below(6)) {
        case 0:
          tables.forgetTable(pool());
          break;
        case 1:
          tables.tableWritten(pool(), [random.below(3), random.below(TABLE_ENTRIES)]);
          break;
        default:
          if (tables.map(root, index % 2, va(low >>> 0), walk.page, RW, walk) === undefined) tables.emptyRoot(root);
      }
      expect(memory.freePages).toBe(24 - tables.counts.pages);
    }
    for (const root of roots) tables.dropRoot(root);
    expect(tables.counts).toEqual({ pages: 0, leaves: 0, tables: 0 });
    expect(memory.freePages).toBe(freePages);
  });
});
