import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readConfigBytes,
  VIRTIO_F,
  type VirtioDevice,
  type VirtioQueueSetup,
  type VirtioTransport,
} from '../../../src/machine/devices/virtio-device.ts';
import {
  VIRTIO_MMIO as R,
  VIRTIO_STATUS as S,
  VIRTIO_INTERRUPT,
  VIRTIO_MMIO_CONFIG,
  VirtioMmio,
} from '../../../src/machine/devices/virtio-mmio.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';

const VERSION_1 = 1n << 32n;

class FakeDevice implements VirtioDevice {
  readonly deviceId = 42;
  readonly features = VERSION_1 | (1n << BigInt(VIRTIO_F.RING_EVENT_IDX)) | 0b101n;
  readonly queueSizesMax = [256, 8];
  readonly config = Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99);
  readonly calls: string[] = [];
  readonly setups: VirtioQueueSetup[] = [];
  transport: VirtioTransport | undefined;

  connect(transport: VirtioTransport): void {
    this.transport = transport;
  }
  readConfig(offset: number, size: 1 | 2 | 4): number {
    return readConfigBytes(this.config, offset, size);
  }
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.calls.push(`config ${offset} ${size} ${value}`);
  }
  onQueueEnabled(setup: VirtioQueueSetup): void {
    this.calls.push(`enabled ${setup.index}`);
    this.setups.push(setup);
  }
  onQueueDisabled(queue: number): void {
    this.calls.push(`disabled ${queue}`);
  }
  onNotify(queue: number): void {
    this.calls.push(`notify ${queue}`);
  }
  onReset(): void {
    this.calls.push('reset');
  }
  writeState(): void {}
}

function setUp() {
  const device = new FakeDevice();
  const irq = {
    level: false,
    set(level: boolean): void {
      this.level = level;
    },
  };
  const mmio = new VirtioMmio({ name: 'virtio0', base: 0x10001000, irq, device });
  const get = (register: number) => mmio.read(register, 4);
  const set = (register: number, value: number) => mmio.write(register, 4, value);
  const accept = (features: bigint) => {
    set(R.DriverFeaturesSel, 0);
    set(R.DriverFeatures, Number(features & 0xffffffffn));
    set(R.DriverFeaturesSel, 1);
    set(R.DriverFeatures, Number(features >> 32n));
  };
  const readyQueue = (index: number) => {
    set(R.QueueSel, index);
    set(R.QueueSize, 4);
    set(R.QueueReady, 1);
  };
  const run = () => {
    accept(VERSION_1);
    set(R.Status, 3);
    set(R.Status, 11);
    set(R.Status, 15);
  };
  return { device, irq, mmio, get, set, accept, readyQueue, run };
}

describe('identification (virtio 1.2 4.2.2)', () => {
  it('shows magic, version 2 and the device id', () => {
    const { get } = setUp();
    expect([get(R.MagicValue), get(R.Version), get(R.DeviceID)]).toEqual([0x74726976, 2, 42]);
  });

  it('is a placeholder without a device: id 0, everything else quiet', () => {
    const irq = { set: () => expect.unreachable() };
    const empty = new VirtioMmio({ name: 'virtio7', base: 0, irq });
    expect([empty.read(R.MagicValue, 4), empty.read(R.Version, 4), empty.read(R.DeviceID, 4)]).toEqual([
      0x74726976, 2, 0,
    ]);
    for (let offset = R.DeviceFeatures; offset < 0x200; offset += 4) {
      empty.write(offset, 4, 0xffffffff);
      expect(empty.read(offset, 4)).toBe(0);
    }
  });

  it('answers only 32-bit accesses to control registers', () => {
    const { mmio } = setUp();
    expect([mmio.read(R.MagicValue, 1), mmio.read(R.MagicValue, 2), mmio.read(R.MagicValue + 1, 4)]).toEqual([0, 0, 0]);
    mmio.write(R.Status, 1, 1);
    expect(mmio.read(R.Status, 4)).toBe(0);
  });

  it('names its registers', () => {
    const { mmio } = setUp();
    expect(mmio.registerName(0x50)).toBe('QueueNotify');
    expect(mmio.registerName(0x70)).toBe('Status');
    expect(mmio.registerName(0x104)).toBe('Config');
    expect(mmio.registerName(0x1c)).toBeUndefined();
  });

  it('reports absent shared memory regions with all ones', () => {
    const { get } = setUp();
    expect([get(R.SHMLenLow), get(R.SHMBaseHigh)]).toEqual([0xffffffff, 0xffffffff]);
  });
});

describe('feature negotiation (2.2, 3.1.1)', () => {
  it('offers 64 bits by selection and nothing beyond', () => {
    const { get, set } = setUp();
    set(R.DeviceFeaturesSel, 0);
    expect(get(R.DeviceFeatures)).toBe(0x20000005);
    set(R.DeviceFeaturesSel, 1);
    expect(get(R.DeviceFeatures)).toBe(1);
    set(R.DeviceFeaturesSel, 2);
    expect(get(R.DeviceFeatures)).toBe(0);
  });

  it.each([
    ['VERSION_1 is missing', 0b1n],
    ['a bit was not offered', VERSION_1 | 0b10n],
    ['a high bit was not offered', VERSION_1 | (1n << 63n)],
  ])('refuses FEATURES_OK when %s', (_, features) => {
    const { get, set, accept, device } = setUp();
    accept(features);
    set(R.Status, 3);
    set(R.Status, 11);
    expect(get(R.Status)).toBe(3);
    set(R.Status, 15);
    expect(get(R.Status) & S.DRIVER_OK).toBe(0);
    expect(device.transport?.negotiated).toBe(0n);
  });

  it('closes the set at FEATURES_OK', () => {
    const { get, set, accept, device } = setUp();
    accept(VERSION_1 | 1n);
    expect(device.transport?.negotiated).toBe(0n);
    set(R.Status, 11);
    expect(get(R.Status)).toBe(11);
    accept(VERSION_1 | 0b100n);
    expect(device.transport?.negotiated).toBe(VERSION_1 | 1n);
  });

  it('ignores feature words past the second', () => {
    const { get, set, accept } = setUp();
    accept(VERSION_1);
    set(R.DriverFeaturesSel, 2);
    set(R.DriverFeatures, 0xffffffff);
    set(R.Status, 11);
    expect(get(R.Status)).toBe(11);
  });
});

describe('status (2.1)', () => {
  it('never clears a bit but by reset, and keeps DEVICE_NEEDS_RESET for the device', () => {
    const { get, set, run } = setUp();
    run();
    set(R.Status, 1);
    expect(get(R.Status)).toBe(15);
    set(R.Status, 0x7f);
    expect(get(R.Status)).toBe(15);
    set(R.Status, 0x80);
    expect(get(R.Status)).toBe(15 | S.FAILED);
  });

  it('hands over ready queues at DRIVER_OK, in order, and later ones when they become ready', () => {
    const { device, set, run, readyQueue } = setUp();
    readyQueue(1);
    readyQueue(0);
    set(R.QueueNotify, 0);
    expect(device.calls).toEqual([]);
    run();
    expect(device.calls).toEqual(['enabled 0', 'enabled 1']);
    set(R.Status, 15);
    set(R.Status, 0x84);
    expect(device.calls).toHaveLength(2);
    set(R.QueueSel, 1);
    set(R.QueueReady, 0);
    set(R.QueueNotify, 1);
    readyQueue(1);
    set(R.QueueNotify, 1);
    expect(device.calls.slice(2)).toEqual(['disabled 1', 'enabled 1', 'notify 1']);
  });

  it('raises the configuration interrupt for DEVICE_NEEDS_RESET only once the driver is up', () => {
    const early = setUp();
    early.device.transport?.needsReset();
    expect([early.get(R.Status), early.irq.level]).toEqual([S.DEVICE_NEEDS_RESET, false]);
    const late = setUp();
    late.readyQueue(0);
    late.run();
    late.device.transport?.needsReset();
    expect(late.get(R.Status)).toBe(15 | S.DEVICE_NEEDS_RESET);
    expect([late.get(R.InterruptStatus), late.irq.level]).toEqual([VIRTIO_INTERRUPT.config, true]);
    late.set(R.QueueNotify, 0);
    expect(late.device.calls).toEqual(['enabled 0']);
  });

  it('resets everything with status 0', () => {
    const { device, irq, mmio, get, set, run, readyQueue } = setUp();
    const fresh = plainStateOf(mmio);
    readyQueue(0);
    run();
    device.transport?.notifyUsed();
    device.transport?.needsReset();
    set(R.Status, 0);
    expect(device.calls.at(-1)).toBe('reset');
    expect([get(R.Status), get(R.InterruptStatus), get(R.QueueReady), irq.level]).toEqual([0, 0, 0, false]);
    expect(plainStateOf(mmio)).toEqual(fresh);
    run();
    expect(get(R.Status)).toBe(15);
  });
});

describe('queues (4.2.2, 4.2.3.2)', () => {
  it('collects size and 64-bit addresses per selected queue', () => {
    const { device, set, run } = setUp();
    const values: [number, number][] = [
      [R.QueueSel, 1],
      [R.QueueSize, 8],
      [R.QueueDescHigh, 0x1],
      [R.QueueDescLow, 0xfffffff0],
      [R.QueueDriverLow, 0x80000002],
      [R.QueueDeviceLow, 0x80000004],
      [R.QueueDeviceHigh, 0xffffffff],
      [R.QueueReady, 1],
    ];
    for (const [register, value] of values) set(register, value);
    run();
    expect(device.setups).toEqual([
      {
        index: 1,
        sizeMax: 8,
        size: 8,
        desc: 0x1_fffffff0n,
        driver: 0x80000002n,
        device: 0xffffffff_80000004n,
      },
    ]);
  });

  it('keeps a ready queue as it is', () => {
    const { device, set, run, readyQueue } = setUp();
    readyQueue(0);
    set(R.QueueSize, 128);
    set(R.QueueDescLow, 0x1000);
    run();
    expect(device.setups[0]).toMatchObject({ size: 4, desc: 0n });
  });

  it('has no queue past the last', () => {
    const { device, get, set, run } = setUp();
    set(R.QueueSel, 0);
    expect(get(R.QueueSizeMax)).toBe(256);
    set(R.QueueSel, 2);
    expect(get(R.QueueSizeMax)).toBe(0);
    set(R.QueueReady, 1);
    expect(get(R.QueueReady)).toBe(0);
    run();
    set(R.QueueNotify, 2);
    set(R.QueueNotify, 0xffffffff);
    expect(device.calls).toEqual([]);
  });
});

describe('interrupts (4.2.2, 4.2.3.4)', () => {
  it('holds the line until every cause is acknowledged', () => {
    const { device, irq, get, set, run } = setUp();
    run();
    device.transport?.notifyUsed();
    device.transport?.needsReset();
    expect([get(R.InterruptStatus), irq.level]).toEqual([3, true]);
    set(R.InterruptACK, 1);
    expect([get(R.InterruptStatus), irq.level]).toEqual([2, true]);
    set(R.InterruptACK, 2);
    expect([get(R.InterruptStatus), irq.level]).toEqual([0, false]);
  });
});

describe('configuration space (2.5, 4.2.2)', () => {
  it('is read with any width and alignment, zero past its end, and at any status', () => {
    const { mmio } = setUp();
    expect(mmio.read(VIRTIO_MMIO_CONFIG, 1)).toBe(0x11);
    expect(mmio.read(VIRTIO_MMIO_CONFIG + 2, 2)).toBe(0x4433);
    expect(mmio.read(VIRTIO_MMIO_CONFIG + 4, 4)).toBe(0x88776655);
    expect(mmio.read(VIRTIO_MMIO_CONFIG + 7, 4)).toBe(0x9988);
    expect(mmio.read(VIRTIO_MMIO_CONFIG + 0x800, 4)).toBe(0);
    expect(mmio.read(R.ConfigGeneration, 4)).toBe(0);
  });

  it('passes writes on', () => {
    const { mmio, device } = setUp();
    mmio.write(VIRTIO_MMIO_CONFIG + 8, 2, 0xabcd);
    expect(device.calls).toEqual(['config 8 2 43981']);
  });
});

it('keeps its invariants under any sequence of register writes', () => {
  const registers = [...Object.values(R), VIRTIO_MMIO_CONFIG, 0x1c, 0x3];
  const value = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 8, 11, 15, 0x7f, 0xff), fc.nat(0xffffffff));
  const write = fc.tuple(fc.constantFrom(...registers), fc.constantFrom<1 | 2 | 4>(1, 2, 4, 4, 4), value);
  fc.assert(
    fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
      const { device, irq, mmio, get } = setUp();
      for (const [register, size, written] of writes) {
        const calls = device.calls.length;
        mmio.write(register, size, written);
        const status = get(R.Status);
        if ((status & S.DRIVER_OK) !== 0) expect(status & S.FEATURES_OK).toBe(S.FEATURES_OK);
        if ((status & S.FEATURES_OK) !== 0)
          expect(device.transport?.negotiated).toBe(VERSION_1 | (device.transport?.negotiated ?? 0n));
        expect((device.transport?.negotiated ?? 0n) & ~device.features).toBe(0n);
        const queueCalls = device.calls
          .slice(calls)
          .filter((call) => call.startsWith('notify') || call.startsWith('enabled'));
        if ((status & S.DRIVER_OK) === 0) expect(queueCalls).toEqual([]);
        expect(irq.level).toBe(get(R.InterruptStatus) !== 0);
      }
    }),
    { numRuns: 300 },
  );
});
