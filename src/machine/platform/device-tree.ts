/**
 * The device tree of this machine: QEMU 7.2's `virt` tree for the devices that exist here, so that guests made for that board
 * find everything under the names, addresses and interrupts they expect. `test/oracle/device-tree.test.ts` compares the two
 * node by node and lists every intended difference.
 *
 * Nodes stand in ascending order of address: guests number devices in tree order, and so the first drive is slot 0.
 */
import { ParatraceError } from '../../errors.ts';
import { IRQ } from '../bus.ts';
import { type FdtNode, type FdtValue, flattenDeviceTree } from './flat-device-tree.ts';
import {
  ATA_BLOCKS,
  ATA_REGISTER_SHIFT,
  ataChannel,
  IRQ_SOURCE,
  MAC_ADDRESS,
  MEMORY_MAP,
  type MemoryRange,
  PLIC_SOURCE_COUNT,
  RAM_BASE,
  TIMEBASE_HZ,
  UART_CLOCK_HZ,
  VIRTIO_SLOT_COUNT,
  virtioSlot,
} from './memory-map.ts';

/** Extensions of the machine in the canonical order of ISA names (Unprivileged ISA, "ISA Extension Naming Conventions"). */
export const ISA_EXTENSIONS: readonly string[] = [
  'i',
  'm',
  'a',
  'c',
  'zicntr',
  'zicsr',
  'zifencei',
  'zba',
  'zbb',
  'zbs',
  'sstc',
];

export interface DeviceTreeOptions {
  /** 1 to 8. */
  readonly hartCount: number;
  readonly memoryBytes: number;
  /** Kernel command line; left out when empty. @throws ParatraceError `usage.option` if it contains a zero byte. */
  readonly bootargs: string;
  /** Guest physical range of the initrd, `[start, end)`. */
  readonly initrd?: { readonly start: number; readonly end: number } | undefined;
  /** Seed that the guest may mix into its entropy pool. The same bytes give the same run; none by default. */
  readonly rngSeed?: Uint8Array | undefined;
  /** Names of the ISA extensions in canonical order; {@link ISA_EXTENSIONS} by default. */
  readonly extensions?: readonly string[];
  /** Largest address translation of S-mode: `riscv,sv39`, `riscv,sv48` or `riscv,sv57` (the default). */
  readonly mmuType?: string;
  /** Which devices stand in the tree: those of QEMU's board by default. */
  readonly uart?: boolean;
  readonly clint?: boolean;
  readonly finisher?: boolean;
  /** The virtio-mmio slots. */
  readonly virtio?: boolean;
  /** How many ATA channels stand in the tree, from the first: none by default. */
  readonly ataChannels?: number;
  /** The interface for guests that ask a hypervisor (docs/abi.md): not there by default. */
  readonly hypervisor?: boolean;
  /** The network controller: not there by default. */
  readonly e1000?: boolean;
  /** Power off and reboot through the test finisher; only with it. By default they are there when it is. */
  readonly syscon?: boolean;
}

/** Fastest PIO mode of an ATA drive (ATA8-ACS, IDENTIFY DEVICE word 64: modes 3 and 4). */
const PIO_MODE = 4;

const UART_PATH = '/soc/serial@10000000';

/** The flattened device tree of a machine. Deterministic: the same options give the same bytes. */
export function virtDeviceTree(options: DeviceTreeOptions): Uint8Array {
  return flattenDeviceTree(virtTree(options));
}

/** The same as plain data. */
export function virtTree(options: DeviceTreeOptions): FdtNode {
  const finisher = options.finisher ?? true;
  const syscon = finisher && (options.syscon ?? true);
  return {
    name: '',
    properties: {
      '#address-cells': 2,
      '#size-cells': 2,
      compatible: 'riscv-virtio',
      model: 'riscv-virtio,paratrace',
    },
    children: [
      chosen(options),
      ...(syscon ? [sysconNode('poweroff', 0x5555, options), sysconNode('reboot', 0x7777, options)] : []),
      node('memory', { base: RAM_BASE, sizeBytes: options.memoryBytes }, { device_type: 'memory' }),
      cpus(options),
      soc(options),
      ...((options.hypervisor ?? false) ? [hypervisorNode(options)] : []),
    ],
  };
}

/** The ISA as the older `riscv,isa` string: base and single letters run together, longer names joined by underscores. */
export function isaString(extensions: readonly string[]): string {
  const letters = extensions.filter((name) => name.length === 1);
  const names = extensions.filter((name) => name.length > 1);
  return [`rv64${letters.join('')}`, ...names].join('_');
}

/** Phandles: two per hart (the hart, its interrupt controller), then the PLIC and the finisher. */
const cpuPhandle = (hart: number): number => 1 + 2 * hart;
const cpuIntcPhandle = (hart: number): number => 2 + 2 * hart;
const plicPhandle = (options: DeviceTreeOptions): number => 1 + 2 * options.hartCount;
const finisherPhandle = (options: DeviceTreeOptions): number => 2 + 2 * options.hartCount;

/** A node with a unit address and `reg` in two address and two size cells. */
function node(name: string, range: MemoryRange, properties: Readonly<Record<string, FdtValue>>): FdtNode {
  const { base, sizeBytes } = range;
  return { name: `${name}@${base.toString(16)}`, properties: { ...properties, reg: cells64(base, sizeBytes) } };
}

function cells64(...values: number[]): readonly number[] {
  return values.flatMap((value) => [Math.floor(value / 2 ** 32), value % 2 ** 32]);
}

function chosen(options: DeviceTreeOptions): FdtNode {
  if (options.bootargs.includes('\0')) {
    throw new ParatraceError('usage.option', 'the kernel command line contains a zero byte');
  }
  const { initrd, rngSeed } = options;
  return {
    name: 'chosen',
    properties: {
      ...((options.uart ?? true) ? { 'stdout-path': UART_PATH } : {}),
      ...(options.bootargs === '' ? {} : { bootargs: options.bootargs }),
      ...(initrd === undefined
        ? {}
        : { 'linux,initrd-start': BigInt(initrd.start), 'linux,initrd-end': BigInt(initrd.end) }),
      ...(rngSeed === undefined ? {} : { 'rng-seed': rngSeed }),
    },
  };
}

function sysconNode(name: string, value: number, options: DeviceTreeOptions): FdtNode {
  return {
    name,
    properties: { compatible: `syscon-${name}`, regmap: finisherPhandle(options), offset: 0, value },
  };
}

function cpus(options: DeviceTreeOptions): FdtNode {
  const harts = hartsOf(options);
  const cores = harts.map((hart) => ({ name: `core${hart}`, properties: { cpu: cpuPhandle(hart) } }));
  return {
    name: 'cpus',
    properties: { '#address-cells': 1, '#size-cells': 0, 'timebase-frequency': TIMEBASE_HZ },
    children: [
      ...harts.map((hart) => cpu(hart, options)),
      { name: 'cpu-map', properties: {}, children: [{ name: 'cluster0', properties: {}, children: cores }] },
    ],
  };
}

function cpu(hart: number, options: DeviceTreeOptions): FdtNode {
  const extensions = options.extensions ?? ISA_EXTENSIONS;
  return {
    name: `cpu@${hart.toString(16)}`,
    properties: {
      device_type: 'cpu',
      reg: hart,
      status: 'okay',
      compatible: 'riscv',
      'riscv,isa': isaString(extensions),
      'riscv,isa-base': 'rv64i',
      'riscv,isa-extensions': extensions,
      'mmu-type': options.mmuType ?? 'riscv,sv57',
      phandle: cpuPhandle(hart),
    },
    children: [
      {
        name: 'interrupt-controller',
        properties: {
          '#interrupt-cells': 1,
          'interrupt-controller': true,
          compatible: 'riscv,cpu-intc',
          phandle: cpuIntcPhandle(hart),
        },
      },
    ],
  };
}

function soc(options: DeviceTreeOptions): FdtNode {
  const virtio = Array.from({ length: (options.virtio ?? true) ? VIRTIO_SLOT_COUNT : 0 }, (_, index) => {
    const slot = virtioSlot(index);
    return node('virtio_mmio', slot, { compatible: 'virtio,mmio', ...interrupt(slot.irq, options) });
  });
  const ata = Array.from({ length: options.ataChannels ?? 0 }, (_, index) => ataNode(index, options));
  return {
    name: 'soc',
    properties: { '#address-cells': 2, '#size-cells': 2, compatible: 'simple-bus', ranges: true },
    children: [
      ...((options.finisher ?? true) ? [finisherNode(options)] : []),
      node('rtc', MEMORY_MAP.rtc, { compatible: 'google,goldfish-rtc', ...interrupt(IRQ_SOURCE.rtc, options) }),
      ...((options.clint ?? true) ? [clintNode(options)] : []),
      plicNode(options),
      ...((options.uart ?? true) ? [uartNode(options)] : []),
      ...virtio,
      ...ata,
      ...((options.e1000 ?? false) ? [e1000Node(options)] : []),
    ],
  };
}

/**
 * An ATA channel by the binding `ata-generic`, which has PIO only. What is ours is the third range, the bus-master registers:
 * drivers that know the first name may use DMA, the others find what the binding says.
 */
function ataNode(index: number, options: DeviceTreeOptions): FdtNode {
  const { base, irq } = ataChannel(index);
  const { command, control, busMaster } = ATA_BLOCKS;
  const ranges = [command, control, busMaster].flatMap(({ offset, sizeBytes }) => [base + offset, sizeBytes]);
  return {
    name: `ata@${base.toString(16)}`,
    properties: {
      compatible: ['paratrace,ata-bmide', 'ata-generic'],
      'reg-shift': ATA_REGISTER_SHIFT,
      'pio-mode': PIO_MODE,
      ...interrupt(irq, options),
      reg: cells64(...ranges),
    },
  };
}

/** There is no binding for this controller outside PCI. The name is ours: `intel,e1000` is what U-Boot's driver for PCI claims. */
function e1000Node(options: DeviceTreeOptions): FdtNode {
  return node('ethernet', MEMORY_MAP.e1000, {
    compatible: 'paratrace,e1000',
    'local-mac-address': Uint8Array.from(MAC_ADDRESS.e1000),
    ...interrupt(IRQ_SOURCE.e1000, options),
  });
}

/** As Xen's node for Arm (Linux, `bindings/arm/xen.txt`), under a name of our own: the way calls are made is not Xen's. */
function hypervisorNode(options: DeviceTreeOptions): FdtNode {
  const upcalls = hartsOf(options).flatMap((hart) => [cpuIntcPhandle(hart), IRQ.SSIP]);
  return {
    name: 'hypervisor',
    properties: { compatible: 'paratrace,event-channels-1', 'interrupts-extended': upcalls },
  };
}

function finisherNode(options: DeviceTreeOptions): FdtNode {
  const compatible = ['sifive,test1', 'sifive,test0', 'syscon'];
  return node('test', MEMORY_MAP.finisher, { compatible, phandle: finisherPhandle(options) });
}

function uartNode(options: DeviceTreeOptions): FdtNode {
  return node('serial', MEMORY_MAP.uart0, {
    compatible: 'ns16550a',
    'clock-frequency': UART_CLOCK_HZ,
    ...interrupt(IRQ_SOURCE.uart0, options),
  });
}

function clintNode(options: DeviceTreeOptions): FdtNode {
  return node('clint', MEMORY_MAP.clint, {
    compatible: ['sifive,clint0', 'riscv,clint0'],
    'interrupts-extended': perHart(options, IRQ.MSIP, IRQ.MTIP),
  });
}

function plicNode(options: DeviceTreeOptions): FdtNode {
  return node('plic', MEMORY_MAP.plic, {
    compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
    '#address-cells': 0,
    '#interrupt-cells': 1,
    'interrupt-controller': true,
    'interrupts-extended': perHart(options, IRQ.MEIP, IRQ.SEIP),
    // Sources without source 0, which is none.
    'riscv,ndev': PLIC_SOURCE_COUNT - 1,
    phandle: plicPhandle(options),
  });
}

function interrupt(source: number, options: DeviceTreeOptions): Record<string, FdtValue> {
  return { 'interrupt-parent': plicPhandle(options), interrupts: source };
}

/** `interrupts-extended` with two interrupts of each hart, in the order of harts: for the PLIC that is its contexts' order. */
function perHart(options: DeviceTreeOptions, first: number, second: number): readonly number[] {
  return hartsOf(options).flatMap((hart) => [cpuIntcPhandle(hart), first, cpuIntcPhandle(hart), second]);
}

function hartsOf(options: DeviceTreeOptions): readonly number[] {
  return Array.from({ length: options.hartCount }, (_, hart) => hart);
}
