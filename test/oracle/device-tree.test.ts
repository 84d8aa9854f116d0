/**
 * Our device tree against QEMU's: `dtc` decodes both, and every property that both define is compared, references by the
 * path they lead to. Every intended difference is listed here, and each entry of the list has to be needed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { virtDeviceTree } from '../../src/machine/platform/device-tree.ts';
import { readDeviceTree } from '../support/device-tree-reader.ts';

/** Nodes of QEMU's board that this machine does not have. */
const ONLY_QEMU = new Map([
  ['/pmu', 'no PMU events are wired to counters'],
  ['/fw-cfg@10100000', 'no firmware configuration device'],
  ['/flash@20000000', 'no flash'],
  ['/platform-bus@4000000', 'no dynamic devices'],
  ['/soc/pci@30000000', 'no PCIe host bridge'],
]);

/** Properties in which the trees differ, with the reason. `*` stands for any hart. */
const DIFFERENT = new Map([
  ['/ model', 'names another machine'],
  ['/cpus/cpu@* riscv,isa', 'other extensions'],
  ['/cpus/cpu@* mmu-type', 'QEMU 7.2 says sv48 although it has sv57'],
  ['/soc/plic@c000000 riscv,ndev', 'QEMU 7.2 counts source 0; later versions say 95 as well'],
  ['/chosen rng-seed', 'random in QEMU, given or absent here'],
]);

/** Properties that only our tree has. */
const ONLY_OURS = new Map([
  ['/cpus/cpu@* riscv,isa-base', 'newer binding of the ISA string'],
  ['/cpus/cpu@* riscv,isa-extensions', 'newer binding of the ISA string'],
]);

/** Properties whose cells at these positions are phandles; the rest of each group are numbers. */
const REFERENCES: Readonly<Record<string, (index: number) => boolean>> = {
  'interrupt-parent': () => true,
  'interrupts-extended': (index) => index % 2 === 0,
  regmap: () => true,
  cpu: () => true,
};

type Nodes = Map<string, Map<string, string>>;

/** The nodes of a tree as `dtc` prints them: path, property, value as text. */
function decode(file: string): Nodes {
  const source = execFileSync('dtc', ['-q', '-I', 'dtb', '-O', 'dts', file], { encoding: 'utf8' });
  const nodes: Nodes = new Map();
  const path: string[] = [];
  for (const line of source.split('\n').map((text) => text.trim())) {
    const opened = /^(.*) \{$/.exec(line)?.[1];
    const [, name, value] = /^([^ ]+?)(?: = (.*))?;$/.exec(line) ?? [];
    if (opened !== undefined) {
      path.push(opened === '/' ? '' : opened);
      nodes.set(path.join('/') || '/', new Map());
    } else if (line === '};') {
      path.pop();
    } else if (name !== undefined && path.length > 0) {
      nodes.get(path.join('/') || '/')?.set(name, value ?? '');
    }
  }
  return resolveReferences(nodes);
}

/** Replaces phandles by the paths they lead to: their numbers are free. */
function resolveReferences(nodes: Nodes): Nodes {
  const target = new Map<string, string>();
  for (const [path, properties] of nodes) {
    const phandle = properties.get('phandle');
    if (phandle !== undefined) target.set(phandle.slice(1, -1), path);
    properties.delete('phandle');
  }
  for (const properties of nodes.values()) {
    for (const [name, isReference] of Object.entries(REFERENCES)) {
      const value = properties.get(name);
      if (value === undefined) continue;
      const cells = value.slice(1, -1).split(' ');
      properties.set(name, cells.map((cell, index) => (isReference(index) ? target.get(cell) : cell)).join(' '));
    }
  }
  return nodes;
}

const general = (path: string, name: string): string => `${path.replace(/cpu@\d+$/, 'cpu@*')} ${name}`;

function compareWithQemu(hartCount: number, memoryMebibytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'paratrace-dtb-'));
  try {
    const [theirFile, ourFile] = [join(folder, 'qemu.dtb'), join(folder, 'ours.dtb')];
    const bootargs = 'console=ttyS0 root="/dev/vda"';
    const machine = ['-M', `virt,dumpdtb=${theirFile}`, '-smp', `${hartCount}`, '-m', `${memoryMebibytes}M`];
    const kernel = join(folder, 'kernel.bin');
    writeFileSync(kernel, new Uint8Array(64));
    execFileSync(
      'qemu-system-riscv64',
      [...machine, '-nographic', '-bios', 'none', '-kernel', kernel, '-append', bootargs],
      {
        stdio: 'pipe',
      },
    );
    const ours = virtDeviceTree({ hartCount, memoryBytes: memoryMebibytes * 2 ** 20, bootargs });
    writeFileSync(ourFile, ours);
    return { theirs: decode(theirFile), ours: decode(ourFile) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('device tree against QEMU', () => {
  it.each([
    [1, 128],
    [2, 512],
    [8, 3072],
  ])('differs only where it is meant to, with %i harts and %i MiB', (hartCount, memoryMebibytes) => {
    const { theirs, ours } = compareWithQemu(hartCount, memoryMebibytes);
    const needed = new Set<string>();
    const surprises: string[] = [];
    for (const [path, properties] of theirs) {
      const mine = ours.get(path);
      if (mine === undefined) {
        if (ONLY_QEMU.has(path)) needed.add(path);
        else surprises.push(`missing node ${path}`);
        continue;
      }
      for (const [name, value] of properties) {
        if (mine.get(name) === value) continue;
        if (DIFFERENT.has(general(path, name))) needed.add(general(path, name));
        else surprises.push(`${path} ${name}: theirs ${value}, ours ${mine.get(name)}`);
      }
    }
    for (const [path, properties] of ours) {
      if (!theirs.has(path)) surprises.push(`additional node ${path}`);
      for (const name of properties.keys()) {
        if (theirs.get(path)?.has(name)) continue;
        if (ONLY_OURS.has(general(path, name))) needed.add(general(path, name));
        else surprises.push(`additional property ${path} ${name}`);
      }
    }
    expect(surprises).toEqual([]);
    expect([...needed].sort()).toEqual([...ONLY_QEMU.keys(), ...DIFFERENT.keys(), ...ONLY_OURS.keys()].sort());
    // Guards against a decoder that finds nothing: 2 nodes per hart and its core, and some thirty of the board.
    expect(theirs.size).toBeGreaterThanOrEqual(25 + 3 * hartCount);
  });

  it('is what dtc itself would write, byte for byte', () => {
    const options = {
      hartCount: 4,
      memoryBytes: 2 ** 28,
      bootargs: 'quiet',
      initrd: { start: 0x8420_0000, end: 0x8430_0000 },
    };
    const ours = virtDeviceTree({ ...options, rngSeed: Uint8Array.of(1, 2, 3) });
    const again = execFileSync('dtc', ['-q', '-I', 'dtb', '-O', 'dtb', '-'], { input: ours });
    expect(readDeviceTree(new Uint8Array(again))).toEqual(readDeviceTree(ours));
    expect(Buffer.compare(again, ours)).toBe(0);
  });
});
