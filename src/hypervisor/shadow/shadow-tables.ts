/**
 * Shadow page tables: real tables in host memory, which the MMU walks, made from the guest's tables entry by entry as faults ask for
 * them. Each shadow page stands for one guest table as one kind of accessor sees it, and is shared by all roots that reach it.
 *
 * Guest tables that have a shadow are write-protected in every shadow leaf that maps them (`leavesOf` finds these): no change of theirs
 * goes unnoticed, so a shadow entry is either absent or right. What is stale is in the TLB, until it is flushed: by the guest's own
 * fences as on hardware, and by this file before a page changes its use.
 */
import { assert, must } from '../../assert.ts';
import type { HostMemory } from '../../machine/virtualization-types.ts';
import { type GuestLeaf, PAGE_BYTES, PTE, TABLE_ENTRIES, tableIndex, type Va } from './guest-tables.ts';
import { placeName, ShadowPage, type ShadowPlace } from './shadow-page.ts';

/** Levels of a shadow root, whatever the guest's scheme: Sv39 covers Bare and Sv39 guests, more levels the others. */
const ROOT_LEVELS_MIN = 3;
const NO_ENTRY = 0;
/** More than there are levels, kinds of accessor, and values of a leaf's flags. */
const LEVEL_COUNT = 8;
const ROLE_COUNT = 8;
const FLAGS_COUNT = 1024;

/** How changes reach the TLBs of all harts. */
export interface TranslationFlush {
  /** Every translation to a guest page. */
  page(gpa: number): void;
  /** Everything. */
  all(): void;
}

export interface ShadowCounts {
  /** Shadow pages in use. */
  readonly pages: number;
  /** Shadow leaves. */
  readonly leaves: number;
  /** Guest tables that are write-protected. */
  readonly tables: number;
}

export class ShadowTables {
  readonly #memory: HostMemory;
  readonly #flush: TranslationFlush;
  /** By key. */
  readonly #pages = new Map<number, ShadowPage>();
  /** Shadow pages of a guest table, by its page number. */
  readonly #ofTable = new Map<number, Set<ShadowPage>>();
  /** Leaves that lead to a guest page, by its number: the reverse map. */
  readonly #leavesOf = new Map<number, Map<number, ShadowPlace>>();
  #leafCount = 0;

  constructor(memory: HostMemory, flush: TranslationFlush) {
    this.#memory = memory;
    this.#flush = flush;
  }

  get counts(): ShadowCounts {
    return { pages: this.#pages.size, leaves: this.#leafCount, tables: this.#ofTable.size };
  }

  /** Whether the guest page is a table that has shadows: stores to it must be seen. */
  isTable(page: number): boolean {
    return this.#ofTable.has(page);
  }

  /**
   * The root for a guest table and a kind of accessor, kept until {@link dropRoot}.
   * @param table page number of the guest's root; undefined while it has paging off
   * @returns undefined if host memory is used up: drop another root and ask again
   */
  takeRoot(table: number | undefined, role: number, levels: number): ShadowPage | undefined {
    const level = Math.max(levels, ROOT_LEVELS_MIN) - 1;
    const root = this.#page(
      table === undefined ? directKey(0, level, role) : tableKey(table, level, role),
      level,
      table,
    );
    if (root) root.rootCount++;
    return root;
  }

  /** Gives a root back. Returns how many shadow entries went with it. */
  dropRoot(root: ShadowPage): number {
    assert(root.rootCount > 0, 'a root that was taken');
    root.rootCount--;
    return this.#releaseIfUnused(root);
  }

  /** Drops all that a root in use has below it. Returns how many shadow entries that were. */
  emptyRoot(root: ShadowPage): number {
    return this.#empty(root);
  }

  /**
   * Makes the leaf for one page, and what is missing above it.
   * @param walk what the guest's tables say; undefined while it has paging off, when `va` is the physical address
   * @param flags of the leaf, without V, U, A and D
   * @returns shadow entries written; undefined if host memory is used up: nothing that is wrong stays behind
   */
  map(
    root: ShadowPage,
    role: number,
    va: Va,
    page: number,
    flags: number,
    walk: GuestLeaf | undefined,
  ): number | undefined {
    let at = root;
    let written = 1;
    for (let level = root.level - 1; level >= 0; level--) {
      const index = tableIndex(va, level + 1);
      const table = walk?.tables[level];
      const key = childKey(level, role, page, walk);
      let below = at.children.get(index);
      // A superpage that has become dirty has parts of its own: others that are clean still share the old ones.
      if (below !== undefined && below.key !== key) {
        this.#dropEntry({ page: at, index });
        below = undefined;
      }
      if (!below) {
        below = this.#page(key, level, table);
        if (!below) return undefined;
        this.#link(at, index, below);
        written++;
      }
      at = below;
    }
    this.#setLeaf({ page: at, index: tableIndex(va, 0) }, page, flags);
    return written;
  }

  /**
   * The guest has changed entries of a table: what was made from them goes.
   * @returns shadow entries dropped
   */
  tableWritten(table: number, indexes: readonly number[]): number {
    let dropped = 0;
    for (const page of [...(this.#ofTable.get(table) ?? [])]) {
      for (const index of indexes) dropped += this.#dropEntry({ page, index });
    }
    return dropped;
  }

  /** Forgets all that was made from a table, which may then be written again. Returns how many shadow entries that dropped. */
  forgetTable(table: number): number {
    let dropped = 0;
    for (const page of [...(this.#ofTable.get(table) ?? [])]) {
      if (page.rootCount > 0) dropped += this.#empty(page);
      // A table that leads to itself has shadows below each other: one may have gone with the one before.
      else if (this.#pages.has(page.key)) dropped += this.#drop(page);
    }
    return dropped;
  }

  /**
   * Opens the leaf for an address to stores, for one instruction, or closes it again.
   * @returns false if there is no such leaf
   */
  setWritable(root: ShadowPage, va: Va, writable: boolean): boolean {
    let at = root;
    for (let level = root.level; level > 0; level--) {
      const below = at.children.get(tableIndex(va, level));
      if (!below) return false;
      at = below;
    }
    const index = tableIndex(va, 0);
    const page = at.leaves.get(index);
    if (page === undefined) return false;
    this.#setWritable({ page: at, index }, page, writable);
    this.#flush.page(page * PAGE_BYTES);
    return true;
  }

  #setWritable(place: ShadowPlace, page: number, writable: boolean): void {
    const pa = place.page.entryPa(place.index);
    const flags = this.#memory.pteFlags(pa);
    this.#memory.writePte(pa, page, writable ? flags | PTE.W | PTE.D : flags & ~(PTE.W | PTE.D));
  }

  #page(key: number, level: number, table: number | undefined): ShadowPage | undefined {
    const found = this.#pages.get(key);
    if (found) return found;
    const pa = this.#memory.allocate();
    if (pa === undefined) return undefined;
    const page = new ShadowPage(pa, level, key, table);
    this.#pages.set(key, page);
    if (table !== undefined) this.#protect(table, page);
    return page;
  }

  /** From now on stores to the table must be seen. */
  #protect(table: number, shadow: ShadowPage): void {
    const shadows = this.#ofTable.get(table);
    if (shadows) {
      shadows.add(shadow);
      return;
    }
    this.#ofTable.set(table, new Set([shadow]));
    for (const place of this.#leavesOf.get(table)?.values() ?? []) this.#setWritable(place, table, false);
    this.#flush.page(table * PAGE_BYTES);
  }

  #link(parent: ShadowPage, index: number, child: ShadowPage): void {
    parent.children.set(index, child);
    const place = { page: parent, index };
    child.parents.set(placeName(place), place);
    this.#memory.writePte(parent.entryPa(index), child.pa / PAGE_BYTES, PTE.V);
  }

  #setLeaf(place: ShadowPlace, page: number, flags: number): void {
    const { page: shadow, index } = place;
    const before = shadow.leaves.get(index);
    if (before !== undefined && before !== page) this.#forgetLeaf(place, before);
    if (before !== page) {
      shadow.leaves.set(index, page);
      const places = this.#leavesOf.get(page) ?? new Map<number, ShadowPlace>();
      places.set(placeName(place), place);
      this.#leavesOf.set(page, places);
      this.#leafCount++;
    }
    // Looked at only now: the page may have become a table on the way to this leaf.
    const allowed = this.isTable(page) ? flags & ~PTE.W : flags;
    const dirty = (allowed & PTE.W) !== 0 ? PTE.D : 0;
    this.#memory.writePte(shadow.entryPa(index), page, PTE.V | PTE.U | PTE.A | dirty | allowed);
  }

  #forgetLeaf(place: ShadowPlace, page: number): void {
    place.page.leaves.delete(place.index);
    const places = must(this.#leavesOf.get(page), 'a leaf is in the reverse map');
    places.delete(placeName(place));
    if (places.size === 0) this.#leavesOf.delete(page);
    this.#leafCount--;
  }

  /** Drops one entry, with what was only reached through it. */
  #dropEntry(place: ShadowPlace): number {
    const { page: shadow, index } = place;
    const leaf = shadow.leaves.get(index);
    const child = shadow.children.get(index);
    if (leaf === undefined && child === undefined) return 0;
    this.#memory.writePte(shadow.entryPa(index), NO_ENTRY, 0);
    if (leaf !== undefined) {
      this.#forgetLeaf(place, leaf);
      this.#flush.page(leaf * PAGE_BYTES);
      return 1;
    }
    this.#unlink(shadow, index);
    this.#flush.all();
    return 1 + this.#releaseIfUnused(must(child, 'an entry leads somewhere'));
  }

  #unlink(parent: ShadowPage, index: number): void {
    must(parent.children.get(index), 'a linked entry').parents.delete(placeName({ page: parent, index }));
    parent.children.delete(index);
  }

  #releaseIfUnused(page: ShadowPage): number {
    return page.rootCount === 0 && page.parents.size === 0 ? this.#drop(page) : 0;
  }

  /** Drops all entries of a page. */
  #empty(page: ShadowPage): number {
    let dropped = 0;
    for (const index of [...page.leaves.keys(), ...page.children.keys()]) dropped += this.#dropEntry({ page, index });
    return dropped;
  }

  /** Takes a page out of all tables and gives its memory back. */
  #drop(page: ShadowPage): number {
    let dropped = 0;
    for (const { page: parent, index } of [...page.parents.values()]) {
      this.#memory.writePte(parent.entryPa(index), NO_ENTRY, 0);
      this.#unlink(parent, index);
      dropped++;
    }
    dropped += this.#empty(page);
    this.#pages.delete(page.key);
    const { table } = page;
    if (table !== undefined) {
      const shadows = must(this.#ofTable.get(table), 'a shadowed table');
      shadows.delete(page);
      if (shadows.size === 0) this.#ofTable.delete(table);
    }
    this.#flush.all();
    this.#memory.free(page.pa);
    return dropped;
  }
}

/** Page tables under a table of the guest; direct ones where a superpage of the guest, or no paging, spans the level. */
function childKey(level: number, role: number, page: number, walk: GuestLeaf | undefined): number {
  const table = walk?.tables[level];
  if (table !== undefined) return tableKey(table, level, role);
  return directKey(Math.floor(page / TABLE_ENTRIES ** (level + 1)), level, role, walk?.flags);
}

/** Keys are even for tables and odd for direct pages. Page numbers have 44 bits, so that all stay safe integers. */
function tableKey(table: number, level: number, role: number): number {
  return 2 * placeKey(table, level, role);
}

const placeKey = (page: number, level: number, role: number): number =>
  (page * LEVEL_COUNT + level) * ROLE_COUNT + role;

/** Direct pages of one superpage differ by what the superpage allows. */
function directKey(region: number, level: number, role: number, flags = 0): number {
  return 2 * (placeKey(region, level, role) * FLAGS_COUNT + flags) + 1;
}
