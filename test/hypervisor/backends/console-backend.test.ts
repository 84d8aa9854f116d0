import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsoleBackend } from '../../../src/hypervisor/backends/console-backend.ts';
import { VIRTIO_MMIO_CONFIG } from '../../../src/machine/devices/virtio-mmio.ts';
import { MockDriver, R } from '../../support/mock-driver.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const RX = 0;
const TX = 1;

function setUp(input = '') {
  const rig = new VirtioRig();
  const written: number[] = [];
  const pulls: number[] = [];
  let pending = new TextEncoder().encode(input);
  const backend = new ConsoleBackend({
    ...rig.backendOptions('console'),
    out: { write: (bytes) => written.push(...bytes) },
    pull: (maxBytes) => {
      pulls.push(maxBytes);
      const bytes = pending.slice(0, maxBytes);
      pending = pending.slice(bytes.length);
      return bytes.length === 0 ? undefined : bytes;
    },
  });
  const mmio = rig.slot(backend);
  const driver = new MockDriver(rig.memory, mmio);
  driver.start([16, 16]);
  const postRoom = (...lengths: number[]) => {
    for (const roomBytes of lengths) driver.queue(RX).post([{ roomBytes }]);
    driver.queue(RX).publish();
  };
  const received = () => {
    const texts: string[] = [];
    for (const { data, lenBytes } of driver.queue(RX).collect()) {
      texts.push(new TextDecoder().decode(data.slice(0, lenBytes)));
    }
    return texts;
  };
  const output = () => new TextDecoder().decode(Uint8Array.from(written));
  return { rig, backend, mmio, driver, postRoom, received, output, pulls };
}

const text = (string: string) => new TextEncoder().encode(string);

describe('transmit queue (virtio 1.2 5.3.6)', () => {
  it('writes buffers out in order, however they are cut', () => {
    const { rig, driver, output } = setUp();
    const tx = driver.queue(TX);
    tx.post([{ out: text('hello, ') }, { out: text('wor') }]);
    tx.post([{ out: text('ld\n') }], { indirect: true });
    tx.publish();
    expect(output()).toBe('');
    rig.settle();
    expect(output()).toBe('hello, world\n');
    expect(tx.collect().map(({ lenBytes }) => lenBytes)).toEqual([0, 0]);
  });

  it('breaks on a writable buffer', () => {
    const { rig, driver } = setUp();
    driver.queue(TX).post([{ out: text('x') }, { roomBytes: 1 }]);
    driver.queue(TX).publish();
    expect(rig.of('broken')).toMatchObject([{ queue: 1, what: 'wrong-direction' }]);
  });
});

describe('receive queue', () => {
  it('pulls input when a buffer is posted, as much as there is room for', () => {
    const { rig, postRoom, received, pulls, backend } = setUp('abcdef');
    postRoom(4);
    expect([pulls, backend.receiverRoom]).toEqual([[4], 0]);
    rig.settle();
    expect(received()).toEqual(['abcd']);
    postRoom(4);
    rig.settle();
    expect([received(), pulls, backend.receiverRoom]).toEqual([['ef'], [4, 4], 0]);
  });

  it('spreads input over buffers; one that is not full comes back with what it has', () => {
    const { rig, postRoom, received, backend } = setUp('abcdef');
    postRoom(2, 3, 8, 8);
    rig.settle();
    expect([received(), backend.receiverRoom]).toEqual([['ab', 'cde', 'f'], 8]);
  });

  it('takes pushed input up to its room', () => {
    const { rig, backend, postRoom, received } = setUp();
    expect([backend.receiverRoom, backend.receive(text('lost'))]).toEqual([0, 0]);
    postRoom(3, 3);
    expect(backend.receive(text('abcd'))).toBe(4);
    expect([backend.receiverRoom, backend.receive(text('x'))]).toEqual([0, 0]);
    rig.settle();
    expect(received()).toEqual(['abc', 'd']);
  });

  it('interrupts the driver', () => {
    const { rig, backend, driver, postRoom } = setUp();
    postRoom(16);
    expect(driver.acknowledge()).toBe(0);
    backend.receive(text('a'));
    rig.settle();
    expect(driver.acknowledge()).toBe(1);
  });

  it('asks to be notified of each buffer while it holds them', () => {
    const { driver, postRoom, pulls } = setUp();
    postRoom(4);
    postRoom(4);
    expect([driver.queue(RX).notified, pulls]).toEqual([2, [4, 8]]);
  });

  it('returns empty buffers in their turn', () => {
    const { rig, backend, postRoom, received } = setUp();
    postRoom(0, 2);
    expect(backend.receive(text('ab'))).toBe(2);
    rig.settle();
    expect(received()).toEqual(['', 'ab']);
  });

  it('breaks on a readable buffer', () => {
    const { rig, driver, backend } = setUp('abc');
    driver.queue(RX).post([{ out: text('x') }]);
    driver.queue(RX).publish();
    expect(rig.of('broken')).toMatchObject([{ queue: 0, what: 'wrong-direction' }]);
    expect([backend.receiverRoom, backend.receive(text('a'))]).toEqual([0, 0]);
  });

  it('forgets its buffers at reset', () => {
    const { driver, backend, postRoom } = setUp();
    postRoom(8);
    driver.set(R.Status, 0);
    expect([backend.receiverRoom, backend.receive(text('a'))]).toEqual([0, 0]);
  });

  it('loses and reorders nothing', () => {
    const step = fc.oneof(
      fc.record({ room: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ push: fc.integer({ min: 1, max: 9 }) }),
      fc.constant({ run: true as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(60), (steps, inputBytes) => {
        const { rig, backend, driver, postRoom, received } = setUp('i'.repeat(inputBytes));
        let pushed = 0;
        let got = '';
        for (const action of steps) {
          if ('room' in action && driver.queue(RX).freeDescriptors > 0) postRoom(action.room);
          else if ('push' in action) pushed += backend.receive(text('p'.repeat(action.push)));
          else rig.step();
          got += received().join('');
        }
        rig.settle();
        got += received().join('');
        expect([...got].filter((c) => c === 'p')).toHaveLength(pushed);
        expect([...got].filter((c) => c === 'i').length).toBeLessThanOrEqual(inputBytes);
        expect(rig.of('broken')).toEqual([]);
      }),
    );
  });
});

it('writes emergency output in any state (5.3.5.1)', () => {
  const { mmio, driver, output } = setUp();
  driver.set(R.Status, 0);
  for (const char of text('!?')) mmio.write(VIRTIO_MMIO_CONFIG + 8, 4, 0xabcdef00 + char);
  mmio.write(VIRTIO_MMIO_CONFIG + 8, 1, 0x0a);
  mmio.write(VIRTIO_MMIO_CONFIG + 4, 4, 0x41);
  expect(output()).toBe('!?\n');
  expect(driver.offered() & 0b111n).toBe(0b100n);
});
