/** The block of one sector that goes over the Data register of an ATA drive, word by word. */
import type { StateSink } from '../../state-sink.ts';
import { ATA_SECTOR_BYTES } from './ata-registers.ts';

/** A double word that begins with the last word of a block: its upper half is nowhere. */
const PADDING_BYTES = 2;

export class SectorBlock {
  readonly #bytes = new Uint8Array(ATA_SECTOR_BYTES + PADDING_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #block = this.#bytes.subarray(0, ATA_SECTOR_BYTES);
  #at = 0;

  /** Whether every word went over. */
  get isDone(): boolean {
    return this.#at >= ATA_SECTOR_BYTES;
  }

  /** A copy of the block. */
  get bytes(): Uint8Array {
    return this.#block.slice();
  }

  /** Begins a block, with what is to be read of it. */
  begin(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.#bytes.set(bytes);
    this.#at = 0;
  }

  /** The next word, or two. Only of a block that is not done. */
  take(size: 2 | 4): number {
    const value = size === 4 ? this.#view.getUint32(this.#at, true) : this.#view.getUint16(this.#at, true);
    this.#at += size;
    return value;
  }

  put(size: 2 | 4, value: number): void {
    if (size === 4) this.#view.setUint32(this.#at, value, true);
    else this.#view.setUint16(this.#at, value, true);
    this.#at += size;
  }

  writeState(sink: StateSink): void {
    sink.value('bytes', this.#block);
    sink.value('at', this.#at);
  }
}
