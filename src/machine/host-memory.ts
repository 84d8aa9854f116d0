/** Memory of the host: pages behind guest RAM in the engine's linear memory, where page walks find them. */
import { assert } from '../assert.ts';
import type { PlainState } from './bus.ts';
import type { Engine } from './engine/engine.ts';
import { PAGE_BYTES, PAGE_FLAG, RAM_BASE } from './engine/layout.ts';
import type { HostMemory } from './virtualization-types.ts';

/** What stands for each page: free, inside an allocation, or how large the one is that begins there (log2 of the pages, and 1). */
const FREE = 0;
const INSIDE = 0xff;
/** A table entry: PPN from bit 10, of which 22 bits are in the low word (Privileged ISA 12.4.1). */
const PPN_SHIFT = 10;
const PPN_LOW = 2 ** 22;
const PPN_MAX = 2 ** 44;
const FLAGS = 0x3ff;
/** Bits 53 to 32 of an entry hold the rest of the PPN. */
const PPN_HIGH_MASK = 0x3f_ffff;

export class EngineHostMemory implements HostMemory {
  readonly base: number;
  readonly sizeBytes: number;
  readonly #engine: Engine;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #pages: Uint8Array;
  readonly #onRamWrite: (ramOffset: number) => void;
  #freePages: number;
  /** No page below is free. */
  #lowest = 0;

  /** @param onRamWrite called when an entry in guest RAM is written: a reservation of LR there ends */
  constructor(engine: Engine, onRamWrite: (ramOffset: number) => void) {
    const { ramBytes, hostBytes } = engine.plan;
    this.#engine = engine;
    this.#view = new DataView(engine.memory.buffer);
    this.#bytes = new Uint8Array(engine.memory.buffer);
    this.#onRamWrite = onRamWrite;
    this.base = RAM_BASE + ramBytes;
    this.sizeBytes = hostBytes;
    this.#pages = new Uint8Array(hostBytes / PAGE_BYTES);
    this.#freePages = this.#pages.length;
  }

  get freePages(): number {
    return this.#freePages;
  }

  allocate(pageCount = 1): number | undefined {
    const log2 = Math.log2(pageCount);
    assert(Number.isInteger(log2) && log2 >= 0, 'an allocation is of a power of two of pages');
    const first = this.#find(pageCount);
    if (first === undefined) return undefined;
    this.#pages.fill(INSIDE, first, first + pageCount);
    this.#pages[first] = log2 + 1;
    this.#freePages -= pageCount;
    if (first === this.#lowest) this.#lowest += pageCount;
    const pa = this.base + first * PAGE_BYTES;
    this.#clear(pa, pageCount);
    return pa;
  }

  free(pa: number): void {
    const first = (pa - this.base) / PAGE_BYTES;
    const size = this.#pages[first];
    assert(size !== undefined && size !== FREE && size !== INSIDE, 'what is freed was allocated');
    const pageCount = 2 ** (size - 1);
    this.#pages.fill(FREE, first, first + pageCount);
    this.#freePages += pageCount;
    this.#lowest = Math.min(this.#lowest, first);
  }

  pteNumber(pa: number): number {
    const at = this.#placeOf(pa);
    const low = this.#view.getUint32(at, true) >>> PPN_SHIFT;
    return (this.#view.getUint32(at + 4, true) & PPN_HIGH_MASK) * PPN_LOW + low;
  }

  pteFlags(pa: number): number {
    return this.#view.getUint32(this.#placeOf(pa), true) & FLAGS;
  }

  writePte(pa: number, pageNumber: number, flags: number): void {
    const at = this.#placeOf(pa);
    assert(
      Number.isInteger(pageNumber) && pageNumber >= 0 && pageNumber < PPN_MAX && (flags & ~FLAGS) === 0,
      'a table entry holds 44 bits of page number and 10 of flags',
    );
    const offset = pa - RAM_BASE;
    if (offset < this.#engine.plan.ramBytes) {
      this.#engine.call.noteWrite(offset, 8);
      this.#onRamWrite(offset);
    } else {
      this.#markChanged(offset / PAGE_BYTES);
    }
    // Both conversions keep the low 32 bits.
    this.#view.setUint32(at, ((pageNumber << PPN_SHIFT) | flags) >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(pageNumber / PPN_LOW), true);
  }

  state(): PlainState {
    return { pages: this.#pages.slice() };
  }

  #find(pageCount: number): number | undefined {
    // Addresses are aligned, not places in this memory.
    const skipped = (this.base / PAGE_BYTES) % pageCount;
    const start = Math.ceil((this.#lowest + skipped) / pageCount) * pageCount - skipped;
    for (let first = start; first + pageCount <= this.#pages.length; first += pageCount) {
      if (pageCount === 1 ? this.#pages[first] === FREE : this.#isFree(first, pageCount)) return first;
    }
    return undefined;
  }

  #isFree(first: number, pageCount: number): boolean {
    for (let page = first; page < first + pageCount; page++) if (this.#pages[page] !== FREE) return false;
    return true;
  }

  #clear(pa: number, pageCount: number): void {
    const offset = pa - RAM_BASE;
    const at = this.#engine.plan.ram + offset;
    this.#bytes.fill(0, at, at + pageCount * PAGE_BYTES);
    for (let page = 0; page < pageCount; page++) this.#markChanged(offset / PAGE_BYTES + page);
  }

  #markChanged(page: number): void {
    const { plan, call } = this.#engine;
    const place = Math.floor(page);
    if (this.#bytes[plan.pageFlags + place] !== PAGE_FLAG.dirty) call.noteWrite(place * PAGE_BYTES, 1);
  }

  /** Where an entry lies in linear memory. */
  #placeOf(pa: number): number {
    const { ram, ramBytes, hostBytes } = this.#engine.plan;
    const offset = pa - RAM_BASE;
    assert(offset >= 0 && offset < ramBytes + hostBytes && offset % 8 === 0, 'a table entry lies in memory');
    return ram + offset;
  }
}
