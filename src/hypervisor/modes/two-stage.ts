/**
 * Hardware assistance: the guest has supervisor mode to itself, under a second stage of translation (Sv39x4) whose tables are filled
 * page by page as the guest first touches its memory. Its own traps, system calls and page tables never leave it.
 */
import { assert, must } from '../../assert.ts';
import type { Machine } from '../../machine/machine-types.ts';
import { type HostMemory, VIRTUALIZATION } from '../../machine/virtualization-types.ts';
import { PAGE_BYTES, PTE, TABLE_ENTRIES } from '../shadow/guest-tables.ts';
import type { ExitHost } from './mode.ts';
import { ACCESS_FAULTS, type VirtualProcessor } from './virtual-processor.ts';

/** Levels of Sv39x4: the root has four pages (Privileged ISA, "Sv39x4"). */
const LEVELS = 3;
const ROOT_PAGES = 4;
/** All harts share one second stage, as vCPUs of a guest do, and so its VMID. */
const VMID = 1;
const LEAF = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U | PTE.A | PTE.D;

export class TwoStageProcessor implements VirtualProcessor {
  readonly #machine: Machine;
  readonly #memory: HostMemory;
  readonly #root: number;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#memory = machine.hostMemory;
    this.#root = this.#table(ROOT_PAGES);
  }

  start(hart: number): void {
    this.#machine.virtualization.start(hart, VIRTUALIZATION.twoStage);
    this.#machine.virtualization.setSecondStage(hart, this.#root, VMID);
  }

  guestTrap(): void {
    assert(false, 'a guest with a supervisor mode of its own takes its traps itself');
  }

  guestInterrupt(): void {
    assert(false, 'a guest with a supervisor mode of its own takes its interrupts itself');
  }

  secondStageFault(host: ExitHost, hart: number): void {
    const { virtualization, memory } = this.#machine;
    const { gpa, access, vaLow, vaHigh } = virtualization.secondStageFault;
    if (memory.contains(gpa, 1)) {
      host.exit(hart, 'second-stage-fault', host.costs.primitives.secondStageFault);
      this.#map(Math.floor(gpa / PAGE_BYTES));
      return;
    }
    // Neither memory nor a device: what a bus without an answer is on hardware.
    const cause = must(ACCESS_FAULTS[access], 'a kind of access');
    host.exit(hart, 'access-fault', host.costs.primitives.trapBounce);
    if (!virtualization.enterTrap(hart, cause, vaLow, vaHigh)) host.stuck(hart);
  }

  /** Gives the guest a page: guest physical addresses are host physical ones here. */
  #map(page: number): void {
    let table = this.#root;
    for (let level = LEVELS - 1; level > 0; level--) {
      // The root takes two bits more than other tables.
      const entry =
        table + (Math.floor(page / TABLE_ENTRIES ** level) % (level === LEVELS - 1 ? 2048 : TABLE_ENTRIES)) * 8;
      if ((this.#memory.pteFlags(entry) & PTE.V) === 0) this.#memory.writePte(entry, this.#table() / PAGE_BYTES, PTE.V);
      table = this.#memory.pteNumber(entry) * PAGE_BYTES;
    }
    this.#memory.writePte(table + (page % TABLE_ENTRIES) * 8, page, LEAF);
  }

  #table(pageCount = 1): number {
    return must(this.#memory.allocate(pageCount), 'memory of the host for a second stage over all of guest RAM');
  }
}

/** Memory that a second stage over all of RAM takes at most: the root, a table for each GiB, a table for each 2 MiB. */
export function secondStageBytes(memoryBytes: number): number {
  const tables = (spanBytes: number) => Math.ceil(memoryBytes / spanBytes) + 1;
  return (ROOT_PAGES + tables(2 ** 30) + tables(2 ** 21)) * PAGE_BYTES;
}
