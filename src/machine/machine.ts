/**
 * The machine: harts, memory, bus and clock around the engine. It runs one hart at a time to a deadline, serves what only the
 * engine needs (decoding, PMP ranges) by itself, and comes back with everything else. It knows no hypervisor.
 */
import { assert, must } from '../assert.ts';
import { ParatraceError } from '../errors.ts';
import type { MmioDevice } from './bus.ts';
import { IRQ } from './bus.ts';
import { csrNameOfIndex } from './engine/csrs.ts';
import type { Engine } from './engine/engine.ts';
import { createEngine } from './engine/engine.ts';
import { INSN_HANDLERS, SPECIAL_HANDLERS } from './engine/handlers.ts';
import { RUN_CYCLES_MAX } from './engine/interpreter.ts';
import {
  CHANGES,
  ENTRY,
  GLOBAL,
  HART,
  HART_COUNT_MAX,
  NO_RESERVATION,
  PAGE_BYTES,
  PAGE_FLAG,
  RAM_BASE,
  TLB,
} from './engine/layout.ts';
import { ACCESS_KIND } from './engine/memory-access.ts';
import type { RegionWriter } from './engine/regions/region-emitter.ts';
import { emitRegion } from './engine/regions/region-emitter.ts';
import { TABLE_ACCESS } from './engine/second-stage.ts';
import { CAUSE, ENGINE_STOP } from './engine/stops.ts';
import { EngineMemory } from './guest-memory.ts';
import { EngineHart } from './hart-state.ts';
import { EngineHostMemory } from './host-memory.ts';
import { MachineClock } from './machine-clock.ts';
import type {
  HartCounters,
  Machine,
  MachineConfig,
  PendingAccess,
  Privilege,
  StopReason,
  StoreObserver,
} from './machine-types.ts';
import { PRIVILEGE, STOP } from './machine-types.ts';
import { DeviceAccess } from './pending-access.ts';
import { writePmp } from './pmp.ts';
import { Predecoder } from './predecoder.ts';
import type { RegionCounts } from './region-cache.ts';
import { RegionCache } from './region-cache.ts';
import { StateHash } from './state-hash.ts';
import { StoreLog } from './store-log.ts';
import { EngineVirtualization } from './virtualization.ts';
import { VIRTUALIZATION } from './virtualization-types.ts';

/** Most cycles of an instruction class or a page-table reference: what sums of them in 32 bits allow. */
const CLASS_CYCLES_MAX = 255;
const MEMORY_MAX = 3 * 2 ** 30;
const HOST_MEMORY_MAX = 2 ** 28;
/** RV64 with A, C, I, M, S and U (Privileged ISA 3.1.1). */
const MISA = (2n << 62n) | [...'ACIMSU'].reduce((bits, letter) => bits | (1n << BigInt(letter.charCodeAt(0) - 65)), 0n);
/** UXL and SXL: 64 bits, fixed. */
const MSTATUS_RESET = (2n << 32n) | (2n << 34n);
const NEVER = Number.POSITIVE_INFINITY;
const PAGE_SHIFT = 12;
/** A power of two: more than there are devices that a guest talks to by turns. */
const DEVICE_GUESSES = 32;
const SOFTWARE_PENDING = 1 << IRQ.SSIP;

/** What firmware leaves to an S-mode guest: all traps that S can take, counters, Sstc, all memory. */
const FIRMWARE_CSRS: readonly (readonly [string, bigint])[] = [
  ['medeleg', 0xffffn],
  ['mideleg', 0xffffn],
  ['mcounteren', 7n],
  ['menvcfg', 1n << 63n],
  ['pmpaddr0', (1n << 54n) - 1n],
  ['pmpcfg0', 0x1fn],
];

export class EngineMachine implements Machine {
  readonly config: MachineConfig;
  readonly hartCount: number;
  readonly memory: EngineMemory;
  readonly hostMemory: EngineHostMemory;
  readonly virtualization: EngineVirtualization;
  readonly clock: MachineClock;
  readonly #engine: Engine;
  readonly #hash: StateHash;
  readonly #view: DataView;
  readonly #harts: readonly EngineHart[];
  readonly #devices: MmioDevice[] = [];
  /** First address of each device and the first after it, by turns: where an access goes is looked up here. */
  readonly #deviceRanges: number[] = [];
  /** By low bits of a page number: which device to look at first. */
  readonly #deviceGuesses = new Uint8Array(DEVICE_GUESSES);
  readonly #predecoder: Predecoder;
  /** Undefined with the interpreter alone. */
  readonly #regions: RegionCache | undefined;
  readonly #access = new DeviceAccess();
  /** Of the instruction whose access waits. */
  #accessRd = 0;
  #accessIsSigned = false;
  #accessLengthBytes = 4;
  #accessCycles = 0;
  /** Cycles of instructions by handler number. */
  readonly #handlerCycles: Uint8Array;
  #hart: EngineHart;
  #lastInterruptCause = 0;
  #tohost: number | undefined;
  readonly #storeLog: StoreLog;

  /**
   * @param writeRegion the translator's code generator: a test gives a wrong one, to see that it is found out
   * @throws ParatraceError usage.option if the configuration is out of range
   */
  constructor(config: MachineConfig, writeRegion: RegionWriter = emitRegion) {
    checkConfig(config);
    this.config = config;
    this.hartCount = config.hartCount;
    this.#engine = createEngine(config);
    this.#hash = new StateHash(this.#engine);
    const view = new DataView(this.#engine.memory.buffer);
    this.#view = view;
    this.clock = new MachineClock(view, config.core.cyclesPerTick);
    this.#storeLog = new StoreLog(view, this.clock);
    this.#harts = Array.from(
      { length: config.hartCount },
      (_, id) => new EngineHart(id, this.#engine, this.clock, (hart) => this.#afterCsrWrite(hart)),
    );
    this.#hart = must(this.#harts[0], 'hart 0');
    this.memory = new EngineMemory(this.#engine, () => this.#breakReservations());
    this.hostMemory = new EngineHostMemory(this.#engine, (offset) => this.#breakReservationsIn(offset));
    this.virtualization = new EngineVirtualization({
      engine: this.#engine,
      config,
      clock: this.clock,
      hartOf: (id) => this.#hartOf(id),
      stopped: () => this.#hart,
      beginAccess: (hart, gpa, kind, handler, register) => this.#beginAccess(hart, gpa, kind, handler, register),
    });
    const regions =
      config.engine === 'interpreter'
        ? undefined
        : new RegionCache(this.#engine, config, () => this.#predecoder, writeRegion);
    this.#regions = regions;
    this.#predecoder = new Predecoder(this.#engine, config, regions);
    this.#handlerCycles = Uint8Array.from([
      ...SPECIAL_HANDLERS.map(() => 0),
      ...INSN_HANDLERS.map(({ insn }) => config.core.cycles[insn.cycles]),
    ]);
    view.setInt32(GLOBAL.tohostOffset, -1, true);
    view.setInt32(GLOBAL.watchedStart, -1, true);
    for (const hart of this.#harts) this.reset(hart.id, { pc: 0n, a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
  }

  get harts(): readonly EngineHart[] {
    return this.#harts;
  }

  get devices(): readonly MmioDevice[] {
    return this.#devices;
  }

  /** What the translator has made; undefined with the interpreter alone. */
  get regionCounts(): RegionCounts | undefined {
    return this.#regions?.counts;
  }

  get access(): PendingAccess {
    return this.#access;
  }

  get lastInterruptCause(): number {
    return this.#lastInterruptCause;
  }

  get tohost(): bigint {
    return this.#tohost === undefined ? 0n : this.memory.read64(this.#tohost);
  }

  attach(device: MmioDevice): void {
    const end = device.base + device.sizeBytes;
    const ramEnd = RAM_BASE + this.config.memoryBytes;
    assert(end <= RAM_BASE || device.base >= ramEnd, `${device.name} overlaps RAM`);
    for (const other of this.#devices) {
      const apart = end <= other.base || device.base >= other.base + other.sizeBytes;
      assert(apart, `${device.name} overlaps ${other.name}`);
    }
    this.#devices.push(device);
    this.#deviceRanges.push(device.base, end);
  }

  watchMemory(wrote: (pa: number, lengthBytes: number) => void): void {
    this.memory.watch(wrote);
  }

  reset(id: number, start: { pc: bigint; a0: bigint; a1: bigint; privilege: Privilege }): void {
    const hart = this.#hartOf(id);
    const isVirtual = hart.get32('virtualization') !== VIRTUALIZATION.none;
    assert(!isVirtual || start.privilege !== PRIVILEGE.M, 'a virtualized hart has no machine mode');
    for (let index = 1; index < 32; index++) hart.setX(index, 0n);
    hart.setX(10, start.a0);
    hart.setX(11, start.a1);
    this.#resetCsrs(hart);
    hart.set32('reservation', NO_RESERVATION);
    hart.set32('extraCycles', 0);
    hart.set32('stop', 0);
    hart.set64('pc', start.pc);
    hart.set32('privilege', start.privilege);
    if (start.privilege !== PRIVILEGE.M) for (const [name, value] of FIRMWARE_CSRS) hart.setCsr(name, value);
    this.#engine.call.flush(hart.base);
    this.#engine.call.flushBare(hart.base);
    this.#engine.call.updateContext(hart.base);
  }

  watchTohost(gpa: number): void {
    assert(this.memory.contains(gpa, 8) && gpa % 8 === 0, `tohost at 0x${gpa.toString(16)}`);
    this.#tohost = gpa;
    this.#view.setInt32(GLOBAL.tohostOffset, gpa - RAM_BASE, true);
    this.#watchPage(Math.floor((gpa - RAM_BASE) / PAGE_BYTES));
  }

  watchStores(gpa: number, sizeBytes: number, observer: StoreObserver): void {
    const offset = gpa - RAM_BASE;
    const isInPage = sizeBytes > 0 && (offset % PAGE_BYTES) + sizeBytes <= PAGE_BYTES - 8;
    assert(this.memory.contains(gpa, sizeBytes) && isInPage, `stores to 0x${gpa.toString(16)} are watched`);
    this.#storeLog.observe(observer);
    this.#view.setInt32(GLOBAL.watchedStart, offset, true);
    this.#view.setInt32(GLOBAL.watchedEnd, offset + sizeBytes, true);
    this.#watchPage(Math.floor(offset / PAGE_BYTES));
  }

  run(id: number, untilCycle: number): StopReason {
    assert(Math.floor(untilCycle) === untilCycle, 'a deadline is a whole number of cycles, or infinite');
    const hart = this.#hartOf(id);
    // A reservation does not outlive the turn of its hart (Unprivileged ISA 14.2 lets it go at any time).
    if (hart !== this.#hart) this.#hart.endReservation();
    this.#hart = hart;
    const regions = this.#regions;
    let resume = 0;
    for (;;) {
      const { cycle } = this.clock;
      const left = untilCycle - cycle;
      if (left <= 0 && resume === 0) return STOP.deadline;
      let most = RUN_CYCLES_MAX;
      if (regions !== undefined) {
        const untilPause = regions.pauseAt - cycle;
        most = Math.min(most, untilPause > 0 ? untilPause : regions.passed(this.clock));
      }
      this.clock.toEngine();
      const stop = this.#engine.call.run(hart.base, Math.min(left, most), resume);
      this.clock.fromEngine();
      this.#storeLog.tell(hart.id);
      resume = 0;
      switch (stop) {
        case ENGINE_STOP.budget:
          regions?.poll(hart, this.clock);
          continue;
        case ENGINE_STOP.again:
        case ENGINE_STOP.watchedStore:
          continue;
        case ENGINE_STOP.decode:
          this.config.meter?.begin('decode');
          this.#predecoder.decodeAt(hart.get32('entryPointer'));
          if (regions?.isFilledByDecoding === true) regions.evict();
          this.config.meter?.end('decode');
          resume = 1;
          continue;
        case ENGINE_STOP.hot:
          regions?.queue(hart.get32('entryPointer'), hart, this.clock);
          resume = 1;
          continue;
        case ENGINE_STOP.block:
          this.config.meter?.begin('decode');
          this.#predecoder.allocate(hart.get32('fetchRamPage'));
          this.config.meter?.end('decode');
          resume = 1;
          continue;
        case ENGINE_STOP.pmpChanged:
          this.#applyPmp(hart);
          continue;
        case ENGINE_STOP.access:
          if (this.#findAccess(hart, HART.accessAddress, this.#view.getUint32(hart.base + HART.entryPointer, true)))
            return STOP.mmio;
          if (this.#accessFaultTrap(hart)) return STOP.guestTrap;
          if (this.#raiseAccessFault(hart)) return STOP.stuck;
          continue;
        case ENGINE_STOP.interruptTaken:
          this.#lastInterruptCause = this.#view.getUint32(hart.base + HART.cause, true);
          return STOP.interruptTaken;
        case ENGINE_STOP.guestInterrupt:
          this.#lastInterruptCause = this.#view.getUint32(hart.base + HART.cause, true);
          return STOP.guestInterrupt;
        case ENGINE_STOP.secondStageFault:
          return this.#findTrappedAccess(hart) ? STOP.mmio : STOP.secondStageFault;
        default:
          return must(MACHINE_STOPS[stop], 'an engine stop');
      }
    }
  }

  performAccess(): void {
    const access = this.#access;
    access.perform();
    this.completeAccess(access.low, access.high);
  }

  /** The rest of {@link performAccess}, for an access that another machine has performed: the device is left alone. */
  completeAccess(low: number, high: number): void {
    const hart = this.#hart;
    const access = this.#access;
    const rd = this.#accessRd;
    access.setValue(low, high);
    if (!access.write && rd < NO_REGISTER) {
      if (this.#accessIsSigned && access.size < 8) {
        const unused = 32 - 8 * access.size;
        const extended = (low << unused) >> unused;
        hart.setXHalves(rd, extended, extended >> 31);
      } else {
        hart.setXHalves(rd, low, high);
      }
    }
    this.#retire(hart, this.#accessLengthBytes, this.#accessCycles);
  }

  retireCall(id: number): void {
    this.#retire(this.#hartOf(id), 4, this.config.core.cycles.system);
  }

  charge(cycles: number): void {
    this.clock.charge(cycles);
  }

  updateTimers(): void {
    const now = this.clock.ticks;
    for (const hart of this.#harts) hart.setWires(1 << IRQ.STIP, now >= hart.comparatorTicks);
  }

  nextTimerCycle(): number {
    const now = this.clock.ticks;
    let next = Number.POSITIVE_INFINITY;
    for (const hart of this.#harts) {
      const due = hart.comparatorTicks;
      if (due > now) next = Math.min(next, due * this.config.core.cyclesPerTick);
    }
    return next <= Number.MAX_SAFE_INTEGER ? next : Number.POSITIVE_INFINITY;
  }

  cycleOfMtime(ticks: bigint): number {
    const cycle = ticks * BigInt(this.config.core.cyclesPerTick);
    return cycle <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(cycle) : Number.POSITIVE_INFINITY;
  }

  isPending(id: number, bit: number): boolean {
    return (this.#hartOf(id).pending & (1 << bit)) !== 0;
  }

  wakePending(id: number): boolean {
    return this.#hartOf(id).pendingEnabled !== 0;
  }

  canWake(id: number): boolean {
    return this.#hartOf(id).enabled !== 0;
  }

  flushTranslations(id: number): void {
    this.#engine.call.flush(this.#hartOf(id).base);
  }

  counters(id: number): HartCounters {
    return this.#hartOf(id).counters();
  }

  memoryDigest(): bigint {
    return BigInt.asUintN(64, this.#engine.call.memoryDigest());
  }

  /** Has the next digest look at all pages for those that changed, and at all TLB entries. */
  forgetChanges(): void {
    for (const list of [CHANGES.pages, CHANGES.entries]) this.#view.setInt32(list, CHANGES.capacity + 1, true);
  }

  hash(bytes: Uint8Array): bigint {
    return this.#hash.of(bytes);
  }

  setPending(id: number, bit: number, level: boolean): void {
    const hart = this.#hartOf(id);
    const mask = 1 << bit;
    if ((mask & SOFTWARE_PENDING) !== 0) {
      // SSIP has no wire of its own: the guest clears what an IPI has set.
      const pending = hart.rawCsr('mip');
      hart.setRawCsr('mip', level ? pending | BigInt(mask) : pending & ~BigInt(mask));
      return;
    }
    hart.setWires(mask, level);
  }

  /** Has every store to a page of RAM take the slow path. */
  #watchPage(page: number): void {
    const flags = this.#engine.plan.pageFlags + page;
    this.#view.setUint8(flags, this.#view.getUint8(flags) | PAGE_FLAG.watched);
    this.#predecoder.dropFastWrites(page);
  }

  #hartOf(id: number): EngineHart {
    return must(this.#harts[id], 'a hart of the machine');
  }

  /** CSRs as after a reset; what wires and counters say stays. */
  #resetCsrs(hart: EngineHart): void {
    for (const name of ['pmpcfg0', 'pmpcfg2', ...Array.from({ length: 16 }, (_, entry) => `pmpaddr${entry}`)]) {
      hart.setRawCsr(name, 0n);
    }
    writePmp(hart, this.#view, 'pmpcfg0', 0n);
    for (const name of ['satp', 'mie', 'mip', 'medeleg', 'mideleg', 'mcounteren', 'scounteren', 'menvcfg', 'senvcfg']) {
      hart.setRawCsr(name, 0n);
    }
    for (const level of ['s', 'm']) {
      for (const name of ['tvec', 'scratch', 'epc', 'cause', 'tval']) hart.setRawCsr(`${level}${name}`, 0n);
    }
    hart.setRawCsr('stimecmp', 2n ** 64n - 1n);
    hart.setRawCsr('mstatus', MSTATUS_RESET);
    hart.setRawCsr('misa', MISA);
    hart.setRawCsr('mhartid', BigInt(hart.id));
    hart.set32('wires', hart.get32('wires') & ~(1 << IRQ.STIP));
  }

  /** A CSR write by the host may ask for what a guest's write would stop for. */
  #afterCsrWrite(hart: EngineHart): void {
    if (hart.get32('stop') === ENGINE_STOP.pmpChanged) this.#applyPmp(hart);
    hart.set32('stop', 0);
  }

  #applyPmp(hart: EngineHart): void {
    const name = must(csrNameOfIndex(hart.get32('pmpIndex')), 'PMP register');
    writePmp(hart, this.#view, name, hart.get64('pmpValue'));
    this.#engine.call.flush(hart.base);
    this.#engine.call.flushBare(hart.base);
    this.#engine.call.updateContext(hart.base);
  }

  #breakReservations(): void {
    for (const hart of this.#harts) hart.endReservation();
  }

  /** @param ramOffset of 8 bytes that are written */
  #breakReservationsIn(ramOffset: number): void {
    for (const hart of this.#harts) {
      const distance = hart.get32('reservation') - ramOffset;
      if (distance >= 0 && distance < 8) hart.set32('reservation', NO_RESERVATION);
    }
  }

  /** A second-stage fault: whether it is an access that a device takes, which is the one that is pending then. */
  #findTrappedAccess(hart: EngineHart): boolean {
    const view = this.#view;
    const { base } = hart;
    if (view.getUint32(base + HART.stageTable, true) !== TABLE_ACCESS.none) return false;
    if (view.getUint32(base + HART.cause, true) === CAUSE.fetchGuestPage) return false;
    return this.#findAccess(hart, HART.stageAddress, base + HART.trapEntry);
  }

  /**
   * The access that the engine has left in the hart.
   * @param addressField where its guest physical address stands in the hart
   * @param entryAt where the decoded entry of its instruction is
   */
  #findAccess(hart: EngineHart, addressField: number, entryAt: number): boolean {
    const view = this.#view;
    const at = hart.base + addressField;
    const low = view.getInt32(at, true);
    const kind = view.getInt32(hart.base + HART.accessKind, true);
    const size = ACCESS_SIZES[kind & ACCESS_KIND.log2] ?? 1;
    if (kind === ACCESS_KIND.none || (low & (size - 1)) !== 0) return false;
    // Below 2^41: walks refuse what lies above.
    const gpa = view.getInt32(at + 4, true) * 2 ** 32 + (low >>> 0);
    const device = this.#deviceAt(gpa, size);
    if (!device) return false;
    const isWrite = (kind & ACCESS_KIND.write) !== 0;
    this.#access.begin(device, gpa, size, isWrite);
    if (isWrite) {
      const value = hart.base + HART.accessValue;
      this.#access.setValue(view.getUint32(value, true), view.getUint32(value + 4, true));
    }
    // The device may write to RAM where the instruction stands, so what is needed of it is taken before the access.
    const entry = view.getInt32(entryAt, true);
    const handler = entry & 0xffff;
    this.#accessRd = entry >>> (8 * ENTRY.rd);
    this.#accessIsSigned = (kind & ACCESS_KIND.signed) !== 0;
    this.#accessLengthBytes = HANDLER_BYTES[handler] ?? 0;
    this.#accessCycles = this.#handlerCycles[handler] ?? 0;
    return true;
  }

  /** The device that holds the whole range: most often the one that was found last for that page. */
  #deviceAt(gpa: number, size: number): MmioDevice | undefined {
    const slot = (gpa >>> PAGE_SHIFT) & (DEVICE_GUESSES - 1);
    const guess = this.#deviceGuesses[slot] as number;
    if (this.#isAt(guess, gpa, size)) return this.#devices[guess];
    for (let index = 0; index < this.#devices.length; index++) {
      if (!this.#isAt(index, gpa, size)) continue;
      this.#deviceGuesses[slot] = index;
      return this.#devices[index];
    }
    return undefined;
  }

  #isAt(device: number, gpa: number, size: number): boolean {
    const ranges = this.#deviceRanges;
    return gpa >= (ranges[2 * device] ?? NEVER) && gpa + size <= (ranges[2 * device + 1] ?? 0);
  }

  /** Makes a load or store that has trapped the access that is pending. False if no device is there. */
  #beginAccess(hart: EngineHart, gpa: number, kind: number, handler: number, register: number): boolean {
    const size = ACCESS_SIZES[kind & ACCESS_KIND.log2] ?? 1;
    const device = this.#deviceAt(gpa, size);
    if (!device) return false;
    const isWrite = (kind & ACCESS_KIND.write) !== 0;
    this.#hart = hart;
    this.#access.begin(device, gpa, size, isWrite);
    if (isWrite) this.#access.setValue(hart.xLow(register), hart.xHigh(register));
    this.#accessRd = isWrite ? NO_REGISTER : register;
    this.#accessIsSigned = (kind & ACCESS_KIND.signed) !== 0;
    this.#accessLengthBytes = HANDLER_BYTES[handler] ?? 0;
    this.#accessCycles = this.#handlerCycles[handler] ?? 0;
    return true;
  }

  /** Nothing answers at the address, and the access fault goes to the host. */
  #accessFaultTrap(hart: EngineHart): boolean {
    const call = this.#engine.callVirtual;
    if (call === undefined) return false;
    hart.set32('cause', accessFaultCause(hart));
    return call.hostTrap(hart.base, hart.get32('entryPointer')) !== 0;
  }

  /** Nothing answers at the address: an access fault. True if its handler can never run. */
  #raiseAccessFault(hart: EngineHart): boolean {
    this.#engine.call.takeTrap(hart.base, accessFaultCause(hart), 0, BigInt.asIntN(64, hart.get64('tval')));
    this.charge(hart.get32('extraCycles'));
    hart.set32('extraCycles', 0);
    const stuck = hart.get32('stop') === ENGINE_STOP.stuck;
    hart.set32('stop', 0);
    return stuck;
  }

  #retire(hart: EngineHart, lengthBytes: number, cycles: number): void {
    hart.advancePc(lengthBytes);
    hart.retireOne();
    this.clock.icount += 1;
    this.clock.charge(cycles);
  }
}

const ACCESS_SIZES = [1, 2, 4, 8] as const;
/** Destination of what has none. */
const NO_REGISTER = 32;

const accessFaultCause = (hart: EngineHart) =>
  (hart.get32('accessKind') & ACCESS_KIND.write) !== 0 ? CAUSE.storeAccess : CAUSE.loadAccess;

/** Length of an instruction by handler number. */
const HANDLER_BYTES = Uint8Array.from([
  ...SPECIAL_HANDLERS.map(() => 0),
  ...INSN_HANDLERS.map((row) => row.lengthBytes),
]);

/** Machine stops by engine stop: those that are not served here. */
const MACHINE_STOPS: readonly (StopReason | undefined)[] = stopTable([
  [ENGINE_STOP.supervisorCall, STOP.supervisorCall],
  [ENGINE_STOP.wfi, STOP.wfi],
  [ENGINE_STOP.timerChanged, STOP.timerChanged],
  [ENGINE_STOP.tohost, STOP.tohost],
  [ENGINE_STOP.stuck, STOP.stuck],
  [ENGINE_STOP.guestTrap, STOP.guestTrap],
]);

function stopTable(rows: readonly (readonly [number, StopReason])[]): (StopReason | undefined)[] {
  const table: (StopReason | undefined)[] = new Array(Object.keys(ENGINE_STOP).length).fill(undefined);
  for (const [engineStop, stop] of rows) table[engineStop] = stop;
  return table;
}

function checkConfig({ hartCount, memoryBytes, hostMemoryBytes = 0, core }: MachineConfig): void {
  const isPowerOfTwo = (core.tlbEntries & (core.tlbEntries - 1)) === 0;
  // With one entry an access that crosses pages would find the second page in the place of the first.
  assert(
    isPowerOfTwo && core.tlbEntries >= 2 && core.tlbEntries <= TLB.entriesMax,
    `${core.tlbEntries} TLB entries of core ${core.name}`,
  );
  for (const [name, cycles] of [...Object.entries(core.cycles), ['walk', core.walkReferenceCycles + 1] as const]) {
    assert(Number.isInteger(cycles) && cycles >= 1 && cycles <= CLASS_CYCLES_MAX, `${name} takes ${cycles} cycles`);
  }
  if (!Number.isInteger(hartCount) || hartCount < 1 || hartCount > HART_COUNT_MAX) {
    throw new ParatraceError('usage.option', `${hartCount} harts: the machine has 1 to ${HART_COUNT_MAX}`);
  }
  if (!Number.isInteger(memoryBytes / PAGE_BYTES) || memoryBytes < PAGE_BYTES || memoryBytes > MEMORY_MAX) {
    throw new ParatraceError(
      'usage.option',
      `${memoryBytes} bytes of memory: give a multiple of ${PAGE_BYTES} up to ${MEMORY_MAX}`,
    );
  }
  assert(
    Number.isInteger(hostMemoryBytes / PAGE_BYTES) && hostMemoryBytes >= 0 && hostMemoryBytes <= HOST_MEMORY_MAX,
    `${hostMemoryBytes} bytes of memory of the host`,
  );
}
