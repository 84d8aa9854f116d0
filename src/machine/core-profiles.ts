/**
 * Core profiles: how many cycles an instruction class takes on a core that is modelled as in-order, single-issue and always
 * hitting its caches. A static cost per class, plus TLB misses by the page-table references that the walk really makes.
 *
 * Numbers come from published tables (see each `source`); a class without a published number says by what rule it was filled.
 */

/** Cycle classes of the instruction table. */
export const CYCLE_CLASSES = [
  'alu',
  'load',
  'loadNarrow',
  'store',
  'branch',
  'jump',
  'jumpIndirect',
  'mul',
  'div',
  'divWord',
  'atomic',
  'csr',
  'fence',
  'system',
] as const;
export type CycleClass = (typeof CYCLE_CLASSES)[number];

export interface CoreProfile {
  readonly name: string;
  readonly about: string;
  /** Model cycles per second of guest time. */
  readonly clockHz: number;
  /** Cycles per `mtime` tick: clockHz / 10 MHz, the timebase of QEMU's virt board. */
  readonly cyclesPerTick: number;
  /** Cycles of one instruction of each class: 1 to 255. */
  readonly cycles: Readonly<Record<CycleClass, number>>;
  /** Entries of the direct-mapped TLBs, for fetches and for data each: a power of two. */
  readonly tlbEntries: number;
  /** Cycles of one page-table reference of a TLB miss. */
  readonly walkReferenceCycles: number;
  /** Where each number comes from. */
  readonly sources: Readonly<Record<string, string>>;
}

const TIMEBASE_HZ = 10_000_000;

const rocket: CoreProfile = {
  name: 'rocket',
  about: 'Rocket-like: in-order, single-issue, 64-bit, 1 GHz',
  clockHz: 1_000_000_000,
  cyclesPerTick: 1_000_000_000 / TIMEBASE_HZ,
  cycles: {
    alu: 1,
    load: 2,
    loadNarrow: 3,
    store: 1,
    branch: 1,
    jump: 1,
    jumpIndirect: 3,
    mul: 4,
    div: 33,
    divWord: 33,
    atomic: 5,
    csr: 4,
    fence: 4,
    system: 5,
  },
  tlbEntries: 1024,
  walkReferenceCycles: 24,
  sources: {
    load: 'load-use latency 2 (LLVM RISCVSchedRocket.td)',
    loadNarrow: 'load-use latency of byte and half loads 3 (LLVM RISCVSchedRocket.td)',
    jumpIndirect:
      'mispredict penalty 3 (LLVM RISCVSchedRocket.td); rule: an indirect jump always pays it, a direct one never',
    mul: 'LLVM RISCVSchedRocket.td',
    div: 'LLVM RISCVSchedRocket.td (33; 34 with remainder)',
    divWord: 'rule: as div; LLVM gives Rocket one divider latency',
    atomic: 'rule: load-use plus store plus the load-use of the answer (2 + 1 + 2)',
    csr: 'rule: pipeline drain of mispredict plus 1',
    fence: 'rule: pipeline drain of mispredict plus 1',
    system: 'rule: mispredict plus load-use (redirect and refetch)',
    tlbEntries:
      'second-level TLB of 1,024 entries (Keystone Table 2): a miss of the modelled TLB is a walk, so the last level is modelled',
    walkReferenceCycles: 'rule: a page-table reference hits the L2 cache, 24 cycles (Keystone Table 2)',
    clockHz: 'rule: 1 GHz, so that a cycle is a nanosecond of guest time',
    other: 'rule: one cycle',
  },
};

const u74: CoreProfile = {
  name: 'u74',
  about: 'SiFive U74-like: in-order, 64-bit, counted single-issue, 1 GHz',
  clockHz: 1_000_000_000,
  cyclesPerTick: 1_000_000_000 / TIMEBASE_HZ,
  cycles: {
    alu: 1,
    load: 3,
    loadNarrow: 3,
    store: 1,
    branch: 1,
    jump: 1,
    jumpIndirect: 3,
    mul: 3,
    div: 66,
    divWord: 34,
    atomic: 7,
    csr: 4,
    fence: 4,
    system: 6,
  },
  tlbEntries: 512,
  walkReferenceCycles: 24,
  sources: {
    load: 'load-use latency 3 (LLVM RISCVSchedSiFive7.td)',
    loadNarrow: 'load-use latency 3 (LLVM RISCVSchedSiFive7.td)',
    jumpIndirect:
      'mispredict penalty 3 (LLVM RISCVSchedSiFive7.td); rule: an indirect jump always pays it, a direct one never',
    mul: 'LLVM RISCVSchedSiFive7.td',
    div: 'LLVM RISCVSchedSiFive7.td',
    divWord: 'LLVM RISCVSchedSiFive7.td',
    atomic: 'rule: load-use plus store plus the load-use of the answer (3 + 1 + 3)',
    csr: 'rule: pipeline drain of mispredict plus 1',
    fence: 'rule: pipeline drain of mispredict plus 1',
    system: 'rule: mispredict plus load-use (redirect and refetch)',
    tlbEntries: 'second-level TLB of 512 entries (U74 manual, from memory, unchecked)',
    walkReferenceCycles: 'rule: as rocket; no L2 latency of the U74 was found published',
    clockHz: 'rule: 1 GHz, so that a cycle is a nanosecond of guest time',
    other: 'rule: one cycle; the second issue slot is not modelled',
  },
};

export const CORE_PROFILES: Readonly<Record<string, CoreProfile>> = { rocket, u74 };
