/** The clock of a predicted run: what is charged and what passes on it, while devices work and the timer ticks. */
import type { Accesses } from './device-recipes.ts';
import type { DeviceTimes } from './device-times.ts';
import { CSR_ACCESSES, GUEST_PATHS, type GuestPath, type PathCycles } from './guest-paths.ts';
import type { ItemName, Ledger } from './items.ts';

/** What a wait is for. */
export interface Wake {
  readonly what: 'timer' | 'frame' | 'device' | 'nothing';
  /** When it is there; Infinity while that is not known. */
  readonly ready: () => number;
}

/** Of the unmodified build. */
export type DriverKind = Exclude<keyof PathCycles, 'pv'>;

export interface PredictedClockOptions {
  readonly ledger: Ledger;
  readonly devices: DeviceTimes;
  /** Which drivers the unmodified kernel has. */
  readonly drivers: DriverKind;
  /** Of a page walk for each access to a register. */
  readonly accessWalkCycles: number;
  /** Between ticks of the timer; 0: there are none. */
  readonly tickCycles: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class PredictedClock {
  cycle = 0;
  idleCycles = 0;
  /** Accesses to registers. */
  accesses = 0;
  readonly #options: PredictedClockOptions;
  #nextTick = NEVER;
  #lastTick = 0;

  constructor(options: PredictedClockOptions) {
    this.#options = options;
  }

  /** Cycles in which nothing else goes on; less than none to take back what will come again. */
  pass(cycles: number): void {
    this.cycle += cycles;
  }

  /** The guest executes. */
  advance(cycles: number): void {
    const { devices } = this.#options;
    let left = cycles;
    for (;;) {
      const next = Math.max(this.cycle, Math.min(devices.nextDue, this.#nextTick));
      if (next > this.cycle + left) break;
      left -= next - this.cycle;
      this.cycle = next;
      devices.proceed(next);
      if (this.#nextTick <= this.cycle) this.#tick(false);
    }
    this.cycle += left;
  }

  /** Charges an item, one after the other, because devices go on in between. */
  add(item: ItemName, count = 1): void {
    const { ledger, devices } = this.#options;
    for (let done = 0; done < count; done++) {
      this.cycle += ledger.add(item);
      if (devices.nextDue <= this.cycle) devices.proceed(this.cycle);
    }
  }

  /** What a driver does to its device. */
  access(accesses: Accesses, times = 1): void {
    const { registers = 0, notifications = 0, controllerRegisters = 0, claims = 0, completions = 0 } = accesses;
    const { calls = 0, events = 0 } = accesses;
    for (let done = 0; done < times; done++) {
      this.#accessEach('register', registers);
      this.#accessEach('notification', notifications);
      this.#accessEach('controller', controllerRegisters);
      this.#accessEach('claim', claims);
      this.#accessEach('complete', completions);
      this.add('call', calls);
      this.add('eventSend', events);
    }
  }

  /** What the unmodified kernel takes more for something than the recorded one, or less. */
  path(name: GuestPath, count = 1): void {
    const path = GUEST_PATHS[name];
    this.cycle += (path[this.#options.drivers] - path.pv) * count;
  }

  /** The first deadline starts the ticks; later ones follow from it. */
  startTicks(): void {
    const { tickCycles } = this.#options;
    if (this.#nextTick !== NEVER || tickCycles === 0) return;
    this.path('deadline');
    this.add('timerCsr');
    this.add('timerSet');
    this.#nextTick = this.cycle + tickCycles;
  }

  /** Waits until what the guest waits for is there. Returns whether time passed last. */
  wait(wake: Wake): boolean {
    const { devices } = this.#options;
    const start = this.cycle;
    const isOver = () => (wake.what === 'timer' ? this.#lastTick > start : wake.ready() <= this.cycle);
    let waited = false;
    this.add('wait');
    while (!isOver()) {
      const due = wake.what === 'timer' ? this.#nextTick : devices.nextDue;
      // Nothing that is known will bring it about.
      if (due === NEVER) return waited;
      const next = Math.min(devices.nextDue, this.#nextTick);
      waited = next > this.cycle;
      this.idleCycles += Math.max(0, next - this.cycle);
      this.cycle = Math.max(this.cycle, next);
      devices.proceed(this.cycle);
      if (this.#nextTick > this.cycle) continue;
      this.#tick(waited);
      if (!isOver()) this.add('wait');
    }
    return waited;
  }

  #tick(fromIdle: boolean): void {
    const { tickCycles } = this.#options;
    this.#lastTick = this.cycle;
    // As the kernel does it: ticks that nobody had time for are left out.
    this.#nextTick += tickCycles;
    if (this.#nextTick <= this.cycle) this.#nextTick = this.cycle + tickCycles;
    if (!fromIdle) this.add('timerExit');
    this.add('timerInject');
    this.add('timerCsr');
    this.add('timerSet');
    this.add('trapCsr', CSR_ACCESSES.trapEntry + CSR_ACCESSES.trapReturn);
    this.add('sret');
    // wake_all masks interrupts, and so does make_ready for whoever is woken.
    this.add('maskCsr', CSR_ACCESSES.mask * (fromIdle ? 2 : 1));
    const { interruptEntry, trapReturn, mask, deadline, tick, tickWakes } = GUEST_PATHS;
    for (const path of [interruptEntry, trapReturn, mask, deadline, tick]) this.cycle += path.registers;
    if (fromIdle) this.cycle += tickWakes.registers + mask.registers;
  }

  #accessEach(item: ItemName, count: number): void {
    this.accesses += count;
    for (let done = 0; done < count; done++) {
      // The walk is of the same instruction: nothing comes in between.
      this.cycle += this.#options.accessWalkCycles;
      this.add(item);
    }
  }
}
