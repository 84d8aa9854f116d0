/**
 * The guest's grant table (docs/abi.md, "Grants"): which of its frames back ends may use. An entry is copied, and the copy is checked;
 * what a grant gives ends where direct paging says that a frame is a page table.
 */

import type { GuestMemory } from '../../machine/bus.ts';
import { ascending, type StateSink } from '../../machine/state-sink.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import type { DirectPaging } from './direct-paging.ts';
import { PV_ERROR, type PvError } from './pv-errors.ts';

export const GNTST = {
  okay: 0,
  generalError: -1,
  badDomain: -2,
  badReference: -3,
  badHandle: -4,
  badVirtualAddress: -5,
  permissionDenied: -8,
} as const;
export type GrantStatus = (typeof GNTST)[keyof typeof GNTST];

/** Flags of an entry. Bits 1 and 0 are its type. */
export const GTF = { permitAccess: 1, readonly: 4, reading: 8, writing: 16, typeMask: 3 } as const;
export const GRANT_FRAMES_MAX = 4;
const ENTRY_BYTES = 8;
const ENTRIES_PER_FRAME = PAGE_BYTES / ENTRY_BYTES;

/** A physical address, or why there is none. */
export type Granted = { readonly pa: number } | { readonly status: Exclude<GrantStatus, 0> };

export class GrantTable {
  readonly #memory: GuestMemory;
  readonly #paging: DirectPaging;
  /** Frames of the table, which are writable and stay so. */
  #frames: readonly number[] = [];
  /** How often a reference is in use. */
  readonly #held = new Map<number, number>();

  constructor(memory: GuestMemory, paging: DirectPaging) {
    this.#memory = memory;
    this.#paging = paging;
  }

  /** Frames of the table, which the hypervisor holds. */
  get frames(): readonly number[] {
    return this.#frames;
  }

  /** Sets the table up, once. */
  setUp(frames: readonly number[]): GrantStatus {
    if (this.#frames.length > 0 || frames.length === 0 || frames.length > GRANT_FRAMES_MAX) return GNTST.generalError;
    for (let index = 0; index < frames.length; index++) {
      if (this.#paging.holdWritable(frames[index] as number) === 0) continue;
      for (const held of frames.slice(0, index)) this.#paging.releaseWritable(held);
      return GNTST.generalError;
    }
    this.#frames = [...frames];
    return GNTST.okay;
  }

  /** The frame behind a reference, if it is granted to that domain for that use. */
  resolve(reference: number, domain: number, write: boolean): Granted {
    const at = this.#entryPa(reference);
    if (at === undefined) return { status: GNTST.badReference };
    const header = this.#memory.read32(at);
    const frame = this.#memory.read32(at + 4);
    const flags = header & 0xffff;
    if ((flags & GTF.typeMask) !== GTF.permitAccess) return { status: GNTST.badReference };
    if (header >>> 16 !== domain) return { status: GNTST.badDomain };
    if (write && (flags & GTF.readonly) !== 0) return { status: GNTST.permissionDenied };
    if (!this.#paging.types.owns(frame)) return { status: GNTST.generalError };
    const pa = frame * PAGE_BYTES;
    return write && !this.#paging.isWritable(pa, PAGE_BYTES) ? { status: GNTST.permissionDenied } : { pa };
  }

  /** Holds the frame behind a reference for reading and writing, until {@link release}. */
  hold(reference: number, domain: number): { readonly pa: number } | { readonly error: PvError } {
    const granted = this.resolve(reference, domain, true);
    if (!('pa' in granted)) {
      return { error: granted.status === GNTST.badReference ? PV_ERROR.EINVAL : PV_ERROR.EPERM };
    }
    const error = this.#paging.holdWritable(granted.pa / PAGE_BYTES);
    if (error !== 0) return { error };
    this.markUse(reference);
    return granted;
  }

  /** Gives back what {@link hold} has taken. */
  release(reference: number, pa: number): void {
    this.#paging.releaseWritable(pa / PAGE_BYTES);
    this.unmarkUse(reference);
  }

  /** Counts a use of a reference, and shows it to the guest. */
  markUse(reference: number): void {
    this.#held.set(reference, (this.#held.get(reference) ?? 0) + 1);
    this.#mark(reference, true);
  }

  unmarkUse(reference: number): void {
    const count = (this.#held.get(reference) ?? 0) - 1;
    if (count > 0) {
      this.#held.set(reference, count);
      return;
    }
    this.#held.delete(reference);
    this.#mark(reference, false);
  }

  writeState(sink: StateSink): void {
    sink.value('frames', this.#frames);
    sink.beginList('held');
    for (const [reference, count] of ascending(this.#held)) {
      sink.begin(undefined);
      sink.value('reference', reference);
      sink.value('count', count);
      sink.end();
    }
    sink.end();
  }

  /** Shows the guest that a reference is in use. */
  #mark(reference: number, used: boolean): void {
    const at = this.#entryPa(reference);
    if (at === undefined) return;
    const bits = GTF.reading | GTF.writing;
    const flags = this.#memory.read16(at);
    this.#memory.write16(at, used ? flags | bits : flags & ~bits);
  }

  #entryPa(reference: number): number | undefined {
    const frame = this.#frames[Math.floor(reference / ENTRIES_PER_FRAME)];
    return frame === undefined ? undefined : frame * PAGE_BYTES + (reference % ENTRIES_PER_FRAME) * ENTRY_BYTES;
  }
}
