/**
 * What the machine has for virtualization, as the hypervisor sees it: two mechanisms, chosen for each hart before its guest starts.
 *
 * *Two-stage* (hypervisor extension): the guest runs in VS- and VU-mode. Its supervisor CSRs are the vs* CSRs: the same storage that
 * `Hart.csr` names `sstatus`, `satp` and so on; `mideleg` and `medeleg` hold what `hideleg` and `hedeleg` would. Guest physical
 * addresses go through a second stage whose tables the host keeps in {@link HostMemory}.
 *
 * *Deprivileged*: all of the guest really executes in U-mode, through tables that the host chooses. `Hart.privilege` and the CSRs are
 * virtual: nothing but the host looks at them. Whatever an unprivileged program may not do stops, with nothing changed, and
 * the host does it by the calls of {@link Virtualization}.
 *
 * Numbers of 64 bits that hot paths need come as two halves, unsigned, because a BigInt costs more than the rest of such a call.
 * Physical addresses are safe integers.
 */
import type { PlainState } from './bus.ts';

export const VIRTUALIZATION = { none: 0, twoStage: 1, deprivileged: 2 } as const;
export type VirtualizationKind = (typeof VIRTUALIZATION)[keyof typeof VIRTUALIZATION];

/** Address spaces that the TLB tells apart, per hart: tags for {@link Virtualization.setRoot} and VMIDs. */
export const TLB_SPACE_COUNT = { deprivileged: 127, twoStage: 32 } as const;

/** Schemes of a table that a host sets as root: the MODE field of `satp`. */
export const TABLE_MODE = { sv39: 8, sv48: 9, sv57: 10 } as const;
export type TableMode = (typeof TABLE_MODE)[keyof typeof TABLE_MODE];

/** What {@link Virtualization.countFirstUses} needs for so much guest RAM, in whole pages. */
export const firstUseMapBytes = (memoryBytes: number): number => Math.ceil(memoryBytes / 64 / 4096) * 4096;

/** Kinds of access, as in {@link SecondStageFault}. */
export const ACCESS_TYPE = { read: 0, write: 1, fetch: 2 } as const;
export type AccessType = (typeof ACCESS_TYPE)[keyof typeof ACCESS_TYPE];

/**
 * Physical memory of the host beside the guest's RAM: where second-stage and shadow tables stand. Page walks read it, and set A and D
 * bits in it; no guest access reaches it, whatever it is mapped to. Part of the memory digest.
 */
export interface HostMemory {
  /** First host physical address: the end of guest RAM. */
  readonly base: number;
  /** 0 if the machine was made without. */
  readonly sizeBytes: number;
  readonly freePages: number;
  /**
   * Takes zeroed pages that lie together, the lowest that are free.
   * @param pageCount a power of two; the address is a multiple of as many pages (4 for the root of a second stage)
   * @returns physical address, or undefined if there are none left: give some back, and flush what was made of them
   */
  allocate(pageCount?: number): number | undefined;
  /** Gives pages back that were allocated together. */
  free(pa: number): void;
  /** Physical page number and flags (bits 9 to 0) of the table entry at `pa`, in host memory or guest RAM. */
  pteNumber(pa: number): number;
  pteFlags(pa: number): number;
  /**
   * Writes a whole table entry. Like any store to a table it reaches translations in the TLB only after a flush. In guest RAM it is a store like
   * another, but it leaves reservations of LR alone that are not for these 8 bytes, as a walk that sets A and D does.
   */
  writePte(pa: number, pageNumber: number, flags: number): void;
  /** What is allocated. */
  state(): PlainState;
}

/**
 * Why a hart stopped with `STOP.guestTrap`: an exception that the guest did not take. The object is reused, and holds until the
 * next run: copy what must outlive that.
 */
export interface GuestTrap {
  /** Exception cause (Privileged ISA, table of `mcause`). `ecall` is 8 from all of a deprivileged guest: it really is in U-mode. */
  readonly cause: number;
  /** What the trap value register would hold: the address of a fault, the bits of an illegal instruction, 0. */
  readonly tvalLow: number;
  readonly tvalHigh: number;
  readonly tval: bigint;
  /** The instruction: 32 bits, or 16 of a compressed one; 0 if it could not be fetched. */
  readonly insn: number;
  /** Length of the instruction in bytes: 0 if it could not be fetched. */
  readonly insnBytes: 0 | 2 | 4;
}

/** Why a hart stopped with `STOP.secondStageFault`: a guest-page fault. The object is reused, as {@link GuestTrap} is. */
export interface SecondStageFault {
  /**
   * Guest physical address (for a table entry: of the entry): exact below 2^53. From 2^41 up nothing can be mapped (Sv39x4): the guest
   * has made an address that does not exist.
   */
  readonly gpa: number;
  /** What the instruction wanted to do: always that, also if the fault was met on the way. */
  readonly access: AccessType;
  /** Whether the walk could not reach an entry of the guest's own tables, and to do what: set A or D (`write`), or read it. */
  readonly table: 'none' | 'read' | 'write';
  /** Guest virtual address. */
  readonly vaLow: number;
  readonly vaHigh: number;
}

/** What came of {@link Virtualization.emulateCsr}. */
export const CSR_OUTCOME = {
  done: 0,
  /** Not allowed at the guest's virtual privilege, or no such CSR: nothing has changed. Most often: `reflectTrap`. */
  illegal: 1,
  /** Done, and `nextTimerCycle` has changed. */
  timerChanged: 2,
} as const;
export type CsrOutcome = (typeof CSR_OUTCOME)[keyof typeof CSR_OUTCOME];

/**
 * The host's side of a virtualized hart. Call these between runs only. None but {@link retire}, {@link sret}, {@link emulateCsr}, {@link store}
 * and {@link enterTrap} takes cycles, and those take what the instruction or trap itself takes: what emulating it costs is the host's to charge.
 */
export interface Virtualization {
  /** Chooses how a hart is virtualized. Drops its roots and translations. It and they outlive `Machine.reset`. */
  start(hart: number, kind: VirtualizationKind): void;

  // Two-stage

  /**
   * Sets `hgatp`: Sv39x4, so the table has 16 KiB and that alignment. Without a root every access is a second-stage fault. What is taken out of
   * the table needs {@link flushPage}, or `Machine.flushTranslations` where tables of the guest may stand in it: the TLB holds whole translations.
   * @param vmid tags translations: below {@link TLB_SPACE_COUNT}`.twoStage`
   */
  setSecondStage(hart: number, root: number | undefined, vmid?: number): void;
  /** After `STOP.secondStageFault`. Map the page and run again, or end the instruction with `enterTrap`. */
  readonly secondStageFault: SecondStageFault;

  // Deprivileged

  /**
   * Sets the table that the guest's accesses really go through while its virtual privilege is `privilege`; it changes with the
   * privilege by itself. Every page that the guest may touch needs U in it: it is in U-mode. Without a root every access is a page fault.
   * @param privilege `PRIVILEGE.U` or `PRIVILEGE.S`
   * @param root host physical address of the root, in host memory or guest RAM
   * @param space tags translations, below {@link TLB_SPACE_COUNT}`.deprivileged`: a root that comes back under its own space finds those that
   *   are left. Whoever gives a space to another root flushes it.
   */
  setRoot(hart: number, privilege: 0 | 1, root: number | undefined, space: number, mode?: TableMode): void;
  /** Which of `cycle`, `time`, `instret` (bits 0 to 2) the guest reads without a stop, where its own `scounteren` lets it. Default: none. */
  setDirectCounters(hart: number, mask: number): void;
  /**
   * From here on the hart counts walks that find a leaf whose entry no walk of any hart has found before (`HartCounters`). What was found is kept
   * in a map: one bit for each 8 bytes of guest RAM, zero at first.
   * @param mapPa where the map stands: {@link firstUseMapBytes} of host memory
   */
  countFirstUses(hart: number, mapPa: number): void;
  /** Forgets that entries from `pa` in guest RAM on were found: they have been written. 1, or a multiple of 8 that begins at one. */
  forgetFirstUses(mapPa: number, pa: number, entryCount: number): void;

  // Both

  /** After `STOP.guestTrap`. */
  readonly guestTrap: GuestTrap;
  /**
   * Has the guest take a trap into its supervisor mode as hardware would: `sepc`, `scause`, `stval`, SPP, SPIE, SIE, virtual privilege S,
   * pc to `stvec`.
   * @returns false if the handler is where the fetch has just failed: the guest can never go on
   */
  enterTrap(hart: number, cause: number, tvalLow: number, tvalHigh: number, isInterrupt?: boolean): boolean;
  /** {@link enterTrap} with what is in {@link guestTrap}; a cause 8 from virtual S becomes 9. */
  reflectTrap(hart: number): boolean;
  /** Ends the instruction that stopped (with `guestTrap`) as done: pc behind it, one instruction retired, the cycles of its class. */
  retire(hart: number): void;
  /**
   * Does the `sret` that stopped as it would be done at the guest's virtual privilege, and retires it.
   * @returns false if it is illegal there: nothing has changed. Most often: `reflectTrap`.
   */
  sret(hart: number): boolean;
  /**
   * Does the CSR instruction that stopped on the guest's virtual CSRs, as it would be done at its virtual privilege, and retires it. Looking at
   * `guestTrap.insn` first, the host may do what it must before and after (`satp`).
   */
  emulateCsr(hart: number): CsrOutcome;
  /**
   * Makes the load or store that stopped a device access at `gpa`: afterwards it is as after `STOP.mmio`, so `access` and `performAccess` go on
   * from there. (Second-stage faults at a device come as `STOP.mmio` by themselves.)
   * @returns false if no device is there, or the instruction is none that devices take (atomics, misaligned): end it with an access fault
   */
  beginAccess(hart: number, gpa: number): boolean;
  /**
   * Does the store that stopped on guest RAM at `pa`, whatever the tables say, and retires it: how a host lets a guest write to a page that it
   * has protected.
   * @returns false if it is no plain aligned store (an atomic): map the page writable, run up to the next cycle, protect it again
   */
  store(hart: number, pa: number): boolean;

  /** Drops the translations of one address in all spaces: `sfence.vma` with an address. All, if superpages may be among them. */
  flushAddress(hart: number, vaLow: number, vaHigh: number): void;
  /** Drops the translations of a space or VMID. */
  flushSpace(hart: number, space: number): void;
  /** Drops the translations to one physical page, whatever their address and space: before a page is protected or taken away. */
  flushPage(hart: number, pa: number): void;
}
