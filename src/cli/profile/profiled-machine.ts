/** A machine that tells a stopwatch when its guest executes, why it stopped, and when a device is at work. It changes nothing else. */
import type { Clock, GuestMemory, MmioDevice } from '../../machine/bus.ts';
import type {
  Hart,
  HartCounters,
  Machine,
  MachineConfig,
  PendingAccess,
  Privilege,
  StopReason,
  StoreObserver,
} from '../../machine/machine-types.ts';
import type { HostMemory, Virtualization } from '../../machine/virtualization-types.ts';
import type { Section, Stopwatch } from './stopwatch.ts';

/** Where the times go. */
export interface MachineSections {
  readonly executing: Section;
  /** What follows a stop, until the guest executes again. */
  exit(stop: StopReason): Section;
  device(name: string): Section;
}

export class ProfiledMachine implements Machine {
  readonly config: MachineConfig;
  readonly hartCount: number;
  readonly harts: readonly Hart[];
  readonly memory: GuestMemory;
  readonly hostMemory: HostMemory;
  readonly virtualization: Virtualization;
  readonly clock: Clock;
  readonly #machine: Machine;
  readonly #stopwatch: Stopwatch;
  readonly #sections: MachineSections;

  constructor(machine: Machine, stopwatch: Stopwatch, sections: MachineSections) {
    this.#machine = machine;
    this.#stopwatch = stopwatch;
    this.#sections = sections;
    this.config = machine.config;
    this.hartCount = machine.hartCount;
    this.harts = machine.harts;
    this.memory = machine.memory;
    this.hostMemory = machine.hostMemory;
    this.virtualization = machine.virtualization;
    this.clock = machine.clock;
  }

  get devices(): readonly MmioDevice[] {
    return this.#machine.devices;
  }

  get access(): PendingAccess {
    return this.#machine.access;
  }

  get lastInterruptCause(): number {
    return this.#machine.lastInterruptCause;
  }

  get tohost(): bigint {
    return this.#machine.tohost;
  }

  run(hart: number, untilCycle: number): StopReason {
    this.#stopwatch.enter(this.#sections.executing);
    const stop = this.#machine.run(hart, untilCycle);
    this.#stopwatch.leaveTo(this.#sections.exit(stop));
    return stop;
  }

  performAccess(): void {
    this.#stopwatch.enter(this.#sections.device(this.#machine.access.device.name));
    this.#machine.performAccess();
    this.#stopwatch.leave();
  }

  attach(device: MmioDevice): void {
    this.#machine.attach(device);
  }

  watchMemory(wrote: (pa: number, lengthBytes: number) => void): void {
    this.#machine.watchMemory(wrote);
  }

  reset(hart: number, start: { pc: bigint; a0: bigint; a1: bigint; privilege: Privilege }): void {
    this.#machine.reset(hart, start);
  }

  watchTohost(gpa: number): void {
    this.#machine.watchTohost(gpa);
  }

  watchStores(gpa: number, sizeBytes: number, observer: StoreObserver): void {
    this.#machine.watchStores(gpa, sizeBytes, observer);
  }

  retireCall(hart: number): void {
    this.#machine.retireCall(hart);
  }

  flushTranslations(hart: number): void {
    this.#machine.flushTranslations(hart);
  }

  charge(cycles: number): void {
    this.#machine.charge(cycles);
  }

  updateTimers(): void {
    this.#machine.updateTimers();
  }

  nextTimerCycle(): number {
    return this.#machine.nextTimerCycle();
  }

  cycleOfMtime(ticks: bigint): number {
    return this.#machine.cycleOfMtime(ticks);
  }

  isPending(hart: number, bit: number): boolean {
    return this.#machine.isPending(hart, bit);
  }

  wakePending(hart: number): boolean {
    return this.#machine.wakePending(hart);
  }

  canWake(hart: number): boolean {
    return this.#machine.canWake(hart);
  }

  setPending(hart: number, bit: number, level: boolean): void {
    this.#machine.setPending(hart, bit, level);
  }

  counters(hart: number): HartCounters {
    return this.#machine.counters(hart);
  }

  memoryDigest(): bigint {
    return this.#machine.memoryDigest();
  }

  hash(bytes: Uint8Array): bigint {
    return this.#machine.hash(bytes);
  }
}
