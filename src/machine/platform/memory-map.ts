/**
 * Where everything lies on QEMU's riscv `virt` board: guest physical ranges, interrupt sources, load addresses. Typed once
 * here; devices, device tree and loaders take their addresses from this table (hw/riscv/virt.c of QEMU 7.2 is the source of
 * every number but those of the ATA channels and the e1000, which lie where that board has nothing).
 *
 * Reserved and not built: PCIe (ECAM at 0x30000000), fw_cfg, flash, the platform bus.
 */
import { assert } from '../../assert.ts';

/** A half-open range of guest physical addresses: `[base, base + sizeBytes)`. */
export interface MemoryRange {
  readonly base: number;
  readonly sizeBytes: number;
}

/** Ranges of the board. RAM is as long as the machine is configured with, so it has a base only ({@link RAM_BASE}). */
export const MEMORY_MAP = {
  finisher: { base: 0x0010_0000, sizeBytes: 0x1000 },
  rtc: { base: 0x0010_1000, sizeBytes: 0x1000 },
  clint: { base: 0x0200_0000, sizeBytes: 0x1_0000 },
  plic: { base: 0x0c00_0000, sizeBytes: 0x60_0000 },
  uart0: { base: 0x1000_0000, sizeBytes: 0x100 },
  /** First of the virtio-mmio slots: see {@link virtioSlot}. */
  virtio: { base: 0x1000_1000, sizeBytes: 0x1000 },
  /** First of the ATA channels: see {@link ataChannel}. Ours: nothing of QEMU's board lies from 0x10101000 to 0x1fffffff. */
  ata: { base: 0x1100_0000, sizeBytes: 0x1000 },
  /** Registers of the network controller, as long as BAR 0 of an 82540EM. Ours, too. */
  e1000: { base: 0x1110_0000, sizeBytes: 0x2_0000 },
  /** Configuration space of the PCIe host bridge: reserved, nothing answers there. */
  pcieEcam: { base: 0x3000_0000, sizeBytes: 0x1000_0000 },
} as const satisfies Record<string, MemoryRange>;

export const RAM_BASE = 0x8000_0000;

/** Harts the interrupt controllers have room for on this machine. */
export const HART_COUNT_MAX = 8;

export const VIRTIO_SLOT_COUNT = 8;

/** One for each drive that a machine can have. */
export const ATA_CHANNEL_COUNT = 6;

/** Blocks of registers inside the range of an ATA channel: offset and size in bytes. */
export const ATA_BLOCKS = {
  command: { offset: 0x00, sizeBytes: 0x20 },
  control: { offset: 0x40, sizeBytes: 0x04 },
  busMaster: { offset: 0x80, sizeBytes: 0x08 },
} as const;

/** Registers of the command block lie 2 to the power of this many bytes apart. */
export const ATA_REGISTER_SHIFT = 2;

/**
 * PLIC interrupt sources by device. Source 0 means "no interrupt" (RISC-V PLIC 1.0.0, "Interrupt Identifiers"). QEMU's board
 * leaves 12 to 31 free: PCIe has 32 to 35, the platform bus 64 to 95.
 */
export const IRQ_SOURCE = { virtio0: 1, uart0: 10, rtc: 11, ata0: 12, e1000: 18 } as const;

/** Source identifiers the PLIC decodes, 0 among them: 0 to 95. */
export const PLIC_SOURCE_COUNT = 96;

/** Ticks of `mtime` per second. */
export const TIMEBASE_HZ = 10_000_000;

/** Nanoseconds of guest time per tick of `mtime`. */
export const NANOSECONDS_PER_TICK = 100n;

/** Input clock of the 16550, from which drivers derive their divisor. */
export const UART_CLOCK_HZ = 3_686_400;

/** Addresses on the network, locally administered (IEEE 802, bit 1 of the first byte): the two controllers and their peer. */
export const MAC_ADDRESS = {
  peer: [0x02, 0x50, 0x54, 0x00, 0x00, 0x01],
  e1000: [0x02, 0x50, 0x54, 0x00, 0x00, 0x10],
  virtio: [0x02, 0x50, 0x54, 0x00, 0x00, 0x11],
  pv: [0x02, 0x50, 0x54, 0x00, 0x00, 0x12],
} as const;

/** Where a guest begins: raw M-mode images at the start of RAM, S-mode images where firmware would leave them (2 MiB above). */
export const LOAD_ADDRESS = { m: RAM_BASE, s: RAM_BASE + 0x20_0000 } as const;

/** PLIC context of a hart's privilege mode: two per hart, machine mode first. */
export function plicContext(hart: number, privilege: 'm' | 's'): number {
  return 2 * hart + (privilege === 'm' ? 0 : 1);
}

/** The place of one device of several of a kind. */
export interface DevicePlace extends MemoryRange {
  /** `virtio0` to `virtio7`, `ata0` to `ata5`. */
  readonly name: string;
  /** PLIC source. */
  readonly irq: number;
}

/** The virtio-mmio slot of an index from 0 to 7. */
export function virtioSlot(index: number): DevicePlace {
  assert(Number.isInteger(index) && index >= 0 && index < VIRTIO_SLOT_COUNT, `virtio slot ${index}`);
  const { base, sizeBytes } = MEMORY_MAP.virtio;
  return { name: `virtio${index}`, base: base + index * sizeBytes, sizeBytes, irq: IRQ_SOURCE.virtio0 + index };
}

/** The ATA channel of an index from 0 to 5. */
export function ataChannel(index: number): DevicePlace {
  assert(Number.isInteger(index) && index >= 0 && index < ATA_CHANNEL_COUNT, `ATA channel ${index}`);
  const { base, sizeBytes } = MEMORY_MAP.ata;
  return { name: `ata${index}`, base: base + index * sizeBytes, sizeBytes, irq: IRQ_SOURCE.ata0 + index };
}
