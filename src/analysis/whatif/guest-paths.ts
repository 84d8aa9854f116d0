/**
 * What the two builds of a kernel do where they differ: the paravirtual one in the trace, and the unmodified one that the prediction is for, with
 * drivers for registers or for rings. They are builds of `guests/mini-os` (`platform-pv/`, `platform-native/`), which is the paravirtual kernel of
 * this package. Every count of cycles is a sum of those of its functions, found by executing both builds, under `pv` and `native`, and
 * `test/guests/guest-paths.test.ts` finds most of them again in this way, to the cycle; docs/pricing.md says which it does not. Counts of pages
 * are found likewise, by `test/guests/guest-pages.test.ts`.
 */

/** Cycles on core `rocket`, without page walks, for one occurrence. */
export interface PathCycles {
  readonly pv: number;
  /** Of the unmodified build, with its drivers for registers and for rings. */
  readonly registers: number;
  readonly rings: number;
}

/** A path without drivers. */
const kernel = (pv: number, unmodified: number): PathCycles => ({ pv, registers: unmodified, rings: unmodified });

/** Of functions that others call, one call each. */
const PV_MUST = 17;
const PV_SEND = 9 + PV_MUST;
const VIRTQ_ADD = 79;
const VIRTQ_TAKE = 55;
const VIRTQ_TAKE_NONE = 14;
const VIRTQ_PUBLISH = 53;
const VIRTQ_INTERRUPT_AFTER = 30;
const VIRTIO_ACKNOWLEDGE = 13;
const VIRTIO_CONFIG = 11;
const PLIC_SERVICE = 2 * 16 + 15;

/** Frames that a driver sends before it takes buffers back, and what that takes for all of them. */
const SENT_FRAMES = 16;
const TAKEN_BACK = { pv: 4 + 597, rings: SENT_FRAMES * VIRTQ_TAKE + VIRTQ_TAKE_NONE };

/** Symbols in brackets: functions of both builds, self cycles per call. */
export const GUEST_PATHS = {
  /** [pv_irq_save + pv_irq_restore that leaves events masked] [native_irq_save + native_irq_restore] */
  mask: kernel(12 + 4, 9 + 7),
  /** More, if that lets events in: whether any has come. */
  unmask: kernel(12 - 4, 0),
  /**
   * [pv_trap_entry + pv_trap + pv_is_user + pv_irq_enable, pv_irq_disable, less what `mask` and `unmask` count for these] [the trap itself 5 +
   * native_trap_entry + native_trap + native_is_user + native_irq_enable, native_irq_disable, less `mask`]
   */
  exceptionEntry: kernel(56 + 15 + 7 + 11 + 8 - 24, 5 + 63 + 23 + 8 + 8 + 8 - 16),
  /** [pv_event_entry + pv_trap_entry from its second part on + pv_event] [native_trap_entry from the kernel + native_trap; a return there is 5 shorter] */
  interruptEntry: kernel(34 + 23 + 17, 67 + 26 - 5),
  /** [pv_enter_user, to its ecall] [native_enter_user, to its sret] */
  trapReturn: kernel(92, 86),
  /** [pv_idle + pv_must, less what `mask` and `unmask` count of it] [native_idle, less `mask`] */
  idle: kernel(34 + PV_MUST - 24, 22 - 16),
  /** [pv_set_deadline + pv_must] [native_set_deadline] */
  deadline: kernel(5 + PV_MUST, 12),
  /** A tick, the timer being a cause of its own for the unmodified kernel [none: recorded ticks are passed over] [timer_interrupt + native_now + wake_all] */
  tick: kernel(0, 66 + 7 + 32),
  /** And if it wakes somebody, of whom make_ready knows [wake_all + make_ready] */
  tickWakes: kernel(0, 39 - 32 + 34),
  /** [pv_activate + pv_must] [native_activate] */
  activate: kernel(47 + PV_MUST, 16),
  /** [pv_flush_page, pv_flush_all + pv_must] [native_flush_page, native_flush_all] */
  flush: kernel(15 + PV_MUST, 7),
  /** [pv_set_entry_now + pv_must] [native_set_entry_now] */
  entryNow: kernel(4 + PV_MUST, 8),
  /** Each entry of a batch [pv_set_entry] [native_set_entry] */
  entryInBatch: kernel(63, 4),
  /** An entry of tables that are not handed over yet [pv_set_entry] [native_set_entry] */
  entryBefore: kernel(44, 4),
  /** The batch [pv_lazy_begin + pv_lazy_end + pv_must] [native_lazy_begin + native_lazy_end] */
  batch: kernel(6 + 23 + PV_MUST, 3 + 3),
  /** A call that hands pages over, or back [run_calls + pv_must] */
  handOver: kernel(31 + PV_MUST, 0),
  /** Each page of it [hand_over and its part of run_calls] */
  pageOver: kernel(64 + 6, 0),
  pageBack: kernel(65 + 6, 0),
  /** A table put into tables in use, after it was handed over [pv_set_table + pv_must] [native_set_table]; more, if that is in both roots */
  tableSet: kernel(94 + PV_MUST, 7),
  tableSetInRoots: kernel(105 - 94, 0),
  /** A table put into tables that are not in use; more, if that is in both roots */
  tableBefore: kernel(63, 7),
  tableBeforeInRoots: kernel(66 - 63, 0),
  /** An address space [pv_root_create + pv_root_ready + pv_must; a second root: page_get_zeroed, memset] [native_root_create + native_root_ready] */
  rootReady: kernel(3102 + 34 + PV_MUST + 34 + 1197, 3080 + 3),
  /** It is taken apart [pv_root_destroy + pv_must; page_put of the second root] [native_root_destroy] */
  rootDestroyed: kernel(64 + PV_MUST + 25, 3),
  /** Tables of it are looked for: in an empty one; in one with tables; for each table of entries [hand_over_all] */
  tablesOfNone: kernel(37, 0),
  tablesOfSome: kernel(3117, 0),
  tablesOfEach: kernel(4, 0),
  /** A request of the disk and its interrupt [submit, pv_send, sectors, interrupt] [submit, sectors, interrupt; virtq_add, virtq_take and the others] */
  diskRequest: {
    pv: 174 + PV_SEND + 6 + 52,
    registers: 54 + 6 + 29,
    rings:
      113 +
      117 +
      VIRTQ_PUBLISH +
      VIRTQ_INTERRUPT_AFTER +
      28 +
      2 * VIRTIO_CONFIG +
      51 +
      VIRTIO_ACKNOWLEDGE +
      VIRTQ_TAKE +
      VIRTQ_TAKE_NONE,
  },
  /** Each page of it [submit, grant_change, interrupt] [submit, interrupt; virtq_add] */
  diskPage: { pv: 23 + 27 + 8, registers: 19 + 4, rings: 11 + 10 + 21 },
  /** Finding its interrupt: two claims, the second finds none, and a completion [pv_claim, pv_complete] [plic_claim, plic_complete] */
  diskService: kernel(127 + 3, PLIC_SERVICE),
  netService: {
    pv: 131 + 3,
    registers: PLIC_SERVICE + 11,
    rings: PLIC_SERVICE + 9 + VIRTIO_ACKNOWLEDGE,
  },
  /** Up to the doorbell [transmit + pv_send, to its ecall] [transmit, to its store to TDT] [transmit, virtq_add, virtq_publish] */
  frameSent: {
    pv: 108 + PV_SEND - 30 + TAKEN_BACK.pv / SENT_FRAMES,
    registers: 78 - 12,
    rings: 1050 / SENT_FRAMES + VIRTQ_ADD + VIRTQ_PUBLISH - 12 + TAKEN_BACK.rings / SENT_FRAMES,
  },
  /** And behind it [pv_must from its ecall on, transmit from there on] [transmit from its store on] */
  frameSentReturn: { pv: 30, registers: 12, rings: 12 },
  /** One received, and one looked for in vain before it [receive; virtq_add, virtq_take, virtq_interrupt_after] */
  frameReceived: {
    pv: 162,
    registers: 104,
    rings: 112 + VIRTQ_ADD + VIRTQ_TAKE + 2 * VIRTQ_TAKE_NONE + VIRTQ_INTERRUPT_AFTER,
  },
  /** Buffers given back [receive, pv_send] [receive] [receive, virtq_publish] */
  refill: { pv: 24 + PV_SEND, registers: 15, rings: 4 + VIRTQ_PUBLISH },
  /** A call with text [write, memcpy but for what it copies] [write] [write, memcpy; virtq_add, virtq_publish, virtq_take] */
  textWritten: { pv: 57 + 29, registers: 7, rings: 74 + 29 + VIRTQ_ADD + VIRTQ_PUBLISH + VIRTQ_TAKE },
  /** Each byte of it, waited for and stored [none] [write] */
  byteWritten: { pv: 0, registers: 14, rings: 0 },
  /** Each eight bytes, and each byte left over, copied to a buffer [memcpy] [none] */
  wordCopied: { pv: 6, registers: 0, rings: 6 },
  byteCopied: { pv: 7, registers: 0, rings: 7 },
} as const satisfies Record<string, PathCycles>;
export type GuestPath = keyof typeof GUEST_PATHS;

/**
 * Cycles from the first instruction to the first process, of workload `syscall` without accesses to devices: of the paravirtual build, which is told of
 * its devices, and of the unmodified one, which finds them in a device tree, by what that holds (`DeviceAxis.deviceSet`).
 */
export const BOOT_CYCLES = { calls: 128_081, emulated: 184_343, both: 207_307, rings: 203_125 } as const;

/**
 * Cycles of the unmodified receiver from masking interrupts to asking for one: the end of native_irq_save, net_receive, receive up to its store to
 * IMS. They are among those of `frameReceived`.
 */
export const RECEIVER_LOOKS_CYCLES = 4 + 6 + 21;

/** CSR accesses of the unmodified kernel, from `platform-native/entry.S` and `trap.c`. */
export const CSR_ACCESSES = {
  /** sscratch twice, sepc, sstatus, scause, stval. From the kernel once more sscratch, which the return then leaves alone. */
  trapEntry: 6,
  /** sscratch, sstatus, sepc; the sret is counted by itself. */
  trapReturn: 3,
  /** A mask and what undoes it: sstatus. */
  mask: 2,
  /** sscratch, stvec, sie, and sstatus for the first process. */
  start: 4,
} as const;

/**
 * Pages. An unmodified kernel maps memory by gigapages (`platform-native/mmu.c`), a paravirtual one finds it mapped page by page. The counts
 * are those of what the instructions of both builds touch, under `pv` and `native`, in workload `syscall` unless something else is said. They are
 * taken to be the same for every workload, mode and profile.
 */
export const GUEST_PAGES = {
  /** Levels of tables above a page of the kernel, and above one of a process (Sv39). */
  kernelLevels: 1,
  userLevels: 3,
  /**
   * Pages that a paravirtual kernel uses besides between two flushes of the TLB, loads of an address space among them. Shared info; the pointers to
   * it and arguments of calls; and where a space is loaded its root, which holds the address of the second [ctxsw, pipe], where entries are
   * changed the updates of their batch [mmap].
   */
  misses: 3,
  /**
   * Pages that it touches more. Shared info, start info, the initial root and that of the process: four; less the device tree, which only the
   * unmodified one reads, and two pages by which its image is larger.
   */
  more: 1,
  /** Kernel pages touched before translation is on and again after [drivers for registers]: code and data of the way to the first process. */
  retouched: 14,
} as const;
