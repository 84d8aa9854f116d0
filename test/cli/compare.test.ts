/** `compare` runs mini-os for real, under every mode, and its numbers have the shapes that the literature measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Comparison, ModeColumn } from '../../src/analysis/comparison.ts';
import { must } from '../../src/assert.ts';
import { MODE_NAMES } from '../../src/session/config.ts';
import { type Outcome, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function compare(workload: string, iterations: number, ...args: readonly string[]) {
  const options = ['--workload', workload, '--iterations', String(iterations), '--json', '--quiet'];
  const outcome = await paratrace(['compare', 'mini-os', ...options, ...args]);
  expect(outcome.code, outcome.stderr).toBe(0);
  const comparison = JSON.parse(outcome.stdout) as Comparison;
  const of = (mode: string): ModeColumn =>
    must(
      comparison.modes.find((column) => column.mode === mode),
      mode,
    );
  return { comparison, of, overhead: (mode: string) => of(mode).overhead ?? Number.NaN };
}

describe('compare', () => {
  it('runs every mode that a guest can run under, and says what it measured', async () => {
    const { comparison, of } = await compare('fork', 2);
    expect(comparison).toMatchObject({ version: 1, guest: 'mini-os', append: 'workload=fork iterations=2' });
    expect(comparison).toMatchObject({ outputIsSame: true, difference: null, hartCount: 1, core: 'rocket' });
    expect(comparison.modes.map(({ mode }) => mode)).toEqual(MODE_NAMES);
    for (const column of comparison.modes) {
      const { cycles, busyCycles, byCause, exits, overhead } = column;
      const causes = Object.values(byCause);
      expect(cycles.guest + cycles.platform + cycles.hypervisor + cycles.idle).toBe(cycles.all);
      expect(busyCycles).toBe(cycles.all - cycles.idle);
      expect(causes.reduce((sum, row) => sum + row.cycles, 0)).toBe(cycles.hypervisor);
      expect(causes.reduce((sum, row) => sum + row.exits, 0)).toBe(exits);
      expect(byCause.other).toEqual({ exits: 0, cycles: 0, share: 0 });
      expect(column.throughput).toMatchObject({ unit: 'iterations', count: 2 });
      expect(overhead).toBeGreaterThanOrEqual(1);
    }
    expect(of('native')).toMatchObject({ exits: 0, handlers: 0, hypervisorShare: 0, overhead: 1 });
    expect(of('native').tlb).toMatchObject({ extraReferences: 0, extraCycles: 0 });
    expect(of('full')).toMatchObject({ guestChanged: null, end: { reason: 'poweroff', status: 0 } });
    expect(of('pv').guestChanged?.lines).toBeGreaterThan(100);
    expect(of('pv').byCause.calls.exits).toBeGreaterThan(100);
  });

  it('prints a table, and writes a page that is the same each time', async () => {
    const args = ['compare', 'mini-os', '--workload', 'syscall', '--iterations', '5', '--modes', 'native,hvm'];
    const page = scratch.path('page.html');
    const again = scratch.path('again.html');
    const { code, stdout, stderr } = await paratrace([...args, '-o', page]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^mini-os, workload=syscall iterations=5, rocket-kvm-2023, rocket, harts 1\n\n +native +hvm\n/,
    );
    expect(stdout).toMatch(/^overhead over native +1\.000 x +\d+\.\d{3} x$/m);
    expect(stderr).toMatch(/^paratrace: hvm: .*[\d,]+ cycles in /m);
    expect((await paratrace([...args, '-o', again, '--quiet'])).stdout).toBe(stdout);
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(page, 'utf8'));
    expect(readFileSync(page, 'utf8')).toContain('</svg>');
  });

  it('leaves out what needs mode native, where that was not run', async () => {
    const { comparison, of } = await compare('syscall', 5, '--modes', 'pvh,hvm,pvh');
    expect(comparison.modes.map(({ mode }) => mode)).toEqual(['pvh', 'hvm']);
    expect(of('hvm')).toMatchObject({ overhead: null, tlb: { extraReferences: null, extraCycles: null } });
  });

  it('runs bare metal natively only', async () => {
    const { code, stdout } = await paratrace(['compare', 'machine-tour', '--json', '--quiet']);
    expect(code).toBe(0);
    const { modes } = JSON.parse(stdout) as Comparison;
    expect(modes.map(({ mode, throughput }) => [mode, throughput.unit])).toEqual([['native', 'instructions']]);
  });

  it('gives every run the same input', async () => {
    const input = scratch.path('typed');
    writeFileSync(input, 'paratrace\n');
    const args = ['compare', 'ring-tour', '--append', 'echo', '--modes', 'native,pvh', '--stdin', input];
    const { code, stdout } = await paratrace([...args, '--json', '--quiet']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Comparison).outputIsSame).toBe(true);
  });

  it('says where outputs differ, and which runs failed', async () => {
    // Without rings the tour ends early.
    const { code, stdout, stderr }: Outcome = await paratrace([
      'compare',
      'ring-tour',
      '--modes',
      'native,full',
      '--json',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /printed something else under full than under native, in line \d+:\n {2}native: .+\n {2}full: .+/,
    );
    expect(stderr).toContain('the guest failed under full');
    expect(JSON.parse(stdout)).toMatchObject({ outputIsSame: false, difference: { modes: ['native', 'full'] } });
  });

  it('refuses modes that there are not, and such as cannot start the guest', async () => {
    const wrong = await paratrace(['compare', 'mini-os', '--modes', 'native,hvw']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("'hvw' is no mode; the modes are native")]);
    const bare = await paratrace(['compare', 'machine-tour', '--modes', 'hvm']);
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("mode 'hvm' cannot start a guest")]);
  });
});

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
});
