/**
 * Hostile drivers at register level: random accesses in random order and random descriptors, to an ATA channel and an e1000 with a peer. No
 * exception, a bounded number of steps and events, and after a reset an honest driver that is
 * served. Small RAM, so that most wild addresses are refused and some are not.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetPeer } from '../../../src/hypervisor/backends/index.ts';
import { E1000, E1000_TABLES } from '../../../src/machine/devices/e1000/e1000-registers.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { AtaRig, IDLE, R, RAM, SECTOR } from '../../support/ata-rig.ts';
import { E1000Rig, frame, MAC, TestWire } from '../../support/e1000-rig.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const RAM_BYTES = 0x4000;
const SIZES = fc.constantFrom<1 | 2 | 4>(1, 2, 4, 4);
const anyWord = fc.oneof(
  fc.nat(0xff),
  fc.nat(0xffff),
  fc.nat(RAM_BYTES).map((offset) => RAM + offset),
  fc.nat(0xffff_ffff),
);

describe('an ATA channel', () => {
  const COMMANDS = [0x20, 0x24, 0x25, 0x30, 0x34, 0x35, 0x40, 0x90, 0xc8, 0xca, 0xe5, 0xe7, 0xea, 0xec, 0xef];
  type Action =
    | { readonly kind: 'access'; readonly offset: number; readonly size: 1 | 2 | 4; readonly value: number }
    | { readonly kind: 'command'; readonly command: number; readonly sector: number; readonly count: number }
    | { readonly kind: 'data'; readonly words: number; readonly write: boolean; readonly size: 2 | 4 }
    | { readonly kind: 'region'; readonly index: number; readonly address: number; readonly counts: number }
    | { readonly kind: 'step' };
  const action: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('access' as const),
        offset: fc.oneof(fc.constantFrom(...Object.values(R)), fc.nat(0x8c), fc.nat(0xffc)),
        size: SIZES,
        value: anyWord,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('command' as const),
        command: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...COMMANDS) }, fc.nat(0xff)),
        sector: fc.nat(20),
        count: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.nat(0xff)),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('data' as const),
        words: fc.oneof(fc.constant(256), fc.nat(300)),
        write: fc.boolean(),
        size: fc.constantFrom<2 | 4>(2, 4),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('region' as const),
        index: fc.nat(3),
        address: anyWord,
        counts: fc.oneof(fc.constantFrom(0x8000_0200, 0x200, 0x8000_0000), fc.nat(0xffff_ffff)),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('step' as const) }) },
  );

  function perform(rig: AtaRig, what: Action): void {
    switch (what.kind) {
      case 'access':
        rig.channel.write(what.offset, what.size, what.size === 4 ? what.value : what.value & (256 ** what.size - 1));
        rig.channel.read(what.offset, what.size);
        break;
      case 'command':
        rig.command28(what.command, what.sector, what.count);
        break;
      case 'data':
        for (let i = 0; i < what.words; i++) {
          if (what.write) rig.set('Data', i, what.size);
          else rig.get('Data', what.size);
        }
        break;
      case 'region':
        rig.set('BMTable', RAM, 4);
        rig.set('BMCommand', 1 + 8 * (what.index & 1));
        rig.memory.write32(RAM + 8 * what.index, what.address);
        rig.memory.write32(RAM + 8 * what.index + 4, what.counts);
        break;
      default:
        rig.step();
    }
  }

  it('never throws, has one work at most under way, and obeys a reset', () => {
    const reached = new Set<number>();
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 80 }), (actions) => {
        const rig = new AtaRig(16, RAM_BYTES);
        for (const what of actions) {
          perform(rig, what);
          const { tasks } = plainStateOf(rig.schedule) as { tasks: readonly unknown[] };
          expect(tasks.length).toBeLessThanOrEqual(1);
          const status = rig.get('AltStatus');
          reached.add(status);
        }
        rig.set('BMCommand', 0);
        rig.set('DeviceControl', 4);
        rig.set('DeviceControl', 0);
        expect([rig.step(), rig.irq.level, rig.get('Status')]).toEqual([false, false, IDLE]);
        rig.command28(0x20, 1, 1);
        rig.settle();
        expect(Buffer.from(rig.readBlock()).equals(rig.disk.read(SECTOR, SECTOR))).toBe(true);
      }),
      { numRuns: 1000 },
    );
    // Nobody there, idle, failed, block wanted, busy: the generator reaches what it is there for.
    for (const status of [0, IDLE, IDLE | 1, IDLE | 8, 0x80]) expect(reached).toContain(status);
  });
});

describe('an e1000', () => {
  const OFFSETS = [...Object.values(E1000), ...Object.values(E1000_TABLES).map(({ offset }) => offset)];
  const RING_WRITES = [E1000.TDT, E1000.RDT, E1000.TDH, E1000.RDH, E1000.TDLEN, E1000.RDLEN, E1000.TDBAL, E1000.RDBAL];
  type Action =
    | { readonly kind: 'access'; readonly offset: number; readonly size: 1 | 2 | 4; readonly value: number }
    | { readonly kind: 'memory'; readonly offset: number; readonly value: number }
    | { readonly kind: 'transmit'; readonly lengthBytes: number; readonly command: number; readonly count: number }
    | { readonly kind: 'arrive'; readonly lengthBytes: number; readonly count: number }
    | { readonly kind: 'start' | 'service' | 'step' };
  const action: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('access' as const),
        offset: fc.oneof(fc.constantFrom(...OFFSETS), fc.constantFrom(...RING_WRITES), fc.nat(0x1_fffc)),
        size: SIZES,
        value: fc.oneof(fc.nat(20), anyWord),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('memory' as const), offset: fc.nat(0x7fc), value: anyWord }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('transmit' as const),
        lengthBytes: fc.oneof(fc.constant(64), fc.nat(1600)),
        command: fc.oneof(fc.constant(0x0b), fc.nat(0xff)),
        count: fc.integer({ min: 1, max: 15 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('arrive' as const),
        lengthBytes: fc.integer({ min: 14, max: 1514 }),
        count: fc.integer({ min: 1, max: 40 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('service' as const) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const) }) },
  );

  function perform(rig: E1000Rig, what: Action): void {
    switch (what.kind) {
      case 'access':
        rig.controller.write(what.offset, what.size, what.size === 4 ? what.value : what.value & 0xff);
        rig.controller.read(what.offset, what.size);
        break;
      case 'memory':
        rig.memory.write32(RAM + (what.offset & ~3), what.value);
        break;
      case 'transmit': {
        const tail = rig.controller.get('TDT') % 16;
        for (let i = 0; i < what.count; i++) {
          rig.describeTransmit(tail + i, RAM + 0x1_0000, what.lengthBytes, what.command);
        }
        rig.set('TDT', (tail + what.count) % 16);
        break;
      }
      case 'arrive':
        for (let i = 0; i < what.count; i++) rig.wire.deliver(frame(what.lengthBytes));
        break;
      case 'start':
        rig.start();
        break;
      case 'service':
        rig.get('ICR');
        rig.set('IMS', 0x9d);
        break;
      default:
        rig.step();
    }
  }

  it('never throws, stays bounded and works after a reset', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
        const rig = new E1000Rig(new TestWire(), 0x2_8000);
        rig.start();
        for (const what of actions) {
          const before = rig.events.length;
          perform(rig, what);
          const { tasks } = plainStateOf(rig.schedule) as { tasks: readonly unknown[] };
          // A packet out, a frame in, a throttle.
          expect(tasks.length).toBeLessThanOrEqual(3);
          // An arrival is a drop at worst; any other step finishes one piece of work and begins another.
          if (what.kind !== 'start') expect(rig.events.length - before).toBeLessThanOrEqual(64);
          for (const event of rig.events.slice(before)) seen.add(event.kind);
          const wanted = (rig.controller.get('ICR') & rig.controller.get('IMS')) !== 0;
          if (rig.irq.level) expect(wanted).toBe(true);
        }
        rig.start();
        expect(rig.step()).toBe(false);
        rig.wire.sent.length = 0;
        rig.transmit([[frame(64)]]);
        rig.wire.deliver(frame(64));
        rig.settle();
        expect([rig.wire.sent.length, rig.serviceInterrupt().length]).toEqual([1, 1]);
      }),
      { numRuns: 1000 },
    );
    expect([...seen].sort()).toEqual(['broken', 'complete', 'drop', 'notify', 'take', 'used']);
  });

  it('bears a peer that gets arbitrary frames', () => {
    const reached = { answered: 0, silent: 0 };
    const byte = fc.nat(255);
    const wild = fc.uint8Array({ minLength: 14, maxLength: 80 });
    const shaped = fc
      .record({ operation: fc.nat(5), interval: fc.nat(3), rest: fc.array(byte, { maxLength: 100 }) })
      .map(({ operation, interval, rest }) =>
        Uint8Array.from([2, 0x50, 0x54, 0, 0, 1, ...MAC, 0x88, 0xb5, operation, 0, 0, interval, ...rest]),
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(wild, shaped), { maxLength: 30 }), (frames) => {
        const rig = new VirtioRig(4096);
        const { schedule, events } = rig.backendOptions();
        const peer = new NetPeer({ name: 'nic', schedule, events, latencyCycles: 10 });
        const received: Uint8Array[] = [];
        peer.connect((bytes) => received.push(bytes));
        for (const bytes of frames) peer.send(bytes);
        rig.settle();
        expect(received.length).toBeLessThanOrEqual(frames.length);
        for (const bytes of received) expect(bytes.length).toBeGreaterThanOrEqual(22);
        reached.answered += received.length;
        reached.silent += frames.length - received.length;
      }),
      { numRuns: 300 },
    );
    expect(Math.min(reached.answered, reached.silent)).toBeGreaterThan(100);
  });
});
