/** Virtualized harts for tests: a rig with memory of the host, and tables in it. */
import { must } from '../../src/assert.ts';
import type { HostMemory } from '../../src/machine/virtualization-types.ts';
import { VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { MachineRig, PAGE, PTE, type RigOptions, type Start } from './machine-rig.ts';

export const HOST_BYTES = 1 << 20;
/** What a host maps guest memory with: everything allowed and done, for the U-mode that second stages and deprivileged guests are in. */
export const HOST_RWX = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U | PTE.A | PTE.D;
const LEAF = PTE.R | PTE.W | PTE.X;

/** A table in memory of the host: of Sv39, or of Sv39x4 with its large root. */
export class HostTable {
  readonly root: number;
  readonly #memory: HostMemory;
  readonly #rootEntries: number;
  readonly #pages: number[] = [];

  constructor(memory: HostMemory, kind: 'sv39' | 'sv39x4') {
    this.#memory = memory;
    this.#rootEntries = kind === 'sv39' ? 512 : 2048;
    this.root = this.#allocate(kind === 'sv39' ? 1 : 4);
  }

  /** Gives all of its memory back. */
  free(): void {
    for (const pa of this.#pages) this.#memory.free(pa);
  }

  #allocate(pageCount = 1): number {
    const pa = must(this.#memory.allocate(pageCount), 'memory of the host');
    this.#pages.push(pa);
    return pa;
  }

  /** Maps one page of `level` (0: 4 KiB). Addresses are below 2^53 or the low part of a canonical one. */
  map(address: number, pa: number, flags = HOST_RWX, level = 0): void {
    this.#memory.writePte(this.entryAddress(address, level), Math.floor(pa / PAGE), flags);
  }

  unmap(address: number, level = 0): void {
    this.#memory.writePte(this.entryAddress(address, level), 0, 0);
  }

  identity(from: number, to: number, flags = HOST_RWX): void {
    for (let pa = from; pa < to; pa += PAGE) this.map(pa, pa, flags);
  }

  flags(address: number, level = 0): number {
    return this.#memory.pteFlags(this.entryAddress(address, level));
  }

  /** Address of the entry for an address at a level, making the tables above it. */
  entryAddress(address: number, level = 0): number {
    let table = this.root;
    for (let at = 2; ; at--) {
      const entries = at === 2 ? this.#rootEntries : 512;
      const entry = table + 8 * (Math.floor(address / 2 ** (12 + 9 * at)) % entries);
      if (at === level) return entry;
      if (this.#memory.pteFlags(entry) === 0) {
        this.#memory.writePte(entry, this.#allocate() / PAGE, PTE.V);
      }
      if ((this.#memory.pteFlags(entry) & LEAF) !== 0) throw new Error('a larger page is in the way');
      table = this.#memory.pteNumber(entry) * PAGE;
    }
  }
}

export class VirtualRig extends MachineRig {
  constructor(options: RigOptions = {}) {
    super({ hostMemoryBytes: HOST_BYTES, supervisorCallsStop: true, ...options });
  }

  readonly #tables: HostTable[] = [];

  get virtualization() {
    return this.machine.virtualization;
  }

  table(kind: 'sv39' | 'sv39x4'): HostTable {
    const table = new HostTable(this.machine.hostMemory, kind);
    this.#tables.push(table);
    return table;
  }

  /** Gives back the memory of all tables. */
  freeTables(): void {
    for (const table of this.#tables.splice(0)) table.free();
  }

  override start(start: Start = {}, id = 0): void {
    this.virtualization.start(id, VIRTUALIZATION.none);
    super.start(start, id);
    const hart = this.hartOf(id);
    hart.setCsr('medeleg', 0xb1ffn);
    hart.setCsr('mideleg', 0x222n);
    hart.setCsr('mcounteren', 7n);
    for (const [name, value] of Object.entries(start.csrs ?? {})) hart.setCsr(name, value);
  }
}
