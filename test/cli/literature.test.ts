/**
 * What mini-os takes under each mode has the shapes that the literature measured. The numbers of the literature are of other machines and
 * other systems, so what is compared is which is the slower, by about how much, and why. None of them was used to set a price.
 */
import { describe, expect, it } from 'vitest';
import type { ModeColumn } from '../../src/analysis/comparison.ts';
import { compare } from './comparison.ts';

describe('shapes of the literature', () => {
  /**
   * Adams and Agesen, "A comparison of software and hardware techniques for x86 virtualization", ASPLOS 2006: whoever shadows page tables pays
   * for each change of them, so that fork, page faults and stores to entries are what suffers most; nested paging does away with that.
   * Barham et al., "Xen and the art of virtualization", SOSP 2003: likewise for fork and page faults under VMware's shadow tables.
   */
  it.each([
    ['fork', 40],
    ['mmap', 80],
    ['pagefault', 1000],
  ])(
    'work on page tables: %s is far slower under shadow paging than under two stages',
    async (workload, iterations) => {
      const { of, overhead } = await compare(workload, iterations, '--modes', 'native,full,hvm');
      expect(overhead('full')).toBeGreaterThan(2 * overhead('hvm'));
      const { shadow, secondStage } = of('full').byCause;
      expect(shadow.share).toBeGreaterThan(0.3);
      expect(secondStage.exits).toBe(0);
      expect(of('hvm').byCause.shadow.exits).toBe(0);
    },
  );

  /** Adams and Agesen: with hardware assistance system calls run without the hypervisor. */
  it('system calls leave the guest under trap and emulate, and not in VS-mode', async () => {
    const calls = 1000;
    const { of, overhead } = await compare('syscall', calls, '--modes', 'native,full,hvm,hvm-pv,pvh');
    expect(of('full').byCause.bounces.exits).toBeGreaterThanOrEqual(calls);
    // At least the CSRs of the trap and its sret, each time.
    expect(of('full').byCause.sensitive.exits).toBeGreaterThan(2 * calls);
    for (const mode of ['hvm', 'hvm-pv', 'pvh']) {
      expect(of(mode).byCause.bounces.exits).toBe(0);
      expect(of(mode).byCause.sensitive.exits).toBe(0);
    }
    expect(overhead('full')).toBeGreaterThan(3 * overhead('hvm'));
  });

  /** Adams and Agesen, and Barham et al.: computation in user mode runs at nearly native speed under all techniques. */
  it('computation costs next to nothing under any mode', async () => {
    const { comparison } = await compare('compute', 100);
    for (const { overhead } of comparison.modes) expect(overhead).toBeLessThan(1.5);
  });

  /**
   * Bhargava et al., "Accelerating two-dimensional page walks for virtualized systems", ASPLOS 2008: what two stages cost is references of
   * walks. A miss under both takes up to 15 of them with three levels each, natively 3; test/machine/two-stage.test.ts counts these.
   */
  it('walks under two stages make more references, up to five times as many for a miss', async () => {
    const { of } = await compare('pagefault', 1000, '--modes', 'native,hvm');
    const native = of('native').tlb;
    const hvm = of('hvm').tlb;
    expect(hvm.extraReferences).toBe(hvm.walkReferences - native.walkReferences);
    expect(hvm.walkReferences).toBeGreaterThan(2 * native.walkReferences);
    expect(hvm.walkReferences).toBeLessThanOrEqual(15 * hvm.misses);
    expect(hvm.extraCycles).toBe(24 * (hvm.extraReferences ?? 0));
  });

  /**
   * Barham et al., "Xen and the art of virtualization", SOSP 2003, tables 3 and 4: fork and context switches take longer under Xen than natively,
   * as page tables are changed and loaded by hypercalls, and several times as long as that under VMware Workstation, which traps.
   */
  it.each([
    ['ctxsw', 100],
    ['fork', 20],
  ])('paravirtual %s costs more than natively and far less than by trap and emulate', async (workload, iterations) => {
    const { of, overhead } = await compare(workload, iterations, '--modes', 'native,full,pv');
    expect(overhead('pv')).toBeGreaterThan(1.1);
    expect(overhead('full')).toBeGreaterThan(2 * overhead('pv'));
    expect(of('pv').byCause.calls.exits).toBeGreaterThan(iterations);
    expect(of('pv').byCause.sensitive.exits + of('pv').byCause.shadow.exits).toBe(0);
  });
});

/** What an iteration more takes: start and end of the guest drop out. */
async function perIteration(workload: string, iterations: number, ...args: readonly string[]) {
  const few = await compare(workload, iterations, ...args);
  const many = await compare(workload, 4 * iterations, ...args);
  expect([few.comparison.outputIsSame, many.comparison.outputIsSame]).toEqual([true, true]);
  const more = (mode: string, take: (column: ModeColumn) => number) =>
    (take(many.of(mode)) - take(few.of(mode))) / (3 * iterations);
  const busyCycles = (mode: string) => more(mode, (column) => column.busyCycles);
  return {
    registers: (mode: string) => more(mode, ({ byCause }) => byCause.devices.exits),
    busyCycles,
    overhead: (mode: string) => busyCycles(mode) / busyCycles('native'),
  };
}

describe('an emulated network controller against a ring', () => {
  /**
   * Agesen et al., "Software techniques for avoiding hardware virtualization exits", USENIX ATC 2012: twice the exits for a round trip through an
   * e1000 as through a paravirtual controller. Barham et al., SOSP 2003, table 6: an emulated controller loses more of its throughput
   * with small packets than with large ones, a ring little of it with either.
   */
  it('exits more often and takes longer, most of all with small packets', async () => {
    const small = await perIteration('net-rr', 100, '--modes', 'native,hvm,pvh');
    const large = await perIteration('net-stream', 100, '--modes', 'native,hvm,pvh');
    expect(small.registers('hvm')).toBeGreaterThan(1.4 * small.registers('pvh'));
    expect(large.registers('hvm')).toBeGreaterThan(large.registers('pvh'));
    const loss = ({ busyCycles }: typeof small) => busyCycles('hvm') - busyCycles('pvh');
    expect(loss(large)).toBeGreaterThan(0);
    // A round trip is two packets.
    expect(loss(small) / 2).toBeGreaterThan(1.5 * loss(large));
    for (const { busyCycles } of [small, large]) expect(busyCycles('pvh')).toBeGreaterThan(busyCycles('native'));
  });
});

describe('profiles of the literature', () => {
  const PROFILES = ['xen-pv-2003', 'vmware-ws-2003', 'kvm-spt-ivb-2019', 'sw-vmm-2006'];
  const WORKLOADS = [
    ['fork', 4],
    ['ctxsw', 20],
    ['syscall', 200],
  ] as const;

  it.each(PROFILES)('under %s processes cost more by any technique than natively', async (profile) => {
    for (const [workload, iterations] of WORKLOADS) {
      const { overhead } = await perIteration(
        workload,
        iterations,
        '--costs',
        profile,
        '--modes',
        'native,full,hvm,pv',
      );
      for (const mode of ['full', 'pv']) expect(overhead(mode), `${workload} in ${mode}`).toBeGreaterThan(1);
      // A system call in VS-mode is not a cycle longer.
      if (workload === 'syscall') expect(overhead('hvm')).toBe(1);
      else expect(overhead('hvm')).toBeGreaterThan(1);
    }
  });

  /**
   * Barham et al., SOSP 2003, tables 3 and 4 (lmbench): fork, context switches and null calls under Xen lie between native Linux and VMware
   * Workstation. Each technique is priced by its own profile.
   */
  it.each(WORKLOADS)('%s on Xen lies between native and VMware Workstation', async (workload, iterations) => {
    const xen = await perIteration(workload, iterations, '--costs', 'xen-pv-2003', '--modes', 'native,pv');
    const vmware = await perIteration(workload, iterations, '--costs', 'vmware-ws-2003', '--modes', 'native,full');
    expect(xen.overhead('pv')).toBeGreaterThan(1);
    expect(vmware.overhead('full')).toBeGreaterThan(xen.overhead('pv'));
  });
});
