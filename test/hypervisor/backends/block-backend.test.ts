import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BACKEND_TIMING } from '../../../src/hypervisor/backends/backend-timing.ts';
import { BlockBackend } from '../../../src/hypervisor/backends/block-backend.ts';
import { OverlayDisk } from '../../../src/hypervisor/backends/overlay-disk.ts';
import { VIRTIO_F } from '../../../src/machine/devices/virtio-device.ts';
import { VIRTIO_MMIO_CONFIG, VIRTIO_STATUS } from '../../../src/machine/devices/virtio-mmio.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { type Buffer, MockDriver, R } from '../../support/mock-driver.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8 };
const S = { OK: 0, IOERR: 1, UNSUPP: 2 };
const TIMING = DEFAULT_BACKEND_TIMING.block;

function setUp(options: { imageBytes?: number; readOnly?: boolean; size?: number; without?: number[] } = {}) {
  const rig = new VirtioRig();
  const image = Uint8Array.from({ length: options.imageBytes ?? 32 * 512 }, (_, i) => (i >> 9) + (i & 0x3f));
  const disk = new OverlayDisk(image);
  const backend = new BlockBackend({ ...rig.backendOptions('disk0'), disk, readOnly: options.readOnly ?? false });
  const mmio = rig.slot(backend);
  const driver = new MockDriver(rig.memory, mmio);
  driver.start([options.size ?? 16], options.without);
  const queue = driver.queue(0);
  /** Posts one request, runs it, returns its status byte, data and used length. */
  const request = (buffers: Buffer[], indirect = false) => {
    queue.post(buffers, { indirect });
    queue.publish();
    rig.settle();
    const [done] = queue.collect();
    if (done === undefined) throw new Error('nothing came back');
    return { status: done.data.at(-1), data: done.data.slice(0, -1), lenBytes: done.lenBytes };
  };
  return { rig, image, disk, backend, mmio, driver, queue, request };
}

function header(type: number, sector = 0n): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, sector, true);
  return new Uint8Array(view.buffer);
}

const out = (bytes: Uint8Array): Buffer => ({ out: bytes });
const room = (roomBytes: number): Buffer => ({ roomBytes });
const STATUS = room(1);

describe('configuration (virtio 1.2 5.2.4)', () => {
  it('tells capacity, segments and block size', () => {
    const { mmio, driver } = setUp({ imageBytes: 3 * 512 + 1 });
    expect([0, 4, 12, 20].map((offset) => mmio.read(VIRTIO_MMIO_CONFIG + offset, 4))).toEqual([4, 0, 254, 512]);
    expect(mmio.read(R.DeviceID, 4)).toBe(2);
    expect(driver.offered()).toBe((1n << 2n) | (1n << 6n) | (1n << 9n) | (1n << 28n) | (1n << 29n) | (1n << 32n));
  });
});

describe('requests (5.2.6)', () => {
  it('reads sectors into however many buffers there are', () => {
    const { request, image } = setUp();
    const done = request([out(header(T.IN, 3n)), room(100), room(412), room(512), STATUS]);
    expect(done).toEqual({ status: S.OK, data: image.slice(3 * 512, 5 * 512), lenBytes: 1025 });
  });

  it('makes no assumption about framing (2.7.4.1)', () => {
    const { request, image } = setUp();
    const h = header(T.IN, 1n);
    const done = request([out(h.slice(0, 5)), out(h.slice(5)), room(513)]);
    expect(done).toEqual({ status: S.OK, data: image.slice(512, 1024), lenBytes: 513 });
    const written = new Uint8Array(16 + 512).fill(9);
    written.set(header(T.OUT, 1n));
    expect(request([out(written), STATUS]).status).toBe(S.OK);
    expect(request([out(header(T.IN, 1n)), room(513)]).data).toEqual(new Uint8Array(512).fill(9));
  });

  it('writes sectors to the overlay, never to the image', () => {
    const { request, image } = setUp();
    const before = image.slice();
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i & 0xff);
    expect(request([out(header(T.OUT, 30n)), out(bytes), STATUS])).toMatchObject({ status: S.OK, lenBytes: 1 });
    expect(request([out(header(T.IN, 30n)), room(1024), STATUS]).data).toEqual(bytes);
    expect(image).toEqual(before);
  });

  it('works through indirect descriptors', () => {
    const { request, image, rig } = setUp();
    const done = request([out(header(T.IN, 0n)), room(512), STATUS], true);
    expect(done).toMatchObject({ status: S.OK, data: image.slice(0, 512) });
    expect(rig.of('take')).toMatchObject([{ indirect: true, descriptors: 3, readableBytes: 16, writableBytes: 513 }]);
  });

  it('flushes', () => {
    const { request } = setUp();
    expect(request([out(header(T.FLUSH)), STATUS])).toMatchObject({ status: S.OK, lenBytes: 1 });
  });

  it('gives its id, filled up with NUL', () => {
    const { request } = setUp();
    const id = new TextDecoder().decode(request([out(header(T.GET_ID)), room(20), STATUS]).data);
    expect(id).toBe('disk0'.padEnd(20, '\0'));
  });

  it('answers what it does not know with UNSUPP', () => {
    const { request } = setUp();
    expect(request([out(header(11)), room(512), STATUS]).status).toBe(S.UNSUPP);
  });

  it.each<[string, Buffer[]]>([
    ['a read past the end', [out(header(T.IN, 31n)), room(1024), STATUS]],
    ['a read far past the end', [out(header(T.IN, (1n << 64n) - 1n)), room(512), STATUS]],
    ['a read of part of a sector', [out(header(T.IN, 0n)), room(511), STATUS]],
    ['a write past the end', [out(header(T.OUT, 32n)), out(new Uint8Array(512)), STATUS]],
    ['a write of part of a sector', [out(header(T.OUT, 0n)), out(new Uint8Array(100)), STATUS]],
    ['an id that does not fit', [out(header(T.GET_ID)), room(19), STATUS]],
    ['a header that is cut off', [out(header(T.IN).slice(0, 15)), room(512), STATUS]],
    ['no header at all', [room(512), STATUS]],
  ])('answers %s with IOERR and moves nothing', (_, buffers) => {
    const { request, disk } = setUp();
    const done = request(buffers);
    expect(done.status).toBe(S.IOERR);
    // The used length ends where the first gap begins (2.7.8.2): before data that was not written.
    expect(done.lenBytes).toBe(done.data.length === 0 ? 1 : 0);
    expect(done.data.every((byte) => byte === 0)).toBe(true);
    expect(plainStateOf(disk)).toMatchObject({ blocks: [] });
  });

  it('fails every write to a read-only disk (5.2.6.2)', () => {
    const { request, disk, driver } = setUp({ readOnly: true });
    expect(driver.offered() & (1n << 5n)).not.toBe(0n);
    expect(request([out(header(T.OUT)), out(new Uint8Array(512)), STATUS]).status).toBe(S.IOERR);
    expect(request([out(header(T.IN)), room(512), STATUS]).status).toBe(S.OK);
    expect(plainStateOf(disk)).toMatchObject({ blocks: [] });
  });

  it('reads the header once: what the guest changes in flight changes nothing', () => {
    const { rig, queue, image } = setUp();
    queue.post([out(header(T.IN, 2n)), room(512), STATUS]);
    queue.publish();
    const headerPa = Number(rig.memory.read64(queue.place.desc));
    rig.memory.writeBytes(headerPa, header(T.OUT, 5n));
    rig.settle();
    expect(queue.collect()[0]?.data.slice(0, 512)).toEqual(image.slice(1024, 1536));
  });

  it('breaks on a request without room for its status', () => {
    const { rig, queue, driver, backend } = setUp();
    queue.post([out(header(T.FLUSH))]);
    queue.publish();
    rig.settle();
    expect(rig.of('broken')).toEqual([
      { kind: 'broken', device: 'disk0', queue: 0, what: 'no-status-byte', offending: 0n },
    ]);
    expect(driver.get(R.Status) & VIRTIO_STATUS.DEVICE_NEEDS_RESET).not.toBe(0);
    expect(driver.acknowledge()).toBe(2);
    expect(backend.broken).toBe(true);
  });
});

describe('timing, order and events', () => {
  it('takes latency plus a price per sector, one request after the other', () => {
    const { rig, queue } = setUp();
    rig.clock.cycle = 5000;
    queue.post([out(header(T.IN)), room(1024), STATUS]);
    queue.post([out(header(T.FLUSH)), STATUS]);
    queue.publish();
    expect(rig.schedule.next()).toBe(5000 + TIMING.latencyCycles + 2 * TIMING.perSectorCycles);
    rig.step();
    expect(queue.collect()).toHaveLength(1);
    expect(rig.schedule.next()).toBe(5000 + 2 * TIMING.latencyCycles + 2 * TIMING.perSectorCycles);
    rig.settle();
    expect(queue.collect()).toHaveLength(1);
    expect(rig.events.map(({ kind }) => kind)).toEqual([
      'notify',
      'take',
      'take',
      'avoidedExit',
      'complete',
      'used',
      'complete',
      'used',
    ]);
    expect(rig.of('notify')).toEqual([{ kind: 'notify', device: 'disk0', queue: 0, availIndex: 2, waiting: 2 }]);
    expect(rig.of('take').map(({ inFlight }) => inFlight)).toEqual([1, 2]);
    expect(rig.of('avoidedExit')).toMatchObject([{ operation: 'ring-publish', device: 'disk0', queue: 0, count: 1 }]);
    expect(rig.of('complete')).toMatchObject([
      { writtenBytes: 1025, usedIndex: 1, inFlight: 1 },
      { writtenBytes: 1, usedIndex: 2, inFlight: 0 },
    ]);
  });

  it('moves the data when it completes, not before', () => {
    const { rig, queue, image } = setUp();
    queue.post([out(header(T.IN)), room(512), STATUS]);
    queue.publish();
    const pa = Number(rig.memory.read64(queue.place.desc + 16));
    expect(rig.memory.readBytes(pa, 512).some((byte) => byte !== 0)).toBe(false);
    rig.settle();
    expect(rig.memory.readBytes(pa, 512)).toEqual(image.slice(0, 512));
  });

  it.each([
    ['EVENT_IDX', []],
    ['flags', [VIRTIO_F.RING_EVENT_IDX]],
  ])('wants no notification while it is busy and finds new requests itself (%s)', (_, without) => {
    const { rig, queue } = setUp({ without });
    const post = () => {
      queue.post([out(header(T.IN)), room(512), STATUS]);
      queue.publish();
    };
    post();
    post();
    post();
    expect([queue.notified, queue.suppressed]).toEqual([1, 2]);
    rig.settle();
    expect(queue.collect()).toHaveLength(3);
    post();
    expect(queue.notified).toBe(2);
  });

  it.each([
    ['EVENT_IDX', []],
    ['flags', [VIRTIO_F.RING_EVENT_IDX]],
  ])('interrupts only as the driver asks (%s)', (_, without) => {
    const { rig, queue, driver } = setUp({ without });
    const run = () => {
      queue.post([out(header(T.FLUSH)), STATUS]);
      queue.publish();
      rig.settle();
      queue.collect();
      return driver.acknowledge();
    };
    queue.armInterrupt();
    expect(run()).toBe(1);
    queue.disarmInterrupt();
    expect([run(), rig.irq.level]).toEqual([0, false]);
    expect(rig.of('used').map(({ delivered }) => delivered)).toEqual([true, false]);
  });

  it('interrupts once for a batch when the driver waits for its last entry', () => {
    const { rig, queue } = setUp();
    for (let i = 0; i < 5; i++) queue.post([out(header(T.FLUSH)), STATUS]);
    queue.armInterrupt(4);
    queue.publish();
    rig.settle();
    expect(rig.of('used').map(({ delivered }) => delivered)).toEqual([false, false, false, false, true]);
    expect(rig.irq.rises).toBe(1);
  });
});

describe('reset and queue hand-over', () => {
  it('drops what is in flight', () => {
    const { rig, queue, driver, backend } = setUp();
    queue.post([out(header(T.OUT)), out(new Uint8Array(512).fill(1)), STATUS]);
    queue.publish();
    driver.set(R.Status, 0);
    expect(rig.schedule.next()).toBe(Number.POSITIVE_INFINITY);
    expect(plainStateOf(backend.disk)).toMatchObject({ blocks: [] });
    expect(plainStateOf(backend)).toMatchObject({ broken: false, queues: [{}] });
  });

  it('serves again after a reset, also from broken', () => {
    const { rig, queue, driver, image } = setUp();
    rig.memory.write16(queue.place.avail + 2, 999);
    driver.set(R.QueueNotify, 0);
    expect(rig.of('broken')).toMatchObject([{ what: 'avail-index-jump', offending: 999n }]);
    rig.memory.write16(queue.place.avail + 2, 0);
    queue.post([out(header(T.IN)), room(512), STATUS]);
    queue.publish();
    rig.settle();
    expect(queue.collect()).toEqual([]);

    driver.start([8]);
    const again = driver.queue(0);
    again.post([out(header(T.IN)), room(512), STATUS]);
    again.publish();
    rig.settle();
    expect(again.collect()[0]?.data.slice(0, 512)).toEqual(image.slice(0, 512));
  });

  it('touches nothing after the driver took the queue back', () => {
    const { rig, queue, driver } = setUp();
    queue.post([out(header(T.IN)), room(512), STATUS]);
    queue.publish();
    driver.set(R.QueueSel, 0);
    driver.set(R.QueueReady, 0);
    const before = rig.memory.bytes.slice();
    rig.settle();
    driver.set(R.QueueNotify, 0);
    expect(Buffer.compare(rig.memory.bytes, before)).toBe(0);
  });

  it('finds chains that were published before DRIVER_OK', () => {
    const { rig, queue, driver, request } = setUp();
    request([out(header(T.FLUSH)), STATUS]);
    // The same rings again, with one request waiting at index 0.
    driver.negotiate();
    rig.memory.write16(queue.place.used + 2, 0);
    rig.memory.write16(queue.place.avail + 2, 1);
    driver.set(R.QueueSel, 0);
    driver.set(R.QueueSize, queue.place.size);
    driver.set(R.QueueDescLow, queue.place.desc);
    driver.set(R.QueueDriverLow, queue.place.avail);
    driver.set(R.QueueDeviceLow, queue.place.used);
    driver.set(R.QueueReady, 1);
    driver.set(R.Status, 15);
    rig.settle();
    expect(rig.memory.read16(queue.place.used + 2)).toBe(1);
  });

  it('breaks on a queue that cannot be, with an interrupt as the driver is up', () => {
    const { rig, driver } = setUp();
    driver.negotiate();
    driver.set(R.QueueSel, 0);
    driver.set(R.QueueSize, 3);
    driver.set(R.QueueReady, 1);
    driver.set(R.Status, 15);
    expect(rig.of('broken')).toMatchObject([{ what: 'queue-size', offending: 3n }]);
    expect([driver.acknowledge(), driver.get(R.Status) & 64]).toEqual([2, 64]);
  });
});

it('keeps a disk as a model does, under any batches and either way of suppression', () => {
  const op = fc.record({
    write: fc.boolean(),
    sector: fc.nat(15),
    sectors: fc.integer({ min: 0, max: 2 }),
    fill: fc.nat(255),
    indirect: fc.boolean(),
    publish: fc.boolean(),
    steps: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 40 }), fc.boolean(), (ops, eventIdx) => {
      const { rig, queue } = setUp({
        imageBytes: 16 * 512,
        without: eventIdx ? [] : [VIRTIO_F.RING_EVENT_IDX],
      });
      const image = Uint8Array.from({ length: 16 * 512 }, (_, i) => (i >> 9) + (i & 0x3f));
      const expected = new Map<number, { status: number; data: Uint8Array | undefined }>();
      const collect = () => {
        for (const { token, data } of queue.collect()) {
          const want = expected.get(token);
          expect(data.at(-1)).toBe(want?.status);
          if (want?.data !== undefined) expect(data.slice(0, -1)).toEqual(want.data);
          expected.delete(token);
        }
      };
      for (const { write, sector, sectors, fill, indirect, publish, steps } of ops) {
        collect();
        if (queue.freeDescriptors < 3) {
          queue.publish();
          rig.settle();
          collect();
        }
        const lengthBytes = sectors * 512;
        const fits = sector + sectors <= 16;
        const bytes = new Uint8Array(lengthBytes).fill(fill);
        const buffers = write
          ? [out(header(T.OUT, BigInt(sector))), out(bytes), STATUS]
          : [out(header(T.IN, BigInt(sector))), room(lengthBytes), STATUS];
        const token = queue.post(buffers, { indirect });
        const status = fits ? S.OK : S.IOERR;
        // Requests are served in ring order, so the model can run ahead.
        if (write && fits) image.set(bytes, sector * 512);
        const isRead = !write && fits;
        const data = isRead ? image.slice(sector * 512, sector * 512 + lengthBytes) : undefined;
        expected.set(token, { status, data });
        if (publish) queue.publish();
        for (let i = 0; i < steps; i++) rig.step();
      }
      queue.publish();
      rig.settle();
      collect();
      expect(expected.size).toBe(0);
      expect(rig.of('broken')).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
