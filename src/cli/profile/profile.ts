/**
 * Where the wall time of a live run goes. The core has no clock, so everything that the run is made of is wrapped: machine, session,
 * observer, console and trace file tell one stopwatch what is going on. Nothing of this exists in a run without a profile.
 */
import type { CostProfile } from '../../hypervisor/costs.ts';
import { tellRow } from '../../hypervisor/event-row.ts';
import type { EngineChoice, MachineOptions } from '../../machine/create-machine.ts';
import { createMachine } from '../../machine/create-machine.ts';
import { type Machine, type MachineConfig, STOP, type StopReason } from '../../machine/machine-types.ts';
import type { MachineWork, Meter } from '../../machine/meter.ts';
import type { RegionCounts } from '../../machine/region-cache.ts';
import type { RunConfig, RunImages } from '../../session/config.ts';
import type { ConsoleSink, Observer, StateDigest } from '../../session/ports.ts';
import { Session, type SessionPorts, type SliceResult } from '../../session/session.ts';
import { ProfiledMachine } from './profiled-machine.ts';
import { newSection, type Section, Stopwatch } from './stopwatch.ts';
import { type TierCosts, TierFit } from './tier-fit.ts';

const STOP_NAMES: Readonly<Record<StopReason, string>> = {
  [STOP.deadline]: 'deadlines: timers, rings, turns',
  [STOP.mmio]: 'exits: device access',
  [STOP.supervisorCall]: 'exits: SBI call',
  [STOP.wfi]: 'exits: wait for interrupt',
  [STOP.interruptTaken]: 'exits: interrupt taken',
  [STOP.timerChanged]: 'exits: timer set',
  [STOP.tohost]: 'exits: tohost',
  [STOP.stuck]: 'exits: stuck',
  [STOP.guestTrap]: 'exits: guest trap',
  [STOP.guestInterrupt]: 'exits: guest interrupt',
  [STOP.secondStageFault]: 'exits: second-stage fault',
};

const WORK_NAMES: Readonly<Record<MachineWork, string>> = {
  decode: 'decoding',
  generate: 'translation: generating',
  compile: 'translation: compiling',
  install: 'translation: installing',
};

type TimedEngine = ReturnType<typeof createMachine>;

/** What a profile has found out. */
export interface ProfileResult {
  /** In a fixed order; their times add up to the time since the process began. */
  readonly sections: readonly Section[];
  readonly executingMs: number;
  readonly instructions: number;
  /** Undefined with the interpreter alone. */
  readonly regions: RegionCounts | undefined;
  readonly tierCosts: TierCosts | undefined;
  /** Compilations beside the guest that have ended, and the time from their beginnings to when they were seen to have. */
  readonly background: { readonly count: number; readonly ms: number };
}

export class Profile implements Meter {
  readonly #nowMs: () => number;
  readonly #stopwatch: Stopwatch;
  readonly #starting = newSection('starting');
  readonly #executing = newSection('guest executes');
  readonly #work = mapValues(WORK_NAMES, newSection);
  readonly #exits = mapValues(STOP_NAMES, newSection);
  readonly #devices = new Map<string, Section>();
  readonly #slices = newSection('between slices');
  readonly #digests = newSection('digests of the state');
  readonly #trace = newSection('trace: encoding');
  readonly #file = newSection('trace: writing');
  readonly #console = newSection('console output');
  readonly #waiting = newSection('waiting for input');
  readonly #host = newSection('host: keys, signals, screen');
  readonly #fit = new TierFit();
  readonly #background = { count: 0, ms: 0 };
  #engine: TimedEngine | undefined;

  /** @param nowMs milliseconds since the process began */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#stopwatch = new Stopwatch(nowMs, this.#starting, 0);
  }

  begin(work: MachineWork): void {
    this.#stopwatch.enter(this.#work[work]);
  }

  end(_work: MachineWork): void {
    this.#stopwatch.leave();
  }

  beginBackground(): () => void {
    const startMs = this.#nowMs();
    return () => {
      this.#background.count += 1;
      this.#background.ms += this.#nowMs() - startMs;
    };
  }

  createMachine(config: MachineConfig, engine: EngineChoice, options: MachineOptions): Machine {
    this.#engine = createMachine({ ...config, meter: this }, engine, options);
    return new ProfiledMachine(this.#engine, this.#stopwatch, {
      executing: this.#executing,
      exit: (stop) => this.#exits[stop],
      device: (name) => this.#device(name),
    });
  }

  createSession(
    config: RunConfig,
    images: RunImages,
    ports: SessionPorts,
    machineOf: (config: MachineConfig) => Machine,
    costs: CostProfile,
  ): Session {
    const timed = { ...ports, console: this.#timedConsole(ports.console) };
    return new ProfiledSession([config, images, timed, machineOf, costs], {
      slice: (run) => this.#slice(run),
      digest: (take) => this.#timed(this.#digests, take),
    });
  }

  /** An observer that writes a trace. */
  observer(recorder: Observer): Observer {
    const timed =
      <T>(tell: (what: T) => void) =>
      (what: T) =>
        this.#timed(this.#trace, () => tell(what));
    return {
      event: timed((event) => recorder.event(event)),
      eventRow: timed((row) => tellRow(recorder, row)),
      input: timed((input) => recorder.input(input)),
      digest: (digest, counters) => this.#timed(this.#trace, () => recorder.digest(digest, counters)),
      end: timed((end) => recorder.end(end)),
    };
  }

  /** What takes the bytes of a trace. */
  sink(write: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
    return (bytes) => this.#timed(this.#file, () => write(bytes));
  }

  guestBegins(): void {
    this.#stopwatch.turnTo(this.#host);
  }

  async waiting(wait: Promise<void>): Promise<void> {
    this.#stopwatch.enter(this.#waiting);
    await wait;
    this.#stopwatch.leave();
  }

  /** How it stands now. */
  result(): ProfileResult {
    this.#stopwatch.stop();
    return {
      sections: this.#sections(),
      executingMs: this.#executing.ms,
      instructions: this.#engine?.clock.icount ?? 0,
      regions: this.#engine?.regionCounts,
      tierCosts: this.#fit.costs,
      background: { ...this.#background },
    };
  }

  #sections(): Section[] {
    return [
      this.#starting,
      this.#executing,
      ...Object.values(this.#work),
      ...Object.values(this.#exits),
      ...this.#devices.values(),
      this.#slices,
      this.#digests,
      this.#trace,
      this.#file,
      this.#console,
      this.#waiting,
      this.#host,
    ];
  }

  #device(name: string): Section {
    const known = this.#devices.get(name);
    if (known !== undefined) return known;
    const section = newSection(`device: ${name}`);
    this.#devices.set(name, section);
    return section;
  }

  #slice(run: () => SliceResult): SliceResult {
    const before = this.#progress();
    const result = this.#timed(this.#slices, run);
    const { ms, icount, translated } = this.#progress();
    const newlyTranslated = translated - before.translated;
    this.#fit.add(icount - before.icount - newlyTranslated, newlyTranslated, ms - before.ms);
    return result;
  }

  #progress() {
    const icount = this.#engine?.clock.icount ?? 0;
    return { ms: this.#executing.ms, icount, translated: this.#engine?.regionCounts?.retired ?? 0 };
  }

  #timedConsole(console: ConsoleSink): ConsoleSink {
    return { write: (stream, bytes) => this.#timed(this.#console, () => console.write(stream, bytes)) };
  }

  #timed<T>(section: Section, work: () => T): T {
    this.#stopwatch.enter(section);
    const result = work();
    this.#stopwatch.leave();
    return result;
  }
}

interface SessionTimers {
  readonly slice: (run: () => SliceResult) => SliceResult;
  readonly digest: (take: () => StateDigest) => StateDigest;
}

class ProfiledSession extends Session {
  readonly #timers: SessionTimers;

  constructor(parts: ConstructorParameters<typeof Session>, timers: SessionTimers) {
    super(...parts);
    this.#timers = timers;
  }

  override run(maxCycles: number): SliceResult {
    return this.#timers.slice(() => super.run(maxCycles));
  }

  override digest(): StateDigest {
    return this.#timers.digest(() => super.digest());
  }
}

function mapValues<K extends string | number, V, W>(record: Readonly<Record<K, V>>, change: (value: V) => W) {
  return Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, change(value)])) as Record<K, W>;
}
