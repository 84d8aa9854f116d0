/**
 * The workloads of mini-os print the same under QEMU, over OpenSBI, as here; and so does its paravirtual build, over a small stand-in for
 * the hypervisor that was written from docs/abi.md alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledGuests } from '../../src/cli/guests.ts';
import { patternDisk } from '../../src/cli/pattern-disk.ts';
import { paratraceOk, QEMU_MACHINE, qemuDrive, ROOT, runProgram, scratchFolder, talkTo } from '../support/programs.ts';
import { startUdpPeer, type UdpPeer } from '../support/udp-peer.ts';

const scratch = scratchFolder();
const disk = scratch.file('pattern.img');
const guest = bundledGuests().find(({ name }) => name === 'mini-os');
/** Iterations where the default would take long: each tick is real time under QEMU. */
const ITERATIONS: Readonly<Record<string, number>> = { tick: 10 };

let peer: UdpPeer;
beforeAll(async () => {
  writeFileSync(disk, patternDisk(guest?.patternDriveBytes ?? 0));
  peer = await startUdpPeer();
});
afterAll(() => {
  peer.close();
  scratch.remove();
});

/** The last line that a build prints under QEMU. */
async function onQemu(image: string, workload: string, options: readonly string[]): Promise<string> {
  const iterations = ITERATIONS[workload];
  const append = `workload=${workload}${iterations === undefined ? '' : ` iterations=${iterations}`}`;
  const kernel = ['-serial', 'stdio', '-kernel', join(ROOT, 'guests/bin', image), '-append', append];
  const { status, stdout, stderr } = await talkTo('qemu-system-riscv64', [...QEMU_MACHINE, ...kernel, ...options], []);
  expect(status, `${stdout}${stderr}`).toBe(0);
  return stdout.slice(stdout.lastIndexOf(`${workload}: iterations`));
}

/** What the unmodified build printed, by workload. */
const lines = new Map<string, string>();

describe('mini-os', () => {
  it.each(guest?.workloads ?? [])('%s prints the same', async (workload) => {
    const iterations = ITERATIONS[workload];
    const expected = await onQemu('mini-os.elf', workload, [...qemuDrive(disk), ...peer.qemuArguments]);
    lines.set(workload, expected);
    expect(expected).toMatch(new RegExp(`^${workload}: iterations \\d+ checksum [0-9a-f]{8}\n$`));
    const options = iterations === undefined ? [] : ['--iterations', String(iterations)];
    const printed = paratraceOk(['run', 'mini-os', '--workload', workload, '--engine', 'translator', ...options]);
    expect(printed.slice(printed.lastIndexOf(`${workload}: iterations`))).toBe(expected);
  });
});

describe('the paravirtual build', () => {
  const firmware = scratch.file('stand-in.elf');
  beforeAll(() => {
    const folder = join(ROOT, 'test/oracle/pv-stand-in');
    const sources = ['start.S', 'main.c', 'paging.c', 'devices.c'].map((name) => join(folder, name));
    const shared = ['print.c', 'string.c'].map((name) => join(ROOT, 'guests/common', name));
    const { status, stderr } = runProgram('riscv64-unknown-elf-gcc', [
      ...['-march=rv64imac_zicsr_zifencei', '-mabi=lp64', '-mcmodel=medany', '-ffreestanding', '-nostdlib', '-static'],
      ...['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-msmall-data-limit=0', '-fno-pic'],
      ...['-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments', '-I', join(ROOT, 'guests/include')],
      ...['-T', join(folder, 'stand-in.ld'), '-o', firmware, ...sources, ...shared],
    ]);
    expect(status, stderr).toBe(0);
  });

  it.each(guest?.workloads ?? [])('%s prints the same', async (workload) => {
    expect(await onQemu('mini-os-pv.elf', workload, ['-bios', firmware])).toBe(lines.get(workload));
  });
});
