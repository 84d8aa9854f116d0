/** Which devices a machine has: what the mode offers a guest, and what the configuration asks for. Board and device tree follow one plan. */
import { ParatraceError } from '../errors.ts';
import type { DeviceSet } from './modes/mode.ts';
import { DRIVE_COUNT_MAX, NET_LATENCY_MAX, type VmConfig, type VmImages } from './vm-config.ts';

export interface DevicePlan {
  /** Virtio slots, with console and entropy. */
  readonly virtio: boolean;
  /** Drives in virtio slots; the same images as those on ATA channels. */
  readonly virtioDrives: number;
  readonly virtioNet: boolean;
  readonly ataChannels: number;
  readonly e1000: boolean;
}

/** @throws ParatraceError `usage.option` if there are more drives than places, or for a latency that is none. */
export function planDevices(
  set: DeviceSet,
  config: Pick<VmConfig, 'net'>,
  images: Pick<VmImages, 'drives'>,
): DevicePlan {
  const { length: drives } = images.drives;
  const hasNet = config.net !== undefined;
  const virtio = set === 'rings' || set === 'both';
  const hasRegisters = set === 'emulated' || set === 'both';
  const room = DRIVE_COUNT_MAX - (virtio && hasNet ? 1 : 0);
  if (drives > room) {
    const beside = room < DRIVE_COUNT_MAX ? ' beside the network' : '';
    throw new ParatraceError('usage.option', `${drives} drives; there is room for ${room}${beside}`);
  }
  const latency = config.net?.latencyCycles ?? 1;
  if (!Number.isSafeInteger(latency) || latency < 1 || latency > NET_LATENCY_MAX) {
    const message = `the latency of the network is ${latency} cycles; it can be 1 to ${NET_LATENCY_MAX}`;
    throw new ParatraceError('usage.option', message);
  }
  return {
    virtio,
    virtioDrives: virtio ? drives : 0,
    virtioNet: virtio && hasNet,
    ataChannels: hasRegisters ? drives : 0,
    e1000: hasRegisters && hasNet,
  };
}
