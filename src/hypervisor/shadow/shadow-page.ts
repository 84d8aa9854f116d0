/** One page of a shadow table, and the places that refer to it. */
import { TABLE_ENTRIES } from './guest-tables.ts';

/** An entry of a shadow page. */
export interface ShadowPlace {
  readonly page: ShadowPage;
  readonly index: number;
}

export class ShadowPage {
  /** Physical address in host memory. */
  readonly pa: number;
  /** 0: its entries are leaves. */
  readonly level: number;
  /** What it stands for: no two shadow pages have the same. */
  readonly key: number;
  /** Page number of the guest table that it shadows; undefined for the parts of a superpage and where the guest has paging off. */
  readonly table: number | undefined;
  /** Shadow pages below, by index. */
  readonly children = new Map<number, ShadowPage>();
  /** Guest page numbers that leaves lead to, by index. */
  readonly leaves = new Map<number, number>();
  /** Entries of other shadow pages that lead here, by {@link placeName}. */
  readonly parents = new Map<number, ShadowPlace>();
  /** Not 0 while it is the root of an address space. */
  rootCount = 0;

  constructor(pa: number, level: number, key: number, table: number | undefined) {
    this.pa = pa;
    this.level = level;
    this.key = key;
    this.table = table;
  }

  /** Physical address of an entry. */
  entryPa(index: number): number {
    return this.pa + index * 8;
  }
}

/** Name of an entry: a key of reverse maps, for as long as its page is in use. */
export function placeName({ page, index }: ShadowPlace): number {
  return page.pa / 8 + index;
}

/** What most stores to a table touch: made once. */
const SINGLE_ENTRIES: readonly (readonly number[])[] = Array.from({ length: TABLE_ENTRIES }, (_, index) => [index]);

/** Entries of the table that an access of `lengthBytes` at `offset` touches. */
export function touchedEntries(offset: number, lengthBytes: number): readonly number[] {
  const first = Math.floor(offset / 8);
  const last = Math.min(TABLE_ENTRIES - 1, Math.floor((offset + lengthBytes - 1) / 8));
  const whole = first === last ? SINGLE_ENTRIES[first] : undefined;
  return whole ?? Array.from({ length: last - first + 1 }, (_, step) => first + step);
}
