/**
 * Page tables of a test image: one tree for Sv39 that Sv48 and Sv57 reach through one more level each, with a leaf for every
 * combination of permission bits and an entry for every way in which one can be reserved or lead nowhere.
 */
import { AT, RAM_BASE, RAM_BYTES } from './layout.ts';

const PAGE_BYTES = 4096;
const TABLES = { sv57: 0, sv48: 1, sv39: 2, window: 3, data: 4, fetch: 5 } as const;

const V = 1;
const R = 2;
const W = 4;
const X = 8;
const U = 16;
const AD = 0xc0;

const GIB = 1n << 30n;
const MIB2 = 1n << 21n;
const OUTSIDE_RAM = 0x9_0000_0000n;
const DATA_PAGES = 16;
const FLAG_COMBINATIONS = 256;

/** Virtual addresses, below 2^38: the same in every mode. */
const WINDOW = GIB;
export const DATA_WINDOW = WINDOW;
export const FETCH_WINDOW = WINDOW + MIB2;
/** Code as the supervisor sees it (at its physical address) and as the user does (this much higher). */
export const USER_CODE_OFFSET = GIB;

/** Leaves of the data window after the 256 combinations: good permissions and one thing more. */
const ODD_LEAVES: readonly bigint[] = [
  ...[8n, 9n, 54n, 55n, 57n, 60n, 61n, 62n, 63n].map((bit) => 1n << bit),
  (OUTSIDE_RAM >> 12n) << 10n,
  ((1n << 55n) >> 12n) << 10n,
].flatMap((extra) => [extra | BigInt(V | R | W | AD), extra | BigInt(V | R | W | U | AD)]);

export const DATA_LEAVES = FLAG_COMBINATIONS + ODD_LEAVES.length;

/** Entries of the root of Sv39 from `ODD_ROOT_FIRST` on, and of the window's table from `ODD_WINDOW_FIRST` on. */
const ODD_ROOT_FIRST = 4;
const ODD_WINDOW_FIRST = 2;
const tableAt = (table: number) => BigInt(AT.pageTables + table * PAGE_BYTES);
const entry = (pa: bigint, flags: number) => ((pa >> 12n) << 10n) | BigInt(flags);

const ODD_ROOT: readonly bigint[] = [
  entry(BigInt(RAM_BASE) + MIB2, V | R | W | X | AD), // misaligned
  entry(tableAt(TABLES.window), V | 0x40), // a pointer with A
  entry(tableAt(TABLES.window), V | 0x80), // a pointer with D
  entry(tableAt(TABLES.window), V | U),
  entry(tableAt(TABLES.window), V) | (1n << 54n),
  entry(tableAt(TABLES.window), V) | (1n << 61n),
  entry(tableAt(TABLES.window), V) | (1n << 63n),
  entry(OUTSIDE_RAM, V), // a table that is not there
  entry(BigInt(RAM_BASE), V | W | AD), // reserved: writable, not readable
  entry(BigInt(RAM_BASE), V | R | AD), // good
  entry(BigInt(RAM_BASE), V | R | U | AD), // good
  entry(tableAt(TABLES.window), V | 0x20), // a pointer with G: good
  0n,
];

const ODD_WINDOW: readonly bigint[] = [
  entry(BigInt(AT.data), V | R | W | AD), // misaligned
  entry(BigInt(RAM_BASE), V | R | AD), // good
  entry(BigInt(RAM_BASE), V | R | U | AD), // good
  entry(BigInt(RAM_BASE), V | R), // to be accessed
  entry(OUTSIDE_RAM, V),
  entry(BigInt(RAM_BASE), V | W | X | AD),
  entry(OUTSIDE_RAM, V | R | W | AD),
  0n,
];

/** First addresses of the odd regions. */
export const ODD_REGIONS: readonly bigint[] = [
  ...ODD_ROOT.map((_, i) => BigInt(ODD_ROOT_FIRST + i) * GIB),
  ...ODD_WINDOW.map((_, i) => WINDOW + BigInt(ODD_WINDOW_FIRST + i) * MIB2),
];

const NOWHERE = entry(OUTSIDE_RAM, V);
const NOWHERE_ROOT_INDEX = BigInt(ODD_ROOT_FIRST + ODD_ROOT.indexOf(NOWHERE));
const NOWHERE_WINDOW_PAGE = WINDOW / MIB2 + BigInt(ODD_WINDOW_FIRST + ODD_WINDOW.indexOf(NOWHERE));

/** Whether the walk to `va` meets a pointer to a table that is not in memory. */
export function tableIsNowhere(va: bigint): boolean {
  return va / GIB === NOWHERE_ROOT_INDEX || va / MIB2 === NOWHERE_WINDOW_PAGE;
}

/** Where the leaf entry of an address in the data window stands. */
export function dataLeafAt(va: bigint): number | undefined {
  const page = Number((va - DATA_WINDOW) / BigInt(PAGE_BYTES));
  return va >= DATA_WINDOW && page < DATA_LEAVES ? AT.pageTables + TABLES.data * PAGE_BYTES + page * 8 : undefined;
}

/** Whether `satp` turns translation on with a root that is not in memory. */
export function rootIsNowhere(satp: bigint): boolean {
  const root = BigInt.asUintN(44, satp) << 12n;
  return satp >> 60n !== 0n && (root < BigInt(RAM_BASE) || root >= BigInt(RAM_BASE + RAM_BYTES));
}

export const TRANSLATION_MODES = { sv39: 8n, sv48: 9n, sv57: 10n } as const;
export type TranslationMode = keyof typeof TRANSLATION_MODES;

/** The value of `satp` that turns a mode on with these tables. */
export function satpOf(mode: TranslationMode): bigint {
  return (TRANSLATION_MODES[mode] << 60n) | (tableAt(TABLES[mode]) >> 12n);
}

export function writePageTables(view: DataView): void {
  const put = (table: number, index: number, value: bigint) =>
    view.setBigUint64(AT.pageTables - RAM_BASE + table * PAGE_BYTES + index * 8, value, true);
  put(TABLES.sv57, 0, entry(tableAt(TABLES.sv48), V));
  put(TABLES.sv48, 0, entry(tableAt(TABLES.sv39), V));
  put(TABLES.sv39, 1, entry(tableAt(TABLES.window), V));
  put(TABLES.sv39, 2, entry(BigInt(RAM_BASE), V | R | W | X | AD));
  put(TABLES.sv39, 3, entry(BigInt(RAM_BASE), V | R | W | X | U | AD));
  for (const [i, value] of ODD_ROOT.entries()) put(TABLES.sv39, ODD_ROOT_FIRST + i, value);
  put(TABLES.window, 0, entry(tableAt(TABLES.data), V));
  put(TABLES.window, 1, entry(tableAt(TABLES.fetch), V));
  for (const [i, value] of ODD_WINDOW.entries()) put(TABLES.window, ODD_WINDOW_FIRST + i, value);
  for (let flags = 0; flags < FLAG_COMBINATIONS; flags++) {
    put(TABLES.data, flags, entry(BigInt(AT.data + (flags % DATA_PAGES) * PAGE_BYTES), flags));
    put(TABLES.fetch, flags, entry(BigInt(AT.field), flags));
  }
  for (const [i, value] of ODD_LEAVES.entries()) {
    put(TABLES.data, FLAG_COMBINATIONS + i, value | (value >> 20n === 0n ? entry(BigInt(AT.data), 0) : 0n));
  }
}
