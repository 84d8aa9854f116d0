/** The workloads of mini-os with few iterations: what they print, the same in each mode, and that recordings replay. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledGuests } from '../../src/cli/guests.ts';
import { MODE_NAMES } from '../../src/session/config.ts';
import { paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Iterations, and the checksum that QEMU's board prints too (test/oracle/mini-os.test.ts). */
const WORKLOADS: Readonly<Record<string, readonly [iterations: number, checksum: string]>> = {
  syscall: [100, 'e6e016e5'],
  ctxsw: [20, '8fcdfb0e'],
  fork: [5, '1ef80285'],
  mmap: [5, 'bf6d7cbe'],
  pagefault: [600, '7975a9a5'],
  tick: [3, 'e4e73fbc'],
  pipe: [5, '5d6635c5'],
  console: [3, '7b503d5e'],
  'disk-read': [8, '21f8f6df'],
  'disk-write': [8, '01062c45'],
  'net-rr': [40, '77f839fd'],
  'net-stream': [40, '40d8e0ad'],
  compute: [3, '791a65c8'],
  mix: [2, 'e50a25e0'],
};

describe.each(MODE_NAMES)('mini-os in mode %s', (mode) => {
  it.each(Object.entries(WORKLOADS))('%s prints its checksum, and replays in the other tier', async (workload, run) => {
    const [iterations, checksum] = run;
    const which = ['--workload', workload, '--iterations', String(iterations), '--mode', mode];
    const trace = scratch.path(`${mode}-${workload}.pvt`);
    const again = scratch.path(`${mode}-${workload}-again.pvt`);
    const recording = ['record', 'mini-os', ...which, '--engine', 'interpreter', '--quiet', '--stdin', '/dev/null'];
    const { code, stdout } = await paratrace([...recording, '-o', trace]);
    expect(stdout.split('\n').at(-2)).toBe(`${workload}: iterations ${iterations} checksum ${checksum}`);
    expect(code).toBe(0);
    const replayed = await paratrace(['replay', trace, '--engine', 'translator', '-o', again]);
    expect(replayed.stdout).toContain('identical');
    expect(readFileSync(again).equals(readFileSync(trace))).toBe(true);
  });
});

describe('mini-os', () => {
  it('lists its workloads if it knows none of that name, and fails', async () => {
    const { code, stdout } = await paratrace(['run', 'mini-os', '--append', 'workload=frok', '--stdin', '/dev/null']);
    expect(code).toBe(1);
    const listed = [...stdout.matchAll(/^ {2}(\S+), \d+ iterations by default$/gm)].map(([, name]) => name);
    expect(listed).toEqual(bundledGuests().find(({ name }) => name === 'mini-os')?.workloads);
  });

  it('needs a disk for what reads one, and says so', async () => {
    const { code, stdout } = await paratrace(['run', 'guests/bin/mini-os.elf', '--append', 'workload=disk-read']);
    expect(stdout).toContain('disk-read: FAILED: there is a disk of at least 32 KiB');
    expect(code).toBe(1);
  });
});
