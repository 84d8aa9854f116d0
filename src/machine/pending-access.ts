/** The device access that a hart waits for. One object serves a machine for its whole life: copy what must outlive the stop. */
import type { MmioDevice } from './bus.ts';
import type { PendingAccess } from './machine-types.ts';

export class DeviceAccess implements PendingAccess {
  device: MmioDevice = NO_DEVICE;
  // From -0, so that they have room for any number from the start: see `MachineClock`.
  gpa = -0;
  size: 1 | 2 | 4 | 8 = 1;
  write = false;
  low = -0;
  high = -0;

  get value(): bigint {
    return BigInt(this.low) | (BigInt(this.high) << 32n);
  }

  /** Another access; its value is 0 until it is set. */
  begin(device: MmioDevice, gpa: number, size: 1 | 2 | 4 | 8, write: boolean): void {
    this.device = device;
    this.gpa = gpa;
    this.size = size;
    this.write = write;
    this.low = 0;
    this.high = 0;
  }

  /** Sets the value to as many of these unsigned halves as the access is wide. */
  setValue(low: number, high: number): void {
    this.low = this.size < 4 ? low & ((1 << (8 * this.size)) - 1) : low;
    this.high = this.size === 8 ? high : 0;
  }

  /** Has the device do it; what a load finds becomes the value. An access to 8 bytes is two, low half first, if need be. */
  perform(): void {
    const { device, size } = this;
    const offset = this.gpa - device.base;
    if (size === 8) this.#performDouble(offset);
    else if (this.write) device.write(offset, size, this.low);
    else this.setValue(device.read(offset, size), 0);
  }

  #performDouble(offset: number): void {
    const { device } = this;
    if (this.write) {
      if (device.write64) {
        device.write64(offset, this.value);
        return;
      }
      device.write(offset, 4, this.low);
      device.write(offset + 4, 4, this.high);
    } else if (device.read64) {
      const value = device.read64(offset);
      this.setValue(Number(value & 0xffff_ffffn), Number(value >> 32n));
    } else {
      const low = device.read(offset, 4);
      this.setValue(low, device.read(offset + 4, 4));
    }
  }
}

/** Stands in `access` before the first one. */
const NO_DEVICE: MmioDevice = {
  name: 'none',
  base: 0,
  sizeBytes: 0,
  read: () => 0,
  write: () => {},
  registerName: () => undefined,
  writeState: () => {},
};
