/**
 * A replay: the session that a trace describes, with the recorded inputs and a checker. It is run in slices like any session and ends
 * where the recording ends, however that was.
 */
import type { Machine, MachineConfig } from '../machine/machine-types.ts';
import type { RunImages } from '../session/config.ts';
import type { ConsoleSink, Observer, Position, RunEnd, StateDigest } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import type { TraceReader } from '../trace/reader.ts';
import { ReplayChecker, type Verified } from './checker.ts';
import { ReplayInput } from './replay-input.ts';

export interface ReplayPorts {
  readonly console: ConsoleSink;
  /** Is told of all that was found the same: a recorder makes the same trace again. */
  readonly observer?: Observer;
}

export interface ReplayProfiles {
  /** Profiles of this version by the recorded names: when they differ from the recorded ones, a divergence says so. */
  readonly costProfile?: object;
  readonly coreProfile?: object;
}

export class Replay {
  readonly session: Session;
  readonly #trace: TraceReader;
  readonly #checker: ReplayChecker;
  #lastDigest: StateDigest | undefined;

  /**
   * Builds the machine of the trace; nothing has run yet.
   * @throws ParatraceError for a configuration that this version cannot run, or images that cannot be loaded.
   */
  constructor(
    trace: TraceReader,
    images: RunImages,
    ports: ReplayPorts,
    createMachine: (config: MachineConfig) => Machine,
    profiles: ReplayProfiles = {},
  ) {
    this.#trace = trace;
    this.#checker = new ReplayChecker(trace, { registers: () => this.#registers(), profiles });
    const { console, observer } = ports;
    const input = new ReplayInput(trace);
    this.session = new Session(
      trace.header.config,
      images,
      { input, observer: this.#observer(observer), console },
      createMachine,
    );
  }

  get position(): Position {
    return this.session.position;
  }

  /** What was found the same so far. */
  get verified(): Verified {
    return this.#checker.verified;
  }

  /** The last digest that was found the same: after the end, that of the final state. */
  get lastDigest(): StateDigest | undefined {
    return this.#lastDigest;
  }

  /**
   * Goes on for at least `maxCycles` cycles, or to the end, which is then given.
   * @throws ReplayDivergence at the first difference, and RecordingExhausted where the readable part of a partial trace ends.
   */
  run(maxCycles: number): RunEnd | undefined {
    const stopCycle = this.#stopCycle();
    const { cycle } = this.position;
    if (cycle >= stopCycle && !this.#comesMoreHere()) return this.session.interrupt();
    // At the recorded end more can have happened at its very cycle: then the loop goes on, one stop at a time.
    const result = this.session.run(Math.max(1, Math.min(maxCycles, stopCycle - cycle)));
    // A recording never ends with a guest that waits for input, except from outside: the checker says which of the two it is.
    return result === 'needs-input' ? this.session.interrupt() : this.session.end;
  }

  /** Where the recording was ended from outside, or where all that is known of it lies behind. */
  #stopCycle(): number {
    const { end, readableUpTo } = this.#trace;
    if (end === undefined) return readableUpTo.cycle + 1;
    // A run that ended by itself does so again; one cycle past its end it has not.
    return end.reason === 'interrupted' ? end.cycle : end.cycle + 1;
  }

  #comesMoreHere(): boolean {
    const { end, totals } = this.#trace;
    // The last event is the end itself.
    return end !== undefined && this.position.cycle === end.cycle && this.verified.events < totals.events - 1;
  }

  /** The checker first, so that nothing is recorded that was not checked. */
  #observer(other: Observer | undefined): Observer {
    const checker = this.#checker;
    return {
      event: (event) => {
        checker.event(event);
        other?.event(event);
      },
      input: (input) => {
        checker.input(input);
        other?.input(input);
      },
      digest: (digest) => {
        checker.digest(digest);
        this.#lastDigest = digest;
        other?.digest(digest);
      },
      end: (end) => {
        checker.end(end);
        other?.end(end);
      },
    };
  }

  #registers() {
    return Object.fromEntries(this.session.vm.machine.harts.map((hart) => [`hart ${hart.id}`, hart.state()]));
  }
}
