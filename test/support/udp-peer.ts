/**
 * The network peer of docs/devices.md ("The network") once more, on a UDP socket: QEMU's `-netdev socket,udp=` sends each Ethernet frame
 * as a datagram. Written from that page, to be what the peer inside the hypervisor is compared with.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

const PEER = Buffer.from([0x02, 0x50, 0x54, 0, 0, 1]);
const OPERATION = { request: 1, response: 2, stream: 3, acknowledgement: 4 } as const;
const ACKNOWLEDGEMENT_BYTES = 60;

export interface UdpPeer {
  /** QEMU's arguments for a controller on the other end. */
  readonly qemuArguments: readonly string[];
  close(): void;
}

export async function startUdpPeer(): Promise<UdpPeer> {
  const socket = await bound();
  const guest = await bound();
  const guestPort = portOf(guest);
  guest.close();
  let [frames, payloadBytes] = [0, 0];
  socket.on('message', (frame) => {
    if (frame.length < 22 || frame.readUInt16BE(12) !== 0x88b5 || !frame.subarray(0, 6).equals(PEER)) return;
    const operation = frame.readUInt8(14);
    if (operation === OPERATION.request) socket.send(answer(frame, OPERATION.response), guestPort, '127.0.0.1');
    if (operation !== OPERATION.stream) return;
    frames += 1;
    payloadBytes = frame.subarray(22).reduce((sum, byte) => (sum + byte) % 2 ** 32, payloadBytes);
    const interval = frame.readUInt16BE(16);
    if (interval === 0 || (frame.readUInt32BE(18) + 1) % interval !== 0) return;
    const sent = Buffer.alloc(ACKNOWLEDGEMENT_BYTES);
    answer(frame, OPERATION.acknowledgement).copy(sent, 0, 0, 22);
    sent.writeUInt32BE(frames, 22);
    sent.writeUInt32BE(payloadBytes, 26);
    socket.send(sent, guestPort, '127.0.0.1');
  });
  const wire = `socket,id=net0,udp=127.0.0.1:${portOf(socket)},localaddr=127.0.0.1:${guestPort}`;
  const controller = 'virtio-net-device,netdev=net0,mac=02:50:54:00:00:11';
  return { qemuArguments: ['-netdev', wire, '-device', controller], close: () => socket.close() };
}

function answer(frame: Buffer, operation: number): Buffer {
  const sent = Buffer.from(frame);
  frame.copy(sent, 0, 6, 12);
  PEER.copy(sent, 6);
  sent.writeUInt8(operation, 14);
  return sent;
}

function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket)));
}

function portOf(socket: Socket): number {
  return (socket.address() as AddressInfo).port;
}
