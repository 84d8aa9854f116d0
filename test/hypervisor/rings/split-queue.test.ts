import { describe, expect, it } from 'vitest';
import type { DescriptorChain, RingViolationName } from '../../../src/hypervisor/rings/ring-model.ts';
import { SplitQueue } from '../../../src/hypervisor/rings/split-queue.ts';
import type { VirtioQueueSetup } from '../../../src/machine/devices/virtio-device.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { ArrayMemory } from '../../support/array-memory.ts';

const BASE = 0x8000_0000;
const DESC = BASE;
const AVAIL = BASE + 0x1000;
const USED = BASE + 0x2000;
const DATA = BASE + 0x4000;
const TABLE = BASE + 0x3000;
const RAM_BYTES = 0x10000;
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

type Row = [addr: number | bigint, len: number, flags: number, next: number];

/** A queue of 8 in RAM of 64 KiB, written to by hand. */
class Fixture {
  readonly memory = new ArrayMemory(RAM_BYTES);
  readonly queue: SplitQueue;
  readonly size: number;

  constructor(features = { eventIdx: false, indirect: true }, size = 8, sizeMax = 8) {
    const opened = SplitQueue.open(this.memory, setup({ size, sizeMax }), features);
    if (opened.kind !== 'queue') throw new Error(opened.violation.what);
    this.queue = opened.queue;
    this.size = size;
  }

  describe(table: number, index: number, [addr, len, flags, next]: Row): void {
    const at = table + 16 * index;
    this.memory.write64(at, BigInt(addr));
    this.memory.write32(at + 8, len);
    this.memory.write16(at + 12, flags);
    this.memory.write16(at + 14, next);
  }

  /** Writes rows from index 0 of the queue's table and publishes head 0. */
  offer(...rows: Row[]): void {
    rows.forEach((row, index) => {
      this.describe(DESC, index, row);
    });
    this.publish(0);
  }

  indirect(rows: Row[], lenBytes = 16 * rows.length): void {
    rows.forEach((row, index) => {
      this.describe(TABLE, index, row);
    });
    this.offer([TABLE, lenBytes, INDIRECT, 0]);
  }

  publish(...heads: number[]): void {
    const index = this.queue.reqProd();
    heads.forEach((head, i) => {
      this.memory.write16(AVAIL + 4 + 2 * (((index + i) & 0xffff) % this.size), head);
    });
    this.memory.write16(AVAIL + 2, (index + heads.length) & 0xffff);
  }

  take(): DescriptorChain {
    const taken = this.queue.take();
    if (taken.kind !== 'request') throw new Error(JSON.stringify(taken, (_, v) => String(v)));
    return taken.request;
  }

  violation(): [RingViolationName, bigint] {
    const taken = this.queue.take();
    if (taken.kind !== 'violation') throw new Error(`no violation but ${taken.kind}`);
    return [taken.violation.what, taken.violation.offending];
  }
}

function setup(changes: Partial<VirtioQueueSetup> = {}): VirtioQueueSetup {
  const areas = { desc: BigInt(DESC), driver: BigInt(AVAIL), device: BigInt(USED) };
  return { index: 0, sizeMax: 256, size: 8, ...areas, ...changes };
}

describe('opening a queue (virtio 1.2 2.7)', () => {
  const memory = new ArrayMemory(RAM_BYTES);
  const features = { eventIdx: true, indirect: true };
  const end = BigInt(BASE + RAM_BYTES);

  it.each<[string, Partial<VirtioQueueSetup>, RingViolationName, bigint]>([
    ['size 0', { size: 0 }, 'queue-size', 0n],
    ['a size that is no power of two', { size: 6 }, 'queue-size', 6n],
    ['a size past the maximum', { size: 512 }, 'queue-size', 512n],
    ['a size past that of all queues', { size: 65536, sizeMax: 65536 }, 'queue-size', 65536n],
    ['the largest 32-bit size', { size: 0x80000000, sizeMax: 32768 }, 'queue-size', 0x80000000n],
    ['a misaligned descriptor table', { desc: BigInt(DESC + 8) }, 'queue-alignment', BigInt(DESC + 8)],
    ['a misaligned avail ring', { driver: BigInt(AVAIL + 1) }, 'queue-alignment', BigInt(AVAIL + 1)],
    ['a misaligned used ring', { device: BigInt(USED + 2) }, 'queue-alignment', BigInt(USED + 2)],
    ['a descriptor table below RAM', { desc: 0n }, 'queue-outside-ram', 0n],
    ['a descriptor table across the end of RAM', { desc: end - 112n }, 'queue-outside-ram', end - 112n],
    ['an avail ring without room for used_event', { driver: end - 20n }, 'queue-outside-ram', end - 20n],
    ['a used ring without room for avail_event', { device: end - 68n }, 'queue-outside-ram', end - 68n],
    ['an address past 2^53', { device: 0xffffffff_80002000n }, 'queue-outside-ram', 0xffffffff_80002000n],
  ])('refuses %s', (_, changes, what, offending) => {
    expect(SplitQueue.open(memory, setup(changes), features)).toEqual({
      kind: 'violation',
      violation: { what, offending },
    });
  });

  it('accepts areas that end where RAM ends', () => {
    const last = { desc: end - 128n, driver: end - 22n, device: end - 72n };
    expect(SplitQueue.open(memory, setup({ ...last, driver: end - 22n }), features).kind).toBe('queue');
  });
});

describe('taking chains (2.7.5, 2.7.6)', () => {
  it('finds nothing in an empty ring', () => {
    expect(new Fixture().queue.take()).toEqual({ kind: 'empty' });
  });

  it('copies a chain of readable, then writable buffers', () => {
    const f = new Fixture();
    f.offer([DATA, 16, NEXT, 1], [DATA + 16, 512, NEXT | WRITE, 2], [DATA + 0x1000, 1, WRITE, 0]);
    expect(f.take()).toEqual({
      head: 0,
      descriptors: 3,
      indirect: false,
      readable: [{ pa: DATA, lengthBytes: 16 }],
      writable: [
        { pa: DATA + 16, lengthBytes: 512 },
        { pa: DATA + 0x1000, lengthBytes: 1 },
      ],
      readableBytes: 16,
      writableBytes: 513,
    });
    expect([f.queue.inFlight, f.queue.waiting()]).toEqual([1, 0]);
  });

  it('keeps its copy when the guest changes the descriptor afterwards', () => {
    const f = new Fixture();
    f.offer([DATA, 16, 0, 0]);
    const chain = f.take();
    f.describe(DESC, 0, [0, 0xffffffff, WRITE, 0]);
    expect(chain.readable).toEqual([{ pa: DATA, lengthBytes: 16 }]);
  });

  it('ignores flags it does not know and `next` without NEXT', () => {
    const f = new Fixture();
    f.offer([DATA, 4, 0xfff8, 0xffff]);
    expect(f.take().readableBytes).toBe(4);
  });

  it('accepts empty buffers', () => {
    const f = new Fixture();
    f.offer([DATA, 0, NEXT, 1], [DATA, 0, WRITE, 0]);
    expect(f.take()).toMatchObject({ descriptors: 2, readableBytes: 0, writableBytes: 0 });
  });

  it('goes on across the wrap of the 16-bit indexes', () => {
    const f = new Fixture({ eventIdx: true, indirect: false });
    f.describe(DESC, 3, [DATA, 8, WRITE, 0]);
    for (let i = 0; i < 65536 + 100; i++) {
      f.publish(3);
      f.queue.complete(f.take(), 8);
    }
    expect([f.queue.rspProd, f.memory.read16(USED + 2), f.queue.inFlight]).toEqual([100, 100, 0]);
    expect(f.queue.take()).toEqual({ kind: 'empty' });
  });

  it.each<[string, Row[], RingViolationName, number | bigint]>([
    ['a chain that returns to itself', [[DATA, 1, NEXT, 0]], 'descriptor-loop', 0],
    [
      'a loop of two',
      [
        [DATA, 1, NEXT, 1],
        [DATA, 1, NEXT, 0],
      ],
      'descriptor-loop',
      0,
    ],
    ['a next past the table', [[DATA, 1, NEXT, 8]], 'next-out-of-range', 8],
    ['a buffer below RAM', [[DATA - BASE, 1, 0, 0]], 'buffer-outside-ram', DATA - BASE],
    ['a buffer across the end of RAM', [[BASE + RAM_BYTES - 4, 5, 0, 0]], 'buffer-outside-ram', BASE + RAM_BYTES - 4],
    ['a length past RAM', [[DATA, 0xffffffff, WRITE, 0]], 'buffer-outside-ram', DATA],
    ['an address of 64 bits', [[0xffffffff_80004000n, 4, 0, 0]], 'buffer-outside-ram', 0xffffffff_80004000n],
    [
      'readable after writable',
      [
        [DATA, 1, NEXT | WRITE, 1],
        [DATA, 1, 0, 0],
      ],
      'readable-after-writable',
      DATA,
    ],
    ['NEXT and INDIRECT', [[TABLE, 16, NEXT | INDIRECT, 1]], 'indirect-with-next', 5],
    ['an empty indirect table', [[TABLE, 0, INDIRECT, 0]], 'indirect-length', 0],
    ['an indirect table of odd length', [[TABLE, 24, INDIRECT, 0]], 'indirect-length', 24],
    ['an indirect table outside RAM', [[BASE - 16, 16, INDIRECT, 0]], 'indirect-outside-ram', BASE - 16],
    [
      'an indirect table across the end',
      [[BASE + RAM_BYTES - 16, 32, INDIRECT, 0]],
      'indirect-outside-ram',
      BASE + RAM_BYTES - 16,
    ],
  ])('refuses %s', (_, rows, what, offending) => {
    const f = new Fixture();
    f.offer(...rows);
    expect(f.violation()).toEqual([what, BigInt(offending)]);
  });

  it('refuses a head past the table', () => {
    const f = new Fixture();
    f.publish(8);
    expect(f.violation()).toEqual(['head-out-of-range', 8n]);
  });

  it('refuses a head that is still in flight, and takes it again after completion', () => {
    const f = new Fixture();
    f.offer([DATA, 1, 0, 0]);
    const chain = f.take();
    f.publish(0);
    expect(f.violation()).toEqual(['head-in-flight', 0n]);
    f.queue.complete(chain, 0);
    expect(f.take().head).toBe(0);
  });

  it('refuses an index that jumps past the queue size', () => {
    const f = new Fixture();
    f.memory.write16(AVAIL + 2, 9);
    expect(f.violation()).toEqual(['avail-index-jump', 9n]);
  });

  it('refuses an index that moves backwards', () => {
    const f = new Fixture();
    f.offer([DATA, 1, 0, 0]);
    f.queue.complete(f.take(), 0);
    f.memory.write16(AVAIL + 2, 0);
    expect(f.violation()).toEqual(['avail-index-jump', 0n]);
  });

  it('counts chains in flight against the queue size', () => {
    const f = new Fixture();
    f.describe(DESC, 5, [DATA, 1, 0, 0]);
    f.publish(5);
    f.take();
    f.memory.write16(AVAIL + 2, 9);
    expect(f.violation()).toEqual(['avail-index-jump', 9n]);
  });

  it('bounds the bytes of a chain by 2^32 (2.7.5.2)', () => {
    const memory = new ArrayMemory(RAM_BYTES);
    // A memory that claims to be as large as RAM can be: three such buffers pass the limit.
    const large = Object.create(memory) as ArrayMemory;
    large.contains = (pa, lengthBytes) => pa >= BASE && pa + lengthBytes <= BASE + 3 * 2 ** 30;
    for (const name of ['read16', 'read32', 'read64'] as const) {
      Object.defineProperty(large, name, { value: memory[name].bind(memory) });
    }
    const opened = SplitQueue.open(large, setup(), { eventIdx: false, indirect: false });
    if (opened.kind !== 'queue') throw new Error('not opened');
    for (let i = 0; i < 3; i++) {
      memory.write64(DESC + 16 * i, BigInt(DATA));
      memory.write32(DESC + 16 * i + 8, 0x80000000);
      memory.write16(DESC + 16 * i + 12, WRITE | (i < 2 ? NEXT : 0));
      memory.write16(DESC + 16 * i + 14, i + 1);
    }
    memory.write16(AVAIL + 2, 1);
    expect(opened.queue.take()).toEqual({
      kind: 'violation',
      violation: { what: 'chain-too-large', offending: 0x1_80000000n },
    });
  });
});

describe('indirect descriptors (2.7.5.3)', () => {
  it('walks the table and ignores the write flag of the descriptor that refers to it', () => {
    const f = new Fixture();
    f.describe(TABLE, 0, [DATA, 16, NEXT, 2]);
    f.describe(TABLE, 2, [DATA + 32, 4, WRITE, 0]);
    f.offer([TABLE, 48, INDIRECT | WRITE, 0]);
    expect(f.take()).toMatchObject({ descriptors: 2, indirect: true, readableBytes: 16, writableBytes: 4 });
  });

  it('may follow plain descriptors (2.7.5.3.2)', () => {
    const f = new Fixture();
    f.describe(TABLE, 0, [DATA + 32, 4, WRITE, 0]);
    f.offer([DATA, 16, NEXT, 1], [TABLE, 16, INDIRECT, 0]);
    expect(f.take()).toMatchObject({ descriptors: 2, indirect: true, readableBytes: 16, writableBytes: 4 });
  });

  it('may be as long as the queue size of the device, beyond that of the queue', () => {
    const f = new Fixture({ eventIdx: false, indirect: true }, 8, 16);
    f.indirect(Array.from({ length: 16 }, (_, i) => [DATA, 1, i < 15 ? NEXT : 0, i + 1]));
    expect(f.take().descriptors).toBe(16);
  });

  it('is refused if longer', () => {
    const f = new Fixture();
    f.indirect(Array.from({ length: 9 }, (_, i) => [DATA, 1, i < 8 ? NEXT : 0, i + 1]));
    expect(f.violation()).toEqual(['chain-too-long', 9n]);
  });

  it.each<[string, Row[], RingViolationName, number]>([
    ['inside an indirect table', [[TABLE, 16, INDIRECT, 0]], 'indirect-nested', 0],
    [
      'that loops',
      [
        [DATA, 1, NEXT, 1],
        [DATA, 1, NEXT, 0],
      ],
      'descriptor-loop',
      0,
    ],
    [
      'whose next leaves the table',
      [
        [DATA, 1, NEXT, 2],
        [DATA, 1, 0, 0],
      ],
      'next-out-of-range',
      2,
    ],
  ])('is refused %s', (_, rows, what, offending) => {
    const f = new Fixture();
    f.indirect(rows);
    expect(f.violation()).toEqual([what, BigInt(offending)]);
  });

  it('is refused if not negotiated', () => {
    const f = new Fixture({ eventIdx: false, indirect: false });
    f.indirect([[DATA, 1, 0, 0]]);
    expect(f.violation()).toEqual(['indirect-not-negotiated', 4n]);
  });
});

describe('returning chains (2.7.8) and notifications (2.7.7, 2.7.10)', () => {
  it('writes id and length, then the index', () => {
    const f = new Fixture();
    f.describe(DESC, 2, [DATA, 8, WRITE, 0]);
    f.publish(2);
    f.queue.complete(f.take(), 5);
    expect([f.memory.read32(USED + 4), f.memory.read32(USED + 8), f.memory.read16(USED + 2)]).toEqual([2, 5, 1]);
  });

  it('obeys NO_INTERRUPT and sets NO_NOTIFY without EVENT_IDX', () => {
    const f = new Fixture();
    f.offer([DATA, 1, 0, 0]);
    f.queue.complete(f.take(), 0);
    expect(f.queue.shouldNotifyDriver()).toBe(true);
    f.memory.write16(AVAIL, 1);
    expect(f.queue.shouldNotifyDriver()).toBe(false);
    f.queue.suppressNotification();
    expect(f.memory.read16(USED)).toBe(1);
    expect(f.queue.armNotification()).toBe(false);
    expect(f.memory.read16(USED)).toBe(0);
  });

  it('interrupts under EVENT_IDX at the entry the driver waits for and ignores the flag', () => {
    const f = new Fixture({ eventIdx: true, indirect: false });
    f.memory.write16(AVAIL, 1);
    f.memory.write16(AVAIL + 4 + 2 * 8, 2);
    const delivered: boolean[] = [];
    f.describe(DESC, 0, [DATA, 1, 0, 0]);
    for (let i = 0; i < 5; i++) {
      f.publish(0);
      f.queue.complete(f.take(), 0);
      delivered.push(f.queue.shouldNotifyDriver());
    }
    expect(delivered).toEqual([false, false, true, false, false]);
  });

  it('decides once for a batch of completions', () => {
    const f = new Fixture({ eventIdx: true, indirect: false });
    f.memory.write16(AVAIL + 4 + 2 * 8, 1);
    for (let i = 0; i < 3; i++) f.describe(DESC, i, [DATA, 1, 0, 0]);
    f.publish(0, 1, 2);
    for (const chain of [f.take(), f.take(), f.take()]) f.queue.complete(chain, 0);
    expect([f.queue.shouldNotifyDriver(), f.queue.shouldNotifyDriver()]).toEqual([true, false]);
  });

  it('publishes avail_event when armed, leaves it stale when not, and never sets the flag under EVENT_IDX', () => {
    const f = new Fixture({ eventIdx: true, indirect: false });
    const availEvent = USED + 4 + 8 * 8;
    f.offer([DATA, 1, 0, 0]);
    const chain = f.take();
    f.queue.suppressNotification();
    expect([f.memory.read16(availEvent), f.memory.read16(USED)]).toEqual([0, 0]);
    expect(f.queue.armNotification()).toBe(false);
    expect(f.memory.read16(availEvent)).toBe(1);
    f.queue.complete(chain, 0);
    f.publish(0);
    expect(f.queue.armNotification()).toBe(true);
  });

  it('shows its whole state as plain data', () => {
    const f = new Fixture();
    f.offer([DATA, 1, 0, 0]);
    f.take();
    expect(plainStateOf(f.queue)).toMatchObject({ size: 8, lastAvail: 1, usedIndex: 0, armed: true });
  });
});
