/**
 * The task file of an ATA drive: what the driver wrote about the command to come. Registers that 48-bit commands use are two deep: a write
 * pushes the value before it down, and HOB in Device Control shows that one (ATA8-ACS, "48-bit Address feature set").
 */
import type { StateSink } from '../../state-sink.ts';
import { ATA, ATA_CONTROL, ATA_DEVICE } from './ata-registers.ts';

const REGISTER_COUNT = 8;
const SECTORS_28 = 256;
const SECTORS_48 = 65_536;

export class TaskFile {
  /** By register number; Features where reads find Error. */
  readonly #now = new Uint8Array(REGISTER_COUNT);
  readonly #before = new Uint8Array(REGISTER_COUNT);
  /** Device Control as it was written last. */
  control = 0;

  get isDevice0(): boolean {
    return (this.#at(this.#now, ATA.Device) & ATA_DEVICE.DEV) === 0;
  }

  get isLba(): boolean {
    return (this.#at(this.#now, ATA.Device) & ATA_DEVICE.LBA) !== 0;
  }

  get features(): number {
    return this.#at(this.#now, ATA.Features);
  }

  /** A register from Sector Count to Device. */
  read(register: number): number {
    const isShadow = (this.control & ATA_CONTROL.HOB) !== 0 && register !== ATA.Device;
    return this.#at(isShadow ? this.#before : this.#now, register);
  }

  /** Any write to the command block clears HOB (the same section). */
  write(register: number, value: number): void {
    this.control &= ~ATA_CONTROL.HOB;
    this.#before[register] = this.#at(this.#now, register);
    this.#now[register] = value;
  }

  /** Sectors that the command names: a count of 0 is the largest one. */
  range(ext: boolean): { readonly sector: number; readonly sectors: number } {
    const low = this.#bytes(this.#now, ATA.LBAHigh, ATA.LBAMid, ATA.LBALow);
    const count = this.#at(this.#now, ATA.SectorCount);
    if (!ext) {
      const top = this.#at(this.#now, ATA.Device) & ATA_DEVICE.head;
      return { sector: top * 2 ** 24 + low, sectors: count || SECTORS_28 };
    }
    const high = this.#bytes(this.#before, ATA.LBAHigh, ATA.LBAMid, ATA.LBALow);
    const sectors = this.#at(this.#before, ATA.SectorCount) * 256 + count;
    return { sector: high * 2 ** 24 + low, sectors: sectors || SECTORS_48 };
  }

  setSignature(): void {
    this.#now.fill(0);
    this.#before.fill(0);
    this.#now[ATA.SectorCount] = 1;
    this.#now[ATA.LBALow] = 1;
  }

  writeState(sink: StateSink): void {
    sink.value('now', this.#now);
    sink.value('before', this.#before);
    sink.value('control', this.control);
  }

  #at(registers: Uint8Array, register: number): number {
    return registers[register] ?? 0;
  }

  #bytes(registers: Uint8Array, ...from: readonly number[]): number {
    return from.reduce((value, register) => value * 256 + this.#at(registers, register), 0);
  }
}
