/**
 * An ATA channel as a platform device: where the registers of a drive lie in guest physical space, by the device-tree binding
 * `ata-generic` (command and control block, `reg-shift`), and the bus-master registers behind them.
 *
 * Data answers accesses of 16 and 32 bits. Every other register of the two blocks is one byte wide; a wider access reaches it at its first byte.
 */

import type { MmioDevice } from '../../bus.ts';
import { ATA_BLOCKS, ATA_REGISTER_SHIFT, type DevicePlace } from '../../platform/memory-map.ts';
import type { StateSink } from '../../state-sink.ts';
import type { AtaDrive } from './ata-drive.ts';
import { ATA, ATA_COMMAND_BLOCK_NAMES, ATA_CONTROL_NAME } from './ata-registers.ts';

export class AtaChannel implements MmioDevice {
  readonly name: string;
  readonly base: number;
  readonly sizeBytes: number;
  readonly #drive: AtaDrive;

  constructor(place: DevicePlace, drive: AtaDrive) {
    this.name = place.name;
    this.base = place.base;
    this.sizeBytes = place.sizeBytes;
    this.#drive = drive;
  }

  read(offset: number, size: 1 | 2 | 4): number {
    const busMaster = offset - ATA_BLOCKS.busMaster.offset;
    if (busMaster >= 0) return this.#drive.busMaster.read(busMaster, size);
    if (offset === ATA_BLOCKS.control.offset) return this.#drive.alternateStatus;
    const register = registerAt(offset);
    if (register === undefined) return 0;
    if (register === ATA.Data) return size === 1 ? 0 : this.#drive.readData(size);
    return this.#drive.readRegister(register);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    const busMaster = offset - ATA_BLOCKS.busMaster.offset;
    if (busMaster >= 0) {
      this.#drive.busMaster.write(busMaster, size, value);
      return;
    }
    if (offset === ATA_BLOCKS.control.offset) {
      this.#drive.writeControl(value & 0xff);
      return;
    }
    const register = registerAt(offset);
    if (register === undefined) return;
    if (register !== ATA.Data) this.#drive.writeRegister(register, value & 0xff);
    else if (size !== 1) this.#drive.writeData(size, value);
  }

  registerName(offset: number): string | undefined {
    const busMaster = offset - ATA_BLOCKS.busMaster.offset;
    if (busMaster >= 0) return this.#drive.busMaster.registerName(busMaster);
    if (offset === ATA_BLOCKS.control.offset) return ATA_CONTROL_NAME;
    const register = registerAt(offset);
    return register === undefined ? undefined : ATA_COMMAND_BLOCK_NAMES[register];
  }

  writeState(sink: StateSink): void {
    this.#drive.writeState(sink);
  }
}

/** The register of the command block whose first byte lies at `offset`. */
function registerAt(offset: number): number | undefined {
  const { command } = ATA_BLOCKS;
  const at = offset - command.offset;
  if (at < 0 || at >= command.sizeBytes || at % (1 << ATA_REGISTER_SHIFT) !== 0) return undefined;
  return at >> ATA_REGISTER_SHIFT;
}
