/** The workloads of mini-os with few iterations: what they print, in each mode and tier, and that recordings replay. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledGuests } from '../../src/cli/guests.ts';
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
  compute: [3, '791a65c8'],
  mix: [2, 'e50a25e0'],
};

describe('mini-os', () => {
  it.each(Object.entries(WORKLOADS))(
    '%s prints its checksum, and replays',
    async (workload, [iterations, checksum]) => {
      const args = [
        'mini-os',
        '--workload',
        workload,
        '--iterations',
        String(iterations),
        '--quiet',
        '--stdin',
        '/dev/null',
      ];
      const line = `${workload}: iterations ${iterations} checksum ${checksum}\n`;
      const trace = scratch.path(`${workload}.pvt`);
      const again = scratch.path(`${workload}-again.pvt`);
      const recorded = await paratrace(['record', ...args, '-o', trace]);
      expect(recorded.stdout.split('\n').at(-2)).toBe(line.trimEnd());
      expect(recorded.code).toBe(0);
      expect((await paratrace(['replay', trace, '-o', again])).stdout).toContain('identical');
      expect(readFileSync(again).equals(readFileSync(trace))).toBe(true);
      const native = await paratrace(['run', ...args, '--mode', 'native', '--engine', 'both']);
      expect([native.code, native.stdout]).toEqual([0, recorded.stdout]);
    },
  );

  it.each(
    Object.entries(WORKLOADS).flatMap(([workload, [iterations]]) =>
      ['full', 'hvm'].map((mode) => [workload, mode, iterations] as const),
    ),
  )('%s does in mode %s what it does natively, and replays', async (workload, mode, iterations) => {
    const args = [
      'mini-os',
      '--workload',
      workload,
      '--iterations',
      String(iterations),
      '--quiet',
      '--stdin',
      '/dev/null',
    ];
    const trace = scratch.path(`${workload}-${mode}.pvt`);
    const recorded = await paratrace(['record', ...args, '--mode', mode, '--engine', 'both', '-o', trace]);
    expect(recorded.code).toBe(0);
    expect(recorded.stdout.split('\n').at(-2)).toContain(`checksum ${WORKLOADS[workload]?.[1]}`);
    expect((await paratrace(['replay', trace])).stdout).toContain('identical');
  });

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
