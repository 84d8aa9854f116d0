import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../../src/errors.ts';
import {
  type DeviceTreeOptions,
  ISA_EXTENSIONS,
  isaString,
  virtDeviceTree,
} from '../../../src/machine/platform/device-tree.ts';
import { flattenDeviceTree } from '../../../src/machine/platform/flat-device-tree.ts';
import { cells, nodesByPath, readDeviceTree, strings } from '../../support/device-tree-reader.ts';

const OPTIONS: DeviceTreeOptions = { hartCount: 2, memoryBytes: 2 ** 27, bootargs: 'console=ttyS0' };

function tree(options: Partial<DeviceTreeOptions> = {}) {
  const nodes = nodesByPath(readDeviceTree(virtDeviceTree({ ...OPTIONS, ...options })).root);
  return { nodes, property: (path: string, name: string) => nodes.get(path)?.properties.get(name) };
}

describe('flattenDeviceTree', () => {
  it('writes every kind of value, and each property name once', () => {
    const bytes = flattenDeviceTree(
      {
        name: '',
        properties: {
          flag: true,
          cell: 0xffff_ffff,
          cells: [1, 2],
          long: 0x1_0000_0002n,
          text: 'grün',
          list: ['a', 'bc'],
          bytes: Uint8Array.of(1, 2, 3),
          none: [],
        },
        children: [{ name: 'child@0', properties: { cell: 7 } }],
      },
      3,
    );
    const { root, ...header } = readDeviceTree(bytes);
    expect(header).toEqual({ version: 17, lastCompatibleVersion: 16, bootHart: 3 });
    const hex = [...root.properties].map(([name, value]) => `${name} ${Buffer.from(value).toString('hex')}`);
    expect(hex).toEqual([
      'flag ',
      'cell ffffffff',
      'cells 0000000100000002',
      'long 0000000100000002',
      'text 6772c3bc6e00',
      'list 6100626300',
      'bytes 010203',
      'none ',
    ]);
    expect(root.children.map((child) => [child.name, cells(child.properties.get('cell'))])).toEqual([['child@0', [7]]]);
    expect(Buffer.from(bytes).toString('latin1').split('cell\0').length).toBe(2);
  });
});

describe('virtDeviceTree', () => {
  it('gives the same bytes for the same options', () => {
    expect(virtDeviceTree(OPTIONS)).toEqual(virtDeviceTree(OPTIONS));
  });

  it('describes each hart, and the contexts of the interrupt controllers in hart order', () => {
    const { nodes, property } = tree({ hartCount: 8 });
    const intc = (hart: number) => cells(property(`/cpus/cpu@${hart}/interrupt-controller`, 'phandle'))[0] ?? 0;
    const harts = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(harts.map((hart) => cells(property(`/cpus/cpu@${hart}`, 'reg')))).toEqual(harts.map((hart) => [hart]));
    expect(cells(property('/soc/plic@c000000', 'interrupts-extended'))).toEqual(
      harts.flatMap((hart) => [intc(hart), 11, intc(hart), 9]),
    );
    expect(cells(property('/soc/clint@2000000', 'interrupts-extended'))).toEqual(
      harts.flatMap((hart) => [intc(hart), 3, intc(hart), 7]),
    );
    const phandles = [...nodes.values()].flatMap((node) => cells(node.properties.get('phandle')));
    expect(new Set(phandles).size).toBe(phandles.length);
  });

  it('spells the ISA both ways', () => {
    const { property } = tree();
    expect(strings(property('/cpus/cpu@0', 'riscv,isa'))).toEqual(['rv64imac_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc']);
    expect(strings(property('/cpus/cpu@0', 'riscv,isa-extensions'))).toEqual(ISA_EXTENSIONS);
    expect(isaString(['i', 'm', 'zicsr'])).toBe('rv64im_zicsr');
  });

  it('lists memory in 64-bit cells', () => {
    expect(cells(tree({ memoryBytes: 3 * 2 ** 30 }).property('/memory@80000000', 'reg'))).toEqual([
      0, 0x8000_0000, 0, 0xc000_0000,
    ]);
  });

  it('lists all eight virtio slots by ascending address', () => {
    const { nodes } = tree();
    const slots = [...nodes].filter(([path]) => path.startsWith('/soc/virtio_mmio@'));
    expect(slots.map(([path, node]) => [path.slice(-8), cells(node.properties.get('interrupts'))[0]])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((irq) => [(0x1000_0000 + irq * 0x1000).toString(16), irq]),
    );
  });

  it('tells the guest what it was given to boot with', () => {
    const { property } = tree({ initrd: { start: 0x8420_0000, end: 0x1_0000_0000 }, rngSeed: Uint8Array.of(1, 2) });
    expect(strings(property('/chosen', 'bootargs'))).toEqual(['console=ttyS0']);
    expect(strings(property('/chosen', 'stdout-path'))).toEqual(['/soc/serial@10000000']);
    expect(cells(property('/chosen', 'linux,initrd-start'))).toEqual([0, 0x8420_0000]);
    expect(cells(property('/chosen', 'linux,initrd-end'))).toEqual([1, 0]);
    expect(property('/chosen', 'rng-seed')).toEqual(Uint8Array.of(1, 2));
  });

  it('leaves out what was not given', () => {
    const { nodes } = tree({ bootargs: '' });
    expect([...(nodes.get('/chosen')?.properties.keys() ?? [])]).toEqual(['stdout-path']);
  });

  it('leaves out devices that the machine does not have', () => {
    const { nodes } = tree({ uart: false, clint: false, finisher: false });
    for (const gone of ['/soc/serial@10000000', '/soc/clint@2000000', '/soc/test@100000', '/poweroff', '/reboot']) {
      expect(nodes.has(gone)).toBe(false);
    }
    expect(nodes.get('/chosen')?.properties.has('stdout-path')).toBe(false);
    expect(tree({ syscon: false }).nodes.has('/poweroff')).toBe(false);
    expect(tree({ syscon: false }).nodes.has('/soc/test@100000')).toBe(true);
  });

  it('describes ATA channels by the generic binding, with our bus-master registers as a third range', () => {
    const { nodes, property } = tree({ ataChannels: 2 });
    expect([...nodes.keys()].filter((path) => path.startsWith('/soc/ata@'))).toEqual([
      '/soc/ata@11000000',
      '/soc/ata@11001000',
    ]);
    const path = '/soc/ata@11001000';
    expect(strings(property(path, 'compatible'))).toEqual(['paratrace,ata-bmide', 'ata-generic']);
    expect(cells(property(path, 'reg'))).toEqual([
      ...[0, 0x1100_1000, 0, 0x20],
      ...[0, 0x1100_1040, 0, 0x04],
      ...[0, 0x1100_1080, 0, 0x08],
    ]);
    expect(cells(property(path, 'reg-shift'))).toEqual([2]);
    expect(cells(property(path, 'interrupts'))).toEqual([13]);
  });

  it('has the network controller and leaves out the virtio slots if told to', () => {
    const { nodes, property } = tree({ e1000: true, virtio: false });
    const path = '/soc/ethernet@11100000';
    expect(strings(property(path, 'compatible'))).toEqual(['paratrace,e1000']);
    expect(property(path, 'local-mac-address')).toEqual(Uint8Array.of(2, 0x50, 0x54, 0, 0, 0x10));
    expect(cells(property(path, 'interrupts'))).toEqual([18]);
    expect([...nodes.keys()].some((name) => name.includes('virtio'))).toBe(false);
  });

  it('refuses a command line with a zero byte', () => {
    expect(() => virtDeviceTree({ ...OPTIONS, bootargs: 'a\0b' })).toThrow(ParatraceError);
  });
});
