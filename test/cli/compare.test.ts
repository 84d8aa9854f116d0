/** `compare` runs mini-os for real, under every mode, and its numbers have the shapes that the literature measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/analysis/comparison.ts';
import { MODE_NAMES } from '../../src/session/config.ts';
import { compare } from './comparison.ts';
import { type Outcome, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

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
    // Beside what was measured stands what the run of mode pv would have said.
    expect(of('pv').predicted).toBeNull();
    for (const mode of ['full', 'hvm']) {
      const { predicted, cycles, busyCycles } = of(mode);
      expect(Math.abs(predicted?.error ?? 1)).toBeLessThan(0.05);
      expect(predicted?.error).toBeCloseTo((predicted?.cycles ?? 0) / cycles.all - 1);
      expect(Math.abs((predicted?.busyCycles ?? 0) / busyCycles - 1)).toBeLessThan(0.05);
    }
  });

  it('predicts nothing where mode pv was not run, or there is nothing to predict', async () => {
    const { of } = await compare('syscall', 5, '--modes', 'full,hvm');
    expect([of('full').predicted, of('hvm').predicted]).toEqual([null, null]);
    expect((await compare('syscall', 5, '--modes', 'pv')).of('pv').predicted).toBeNull();
    expect((await compare('syscall', 5, '--modes', 'pv,hvm', '--harts', '2')).of('hvm').predicted).toBeNull();
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
