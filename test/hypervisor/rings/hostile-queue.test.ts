/**
 * Hostile rings: random descriptors, indexes and set-ups over a memory that counts its accesses. Whatever is written there,
 * `take` gives a chain that lies in RAM, nothing, or a violation, after a bounded number of accesses.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SplitQueue } from '../../../src/hypervisor/rings/split-queue.ts';
import { ArrayMemory } from '../../support/array-memory.ts';

const BASE = 0x8000_0000;
const RAM_BYTES = 0x2000;

class CountingMemory extends ArrayMemory {
  accesses = 0;
  override read16(pa: number): number {
    this.accesses++;
    return super.read16(pa);
  }
  override read64(pa: number): bigint {
    this.accesses++;
    return super.read64(pa);
  }
}

const address = fc.oneof(
  fc.nat(RAM_BYTES - 1).map((offset) => BigInt(BASE + offset)),
  fc.nat(RAM_BYTES / 16 - 1).map((row) => BigInt(BASE + 16 * row)),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const length = fc.oneof(
  fc.nat(64),
  fc.nat(8).map((rows) => 16 * rows),
  fc.nat(0xffffffff),
);
const wild = fc.tuple(address, length, fc.oneof(fc.nat(7), fc.nat(0xffff)), fc.oneof(fc.nat(9), fc.nat(0xffff)));
const plausible = fc.tuple(
  fc.nat(RAM_BYTES - 0x100).map((offset) => BigInt(BASE + offset)),
  fc.nat(64),
  fc.constantFrom(0, 1, 1, 2, 3),
  fc.nat(7),
);
const descriptor = fc.oneof({ arbitrary: plausible, weight: 8 }, { arbitrary: wild, weight: 1 });
const index = fc.oneof(
  { arbitrary: fc.nat(7), weight: 6 },
  { arbitrary: fc.nat(20), weight: 1 },
  { arbitrary: fc.nat(0xffff), weight: 1 },
);

it('gives a valid chain, nothing, or a violation, in bounded work', () => {
  const scenario = fc.record({
    sizeLog: fc.constantFrom(0, 1, 2, 3, 3, 3, 4),
    sizeMax: fc.constantFrom(16, 64),
    eventIdx: fc.boolean(),
    indirect: fc.boolean(),
    areas: fc.tuple(fc.nat(0xff), fc.nat(0x3ff), fc.nat(0x1ff)),
    descriptors: fc.array(descriptor, { minLength: 1, maxLength: 64 }),
    avail: fc.array(index, { minLength: 20, maxLength: 20 }),
    published: fc.array(index, { minLength: 1, maxLength: 6 }),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(scenario, ({ sizeLog, sizeMax, eventIdx, indirect, areas, descriptors, avail, published }) => {
      const memory = new CountingMemory(RAM_BYTES);
      const [desc, driver, device] = [BASE + 16 * areas[0], BASE + 2 * areas[1], BASE + 0x1000 + 4 * areas[2]];
      const size = 1 << sizeLog;
      const place = { index: 0, sizeMax, size, desc: BigInt(desc), driver: BigInt(driver), device: BigInt(device) };
      const opened = SplitQueue.open(memory, place, { eventIdx, indirect });
      if (opened.kind === 'violation') return;
      descriptors.forEach(([addr, len, flags, next], i) => {
        const at = desc + 16 * i;
        if (!memory.contains(at, 16)) return;
        memory.write64(at, addr);
        memory.write32(at + 8, len);
        memory.write16(at + 12, flags);
        memory.write16(at + 14, next);
      });
      avail.forEach((head, i) => {
        if (i < size) memory.write16(driver + 4 + 2 * i, head);
      });
      for (const availIndex of published) {
        memory.write16(driver + 2, availIndex);
        // One more than the queue holds: only an unbounded ring could give that many without a completion.
        for (let i = 0; i <= size; i++) {
          memory.accesses = 0;
          const taken = opened.queue.take();
          expect(memory.accesses).toBeLessThanOrEqual(8 + 4 * (size + sizeMax));
          seen.add(taken.kind === 'violation' ? taken.violation.what : taken.kind);
          if (taken.kind === 'empty') break;
          if (taken.kind === 'violation') return;
          expect(i).toBeLessThan(size);
          const chain = taken.request;
          expect(chain.descriptors).toBeLessThanOrEqual(sizeMax);
          const segments = [...chain.readable, ...chain.writable];
          for (const { pa, lengthBytes } of segments) expect(memory.contains(pa, lengthBytes)).toBe(true);
          if (i % 2 === 0) opened.queue.complete(chain, chain.writableBytes);
          opened.queue.shouldNotifyDriver();
          opened.queue.armNotification();
        }
      }
    }),
    { numRuns: 6000 },
  );
  // The generator reaches what it is there for.
  for (const what of [
    'request',
    'empty',
    'avail-index-jump',
    'buffer-outside-ram',
    'indirect-length',
    'descriptor-loop',
  ]) {
    expect(seen).toContain(what);
  }
});
