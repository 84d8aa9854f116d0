/** The ring devices that a configuration asks for: a disk for each drive, and a network. */
import type { GuestMemory } from '../../../machine/bus.ts';
import { MAC_ADDRESS } from '../../../machine/platform/memory-map.ts';
import { DEFAULT_BACKEND_TIMING } from '../../backends/backend-timing.ts';
import { NetPeer } from '../../backends/net-peer.ts';
import { OverlayDisk } from '../../backends/overlay-disk.ts';
import type { RingEvents } from '../../rings/ring-events.ts';
import type { Scheduler } from '../../schedule.ts';
import type { VmConfig } from '../../vm-config.ts';
import { PvBlock } from './pv-block.ts';
import { PV_NET_NAME, type PvDevice, pvBlockName } from './pv-device.ts';
import { PvNet } from './pv-net.ts';

export interface PvDevicesOptions {
  readonly memory: GuestMemory;
  readonly config: Pick<VmConfig, 'net'>;
  readonly drives: readonly Uint8Array[];
  readonly schedule: Scheduler;
  readonly events: RingEvents;
}

export function makePvDevices({ memory, config, drives, schedule, events }: PvDevicesOptions): readonly PvDevice[] {
  const common = { memory, schedule, events, timing: DEFAULT_BACKEND_TIMING };
  const disks = drives.map(
    (image, index) => new PvBlock({ ...common, name: pvBlockName(index), index, disk: new OverlayDisk(image) }),
  );
  if (config.net === undefined) return disks;
  const name = PV_NET_NAME;
  const wire = new NetPeer({ name, schedule, events, latencyCycles: config.net.latencyCycles });
  return [...disks, new PvNet({ ...common, name, index: 0, wire, mac: MAC_ADDRESS.pv })];
}
