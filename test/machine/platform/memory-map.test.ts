import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/assert.ts';
import {
  ATA_BLOCKS,
  ATA_CHANNEL_COUNT,
  ataChannel,
  IRQ_SOURCE,
  MEMORY_MAP,
  plicContext,
  RAM_BASE,
  VIRTIO_SLOT_COUNT,
  virtioSlot,
} from '../../../src/machine/platform/memory-map.ts';

describe('memory map', () => {
  it('has no two ranges that overlap, and all of them below RAM', () => {
    const { virtio: _slot, ata: _channel, ...others } = MEMORY_MAP;
    const slots = Array.from({ length: VIRTIO_SLOT_COUNT }, (_, index) => virtioSlot(index));
    const channels = Array.from({ length: ATA_CHANNEL_COUNT }, (_, index) => ataChannel(index));
    const ranges = [...Object.values(others), ...slots, ...channels].sort((a, b) => a.base - b.base);
    for (const [index, range] of ranges.entries()) {
      expect(range.base + range.sizeBytes).toBeLessThanOrEqual(ranges[index + 1]?.base ?? RAM_BASE);
    }
  });

  it('gives the slots their names, addresses and interrupts', () => {
    expect([virtioSlot(0), virtioSlot(7)]).toEqual([
      { name: 'virtio0', base: 0x1000_1000, sizeBytes: 0x1000, irq: 1 },
      { name: 'virtio7', base: 0x1000_8000, sizeBytes: 0x1000, irq: 8 },
    ]);
    expect([ataChannel(0), ataChannel(5)]).toEqual([
      { name: 'ata0', base: 0x1100_0000, sizeBytes: 0x1000, irq: 12 },
      { name: 'ata5', base: 0x1100_5000, sizeBytes: 0x1000, irq: 17 },
    ]);
    expect([IRQ_SOURCE.uart0, IRQ_SOURCE.rtc]).toEqual([10, 11]);
    expect(() => virtioSlot(8)).toThrow(AssertionError);
    expect(() => ataChannel(6)).toThrow(AssertionError);
  });

  it('gives no interrupt to two devices, nor one that PCIe or the platform bus of the board has', () => {
    const { virtio0, ata0, ...single } = IRQ_SOURCE;
    const ranges = [...Array(VIRTIO_SLOT_COUNT).keys()].map((index) => virtio0 + index);
    const channels = [...Array(ATA_CHANNEL_COUNT).keys()].map((index) => ata0 + index);
    const all = [...Object.values(single), ...ranges, ...channels];
    expect(new Set(all).size).toBe(all.length);
    expect(Math.max(...all)).toBeLessThan(32);
  });

  it('keeps our own devices where the board of QEMU has nothing', () => {
    for (const { base, sizeBytes } of [ataChannel(0), ataChannel(5), MEMORY_MAP.e1000]) {
      // Between fw_cfg (0x10100000, 0x18 bytes) and flash (0x20000000) of hw/riscv/virt.c.
      expect(base).toBeGreaterThanOrEqual(0x1010_1000);
      expect(base + sizeBytes).toBeLessThanOrEqual(0x2000_0000);
    }
  });

  it('keeps the register blocks of an ATA channel apart and inside it', () => {
    const { command, control, busMaster } = ATA_BLOCKS;
    expect(command.offset + command.sizeBytes).toBeLessThanOrEqual(control.offset);
    expect(control.offset + control.sizeBytes).toBeLessThanOrEqual(busMaster.offset);
    expect(busMaster.offset + busMaster.sizeBytes).toBeLessThanOrEqual(MEMORY_MAP.ata.sizeBytes);
  });

  it('has two contexts per hart, machine mode first', () => {
    expect([plicContext(0, 'm'), plicContext(0, 's'), plicContext(7, 's')]).toEqual([0, 1, 15]);
  });
});
