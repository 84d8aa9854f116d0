/**
 * What the two builds of a kernel do where they differ: the paravirtual one in the trace, and the unmodified one that the prediction is for.
 * Counted from the sources and the built images of `guests/mini-os` (`platform-pv/`, `platform-native/`), which is the paravirtual kernel of this
 * package, by executing both under `pv` and `native` and adding up cycles by function; `test/guests/guest-paths.test.ts` does that again for
 * what occurs most. But for the four counts of {@link GUEST_PAGES} that say so, no number comes from a run of a mode with a hypervisor below
 * the unmodified kernel, which are those that `docs/accuracy.md` judges.
 */

/** Cycles of both builds on core `rocket`, without page walks, for one occurrence. */
export interface PathPair {
  readonly pv: number;
  readonly unmodified: number;
}

/** Symbols in brackets: functions of both builds, self cycles per call. */
export const GUEST_PATHS = {
  /** [pv_trap_entry + pv_trap + pv_is_user] [the trap itself 5 + native_trap_entry + native_trap + native_is_user] */
  exceptionEntry: { pv: 56 + 15 + 7, unmodified: 5 + 63 + 23 + 8 },
  /** [pv_event_entry + pv_trap_entry from its second part on + pv_event + pv_is_user] [5 + native_trap_entry from the kernel + native_trap + native_is_user] */
  interruptEntry: { pv: 34 + 23 + 17 + 7, unmodified: 5 + 67 + 24 + 8 },
  /** [pv_enter_user, to its ecall] [native_enter_user, to its sret] */
  trapReturn: { pv: 92, unmodified: 86 },
  /** One mask and what undoes it: [pv_irq_save + pv_irq_restore] [native_irq_save + native_irq_restore] */
  mask: { pv: 12 + 8, unmodified: 9 + 7 },
  /** Finding a device's interrupt: two claims, the second finds none, and a completion [pv_claim, pv_complete] [plic_claim, plic_complete] */
  deviceService: { pv: 2 * 65 + 4, unmodified: 2 * 16 + 15 },
  /** The timer is a port like that of a device for the one, and a cause of its own for the other [device_interrupt + pv_claim, pv_complete] */
  timerService: { pv: 58 + 2 * 62 + 4, unmodified: 0 },
  /** Serving a tick, the part that both share [timer_interrupt, wake_all] */
  timerInterrupt: { pv: 120, unmodified: 120 },
  /** [pv_idle + pv_must] [native_idle: wfi, csrsi, csrci, ret] */
  idle: { pv: 34 + 17, unmodified: 5 + 4 + 4 + 3 + 13 },
  /** [pv_set_deadline + pv_must] [native_set_deadline] */
  deadline: { pv: 4 + 17, unmodified: 9 },
  /** [pv_activate + pv_must] [native_activate] */
  activate: { pv: 47 + 17, unmodified: 16 },
  /** [pv_flush_page, pv_flush_all + pv_must] [native_flush_page, native_flush_all] */
  flush: { pv: 15 + 17, unmodified: 7 },
  /** [pv_set_entry_now + pv_must] [native_set_entry_now] */
  entryNow: { pv: 4 + 17, unmodified: 8 },
  /** Each entry of a batch [pv_set_entry] [native_set_entry] */
  entryInBatch: { pv: 63, unmodified: 4 },
  /** The batch [pv_lazy_begin + pv_lazy_end + write_updates + pv_must] [native_lazy_begin + native_lazy_end] */
  batch: { pv: 6 + 23 + 17, unmodified: 6 },
  /** Each page whose view changes as it becomes a table, or is one no more [hand_over, and its part of run_calls and set_table] */
  tableHandOver: { pv: 64 + 10 + 35, unmodified: 4 },
  /** A call for several of them [run_calls + pv_must] */
  handOver: { pv: 20 + 17, unmodified: 0 },
  /** An address space goes into use: [pv_root_ready + hand_over_all + pv_must; a second root, zeroed and copied to] [native_root_create] */
  rootReady: { pv: 34 + 2848 + 17 + 3102 + 970, unmodified: 3080 },
  /** It is taken apart [pv_root_destroy + hand_over_all + pv_must, page_put] */
  rootDestroyed: { pv: 90 + 2848 + 17 + 40, unmodified: 0 },
  /** A request of the disk, with a segment for each page [submit, grant_change, ring_publish, interrupt] [submit, interrupt] */
  diskRequest: { pv: 370 + 27 + 40 + 114, unmodified: 106 + 40 },
  /** Up to the doorbell [transmit + pv_send + pv_must] [transmit] */
  frameSent: { pv: 108 + 8 + 17 - 30, unmodified: 78 - 12 },
  /** And behind it [pv_must from its ecall on, transmit from there on] [transmit from its store to TDT on] */
  frameSentReturn: { pv: 30, unmodified: 12 },
  /** [receive] [receive, unmask] */
  frameReceived: { pv: 82, unmodified: 53 },
  /** A byte printed: copied to a buffer, or waited for and stored [memcpy] [write] */
  byteWritten: { pv: 6, unmodified: 13 },
  /** From the first instruction to the first process [grant_page, device_connect] [walk_structure and what it calls: devices are found in the device tree] */
  boot: { pv: 10_000, unmodified: 77_700 },
} as const satisfies Record<string, PathPair>;
export type GuestPath = keyof typeof GUEST_PATHS;

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
 * Pages. An unmodified kernel maps memory by gigapages (`platform-native/mmu.c`), a paravirtual one finds it mapped page by page. All but the
 * levels were read off counters of runs of both builds, of the unmodified one under `hvm` and `full`, and then explained by the source. They are
 * properties of the two builds, the same for every workload, mode and profile.
 */
export const GUEST_PAGES = {
  /** Levels of tables above a page of the kernel, and above one of a process (Sv39). */
  kernelLevels: 1,
  userLevels: 3,
  /** Pages that a paravirtual kernel uses besides when it loads an address space: shared info, arguments of calls, the pointers to both. */
  misses: 3,
  /** And when it only flushes: no arguments are read again. */
  missesOfFlush: 2,
  /** Pages that it touches and an unmodified kernel does not: shared info, start info, a second root, 2.6 pages of rings and batches. */
  more: 5,
  /** Kernel pages touched before translation is on and again after: code and data of the way to the first process. */
  retouched: 14,
} as const;
