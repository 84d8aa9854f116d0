/** The ring devices of a guest, and which of them it is connected to: `device_op`, in place of xenstore. */
import type { StateSink } from '../../../machine/state-sink.ts';
import type { EventChannels } from '../event-channels.ts';
import type { GrantTable } from '../grant-table.ts';
import { PV_ERROR, type PvError } from '../pv-errors.ts';
import { DOMAIN } from '../pv-layout.ts';
import type { PvDevice } from './pv-device.ts';

interface Connected {
  readonly port: number;
  readonly rings: readonly { readonly reference: number; readonly pa: number }[];
}

export interface DeviceBusOptions {
  readonly devices: readonly PvDevice[];
  readonly grants: GrantTable;
  readonly events: EventChannels;
  /** A device sends an event to the guest: charges and tells of it. */
  readonly raised: (device: string, port: number) => void;
}

export class DeviceBus {
  readonly #options: DeviceBusOptions;
  readonly #connected = new Map<PvDevice, Connected>();

  constructor(options: DeviceBusOptions) {
    this.#options = options;
  }

  /** Connects the guest to a device by the grants of its rings. A new port, or an error and nothing is changed. */
  connect(type: number, index: number, references: readonly [number, number]): { port: number } | { error: PvError } {
    const { grants, events, raised } = this.#options;
    const device = this.#find(type, index);
    if (device === undefined) return { error: PV_ERROR.ENOENT };
    if (this.#connected.has(device)) return { error: PV_ERROR.EEXIST };
    const rings: { reference: number; pa: number }[] = [];
    const letGo = () => {
      for (const { reference, pa } of rings) grants.release(reference, pa);
    };
    for (const reference of references.slice(0, device.ringCount)) {
      const held = grants.hold(reference, DOMAIN.backEnds);
      if ('error' in held) {
        letGo();
        return held;
      }
      rings.push({ reference, pa: held.pa });
    }
    const bound = events.bindDevice(device.name, () => device.notified());
    if ('error' in bound) {
      letGo();
      return bound;
    }
    const { port } = bound;
    this.#connected.set(device, { port, rings });
    const deliver = () => {
      raised(device.name, port);
      events.raise(port);
    };
    device.connect(
      { grants, deliver },
      rings.map(({ pa }) => pa),
    );
    return { port };
  }

  disconnect(type: number, index: number): PvError | 0 {
    const device = this.#find(type, index);
    const connected = device && this.#connected.get(device);
    if (device === undefined || connected === undefined) return PV_ERROR.ENOENT;
    device.disconnect();
    this.#connected.delete(device);
    this.#options.events.closeDevice(connected.port, device.name);
    for (const { reference, pa } of connected.rings) this.#options.grants.release(reference, pa);
    return 0;
  }

  /** Frames of rings that are held, each as often as it is. */
  get heldPages(): readonly number[] {
    return [...this.#connected.values()].flatMap(({ rings }) => rings.map(({ pa }) => pa));
  }

  writeState(sink: StateSink): void {
    for (const device of this.#options.devices) {
      sink.begin(device.name);
      sink.value('port', this.#connected.get(device)?.port ?? 0);
      sink.state('device', device);
      sink.end();
    }
  }

  #find(type: number, index: number): PvDevice | undefined {
    return this.#options.devices.find(({ info }) => info.type === type && info.index === index);
  }
}
