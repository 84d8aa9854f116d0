/** Runs one guest under several modes on this host, one after the other, and measures each. Nothing is recorded. */

import type { MeasuredRun } from '../analysis/comparison.ts';
import { SBI_NAMES } from '../analysis/sbi-names.ts';
import { StatisticsCollector } from '../analysis/stat.ts';
import { ParatraceError } from '../errors.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import { MODES } from '../hypervisor/modes/modes.ts';
import { CORE_PROFILES } from '../machine/core-profiles.ts';
import { createMachine } from '../machine/create-machine.ts';
import { tee } from '../recorder/tee.ts';
import { NoInput, ScriptInput } from '../session/inputs.ts';
import type { Observer } from '../session/ports.ts';
import { Session } from '../session/session.ts';
import { groupDigits } from '../viz/format.ts';
import { type BundledGuest, bundledGuests, guestChanges, type SourceCount } from './guests.ts';
import type { Host } from './host/host.ts';
import { Interruption } from './host/interruption.ts';
import { Screen } from './host/screen.ts';
import { SliceLength } from './host/slice-length.ts';
import type { PreparedRun } from './machine-options.ts';

/** The outputs of all modes are held, to be compared. */
export const OUTPUT_BYTES_MAX = 16 * 2 ** 20;

export interface CompareRunOptions {
  readonly guest: string;
  /** Console input, the same for every run. */
  readonly input: Uint8Array | undefined;
  /** Neither progress nor a line for each run. */
  readonly quiet: boolean;
}

/**
 * Runs each of the configurations to its end.
 * @returns undefined if somebody ended it
 * @throws ParatraceError for what cannot be run, `guest.output` for a guest that prints too much
 */
export async function measureRuns(
  host: Host,
  runs: readonly PreparedRun[],
  { guest, input, quiet }: CompareRunOptions,
): Promise<MeasuredRun[] | undefined> {
  const bundled = bundledGuests().find(({ name }) => name === guest);
  const screen = new Screen(host, { progress: !quiet });
  const interruption = new Interruption(host);
  const measured: MeasuredRun[] = [];
  /** Of the run that predictions are made from. */
  let recorded: RecordedBytes | undefined;
  try {
    for (const run of runs) {
      const startMs = host.nowMs();
      const trace = recordsFor(run, runs) ? new RecordedBytes(run) : undefined;
      const result = await measure(host, run, input, { screen, interruption, observer: await trace?.observer() });
      if (result === undefined) return undefined;
      measured.push({ ...result, guestChanged: guestChangedIn(bundled, run.config.mode) });
      recorded ??= trace;
      if (quiet) continue;
      const seconds = ((host.nowMs() - startMs) / 1000).toFixed(2);
      const { cycle, message } = result.end;
      screen.say(`paratrace: ${run.config.mode}: ${message}; ${groupDigits(cycle)} cycles in ${seconds} s`);
    }
    return recorded === undefined ? measured : await withPredictions(runs, measured, recorded);
  } finally {
    screen.close();
    interruption.close();
  }
}

/** Predictions need a paravirtual run of one hart, and another run to predict. */
function recordsFor({ config }: PreparedRun, runs: readonly PreparedRun[]): boolean {
  return config.mode === 'pv' && config.hartCount === 1 && runs.length > 1;
}

/** A trace in memory. */
class RecordedBytes {
  readonly #run: PreparedRun;
  readonly #parts: Uint8Array[] = [];

  constructor(run: PreparedRun) {
    this.#run = run;
  }

  async observer(): Promise<Observer> {
    const [{ createRecorder }, { recordedProfiles }] = await Promise.all([
      import('../recorder/recorder.ts'),
      import('../trace/recorded-profiles.ts'),
    ]);
    const { config, costs, images } = this.#run;
    const recorded = { config, ...recordedProfiles(config, costs), images, embedsImages: false };
    return createRecorder(recorded, (bytes) => void this.#parts.push(bytes.slice()));
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** Prices the paravirtual run under the modes of the others. */
async function withPredictions(
  runs: readonly PreparedRun[],
  measured: readonly MeasuredRun[],
  recorded: RecordedBytes,
): Promise<MeasuredRun[]> {
  const [{ openTrace }, { TARGET_MODES, whatif }] = await Promise.all([
    import('../trace/reader.ts'),
    import('../analysis/whatif/whatif.ts'),
  ]);
  const trace = openTrace(recorded.bytes);
  return measured.map((run, index) => {
    const mode = TARGET_MODES.find((name) => name === run.config.mode);
    const costs = runs[index]?.costs;
    return mode === undefined || costs === undefined ? run : { ...run, predicted: whatif(trace, mode, costs) };
  });
}

interface Watch {
  readonly screen: Screen;
  readonly interruption: Interruption;
  /** Is told of the run as well. */
  readonly observer: Observer | undefined;
}

async function measure(
  host: Host,
  { config, costs, images, engine }: PreparedRun,
  input: Uint8Array | undefined,
  { screen, interruption, observer }: Watch,
): Promise<Omit<MeasuredRun, 'guestChanged'> | undefined> {
  const counter = new CountingObserver(config.hartCount);
  const output = new Output(config.mode);
  const ports = {
    input: input === undefined ? new NoInput() : new ScriptInput(input),
    observer: observer === undefined ? counter : tee(counter, observer),
    console: { write: (_stream: string, bytes: Uint8Array) => output.add(bytes) },
  };
  const options = { background: true, engineCode: host.engineCode };
  const session = new Session(config, images, ports, (machine) => createMachine(machine, engine, options), costs);
  const slice = new SliceLength(host);
  while (session.end === undefined) {
    slice.measure((cycles) => session.run(cycles));
    screen.progress({ ...session.position, events: counter.events });
    await host.pause();
    if (interruption.by !== undefined) return undefined;
  }
  const counters = session.vm.machine.harts.map(({ id }) => session.vm.machine.counters(id));
  return {
    config,
    end: session.end,
    statistics: counter.statistics.finish(session.end),
    tlbMisses: counters.reduce((sum, { tlbMisses }) => sum + tlbMisses, 0),
    walkReferences: counters.reduce((sum, { walkReferences }) => sum + walkReferences, 0),
    walkReferenceCycles: CORE_PROFILES[config.core]?.walkReferenceCycles ?? 0,
    output: output.text(),
  };
}

class CountingObserver implements Observer {
  readonly statistics: StatisticsCollector;
  events = 0;

  constructor(hartCount: number) {
    this.statistics = new StatisticsCollector(hartCount, SBI_NAMES);
  }

  event(event: VmEvent): void {
    this.events += 1;
    this.statistics.add(event);
  }

  input(): void {}

  digest(): void {}

  end(): void {}
}

/** What a guest printed, on all consoles, in order. */
class Output {
  readonly #mode: string;
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(mode: string) {
    this.#mode = mode;
  }

  add(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > OUTPUT_BYTES_MAX) {
      const message = `in mode ${this.#mode} the guest printed more than ${groupDigits(OUTPUT_BYTES_MAX)} bytes`;
      throw new ParatraceError('guest.output', message);
    }
    this.#parts.push(bytes.slice());
  }

  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts));
  }
}

function guestChangedIn(guest: BundledGuest | undefined, mode: string): MeasuredRun['guestChanged'] {
  if (guest?.changes === undefined) return undefined;
  const { shared, unmodified, events, paravirtual } = guestChanges(guest.name);
  if (guest.images?.[mode] !== undefined) return changeOf(paravirtual, [shared]);
  return MODES[mode]?.privileged.isDiscovered ? changeOf(events, [shared, unmodified]) : undefined;
}

function changeOf(changed: SourceCount, others: readonly SourceCount[]): NonNullable<MeasuredRun['guestChanged']> {
  const all = [changed, ...others];
  return {
    lines: changed.lines,
    linesOf: all.reduce((sum, { lines }) => sum + lines, 0),
    functions: changed.functions,
    functionsOf: all.reduce((sum, { functions }) => sum + functions, 0),
  };
}
