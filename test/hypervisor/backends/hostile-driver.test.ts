/**
 * Hostile drivers: random register writes in random order and random memory under all back ends. No exception, a bounded
 * number of steps, a line that follows its status, a broken device that stays silent until reset, and writes to guest memory
 * only. Small RAM, so that most wild addresses are refused and some are not.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BlockBackend,
  ConsoleBackend,
  EntropyBackend,
  NetBackend,
  type NetWire,
  OverlayDisk,
} from '../../../src/hypervisor/backends/index.ts';
import { VIRTIO_MMIO, type VirtioMmio } from '../../../src/machine/devices/virtio-mmio.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const R = VIRTIO_MMIO;
const BASE = 0x8000_0000;
const RAM_BYTES = 0x4000;

/** Where the rings of a queue are. */
function areas(queue: number): { desc: number; driver: number; device: number } {
  const base = BASE + 0x1000 * queue;
  return { desc: base, driver: base + 0x800, device: base + 0xc00 };
}

type Backend = BlockBackend | ConsoleBackend | EntropyBackend | NetBackend;

const BACKENDS: Readonly<Record<string, (rig: VirtioRig) => Backend>> = {
  block: (rig) =>
    new BlockBackend({ ...rig.backendOptions('block'), disk: new OverlayDisk(new Uint8Array(8 * 512).fill(5)) }),
  console: (rig) =>
    new ConsoleBackend({
      ...rig.backendOptions('console'),
      out: { write: () => {} },
      pull: (maxBytes) => new Uint8Array(Math.min(maxBytes, 3)).fill(0x61),
    }),
  entropy: (rig) =>
    new EntropyBackend({ ...rig.backendOptions('rng'), randomBytes: (n) => new Uint8Array(n).fill(0x99) }),
  net: (rig) => {
    // What goes out comes back: both queues have something to do.
    let receive: (bytes: Uint8Array) => void = () => {};
    const wire: NetWire = {
      connect: (to) => {
        receive = to;
      },
      send: (bytes) => receive(bytes),
      writeState: () => {},
    };
    return new NetBackend({ ...rig.backendOptions('net'), wire, mac: [2, 0, 0, 0, 0, 1] });
  },
};

type Row = readonly [offset: number, len: number, flags: number, next: number];

/** Chains that each back end serves: a block request, room to write, bytes to read. */
const HONEST_ROWS: readonly Row[] = [
  [0x2000, 16, 1, 1],
  [0x2100, 512, 3, 2],
  [0x2400, 1, 2, 0],
  [0x2500, 64, 2, 0],
  [0x2600, 64, 0, 0],
  [0x2700, 2, 2, 0],
];

type Action =
  | { readonly kind: 'register'; readonly register: number; readonly value: number; readonly size: 1 | 2 | 4 }
  | { readonly kind: 'memory'; readonly offset: number; readonly value: number }
  | {
      readonly kind: 'descriptor';
      readonly queue: number;
      readonly index: number;
      readonly row: readonly [number, number, number, number];
    }
  | { readonly kind: 'publish'; readonly queue: number; readonly heads: readonly number[] }
  | { readonly kind: 'initialize' }
  | { readonly kind: 'step' };

const smallOrAny = fc.oneof({ arbitrary: fc.nat(16), weight: 3 }, { arbitrary: fc.nat(0xffffffff), weight: 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('register' as const),
      register: fc.oneof(fc.constantFrom(...Object.values(R)), fc.nat(0x200)),
      value: smallOrAny,
      size: fc.constantFrom<1 | 2 | 4>(4, 4, 4, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('memory' as const),
      offset: fc.oneof(
        fc.nat(0x300),
        fc.integer({ min: 0x800, max: 0x840 }),
        fc.integer({ min: 0x1800, max: 0x1840 }),
        fc.nat(RAM_BYTES - 4),
      ),
      value: smallOrAny,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('descriptor' as const),
      queue: fc.nat(1),
      index: fc.nat(7),
      row: fc.tuple(fc.nat(RAM_BYTES - 1), fc.oneof(fc.nat(600), fc.nat(64)), fc.nat(7), fc.nat(8)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      queue: fc.nat(1),
      heads: fc.array(fc.oneof(fc.constantFrom(0, 3, 4, 5), fc.nat(8)), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('initialize' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('step' as const) }) },
);

function set(mmio: VirtioMmio, register: number, value: number): void {
  mmio.write(register, 4, value);
}

/** What an honest driver does, so that the hostile part gets far. */
function initialize(mmio: VirtioMmio, queueCount: number): void {
  for (const status of [0, 1, 3]) set(mmio, R.Status, status);
  set(mmio, R.DriverFeaturesSel, 0);
  set(mmio, R.DriverFeatures, 0x3000_0000);
  set(mmio, R.DriverFeaturesSel, 1);
  set(mmio, R.DriverFeatures, 1);
  set(mmio, R.Status, 11);
  for (let queue = 0; queue < queueCount; queue++) {
    set(mmio, R.QueueSel, queue);
    set(mmio, R.QueueSize, 8);
    const { desc, driver, device } = areas(queue);
    set(mmio, R.QueueDescLow, desc);
    set(mmio, R.QueueDriverLow, driver);
    set(mmio, R.QueueDeviceLow, device);
    set(mmio, R.QueueReady, 1);
  }
  set(mmio, R.Status, 15);
}

function describeRow({ memory }: VirtioRig, queue: number, index: number, [offset, len, flags, next]: Row): void {
  const at = areas(queue).desc + 16 * index;
  memory.write64(at, BigInt(BASE + offset));
  memory.write32(at + 8, len);
  memory.write16(at + 12, flags);
  memory.write16(at + 14, next);
}

function perform(rig: VirtioRig, mmio: VirtioMmio, queueCount: number, what: Action): void {
  const { memory } = rig;
  switch (what.kind) {
    case 'register':
      mmio.write(what.register, what.size, what.value);
      mmio.read(what.register, what.size);
      break;
    case 'memory':
      memory.write32(BASE + what.offset, what.value);
      break;
    case 'descriptor':
      describeRow(rig, what.queue, what.index, what.row);
      break;
    case 'publish': {
      const { driver } = areas(what.queue);
      const index = memory.read16(driver + 2);
      what.heads.forEach((head, i) => {
        memory.write16(driver + 4 + 2 * ((index + i) % 8), head);
      });
      memory.write16(driver + 2, (index + what.heads.length) & 0xffff);
      set(mmio, R.QueueNotify, what.queue);
      break;
    }
    case 'initialize':
      for (let queue = 0; queue < queueCount; queue++) {
        // Indexes start at 0 again.
        memory.write32(areas(queue).driver, 0);
        memory.write32(areas(queue).device, 0);
        HONEST_ROWS.forEach((row, index) => {
          describeRow(rig, queue, index, row);
        });
      }
      initialize(mmio, queueCount);
      break;
    default:
      rig.step();
  }
}

describe.each(Object.keys(BACKENDS))('%s', (kind) => {
  it('never throws, stays bounded and is silent once broken', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
        const rig = new VirtioRig(RAM_BYTES);
        const make = BACKENDS[kind];
        if (make === undefined) throw new Error(kind);
        const backend = make(rig);
        const mmio = rig.slot(backend);
        const queueCount = backend.queueSizesMax.length;
        perform(rig, mmio, queueCount, { kind: 'initialize' });
        for (const what of actions) {
          const wasBroken = backend.broken;
          const eventsBefore = rig.events.length;
          perform(rig, mmio, queueCount, what);
          const events = rig.events.slice(eventsBefore);
          for (const event of events) seen.add(event.kind);
          // A queue of 8 chains: a notification, 8 taken, and what goes with one completion, per queue.
          expect(events.length).toBeLessThanOrEqual(queueCount * 16);
          if (wasBroken && backend.broken) expect(events).toEqual([]);
          if (backend.broken) {
            expect(mmio.read(R.Status, 4) & 64).toBe(64);
            expect(rig.schedule.next()).toBe(Number.POSITIVE_INFINITY);
          }
          expect(rig.irq.level).toBe(mmio.read(R.InterruptStatus, 4) !== 0);
        }
        set(mmio, R.Status, 0);
        expect([rig.step(), rig.irq.level, backend.broken]).toEqual([false, false, false]);
      }),
      { numRuns: 1000 },
    );
    // The generator reaches what it is there for.
    const lost = kind === 'net' ? ['drop'] : [];
    expect([...seen].sort()).toEqual(['avoidedExit', 'broken', 'complete', ...lost, 'notify', 'take', 'used']);
  });
});
