/** The workloads of mini-os print the same under QEMU, over OpenSBI, as here. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledGuests } from '../../src/cli/guests.ts';
import { patternDisk } from '../../src/cli/pattern-disk.ts';
import { paratraceOk, QEMU_MACHINE, qemuDrive, ROOT, scratchFolder, talkTo } from '../support/programs.ts';
import { startUdpPeer, type UdpPeer } from '../support/udp-peer.ts';

const scratch = scratchFolder();
const disk = scratch.file('pattern.img');
const guest = bundledGuests().find(({ name }) => name === 'mini-os');
/** Iterations where the default would take long: each tick is real time under QEMU. */
const ITERATIONS: Readonly<Record<string, number>> = { tick: 10 };
/** What the hypervisor has no device for yet: the peer of the test is all that there is to compare with. */
const QEMU_ONLY = ['net-rr', 'net-stream'];

let peer: UdpPeer;
beforeAll(async () => {
  writeFileSync(disk, patternDisk(guest?.patternDriveBytes ?? 0));
  peer = await startUdpPeer();
});
afterAll(() => {
  peer.close();
  scratch.remove();
});

async function onQemu(workload: string, iterations: number | undefined): Promise<string> {
  const append = `workload=${workload}${iterations === undefined ? '' : ` iterations=${iterations}`}`;
  const { status, stdout, stderr } = await talkTo(
    'qemu-system-riscv64',
    [
      ...QEMU_MACHINE,
      ...['-serial', 'stdio', '-kernel', join(ROOT, 'guests/bin/mini-os.elf'), '-append', append],
      ...qemuDrive(disk),
      ...peer.qemuArguments,
    ],
    [],
  );
  expect(status, stderr).toBe(0);
  return stdout.slice(stdout.lastIndexOf(`${workload}: iterations`));
}

describe('mini-os', () => {
  it.each(guest?.workloads ?? [])('%s prints the same', async (workload) => {
    const iterations = ITERATIONS[workload];
    const expected = await onQemu(workload, iterations);
    expect(expected).toMatch(new RegExp(`^${workload}: iterations \\d+ checksum [0-9a-f]{8}\n$`));
    if (QEMU_ONLY.includes(workload)) return;
    const options = iterations === undefined ? [] : ['--iterations', String(iterations)];
    const printed = paratraceOk(['run', 'mini-os', '--workload', workload, '--engine', 'translator', ...options]);
    expect(printed.slice(printed.lastIndexOf(`${workload}: iterations`))).toBe(expected);
  });
});
