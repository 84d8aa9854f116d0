import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import {
  COST_PRIMITIVE_NAMES,
  COST_PROFILE_NAMES,
  costProfile,
  countBySource,
  totalCycles,
} from '../../src/hypervisor/costs.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A file with a profile, and its path. */
function profileFile(name: string, profile: unknown): string {
  const path = scratch.path(name);
  writeFileSync(path, typeof profile === 'string' ? profile : JSON.stringify(profile));
  return path;
}

const DEAR = { extends: 'rocket-kvm-2023', primitives: { hypercallUser: { handling: 123_456, source: 'dear' } } };

describe('costs', () => {
  it('lists the profiles with their machines and where their prices come from', async () => {
    const { code, stdout, stderr } = await paratrace(['costs']);
    expect([code, stderr]).toEqual([0, '']);
    for (const name of COST_PROFILE_NAMES) {
      const { published, derived, rule } = countBySource(costProfile(name));
      expect(stdout).toMatch(new RegExp(`^${name} .* ${published} +${derived} +${rule}$`, 'm'));
    }
    expect(stdout).toMatch(/^xen-pv-2003 +x86 +direct, validated +asked +2400 /m);
    expect(stdout).toContain('The default is rocket-kvm-2023.');
  });

  it('lists them as JSON', async () => {
    const rows = JSON.parse((await paratrace(['costs', '--json'])).stdout);
    expect(rows.map(({ name }: { name: string }) => name)).toEqual(COST_PROFILE_NAMES);
    for (const { published, derived, rule } of rows) {
      expect(published + derived + rule).toBe(COST_PRIMITIVE_NAMES.length);
    }
    expect(rows).toContainEqual(expect.objectContaining({ name: 'vmware-ws-2003', baseline: 'native-xeon-2003' }));
  });

  it('prints every price of a profile with its source', async () => {
    const { code, stdout } = await paratrace(['costs', 'xen-pv-2003']);
    expect(code).toBe(0);
    const { primitives } = costProfile('xen-pv-2003');
    for (const name of COST_PRIMITIVE_NAMES) {
      const { entry, handling, return: back } = primitives[name];
      const numbers = [entry.cycles, handling.cycles, back.cycles, totalCycles(primitives[name])].join(' +');
      expect(stdout).toMatch(new RegExp(`^  ${name} +[VQDMR] +${numbers}  \\S`, 'm'));
    }
    for (const part of [
      'native-xeon-2003',
      '(1.4 - 1.06) us x 2400 MHz',
      'none found',
      'rule: ',
      'Status: V published',
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it('prints them as JSON', async () => {
    const profile = JSON.parse((await paratrace(['costs', 'rocket-kvm-2023', '--json'])).stdout);
    expect(Object.keys(profile.primitives)).toEqual(COST_PRIMITIVE_NAMES);
    expect(profile.primitives.hypercallKernel).toMatchObject({
      group: 'calls',
      kind: 'exit',
      entry: { cycles: 212, status: 'V', source: 'DuVisor' },
      total: 618,
      status: 'V',
    });
    expect(profile.published.mmio_kernel).toBeNull();
  });

  it('prints and checks a file of the user', async () => {
    const file = profileFile('dear.json', { about: 'my board', ...DEAR });
    const { code, stdout } = await paratrace(['costs', file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^profile +dear$/m);
    expect(stdout).toMatch(/^about +my board$/m);
    expect(stdout).toMatch(/^extends +rocket-kvm-2023$/m);
    expect(stdout).toMatch(/^ {2}hypercallUser +R? *U? +212 +123456 +388 +124056 +dear$/m);
    const json = JSON.parse((await paratrace(['costs', file, '--json'])).stdout);
    expect(json).toMatchObject({ name: 'dear', extends: 'rocket-kvm-2023', about: 'my board' });
  });

  it.each([
    ['an unknown name', 'nothing', 'usage.option', ['nothing', 'vmware-ws-2003']],
    ['a missing file', './none.json', 'file.unreadable', ['./none.json']],
    ['what is no JSON', profileFile('no.json', '{'), 'costs.profile', ['not JSON', 'no.json', 'docs/costs.md']],
    ['a missing base', profileFile('base.json', {}), 'costs.profile', ['`extends` is missing']],
    [
      'a negative price',
      profileFile('minus.json', { extends: 'a55-kvm-2021', primitives: { wfi: { entry: -4 } } }),
      'costs.profile',
      ['`primitives.wfi.entry` is -4'],
    ],
  ])('refuses %s, as run does', async (_, value, errorCode, names) => {
    for (const args of [
      ['costs', value],
      ['run', 'ring-tour', '--costs', value],
    ]) {
      const { code, stdout, stderr } = await paratrace(args);
      expect([code, stdout]).toEqual([2, '']);
      for (const name of [errorCode, ...names]) expect(stderr).toContain(name);
    }
  });
});

describe('--costs FILE', () => {
  const file = profileFile('dear-too.json', DEAR);
  const trace = scratch.path('dear.pvt');

  it('is charged, stands in the trace, and replays without the file', async () => {
    expect((await paratrace(['record', 'ring-tour', '--quiet', '--costs', file, '-o', trace])).code).toBe(0);
    rmSync(file);
    const { header, ...reader } = openTrace(readFileSync(trace));
    expect(reader).toBeDefined();
    expect(header.config.costs).toBe('dear-too');
    expect(header.costProfile).toMatchObject({
      name: 'dear-too',
      extends: 'rocket-kvm-2023',
      primitives: { hypercallUser: [expect.any(Number), 123_456, expect.any(Number), 'dear'] },
    });
    const dear = [...openTrace(readFileSync(trace)).events()].filter(
      (event) => event.kind === 'hypercall' && event.handlingCycles === 123_456,
    );
    expect(dear.length).toBeGreaterThan(0);
    const again = scratch.path('again.pvt');
    const replayed = await paratrace(['replay', trace, '-o', again]);
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining('identical') });
    expect(readFileSync(again).equals(readFileSync(trace))).toBe(true);
  });

  it('is not overwritten by the trace', async () => {
    const kept = profileFile('kept.json', DEAR);
    const { code, stderr } = await paratrace(['record', 'ring-tour', '--costs', kept, '-o', kept]);
    expect(code).toBe(2);
    expect(stderr).toContain('usage.output');
  });
});
