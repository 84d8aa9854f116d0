import { expect, it } from 'vitest';
import { EntropyBackend } from '../../../src/hypervisor/backends/entropy-backend.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { MockDriver } from '../../support/mock-driver.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

function setUp() {
  const rig = new VirtioRig();
  let next = 0;
  const randomBytes = (lengthBytes: number) => Uint8Array.from({ length: lengthBytes }, () => next++ & 0xff);
  const backend = new EntropyBackend({ ...rig.backendOptions('rng'), randomBytes });
  const driver = new MockDriver(rig.memory, rig.slot(backend));
  driver.start([8]);
  return { rig, backend, driver, queue: driver.queue(0) };
}

it('fills buffers in order and counts what it drew', () => {
  const { rig, queue, backend } = setUp();
  queue.post([{ roomBytes: 3 }, { roomBytes: 2 }]);
  queue.post([{ roomBytes: 4 }]);
  queue.publish();
  rig.settle();
  expect(queue.collect().map(({ data, lenBytes }) => [lenBytes, ...data])).toEqual([
    [5, 0, 1, 2, 3, 4],
    [4, 5, 6, 7, 8],
  ]);
  expect(plainStateOf(backend)).toMatchObject({ own: { drawnBytes: 9 } });
});

it('may fill less than a large buffer (5.4.6.2)', () => {
  const { rig, queue } = setUp();
  queue.post([{ roomBytes: 10_000 }]);
  queue.publish();
  rig.settle();
  expect(queue.collect()[0]?.lenBytes).toBe(4096);
});

it('breaks on a readable buffer (5.4.6.1)', () => {
  const { rig, queue } = setUp();
  queue.post([{ out: Uint8Array.of(1) }, { roomBytes: 4 }]);
  queue.publish();
  expect(rig.of('broken')).toMatchObject([{ device: 'rng', what: 'wrong-direction' }]);
});
