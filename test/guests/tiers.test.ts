/**
 * Both engine tiers on real guests: in step, each slice compared, over the bundled guests, U-Boot and the benchmark guests; and that
 * a trace tells nothing of the tier that made it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINE_CHOICES } from '../../src/machine/create-machine.ts';
import { ENGINE_NAMES } from '../../src/machine/machine-types.ts';
import { paratrace, paratraceOk, ROOT, runProgram, scratchFolder, UBOOT } from '../support/programs.ts';
import { makeUbootDisk, writeUbootInput } from '../support/uboot.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const INTERNAL_ERROR = 70;
/** The benchmark guests would run for ever. */
const BENCH_CYCLES = '60M';

const uboot: string[] = [];
const nothing = scratch.file('nothing.txt');
beforeAll(() => {
  writeFileSync(nothing, '');
  const disk = makeUbootDisk(scratch.file('disk.img'));
  uboot.push(UBOOT, '--mode', 'pvh', '--drive', disk, '--stdin', writeUbootInput(scratch.file('input.txt')));
});

describe('both tiers in step', () => {
  it.each([
    ['tohost-pass', 0, []],
    ['tohost-fail', 1, []],
    ['machine-tour', 0, []],
    ['ring-tour', 0, []],
    ['ring-tour', 0, ['--harts', '4', '--quantum', '1000']],
    ['ring-tour', 0, ['--mode', 'native', '--core', 'u74']],
    ['ring-tour', 0, ['--ad-update', 'fault', '--misaligned', 'trap']],
    ['ring-tour', 0, ['--mode', 'full', '--append', 'no-rings']],
    [
      'ring-tour',
      0,
      ['--mode', 'full', '--append', 'no-rings', '--harts', '4', '--quantum', '1000', '--ad-update', 'fault'],
    ],
    ['ring-tour', 0, ['--mode', 'hvm', '--append', 'no-rings', '--harts', '4', '--quantum', '1000']],
    ['mini-os', 0, ['--mode', 'full', '--workload', 'mix']],
    ['mini-os', 0, ['--mode', 'hvm', '--workload', 'mix']],
    ['mini-os', 0, ['--mode', 'hvm-pv', '--workload', 'mix', '--append', 'drivers=ata']],
    ['mini-os', 0, ['--workload', 'mix']],
    ['mini-os', 0, ['--workload', 'fork', '--mode', 'native', '--ad-update', 'fault']],
    ['mini-os', 0, ['--workload', 'net-stream', '--mode', 'native', '--append', 'drivers=e1000']],
  ])('find no difference in %s, which ends with %i (options %j)', (guest, status, options) => {
    const result = paratrace(['run', guest, '--engine', 'both', '--stdin', nothing, ...options]);
    expect(result.status, result.stderr).toBe(status);
  });

  it('find none on any benchmark guest', () => {
    const { status, stderr } = runProgram('make', ['-C', join(ROOT, 'bench/guests'), `OUT=${scratch.path}`]);
    expect(status, stderr).toBe(0);
    const images = readdirSync(scratch.path).filter((name) => name.endsWith('.elf'));
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) {
      const path = scratch.file(image);
      // Those for an SBI are linked behind where firmware would be.
      const isSupervisor = readFileSync(path).readBigUInt64LE(24) === 0x8020_0000n;
      const entry = isSupervisor ? ['--entry', 's'] : ['--entry', 'm', '--mode', 'native'];
      const run = paratrace(['run', path, ...entry, '--engine', 'both', '--max-cycles', BENCH_CYCLES]);
      expect(run.status, `${image}: ${run.stderr}`).not.toBe(INTERNAL_ERROR);
      expect(run.stderr, image).toMatch(/guest\.max-cycles|success/);
    }
  });
});

describe('a trace', () => {
  it.each([
    ['ring-tour', () => ['ring-tour', '--stdin', nothing]],
    ['ring-tour on four harts', () => ['ring-tour', '--stdin', nothing, '--harts', '4']],
    ['U-Boot', () => uboot],
    ['U-Boot on two harts', () => [...uboot, '--harts', '2']],
  ])('of %s is the same whatever recorded it, and replays under the other tier', (name, options) => {
    const traces = ENGINE_CHOICES.map((engine) => {
      const trace = scratch.file(`${name}-${engine}.pvt`);
      paratraceOk(['record', ...options(), '--engine', engine, '-o', trace]);
      return trace;
    });
    const [first, ...others] = traces.map((trace) => readFileSync(trace));
    for (const other of others) expect(first?.equals(other)).toBe(true);
    for (const engine of [...ENGINE_NAMES, 'both']) {
      expect(paratraceOk(['replay', String(traces[0]), '--engine', engine])).toContain('identical');
    }
  });
});
