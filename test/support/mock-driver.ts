/**
 * A virtio driver for tests, written from the driver's side of virtio 1.2 (3.1.1, 2.7.13, 2.7.14, 4.2.3): it negotiates, sets
 * queues up, posts chains (plain or indirect), obeys and uses both ways of notification suppression, and collects what comes
 * back. It checks the device as it goes: used heads must be chains it posted, and in order.
 */
import type { GuestMemory } from '../../src/machine/bus.ts';
import { VIRTIO_F } from '../../src/machine/devices/virtio-device.ts';
import { VIRTIO_MMIO, type VirtioMmio } from '../../src/machine/devices/virtio-mmio.ts';

const DESC_F = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;
const ALL_FEATURES = (1n << 64n) - 1n;

export const R = VIRTIO_MMIO;

/** One buffer: bytes for the device to read, or room for it to write. */
export type Buffer = { readonly out: Uint8Array } | { readonly roomBytes: number };

export interface Collected {
  readonly token: number;
  readonly lenBytes: number;
  /** All bytes of the device-writable buffers, in order. */
  readonly data: Uint8Array;
}

interface Posted {
  readonly token: number;
  readonly head: number;
  readonly descriptors: readonly number[];
  readonly rooms: readonly { pa: number; lengthBytes: number }[];
}

/** Hands out RAM, round and round: a test keeps less in flight than there is. */
class Arena {
  readonly #start: number;
  readonly #end: number;
  #next: number;

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
    this.#next = start;
  }

  take(lengthBytes: number): number {
    const rounded = (lengthBytes + 15) & ~15;
    if (this.#next + rounded > this.#end) this.#next = this.#start;
    if (this.#next + rounded > this.#end) throw new Error('arena too small');
    const pa = this.#next;
    this.#next += rounded;
    return pa;
  }
}

export class MockDriver {
  readonly memory: GuestMemory;
  readonly mmio: VirtioMmio;
  readonly queues: MockQueue[] = [];
  #nextPa: number;

  constructor(memory: GuestMemory, mmio: VirtioMmio) {
    this.memory = memory;
    this.mmio = mmio;
    this.#nextPa = memory.base;
  }

  get(register: number): number {
    return this.mmio.read(register, 4);
  }

  set(register: number, value: number): void {
    this.mmio.write(register, 4, value);
  }

  offered(): bigint {
    this.set(R.DeviceFeaturesSel, 0);
    const low = this.get(R.DeviceFeatures);
    this.set(R.DeviceFeaturesSel, 1);
    return BigInt(low) | (BigInt(this.get(R.DeviceFeatures)) << 32n);
  }

  accept(features: bigint): void {
    this.set(R.DriverFeaturesSel, 0);
    this.set(R.DriverFeatures, Number(features & 0xffffffffn));
    this.set(R.DriverFeaturesSel, 1);
    this.set(R.DriverFeatures, Number(features >> 32n));
  }

  /** Steps 1 to 8 of section 3.1.1. `sizes`: of each queue; `without`: feature bit numbers not to accept. */
  start(sizes: readonly number[], without: readonly number[] = []): void {
    const { offered } = this.negotiate(without);
    this.queues.length = 0;
    sizes.forEach((size, index) => {
      this.queues.push(this.#setUpQueue(index, size, offered));
    });
    this.set(R.Status, this.get(R.Status) | 4);
  }

  /** Steps 1 to 6. */
  negotiate(without: readonly number[] = []): { offered: bigint } {
    this.set(R.Status, 0);
    this.set(R.Status, 1);
    this.set(R.Status, 3);
    const refused = without.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n);
    const offered = this.offered() & (ALL_FEATURES ^ refused);
    this.accept(offered);
    this.set(R.Status, 11);
    if ((this.get(R.Status) & 8) === 0) throw new Error('FEATURES_OK was refused');
    return { offered };
  }

  queue(index: number): MockQueue {
    const queue = this.queues[index];
    if (queue === undefined) throw new Error(`no queue ${index}`);
    return queue;
  }

  /** The interrupt handler: which causes were pending. */
  acknowledge(): number {
    const causes = this.get(R.InterruptStatus);
    this.set(R.InterruptACK, causes);
    return causes;
  }

  #setUpQueue(index: number, size: number, features: bigint): MockQueue {
    this.set(R.QueueSel, index);
    const areas = [this.#alloc(16 * size), this.#alloc(6 + 2 * size), this.#alloc(6 + 8 * size)];
    const [desc = 0, driver = 0, device = 0] = areas;
    this.set(R.QueueSize, size);
    this.set(R.QueueDescLow, desc);
    this.set(R.QueueDescHigh, 0);
    this.set(R.QueueDriverLow, driver);
    this.set(R.QueueDriverHigh, 0);
    this.set(R.QueueDeviceLow, device);
    this.set(R.QueueDeviceHigh, 0);
    this.set(R.QueueReady, 1);
    const arenaBytes = 24 * 1024;
    const arena = this.#alloc(arenaBytes);
    return new MockQueue(this, { index, size, desc, avail: driver, used: device, features }, arena, arenaBytes);
  }

  #alloc(lengthBytes: number): number {
    const pa = this.#nextPa;
    this.#nextPa = (pa + lengthBytes + 15) & ~15;
    this.#nextPa >>>= 0;
    if (!this.memory.contains(pa, lengthBytes)) throw new Error('mock driver is out of RAM');
    this.memory.writeBytes(pa, new Uint8Array(lengthBytes));
    return pa;
  }
}

interface QueuePlace {
  readonly index: number;
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly features: bigint;
}

export class MockQueue {
  readonly place: QueuePlace;
  /** Notifications written to QueueNotify, and those that suppression saved. */
  notified = 0;
  suppressed = 0;
  readonly #driver: MockDriver;
  readonly #memory: GuestMemory;
  readonly #arena: Arena;
  readonly #free: number[];
  readonly #posted: Posted[] = [];
  #availIndex = 0;
  #publishedIndex = 0;
  #usedIndex = 0;
  #nextToken = 0;

  constructor(driver: MockDriver, place: QueuePlace, arenaPa: number, arenaBytes: number) {
    this.#driver = driver;
    this.#memory = driver.memory;
    this.place = place;
    this.#arena = new Arena(arenaPa, arenaPa + arenaBytes);
    this.#free = Array.from({ length: place.size }, (_, i) => i);
  }

  get availIndex(): number {
    return this.#availIndex;
  }

  get outstanding(): number {
    return this.#posted.length;
  }

  get freeDescriptors(): number {
    return this.#free.length;
  }

  get eventIdx(): boolean {
    return this.#has(VIRTIO_F.RING_EVENT_IDX);
  }

  /** Places a chain in the descriptor table and the avail ring, unpublished. Returns its token. */
  post(buffers: readonly Buffer[], options: { indirect?: boolean } = {}): number {
    const rooms: { pa: number; lengthBytes: number }[] = [];
    const placed = buffers.map((buffer) => {
      const lengthBytes = 'out' in buffer ? buffer.out.length : buffer.roomBytes;
      const pa = this.#arena.take(lengthBytes);
      if ('out' in buffer) this.#memory.writeBytes(pa, buffer.out);
      else rooms.push({ pa, lengthBytes });
      return { pa, lengthBytes, flags: 'out' in buffer ? 0 : DESC_F.WRITE };
    });
    const indirect = options.indirect ?? false;
    const used = this.#free.splice(0, indirect ? 1 : placed.length);
    const head = used[0];
    if (head === undefined || used.length < (indirect ? 1 : placed.length)) throw new Error('no free descriptors');
    if (indirect) {
      const table = this.#arena.take(16 * placed.length);
      placed.forEach((buffer, i) => {
        const last = i === placed.length - 1;
        this.#describe(table, i, buffer.pa, buffer.lengthBytes, buffer.flags | (last ? 0 : DESC_F.NEXT), i + 1);
      });
      this.#describe(this.place.desc, head, table, 16 * placed.length, DESC_F.INDIRECT, 0);
    } else {
      placed.forEach((buffer, i) => {
        const next = used[i + 1];
        const flags = buffer.flags | (next === undefined ? 0 : DESC_F.NEXT);
        this.#describe(this.place.desc, used[i] ?? 0, buffer.pa, buffer.lengthBytes, flags, next ?? 0);
      });
    }
    this.#memory.write16(this.place.avail + 4 + 2 * (this.#availIndex % this.place.size), head);
    this.#availIndex = (this.#availIndex + 1) & 0xffff;
    const token = this.#nextToken++;
    this.#posted.push({ token, head, descriptors: used, rooms });
    return token;
  }

  /** Publishes what was posted and notifies unless told not to (section 2.7.10.1). */
  publish(): void {
    const old = this.#publishedIndex;
    this.#publishedIndex = this.#availIndex;
    this.#memory.write16(this.place.avail + 2, this.#availIndex);
    if (this.#wantsNotification(old)) {
      this.notified++;
      this.#driver.set(R.QueueNotify, this.place.index);
    } else {
      this.suppressed++;
    }
  }

  /** Takes back all used chains. Checks that they come in order, as these devices serve them. */
  collect(): Collected[] {
    const { used, size } = this.place;
    const collected: Collected[] = [];
    while (this.#usedIndex !== this.#memory.read16(used + 2)) {
      const element = used + 4 + 8 * (this.#usedIndex % size);
      const id = this.#memory.read32(element);
      const lenBytes = this.#memory.read32(element + 4);
      const posted = this.#posted.shift();
      if (posted === undefined || posted.head !== id) throw new Error(`used head ${id} was not next`);
      this.#free.push(...posted.descriptors);
      const data = posted.rooms.flatMap(({ pa, lengthBytes }) => [...this.#memory.readBytes(pa, lengthBytes)]);
      collected.push({ token: posted.token, lenBytes, data: Uint8Array.from(data) });
      this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    }
    return collected;
  }

  /** Asks for an interrupt at the used entry `ahead` entries from now: 0 is the next one. */
  armInterrupt(ahead = 0): void {
    if (this.eventIdx) this.#memory.write16(this.#usedEventPa, (this.#usedIndex + ahead) & 0xffff);
    else this.#memory.write16(this.place.avail, 0);
  }

  /** Asks for no interrupt. */
  disarmInterrupt(): void {
    if (this.eventIdx) this.#memory.write16(this.#usedEventPa, (this.#usedIndex - 1) & 0xffff);
    else this.#memory.write16(this.place.avail, 1);
  }

  #wantsNotification(old: number): boolean {
    const { used, size } = this.place;
    if (!this.eventIdx) return (this.#memory.read16(used) & 1) === 0;
    const availEvent = this.#memory.read16(used + 4 + 8 * size);
    // One by one, as section 2.7.10.1 puts it: not by the formula under test.
    for (let index = old; index !== this.#publishedIndex; index = (index + 1) & 0xffff) {
      if (index === availEvent) return true;
    }
    return false;
  }

  get #usedEventPa(): number {
    return this.place.avail + 4 + 2 * this.place.size;
  }

  #describe(table: number, index: number, pa: number, lengthBytes: number, flags: number, next: number): void {
    const at = table + 16 * index;
    this.#memory.write64(at, BigInt(pa));
    this.#memory.write32(at + 8, lengthBytes);
    this.#memory.write16(at + 12, flags);
    this.#memory.write16(at + 14, next);
  }

  #has(feature: number): boolean {
    return (this.place.features & (1n << BigInt(feature))) !== 0n;
  }
}
