/**
 * The bus master of one ATA channel (BMIDE 1.0 section 2 and 3): three registers, and a table of physical regions in guest memory that
 * says where data goes. The drive asks it to move data; it knows nothing of commands.
 *
 * The table is read when data moves, each region once, and the walk is bounded by the longest table there can be (64 KiB, section 1.2).
 * Left out: simplex operation; crossing a 64 KiB boundary, which the specification forbids, just works.
 */

import type { GuestMemory } from '../../bus.ts';
import type { StateSink } from '../../state-sink.ts';
import { BM, BM_COMMAND, BM_STATUS } from './ata-registers.ts';

const REGION_BYTES = 8;
const REGIONS_MAX = 65_536 / REGION_BYTES;
const END_OF_TABLE = 0x8000;
const NAMES = ['BMCommand', undefined, 'BMStatus', undefined, 'BMTable', 'BMTable', 'BMTable', 'BMTable'] as const;

/** A part of guest RAM that data goes to or comes from. */
export interface DmaRegion {
  readonly pa: number;
  readonly lengthBytes: number;
}

/** Regions for a transfer, in order; `exhausted` if they end with it exactly. */
export type DmaPlan =
  | { readonly kind: 'regions'; readonly regions: readonly DmaRegion[]; readonly exhausted: boolean }
  /** The table ends too soon, or something of it does not lie in RAM. */
  | { readonly kind: 'short' }
  | { readonly kind: 'outside-ram' };

export class BusMaster {
  readonly #memory: GuestMemory;
  readonly #changed: (started: boolean) => void;
  #command = 0;
  #status = 0;
  #table = 0;

  /** @param changed called when the guest starts or stops it. */
  constructor(memory: GuestMemory, changed: (started: boolean) => void) {
    this.#memory = memory;
    this.#changed = changed;
  }

  get started(): boolean {
    return (this.#command & BM_COMMAND.start) !== 0;
  }

  /** Whether data goes from the drive to memory. */
  get toMemory(): boolean {
    return (this.#command & BM_COMMAND.toMemory) !== 0;
  }

  registerName(offset: number): string | undefined {
    return NAMES[offset];
  }

  /** Registers can be read as bytes, half words and words (section 2). */
  read(offset: number, size: 1 | 2 | 4): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.#byte(offset + i);
    return value;
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    for (let i = 0; i < size; i++) this.#setByte(offset + i, (value >>> (8 * i)) & 0xff);
  }

  /** The drive asserted its interrupt (section 2.2, bit 2). */
  interrupt(): void {
    this.#status |= BM_STATUS.interrupt;
  }

  /** Regions for `lengthBytes` from the start of the table. */
  plan(lengthBytes: number): DmaPlan {
    const regions: DmaRegion[] = [];
    let left = lengthBytes;
    for (let index = 0; index < REGIONS_MAX; index++) {
      const entry = this.#table + index * REGION_BYTES;
      if (!this.#memory.contains(entry, REGION_BYTES)) return { kind: 'outside-ram' };
      const address = this.#memory.read32(entry);
      const counts = this.#memory.read32(entry + 4);
      // Section 1.2: bit 0 of address and count is 0; a count of 0 is 64 KiB.
      const pa = (address & ~1) >>> 0;
      const regionBytes = counts & 0xfffe || 65_536;
      const last = ((counts >>> 16) & END_OF_TABLE) !== 0;
      const usedBytes = Math.min(regionBytes, left);
      if (!this.#memory.contains(pa, usedBytes)) return { kind: 'outside-ram' };
      regions.push({ pa, lengthBytes: usedBytes });
      left -= usedBytes;
      if (left === 0) return { kind: 'regions', regions, exhausted: last && usedBytes === regionBytes };
      if (last) return { kind: 'short' };
    }
    return { kind: 'short' };
  }

  /** A transfer is over. Section 3.1: active falls when the table was used up, and stays where it had more. */
  finish(exhausted: boolean): void {
    if (exhausted) this.#status &= ~BM_STATUS.active;
  }

  /** A transfer failed: memory could not be reached. */
  fail(): void {
    this.#status = (this.#status & ~BM_STATUS.active) | BM_STATUS.error;
  }

  writeState(sink: StateSink): void {
    sink.value('command', this.#command);
    sink.value('status', this.#status);
    sink.value('table', this.#table);
  }

  #byte(offset: number): number {
    if (offset === BM.Command) return this.#command;
    if (offset === BM.Status) return this.#status;
    return offset >= BM.Table && offset < BM.Table + 4 ? (this.#table >>> (8 * (offset - BM.Table))) & 0xff : 0;
  }

  #setByte(offset: number, value: number): void {
    if (offset === BM.Command) this.#setCommand(value);
    else if (offset === BM.Status) this.#setStatus(value);
    else if (offset >= BM.Table && offset < BM.Table + 4) {
      const shift = 8 * (offset - BM.Table);
      this.#table = ((this.#table & ~(0xff << shift)) | (value << shift) | 0) & ~3;
      this.#table >>>= 0;
    }
  }

  #setCommand(value: number): void {
    const before = this.started;
    // Section 2.1: the direction may not change while the bus master is active.
    const direction = before ? this.#command & BM_COMMAND.toMemory : value & BM_COMMAND.toMemory;
    this.#command = direction | (value & BM_COMMAND.start);
    if (this.started === before) return;
    if (this.started) this.#status |= BM_STATUS.active;
    else this.#status &= ~BM_STATUS.active;
    this.#changed(this.started);
  }

  /** Bits 6:5 are for software, bits 2:1 are cleared by writing 1, bit 0 is read-only (section 2.2). */
  #setStatus(value: number): void {
    const cleared = value & (BM_STATUS.error | BM_STATUS.interrupt);
    this.#status = (this.#status & ~cleared & ~BM_STATUS.drivesCapable) | (value & BM_STATUS.drivesCapable);
  }
}
