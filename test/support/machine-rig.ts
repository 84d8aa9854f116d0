/**
 * A small machine for tests of the core: programs in assembly text, run until they trap into machine mode, where a halting
 * handler outside their way leaves every register and trap CSR as it was.
 */
import { must } from '../../src/assert.ts';
import type { CoreProfile } from '../../src/machine/core-profiles.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import type { EngineHart } from '../../src/machine/hart-state.ts';
import { REGISTER, type RegisterName } from '../../src/machine/isa/registers.ts';
import { EngineMachine } from '../../src/machine/machine.ts';
import type { EngineName, MachineConfig, Privilege, StopReason } from '../../src/machine/machine-types.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { assemble, type Program } from './assembler.ts';

export const RAM = 0x8000_0000;
export const PAGE = 4096;
const MEMORY_BYTES = 2 << 20;
/** A program that does not trap by then is stuck. */
const CYCLES_MAX = 5_000_000;

/** Every class has a cost of its own, so that a wrong class shows. */
export const TEST_CORE: CoreProfile = {
  ...must(CORE_PROFILES.rocket, 'profile'),
  name: 'test',
  cycles: {
    alu: 1,
    load: 2,
    loadNarrow: 3,
    store: 5,
    branch: 7,
    jump: 11,
    jumpIndirect: 13,
    mul: 17,
    div: 37,
    divWord: 31,
    atomic: 19,
    csr: 23,
    fence: 29,
    system: 41,
  },
  tlbEntries: 16,
  walkReferenceCycles: 100,
};

/** The tiers of the engine as tests want them: the translator takes every place where a jump leads at once. */
export const TIERS = {
  interpreter: { engine: 'interpreter' },
  translator: { engine: 'translator', translator: { hotCount: 1, batchInsns: 0 } },
} as const satisfies Readonly<Record<EngineName, Partial<MachineConfig>>>;

export type RigOptions = Partial<MachineConfig>;

export interface TrapTaken {
  readonly cause: bigint;
  readonly epc: bigint;
  readonly tval: bigint;
}

export interface Start {
  readonly privilege?: Privilege;
  readonly pc?: number | bigint;
  /** CSRs set before the start, in this order. */
  readonly csrs?: Readonly<Record<string, bigint>>;
}

export class MachineRig {
  readonly machine: EngineMachine;
  /** Physical address of the halting handler of machine mode. */
  readonly halt: number;

  constructor(options: RigOptions = {}) {
    this.machine = new EngineMachine({
      hartCount: 1,
      memoryBytes: MEMORY_BYTES,
      core: TEST_CORE,
      misaligned: 'hardware',
      adUpdate: 'hardware',
      supervisorCallsStop: false,
      ...TIERS.interpreter,
      ...options,
    });
    this.halt = RAM + this.machine.config.memoryBytes - PAGE;
  }

  get hart(): EngineHart {
    return this.hartOf(0);
  }

  hartOf(id: number): EngineHart {
    return must(this.machine.harts[id], `hart ${id}`);
  }

  /** A register of hart 0 by its ABI name. */
  x(name: RegisterName, hart = 0): bigint {
    return this.hartOf(hart).x(REGISTER[name]);
  }

  setX(name: RegisterName, value: bigint | number, hart = 0): void {
    this.hartOf(hart).setX(REGISTER[name], BigInt(value));
  }

  load(source: string, at = RAM): Program {
    const program = assemble(source, at);
    this.machine.memory.writeBytes(at, program.bytes);
    return program;
  }

  /** Empties RAM. */
  clear(): void {
    this.machine.memory.writeBytes(RAM, new Uint8Array(this.machine.config.memoryBytes));
  }

  /**
   * Puts a hart at its start, with nothing delegated and all memory open to S and U. Machine-mode traps halt.
   */
  start({ privilege = PRIVILEGE.M, pc = RAM, csrs = {} }: Start = {}, id = 0): void {
    const { machine } = this;
    this.load('wfi; here: j here', this.halt);
    machine.reset(id, { pc: BigInt(pc), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
    const hart = this.hartOf(id);
    for (const bit of [1, 3, 5, 7, 9, 11]) machine.setPending(id, bit, false);
    hart.setRawCsr('mcycle', 0n);
    hart.setRawCsr('minstret', 0n);
    if (privilege !== PRIVILEGE.M) this.openMemory(id);
    hart.setCsr('mtvec', BigInt(this.halt));
    for (const [name, value] of Object.entries(csrs)) hart.setCsr(name, value);
    hart.privilege = privilege;
  }

  /** PMP: everything for S and U. */
  openMemory(id = 0): void {
    const hart = this.hartOf(id);
    hart.setCsr('pmpaddr0', (1n << 54n) - 1n);
    hart.setCsr('pmpcfg0', 0x1fn);
  }

  /** Runs until the halting handler is reached; gives the trap that led there. */
  runToTrap(id = 0): TrapTaken {
    const stop = this.runToStop(id);
    const hart = this.hartOf(id);
    if (stop !== STOP.wfi || hart.pc !== BigInt(this.halt + 4)) {
      throw new Error(`stop ${stop} at pc 0x${hart.pc.toString(16)}, not in the halting handler`);
    }
    return { cause: hart.csr('mcause'), epc: hart.csr('mepc'), tval: hart.csr('mtval') };
  }

  /** Runs on over interrupts taken and timer changes, to any other stop. */
  runToStop(id = 0): StopReason {
    const until = this.machine.clock.cycle + CYCLES_MAX;
    for (;;) {
      const stop = this.machine.run(id, until);
      this.#checkTlbDigests();
      if (stop !== STOP.interruptTaken && stop !== STOP.timerChanged) return stop;
      this.machine.updateTimers();
    }
  }

  /** Executes exactly one instruction or trap; gives the cycles that it took. */
  step(id = 0): number {
    const before = this.machine.clock.cycle;
    this.machine.run(id, before + 1);
    this.#checkTlbDigests();
    return this.machine.clock.cycle - before;
  }

  /** The digests that the engine remembers, of what it looked at the last time, must be those of what there is now. */
  #checkTlbDigests(): void {
    for (const hart of this.machine.harts) {
      const remembered = hart.tlbDigest;
      hart.forgetTlbDigest();
      if (hart.tlbDigest !== remembered) throw new Error(`the TLBs of hart ${hart.id} have changed unnoticed`);
    }
  }

  /** Loads, starts, runs to the trap. */
  execute(source: string, start: Start = {}): TrapTaken {
    this.load(source);
    this.start(start);
    return this.runToTrap();
  }
}

/** Flags of a page-table entry. */
export const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
/** A valid page with everything done, for S-mode, and for U-mode. */
export const RWX = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D;
export const USER_RWX = RWX | PTE.U;

export const PAGING = {
  sv39: { mode: 8, levels: 3 },
  sv48: { mode: 9, levels: 4 },
  sv57: { mode: 10, levels: 5 },
} as const;
export type PagingName = keyof typeof PAGING;

/** Page tables in guest memory, from `base` on, a page each. */
export class PageTables {
  readonly #rig: MachineRig;
  readonly #levels: number;
  readonly #root: number;
  readonly #mode: number;
  #next: number;

  constructor(rig: MachineRig, paging: PagingName = 'sv39', base = RAM + 0x10_0000) {
    this.#rig = rig;
    this.#levels = PAGING[paging].levels;
    this.#mode = PAGING[paging].mode;
    this.#root = base;
    this.#next = base + PAGE;
    rig.machine.memory.writeBytes(base, new Uint8Array(PAGE));
  }

  get satp(): bigint {
    return (BigInt(this.#mode) << 60n) | BigInt(this.#root / PAGE);
  }

  /** Maps one page of `level` (0: 4 KiB). */
  map(va: bigint | number, pa: number, flags: number, level = 0): void {
    const pte = (BigInt(Math.floor(pa / PAGE)) << 10n) | BigInt(flags);
    this.#rig.machine.memory.write64(this.entryAddress(va, level), pte);
  }

  /** Identity mapping of 4-KiB pages from `from` up to `to`. */
  identity(from: number, to: number, flags: number): void {
    for (let pa = from; pa < to; pa += PAGE) this.map(pa, pa, flags);
  }

  /** Physical address of the entry for `va` at `level`, making the tables above it. */
  entryAddress(va: bigint | number, level = 0): number {
    const { memory } = this.#rig.machine;
    let table = this.#root;
    for (let at = this.#levels - 1; ; at--) {
      const index = Number((BigInt.asUintN(64, BigInt(va)) >> BigInt(12 + 9 * at)) & 511n);
      const entry = table + index * 8;
      if (at === level) return entry;
      if ((memory.read64(entry) & 1n) === 0n) {
        memory.writeBytes(this.#next, new Uint8Array(PAGE));
        memory.write64(entry, (BigInt(this.#next / PAGE) << 10n) | 1n);
        this.#next += PAGE;
      }
      table = Number(memory.read64(entry) >> 10n) * PAGE;
    }
  }
}
