import { describe, expect, it } from 'vitest';
import { NetPeer } from '../../../src/hypervisor/backends/index.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { VirtioRig } from '../../support/virtio-rig.ts';

const PEER = [0x02, 0x50, 0x54, 0, 0, 1];
const GUEST = [0x02, 0x50, 0x54, 0, 0, 0x10];
const REQUEST = 1;
const STREAM = 3;

interface Wanted {
  readonly to?: readonly number[];
  readonly type?: number;
  readonly interval?: number;
  readonly sequence?: number;
  readonly length?: number;
}

function frame(operation: number, wanted: Wanted = {}): Uint8Array {
  const { to = PEER, type = 0x88b5, interval = 0, sequence = 0, length = 64 } = wanted;
  const bytes = Uint8Array.from({ length }, (_, i) => i);
  const view = new DataView(bytes.buffer);
  bytes.set([...to, ...GUEST]);
  view.setUint16(12, type);
  bytes.set([operation, 0x77], 14);
  view.setUint16(16, interval);
  view.setUint32(18, sequence);
  return bytes;
}

function setUp(latencyCycles = 500) {
  const rig = new VirtioRig(4096);
  const { schedule, events } = rig.backendOptions();
  const peer = new NetPeer({ name: 'nic', schedule, events, latencyCycles });
  const received: { cycle: number; bytes: Uint8Array }[] = [];
  peer.connect((bytes) => received.push({ cycle: rig.clock.cycle, bytes }));
  return { rig, peer, received };
}

describe('network peer', () => {
  it('sends a request back to where it came from, as long as it was, after its latency', () => {
    const { rig, peer, received } = setUp();
    const request = frame(REQUEST, { sequence: 7, length: 1514 });
    peer.send(request);
    rig.settle();
    const response = request.slice();
    response.set([...GUEST, ...PEER]);
    response[14] = 2;
    expect(received.map(({ cycle }) => cycle)).toEqual([500]);
    expect(Buffer.from(received[0]?.bytes ?? []).equals(response)).toBe(true);
  });

  it('answers what was sent to all from its own address', () => {
    const { rig, peer, received } = setUp();
    peer.send(frame(REQUEST, { to: [255, 255, 255, 255, 255, 255] }));
    rig.settle();
    expect([...(received[0]?.bytes.subarray(0, 12) ?? [])]).toEqual([...GUEST, ...PEER]);
  });

  it('acknowledges each nth frame of a stream with what it has seen', () => {
    const { rig, peer, received } = setUp();
    let sum = 0;
    for (let sequence = 0; sequence < 7; sequence++) {
      const bytes = frame(STREAM, { interval: 3, sequence, length: 100 + sequence });
      sum += sequence < 6 ? bytes.subarray(22).reduce((total, byte) => total + byte, 0) : 0;
      peer.send(bytes);
    }
    rig.settle();
    const seen = received.map(({ bytes }) => {
      const view = new DataView(bytes.buffer);
      return [bytes.length, bytes[14], bytes[15], view.getUint16(16), view.getUint32(18), view.getUint32(22)];
    });
    expect(seen).toEqual([
      [60, 4, 0x77, 3, 2, 3],
      [60, 4, 0x77, 3, 5, 6],
    ]);
    const last = received[1]?.bytes ?? new Uint8Array(60);
    expect(new DataView(last.buffer).getUint32(26)).toBe(sum);
    expect([...last.subarray(30)]).toEqual(Array(30).fill(0));
  });

  it.each([
    ['another address', frame(REQUEST, { to: GUEST })],
    ['another type', frame(REQUEST, { type: 0x0800 })],
    ['a frame without a header', frame(REQUEST, { length: 40 }).subarray(0, 21)],
    ['an answer', frame(2)],
    ['an unknown operation', frame(9)],
    ['a stream that wants no acknowledgement', frame(STREAM, { interval: 0 })],
  ])('is silent on %s', (_, bytes) => {
    const { rig, peer, received } = setUp();
    peer.send(bytes);
    expect([rig.step(), received]).toEqual([false, []]);
  });

  it('has at most 256 answers on their way, and tells of what it loses', () => {
    const { rig, peer, received } = setUp(1_000_000);
    for (let sequence = 0; sequence < 258; sequence++) peer.send(frame(REQUEST, { sequence }));
    expect(rig.events).toEqual(
      Array(2).fill({ kind: 'drop', device: 'nic', queue: 0, lengthBytes: 64, reason: 'peer-full' }),
    );
    rig.settle();
    expect(received.length).toBe(256);
    peer.send(frame(REQUEST));
    rig.settle();
    expect(received.length).toBe(257);
  });

  it('holds what is on its way in its state', () => {
    const { peer } = setUp();
    peer.send(frame(STREAM, { interval: 1 }));
    expect(plainStateOf(peer)).toMatchObject({ streamFrames: 1, ignoredFrames: 0, answers: [expect.any(Uint8Array)] });
  });
});
