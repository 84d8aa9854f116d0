/**
 * Grants that the guest itself uses: mapped, or copied from and to (docs/abi.md, "Grants"). Back ends grant nothing, so these are its own.
 * A mapping is an entry of its tables like any other, and counts as one.
 */

import type { GuestMemory } from '../../machine/bus.ts';
import { ascending, type StateSink } from '../../machine/state-sink.ts';
import { PAGE_BYTES, PTE } from '../shadow/guest-tables.ts';
import { type DirectPaging, frameOf } from './direct-paging.ts';
import { GNTST, type Granted, type GrantStatus, type GrantTable } from './grant-table.ts';
import { DOMAIN } from './pv-layout.ts';

/** Mappings at a time. */
export const GRANT_HANDLES_MAX = 1024;

interface Mapping {
  readonly reference: number;
  readonly va: { readonly low: number; readonly high: number };
  readonly frame: number;
}

/** One side of a copy: a frame of the guest by number, or a grant. */
export interface CopySide {
  readonly isReference: boolean;
  readonly value: number;
  readonly domain: number;
  readonly offset: number;
}

export class GrantMaps {
  readonly #memory: GuestMemory;
  readonly #paging: DirectPaging;
  readonly #grants: GrantTable;
  readonly #mappings = new Map<number, Mapping>();
  #lowestFree = 0;

  constructor(memory: GuestMemory, paging: DirectPaging, grants: GrantTable) {
    this.#memory = memory;
    this.#paging = paging;
    this.#grants = grants;
  }

  /** Maps a grant at an address of the tables under `root`. Returns a handle, or why not. */
  map(
    root: number | undefined,
    va: Mapping['va'],
    grant: { readonly reference: number; readonly domain: number; readonly readonly: boolean },
  ): { readonly handle: number } | { readonly status: Exclude<GrantStatus, 0> } {
    if (!isSelf(grant.domain)) return { status: GNTST.badDomain };
    const granted = this.#grants.resolve(grant.reference, DOMAIN.guest, !grant.readonly);
    if (!('pa' in granted)) return granted;
    const leaf = root === undefined ? undefined : this.#paging.leafEntryPa(root, va);
    if (leaf === undefined || va.low % PAGE_BYTES !== 0) return { status: GNTST.badVirtualAddress };
    if (this.#mappings.size >= GRANT_HANDLES_MAX) return { status: GNTST.generalError };
    const frame = granted.pa / PAGE_BYTES;
    const flags = PTE.V | PTE.R | PTE.U | PTE.A | (grant.readonly ? 0 : PTE.W | PTE.D);
    const entry = { low: ((frame << 10) | flags) >>> 0, high: Math.floor(frame / 2 ** 22) };
    if (this.#paging.update(leaf, entry) !== 0) return { status: GNTST.generalError };
    this.#grants.markUse(grant.reference);
    while (this.#mappings.has(this.#lowestFree)) this.#lowestFree++;
    this.#mappings.set(this.#lowestFree, { reference: grant.reference, va, frame });
    return { handle: this.#lowestFree };
  }

  /** Takes a mapping away. One whose entry leads elsewhere by now is only forgotten. */
  unmap(root: number | undefined, va: Mapping['va'], handle: number): GrantStatus {
    const mapping = this.#mappings.get(handle);
    if (mapping === undefined) return GNTST.badHandle;
    if (mapping.va.low !== va.low || mapping.va.high !== va.high) return GNTST.badVirtualAddress;
    this.#mappings.delete(handle);
    this.#lowestFree = Math.min(this.#lowestFree, handle);
    this.#grants.unmarkUse(mapping.reference);
    const leaf = root === undefined ? undefined : this.#paging.leafEntryPa(root, va);
    if (leaf === undefined) return GNTST.badVirtualAddress;
    const before = { low: this.#memory.read32(leaf), high: this.#memory.read32(leaf + 4) };
    if ((before.low & PTE.V) === 0 || frameOf(before) !== mapping.frame) return GNTST.badVirtualAddress;
    return this.#paging.update(leaf, { low: 0, high: 0 }) === 0 ? GNTST.okay : GNTST.generalError;
  }

  /** Copies within a page. */
  copy(source: CopySide, destination: CopySide, lengthBytes: number): GrantStatus {
    const from = this.#side(source, false);
    if (!('pa' in from)) return from.status;
    const to = this.#side(destination, true);
    if (!('pa' in to)) return to.status;
    if (source.offset + lengthBytes > PAGE_BYTES || destination.offset + lengthBytes > PAGE_BYTES) {
      return GNTST.generalError;
    }
    this.#memory.writeBytes(to.pa + destination.offset, this.#memory.readBytes(from.pa + source.offset, lengthBytes));
    return GNTST.okay;
  }

  writeState(sink: StateSink): void {
    sink.beginList('mappings');
    for (const [handle, { reference, va, frame }] of ascending(this.#mappings)) {
      sink.begin(undefined);
      sink.value('handle', handle);
      sink.value('reference', reference);
      sink.value('vaLow', va.low);
      sink.value('vaHigh', va.high);
      sink.value('frame', frame);
      sink.end();
    }
    sink.end();
  }

  #side({ isReference, value, domain }: CopySide, write: boolean): Granted {
    if (!isSelf(domain)) return { status: GNTST.badDomain };
    if (isReference) return this.#grants.resolve(value, DOMAIN.guest, write);
    if (!this.#paging.types.owns(value)) return { status: GNTST.generalError };
    const pa = value * PAGE_BYTES;
    return write && !this.#paging.isWritable(pa, PAGE_BYTES) ? { status: GNTST.permissionDenied } : { pa };
  }
}

function isSelf(domain: number): boolean {
  return domain === DOMAIN.self || domain === DOMAIN.guest;
}
