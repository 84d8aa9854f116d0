/** Generated digests against an implementation of its own: XXH64 of pages. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/machine/engine/engine.ts';
import { CHANGES, PAGE_BYTES, RAM_BASE } from '../../../src/machine/engine/layout.ts';
import { MachineRig, TEST_CORE } from '../../support/machine-rig.ts';
import { mulberry } from '../../support/mulberry.ts';
import { xxh64 } from '../../support/xxhash64.ts';

describe('digests', () => {
  it('of a page are XXH64 with seed 0', () => {
    const { plan, memory, call } = createEngine({
      hartCount: 1,
      memoryBytes: 4 * PAGE_BYTES,
      core: TEST_CORE,
      misaligned: 'hardware',
      adUpdate: 'hardware',
      supervisorCallsStop: false,
    });
    const ram = new Uint8Array(memory.buffer, plan.ram, PAGE_BYTES);
    const fills = [() => 0, () => 0xff, (index: number) => index & 255, (index: number) => (index * 7919) >>> 5];
    for (const fill of fills) {
      for (const index of ram.keys()) ram[index] = fill(index);
      expect(BigInt.asUintN(64, call.hashPage(plan.ram))).toBe(xxh64(ram));
    }
  });

  it('of empty memory is zero, whatever was there before', () => {
    const { machine } = new MachineRig();
    expect(machine.memoryDigest()).toBe(0n);
    machine.memory.write8(RAM_BASE + 5, 1);
    expect(machine.memoryDigest()).not.toBe(0n);
    machine.memory.write8(RAM_BASE + 5, 0);
    expect(machine.memoryDigest()).toBe(0n);
  });

  it('of pages that are swapped differ', () => {
    const fill = (first: number, second: number) => {
      const { machine } = new MachineRig();
      machine.memory.write8(RAM_BASE, first);
      machine.memory.write8(RAM_BASE + PAGE_BYTES, second);
      return machine.memoryDigest();
    };
    expect(fill(1, 2)).not.toBe(fill(2, 1));
    expect(fill(1, 2)).toBe(fill(1, 2));
  });

  it.each([1, CHANGES.capacity - 1, CHANGES.capacity, CHANGES.capacity + 1, 200])(
    'after changes in %i pages is that of the pages, listed or looked for',
    (count) => {
      const random = mulberry(count);
      const pageOf = (index: number) => RAM_BASE + index * PAGE_BYTES;
      const [{ machine }, looking] = [new MachineRig(), new MachineRig()];
      for (let round = 0; round < 3; round++) {
        for (let written = 0; written < count; written++) {
          const [pa, value] = [pageOf(written) + Math.floor(random() * PAGE_BYTES), Math.floor(random() * 256)];
          machine.memory.write8(pa, value);
          looking.machine.memory.write8(pa, value);
        }
        looking.machine.forgetChanges();
        expect(machine.memoryDigest()).toBe(looking.machine.memoryDigest());
      }
      for (let index = 0; index < count; index++) {
        machine.memory.writeBytes(pageOf(index), new Uint8Array(PAGE_BYTES));
      }
      expect(machine.memoryDigest()).toBe(0n);
    },
  );
});
