import { describe, expect, it } from 'vitest';
import { EVENT_KINDS } from '../../src/hypervisor/events.ts';
import { paratrace } from './fake-host.ts';

const MACHINE_OPTIONS = [
  '--mode',
  '--costs',
  '--core',
  '--harts',
  '--memory',
  '--append',
  '--workload',
  '--iterations',
  '--initrd',
  '--drive',
  '--net',
  '--seed',
  '--stdin',
  '--max-cycles',
  '--entry',
  '--engine',
];

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  run: [...MACHINE_OPTIONS, '--quiet', '--verbose', '--profile'],
  record: [...MACHINE_OPTIONS, '-o, --output', '--mark', '--quiet', '--verbose', '--profile'],
  replay: ['-o, --output', '--image', '--console', '--json', '--engine'],
  stat: ['--json'],
  events: ['--json', '--from', '--to', '--kind'],
  report: ['-o, --output'],
  trim: ['-o, --output', '--inputs-only', '--window', '--by'],
  pack: ['-o, --output', '--image'],
  unpack: ['-o, --output', '--folder'],
  fsck: ['--repair', '--chunks', '--json'],
  compare: [...MACHINE_OPTIONS.filter((name) => name !== '--mode'), '--modes', '--json', '-o, --output', '--quiet'],
  diff: ['--ignore', '--semantic', '--json', '--html'],
  golden: ['verify', 'accept'],
  guests: ['--json', '--diff'],
  costs: ['--json', '[profile]'],
};

describe('help', () => {
  it('lists every verb, and exit codes', async () => {
    const { code, stdout } = await paratrace(['--help']);
    expect(code).toBe(0);
    for (const verb of Object.keys(OPTIONS)) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    for (const exit of ['0 ok', '1 ', '2 ', '3 ', '4 ', '70 ']) expect(stdout).toContain(exit);
  });

  it.each(Object.entries(OPTIONS))('of %s names its options and has examples', async (verb, options) => {
    const { code, stdout, stderr } = await paratrace([verb, '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const option of options) expect(stdout).toContain(option);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`  paratrace ${verb}`);
  });

  it('of the machine options shows defaults and units', async () => {
    const text = (await paratrace(['record', '--help'])).stdout.replaceAll(/\s+/g, ' ');
    for (const part of ['default: 128 MiB', 'default: "rocket-kvm-2023"', 'default: "rocket"', 'default: 1)']) {
      expect(text).toContain(part);
    }
    for (const part of [
      'choices: "native", "full", "hvm", "hvm-pv", "pvh", "pv"',
      'powers of 1,024',
      'powers of 1,000',
      'Exit codes:',
      'Ctrl-A x',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('of events lists the kinds', async () => {
    const { stdout } = await paratrace(['events', '--help']);
    for (const kind of Object.keys(EVENT_KINDS)) expect(stdout).toContain(kind);
  });

  it('is what a command without a verb gets, as an error', async () => {
    const { code, stderr } = await paratrace([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: paratrace');
  });

  it('has a version', async () => {
    const { code, stdout } = await paratrace(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
