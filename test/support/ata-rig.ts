/** An ATA channel with one drive on a small disk, and a driver's view of it: registers by name, commands by what they need. */
import { OverlayMedium } from '../../src/hypervisor/backends/ata-medium.ts';
import { DEFAULT_BACKEND_TIMING } from '../../src/hypervisor/backends/backend-timing.ts';
import { OverlayDisk } from '../../src/hypervisor/backends/overlay-disk.ts';
import { AtaChannel } from '../../src/machine/devices/ata/ata-channel.ts';
import { AtaDrive } from '../../src/machine/devices/ata/ata-drive.ts';
import { ataChannel } from '../../src/machine/platform/memory-map.ts';
import { VirtioRig } from './virtio-rig.ts';

/** Offsets of the registers, as docs/devices.md has them. */
export const R = {
  Data: 0x00,
  Error: 0x04,
  Features: 0x04,
  SectorCount: 0x08,
  LBALow: 0x0c,
  LBAMid: 0x10,
  LBAHigh: 0x14,
  Device: 0x18,
  Status: 0x1c,
  Command: 0x1c,
  AltStatus: 0x40,
  DeviceControl: 0x40,
  BMCommand: 0x80,
  BMStatus: 0x82,
  BMTable: 0x84,
} as const;

export const SECTOR = 512;
export const IDLE = 0x50;
export const RAM = 0x8000_0000;

/** Every sector begins with its number. */
export function numberedDisk(sectors: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(sectors * SECTOR));
  for (let sector = 0; sector < sectors; sector++) {
    for (let at = 0; at < SECTOR; at += 4) view.setUint32(sector * SECTOR + at, sector * 1000 + at);
  }
  return new Uint8Array(view.buffer);
}

export class AtaRig extends VirtioRig {
  readonly image: Uint8Array;
  readonly disk: OverlayDisk;
  readonly channel: AtaChannel;

  constructor(sectors = 64, memoryBytes = 256 * 1024) {
    super(memoryBytes);
    this.image = numberedDisk(sectors);
    this.disk = new OverlayDisk(this.image);
    const medium = new OverlayMedium({
      name: 'ata0',
      disk: this.disk,
      schedule: this.schedule,
      timing: DEFAULT_BACKEND_TIMING,
    });
    const drive = new AtaDrive({ medium, memory: this.memory, irq: this.irq, serial: 'drive0' });
    medium.connect(drive);
    this.channel = new AtaChannel(ataChannel(0), drive);
  }

  get(register: keyof typeof R, size: 1 | 2 | 4 = 1): number {
    return this.channel.read(R[register], size);
  }

  set(register: keyof typeof R, value: number, size: 1 | 2 | 4 = 1): void {
    this.channel.write(R[register], size, value);
  }

  /** A command with 28 bits of address. */
  command28(command: number, sector: number, count: number): void {
    this.set('Device', 0x40 | ((sector >>> 24) & 15));
    this.set('SectorCount', count & 0xff);
    this.set('LBALow', sector & 0xff);
    this.set('LBAMid', (sector >>> 8) & 0xff);
    this.set('LBAHigh', (sector >>> 16) & 0xff);
    this.set('Command', command);
  }

  /** A command with 48 bits of address: each register is written twice, upper half first. */
  command48(command: number, sector: number, count: number): void {
    this.set('Device', 0x40);
    const byte = (index: number) => Math.floor(sector / 2 ** (8 * index)) & 0xff;
    for (const [register, high, low] of [
      ['SectorCount', (count >>> 8) & 0xff, count & 0xff],
      ['LBALow', byte(3), byte(0)],
      ['LBAMid', byte(4), byte(1)],
      ['LBAHigh', byte(5), byte(2)],
    ] as const) {
      this.set(register, high);
      this.set(register, low);
    }
    this.set('Command', command);
  }

  /** A block over Data, in accesses of `size` bytes. */
  readBlock(size: 2 | 4 = 2): Uint8Array {
    const view = new DataView(new ArrayBuffer(SECTOR));
    for (let at = 0; at < SECTOR; at += size) {
      const value = this.get('Data', size);
      if (size === 2) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
    }
    return new Uint8Array(view.buffer);
  }

  writeBlock(bytes: Uint8Array, size: 2 | 4 = 2): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < SECTOR; at += size) {
      this.set('Data', size === 2 ? view.getUint16(at, true) : view.getUint32(at, true), size);
    }
  }

  /** A region table at `pa`: regions of address and length. */
  regions(pa: number, regions: readonly (readonly [pa: number, lengthBytes: number])[]): void {
    regions.forEach(([region, lengthBytes], index) => {
      const last = index === regions.length - 1 ? 0x8000_0000 : 0;
      this.memory.write32(pa + 8 * index, region);
      this.memory.write32(pa + 8 * index + 4, ((lengthBytes & 0xffff) | last) >>> 0);
    });
    this.set('BMTable', pa, 4);
  }

  sectors(first: number, count: number): Uint8Array {
    return this.image.subarray(first * SECTOR, (first + count) * SECTOR);
  }
}
