/** The bundled guests print the same under QEMU as here: QEMU's output is the expected output. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { patternDisk } from '../../src/cli/pattern-disk.ts';
import { paratraceOk, QEMU_MACHINE, qemuDrive, ROOT, runProgram, scratchFolder, talkTo } from '../support/programs.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const guest = (name: string) => join(ROOT, 'guests/bin', `${name}.elf`);
const PATTERN_BYTES = 65_536;
const FIRMWARE_LINE = "ring-tour: reached through the firmware's console";

/** The virtio console of the tour under QEMU, after its one line on the firmware's console, which stands behind OpenSBI's banner. */
async function ringTourOnQemu(options: readonly string[], typed: readonly string[] = []): Promise<string> {
  const firmware = scratch.file('firmware.txt');
  const { status, stdout, stderr } = await talkTo(
    'qemu-system-riscv64',
    [
      ...QEMU_MACHINE,
      ...['-serial', `file:${firmware}`, '-chardev', 'stdio,id=console0'],
      ...['-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=console0'],
      ...['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-device,rng=rng0'],
      ...['-kernel', guest('ring-tour'), ...options],
    ],
    [{ prompt: 'type a line\n', answers: typed }],
  );
  expect(status, stderr).toBe(0);
  const early = readFileSync(firmware, 'latin1').split('\n').at(-2)?.replace('\r', '');
  expect(early).toBe(FIRMWARE_LINE);
  return `${early}\n${stdout}`;
}

describe('ring-tour', () => {
  const disk = scratch.file('pattern.img');
  writeFileSync(disk, patternDisk(PATTERN_BYTES));

  it.each([
    ['one hart and the pattern disk', [], []],
    ['four harts', ['--harts', '4'], ['-smp', '4']],
    ['another seed and costs', ['--seed', '77', '--core', 'u74'], []],
  ])('prints the same with %s', async (_what, options, qemuOptions) => {
    const expected = await ringTourOnQemu([...qemuDrive(disk), ...qemuOptions]);
    expect(paratraceOk(['run', 'ring-tour', ...options])).toBe(expected);
    expect(expected).toContain('all checks passed');
  });

  it('prints the same in native mode', async () => {
    const expected = await ringTourOnQemu(qemuDrive(disk));
    expect(paratraceOk(['run', 'ring-tour', '--mode', 'native'])).toBe(expected);
  });

  it('prints the same with a drive that is not its own', async () => {
    const other = scratch.file('other.img');
    writeFileSync(other, new Uint8Array(20 * 512).fill(0x5a));
    const expected = await ringTourOnQemu(qemuDrive(other));
    expect(expected).toContain('not the pattern disk');
    expect(paratraceOk(['run', 'ring-tour', '--drive', other])).toBe(expected);
  });

  it('echoes a line that is typed', async () => {
    const line = 'what goes in comes out\n';
    const typed = scratch.file('typed.txt');
    writeFileSync(typed, line);
    const expected = await ringTourOnQemu([...qemuDrive(disk), '-append', 'echo'], [line]);
    expect(expected).toContain(`echo: ${line}`);
    expect(paratraceOk(['run', 'ring-tour', '--append', 'echo', '--stdin', typed])).toBe(expected);
  });
});

describe('machine-tour', () => {
  it('prints the same', () => {
    const qemu = runProgram('qemu-system-riscv64', [
      ...QEMU_MACHINE,
      ...['-bios', 'none', '-serial', 'stdio', '-kernel', guest('machine-tour')],
    ]);
    expect(qemu.status, qemu.stderr).toBe(0);
    expect(qemu.stdout).toContain('all checks passed');
    expect(paratraceOk(['run', guest('machine-tour'), '--mode', 'native', '--entry', 'm'])).toBe(qemu.stdout);
  });
});
