/**
 * Both engine tiers in step: a machine that is two, an interpreter and a translator, which execute the same slices and are compared
 * after each. The first difference ends the run. It is how the tiers test each other on whatever guest is at hand.
 *
 * The interpreter is the one that the outside sees. Whatever the outside does to the machine is done to both; a device is
 * asked once, and the translator gets the answer that the interpreter got.
 */

import { AssertionError, must } from '../assert.ts';
import type { Clock, GuestMemory, MmioDevice, PlainValue } from './bus.ts';
import { CSR_SLOTS, PAGE_BYTES } from './engine/layout.ts';
import type { RegionWriter } from './engine/regions/region-emitter.ts';
import type { EngineHart } from './hart-state.ts';
import { disassemble } from './isa/disassemble.ts';
import { REGISTER_NAMES } from './isa/registers.ts';
import { MirroredHart, MirroredMemory } from './lockstep-mirrors.ts';
import { MirroredHostMemory, MirroredVirtualization } from './lockstep-virtualization.ts';
import { EngineMachine } from './machine.ts';
import type {
  Hart,
  HartCounters,
  Machine,
  MachineConfig,
  PendingAccess,
  Privilege,
  StopReason,
  StoreObserver,
  WatchedStore,
} from './machine-types.ts';
import { STOP } from './machine-types.ts';
import type { RegionCounts } from './region-cache.ts';
import { plainStateOf } from './state-sink.ts';
import type { HostMemory, Virtualization } from './virtualization-types.ts';

/**
 * Cycles between two comparisons, in turn. Short enough to say where a difference began, uneven so that slices end everywhere in a
 * loop, long enough that most of a run is not comparing.
 */
const SLICE_CYCLES = [20_011, 313, 50_021, 2, 10_007] as const;
/** Everything that a hart holds is compared after a slice this long, or so many stops; at all others only its registers are. */
const STATE_CYCLES = 5_000;
const STOPS_PER_STATE = 16;
/** Comparisons of whole harts between two of RAM. */
const STATES_PER_DIGEST = 256;
/** Differences that are printed. */
const DIFFERENCES_MAX = 24;
const CODE_BYTES_BEFORE = 16;
const CODE_BYTES_AFTER = 32;

/** Where a slice began. */
interface SliceStart {
  readonly hart: number;
  readonly pc: bigint;
  readonly cycle: number;
  readonly icount: number;
}

export class LockstepMachine implements Machine {
  readonly config: MachineConfig;
  readonly hartCount: number;
  readonly harts: readonly Hart[];
  readonly memory: GuestMemory;
  readonly hostMemory: HostMemory;
  readonly virtualization: Virtualization;
  readonly clock: Clock;
  /** What the outside sees. */
  readonly #first: EngineMachine;
  readonly #second: EngineMachine;
  /** Stores of this slice to watched bytes. */
  readonly #firstStores: string[] = [];
  readonly #secondStores: string[] = [];
  #slices = 0;
  #stops = 0;
  #states = 0;

  /**
   * @param writeRegion the translator's code generator, as for {@link EngineMachine}
   * @throws ParatraceError usage.option if the configuration is out of range
   */
  constructor(config: MachineConfig, writeRegion?: RegionWriter) {
    this.#first = new EngineMachine({ ...config, engine: 'interpreter' });
    this.#second = new EngineMachine({ ...config, engine: 'translator' }, writeRegion);
    this.config = config;
    this.hartCount = config.hartCount;
    this.clock = this.#first.clock;
    this.memory = new MirroredMemory(this.#first.memory, this.#second.memory);
    this.hostMemory = new MirroredHostMemory(this.#first.hostMemory, this.#second.hostMemory);
    this.virtualization = new MirroredVirtualization(this.#first.virtualization, this.#second.virtualization);
    this.harts = this.#first.harts.map((hart) => new MirroredHart(hart, twin(this.#second, hart.id)));
  }

  /** What the translator has made. */
  get regionCounts(): RegionCounts {
    return must(this.#second.regionCounts, 'a translator counts its regions');
  }

  get devices(): readonly MmioDevice[] {
    return this.#first.devices;
  }

  get access(): PendingAccess {
    return this.#first.access;
  }

  get lastInterruptCause(): number {
    return this.#first.lastInterruptCause;
  }

  get tohost(): bigint {
    return this.#first.tohost;
  }

  attach(device: MmioDevice): void {
    for (const machine of this.#both()) machine.attach(device);
  }

  watchMemory(wrote: (pa: number, lengthBytes: number) => void): void {
    this.#first.watchMemory(wrote);
  }

  reset(hart: number, start: { pc: bigint; a0: bigint; a1: bigint; privilege: Privilege }): void {
    for (const machine of this.#both()) machine.reset(hart, start);
  }

  watchTohost(gpa: number): void {
    for (const machine of this.#both()) machine.watchTohost(gpa);
  }

  watchStores(gpa: number, sizeBytes: number, observer: StoreObserver): void {
    this.#first.watchStores(gpa, sizeBytes, (store) => {
      this.#firstStores.push(storeText(store));
      observer(store);
    });
    this.#second.watchStores(gpa, sizeBytes, (store) => {
      this.#secondStores.push(storeText(store));
    });
  }

  /** @throws AssertionError at the first difference between the tiers */
  run(hart: number, untilCycle: number): StopReason {
    for (;;) {
      const length = must(SLICE_CYCLES[this.#slices++ % SLICE_CYCLES.length], 'slice');
      const stop = this.#runSlice(hart, Math.min(untilCycle, this.clock.cycle + length));
      if (stop !== STOP.deadline || this.clock.cycle >= untilCycle) return stop;
    }
  }

  performAccess(): void {
    this.#first.performAccess();
    const { low, high } = this.#first.access;
    this.#second.completeAccess(low, high);
  }

  retireCall(hart: number): void {
    for (const machine of this.#both()) machine.retireCall(hart);
  }

  flushTranslations(hart: number): void {
    for (const machine of this.#both()) machine.flushTranslations(hart);
  }

  charge(cycles: number): void {
    for (const machine of this.#both()) machine.charge(cycles);
  }

  updateTimers(): void {
    for (const machine of this.#both()) machine.updateTimers();
  }

  setPending(hart: number, bit: number, level: boolean): void {
    for (const machine of this.#both()) machine.setPending(hart, bit, level);
  }

  nextTimerCycle(): number {
    return this.#first.nextTimerCycle();
  }

  cycleOfMtime(ticks: bigint): number {
    return this.#first.cycleOfMtime(ticks);
  }

  isPending(hart: number, bit: number): boolean {
    return this.#first.isPending(hart, bit);
  }

  wakePending(hart: number): boolean {
    return this.#first.wakePending(hart);
  }

  canWake(hart: number): boolean {
    return this.#first.canWake(hart);
  }

  counters(hart: number): HartCounters {
    return this.#first.counters(hart);
  }

  /** @throws AssertionError if RAM differs, or anything that a hart holds */
  memoryDigest(): bigint {
    const [hart] = this.#first.harts;
    this.#compareAll({ hart: 0, pc: must(hart, 'hart 0').pc, ...this.#position() });
    return this.#first.memoryDigest();
  }

  hash(bytes: Uint8Array): bigint {
    return this.#first.hash(bytes);
  }

  #both(): readonly [EngineMachine, EngineMachine] {
    return [this.#first, this.#second];
  }

  #position(): { readonly cycle: number; readonly icount: number } {
    const { cycle, icount } = this.clock;
    return { cycle, icount };
  }

  #runSlice(hart: number, untilCycle: number): StopReason {
    const start = { hart, pc: twin(this.#first, hart).pc, ...this.#position() };
    const stop = this.#first.run(hart, untilCycle);
    const other = this.#second.run(hart, untilCycle);
    const differences = [
      ...differencesOf('stop', stop, other),
      ...differencesOf('cycle', this.clock.cycle, this.#second.clock.cycle),
      ...differencesOf('icount', this.clock.icount, this.#second.clock.icount),
      ...differencesOf('watched stores', this.#firstStores.join('; '), this.#secondStores.join('; ')),
      ...registerDifferences(twin(this.#first, hart), twin(this.#second, hart)),
      ...(stop === STOP.mmio ? differencesOf('access', accessOf(this.#first), accessOf(this.#second)) : []),
      ...(stop === STOP.guestTrap || stop === STOP.secondStageFault
        ? differencesOf('trap', trapOf(this.#first), trapOf(this.#second))
        : []),
      ...(stop === STOP.interruptTaken || stop === STOP.guestInterrupt
        ? differencesOf('interrupt', this.lastInterruptCause, this.#second.lastInterruptCause)
        : []),
    ];
    this.#firstStores.length = 0;
    this.#secondStores.length = 0;
    // With a difference in hand, whatever else differs is worth a look too.
    if (differences.length > 0) this.#fail(start, [...differences, ...this.#stateDifferences()]);
    if (++this.#stops % STOPS_PER_STATE === 0 || this.clock.cycle - start.cycle > STATE_CYCLES)
      this.#compareStates(start);
    return stop;
  }

  #compareStates(start: SliceStart): void {
    if (this.#states++ % STATES_PER_DIGEST === 0) {
      this.#compareAll(start);
      return;
    }
    const differences = this.#stateDifferences();
    if (differences.length > 0) this.#fail(start, differences);
  }

  #compareAll(start: SliceStart): void {
    const differences = this.#stateDifferences();
    // One side has a list of what changed: what is missing there is a difference.
    this.#first.forgetChanges();
    if (this.#first.memoryDigest() !== this.#second.memoryDigest()) differences.push(...this.#memoryDifferences());
    if (differences.length > 0) this.#fail(start, differences);
  }

  #stateDifferences(): string[] {
    return this.#first.harts.flatMap((hart) => {
      const other = twin(this.#second, hart.id);
      // Remembered on one side only: a change that it does not know of is a difference.
      hart.forgetTlbDigest();
      return differencesOf(`hart ${hart.id}`, plainStateOf(hart), plainStateOf(other));
    });
  }

  #memoryDifferences(): string[] {
    const { base, sizeBytes } = this.memory;
    const found: string[] = [];
    for (let page = base; page < base + sizeBytes && found.length < DIFFERENCES_MAX; page += PAGE_BYTES) {
      const ours = this.#first.memory.readBytes(page, PAGE_BYTES);
      const theirs = this.#second.memory.readBytes(page, PAGE_BYTES);
      const at = ours.findIndex((byte, index) => byte !== theirs[index]);
      if (at >= 0) found.push(...differencesOf(`memory ${hex(page + at)}`, ours[at] ?? 0, theirs[at] ?? 0));
    }
    return found.length > 0 ? found : ['memory of the host'];
  }

  #fail(start: SliceStart, differences: readonly string[]): never {
    const { cycle, icount } = this.#position();
    const unique = [...new Set(differences)];
    const lines = [
      `internal error: the engine tiers differ (interpreter | translator)`,
      `hart ${start.hart} ran from pc ${hex(start.pc)}, cycle ${start.cycle}, icount ${start.icount}`,
      `to pc ${hex(twin(this.#first, start.hart).pc)}, cycle ${cycle}, icount ${icount}`,
      ...unique.slice(0, DIFFERENCES_MAX),
      ...(unique.length > DIFFERENCES_MAX ? [`and ${unique.length - DIFFERENCES_MAX} more`] : []),
      ...codeAround(this.#first, start.hart),
      ...(twin(this.#first, start.hart).pc === twin(this.#second, start.hart).pc
        ? []
        : codeAround(this.#second, start.hart)),
    ];
    throw new AssertionError(lines.join('\n  '));
  }
}

function storeText(store: WatchedStore): string {
  const { hart, gpa, sizeBytes, cycle, icount } = store;
  const before = `${hex(store.beforeHigh)}:${hex(store.beforeLow)}`;
  const after = `${hex(store.afterHigh)}:${hex(store.afterLow)}`;
  const pc = `${hex(store.pcHigh)}:${hex(store.pcLow)}`;
  return `hart ${hart} at cycle ${cycle}, icount ${icount}, pc ${pc}: ${sizeBytes} bytes at ${hex(gpa)}, ${before} to ${after}`;
}

const CSR_NAMES = [...CSR_SLOTS.keys()];

const twin = (machine: EngineMachine, id: number): EngineHart => must(machine.harts[id], `hart ${id}`);
const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/** Cheap enough for every stop. */
function registerDifferences(first: EngineHart, second: EngineHart): string[] {
  const name = `hart ${first.id}`;
  const found = [
    ...differencesOf(`${name} pc`, first.pc, second.pc),
    ...differencesOf(`${name} privilege`, first.privilege, second.privilege),
  ];
  for (let index = 1; index < REGISTER_NAMES.length; index++) {
    if (first.x(index) === second.x(index)) continue;
    found.push(...differencesOf(`${name} ${REGISTER_NAMES[index]}`, first.x(index), second.x(index)));
  }
  return found;
}

function trapOf({ virtualization: { guestTrap } }: EngineMachine): string {
  return `cause ${guestTrap.cause}, tval ${hex(guestTrap.tval)}, instruction ${hex(guestTrap.insn)}`;
}

function accessOf({ access }: EngineMachine): string {
  const { device, gpa, size, write, value } = access;
  return `${write ? `write of ${hex(value)}` : 'read'}, ${size} bytes at ${hex(gpa)} (${device.name})`;
}

/** Every leaf of two states of the same shape that differs, with its name. */
function differencesOf(name: string, first: PlainValue, second: PlainValue): string[] {
  if (typeof first !== 'object' || typeof second !== 'object') {
    return first === second ? [] : [`${name}: ${printed(first)} | ${printed(second)}`];
  }
  const theirs = Object.values(second);
  return Object.entries(first).flatMap(([key, value], index) =>
    differencesOf(`${name}${nameOfKey(name, key)}`, value, theirs[index] ?? 'nothing'),
  );
}

/** Registers and CSRs stand in lists. */
function nameOfKey(list: string, key: string): string {
  if (list.endsWith(' x')) return ` ${REGISTER_NAMES[Number(key)]}`;
  if (list.endsWith(' csrs')) return ` ${CSR_NAMES[Number(key)]}`;
  return ` ${key}`;
}

function printed(value: PlainValue): string {
  return typeof value === 'bigint' ? hex(value) : String(value);
}

/** The instructions around the pc, if it lies in the page that is being fetched from. */
function codeAround(machine: EngineMachine, id: number): string[] {
  const hart = twin(machine, id);
  const page = hart.get64('fetchPage');
  const offset = Number(hart.pc - page);
  if (offset < 0 || offset >= PAGE_BYTES) return [];
  const ramPage = machine.memory.base + hart.get32('fetchRamPage');
  const lines = [`code around the pc of the ${machine.config.engine}:`];
  const end = Math.min(PAGE_BYTES, offset + CODE_BYTES_AFTER);
  for (let at = Math.max(0, offset - CODE_BYTES_BEFORE); at < end; ) {
    const low = machine.memory.read16(ramPage + at);
    const isLong = (low & 3) === 3 && at + 4 <= PAGE_BYTES;
    const word = isLong ? machine.memory.read32(ramPage + at) : low;
    const pc = page + BigInt(at);
    lines.push(`${at === offset ? '>' : ' '} ${hex(pc)}: ${disassemble(word, pc)}`);
    at += isLong ? 4 : 2;
  }
  return lines;
}
