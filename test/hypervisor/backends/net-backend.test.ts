import { describe, expect, it } from 'vitest';
import { NetBackend } from '../../../src/hypervisor/backends/index.ts';
import { frame, MAC, TestWire } from '../../support/e1000-rig.ts';
import { MockDriver, R } from '../../support/mock-driver.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
const HEADER = 12;

function setUp(start = true) {
  const rig = new VirtioRig();
  const wire = new TestWire();
  const backend = new NetBackend({ ...rig.backendOptions('net'), wire, mac: MAC });
  const driver = new MockDriver(rig.memory, rig.slot(backend));
  if (start) driver.start([8, 8]);
  return { rig, wire, backend, driver };
}

/** A frame as a driver posts it. */
function withHeader(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...new Uint8Array(HEADER), ...bytes]);
}

describe('virtio network device', () => {
  it('offers its address and the link, and nothing that it cannot do', () => {
    const { driver } = setUp(false);
    expect(driver.get(R.DeviceID)).toBe(1);
    expect(driver.offered()).toBe((1n << 5n) | (1n << 16n) | (3n << 28n) | (1n << 32n));
    const config = Array.from({ length: 8 }, (_, i) => driver.mmio.read(0x100 + i, 1));
    expect(config).toEqual([...MAC, 1, 0]);
  });

  it.each([false, true])('sends a frame without its header, indirect: %s', (indirect) => {
    const { rig, wire, driver } = setUp();
    const bytes = withHeader(frame(100));
    driver.queue(TRANSMIT).post([{ out: bytes.subarray(0, HEADER) }, { out: bytes.subarray(HEADER) }], { indirect });
    driver.queue(TRANSMIT).publish();
    expect(rig.schedule.next()).toBe(1100);
    rig.settle();
    expect(wire.sent).toEqual([frame(100)]);
    expect(driver.queue(TRANSMIT).collect()).toMatchObject([{ lenBytes: 0 }]);
    expect(rig.kinds()).toEqual(['notify', 'take', 'complete', 'used']);
  });

  it('receives into the next chain, with one buffer in the header', () => {
    const { rig, wire, driver } = setUp();
    const queue = driver.queue(RECEIVE);
    queue.post([{ roomBytes: HEADER }, { roomBytes: 1514 }]);
    queue.post([{ roomBytes: HEADER + 1514 }]);
    queue.publish();
    wire.deliver(frame(200));
    wire.deliver(frame(60));
    rig.settle();
    const [first, second] = queue.collect();
    expect([first?.lenBytes, second?.lenBytes, rig.clock.cycle]).toEqual([212, 72, 2260]);
    expect([...(first?.data.subarray(0, 212) ?? [])]).toEqual([...Array(10).fill(0), 1, 0, ...frame(200)]);
  });

  it('keeps 64 frames for which there are no chains, and loses what comes then', () => {
    const { rig, wire, driver } = setUp();
    for (let i = 0; i < 66; i++) wire.deliver(frame(60));
    expect(rig.of('drop')).toEqual(
      Array(2).fill({ kind: 'drop', device: 'net', queue: RECEIVE, lengthBytes: 60, reason: 'no-buffer' }),
    );
    const queue = driver.queue(RECEIVE);
    let received = 0;
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 8; i++) queue.post([{ roomBytes: 128 }]);
      queue.publish();
      rig.settle();
      received += queue.collect().length;
    }
    expect([received, queue.outstanding]).toEqual([64, 0]);
  });

  it('loses a frame that is longer than its chain, and keeps the chain', () => {
    const { rig, wire, driver } = setUp();
    driver.queue(RECEIVE).post([{ roomBytes: 100 }]);
    driver.queue(RECEIVE).publish();
    wire.deliver(frame(100));
    expect(rig.of('drop')).toMatchObject([{ reason: 'buffer-too-small', lengthBytes: 100 }]);
    wire.deliver(frame(88));
    rig.settle();
    expect(driver.queue(RECEIVE).collect()).toMatchObject([{ lenBytes: 100 }]);
  });

  it.each([
    ['too-long', 1515],
    ['too-short', 13],
  ])('loses what is no frame: %s', (reason, length) => {
    const { rig, wire, driver } = setUp();
    driver.queue(TRANSMIT).post([{ out: new Uint8Array(HEADER + length) }]);
    driver.queue(TRANSMIT).publish();
    rig.settle();
    expect(wire.sent).toEqual([]);
    expect(rig.of('drop')).toMatchObject([{ queue: TRANSMIT, reason, lengthBytes: length }]);
    expect(driver.queue(TRANSMIT).collect().length).toBe(1);
  });

  it('takes a header that is not whole for a frame that is too short', () => {
    const { rig, driver } = setUp();
    driver.queue(TRANSMIT).post([{ out: new Uint8Array(5) }]);
    driver.queue(TRANSMIT).publish();
    rig.settle();
    expect(rig.of('drop')).toMatchObject([{ reason: 'too-short', lengthBytes: 0 }]);
  });

  it('loses frames before the driver is ready and after a reset', () => {
    const { rig, wire, driver } = setUp(false);
    wire.deliver(frame(60));
    driver.start([8, 8]);
    wire.deliver(frame(60));
    driver.set(R.Status, 0);
    wire.deliver(frame(60));
    expect(rig.of('drop').map(({ reason }) => reason)).toEqual(['receiver-off', 'receiver-off']);
    driver.start([8, 8]);
    driver.queue(RECEIVE).post([{ roomBytes: 2000 }]);
    driver.queue(RECEIVE).publish();
    rig.settle();
    expect(driver.queue(RECEIVE).collect()).toEqual([]);
  });

  it.each([
    [RECEIVE, { out: new Uint8Array(4) }],
    [TRANSMIT, { roomBytes: 100 }],
  ] as const)('breaks on a buffer of the wrong direction in queue %i', (index, buffer) => {
    const { rig, backend, driver } = setUp();
    driver.queue(index).post([buffer]);
    driver.queue(index).publish();
    expect([backend.broken, rig.of('broken')]).toMatchObject([true, [{ queue: index, what: 'wrong-direction' }]]);
  });

  it('interrupts once for a batch under EVENT_IDX', () => {
    const { rig, wire, driver } = setUp();
    const queue = driver.queue(TRANSMIT);
    queue.armInterrupt(3);
    for (let i = 0; i < 4; i++) queue.post([{ out: withHeader(frame(60)) }]);
    queue.publish();
    rig.settle();
    expect([wire.sent.length, rig.irq.rises, queue.notified]).toEqual([4, 1, 1]);
    expect(rig.of('used').map(({ delivered }) => delivered)).toEqual([false, false, false, true]);
  });
});
