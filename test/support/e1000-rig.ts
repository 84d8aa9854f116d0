/**
 * An e1000 with its wire in the test's hands, and a driver for it that works as Linux's does (e1000_main.c): it keeps two rings, counts its
 * register accesses by name, and learns of packets by interrupt.
 */
import { E1000Backend } from '../../src/hypervisor/backends/e1000-backend.ts';
import type { NetWire } from '../../src/hypervisor/backends/net-wire.ts';
import { E1000Controller } from '../../src/machine/devices/e1000/e1000.ts';
import { E1000, type E1000Register } from '../../src/machine/devices/e1000/e1000-registers.ts';
import { VirtioRig } from './virtio-rig.ts';

export const MAC = [0x02, 0x50, 0x54, 0x00, 0x00, 0x10] as const;
export const RING = 0x8000_0000;
const TX_RING = RING;
const RX_RING = RING + 0x400;
const TX_BUFFERS = RING + 0x1_0000;
const RX_BUFFERS = RING + 0x2_0000;
const BUFFER_BYTES = 2048;
export const DESCRIPTORS = 16;

/** A wire whose other end is the test. */
export class TestWire implements NetWire {
  readonly sent: Uint8Array[] = [];
  #receive: (frame: Uint8Array) => void = () => {};

  connect(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }

  deliver(frame: Uint8Array): void {
    this.#receive(frame);
  }

  writeState() {}
}

export class E1000Rig extends VirtioRig {
  readonly wire: TestWire;
  readonly controller: E1000Controller;
  /** Accesses of the driver since they were last taken. */
  accesses: string[] = [];
  #txNext = 0;
  #rxNext = 0;

  constructor(wire: NetWire = new TestWire(), memoryBytes = 256 * 1024) {
    super(memoryBytes);
    this.wire = wire as TestWire;
    const engine = new E1000Backend({ ...this.backendOptions('e1000'), wire });
    this.controller = new E1000Controller({ irq: this.irq, engine, mac: MAC });
    engine.connect(this.controller);
  }

  get(register: E1000Register): number {
    this.accesses.push(`read ${register}`);
    return this.controller.read(E1000[register], 4);
  }

  set(register: E1000Register, value: number): void {
    this.accesses.push(`write ${register}`);
    this.controller.write(E1000[register], 4, value >>> 0);
  }

  takeAccesses(): string[] {
    const taken = this.accesses;
    this.accesses = [];
    return taken;
  }

  /** What a driver does before the first packet. */
  start(rctl = 0x0000_8002): void {
    this.set('CTRL', 1 << 26);
    this.set('IMC', 0xffff_ffff);
    this.set('CTRL', 1 << 6);
    this.set('TDBAL', TX_RING);
    this.set('TDLEN', DESCRIPTORS * 16);
    this.set('RDBAL', RX_RING);
    this.set('RDLEN', DESCRIPTORS * 16);
    for (let i = 0; i < DESCRIPTORS; i++) this.describeReceive(i, RX_BUFFERS + i * BUFFER_BYTES);
    this.set('RCTL', rctl);
    this.set('RDT', DESCRIPTORS - 1);
    this.set('TCTL', 0x0a);
    this.get('ICR');
    this.set('IMS', 0x9d);
    this.#txNext = 0;
    this.#rxNext = 0;
    this.events.length = 0;
    this.takeAccesses();
  }

  describeReceive(index: number, pa: number): void {
    this.memory.write64(RX_RING + 16 * index, BigInt(pa));
    this.memory.write64(RX_RING + 16 * index + 8, 0n);
  }

  /** A legacy transmit descriptor with a command byte. */
  describeTransmit(index: number, pa: number | bigint, lengthBytes: number, command: number): void {
    const at = TX_RING + 16 * (index % DESCRIPTORS);
    this.memory.write64(at, BigInt(pa));
    this.memory.write64(at + 8, BigInt(lengthBytes) | (BigInt(command) << 24n));
  }

  txStatus(index: number): number {
    return this.memory.read8(TX_RING + 16 * (index % DESCRIPTORS) + 12);
  }

  rxDescriptor(index: number): { lengthBytes: number; status: number; errors: number } {
    const at = RX_RING + 16 * (index % DESCRIPTORS);
    return {
      lengthBytes: this.memory.read16(at + 8),
      status: this.memory.read8(at + 12),
      errors: this.memory.read8(at + 13),
    };
  }

  rxBuffer(index: number, lengthBytes: number): Uint8Array {
    return this.memory.readBytes(RX_BUFFERS + (index % DESCRIPTORS) * BUFFER_BYTES, lengthBytes);
  }

  /** Queues packets, each cut into pieces, and rings once. */
  transmit(packets: readonly (readonly Uint8Array[])[], command = 0x0a): void {
    for (const pieces of packets) {
      pieces.forEach((bytes, index) => {
        const slot = this.#txNext++ % DESCRIPTORS;
        const pa = TX_BUFFERS + slot * BUFFER_BYTES;
        this.memory.writeBytes(pa, bytes);
        this.describeTransmit(slot, pa, bytes.length, command | (index === pieces.length - 1 ? 1 : 0));
      });
    }
    this.set('TDT', this.#txNext % DESCRIPTORS);
  }

  /**
   * Interrupt handler and poll of Linux's driver: ICR, IMC, flush; clean both rings; IMS, flush; and RDT if buffers were given back.
   * Returns the frames that were received.
   */
  serviceInterrupt(): Uint8Array[] {
    const causes = this.get('ICR');
    if (causes === 0) return [];
    this.set('IMC', 0xffff_ffff);
    this.get('STATUS');
    const frames: Uint8Array[] = [];
    for (let { status, lengthBytes } = this.rxDescriptor(this.#rxNext); (status & 1) !== 0; ) {
      frames.push(this.rxBuffer(this.#rxNext, lengthBytes));
      this.describeReceive(this.#rxNext % DESCRIPTORS, RX_BUFFERS + (this.#rxNext % DESCRIPTORS) * BUFFER_BYTES);
      this.#rxNext++;
      ({ status, lengthBytes } = this.rxDescriptor(this.#rxNext));
    }
    if (frames.length > 0) this.set('RDT', (this.#rxNext - 1 + DESCRIPTORS) % DESCRIPTORS);
    this.set('IMS', 0x9d);
    this.get('STATUS');
    return frames;
  }
}

/** An Ethernet frame of the local experimental type: `length` bytes, numbered from the payload on. */
export function frame(
  length: number,
  destination: readonly number[] = MAC,
  source: readonly number[] = [2, 0, 0, 0, 0, 9],
) {
  const bytes = Uint8Array.from({ length }, (_, i) => (i < 14 ? 0 : i & 0xff));
  bytes.set(destination);
  bytes.set(source, 6);
  bytes.set([0x88, 0xb5], 12);
  return bytes;
}
