/**
 * A replay: the session that a trace describes, at the prices that it holds, with the recorded inputs and a checker. It is run in
 * slices like any session and ends where the recording ends, however that was.
 */

import { recordedProfile } from '../hypervisor/costs.ts';
import { tellRow } from '../hypervisor/event-row.ts';
import type { Machine, MachineConfig } from '../machine/machine-types.ts';
import { plainStateOf } from '../machine/state-sink.ts';
import type { RunImages } from '../session/config.ts';
import type { ConsoleSink, Observer, Position, RunEnd, StateDigest } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import type { TraceReader } from '../trace/reader.ts';
import type { HeaderObject } from '../trace/schema.ts';
import { RecordingExhausted, ReplayChecker, type Verified } from './checker.ts';
import { ReplayInput } from './replay-input.ts';

export interface ReplayPorts {
  readonly console: ConsoleSink;
  /** Is told of all that was found the same: a recorder makes the same trace again. */
  readonly observer?: Observer;
}

export interface ReplayProfiles {
  /** The core profile of this version by the recorded name (`recordedCore`): when it differs from the recorded one, a divergence says so. */
  readonly coreProfile?: HeaderObject;
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
      recordedProfile(trace.header.costProfile, trace.header.config.costs),
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
    const atStop = cycle >= stopCycle;
    if (atStop && !this.#comesMoreHere()) return this.#believed(this.session.interrupt());
    const result = this.session.run(Math.max(1, Math.min(maxCycles, stopCycle - cycle)));
    // Input that can still come stands in the recording. None does: it was ended here from outside, or it is not the same run.
    const waits = result === 'needs-input' || (atStop && result === 'polls-input');
    return this.#believed(waits ? this.session.interrupt() : this.session.end);
  }

  /** What a damaged trace says of the end may all be right, but what lies behind it is not: the trace is not believed. */
  #believed(end: RunEnd | undefined): RunEnd | undefined {
    const { problem } = this.#trace;
    if (end === undefined || problem === undefined) return end;
    throw new RecordingExhausted(problem, this.verified.events, end.cycle);
  }

  /** Where the recording was ended from outside, or where all that is known of it lies behind. */
  #stopCycle(): number {
    const { end, readableUpTo } = this.#trace;
    if (end === undefined) return readableUpTo.cycle + 1;
    // A run that ended by itself does so again; one cycle past its end it has not.
    return end.reason === 'interrupted' ? end.cycle : end.cycle + 1;
  }

  /**
   * Whether the loop did more at the very cycle at which it was ended from outside: it may have looked for input that did not come, and
   * done what was due there, without time passing. Events tell, or the final digest.
   */
  #comesMoreHere(): boolean {
    const { end, eventsOfRun } = this.#trace;
    if (end === undefined || eventsOfRun === undefined || this.position.cycle !== end.cycle) return false;
    // The last event is the end itself.
    if (this.#checker.eventsOfRun < eventsOfRun - 1) return true;
    const recorded = this.#finalDigest();
    return recorded !== undefined && differ(recorded, this.session.digest());
  }

  #finalDigest(): StateDigest | undefined {
    let last: StateDigest | undefined;
    for (const digest of this.#trace.digests()) last = digest;
    return last;
  }

  /** The checker first, so that nothing is recorded that was not checked. */
  #observer(other: Observer | undefined): Observer {
    const checker = this.#checker;
    return {
      event: (event) => {
        checker.event(event);
        other?.event(event);
      },
      eventRow: (row) => {
        checker.eventRow(row);
        if (other) tellRow(other, row);
      },
      input: (input) => {
        checker.input(input);
        other?.input(input);
      },
      digest: (digest, counters) => {
        checker.digest(digest);
        this.#lastDigest = digest;
        other?.digest(digest, counters);
      },
      end: (end) => {
        checker.end(end);
        other?.end(end);
      },
    };
  }

  #registers() {
    return Object.fromEntries(this.session.vm.machine.harts.map((hart) => [`hart ${hart.id}`, plainStateOf(hart)]));
  }
}

function differ(left: StateDigest, right: StateDigest): boolean {
  return left.memory !== right.memory || left.harts !== right.harts || left.devices !== right.devices;
}
