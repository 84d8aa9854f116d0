import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { plainStateOf } from '../../../../src/machine/state-sink.ts';
import { E1000Rig, frame, MAC, RING } from '../../../support/e1000-rig.ts';

const BROADCAST = [255, 255, 255, 255, 255, 255];
const TXDW = 1;
const LSC = 4;
const RXDMT0 = 0x10;
const RXO = 0x40;
const RXT0 = 0x80;

function started(rctl?: number): E1000Rig {
  const rig = new E1000Rig();
  rig.start(rctl);
  return rig;
}

/** The frame as a controller stores it. */
function withFcs(bytes: Uint8Array): Uint8Array {
  const fcs = Buffer.alloc(4);
  fcs.writeUInt32LE(crc32(bytes));
  return Uint8Array.from([...bytes, ...fcs]);
}

describe('registers', () => {
  it('hold the address after reset, in RAL, RAH and EEPROM, whose words add up to BABAh', () => {
    const { controller } = new E1000Rig();
    expect(controller.read(0x5400, 4)).toBe(0x0054_5002);
    expect(controller.read(0x5404, 4)).toBe(0x8000_1000);
    const words = Array.from({ length: 64 }, (_, address) => {
      controller.write(0x14, 4, (address << 8) | 1);
      const value = controller.read(0x14, 4);
      expect(value & 0xff1f).toBe((address << 8) | 0x10);
      return value >>> 16;
    });
    expect(words.slice(0, 3)).toEqual([0x5002, 0x0054, 0x1000]);
    expect(words.reduce((sum, word) => sum + word, 0) & 0xffff).toBe(0xbaba);
  });

  it('bring the link up with SLU, and say so', () => {
    const rig = new E1000Rig();
    rig.set('IMS', LSC);
    expect([rig.get('STATUS') & 2, rig.irq.level]).toEqual([0, false]);
    rig.set('CTRL', 0x40);
    expect([rig.get('STATUS'), rig.irq.level]).toEqual([0x83, true]);
    expect([rig.get('ICR'), rig.irq.level, rig.get('ICR')]).toEqual([LSC, false, 0]);
  });

  it('answer 32-bit accesses only, and keep what exists of a value', () => {
    const { controller } = new E1000Rig();
    controller.write(0x2800, 2, 0x1234);
    expect([controller.read(0x2800, 4), controller.read(0x0008, 2)]).toEqual([0, 0]);
    for (const [offset, kept] of [
      [0x2800, 0xffff_fff0],
      [0x2808, 0x000f_ff80],
      [0x2810, 0xffff],
      [0x00c4, 0xffff],
      [0x5200, 0xffff_ffff],
      [0x4010, 0],
      [0x9000, 0],
    ] as const) {
      controller.write(offset, 4, 0xffff_ffff);
      expect(controller.read(offset, 4)).toBe(kept);
    }
  });

  it('have a PHY at address 1 only', () => {
    const { controller } = new E1000Rig();
    const mdi = (phy: number, register: number, operation = 2) => {
      controller.write(0x20, 4, ((operation << 26) | (phy << 21) | (register << 16)) >>> 0);
      return controller.read(0x20, 4);
    };
    expect([mdi(1, 2) & 0xffff, mdi(1, 3) & 0xffff, mdi(1, 1) & 4]).toEqual([0x0141, 0x0c20, 4]);
    expect([mdi(1, 2) >>> 28, mdi(2, 2) >>> 28]).toEqual([1, 5]);
  });

  it('have names', () => {
    const { controller } = new E1000Rig();
    const names = [0x3818, 0x00c0, 0x5204, 0x5400, 0x540c, 0x2804, 0x0004].map((at) => controller.registerName(at));
    expect(names).toEqual(['TDT', 'ICR', 'MTA[1]', 'RAL[0]', 'RAH[1]', 'RDBAH', undefined]);
  });

  it('set, mask and clear causes', () => {
    const rig = new E1000Rig();
    rig.set('ICS', RXT0 | LSC);
    expect(rig.irq.level).toBe(false);
    rig.set('IMS', RXT0);
    expect([rig.irq.level, rig.get('IMS')]).toEqual([true, RXT0]);
    rig.set('IMC', RXT0);
    expect([rig.irq.level, rig.get('IMS')]).toEqual([false, 0]);
    rig.set('ICR', LSC);
    expect(rig.get('ICR')).toBe(RXT0);
  });

  it('go back to their first values with CTRL.RST, whatever is under way', () => {
    const rig = started();
    rig.transmit([[frame(100)]]);
    rig.wire.deliver(frame(100));
    rig.set('CTRL', 1 << 26);
    expect([rig.step(), rig.get('TDLEN'), rig.get('IMS'), rig.irq.level]).toEqual([false, 0, 0, false]);
    expect(rig.controller.read(0x5404, 4)).toBe(0x8000_1000);
    const fresh = new E1000Rig();
    fresh.set('IMC', 0);
    expect(JSON.stringify(plainStateOf(rig.controller))).toBe(JSON.stringify(plainStateOf(fresh.controller)));
  });
});

describe('transmit', () => {
  it('sends a packet of several descriptors, pads it, writes status and interrupts once', () => {
    const rig = started();
    rig.transmit([[Uint8Array.from(frame(14)), Uint8Array.of(1, 2, 3)]]);
    expect(rig.takeAccesses()).toEqual(['write TDT']);
    expect([rig.schedule.next(), rig.txStatus(0)]).toEqual([1017, 0]);
    rig.settle();
    expect(rig.wire.sent.map((bytes) => [bytes.length, bytes[15], bytes[59]])).toEqual([[60, 2, 0]]);
    expect([rig.txStatus(0), rig.txStatus(1), rig.get('TDH'), rig.irq.rises]).toEqual([1, 1, 2, 1]);
    expect(rig.get('ICR') & TXDW).toBe(TXDW);
    expect([rig.get('GPTC'), rig.get('GPTC'), rig.get('GOTCL')]).toEqual([1, 0, 64]);
    const [device, queue] = ['e1000', 1];
    expect(rig.events).toEqual([
      { kind: 'notify', device, queue, availIndex: 2, waiting: 2 },
      {
        kind: 'take',
        device,
        queue,
        head: 0,
        descriptors: 2,
        indirect: false,
        readableBytes: 17,
        writableBytes: 0,
        inFlight: 1,
      },
      { kind: 'complete', device, queue, head: 0, writtenBytes: 0, usedIndex: 2, inFlight: 0 },
      { kind: 'used', device, queue, usedIndex: 2, delivered: true },
    ]);
  });

  it('takes a batch with one doorbell, one packet after the other, past the end of the ring', () => {
    const rig = started();
    for (let round = 0; round < 3; round++) {
      rig.transmit(Array.from({ length: 7 }, (_, i) => [frame(60 + i)]));
      rig.settle();
      rig.serviceInterrupt();
    }
    expect(rig.wire.sent.map(({ length }) => length % 60)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6,
    ]);
    expect([rig.get('TDH'), rig.takeAccesses().filter((access) => access === 'write TDT').length]).toEqual([5, 3]);
  });

  it('waits for the last descriptor of a packet, and for TCTL.EN', () => {
    const rig = started();
    rig.describeTransmit(0, RING + 0x1_0000, 60, 0x0a);
    rig.set('TDT', 1);
    expect(rig.step()).toBe(false);
    rig.set('TCTL', 0);
    rig.describeTransmit(1, RING + 0x1_0000, 60, 0x0b);
    rig.set('TDT', 2);
    expect(rig.step()).toBe(false);
    rig.set('TCTL', 2);
    rig.settle();
    expect(rig.wire.sent.map(({ length }) => length)).toEqual([120]);
  });

  it('does not tell of packets without RS', () => {
    const rig = started();
    rig.transmit([[frame(60)]], 0x02);
    rig.settle();
    expect([rig.wire.sent.length, rig.txStatus(0), rig.irq.rises]).toEqual([1, 0, 0]);
  });

  it.each([
    ['too-long', 0x0a, frame(1515)],
    ['too-short', 0x0a, frame(14).subarray(0, 13)],
    ['bad-fcs', 0x08, frame(64)],
    ['unsupported-descriptor', 0x2a, frame(64)],
  ])('loses a packet that is wrong, with an event: %s', (reason, command, bytes) => {
    const rig = started();
    if (reason === 'unsupported-descriptor') {
      rig.describeTransmit(0, RING, 0x10_0040, command | 1);
      rig.set('TDT', 1);
    } else {
      rig.transmit([[bytes]], command);
    }
    rig.settle();
    expect(rig.wire.sent).toEqual([]);
    expect(rig.of('drop')).toMatchObject([{ device: 'e1000', queue: 1, reason }]);
    expect([rig.txStatus(0), rig.get('TDH')]).toEqual([1, 1]);
  });

  it('takes the FCS of the driver where it is right', () => {
    const rig = started();
    rig.transmit([[withFcs(frame(70))]], 0x08);
    rig.settle();
    expect(rig.wire.sent).toEqual([frame(70)]);
  });

  it('passes over a context descriptor', () => {
    const rig = started();
    rig.describeTransmit(0, 0, 0, 0x28);
    rig.describeTransmit(1, RING, 60, 0x0b);
    rig.set('TDT', 2);
    rig.settle();
    expect([rig.wire.sent.length, rig.of('drop').length, rig.txStatus(0)]).toEqual([1, 0, 1]);
  });

  it('breaks for good on a buffer outside RAM, until reset', () => {
    const rig = started();
    rig.describeTransmit(0, 0x10_0000_0000n, 60, 0x0b);
    rig.set('TDT', 1);
    expect(rig.of('broken')).toEqual([
      { kind: 'broken', device: 'e1000', queue: 1, what: 'buffer-outside-ram', offending: 0x10_0000_0000n },
    ]);
    rig.set('TDT', 1);
    expect([rig.of('broken').length, rig.step()]).toEqual([1, false]);
    rig.start();
    rig.transmit([[frame(60)]]);
    rig.settle();
    expect(rig.wire.sent.length).toBe(1);
  });

  it.each([
    ['queue-outside-ram', 'TDBAL', 0x1000],
    ['queue-outside-ram', 'TDBAH', 1],
    ['head-out-of-range', 'TDH', 16],
  ] as const)('breaks on %s', (what, register, value) => {
    const rig = started();
    rig.set(register, value);
    rig.set('TDT', 1);
    expect(rig.of('broken')).toMatchObject([{ queue: 1, what }]);
  });
});

describe('receive', () => {
  it('stores a frame with its FCS, and costs a Linux-like driver five accesses and one', () => {
    const rig = started();
    rig.wire.deliver(frame(100));
    expect(rig.schedule.next()).toBe(1100);
    rig.settle();
    expect([rig.irq.level, rig.rxDescriptor(0)]).toEqual([true, { lengthBytes: 104, status: 7, errors: 0 }]);
    expect(rig.serviceInterrupt()).toEqual([withFcs(frame(100))]);
    expect(rig.takeAccesses()).toEqual([
      'read ICR',
      'write IMC',
      'read STATUS',
      'write RDT',
      'write IMS',
      'read STATUS',
    ]);
    expect([rig.get('RDH'), rig.get('GPRC'), rig.get('GORCL'), rig.irq.level]).toEqual([1, 1, 104, false]);
    expect(rig.kinds()).toEqual(['take', 'complete', 'used', 'notify']);
  });

  it('brings several frames with one interrupt while the driver is away', () => {
    const rig = started();
    for (let i = 0; i < 5; i++) rig.wire.deliver(frame(60 + i));
    rig.settle();
    expect([rig.irq.rises, rig.serviceInterrupt().length]).toEqual([1, 5]);
  });

  it('strips the FCS with SECRC, and spreads a frame over buffers', () => {
    const rig = started(0x0403_8002);
    rig.wire.deliver(frame(600));
    rig.settle();
    expect([0, 1, 2].map((index) => rig.rxDescriptor(index))).toMatchObject([
      { lengthBytes: 256, status: 5 },
      { lengthBytes: 256, status: 5 },
      { lengthBytes: 88, status: 7 },
    ]);
    expect([...rig.rxBuffer(1, 256)]).toEqual([...frame(600).subarray(256, 512)]);
  });

  it('keeps 64 frames for which there are no buffers, and loses what comes then', () => {
    const rig = started();
    for (let i = 0; i < 15; i++) rig.wire.deliver(frame(60));
    rig.settle();
    for (let i = 0; i < 66; i++) rig.wire.deliver(frame(60));
    expect(rig.of('drop')).toEqual(
      Array(2).fill({ kind: 'drop', device: 'e1000', queue: 0, lengthBytes: 60, reason: 'no-buffer' }),
    );
    expect([rig.get('MPC'), rig.get('RNBC'), rig.get('ICR') & RXO]).toEqual([2, 64, RXO]);
    rig.set('ICS', RXT0);
    let received = 0;
    for (let i = 0; i < 20; i++) {
      received += rig.serviceInterrupt().length;
      rig.settle();
    }
    expect(received).toBe(15 + 64);
  });

  it('tells once that half of the buffers are gone', () => {
    const rig = started();
    const causes = Array.from({ length: 10 }, () => {
      rig.wire.deliver(frame(60));
      rig.settle();
      return rig.get('ICR') & RXDMT0;
    });
    expect(causes).toEqual([0, 0, 0, 0, 0, 0, RXDMT0, 0, 0, 0]);
  });

  it('loses frames while the receiver is off', () => {
    const rig = started(0x8000);
    rig.wire.deliver(frame(60));
    expect(rig.of('drop')).toMatchObject([{ reason: 'receiver-off', queue: 0 }]);
  });

  it.each([
    ['its own address', MAC, 0x2, true],
    ['another address', [2, 0, 0, 0, 0, 1], 0x2, false],
    ['another address, promiscuous', [2, 0, 0, 0, 0, 1], 0xa, true],
    ['all, with BAM', BROADCAST, 0x8002, true],
    ['all, without', BROADCAST, 0x2, false],
    ['a group', [1, 0, 0x5e, 0, 0, 1], 0x2, false],
    ['a group, all of them wanted', [1, 0, 0x5e, 0, 0, 1], 0x12, true],
  ])('filters by address: %s', (_, destination, rctl, passes) => {
    const rig = started(rctl);
    rig.wire.deliver(frame(60, destination));
    rig.settle();
    expect(rig.rxDescriptor(0).status).toBe(passes ? 7 : 0);
    expect(rig.of('drop')).toEqual([]);
  });

  it('filters groups by the multicast table: the example of SDM 13.5.1', () => {
    // xx:xx:xx:xx:9x:BC: bits 47:36 are BC9h; row 94 is bits 11:5 of it, bit 9 bits 4:0.
    const rig = started();
    rig.controller.write(0x5200 + 4 * 94, 4, 1 << 9);
    rig.wire.deliver(frame(60, [1, 2, 3, 4, 0x9a, 0xbc]));
    rig.wire.deliver(frame(60, [1, 2, 3, 4, 0xaa, 0xbc]));
    rig.settle();
    expect([rig.rxDescriptor(0).status, rig.rxDescriptor(1).status, rig.get('MPRC')]).toEqual([7, 0, 1]);
  });

  it('breaks on a buffer outside RAM', () => {
    const rig = started();
    rig.describeReceive(0, 0x1000);
    rig.wire.deliver(frame(60));
    expect(rig.of('broken')).toMatchObject([{ queue: 0, what: 'buffer-outside-ram', offending: 0x1000n }]);
  });
});

describe('interrupt throttling', () => {
  it('keeps interrupts apart by ITR, and none is lost', () => {
    const rig = started();
    rig.set('ITR', 100);
    rig.set('ICS', RXT0);
    expect(rig.irq.level).toBe(true);
    rig.get('ICR');
    rig.set('ICS', RXT0);
    expect([rig.irq.level, rig.schedule.next()]).toEqual([false, 25_600]);
    rig.step();
    expect([rig.irq.level, rig.clock.cycle]).toEqual([true, 25_600]);
    rig.get('ICR');
    rig.clock.cycle += 25_600;
    rig.set('ICS', RXT0);
    expect([rig.irq.level, rig.step()]).toEqual([true, false]);
  });
});
