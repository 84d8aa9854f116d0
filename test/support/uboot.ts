/** The U-Boot session that tests record and compare: commands, disk, and how QEMU is talked to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runProgram } from './programs.ts';
import commands from './uboot-commands.json' with { type: 'json' };

/** What is typed. The line before them ends the countdown to automatic boot. */
export const UBOOT_COMMANDS: readonly string[] = commands;
/** CRC-32 of `numbers.txt` as `scripts/make-uboot-disk.sh` writes it, by zlib. */
export const NUMBERS_CRC = '0d249db9';

export const UBOOT_PROMPT = '=> ';
export const UBOOT_COUNTDOWN = 'Hit any key to stop autoboot';

/** The commands as a file for `--stdin`. */
export function writeUbootInput(path: string): string {
  writeFileSync(path, `\n${UBOOT_COMMANDS.join('\n')}\n`);
  return path;
}

export function makeUbootDisk(path: string): string {
  const { status, stderr } = runProgram(join(ROOT, 'scripts/make-uboot-disk.sh'), [path]);
  if (status !== 0) throw new Error(`make-uboot-disk.sh ended with ${status}:\n${stderr}`);
  return path;
}
