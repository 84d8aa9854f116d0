/**
 * The virtual MMU of a deprivileged guest: which shadow root each hart runs on, and what a page fault of the real MMU means.
 *
 * A page fault is one of three things: the guest maps the page and the shadow does not yet (a hidden fault: filled, and the guest never
 * knows); the guest's own tables say no (the guest takes it); or the page is a table of the guest that must not be written unseen.
 */
import { assert, must } from '../../assert.ts';
import { type Machine, STOP } from '../../machine/machine-types.ts';
import {
  ACCESS_TYPE,
  type AccessType,
  type HostMemory,
  TABLE_MODE,
  TLB_SPACE_COUNT,
  type Virtualization,
} from '../../machine/virtualization-types.ts';
import {
  type Accessor,
  type GuestPaging,
  PAGE_BYTES,
  PAGE_SHIFT,
  PTE,
  PTE_LEAF,
  permissionsFor,
  type Va,
  walkGuest,
} from './guest-tables.ts';
import type { ShadowPage } from './shadow-page.ts';
import { touchedEntries } from './shadow-page.ts';
import { type ShadowCounts, ShadowTables } from './shadow-tables.ts';

/** Roots that are kept, least recently used ones dropped first. Each has an address space of its own in the TLB. */
export const SHADOW_ROOTS_MAX = 64;
/**
 * Writes to a guest table, without a fill through it in between, after which it is taken for a page that is no table any more. As in KVM
 * (`detect_write_flooding`), which also lets go of a table at a store that is not to whole entries.
 */
export const TABLE_WRITES_MAX = 512;

/** Shadow pages below a root that a leaf of Sv57 needs. A store may need two leaves at once. */
const TABLES_PER_PAGE_MAX = 4;

const SATP_MODE_SHIFT = 60n;
const SATP_PPN = (1n << 44n) - 1n;
const SSTATUS_SUM = 1n << 18n;
const SSTATUS_MXR = 1n << 19n;
const LEVELS_BY_MODE: Readonly<Record<number, number>> = { 0: 0, 8: 3, 9: 4, 10: 5 };
const MODE_BY_LEVELS = { 3: TABLE_MODE.sv39, 4: TABLE_MODE.sv48, 5: TABLE_MODE.sv57 } as const;

/** More than there are levels, and kinds of accessor. */
const LEVEL_COUNT = 8;
const ROLE_COUNT = 8;

/** What a page fault of the real MMU was. */
export type ShadowFault =
  /** The shadow had no entry; it has one now. */
  | { readonly kind: 'filled'; readonly written: number; readonly dropped: number }
  /** The guest's own fault, of the same cause. */
  | { readonly kind: 'guest-fault' }
  /** The guest's tables lead to memory that does not exist: an access fault. */
  | { readonly kind: 'access-fault' }
  /** Not RAM: perhaps a device. */
  | { readonly kind: 'device'; readonly gpa: number }
  /** A store to a guest table. */
  | { readonly kind: 'table-write'; readonly gpa: number; readonly dropped: number };

const SAME_ROOTS: RootSwitch = { cached: true, dropped: 0 };
const GUEST_FAULT: ShadowFault = { kind: 'guest-fault' };
const ACCESS_FAULT: ShadowFault = { kind: 'access-fault' };

interface CachedRoot {
  readonly key: number;
  readonly page: ShadowPage;
  readonly space: number;
  lastUse: number;
}

interface HartContext {
  /** Of `satp`, and what counts here of `sstatus`, when they were last looked at. */
  satp: bigint;
  status: bigint;
  paging: GuestPaging;
  sum: boolean;
  mxr: boolean;
  /** By virtual privilege: user, supervisor. */
  readonly roots: [CachedRoot | undefined, CachedRoot | undefined];
}

/** What a store to a table came to. */
export interface TableWrite {
  /** Shadow entries that had to go. */
  readonly dropped: number;
  /** The store has met a trap on its other page, which is the guest trap of the hart now. */
  readonly trapped: boolean;
}

/** A page of a table that an instruction stores to, by the address that it uses. */
interface OpenedTable {
  readonly va: Va;
  readonly table: number;
  /** Entries that may change. */
  readonly indexes: readonly number[];
}

export interface ShadowOptions {
  /** Roots that are kept: more than two for each hart. Default: {@link SHADOW_ROOTS_MAX}. */
  readonly rootsMax?: number;
}

/** What a change of `satp` or `sstatus` came to. */
export interface RootSwitch {
  /** Whether the roots now in use were there already. */
  readonly cached: boolean;
  /** Shadow entries that had to go. */
  readonly dropped: number;
}

export class ShadowMmu {
  readonly #machine: Machine;
  readonly #virtualization: Virtualization;
  readonly #tables: ShadowTables;
  /** What sets A and D in the guest's tables; undefined if nothing does (Svade). */
  readonly #adWriter: HostMemory | undefined;
  readonly #contexts: readonly HartContext[];
  readonly #roots = new Map<number, CachedRoot>();
  readonly #freeSpaces: number[];
  /** Writes to each table since something was last filled through it. */
  readonly #writes = new Map<number, number>();
  #uses = 0;
  /** The last store that was executed with tables open: where, and which. */
  #tried: { readonly hart: number; readonly icount: number; readonly opened: readonly OpenedTable[] } | undefined;

  constructor(
    machine: Machine,
    memory: HostMemory,
    virtualization: Virtualization,
    { rootsMax = SHADOW_ROOTS_MAX }: ShadowOptions = {},
  ) {
    assert(rootsMax > 2 * machine.harts.length, 'each hart holds two roots, and one of them its successor');
    assert(rootsMax <= TLB_SPACE_COUNT.deprivileged, 'each root has a space');
    const pagesMin = 2 * machine.harts.length + 1 + 2 * TABLES_PER_PAGE_MAX;
    assert(memory.sizeBytes >= pagesMin * PAGE_BYTES, 'memory for the roots in use, and two pages below one of them');
    this.#machine = machine;
    this.#virtualization = virtualization;
    this.#adWriter = machine.config.adUpdate === 'hardware' ? memory : undefined;
    this.#freeSpaces = Array.from({ length: rootsMax }, (_, space) => rootsMax - 1 - space);
    this.#contexts = machine.harts.map(() => ({
      satp: 0n,
      status: 0n,
      paging: { levels: 0, rootPa: 0 },
      sum: false,
      mxr: false,
      roots: [undefined, undefined],
    }));
    this.#tables = new ShadowTables(memory, {
      page: (gpa) => machine.harts.forEach(({ id }) => void virtualization.flushPage(id, gpa)),
      all: () => machine.harts.forEach(({ id }) => void machine.flushTranslations(id)),
    });
    machine.watchMemory((pa, lengthBytes) => this.#memoryWritten(pa, lengthBytes));
  }

  get counts(): ShadowCounts & { readonly roots: number } {
    return { ...this.#tables.counts, roots: this.#roots.size };
  }

  /** Sets the roots of a hart that starts. */
  start(hart: number): void {
    const { roots } = this.#context(hart);
    roots[0] = undefined;
    roots[1] = undefined;
    this.switchRoots(hart);
  }

  /** Whether the roots for a value of `satp` are there already, `sstatus` being as it is. */
  isCached(hart: number, satp: bigint): boolean {
    const context = this.#context(hart);
    const paging = pagingOf(satp);
    return this.#roots.has(this.#key(context, paging, false)) && this.#roots.has(this.#key(context, paging, true));
  }

  /** Has the hart run on the roots that its virtual `satp` and `sstatus` ask for. */
  switchRoots(hart: number): RootSwitch {
    const context = this.#context(hart);
    const registers = must(this.#machine.harts[hart], 'a hart of the machine');
    const satp = registers.csr('satp');
    const status = registers.csr('sstatus') & (SSTATUS_SUM | SSTATUS_MXR);
    const [user, supervisor] = context.roots;
    if (user && supervisor && satp === context.satp && status === context.status) {
      // As if they had been looked for: least recently used ones are dropped first.
      user.lastUse = ++this.#uses;
      supervisor.lastUse = ++this.#uses;
      return SAME_ROOTS;
    }
    context.satp = satp;
    context.status = status;
    context.paging = pagingOf(satp);
    context.sum = (status & SSTATUS_SUM) !== 0n;
    context.mxr = (status & SSTATUS_MXR) !== 0n;
    let cached = true;
    let dropped = 0;
    for (const privilege of [0, 1] as const) {
      const root = this.#rootFor(context, privilege === 1);
      cached &&= root.cached;
      dropped += root.dropped;
      if (context.roots[privilege] === root.root) continue;
      context.roots[privilege] = root.root;
      const mode = MODE_BY_LEVELS[(root.root.page.level + 1) as 3 | 4 | 5];
      this.#virtualization.setRoot(hart, privilege, root.root.page.pa, root.root.space, mode);
    }
    return { cached, dropped };
  }

  /** A page fault that the hart met in its shadow, while its virtual privilege was what it is now. */
  fault(hart: number, va: Va, access: AccessType): ShadowFault {
    const context = this.#context(hart);
    const { memory } = this.#machine;
    const supervisor = must(this.#machine.harts[hart], 'a hart of the machine').privilege !== 0;
    const accessor: Accessor = { supervisor, sum: context.sum, mxr: context.mxr };
    const walk =
      context.paging.levels === 0 ? undefined : walkGuest(memory, context.paging, va, access, accessor, this.#adWriter);
    if (walk && walk.kind !== 'leaf') return walk.kind === 'page-fault' ? GUEST_FAULT : ACCESS_FAULT;
    const gpa = walk ? walk.page * PAGE_BYTES + (va.low & (PAGE_BYTES - 1)) : va.high * 2 ** 32 + va.low;
    if (!memory.contains(gpa, 1)) return { kind: 'device', gpa };
    const page = Math.floor(gpa / PAGE_BYTES);
    const allowed = walk ? permissionsFor(walk.flags, accessor) : PTE_LEAF;
    // Clean pages are mapped without W, so that the store which makes them dirty is seen (Privileged ISA 10.3.1).
    const isDirty = walk === undefined || (walk.flags & PTE.D) !== 0;
    const fill = () => {
      const flags = isDirty ? allowed : allowed & ~PTE.W;
      return this.#tables.map(
        this.#root(context, supervisor).page,
        this.#role(context, context.paging, supervisor),
        va,
        page,
        flags,
        walk,
      );
    };
    for (const table of walk?.tables ?? []) if (table !== undefined) this.#writes.delete(table);
    let dropped = 0;
    let written = fill();
    while (written === undefined) {
      dropped += this.#dropOldest();
      written = fill();
    }
    // A table is mapped as well, but not for stores: that of `writeTable` goes through this entry.
    if (access === ACCESS_TYPE.write && this.#tables.isTable(page)) return { kind: 'table-write', gpa, dropped };
    return { kind: 'filled', written, dropped };
  }

  /**
   * Performs the store that stopped at a guest table, and drops what was made from the entries that it may have changed. If the page seems to
   * be no table any more, all that was made from it goes: stores to it are seen no longer, until it is walked again.
   * @param gpa of the store
   * @param lengthBytes of it; less than 8 for whatever does not write a whole entry
   */
  writeTable(hart: number, va: Va, gpa: number, lengthBytes: number): TableWrite {
    const table = Math.floor(gpa / PAGE_BYTES);
    const offset = gpa % PAGE_BYTES;
    const indexes = touchedEntries(offset, lengthBytes);
    const write = this.#virtualization.store(hart, gpa)
      ? { dropped: this.#tables.tableWritten(table, indexes), trapped: false }
      : this.#step(hart, { va, table, indexes });
    const writes = (this.#writes.get(table) ?? 0) + 1;
    this.#writes.set(table, writes);
    if (write.trapped || (isWholeEntry(offset, lengthBytes) && writes <= TABLE_WRITES_MAX)) return write;
    return { dropped: write.dropped + this.#letGo(table), trapped: false };
  }

  /**
   * Executes a store that is more than one (an atomic, or a misaligned one), alone, with the leaves open that it has stopped at: the second
   * of a store across two tables finds the first one here. What it meets on its other page is for the caller, as any trap of the guest.
   */
  #step(hart: number, opened: OpenedTable): TableWrite {
    const { clock } = this.#machine;
    const { icount } = clock;
    const before = this.#tried?.icount === icount && this.#tried.hart === hart ? this.#tried.opened : [];
    const all = [...before.filter(({ va }) => !isSamePage(va, opened.va)), opened];
    this.#tried = { hart, icount, opened: all };
    const context = this.#context(hart);
    const supervisor = must(this.#machine.harts[hart], 'a hart of the machine').privilege !== 0;
    const root = this.#root(context, supervisor).page;
    // A fill of the other page may have found no memory but by dropping the leaf of this one.
    for (const { va } of all) this.#tables.setWritable(root, va, true);
    const stop = this.#machine.run(hart, clock.cycle + 1);
    let dropped = 0;
    for (const { va } of all) this.#tables.setWritable(root, va, false);
    const isDone = clock.icount !== icount;
    if (isDone) for (const { table, indexes } of all) dropped += this.#tables.tableWritten(table, indexes);
    return { dropped, trapped: !isDone && stop === STOP.guestTrap };
  }

  /**
   * A device, or the host for it, is about to write to guest RAM: as a store of the guest there, but it has no exit of its own to be charged to.
   */
  #memoryWritten(pa: number, lengthBytes: number): void {
    const end = pa + lengthBytes;
    for (let table = Math.floor(pa / PAGE_BYTES); table * PAGE_BYTES < end; table++) {
      if (!this.#tables.isTable(table)) continue;
      const offset = Math.max(pa - table * PAGE_BYTES, 0);
      const length = Math.min(end - table * PAGE_BYTES, PAGE_BYTES) - offset;
      this.#tables.tableWritten(table, touchedEntries(offset, length));
      if (!isWholeEntry(offset, length)) this.#letGo(table);
    }
  }

  /** Takes a page for no table any more. Returns how many shadow entries that dropped. */
  #letGo(table: number): number {
    this.#writes.delete(table);
    return this.#dropRootsOf(table) + this.#tables.forgetTable(table);
  }

  #context(hart: number): HartContext {
    return must(this.#contexts[hart], 'a hart of the machine');
  }

  #root(context: HartContext, supervisor: boolean): CachedRoot {
    return must(context.roots[supervisor ? 1 : 0], 'roots are set before the guest runs');
  }

  /** What tells one view of the same tables from another. */
  #role({ sum, mxr }: HartContext, { levels }: GuestPaging, supervisor: boolean): number {
    if (levels === 0) return 0;
    return (supervisor ? 1 : 0) | (supervisor && sum ? 2 : 0) | (mxr ? 4 : 0);
  }

  #key(context: HartContext, paging: GuestPaging, supervisor: boolean): number {
    const { levels, rootPa } = paging;
    return ((rootPa / PAGE_BYTES) * LEVEL_COUNT + levels) * ROLE_COUNT + this.#role(context, paging, supervisor);
  }

  #rootFor(context: HartContext, supervisor: boolean): { root: CachedRoot; cached: boolean; dropped: number } {
    const { paging } = context;
    const role = this.#role(context, paging, supervisor);
    const table = paging.levels === 0 ? undefined : paging.rootPa / PAGE_BYTES;
    const key = this.#key(context, paging, supervisor);
    const found = this.#roots.get(key);
    if (found) {
      found.lastUse = ++this.#uses;
      return { root: found, cached: true, dropped: 0 };
    }
    let dropped = 0;
    let page = this.#freeSpaces.length > 0 ? this.#tables.takeRoot(table, role, paging.levels) : undefined;
    while (page === undefined) {
      dropped += this.#dropOldest();
      page = this.#tables.takeRoot(table, role, paging.levels);
    }
    const space = must(this.#freeSpaces.pop(), 'a root less, a space more');
    const root: CachedRoot = { key, page, space, lastUse: ++this.#uses };
    this.#roots.set(key, root);
    return { root, cached: false, dropped };
  }

  /** Roots in the cache that no hart holds. */
  #unusedRoots(): CachedRoot[] {
    const held = new Set(this.#contexts.flatMap(({ roots }) => roots));
    return [...this.#roots.values()].filter((root) => !held.has(root));
  }

  /** Drops the root that has not been used for longest and that no hart holds; if harts hold all, what these have below them. */
  #dropOldest(): number {
    const [first, ...others] = this.#unusedRoots();
    if (first) return this.#dropCached(others.reduce((a, b) => (b.lastUse < a.lastUse ? b : a), first));
    return [...this.#roots.values()].reduce((dropped, { page }) => dropped + this.#tables.emptyRoot(page), 0);
  }

  /** Drops the roots made from a table, except those that harts hold. */
  #dropRootsOf(table: number): number {
    const roots = this.#unusedRoots().filter((root) => root.page.table === table);
    return roots.reduce((dropped, root) => dropped + this.#dropCached(root), 0);
  }

  #dropCached(root: CachedRoot): number {
    this.#roots.delete(root.key);
    this.#freeSpaces.push(root.space);
    for (const { id } of this.#machine.harts) this.#virtualization.flushSpace(id, root.space);
    return this.#tables.dropRoot(root.page);
  }
}

/** What `satp` says. A mode that it cannot hold reads as Bare. */
function pagingOf(satp: bigint): GuestPaging {
  const levels = LEVELS_BY_MODE[Number(satp >> SATP_MODE_SHIFT)] ?? 0;
  return { levels, rootPa: levels === 0 ? 0 : Number(satp & SATP_PPN) * PAGE_BYTES };
}

function isWholeEntry(offset: number, lengthBytes: number): boolean {
  return offset % 8 === 0 && lengthBytes === 8;
}

function isSamePage(a: Va, b: Va): boolean {
  return a.high === b.high && a.low >>> PAGE_SHIFT === b.low >>> PAGE_SHIFT;
}
