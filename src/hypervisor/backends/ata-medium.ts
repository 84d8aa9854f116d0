/** The medium of an emulated ATA drive: an {@link OverlayDisk} and the time of the virtio block back end, so that only registers differ. */

import { assert, must } from '../../assert.ts';
import type { AtaDrive, AtaMedium, AtaWork } from '../../machine/devices/ata/ata-drive.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { Scheduler } from '../schedule.ts';
import type { BackendTiming } from './backend-timing.ts';
import type { OverlayDisk } from './overlay-disk.ts';

export interface OverlayMediumOptions {
  /** Name in the schedule. Unique in the machine. */
  readonly name: string;
  readonly disk: OverlayDisk;
  readonly schedule: Scheduler;
  readonly timing: BackendTiming;
}

export class OverlayMedium implements AtaMedium {
  readonly #options: OverlayMediumOptions;
  #drive: AtaDrive | undefined;

  constructor(options: OverlayMediumOptions) {
    this.#options = options;
    options.schedule.register(options.name, () => must(this.#drive, `${options.name} has no drive`).proceed());
  }

  /** The drive that is told when work is done. Called once. */
  connect(drive: AtaDrive): void {
    assert(this.#drive === undefined, `${this.#options.name} is connected twice`);
    this.#drive = drive;
  }

  get capacitySectors(): number {
    return this.#options.disk.capacitySectors;
  }

  read(offset: number, lengthBytes: number): Uint8Array {
    return this.#options.disk.read(offset, lengthBytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#options.disk.write(offset, bytes);
  }

  begin({ reach, sectors }: AtaWork): void {
    const { latencyCycles, perSectorCycles } = this.#options.timing.block;
    const cycles = (reach ? latencyCycles : 0) + perSectorCycles * sectors;
    this.#options.schedule.after(Math.max(1, cycles), this.#options.name, {});
  }

  cancel(): void {
    this.#options.schedule.cancel(this.#options.name);
  }

  writeState(sink: StateSink): void {
    this.#options.disk.writeState(sink);
  }
}
