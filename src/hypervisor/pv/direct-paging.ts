/**
 * Direct paging: the guest's tables are those that the MMU walks, and every change to them is checked before it is made (docs/abi.md, "Page
 * tables"; Barham et al., "Xen and the Art of Virtualization", SOSP 2003, section 3.3.3).
 *
 * What holds at any time: each frame of type table has only entries that are allowed at its level, each of which counts as one use of
 * the frame that it leads to. So no table is mapped writable, and no mapping leads outside the guest. A change is judged as a whole before
 * any of it is made; one that is refused leaves counts and memory as they were.
 */
import { assert, must } from '../../assert.ts';
import type { GuestMemory } from '../../machine/bus.ts';
import { PAGE_BYTES, PTE, PTE_LEAF, TABLE_ENTRIES } from '../shadow/guest-tables.ts';
import { FRAME_USE, FrameTypes, type TableLevel } from './frame-types.ts';
import { PV_ERROR, type PvError } from './pv-errors.ts';

const PTE_BYTES = 8;
/** Bits 63 to 54 of an entry, in its high half: reserved, Svpbmt, Svnapot. */
const HIGH_RESERVED = 0xffc0_0000;

/** A table entry in two unsigned halves. */
export interface TableEntry {
  readonly low: number;
  readonly high: number;
}

/** How a change reaches the TLBs, and what is known of walks. */
export interface PagingFlush {
  /** Every translation to a frame: it may become something else. */
  frame(frame: number): void;
  /** So many entries from `pa` on say something new: no walk has used them. */
  written(pa: number, entryCount: number): void;
}

export class DirectPaging {
  readonly #memory: GuestMemory;
  readonly #types: FrameTypes;
  readonly #flush: PagingFlush;
  /** Present entries that were validated, and given back, since they were last asked for. */
  #validated = 0;
  #released = 0;

  constructor(memory: GuestMemory, flush: PagingFlush) {
    this.#memory = memory;
    this.#flush = flush;
    this.#types = new FrameTypes(memory.base / PAGE_BYTES, memory.sizeBytes / PAGE_BYTES);
  }

  get types(): FrameTypes {
    return this.#types;
  }

  /**
   * Writes one entry of a table.
   * @param pa physical address of the entry, a multiple of 8
   * @param preservesAd keeps A and D that the MMU has set
   */
  update(pa: number, entry: TableEntry, preservesAd = false): PvError | 0 {
    const frame = Math.floor(pa / PAGE_BYTES);
    if (pa % PTE_BYTES !== 0) return PV_ERROR.EINVAL;
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    const use = this.#types.useOf(frame);
    if (use !== FRAME_USE.level1 && use !== FRAME_USE.level2 && use !== FRAME_USE.level3) return PV_ERROR.EINVAL;
    const error = this.#takeEntry(entry, use);
    if (error !== 0) return error;
    const before = this.#entryAt(pa);
    const kept = preservesAd ? before.low & (PTE.A | PTE.D) : 0;
    this.#memory.write32(pa, entry.low | kept);
    this.#memory.write32(pa + 4, entry.high);
    this.#flush.written(pa, 1);
    this.#dropEntry(before, use);
    return 0;
  }

  /** Where the leaf entry of an address stands in the tables under a root; undefined if a table is missing on the way. */
  leafEntryPa(root: number, va: TableEntry): number | undefined {
    let frame = root;
    for (const level of [3, 2] as const) {
      const entry = this.#entryAt(frame * PAGE_BYTES + indexOf(va, level) * PTE_BYTES);
      if ((entry.low & PTE.V) === 0) return undefined;
      frame = frameOf(entry);
    }
    return frame * PAGE_BYTES + indexOf(va, 1) * PTE_BYTES;
  }

  /** Validates a table and keeps it one, whatever refers to it. */
  pin(frame: number, level: TableLevel): PvError | 0 {
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    if (this.#types.isPinned(frame)) return PV_ERROR.EEXIST;
    const error = this.takeTable(frame, level);
    if (error === 0) this.#types.setPinned(frame, true);
    return error;
  }

  unpin(frame: number): PvError | 0 {
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    if (!this.#types.isPinned(frame)) return PV_ERROR.EINVAL;
    this.#types.setPinned(frame, false);
    this.dropTable(frame);
    return 0;
  }

  /** Counts a use of the frame as a table, which makes it one if it is not. */
  takeTable(frame: number, level: TableLevel): PvError | 0 {
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    if (!this.#types.allows(frame, level)) return PV_ERROR.EBUSY;
    if (!this.#types.take(frame, level)) return 0;
    // From here on the frame counts as a table, so an entry of it that maps it writable is refused as well.
    this.#flush.frame(frame);
    this.#flush.written(frame * PAGE_BYTES, TABLE_ENTRIES);
    for (let index = 0; index < TABLE_ENTRIES; index++) {
      const pa = frame * PAGE_BYTES + index * PTE_BYTES;
      if ((this.#memory.read32(pa) & PTE.V) === 0) continue;
      this.#validated++;
      const error = this.#takeEntry(this.#entryAt(pa), level);
      if (error === 0) continue;
      this.#dropEntries(frame, level, index);
      this.#types.drop(frame);
      return error;
    }
    return 0;
  }

  /** Gives a use of a table back; the last one sets what it leads to free. */
  dropTable(frame: number): void {
    const level = this.#types.useOf(frame);
    assert(level >= FRAME_USE.level1 && level <= FRAME_USE.level3, 'a table');
    if (this.#types.countOf(frame) === 1) this.#dropEntries(frame, level as TableLevel, TABLE_ENTRIES);
    this.#types.drop(frame);
  }

  /**
   * Counts a use of a frame by the hypervisor, which writes to it: it can be no table then.
   * @returns an error if it is one
   */
  holdWritable(frame: number): PvError | 0 {
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    if (!this.#types.allows(frame, FRAME_USE.writable)) return PV_ERROR.EBUSY;
    this.#types.take(frame, FRAME_USE.writable);
    return 0;
  }

  /** Gives back what {@link holdWritable} has taken. */
  releaseWritable(frame: number): void {
    this.#types.drop(frame);
  }

  /** Whether all of `[pa, pa + lengthBytes)` is RAM that is no table. */
  isWritable(pa: number, lengthBytes: number): boolean {
    if (!this.#memory.contains(pa, lengthBytes)) return false;
    const end = pa + lengthBytes;
    for (let frame = Math.floor(pa / PAGE_BYTES); frame * PAGE_BYTES < end; frame++) {
      if (!this.#types.allows(frame, FRAME_USE.writable)) return false;
    }
    return true;
  }

  /** Present entries of tables validated since the last call: what pinning is charged by. */
  takeValidated(): number {
    const count = this.#validated;
    this.#validated = 0;
    return count;
  }

  /** Present entries of tables given up since the last call: what unpinning is charged by. */
  takeReleased(): number {
    const count = this.#released;
    this.#released = 0;
    return count;
  }

  /** Takes the use that an entry is, if it may stand in a table of that level. */
  #takeEntry(entry: TableEntry, level: TableLevel): PvError | 0 {
    const { low, high } = entry;
    if ((low & PTE.V) === 0) return 0;
    if ((high & HIGH_RESERVED) !== 0) return PV_ERROR.EINVAL;
    const frame = frameOf(entry);
    if (level > 1) {
      // A superpage, or a pointer with bits that are reserved in one (Privileged ISA 10.3.1).
      if ((low & (PTE_LEAF | PTE.U | PTE.A | PTE.D)) !== 0) return PV_ERROR.EINVAL;
      return this.takeTable(frame, (level - 1) as TableLevel);
    }
    if ((low & PTE.R) === 0 || (low & PTE.U) === 0) return PV_ERROR.EINVAL;
    if (!this.#types.owns(frame)) return PV_ERROR.EPERM;
    if ((low & PTE.W) === 0) return 0;
    if (!this.#types.allows(frame, FRAME_USE.writable)) return PV_ERROR.EBUSY;
    this.#types.take(frame, FRAME_USE.writable);
    return 0;
  }

  /** Gives the use back that an entry was. */
  #dropEntry(entry: TableEntry, level: TableLevel): void {
    if ((entry.low & PTE.V) === 0) return;
    const frame = frameOf(entry);
    if (level > 1) {
      this.dropTable(frame);
    } else if ((entry.low & PTE.W) !== 0) {
      // Translations that are left do no harm before the frame becomes a table, and that flushes them.
      this.#types.drop(frame);
    }
  }

  #dropEntries(frame: number, level: TableLevel, count: number): void {
    for (let index = 0; index < count; index++) {
      const pa = frame * PAGE_BYTES + index * PTE_BYTES;
      if ((this.#memory.read32(pa) & PTE.V) === 0) continue;
      this.#released++;
      this.#dropEntry(this.#entryAt(pa), level);
    }
  }

  #entryAt(pa: number): TableEntry {
    return { low: this.#memory.read32(pa), high: this.#memory.read32(pa + 4) };
  }
}

/** Number of the frame that an entry leads to. */
export function frameOf({ low, high }: TableEntry): number {
  return (high & 0x3f_ffff) * 2 ** 22 + (low >>> 10);
}

function indexOf(va: TableEntry, level: TableLevel): number {
  const shift = 12 + 9 * (level - 1);
  return must(level < 3 ? (va.low >>> shift) & 511 : ((va.low >>> 30) | (va.high << 2)) & 511, 'an index');
}
