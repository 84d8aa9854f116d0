/**
 * The machine as the hypervisor sees it: harts that run to a deadline and come back with a reason. Implemented by
 * `machine.ts`; kept apart so that the hypervisor can be tested on a scripted machine.
 */
import type { Clock, GuestMemory, InterruptPins, MmioDevice } from './bus.ts';
import type { CoreProfile } from './core-profiles.ts';
import type { Meter } from './meter.ts';
import type { RegionCompiler } from './region-compiler.ts';
import type { Stateful } from './state-sink.ts';
import type { HostMemory, Virtualization } from './virtualization-types.ts';

export interface MachineConfig {
  /** 1 to 8. */
  readonly hartCount: number;
  /** Multiple of 4 KiB, up to 3 GiB. */
  readonly memoryBytes: number;
  /**
   * Memory of the host beside guest RAM, for the tables of virtualized harts: a multiple of 4 KiB up to 256 MiB. Default: none, and no
   * hart can be virtualized.
   */
  readonly hostMemoryBytes?: number;
  readonly core: CoreProfile;
  /** `trap`: misaligned loads and stores raise an address-misaligned exception; `hardware`: they work. */
  readonly misaligned: 'hardware' | 'trap';
  /** `hardware`: the walk sets A and D (Svadu); `fault`: it page-faults (Svade). */
  readonly adUpdate: 'hardware' | 'fault';
  /** Whether `ecall` from S-mode comes back as a stop (an SBI is served by the host) instead of trapping to M-mode. */
  readonly supervisorCallsStop: boolean;
  /** Engine tiers to use; which ones shows in wall time only. Default: the translator. */
  readonly engine?: EngineName;
  /** When code is translated; shows in wall time only. Default: {@link TRANSLATOR_DEFAULT}. */
  readonly translator?: TranslatorTuning;
  /** Told of work besides executing. With it, instructions retired in translated code are counted. Default: nobody is told. */
  readonly meter?: Meter;
  /** Where code of the engine that was generated before may be found, so that it need not be again. Default: nowhere. */
  readonly engineCode?: EngineCodeStore;
  /** Takes the translator's work to another thread if it compiles in the background. Default: it is done where the machine runs. */
  readonly regionCompiler?: RegionCompiler;
}

/** Finds the engine's module by everything that it depends on (`engineKey`). It must come from the same version of the generator. */
export type EngineCodeStore = (key: string) => Uint8Array<ArrayBuffer> | undefined;

/** Tests make code hot at once, so that a short program is translated whole. */
export interface TranslatorTuning {
  /** How often a head is reached before it is translated, at first: at least 1. Lower the longer a guest has run. */
  readonly hotCount: number;
  /** Instructions that a hot head waits for others to be compiled in one module with; 0 compiles each at once. */
  readonly batchInsns: number;
  /** Whether code that changes again and again is translated later each time. Default: it is as hot as other code. */
  readonly backsOff?: boolean;
  /**
   * Cycles between looks at where the guest is, by which interpreted code is found that may be worth translating: only heads near there are
   * counted, so that code which is reached seldom runs as fast as without a translator. Default: all heads are counted from the start.
   */
  readonly sampleCycles?: number;
  /** Compile while the guest goes on. Needs a host that gives the event loop a turn now and then. Default: compile at once. */
  readonly background?: boolean;
}
/** Measured: a lower count translates code that does not repay it; many small modules cost more than one large one. */
export const TRANSLATOR_DEFAULT: TranslatorTuning = {
  hotCount: 3000,
  batchInsns: 2_000_000,
  backsOff: true,
  sampleCycles: 80_000,
};

export const ENGINE_NAMES = ['interpreter', 'translator'] as const;
/** `translator`: hot code is translated to WebAssembly, the rest is interpreted. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Why {@link Machine.run} came back. */
export const STOP = {
  /** First instruction boundary where `cycle >= until`. */
  deadline: 0,
  /** A load or store to a device, not yet performed: look at `access`, then call `performAccess`. */
  mmio: 1,
  /** `ecall` from S-mode, not yet retired: serve it, then call `retireCall`. */
  supervisorCall: 2,
  /** `wfi` retired; the hart may wait if `wakePending(hart)` is false. */
  wfi: 3,
  /** An interrupt trap was taken: the cause is in `lastInterruptCause`. */
  interruptTaken: 4,
  /** `stimecmp` was written: look at `nextTimerCycle` again. */
  timerChanged: 5,
  /** The guest wrote a nonzero value to the `tohost` address: the value is in `tohost`. */
  tohost: 6,
  /** A trap handler that cannot be fetched: no instruction can ever retire again. */
  stuck: 7,
  /** Of a virtualized hart: an exception that its guest does not take itself, with nothing changed. See `guestTrap`. */
  guestTrap: 8,
  /**
   * Of a deprivileged hart: an interrupt may be taken at its virtual privilege, the cause is in `lastInterruptCause`. Each run comes back with it
   * until the guest has taken it (`enterTrap`) or it is masked or gone.
   */
  guestInterrupt: 9,
  /** Of a hart with two-stage translation: a guest-page fault, with nothing changed. See `secondStageFault`. */
  secondStageFault: 10,
} as const;
export type StopReason = (typeof STOP)[keyof typeof STOP];

/** Privilege modes by their encoding. */
export const PRIVILEGE = { U: 0, S: 1, M: 3 } as const;
export type Privilege = (typeof PRIVILEGE)[keyof typeof PRIVILEGE];

/** A device access that waits to be performed. The object is reused: copy what must outlive the stop. */
export interface PendingAccess {
  readonly device: MmioDevice;
  /** Guest physical address. */
  readonly gpa: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly write: boolean;
  /** Value to store, zero-extended, or what a load has found; 0n for a load until it has been performed. */
  readonly value: bigint;
  /** Its halves as unsigned numbers. */
  readonly low: number;
  readonly high: number;
}

/** A store of the guest, or the write of an atomic. The object is reused: copy what must outlive the call. */
export interface WatchedStore {
  readonly hart: number;
  /** Guest physical address; of a store that crosses pages, the part of it in the watched page. */
  readonly gpa: number;
  readonly sizeBytes: number;
  /** What the 8 bytes from there were before it, and after. */
  readonly beforeLow: number;
  readonly beforeHigh: number;
  readonly afterLow: number;
  readonly afterHigh: number;
  /** Right after it: the clock, and the pc of the next instruction in unsigned halves. */
  readonly cycle: number;
  readonly icount: number;
  readonly pcLow: number;
  readonly pcHigh: number;
}

/** Changes nothing of the machine: it looks. */
export type StoreObserver = (store: WatchedStore) => void;

/** Its state is registers, CSRs, privilege, and whatever else decides how it goes on. */
export interface Hart extends Stateful {
  readonly id: number;
  /** Register x1..x31 as an unsigned 64-bit value; x0 is 0n. */
  x(index: number): bigint;
  setX(index: number, value: bigint): void;
  /** The halves of a register as unsigned 32-bit numbers: much cheaper than the whole. */
  xLow(index: number): number;
  xHigh(index: number): number;
  /** Sets a register by its halves, which are taken modulo 2^32. */
  setXHalves(index: number, low: number, high: number): void;
  pc: bigint;
  /** The halves of the pc, likewise. */
  readonly pcLow: number;
  readonly pcHigh: number;
  /** Sets the pc by its halves, which are taken modulo 2^32. */
  setPcHalves(low: number, high: number): void;
  privilege: Privilege;
  /** Instructions this hart has retired. */
  readonly retired: number;
  /** A CSR by its specification name (`stvec`, `satp`), as an M-mode read without side effects would see it. */
  csr(name: string): bigint;
  setCsr(name: string, value: bigint): void;
}

/** Kinds of TLB misses, in the order in which {@link HartCounters.missesByKind} has them. */
export const MISS_KINDS = ['userLoad', 'userStore', 'userFetch', 'kernelLoad', 'kernelStore', 'kernelFetch'] as const;
export type MissKind = (typeof MISS_KINDS)[number];

/** Event counters of one hart since reset: safe integers. Privilege is the virtual one where a hart has one. */
export interface HartCounters {
  readonly tlbMisses: number;
  readonly walkReferences: number;
  /** The same misses by what they were for. Kernel: any privilege above U. */
  readonly missesByKind: Readonly<Record<MissKind, number>>;
  /** Walks that used an entry of a page table for the first time: see `Virtualization.countFirstUses`. */
  readonly userFirstUses: number;
  readonly kernelFirstUses: number;
}

export interface Machine extends InterruptPins {
  readonly config: MachineConfig;
  readonly harts: readonly Hart[];
  readonly memory: GuestMemory;
  /** Physical memory of the host beside guest RAM. */
  readonly hostMemory: HostMemory;
  /** The host's side of virtualized harts. */
  readonly virtualization: Virtualization;
  readonly clock: Clock;
  readonly devices: readonly MmioDevice[];

  /** Adds a device to the bus. Ranges may not overlap each other or RAM. */
  attach(device: MmioDevice): void;
  /**
   * Has `wrote` told of each write to guest RAM that comes through {@link memory}: of devices, back ends and the host, before it is made.
   * Once.
   */
  watchMemory(wrote: (pa: number, lengthBytes: number) => void): void;
  /**
   * Puts a hart at its start: registers zero but a0 and a1, privilege, pc, translation and interrupts off. How it is virtualized stays as the host
   * has set it.
   */
  reset(hart: number, start: { pc: bigint; a0: bigint; a1: bigint; privilege: Privilege }): void;
  /** Watches the 8 bytes at `gpa` for the `tohost` convention. */
  watchTohost(gpa: number): void;
  /** What the guest wrote there last. */
  readonly tohost: bigint;
  /**
   * Has the observer told of each store of the guest to bytes of `[gpa, gpa + sizeBytes)`, in order, before {@link run} comes back from the
   * instructions that follow. The range lies in one page, and not in its last 8 bytes; there is one. The guest notices nothing, whichever
   * tier runs it: a watched store takes the cycles of any other. Stores by devices and by the host are not told of.
   */
  watchStores(gpa: number, sizeBytes: number, observer: StoreObserver): void;

  /** Runs one hart until the first instruction boundary where `cycle >= untilCycle`, or until something stops it sooner. */
  run(hart: number, untilCycle: number): StopReason;
  /** After {@link STOP.mmio}. */
  readonly access: PendingAccess;
  /** Performs the pending access on its device, writes the register and retires the instruction. `access` has the value then. */
  performAccess(): void;
  /** After {@link STOP.supervisorCall}: retires the `ecall`. Not called when the call does not return (hart stop). */
  retireCall(hart: number): void;
  readonly lastInterruptCause: number;
  /** Drops every cached translation of the hart, of all address spaces: what a remote `sfence.vma` comes to. */
  flushTranslations(hart: number): void;

  /** Adds cycles that are not instructions (hypervisor work, idle time) to the clock. */
  charge(cycles: number): void;
  /** Sets the timer-pending bits of all harts from the clock: `stimecmp` (Sstc) into STIP. */
  updateTimers(): void;
  /** The next cycle at which some hart's `stimecmp` comes due after now; Infinity if none. */
  nextTimerCycle(): number;
  /** Cycle at which `mtime` first reaches `ticks`; Infinity if beyond what a safe integer holds. */
  cycleOfMtime(ticks: bigint): number;
  /** Whether a bit of the hart's `mip` is set. */
  isPending(hart: number, bit: number): boolean;
  /** Whether an interrupt that is enabled in `mie` is pending on the hart, whatever the global enable says: the wake rule of `wfi`. */
  wakePending(hart: number): boolean;
  /** Whether an interrupt could ever be taken or wake the hart: some bit of `mie` is set. */
  canWake(hart: number): boolean;

  counters(hart: number): HartCounters;
  /** 64-bit digest of all RAM and memory of the host: only pages written since the last call are read again. */
  memoryDigest(): bigint;
  /** XXH64 with seed 0 of bytes of the host. */
  hash(bytes: Uint8Array): bigint;
}
