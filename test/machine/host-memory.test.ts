/** Memory of the host: allocation, table entries, what the guest cannot see. */
import { describe, expect, it } from 'vitest';
import { STOP } from '../../src/machine/machine-types.ts';
import { MachineRig, PAGE, RAM } from '../support/machine-rig.ts';

/** RAM that does not end on a multiple of 16 KiB. */
const RAM_BYTES = (1 << 20) + PAGE;
const rigWith = (hostMemoryBytes: number) => new MachineRig({ memoryBytes: RAM_BYTES, hostMemoryBytes });

describe('memory of the host', () => {
  it('begins where RAM ends, and is given lowest pages first', () => {
    const { hostMemory } = rigWith(16 * PAGE).machine;
    const { base } = hostMemory;
    expect([base, hostMemory.sizeBytes, hostMemory.freePages]).toEqual([RAM + RAM_BYTES, 16 * PAGE, 16]);
    const pages = [hostMemory.allocate(), hostMemory.allocate(), hostMemory.allocate()];
    expect(pages).toEqual([base, base + PAGE, base + 2 * PAGE]);
    hostMemory.free(base + PAGE);
    expect(hostMemory.allocate()).toBe(base + PAGE);
    expect(() => hostMemory.free(base + 5 * PAGE)).toThrow('was allocated');
  });

  it('aligns what is larger than a page, and says when there is no more', () => {
    const { hostMemory } = rigWith(9 * PAGE).machine;
    const roots = [hostMemory.allocate(4), hostMemory.allocate(4)];
    expect(roots).toEqual([RAM + RAM_BYTES + 3 * PAGE, undefined]);
    const pages = Array.from({ length: 6 }, () => hostMemory.allocate());
    expect(pages.filter((pa) => pa === undefined)).toHaveLength(1);
    expect(hostMemory.freePages).toBe(0);
    hostMemory.free(RAM + RAM_BYTES + 3 * PAGE);
    expect(hostMemory.freePages).toBe(4);
    expect(hostMemory.allocate(2)).toBe(RAM + RAM_BYTES + 3 * PAGE);
  });

  it('holds table entries of all widths, and gives pages zeroed', () => {
    const { hostMemory } = rigWith(4 * PAGE).machine;
    const page = hostMemory.base;
    hostMemory.allocate();
    for (const number of [0, 1, 0x8_0000, 2 ** 22 - 1, 2 ** 22, 2 ** 44 - 1]) {
      hostMemory.writePte(page + 8, number, 0x3ff);
      expect([hostMemory.pteNumber(page + 8), hostMemory.pteFlags(page + 8)]).toEqual([number, 0x3ff]);
    }
    hostMemory.free(page);
    hostMemory.allocate();
    expect([hostMemory.pteNumber(page + 8), hostMemory.pteFlags(page + 8)]).toEqual([0, 0]);
    expect(() => hostMemory.writePte(page, 2 ** 44, 0)).toThrow('44 bits');
    expect(() => hostMemory.writePte(page + 4 * PAGE, 0, 0)).toThrow('lies in memory');
  });

  it('writes entries in RAM as a store does: code there is decoded anew', () => {
    const rig = rigWith(PAGE);
    rig.execute('addi a0, zero, 1; addi a1, zero, 2; ebreak');
    // Two instructions as the page number and flags of an entry: addi a0, zero, 5; addi a1, zero, 6.
    const [first, second] = [0x0050_0513, 0x0060_0593];
    rig.machine.hostMemory.writePte(RAM, (second & 0x3f_ffff) * 2 ** 22 + (first >>> 10), first & 0x3ff);
    rig.start();
    rig.runToTrap();
    expect(rig.x('a0')).toBe(5n);
  });

  it('is nothing to a guest', () => {
    const rig = rigWith(4 * PAGE);
    const { base } = rig.machine.hostMemory;
    expect(rig.execute(`li s0, ${base}; ld a0, 0(s0)`)).toMatchObject({ cause: 5n, tval: BigInt(base) });
    expect(rig.execute(`li s0, ${base}; jalr zero, 0(s0)`)).toMatchObject({ cause: 1n, tval: BigInt(base) });
    // Nor do its own page tables reach there: a walk that starts there is refused.
    rig.load('nop');
    rig.start({ privilege: 1, csrs: { satp: (8n << 60n) | BigInt(base / PAGE) } });
    expect(rig.machine.run(0, rig.machine.clock.cycle + 1000)).toBe(STOP.wfi);
    expect(rig.hart.csr('mcause')).toBe(1n);
  });
});
