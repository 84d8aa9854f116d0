import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirectPaging } from '../../../src/hypervisor/pv/direct-paging.ts';
import { FRAME_USE } from '../../../src/hypervisor/pv/frame-types.ts';
import { PV_ERROR } from '../../../src/hypervisor/pv/pv-errors.ts';
import { PTE } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { ArrayMemory } from '../../support/array-memory.ts';

const PAGE = 4096;
const FRAMES = 12;
const USER_PAGE = PTE.V | PTE.R | PTE.U | PTE.A | PTE.D;

class Guest {
  readonly memory = new ArrayMemory(FRAMES * PAGE);
  readonly flushed: number[] = [];
  readonly paging = new DirectPaging(this.memory, {
    frame: (frame) => void this.flushed.push(frame),
    written: () => {},
  });
  readonly first = this.memory.base / PAGE;

  pa(frame: number, index = 0): number {
    return (this.first + frame) * PAGE + index * 8;
  }

  /** An entry that leads to a frame. Frames count from the start of RAM. */
  entry(frame: number, flags: number): { low: number; high: number } {
    const number = this.first + frame;
    return { low: ((number << 10) | flags) >>> 0, high: Math.floor(number / 2 ** 22) };
  }

  /** What a guest does before a frame is a table: plain stores. */
  store(frame: number, index: number, entry: { low: number; high: number }): void {
    this.memory.write32(this.pa(frame, index), entry.low);
    this.memory.write32(this.pa(frame, index) + 4, entry.high);
  }

  use(frame: number): number {
    return this.paging.types.useOf(this.first + frame);
  }

  count(frame: number): number {
    return this.paging.types.countOf(this.first + frame);
  }

  pin(frame: number, level: 1 | 2 | 3): number {
    return this.paging.pin(this.first + frame, level);
  }

  unpin(frame: number): number {
    return this.paging.unpin(this.first + frame);
  }

  update(frame: number, index: number, entry: { low: number; high: number }): number {
    return this.paging.update(this.pa(frame, index), entry);
  }
}

/** A root in frame 0, a table of level 2 in frame 1, one of level 1 in frame 2, which maps frame 3 writable. */
function built(): Guest {
  const guest = new Guest();
  guest.store(0, 5, guest.entry(1, PTE.V));
  guest.store(1, 6, guest.entry(2, PTE.V));
  guest.store(2, 7, guest.entry(3, USER_PAGE | PTE.W));
  expect(guest.pin(0, 3)).toBe(0);
  return guest;
}

describe('pinning a root', () => {
  it('makes tables of all that it leads to', () => {
    const guest = built();
    expect([0, 1, 2, 3, 4].map((frame) => guest.use(frame))).toEqual([3, 2, 1, FRAME_USE.writable, FRAME_USE.none]);
  });

  it('and unpinning sets them free', () => {
    const guest = built();
    expect(guest.unpin(0)).toBe(0);
    expect([0, 1, 2, 3].map((frame) => guest.count(frame))).toEqual([0, 0, 0, 0]);
  });

  it('is refused as a whole for one bad entry at the end', () => {
    const guest = new Guest();
    guest.store(2, 7, guest.entry(3, USER_PAGE | PTE.W));
    guest.store(2, 511, guest.entry(0x1000, USER_PAGE));
    expect(guest.pin(2, 1)).toBe(PV_ERROR.EPERM);
    expect([2, 3].map((frame) => guest.count(frame))).toEqual([0, 0]);
  });

  it('is refused twice, at another level, and for frames of others', () => {
    const guest = built();
    expect(guest.pin(0, 3)).toBe(PV_ERROR.EEXIST);
    expect(guest.pin(1, 1)).toBe(PV_ERROR.EBUSY);
    expect(guest.pin(FRAMES, 1)).toBe(PV_ERROR.EPERM);
    expect(guest.unpin(1)).toBe(PV_ERROR.EINVAL);
  });
});

describe('an attack', () => {
  it.each([
    ['maps a page table writable', (guest: Guest) => guest.update(2, 0, guest.entry(1, USER_PAGE | PTE.W)), 'EBUSY'],
    ['maps the table that it changes writable', (g: Guest) => g.update(2, 0, g.entry(2, USER_PAGE | PTE.W)), 'EBUSY'],
    ['maps a frame that is not its own', (g: Guest) => g.update(2, 0, g.entry(FRAMES, USER_PAGE)), 'EPERM'],
    ['makes a table of a page it can write', (g: Guest) => g.update(1, 0, g.entry(3, PTE.V)), 'EBUSY'],
    ['makes a superpage', (guest: Guest) => guest.update(1, 0, guest.entry(0, USER_PAGE)), 'EINVAL'],
    ['hides a superpage behind no R', (guest: Guest) => guest.update(1, 0, guest.entry(0, PTE.V | PTE.X)), 'EINVAL'],
    ['makes a loop', (guest: Guest) => guest.update(1, 0, guest.entry(0, PTE.V)), 'EBUSY'],
    ['changes a page that is no table', (guest: Guest) => guest.update(4, 0, guest.entry(5, USER_PAGE)), 'EINVAL'],
    ['forges the address of an entry', (g: Guest) => g.paging.update(g.pa(2) + 4, g.entry(5, USER_PAGE)), 'EINVAL'],
    ['aims outside its memory', (g: Guest) => g.paging.update(g.pa(FRAMES), g.entry(5, USER_PAGE)), 'EPERM'],
    ['sets reserved bits', (g: Guest) => g.update(2, 0, { ...g.entry(5, USER_PAGE), high: 0x8000_0000 }), 'EINVAL'],
  ] as const)('that %s is refused and changes nothing', (_name, attack, error) => {
    const guest = built();
    const before = guest.memory.readBytes(guest.pa(0), FRAMES * PAGE);
    const counts = Array.from({ length: FRAMES }, (_, frame) => [guest.use(frame), guest.count(frame)]);
    expect(attack(guest)).toBe(PV_ERROR[error]);
    expect(guest.memory.readBytes(guest.pa(0), FRAMES * PAGE)).toEqual(before);
    expect(Array.from({ length: FRAMES }, (_, frame) => [guest.use(frame), guest.count(frame)])).toEqual(counts);
  });
});

describe('an update', () => {
  it('keeps A and D where it is asked to', () => {
    const guest = built();
    guest.memory.write32(guest.pa(2, 7), guest.entry(3, USER_PAGE | PTE.W).low);
    expect(guest.paging.update(guest.pa(2, 7), guest.entry(3, PTE.V | PTE.R | PTE.U), true)).toBe(0);
    expect(guest.memory.read32(guest.pa(2, 7)) & 0x3ff).toBe(PTE.V | PTE.R | PTE.U | PTE.A | PTE.D);
  });

  it('flushes a frame that becomes a table, when it does', () => {
    const guest = built();
    guest.flushed.length = 0;
    expect(guest.update(2, 7, { low: 0, high: 0 })).toBe(0);
    expect(guest.flushed).toEqual([]);
    expect(guest.pin(3, 1)).toBe(0);
    expect(guest.flushed).toEqual([guest.first + 3]);
  });

  it('finds the leaf entry of an address', () => {
    const guest = built();
    const va = { low: ((5 << 30) | (6 << 21) | (7 << 12)) >>> 0, high: 5 >>> 2 };
    expect(guest.paging.leafEntryPa(guest.first, va)).toBe(guest.pa(2, 7));
    expect(guest.paging.leafEntryPa(guest.first, { low: 0, high: 0 })).toBeUndefined();
  });
});

/** Uses that the entries of all tables come to, counted anew. */
function recount(guest: Guest): number[] {
  const counts = new Array<number>(FRAMES).fill(0);
  for (let frame = 0; frame < FRAMES; frame++) {
    if (guest.paging.types.isPinned(guest.first + frame)) counts[frame] = (counts[frame] ?? 0) + 1;
    const use = guest.use(frame);
    if (use === FRAME_USE.none || use === FRAME_USE.writable) continue;
    for (let index = 0; index < 512; index++) {
      const low = guest.memory.read32(guest.pa(frame, index));
      if ((low & PTE.V) === 0 || (use === 1 && (low & PTE.W) === 0)) continue;
      const target = (low >>> 10) - guest.first;
      counts[target] = (counts[target] ?? 0) + 1;
    }
  }
  return counts;
}

const frames = fc.nat({ max: FRAMES });
const flags = fc.constantFrom(PTE.V, USER_PAGE, USER_PAGE | PTE.W, USER_PAGE | PTE.X, 0, PTE.V | PTE.W | PTE.U);
const indexes = fc.nat({ max: 3 });
const levels = fc.constantFrom(1, 2, 3);
const operations = fc.oneof(
  fc.record({ op: fc.constant('store' as const), frame: frames, index: indexes, target: frames, flags }),
  fc.record({ op: fc.constant('update' as const), frame: frames, index: indexes, target: frames, flags }),
  fc.record({ op: fc.constant('pin' as const), frame: frames, level: levels }),
  fc.record({ op: fc.constant('unpin' as const), frame: frames }),
);

it('counts every use, and maps no table writable, whatever a guest asks for', () => {
  const reached = new Set<number>();
  fc.assert(
    fc.property(fc.array(operations, { minLength: 5, maxLength: 60 }), (list) => {
      const guest = new Guest();
      for (const operation of list) {
        const { frame } = operation;
        if (operation.op === 'pin') guest.pin(frame, operation.level as 1 | 2 | 3);
        else if (operation.op === 'unpin') guest.unpin(frame);
        else if (operation.op === 'update') {
          guest.update(frame, operation.index, guest.entry(operation.target, operation.flags));
        } else if (frame < FRAMES && (guest.use(frame) === FRAME_USE.none || guest.use(frame) === FRAME_USE.writable)) {
          guest.store(frame, operation.index, guest.entry(operation.target, operation.flags));
        }
        const counts = Array.from({ length: FRAMES }, (_, each) => guest.count(each));
        expect(counts).toEqual(recount(guest));
        for (let each = 0; each < FRAMES; each++) reached.add(guest.use(each));
      }
    }),
    { numRuns: 400 },
  );
  expect([...reached].sort()).toEqual([0, 1, 2, 3, 4]);
});
