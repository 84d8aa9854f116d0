/** Records a run as a function: what decides it in, the bytes of its trace out. */
import { ParatraceError } from '../errors.ts';
import { COST_PROFILE_NAMES, type CostProfile, costProfile, recordedProfile } from '../hypervisor/costs.ts';
import { type EventRow, EventRow as Row } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { Machine, MachineConfig } from '../machine/machine-types.ts';
import { createRecorder } from '../recorder/recorder.ts';
import { tee } from '../recorder/tee.ts';
import type { RunConfig, RunImages } from '../session/config.ts';
import { NoInput, ScriptInput } from '../session/inputs.ts';
import { MarkedInput, type WantedMark } from '../session/marks.ts';
import type { InputSource, Observer, RunEnd } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import { concatenate } from '../trace/concatenate.ts';
import type { TraceReader } from '../trace/reader.ts';
import { recordedProfiles } from '../trace/recorded-profiles.ts';
import type { RecordedRows } from '../trace/recorded-rows.ts';
import { RecordedInputs } from './recorded-inputs.ts';

/** What decides a run. */
export interface RunPlan {
  readonly config: RunConfig;
  readonly costs: CostProfile;
  readonly images: RunImages;
  /** Console input, all there; undefined: none, or what `recorded` has. */
  readonly input?: Uint8Array | undefined;
  /** Places that get names. Undefined: those of `recorded`. */
  readonly marks?: readonly WantedMark[] | undefined;
  /** An older recording of the run: its inputs are given again, and how long it was says how long this one may take. */
  readonly recorded?: TraceReader | undefined;
  /** Whether images that are small enough are kept in the trace. */
  readonly embedsImages: boolean;
}

export interface RecordedTrace {
  readonly bytes: Uint8Array;
  readonly end: RunEnd;
}

/** A run that has changed may go on so much longer than before, and is then ended. */
const LONGER = { factor: 2, cycles: 100_000_000 } as const;
const SLICE_CYCLES = 50_000_000;

/**
 * Runs to the end and gives the trace.
 * @throws ParatraceError for a configuration or an image that cannot work
 */
export function recordRun(plan: RunPlan, createMachine: (config: MachineConfig) => Machine): RecordedTrace {
  const { config, costs, images, recorded } = plan;
  const parts: Uint8Array[] = [];
  const run = { config, ...recordedProfiles(config, costs), images, embedsImages: plan.embedsImages };
  const recorder = createRecorder(run, (bytes) => parts.push(bytes));
  const watch = recorded && new SyncWatch(recorded.rows());
  const { input, release } = inputsOf(plan, watch);
  const observer = watch === undefined ? recorder : tee(watch, recorder);
  const ports = { input, observer, console: { write: () => {} } };
  const session = new Session(config, images, ports, createMachine, costs);
  const limit = limitOf(recorded?.end);
  for (;;) {
    const result = session.run(Math.min(SLICE_CYCLES, limit));
    if (session.end !== undefined) return { bytes: concatenate(parts), end: session.end };
    const isStarved = result === 'needs-input' && !release();
    if (isStarved || session.position.cycle >= limit) session.interrupt();
  }
}

/**
 * The prices of this version where it has the profile, else those that the trace holds: a profile of the user's own.
 * @throws ParatraceError `trace.machine` for prices that this version cannot use
 */
export function pricesOf({ header }: TraceReader): CostProfile {
  const { costs } = header.config;
  return COST_PROFILE_NAMES.includes(costs) ? costProfile(costs) : recordedProfile(header.costProfile, costs);
}

/** @throws ParatraceError `golden.interrupted` for a recording that was ended from outside, or an excerpt: it cannot be made again */
export function checkEnded({ header, end, eventsOfRun, totals }: TraceReader): void {
  if (header.excerpt !== undefined) {
    const message = `the trace is an excerpt: ${totals.events} of ${eventsOfRun} events`;
    throw new ParatraceError('golden.interrupted', message);
  }
  if (end !== undefined && end.reason !== 'interrupted') return;
  const how = end === undefined ? 'has no end' : `was interrupted at cycle ${end.cycle}`;
  throw new ParatraceError('golden.interrupted', `the recorded run ${how}`);
}

/** What the guest is given, and what to do when it waits for nothing else: false if nothing can be done. */
function inputsOf(
  { input, marks, recorded }: RunPlan,
  watch: SyncWatch | undefined,
): { readonly input: InputSource; readonly release: () => boolean } {
  const marked = (source: InputSource) => (marks === undefined ? source : new MarkedInput(source, marks));
  if (input !== undefined) return { input: marked(new ScriptInput(input)), release: () => false };
  if (recorded === undefined) return { input: marked(new NoInput()), release: () => false };
  const inputs = [...recorded.inputs()].filter(({ port }) => marks === undefined || port !== 'mark');
  const again = new RecordedInputs(inputs, () => watch?.inSync === true);
  return { input: marked(again), release: () => again.release() };
}

function limitOf(end: RunEnd | undefined): number {
  return end === undefined ? Number.POSITIVE_INFINITY : LONGER.factor * end.cycle + LONGER.cycles;
}

/** Whether the run has been the recorded one so far. */
class SyncWatch implements Observer {
  inSync = true;
  readonly #rows: RecordedRows;
  readonly #row = new Row();

  constructor(rows: RecordedRows) {
    this.#rows = rows;
  }

  event(event: VmEvent): void {
    this.#row.fill(event);
    this.eventRow(this.#row);
  }

  eventRow(row: EventRow): void {
    if (!this.inSync) return;
    this.inSync = this.#rows.takeIf(row);
  }

  input(): void {}

  digest(): void {}

  end(): void {}
}
