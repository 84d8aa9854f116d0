/** Our ELF loader against binutils: the same file through `readelf`, `nm` and `objcopy`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBootImage } from '../../src/machine/platform/boot-image.ts';
import { parseElf } from '../../src/machine/platform/elf.ts';
import { ArrayMemory } from '../support/array-memory.ts';

const TOOL = 'riscv64-unknown-elf-';
const SOURCE = `
  volatile unsigned long tohost __attribute__((aligned(64)));
  int zeros[5000];
  int table[3] = {1, 2, 3};
  int twice(int x) { return 2 * x + zeros[x]; }
  void _start(void) { tohost = twice(table[1]); for (;;) {} }
`;

let folder = '';
let file = '';
let bytes = new Uint8Array();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paratrace-elf-'));
  file = join(folder, 'a.elf');
  const source = join(folder, 'a.c');
  writeFileSync(source, SOURCE);
  const target = ['-march=rv64imac', '-mabi=lp64', '-mcmodel=medany', '-O1', '-g'];
  execFileSync(`${TOOL}gcc`, [...target, '-nostdlib', '-static', '-Ttext=0x80000000', '-o', file, source], {
    stdio: 'pipe',
  });
  bytes = new Uint8Array(readFileSync(file));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('ELF loader against binutils', () => {
  it('finds the entry point and the segments that readelf finds', () => {
    const printed = execFileSync(`${TOOL}readelf`, ['-lW', file], { encoding: 'utf8' });
    const theirs = [...printed.matchAll(/LOAD +(0x\w+) (0x\w+) (0x\w+) (0x\w+) (0x\w+)/g)].map((match) =>
      match.slice(1, 6).map(BigInt),
    );
    const elf = parseElf(bytes, 'a.elf');
    expect(elf.entry).toBe(BigInt(/Entry point (0x\w+)/.exec(printed)?.[1] ?? 0));
    expect(
      elf.segments.map((s) => [
        BigInt(s.fileOffset),
        s.virtualAddress,
        ...[s.physicalAddress, s.fileBytes, s.memoryBytes].map(BigInt),
      ]),
    ).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(0);
  });

  it('finds the functions and objects that nm finds, by name and by address', () => {
    const theirs = execFileSync(`${TOOL}nm`, ['-S', '--defined-only', file], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.split(' '))
      .filter((fields) => fields.length === 4);
    const { symbols } = parseElf(bytes, 'a.elf');
    expect(theirs.map((fields) => fields[3])).toEqual(
      expect.arrayContaining(['_start', 'twice', 'table', 'tohost', 'zeros']),
    );
    for (const [address, sizeBytes, , name] of theirs) {
      const [first, length] = [BigInt(`0x${address}`), BigInt(`0x${sizeBytes}`)];
      expect(symbols.find(name ?? '')).toBe(first);
      expect(symbols.symbolAt(first + length - 1n)).toMatchObject({ name, address: first, offset: length - 1n });
    }
  });

  it('loads the bytes that objcopy extracts, and clears the rest', () => {
    const flat = join(folder, 'a.bin');
    execFileSync(`${TOOL}objcopy`, ['-O', 'binary', file, flat]);
    const expected = new Uint8Array(readFileSync(flat));
    const memory = new ArrayMemory(2 ** 20);
    const image = loadBootImage(bytes, 'a.elf', memory, { entry: 'm' });
    const start = Number(parseElf(bytes, 'a.elf').symbols.find('twice'));
    expect(start).toBe(0x8000_0000);
    expect(memory.readBytes(start, expected.length)).toEqual(expected);
    expect(image.tohost).toBe(Number(image.symbols.find('tohost')));
    expect(image.loadedRanges.at(-1)?.end).toBeGreaterThanOrEqual(start + expected.length + 20_000);
  });
});
