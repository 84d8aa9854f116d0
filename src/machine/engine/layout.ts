/**
 * Where everything lies in the one linear memory that execution can touch: clock, harts with their CSRs and TLBs, predecoded
 * code, page bookkeeping, guest RAM. The generated code and the TypeScript around it both take offsets from here.
 */
import { CSR_FAMILIES, CSR_NUMBERS } from '../csr-numbers.ts';

/** Guest RAM begins here in guest physical space (QEMU `virt`). */
export const RAM_BASE = 0x8000_0000;
export const PAGE_BYTES = 4096;

/** Machine-wide words. */
export const GLOBAL = {
  /** i64: cycles since reset when `run` is entered. */
  cycle: 1024,
  /** i32: cycles that it took, and instructions that it retired. */
  spentCycles: 1032,
  retiredInsns: 1036,
  /** i32: guest physical address of the `tohost` word minus RAM_BASE, or -1. */
  tohostOffset: 1040,
  /** u64: sum of the page digests. */
  memoryDigest: 1048,
  /** i32: offsets in RAM of the bytes whose stores are watched, the second exclusive; no offset is as high if there are none. */
  watchedStart: 1076,
  watchedEnd: 1080,
  /** i32: how often a head is reached before it is reported as hot; arrivals that its entry counts before its record does. */
  hotCount: 1072,
  probeStep: 1084,
  /** i64: instructions retired in regions; counted only for a meter. */
  translated: 1056,
} as const;

/**
 * Stores to watched bytes since `run` was entered: how many (i32), and a record for each. A run that has room for another goes on.
 */
export const STORE_LOG = { count: 1120, records: 1152, recordBytes: 40, capacity: 16 } as const;
/**
 * A record: offset in RAM and size (u32), the 8 bytes from there before and after, the pc after the store, the cycles spent and instructions retired
 * in this run by then (i32).
 */
export const STORE_RECORD = {
  offset: 0,
  sizeBytes: 4,
  before: 8,
  after: 16,
  pc: 24,
  spentCycles: 32,
  retiredInsns: 36,
} as const;

/** Where bytes of the host are hashed: 4 x i64, the lanes of XXH64; and a window that the bytes go through, a whole number of blocks. */
export const HASH = { lanes: 1088, window: 2048, windowBytes: 1536 } as const;

/**
 * What has changed since the last digest of memory, so that it need not be looked for: pages of RAM that became dirty, and entries of TLBs that were given
 * a fast tag for writes. Lists: a count (i32), then the items (i32). One that is full counts one more, and is incomplete.
 */
export const CHANGES = { pages: 3584, entries: 3840, item: 4, capacity: 62 } as const;

/** Fields of a hart, as offsets from its base. */
export const HART = {
  /** 33 x i64: x0 to x31, and a sink that writes to x0 go to. */
  regs: 0,
  pc: 264,
  /** i32: privilege mode. */
  privilege: 272,
  /** i32: cycles that slow paths charged during the current instruction; taken over and cleared by the caller. */
  extraCycles: 276,
  /** i32: why `run` must come back after or instead of this instruction (engine stop reasons), 0 if it need not. */
  stop: 280,
  /** i32, i64: the exception that the current instruction raised. */
  cause: 284,
  tval: 288,
  /** i64: what TLB tags of this context carry in bits 3 to 11, for data and for fetch. */
  dataContext: 296,
  fetchContext: 304,
  /** i64: virtual page that instructions are being fetched from, or -1: the next fetch makes a TLB lookup. */
  fetchPage: 312,
  /** i32: offset in RAM of that page. */
  fetchRamPage: 320,
  /** i64, i32, i64: the device access that waits (physical address, kind, value to store). */
  accessAddress: 328,
  accessKind: 336,
  accessValue: 344,
  /** i32: offset in RAM of the reservation of LR, or -1. */
  reservation: 352,
  /** i32: base of the map of entries that walks have used (`firstUses` counts them); 0: none is kept. */
  usedEntries: 356,
  /** i64: retired instructions; TLB misses; page-table references. */
  retired: 360,
  tlbMisses: 368,
  walkReferences: 376,
  /** i64: `cycle + left` at entry of `run`, and the present: from the first a CSR read in the middle derives the others. */
  entryCycle: 384,
  now: 392,
  nowRetired: 400,
  /** i32: the predecoded entry at which `run` came back. */
  entryPointer: 408,
  /** i32: wires into mip that software cannot clear. */
  wires: 412,
  /** i64 outputs of the page walk, i32 flags. */
  walkPage: 416,
  walkFlags: 424,
  /** i32: whether PMP lets everything pass for S and U. */
  pmpOpen: 428,
  /** 16 bytes where a load that crosses a page is put together. */
  scratch: 432,
  /** i64: value of the CSR that was read last; index and value of a PMP register that waits to be written. */
  csrValue: 448,
  pmpIndex: 456,
  pmpValue: 464,
  /** i32: base of the TLBs of the present context: the hart's own, or `BARE_TLBS` further. For data and for fetch. */
  dataTlbBase: 472,
  fetchTlbBase: 476,
  /** i32: whether data accesses reach RAM without translation and PMP: the variant of regions that fits. */
  directMemory: 484,
  /** i32: whether no locked PMP entry binds M-mode. */
  pmpMachineOpen: 488,
  /** i32: instructions that `run` had retired when it entered the present region. */
  runRetired: 492,
  /**
   * i64: in which gigabytes of the address space, modulo 64, a superpage may be in the TLBs: a fence for one address there must flush them
   * whole, since its fragments may be anywhere.
   */
  superpages: 496,
  /** i32: cycles that `run` has not given to the present region, for the time in it. */
  runLeft: 504,
  csrs: 512,
  /** 16 x { i64 first, i64 end (exclusive, 0: off), i32 flags }, 24 bytes each. */
  pmp: 1536,
  /** i32: how the hart is virtualized (`VIRTUALIZATION`). */
  virtualization: 2048,
  /** i32: which counters a deprivileged guest reads by itself: real enables beside its own `scounteren`. */
  directCounters: 2052,
  /** i64: root of the second stage, as `hgatp` holds it; 0: none. */
  hgatp: 2056,
  /** i64: roots that a deprivileged guest really runs on in virtual U and S, as `satp` holds them; 0: none. The one in use. */
  userRoot: 2064,
  supervisorRoot: 2072,
  realRoot: 2080,
  /** i32: spaces that tag their translations. */
  userSpace: 2088,
  supervisorSpace: 2092,
  /** i64, i32: the predecoded entry and the bits of the instruction that stopped with a trap for the host; 0 if it was not fetched. */
  trapEntry: 2096,
  trapInsn: 2104,
  /** i64, i32: guest physical address of the last second-stage walk, and for what it was made (`TABLE_ACCESS`). */
  stageAddress: 2112,
  stageTable: 2120,
  /** i64, i32: what it found: physical page and allowed accesses, as `walkPage` and `walkFlags`. */
  stagePage: 2128,
  stageFlags: 2136,
  /**
   * 6 x i64: TLB misses in U by access (`ACCESS`), then those in the privileges above it; virtual privilege where a hart has one. `tlbMisses` is
   * their sum.
   */
  missesByKind: 2144,
  /** 2 x i64: walks that found a leaf for the first time since its entry was written, in U and above (`usedEntries`). */
  firstUses: 2192,
  /** i32, i32, i64: where the last store to watched bytes went in RAM, its size, and the 8 bytes from there before it. */
  watchedOffset: 2208,
  watchedSize: 2212,
  watchedBefore: 2216,
  /** i64: digest of the modelled TLBs; i32: whether it is that of what they hold now. Whatever changes an entry takes that back. */
  tlbDigest: 2224,
  hasTlbDigest: 2232,
  /** Modelled TLBs. The same again, `BARE_TLBS` bytes further, holds what the engine remembers of untranslated accesses. */
  dataTlb: 4096,
  fetchTlb: 4096 + 32768,
} as const;
/** Of `reservation`, in place of an offset. */
export const NO_RESERVATION = -1;
export const HARTS_BASE = 4096;
/** Without translation there is no TLB in the model: its entries lie apart, so that they displace none that are. */
export const BARE_TLBS = 2 * 32768;
export const HART_BYTES = 4096 + 2 * BARE_TLBS;
export const HART_COUNT_MAX = 8;

/** TLB entries, 32 bytes each. `fast` tags are what generated code compares; `tag` is what the modelled TLB holds. */
export const TLB = {
  entryBytes: 32,
  entriesMax: 1024,
  /** Data: address tag for reads and writes that need no slow path. Fetch: `fastRead` says that `block` is valid. */
  fastRead: 0,
  fastWrite: 8,
  tag: 16,
  /** i32. RAM: host address minus the low 32 bits of the virtual one. Fetch TLB: address of the predecoded block. */
  addend: 24,
  block: 24,
  /** i32: physical page number (it fits: 32 bits of page number reach past every device and all RAM) with flags in 0 to 4. */
  flags: 28,
} as const;

/** Bits of an entry's flags: allowed accesses in this context, and whether the page is RAM. */
export const TLB_FLAG = { read: 1, write: 2, execute: 4, ram: 8 } as const;

/** No virtual page has this tag: its low bits are all ones and contexts never use bit 11. */
export const NO_TAG = -1n;

/** Page flags, one byte for each page of RAM. */
export const PAGE_FLAG = { code: 1, dirty: 2, watched: 4 } as const;

/**
 * A predecoded entry is 8 bytes and stands for the half word at the same place in the page:
 * u16 handler, u8 rs1 * 8, u8 rd (32 for x0), then i32: immediate, or immediate << 8 | rs2 * 8.
 */
export const ENTRY = { bytes: 8, handler: 0, rs1: 2, rd: 3, imm: 4 } as const;
export const ENTRIES_PER_PAGE = PAGE_BYTES / 2;
/** After the entries of a page: what follows its last instruction, whether that ended at the page's end or 2 bytes past it. */
export const BLOCK = {
  sentinel: ENTRIES_PER_PAGE * ENTRY.bytes,
  /** The decoded entry of an instruction that straddles the page's end; its offset is that of the last half word mod 16 KiB. */
  straddle: ENTRIES_PER_PAGE * ENTRY.bytes * 2 - ENTRY.bytes,
  /** i32: the word that `straddle` was decoded from. */
  straddleWord: ENTRIES_PER_PAGE * ENTRY.bytes * 2 + 2 * ENTRY.bytes,
  /** Where the decoded entry stands whose place in the page was taken by a probe or a region. Zero elsewhere: go back. */
  shadow: ENTRIES_PER_PAGE * ENTRY.bytes * 3,
  bytes: ENTRIES_PER_PAGE * ENTRY.bytes * 4 + 256,
} as const;

/** In the entry of a probe, u16: arrivals that its record has not counted. The record is likely to be in no cache of the host. */
export const PROBE = { arrivals: ENTRY.rs1, step: 64 } as const;

/**
 * What a probe or region entry points to, 32 bytes: i32 times reached, i32 index in the region table, i32 cycles that must be left,
 * i32 variant, i32 generation of the page that it was translated from, i32 where the count begins: below 0 if the code has changed often.
 */
export const REGION = { bytes: 32, count: 0, table: 4, budget: 8, variant: 12, generation: 16, restart: 20 } as const;
/** Entries of the region table and records: more are never alive. */
export const REGION_COUNT_MAX = 32768;

/**
 * The jump cache says which region begins at a place in RAM, so that one region is followed by the next without a look at predecoded
 * entries and records, each of which is likely to be in no cache of the host. Sets of two entries of 16 bytes, so that a set is in one
 * line of the host's cache: u32 offset in RAM with its lowest bit set (0: empty), i32 generation of the page, i32 cycles that must be
 * left, i32 index in the region table and, from `variantShift` on, the variant.
 */
export const JUMP = {
  sets: 8192,
  setBytes: 32,
  wayBytes: 16,
  place: 0,
  generation: 4,
  budget: 8,
  target: 12,
  variantShift: 16,
} as const;

/** CSRs in memory: one i64 each, in this order. */
export const CSR_SLOTS: ReadonlyMap<string, number> = new Map(
  [...Object.keys(CSR_NUMBERS), ...Object.keys(CSR_FAMILIES).filter((name) => name.startsWith('pmpaddr'))].map(
    (name, index) => [name, HART.csrs + 8 * index],
  ),
);

/** How one machine's memory is divided: byte addresses. */
export interface MemoryPlan {
  readonly pageFlags: number;
  /** u64 for each page of RAM: what it contributes to the memory digest as of its last computation. */
  readonly pageDigests: number;
  /** i32 for each page of RAM: its predecoded block, or 0. */
  readonly blockTable: number;
  readonly blocks: number;
  readonly blockCount: number;
  /** i32 for each page of RAM: counts changes of code in it. */
  readonly pageGenerations: number;
  /** Records of probes and regions. */
  readonly regions: number;
  readonly jumps: number;
  readonly ram: number;
  readonly ramBytes: number;
  /** Memory of the host, behind the RAM, with page flags and digests as that has. */
  readonly hostBytes: number;
  /** Size of the whole in 64 KiB pages. */
  readonly wasmPages: number;
}

const WASM_PAGE = 65536;
const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** Blocks of predecoded code: enough for 8 MiB of code, or for all RAM if that is less. Address space; touched only as used. */
const BLOCK_COUNT_MAX = 2048;

export function planMemory(ramBytes: number, hostBytes = 0): MemoryPlan {
  const pages = ramBytes / PAGE_BYTES;
  const allPages = pages + hostBytes / PAGE_BYTES;
  const pageFlags = HARTS_BASE + HART_BYTES * HART_COUNT_MAX;
  const pageDigests = roundUp(pageFlags + allPages, 64);
  const blockTable = pageDigests + allPages * 8;
  const pageGenerations = blockTable + pages * 4;
  const regions = roundUp(pageGenerations + pages * 4, 64);
  const jumps = regions + REGION_COUNT_MAX * REGION.bytes;
  const blocks = jumps + JUMP.sets * JUMP.setBytes;
  const blockCount = Math.min(BLOCK_COUNT_MAX, pages);
  const ram = roundUp(blocks + blockCount * BLOCK.bytes, WASM_PAGE);
  return {
    pageFlags,
    pageDigests,
    blockTable,
    blocks,
    blockCount,
    pageGenerations,
    regions,
    jumps,
    ram,
    ramBytes,
    hostBytes,
    wasmPages: roundUp(ram + ramBytes + hostBytes, WASM_PAGE) / WASM_PAGE,
  };
}

export function hartBase(hart: number): number {
  return HARTS_BASE + hart * HART_BYTES;
}
