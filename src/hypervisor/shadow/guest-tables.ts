/**
 * The guest's own page tables, walked by software as the hardware of its virtual machine would (Privileged ISA 10.3.2): what a hypervisor
 * does that keeps shadow tables. Entries are read and updated in guest RAM; nothing is cached here.
 */
import type { GuestMemory } from '../../machine/bus.ts';
import { ACCESS_TYPE, type AccessType, type HostMemory } from '../../machine/virtualization-types.ts';

/** Flags of a page-table entry (Privileged ISA 10.3.1, figure of the Sv32 entry; the same in all schemes). */
export const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
/** R, W or X: a leaf. */
export const PTE_LEAF = PTE.R | PTE.W | PTE.X;

export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
/** Entries of a table. */
export const TABLE_ENTRIES = 512;
const PTE_BYTES = 8;
/** Flags of an entry, and the bits that are the guest's own (RSW). */
const FLAGS = 0x3ff;
/** Bits 63 to 54 of an entry: reserved, Svpbmt, Svnapot: none of them is implemented, so all must be 0. */
const PTE_HIGH_RESERVED_SHIFT = 22;
const PTE_HIGH_PPN = 0x3f_ffff;
const PPN_LOW_BITS = 22;

/** A guest virtual address in two unsigned halves. */
export interface Va {
  readonly low: number;
  readonly high: number;
}

/** What decides how an address is translated: `satp`, and the virtual privilege with the bits of `sstatus` that widen or narrow it. */
export interface GuestPaging {
  /** Levels of table: 3 to 5; 0 for Bare. */
  readonly levels: number;
  /** Physical address of the root. */
  readonly rootPa: number;
}

/** Who accesses: supervisor or user, SUM and MXR. */
export interface Accessor {
  readonly supervisor: boolean;
  readonly sum: boolean;
  readonly mxr: boolean;
}

/** A leaf that allows the access. */
export interface GuestLeaf {
  readonly kind: 'leaf';
  /** Guest physical page number of the 4 KiB page that was asked for. */
  readonly page: number;
  /** Flags of the leaf, with A and D as they are after the access. */
  readonly flags: number;
  /** Level of the leaf: 0 is a 4 KiB page. */
  readonly level: number;
  /** Page numbers of the tables that were walked, by level; undefined below the leaf. */
  readonly tables: readonly (number | undefined)[];
}

export type GuestWalk = GuestLeaf | { readonly kind: 'page-fault' } | { readonly kind: 'access-fault' };

const PAGE_FAULT: GuestWalk = { kind: 'page-fault' };
const ACCESS_FAULT: GuestWalk = { kind: 'access-fault' };

/** The index into the table of that level. */
export function tableIndex(va: Va, level: number): number {
  if (level <= 1) return (va.low >>> (PAGE_SHIFT + 9 * level)) & 511;
  if (level === 2) return ((va.low >>> 30) | (va.high << 2)) & 511;
  return (va.high >>> (level === 3 ? 7 : 16)) & 511;
}

/** Whether the address is one: bits above those translated must equal the highest translated one. */
function isCanonical(va: Va, levels: number): boolean {
  const sign = PAGE_SHIFT + 9 * levels - 1 - 32;
  const upper = va.high >> sign;
  return upper === 0 || upper === -1;
}

/**
 * Walks the guest's tables for one access. Sets A and D where the virtual machine's hardware would.
 * @param writer what A and D are set by; undefined: a missing one is a page fault (Svade)
 */
export function walkGuest(
  memory: GuestMemory,
  paging: GuestPaging,
  va: Va,
  access: AccessType,
  accessor: Accessor,
  writer: Pick<HostMemory, 'writePte'> | undefined,
): GuestWalk {
  if (!isCanonical(va, paging.levels)) return PAGE_FAULT;
  const tables: (number | undefined)[] = new Array(paging.levels).fill(undefined);
  let tablePa = paging.rootPa;
  for (let level = paging.levels - 1; level >= 0; level--) {
    const entryPa = tablePa + tableIndex(va, level) * PTE_BYTES;
    if (!memory.contains(entryPa, PTE_BYTES)) return ACCESS_FAULT;
    tables[level] = Math.floor(tablePa / PAGE_BYTES);
    const low = memory.read32(entryPa);
    const high = memory.read32(entryPa + 4);
    if (!isWellFormed(low, high)) return PAGE_FAULT;
    const ppn = (high & PTE_HIGH_PPN) * 2 ** PPN_LOW_BITS + (low >>> 10);
    if ((low & PTE_LEAF) === 0) {
      if ((low & (PTE.U | PTE.A | PTE.D)) !== 0) return PAGE_FAULT;
      tablePa = ppn * PAGE_BYTES;
      continue;
    }
    const span = TABLE_ENTRIES ** level;
    if (ppn % span !== 0 || !isAllowed(low, access, accessor)) return PAGE_FAULT;
    const needed = PTE.A | (access === ACCESS_TYPE.write ? PTE.D : 0);
    if ((low & needed) !== needed) {
      if (!writer) return PAGE_FAULT;
      writer.writePte(entryPa, ppn, (low | needed) & FLAGS);
    }
    return { kind: 'leaf', page: ppn + pageWithin(va, level), flags: (low | needed) & FLAGS, level, tables };
  }
  return PAGE_FAULT;
}

/** Valid, no reserved bits, not writable without being readable. */
function isWellFormed(low: number, high: number): boolean {
  if ((low & PTE.V) === 0 || high >>> PTE_HIGH_RESERVED_SHIFT !== 0) return false;
  return (low & (PTE.R | PTE.W)) !== PTE.W;
}

/** The number of a 4 KiB page within a page of that level. */
function pageWithin(va: Va, level: number): number {
  let within = 0;
  for (let below = level - 1; below >= 0; below--) within = within * TABLE_ENTRIES + tableIndex(va, below);
  return within;
}

/** Steps 6 and 7 of the translation process: permissions by kind of access and privilege. */
function isAllowed(flags: number, access: AccessType, { supervisor, sum, mxr }: Accessor): boolean {
  const isUser = (flags & PTE.U) !== 0;
  if (supervisor && isUser && (access === ACCESS_TYPE.fetch || !sum)) return false;
  if (!supervisor && !isUser) return false;
  switch (access) {
    case ACCESS_TYPE.fetch:
      return (flags & PTE.X) !== 0;
    case ACCESS_TYPE.write:
      return (flags & PTE.W) !== 0;
    default:
      return (flags & PTE.R) !== 0 || (mxr && (flags & PTE.X) !== 0);
  }
}

/** Flags that a shadow leaf has for this accessor: what it may do, as user permissions. */
export function permissionsFor(flags: number, { supervisor, sum, mxr }: Accessor): number {
  const isUser = (flags & PTE.U) !== 0;
  let allowed = flags & PTE_LEAF;
  if (mxr && (flags & PTE.X) !== 0) allowed |= PTE.R;
  if (!supervisor) return isUser ? allowed : 0;
  if (!isUser) return allowed;
  return sum ? allowed & ~PTE.X : 0;
}
