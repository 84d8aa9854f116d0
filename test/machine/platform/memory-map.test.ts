import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/assert.ts';
import {
  IRQ_SOURCE,
  MEMORY_MAP,
  plicContext,
  RAM_BASE,
  VIRTIO_SLOT_COUNT,
  virtioSlot,
} from '../../../src/machine/platform/memory-map.ts';

describe('memory map', () => {
  it('has no two ranges that overlap, and all of them below RAM', () => {
    const { virtio: _first, ...others } = MEMORY_MAP;
    const slots = Array.from({ length: VIRTIO_SLOT_COUNT }, (_, index) => virtioSlot(index));
    const ranges = [...Object.values(others), ...slots].sort((a, b) => a.base - b.base);
    for (const [index, range] of ranges.entries()) {
      expect(range.base + range.sizeBytes).toBeLessThanOrEqual(ranges[index + 1]?.base ?? RAM_BASE);
    }
  });

  it('gives the slots their names, addresses and interrupts', () => {
    expect([virtioSlot(0), virtioSlot(7)]).toEqual([
      { name: 'virtio0', base: 0x1000_1000, sizeBytes: 0x1000, irq: 1 },
      { name: 'virtio7', base: 0x1000_8000, sizeBytes: 0x1000, irq: 8 },
    ]);
    expect([IRQ_SOURCE.uart0, IRQ_SOURCE.rtc]).toEqual([10, 11]);
    expect(() => virtioSlot(8)).toThrow(AssertionError);
  });

  it('has two contexts per hart, machine mode first', () => {
    expect([plicContext(0, 'm'), plicContext(0, 's'), plicContext(7, 's')]).toEqual([0, 1, 15]);
  });
});
