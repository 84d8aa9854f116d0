/**
 * U-Boot prints the same under QEMU as here, but for what describes the machine itself: two boards differ in devices, firmware
 * and the layout that follows from the size of their device trees. Every such line is named below; all others are compared.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { paratraceOk, QEMU_MACHINE, qemuDrive, scratchFolder, talkTo, UBOOT } from '../support/programs.ts';
import {
  makeUbootDisk,
  NUMBERS_CRC,
  UBOOT_COMMANDS,
  UBOOT_COUNTDOWN,
  UBOOT_PROMPT,
  writeUbootInput,
} from '../support/uboot.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** Parts of lines that must differ, each with why. */
const MACHINE_FACTS: readonly (readonly [RegExp, string])[] = [
  // Our extensions are fewer than those of QEMU's rv64.
  [/^CPU: {3}.*$/gm, 'CPU: ...'],
  [/^Model: .*$/gm, 'Model: ...'],
  // QEMU has a flash, a PCIe bridge and more virtio slots in use.
  [/^Core: .*$/gm, 'Core: ...'],
  [/^Flash: .*\n/gm, ''],
  [/^(flashstart|flashsize|flashoffset) += .*$/gm, '$1 = ...'],
  // Addresses that follow from the size of the device tree, and memory that OpenSBI keeps for itself.
  [/^Working FDT set to .*$/gm, 'Working FDT set to ...'],
  [/^(fdt_blob|new_fdt|fdt_size) += .*$/gm, '$1 = ...'],
  [/^ reserved\.cnt .*\n/gm, ''],
  [/^ reserved\[\d\].*\n/gm, ''],
  // The vendor of the drive.
  [/^Device 0: .* VirtIO Block Device$/gm, 'Device 0: VirtIO Block Device'],
  // Time: how far the countdown came, and how fast a file was read.
  [/^(Hit any key to stop autoboot: ).*$/gm, '$1...'],
  [/ bytes read in .*$/gm, ' bytes read'],
];

function withoutMachineFacts(text: string): string {
  const fromBanner = text.slice(text.indexOf('U-Boot 20')).replaceAll('\r', '');
  return MACHINE_FACTS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), fromBanner);
}

describe('U-Boot', () => {
  it('prints the same as under QEMU', async () => {
    const disk = makeUbootDisk(scratch.file('disk.img'));
    const qemu = await talkTo(
      'qemu-system-riscv64',
      [...QEMU_MACHINE, '-serial', 'stdio', ...qemuDrive(disk), '-kernel', UBOOT],
      [
        { prompt: UBOOT_COUNTDOWN, answers: ['\n'] },
        { prompt: UBOOT_PROMPT, answers: UBOOT_COMMANDS.map((command) => `${command}\n`) },
      ],
    );
    expect(qemu.status, qemu.stderr).toBe(0);
    const input = writeUbootInput(scratch.file('input.txt'));
    const ours = paratraceOk(['run', UBOOT, '--mode', 'pvh', '--drive', disk, '--stdin', input]);
    expect(withoutMachineFacts(ours)).toBe(withoutMachineFacts(qemu.stdout));
    expect(ours).toContain('Read from the FA');
    expect(ours).toContain(`==> ${NUMBERS_CRC}`);
    expect(ours).toContain('20480 bytes read');
  });
});
