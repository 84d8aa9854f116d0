/** U-Boot as Debian ships it: recorded, replayed bit for bit, with several harts and while the machine is busy. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paratraceOk, scratchFolder, UBOOT } from '../support/programs.ts';
import { makeUbootDisk, NUMBERS_CRC, writeUbootInput } from '../support/uboot.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const machine: string[] = [];
beforeAll(() => {
  const disk = makeUbootDisk(scratch.file('disk.img'));
  machine.push(UBOOT, '--mode', 'pvh', '--drive', disk, '--stdin', writeUbootInput(scratch.file('input.txt')));
});

const bytes = (name: string) => readFileSync(scratch.file(name));

function recordTo(name: string, options: readonly string[] = []): string {
  return paratraceOk(['record', ...machine, ...options, '-o', scratch.file(name)]);
}

function replayTo(name: string, again: string): string {
  return paratraceOk(['replay', scratch.file(name), '-o', scratch.file(again)]);
}

describe('U-Boot', () => {
  it('boots to its prompt, runs every command, and powers off', () => {
    const output = recordTo('u.pvt');
    expect(output).toContain('Capacity: 25.0 MB');
    expect(output).toContain('Partition Type: DOS');
    expect(output).toContain('Read from the FA');
    expect(output).toContain(`==> ${NUMBERS_CRC}`);
    expect(output).toContain('poweroff ...');
  });

  it('replays identical, and the recording of the replay has the same bytes', () => {
    expect(replayTo('u.pvt', 'v.pvt')).toContain('identical');
    expect(bytes('v.pvt').equals(bytes('u.pvt'))).toBe(true);
  });

  it('does so with four harts', () => {
    recordTo('u4.pvt', ['--harts', '4']);
    expect(replayTo('u4.pvt', 'v4.pvt')).toContain('identical');
    expect(bytes('v4.pvt').equals(bytes('u4.pvt'))).toBe(true);
  });

  it.each(['native', 'pvh'])(
    'finds the network in mode %s, and leaves registers alone that it knows on PCI only',
    (mode) => {
      const output = paratraceOk(['run', ...machine, '--mode', mode, '--net', 'peer']);
      expect(output).toContain('eth0: virtio-net#5');
      expect(output).toContain('poweroff ...');
    },
  );

  it('records the same bytes while every core is busy', () => {
    const busy = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', 'for (;;) Math.sqrt(2);'], { stdio: 'ignore' }),
    );
    try {
      recordTo('busy.pvt');
      expect(replayTo('busy.pvt', 'busy-again.pvt')).toContain('identical');
    } finally {
      for (const child of busy) child.kill('SIGKILL');
    }
    expect(bytes('busy.pvt').equals(bytes('u.pvt'))).toBe(true);
    expect(bytes('busy-again.pvt').equals(bytes('u.pvt'))).toBe(true);
  });
});
