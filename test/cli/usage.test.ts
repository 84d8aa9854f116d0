import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { formatSize, parseCount, parseSize } from '../../src/cli/quantities.ts';
import { paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const elf = scratch.path('cut.elf');
writeFileSync(elf, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0));
const oddDrive = scratch.path('odd.img');
writeFileSync(oddDrive, new Uint8Array(513));
const gzip = scratch.path('image.gz');
writeFileSync(gzip, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0));
const empty = scratch.path('empty');
writeFileSync(empty, '');
const folder = scratch.path('folder');
mkdirSync(folder);

/** Arguments, and what the message must name. */
const WRONG: readonly (readonly [args: readonly string[], names: readonly string[]])[] = [
  [['nonsense'], ["unknown command 'nonsense'"]],
  [['replya', 'x'], ['replay']],
  [['run'], ['guest']],
  [['run', 'ring-tour', 'more'], ['too many arguments']],
  [['run', 'ring-tour', '--bogus'], ['--bogus']],
  [
    ['run', 'ring-tuor'],
    ['usage.guest-unknown', 'ring-tuor', 'ring-tour'],
  ],
  [
    ['run', './none'],
    ['file.unreadable', './none', 'no such file'],
  ],
  [
    ['run', folder],
    ['file.unreadable', folder, 'directory'],
  ],
  [
    ['run', elf],
    ['image.elf', elf],
  ],
  [
    ['run', gzip],
    ['image.raw', 'gzip'],
  ],
  [
    ['run', empty],
    ['image.raw', 'empty'],
  ],
  [
    ['run', 'ring-tour', '--mode', 'hvw'],
    ['hvw', 'native, full, hvm, hvm-pv, pvh, pv'],
  ],
  [
    ['run', 'ring-tour', '--workload', 'fork'],
    ['usage.option', '--workload', 'ring-tour has no workloads'],
  ],
  [
    ['run', elf, '--workload', 'fork'],
    ['usage.option', '--workload', 'has no workloads'],
  ],
  [
    ['run', 'mini-os', '--workload', 'frok'],
    ['usage.option', "'frok'", 'syscall, ctxsw, fork'],
  ],
  [
    ['run', 'mini-os', '--iterations', '7'],
    ['usage.option', '--iterations needs --workload'],
  ],
  [
    ['run', 'mini-os', '--workload', 'fork', '--iterations', '0'],
    ['usage.option', '--iterations', '0'],
  ],
  [
    ['run', '--net', 'ring-tour'],
    ['usage.option', "unknown network 'ring-tour'", 'before the guest'],
  ],
  [
    ['run', 'ring-tour', '--net', 'peer,latency=0'],
    ['usage.option', '--net', '0'],
  ],
  [
    ['run', 'ring-tour', '--net', 'peer,delay=5'],
    ['usage.option', 'peer,delay=5'],
  ],
  [
    ['run', 'ring-tour', '--costs', 'free'],
    ['free', 'rocket-kvm-2023'],
  ],
  [
    ['run', 'ring-tour', '--core', 'z80'],
    ['z80', 'rocket, u74'],
  ],
  [
    ['run', 'ring-tour', '--engine', 'magic'],
    ['magic', 'interpreter'],
  ],
  [['run', 'ring-tour', '--entry', 'u'], ['m, s']],
  [
    ['run', 'ring-tour', '--harts', '0'],
    ['usage.option', '--harts', '0', '1 to 8'],
  ],
  [
    ['run', 'ring-tour', '--harts', '9'],
    ['--harts', '9', '1 to 8'],
  ],
  [
    ['run', 'ring-tour', '--harts', '1.5'],
    ['--harts', '1.5'],
  ],
  [
    ['run', 'ring-tour', '--memory', 'much'],
    ['--memory', 'much'],
  ],
  [
    ['run', 'ring-tour', '--memory', '1M'],
    ['memory', '1048576'],
  ],
  [
    ['run', 'ring-tour', '--memory', '64G'],
    ['memory', '68719476736'],
  ],
  [
    ['run', 'ring-tour', '--max-cycles', '-1'],
    ['--max-cycles', '-1'],
  ],
  [
    ['run', 'ring-tour', '--max-cycles', '1e9'],
    ['--max-cycles', '1e9'],
  ],
  [['run', 'ring-tour', '--quantum', '0'], ['--quantum']],
  [
    ['run', 'ring-tour', '--drive', oddDrive],
    ['image.drive', oddDrive, '513'],
  ],
  [
    ['run', 'ring-tour', '--drive', './none'],
    ['file.unreadable', './none'],
  ],
  [
    ['run', 'ring-tour', '--initrd', './none'],
    ['file.unreadable', './none'],
  ],
  [
    ['run', 'ring-tour', '--stdin', './none'],
    ['file.unreadable', './none'],
  ],
  [
    ['run', 'tohost-pass', '--mode', 'pvh'],
    ['pvh', '--entry m'],
  ],
  [['record', 'ring-tour'], ['--output']],
  [
    ['record', 'ring-tour', '-o', './none/x.pvt'],
    ['file.unreadable', './none/x.pvt'],
  ],
  [
    ['record', 'ring-tour', '-o', folder],
    ['file.unreadable', folder],
  ],
  [
    ['record', oddDrive, '-o', oddDrive],
    ['usage.output', oddDrive],
  ],
  [['replay'], ['trace']],
  [
    ['replay', './none'],
    ['file.unreadable', './none'],
  ],
  [
    ['stat', './none'],
    ['file.unreadable', './none'],
  ],
  [
    ['report', './none', '-o', 'x.html'],
    ['file.unreadable', './none'],
  ],
  [
    ['events', './none', '--kind', 'exot'],
    ['usage.option', 'exot', 'hypercall, mmio, exit'],
  ],
  [
    ['events', './none', '--from', '5', '--to', '5'],
    ['--from 5', '--to 5'],
  ],
  [
    ['events', './none', '--from', 'x'],
    ['--from', "'x'"],
  ],
];

describe('a wrong command', () => {
  it.each(WRONG)('%j ends with 2 and says what is wrong', async (args, names) => {
    const { code, stdout, stderr } = await paratrace(args);
    expect(stderr).toMatch(/^paratrace: /);
    for (const name of names) expect(stderr).toContain(name);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('quantities', () => {
  it('counts with decimal suffixes', () => {
    expect(parseCount('n', '1_000')).toBe(1000);
    expect(parseCount('n', '200k')).toBe(200_000);
    expect(parseCount('n', '200K')).toBe(200_000);
    expect(parseCount('n', '1.5M')).toBe(1_500_000);
    expect(parseCount('n', '2G')).toBe(2e9);
    for (const text of ['', 'k', '1.5', '0x10', '1e3', ' 1', '-1', '1MM', '99999999999999999999', '1_000 ']) {
      expect(() => parseCount('n', text), text).toThrow('whole number');
    }
  });

  it('sizes with binary suffixes', () => {
    expect(parseSize('m', '512K')).toBe(2 ** 19);
    expect(parseSize('m', '128M')).toBe(2 ** 27);
    expect(parseSize('m', '128MiB')).toBe(2 ** 27);
    expect(parseSize('m', '1G')).toBe(2 ** 30);
    expect(parseSize('m', '0.5G')).toBe(2 ** 29);
    for (const text of ['', '1T', 'M', '1.5', '-1M']) expect(() => parseSize('m', text), text).toThrow('size in bytes');
  });

  it('writes sizes in the largest unit that divides them', () => {
    expect(formatSize(2 ** 27)).toBe('128 MiB');
    expect(formatSize(3 * 2 ** 30)).toBe('3 GiB');
    expect(formatSize(4097)).toBe('4097 bytes');
  });
});
