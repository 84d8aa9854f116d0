import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexDistance, needEvent } from '../../../src/hypervisor/rings/ring-model.ts';

const u16 = fc.nat(0xffff);

/** Sections 2.7.7.2 and 2.7.10.1 word by word: was some entry written whose index equals the event index? */
function writtenEntries(oldIndex: number, count: number, bits: 16 | 32): Set<number> {
  const entries = new Set<number>();
  for (let i = 0; i < count; i++) entries.add(bits === 16 ? (oldIndex + i) & 0xffff : (oldIndex + i) >>> 0);
  return entries;
}

describe('needEvent', () => {
  it('says yes exactly if the entry waited for was written (16 bits, virtio)', () => {
    const near = fc.integer({ min: -3, max: 300 });
    fc.assert(
      fc.property(u16, fc.nat(256), near, (oldIndex, count, eventOffset) => {
        const newIndex = (oldIndex + count) & 0xffff;
        const event = (oldIndex + eventOffset) & 0xffff;
        expect(needEvent(oldIndex, newIndex, event, 16)).toBe(writtenEntries(oldIndex, count, 16).has(event));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the model for every event index around a wrap', () => {
    for (const oldIndex of [0, 1, 0x7fff, 0xfffe, 0xffff]) {
      for (const count of [0, 1, 2, 255, 32768]) {
        const entries = writtenEntries(oldIndex, count, 16);
        const newIndex = (oldIndex + count) & 0xffff;
        let wrong = 0;
        for (let event = 0; event <= 0xffff; event++) {
          if (needEvent(oldIndex, newIndex, event, 16) !== entries.has(event)) wrong++;
        }
        expect(wrong, `old ${oldIndex} count ${count}`).toBe(0);
      }
    }
  });

  it('is the rule of Xen rings with their event index one ahead (32 bits)', () => {
    const u32 = fc.nat(0xffffffff);
    fc.assert(
      fc.property(u32, fc.nat(100), fc.integer({ min: -3, max: 110 }), (oldIndex, count, offset) => {
        const newIndex = (oldIndex + count) >>> 0;
        const reqEvent = (oldIndex + offset) >>> 0;
        // RING_PUSH_REQUESTS_AND_CHECK_NOTIFY: (RING_IDX)(new - req_event) < (RING_IDX)(new - old).
        const xen = (newIndex - reqEvent) >>> 0 < (newIndex - oldIndex) >>> 0;
        expect(needEvent(oldIndex, newIndex, (reqEvent - 1) >>> 0, 32)).toBe(xen);
        expect(xen).toBe(writtenEntries((oldIndex + 1) >>> 0, count, 32).has(reqEvent));
      }),
      { numRuns: 2000 },
    );
  });
});

it('counts distances across the wrap', () => {
  expect(indexDistance(0xffff, 1, 16)).toBe(2);
  expect(indexDistance(1, 0xffff, 16)).toBe(0xfffe);
  expect(indexDistance(0xffffffff, 1, 32)).toBe(2);
});
