import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/assert.ts';
import { OverlayDisk } from '../../../src/hypervisor/backends/overlay-disk.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';

/** Element-wise matchers are too slow for whole disks. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe('OverlayDisk', () => {
  it('ends on a sector boundary, filled up with zeros', () => {
    const disk = new OverlayDisk(Uint8Array.from({ length: 700 }, () => 7));
    expect([disk.capacitySectors, disk.sizeBytes]).toEqual([2, 1024]);
    expect([...disk.read(698, 4)]).toEqual([7, 7, 0, 0]);
    disk.write(1020, Uint8Array.of(1, 2, 3, 4));
    expect([...disk.read(1019, 5)]).toEqual([0, 1, 2, 3, 4]);
  });

  it('refuses accesses past the end', () => {
    const disk = new OverlayDisk(new Uint8Array(512));
    expect(() => disk.read(512, 1)).toThrow(AssertionError);
    expect(() => disk.write(511, new Uint8Array(2))).toThrow(AssertionError);
    expect(disk.read(512, 0).length).toBe(0);
  });

  it('behaves as an array and never changes its base', () => {
    const sizeBytes = 20_000;
    const access = fc.record({
      offset: fc.nat(20_479),
      bytes: fc.uint8Array({ maxLength: 9000 }),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 12 }), (accesses) => {
        const base = Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31) & 0xff);
        const original = base.slice();
        const disk = new OverlayDisk(base);
        const model = new Uint8Array(disk.sizeBytes);
        model.set(base);
        const touched = new Set<number>();
        for (const { offset, bytes, write } of accesses) {
          const part = bytes.subarray(0, Math.min(bytes.length, disk.sizeBytes - offset));
          if (write) {
            disk.write(offset, part);
            model.set(part, offset);
            for (let at = offset; at < offset + part.length; at++) touched.add(Math.floor(at / 4096));
          } else {
            const read = disk.read(offset, part.length);
            expect(same(read, model.slice(offset, offset + part.length))).toBe(true);
            // A copy: what the reader does with it changes no disk.
            read.fill(0xaa);
          }
        }
        expect(same(disk.read(0, disk.sizeBytes), model)).toBe(true);
        expect(same(base, original)).toBe(true);
        const blocks = [...touched].sort((a, b) => a - b);
        const padded = new Uint8Array(Math.ceil(disk.sizeBytes / 4096) * 4096);
        padded.set(model);
        const state = plainStateOf(disk) as { blocks: { block: number; bytes: Uint8Array }[] };
        expect(state.blocks.map(({ block }) => block)).toEqual(blocks);
        for (const { block, bytes } of state.blocks) {
          expect(same(bytes, padded.slice(block * 4096, (block + 1) * 4096))).toBe(true);
        }
      }),
    );
  });
});
