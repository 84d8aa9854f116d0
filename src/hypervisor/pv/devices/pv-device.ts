/** A device behind rings: what `device_op` connects a guest to. */
import type { Stateful } from '../../../machine/state-sink.ts';
import type { BackendTiming } from '../../backends/backend-timing.ts';
import type { RingEvents } from '../../rings/ring-events.ts';
import type { Scheduler } from '../../schedule.ts';
import type { GrantTable } from '../grant-table.ts';
import type { PvDeviceInfo } from '../start-of-day.ts';

/** Names of devices in events and reports. */
export const pvBlockName = (drive: number): string => `pv-block${drive}`;
export const PV_NET_NAME = 'pv-net0';

/** What back ends are made of. */
export interface PvDeviceOptions {
  /** Name in events and in the schedule. */
  readonly name: string;
  readonly index: number;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  readonly timing: BackendTiming;
}

/** What a back end has while it is connected. */
export interface Connection {
  readonly grants: GrantTable;
  /** Sends the event that is the device's interrupt. */
  readonly deliver: () => void;
}

export interface PvDevice extends Stateful {
  readonly name: string;
  readonly info: PvDeviceInfo;
  /** How many rings it takes: 1 or 2. */
  readonly ringCount: 1 | 2;
  /** @param pages physical addresses of the rings, which stay the back end's until it is disconnected */
  connect(connection: Connection, pages: readonly number[]): void;
  disconnect(): void;
  /** The guest has sent the event that is the device's doorbell. */
  notified(): void;
}
