/**
 * What calls point to, by physical address. A request is copied once, and the copy is what is checked and used; what is written back goes only
 * where the host may write: under direct paging to no page table.
 */
import type { GuestMemory } from '../../machine/bus.ts';

/** What of RAM a host may write results to. */
export interface WritableRam {
  isWritable(pa: number, lengthBytes: number): boolean;
}

const POINTER_ALIGNMENT = 8;

export class GuestBuffers {
  readonly #memory: GuestMemory;
  readonly #writable: WritableRam;

  /** @param writable without page tables that only direct paging may change */
  constructor(memory: GuestMemory, writable: WritableRam) {
    this.#memory = memory;
    this.#writable = writable;
  }

  /** A copy; undefined if the range is not aligned or not RAM as a whole. */
  copy(pa: number, lengthBytes: number): DataView | undefined {
    if (pa % POINTER_ALIGNMENT !== 0 || !this.#memory.contains(pa, lengthBytes)) return undefined;
    const bytes = this.#memory.readBytes(pa, lengthBytes);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The same as 32-bit words, for requests of a few of them: what V8 keeps with its objects, where a view has memory of its own. */
  copyWords(pa: number, lengthBytes: number): Uint32Array | undefined {
    if (pa % POINTER_ALIGNMENT !== 0 || !this.#memory.contains(pa, lengthBytes)) return undefined;
    const words = new Uint32Array(lengthBytes / 4);
    for (let index = 0; index < words.length; index++) words[index] = this.#memory.read32(pa + 4 * index);
    return words;
  }

  /** Whether results can be written there. */
  isWritable(pa: number, lengthBytes: number): boolean {
    return pa % POINTER_ALIGNMENT === 0 && this.#writable.isWritable(pa, lengthBytes);
  }

  /** After {@link isWritable}. */
  write(pa: number, bytes: Uint8Array): void {
    this.#memory.writeBytes(pa, bytes);
  }

  /** Writes 32 bits. After {@link isWritable}. */
  write32(pa: number, value: number): void {
    this.#memory.write32(pa, value >>> 0);
  }
}
