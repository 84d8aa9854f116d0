/**
 * The register face of one virtio-mmio slot, version 2 (virtio 1.2 section 4.2): identification, feature negotiation, queue
 * set-up, status and interrupts. What the device does with its queues is a {@link VirtioDevice} that is plugged in behind it.
 * A slot without a device is a placeholder: device id 0, which drivers pass over in silence (section 4.2.2).
 *
 * Left out: the legacy interface (4.2.4), shared memory regions (4.2.2: every region reads as absent), selective queue reset
 * and notification data (not offered). Control registers answer aligned 32-bit accesses only (4.2.2.2); others read 0 and
 * are ignored. The configuration space never changes by itself, so ConfigGeneration is constant.
 */

import type { IrqLine, MmioDevice } from '../bus.ts';
import { type StateSink, writeFields } from '../state-sink.ts';
import { VIRTIO_F, type VirtioDevice, type VirtioTransport } from './virtio-device.ts';

/** Register offsets (virtio 1.2 table 4.1). The names are those of events and reports. */
export const VIRTIO_MMIO = {
  MagicValue: 0x000,
  Version: 0x004,
  DeviceID: 0x008,
  VendorID: 0x00c,
  DeviceFeatures: 0x010,
  DeviceFeaturesSel: 0x014,
  DriverFeatures: 0x020,
  DriverFeaturesSel: 0x024,
  QueueSel: 0x030,
  QueueSizeMax: 0x034,
  QueueSize: 0x038,
  QueueReady: 0x044,
  QueueNotify: 0x050,
  InterruptStatus: 0x060,
  InterruptACK: 0x064,
  Status: 0x070,
  QueueDescLow: 0x080,
  QueueDescHigh: 0x084,
  QueueDriverLow: 0x090,
  QueueDriverHigh: 0x094,
  QueueDeviceLow: 0x0a0,
  QueueDeviceHigh: 0x0a4,
  SHMSel: 0x0ac,
  SHMLenLow: 0x0b0,
  SHMLenHigh: 0x0b4,
  SHMBaseLow: 0x0b8,
  SHMBaseHigh: 0x0bc,
  QueueReset: 0x0c0,
  ConfigGeneration: 0x0fc,
} as const;
export const VIRTIO_MMIO_CONFIG = 0x100;
export const VIRTIO_MMIO_MAGIC = 0x74726976;
/** "PTRC", little-endian. */
export const VIRTIO_MMIO_VENDOR = 0x43525450;
/** Distance between slots of QEMU's `virt` board. */
export const VIRTIO_MMIO_SLOT_BYTES = 0x1000;

/** Device status bits (virtio 1.2 section 2.1). */
export const VIRTIO_STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  DEVICE_NEEDS_RESET: 64,
  FAILED: 128,
} as const;

/** InterruptStatus bits (section 4.2.2). */
export const VIRTIO_INTERRUPT = { used: 1, config: 2 } as const;

const STATUS_OF_DRIVER = VIRTIO_STATUS.ACKNOWLEDGE | VIRTIO_STATUS.DRIVER | VIRTIO_STATUS.FAILED;
const VERSION_1_BIT = 1n << BigInt(VIRTIO_F.VERSION_1);

export interface VirtioMmioOptions {
  /** Name in events, such as `virtio0`. */
  readonly name: string;
  readonly base: number;
  readonly irq: IrqLine;
  /** Absent: an empty slot. */
  readonly device?: VirtioDevice;
  readonly sizeBytes?: number;
}

/** Queue registers as the driver left them. */
type QueueRegisters = {
  size: number;
  ready: boolean;
  desc: bigint;
  driver: bigint;
  device: bigint;
};

/** All transport state: plain data. */
type TransportState = {
  status: number;
  interruptStatus: number;
  deviceFeaturesSel: number;
  driverFeaturesSel: number;
  driverFeatures: bigint;
  queueSel: number;
  queues: QueueRegisters[];
};

/** By offset. */
const REGISTER_NAMES: readonly (string | undefined)[] = namesByOffset();

export class VirtioMmio implements MmioDevice, VirtioTransport {
  readonly name: string;
  readonly base: number;
  readonly sizeBytes: number;
  readonly device: VirtioDevice | undefined;
  readonly #irq: IrqLine;
  #state: TransportState;

  constructor(options: VirtioMmioOptions) {
    this.name = options.name;
    this.base = options.base;
    this.sizeBytes = options.sizeBytes ?? VIRTIO_MMIO_SLOT_BYTES;
    this.#irq = options.irq;
    this.device = options.device;
    this.#state = initialState(this.device);
    this.device?.connect(this);
  }

  get negotiated(): bigint {
    return (this.#state.status & VIRTIO_STATUS.FEATURES_OK) === 0 ? 0n : this.#state.driverFeatures;
  }

  notifyUsed(): void {
    this.#interrupt(VIRTIO_INTERRUPT.used);
  }

  needsReset(): void {
    this.#state.status |= VIRTIO_STATUS.DEVICE_NEEDS_RESET;
    // Section 2.1.2: the notification is a MUST once DRIVER_OK is set, and no notification may come before.
    if (this.#driverOk) this.#interrupt(VIRTIO_INTERRUPT.config);
  }

  read(offset: number, size: 1 | 2 | 4): number {
    if (offset >= VIRTIO_MMIO_CONFIG) return this.device?.readConfig(offset - VIRTIO_MMIO_CONFIG, size) ?? 0;
    return size === 4 ? this.#readRegister(offset) : 0;
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    if (this.device === undefined) return;
    if (offset >= VIRTIO_MMIO_CONFIG) this.device.writeConfig(offset - VIRTIO_MMIO_CONFIG, size, value);
    else if (size === 4) this.#writeRegister(this.device, offset, value >>> 0);
  }

  registerName(offset: number): string | undefined {
    return offset >= VIRTIO_MMIO_CONFIG ? 'Config' : REGISTER_NAMES[offset];
  }

  writeState(sink: StateSink): void {
    writeFields(sink, this.#state);
    if (this.device !== undefined) sink.state('device', this.device);
  }

  get #driverOk(): boolean {
    return (this.#state.status & VIRTIO_STATUS.DRIVER_OK) !== 0;
  }

  #interrupt(bit: number): void {
    this.#state.interruptStatus |= bit;
    this.#irq.set(true);
  }

  #readRegister(offset: number): number {
    const state = this.#state;
    switch (offset) {
      case VIRTIO_MMIO.MagicValue:
        return VIRTIO_MMIO_MAGIC;
      case VIRTIO_MMIO.Version:
        return 2;
      case VIRTIO_MMIO.DeviceID:
        return this.device?.deviceId ?? 0;
      case VIRTIO_MMIO.VendorID:
        return VIRTIO_MMIO_VENDOR;
      case VIRTIO_MMIO.DeviceFeatures:
        return featureWord(this.device?.features ?? 0n, state.deviceFeaturesSel);
      case VIRTIO_MMIO.QueueSizeMax:
        return this.device?.queueSizesMax[state.queueSel] ?? 0;
      case VIRTIO_MMIO.QueueReady:
        return state.queues[state.queueSel]?.ready === true ? 1 : 0;
      case VIRTIO_MMIO.InterruptStatus:
        return state.interruptStatus;
      case VIRTIO_MMIO.Status:
        return state.status;
      case VIRTIO_MMIO.SHMLenLow:
      case VIRTIO_MMIO.SHMLenHigh:
      case VIRTIO_MMIO.SHMBaseLow:
      case VIRTIO_MMIO.SHMBaseHigh:
        // Section 4.2.2: an absent region has length -1 and base 0xffff_ffff_ffff_ffff.
        return this.device === undefined ? 0 : 0xffffffff;
      default:
        return 0;
    }
  }

  #writeRegister(device: VirtioDevice, offset: number, value: number): void {
    const state = this.#state;
    switch (offset) {
      case VIRTIO_MMIO.DeviceFeaturesSel:
        state.deviceFeaturesSel = value;
        break;
      case VIRTIO_MMIO.DriverFeaturesSel:
        state.driverFeaturesSel = value;
        break;
      case VIRTIO_MMIO.DriverFeatures:
        this.#writeDriverFeatures(value);
        break;
      case VIRTIO_MMIO.QueueSel:
        state.queueSel = value;
        break;
      case VIRTIO_MMIO.QueueReady:
        this.#writeQueueReady(device, (value & 1) !== 0);
        break;
      case VIRTIO_MMIO.QueueNotify:
        if (this.#isLive(value)) device.onNotify(value);
        break;
      case VIRTIO_MMIO.InterruptACK:
        state.interruptStatus &= ~value;
        this.#irq.set(state.interruptStatus !== 0);
        break;
      case VIRTIO_MMIO.Status:
        this.#writeStatus(device, value & 0xff);
        break;
      default:
        this.#writeQueueRegister(offset, value);
    }
  }

  #writeDriverFeatures(value: number): void {
    const state = this.#state;
    // Section 2.2.1: the set is closed once FEATURES_OK is accepted. Words past the second hold no feature we could accept.
    if ((state.status & VIRTIO_STATUS.FEATURES_OK) !== 0 || state.driverFeaturesSel > 1) return;
    const shift = BigInt(state.driverFeaturesSel * 32);
    const others = state.driverFeatures & ~(0xffffffffn << shift);
    state.driverFeatures = others | (BigInt(value) << shift);
  }

  /** QueueSize and the three addresses; a queue in use keeps them (section 4.2.2.2). */
  #writeQueueRegister(offset: number, value: number): void {
    const queue = this.#state.queues[this.#state.queueSel];
    if (queue === undefined || queue.ready) return;
    switch (offset) {
      case VIRTIO_MMIO.QueueSize:
        queue.size = value;
        break;
      case VIRTIO_MMIO.QueueDescLow:
        queue.desc = withLow(queue.desc, value);
        break;
      case VIRTIO_MMIO.QueueDescHigh:
        queue.desc = withHigh(queue.desc, value);
        break;
      case VIRTIO_MMIO.QueueDriverLow:
        queue.driver = withLow(queue.driver, value);
        break;
      case VIRTIO_MMIO.QueueDriverHigh:
        queue.driver = withHigh(queue.driver, value);
        break;
      case VIRTIO_MMIO.QueueDeviceLow:
        queue.device = withLow(queue.device, value);
        break;
      case VIRTIO_MMIO.QueueDeviceHigh:
        queue.device = withHigh(queue.device, value);
        break;
      default:
    }
  }

  #writeQueueReady(device: VirtioDevice, ready: boolean): void {
    const index = this.#state.queueSel;
    const queue = this.#state.queues[index];
    if (queue === undefined || queue.ready === ready) return;
    queue.ready = ready;
    if (!this.#driverOk) return;
    if (ready) this.#enable(device, index);
    else device.onQueueDisabled(index);
  }

  #writeStatus(device: VirtioDevice, value: number): void {
    if (value === 0) {
      this.#reset(device);
      return;
    }
    const state = this.#state;
    // Section 2.1.1: a driver never clears a bit but by reset, and DEVICE_NEEDS_RESET is the device's own.
    state.status |= value & STATUS_OF_DRIVER;
    // Section 2.2.2: FEATURES_OK stays clear for a set that the device cannot work with; VERSION_1 is a must (6.1).
    if ((value & VIRTIO_STATUS.FEATURES_OK) !== 0 && this.#acceptable(device)) {
      state.status |= VIRTIO_STATUS.FEATURES_OK;
    }
    const starts = (value & VIRTIO_STATUS.DRIVER_OK) !== 0 && (state.status & VIRTIO_STATUS.FEATURES_OK) !== 0;
    if (!starts || this.#driverOk) return;
    state.status |= VIRTIO_STATUS.DRIVER_OK;
    state.queues.forEach((queue, index) => {
      if (queue.ready) this.#enable(device, index);
    });
  }

  #acceptable(device: VirtioDevice): boolean {
    const accepted = this.#state.driverFeatures;
    return (accepted & ~device.features) === 0n && (accepted & VERSION_1_BIT) !== 0n;
  }

  #enable(device: VirtioDevice, index: number): void {
    const queue = this.#state.queues[index];
    const sizeMax = device.queueSizesMax[index];
    if (queue === undefined || sizeMax === undefined || !this.#isLive(index)) return;
    const { size, desc, driver, device: used } = queue;
    device.onQueueEnabled({ index, sizeMax, size, desc, driver, device: used });
  }

  /** A queue that the device may touch: ready (4.2.2.1), driver ready (3.1.2), device not waiting for a reset (2.1.2). */
  #isLive(index: number): boolean {
    const broken = (this.#state.status & VIRTIO_STATUS.DEVICE_NEEDS_RESET) !== 0;
    return this.#driverOk && !broken && this.#state.queues[index]?.ready === true;
  }

  /** Section 2.4.1 and 4.2.2.1: status 0, no pending interrupt, no queue ready. */
  #reset(device: VirtioDevice): void {
    this.#state = initialState(device);
    device.onReset();
    this.#irq.set(false);
  }
}

function namesByOffset(): (string | undefined)[] {
  const names: (string | undefined)[] = new Array(VIRTIO_MMIO_CONFIG).fill(undefined);
  for (const [name, offset] of Object.entries(VIRTIO_MMIO)) names[offset] = name;
  return names;
}

function initialState(device: VirtioDevice | undefined): TransportState {
  const queues = (device?.queueSizesMax ?? []).map(() => ({ size: 0, ready: false, desc: 0n, driver: 0n, device: 0n }));
  return {
    status: 0,
    interruptStatus: 0,
    deviceFeaturesSel: 0,
    driverFeaturesSel: 0,
    driverFeatures: 0n,
    queueSel: 0,
    queues,
  };
}

function featureWord(features: bigint, select: number): number {
  return select > 1 ? 0 : Number((features >> BigInt(32 * select)) & 0xffffffffn);
}

function withLow(address: bigint, low: number): bigint {
  return (address & 0xffffffff_00000000n) | BigInt(low);
}

function withHigh(address: bigint, high: number): bigint {
  return (address & 0xffffffffn) | (BigInt(high) << 32n);
}
