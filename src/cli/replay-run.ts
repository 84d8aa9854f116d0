/** Replays a trace file on this host, and says how it compares. */

import { eventToJson } from '../analysis/describe.ts';
import { describeDivergence } from '../analysis/divergence-text.ts';
import { SBI_NAMES } from '../analysis/sbi-names.ts';
import { EXIT_CODE, type ExitCode, ParatraceError } from '../errors.ts';
import { createMachine } from '../machine/create-machine.ts';
import type { MachineConfig } from '../machine/machine-types.ts';
import { type DivergenceReport, type Happening, ReplayDivergence } from '../replayer/divergence.ts';
import { Replay } from '../replayer/replay.ts';
import type { RunImages } from '../session/config.ts';
import type { RunEnd, StateDigest } from '../session/ports.ts';
import { resolveImages } from '../trace/images.ts';
import type { TraceReader } from '../trace/reader.ts';
import { recordedCore } from '../trace/recorded-profiles.ts';
import { groupDigits } from '../viz/format.ts';
import { sha256 } from './host/files.ts';
import type { Host } from './host/host.ts';
import { imageFinder } from './host/images.ts';
import { Interruption } from './host/interruption.ts';
import { Screen } from './host/screen.ts';
import { SliceLength } from './host/slice-length.ts';
import { TraceFile } from './host/trace-file.ts';
import { TraceRecorder } from './host/trace-recorder.ts';
import { inFile, openTraceFile } from './open-trace.ts';
import { printable } from './printable.ts';
import { formatFacts } from './table.ts';
import type { ReplayOptions } from './verbs/replay.ts';

/** @throws ParatraceError for a trace that cannot be read or run, and where a damaged trace ends. */
export async function runReplay(host: Host, path: string, options: ReplayOptions): Promise<ExitCode> {
  const trace = openTraceFile(path);
  const images = inFile(path, () =>
    resolveImages(trace.header.config, (digest) => trace.image(digest), imageFinder(path, options.image), sha256),
  );
  const screen = new Screen(host, { progress: options.quiet !== true });
  const file = options.output === undefined ? undefined : new TraceFile(options.output);
  const { replay, recorder } = inFile(path, () => prepare(trace, images, screen, options, file, host));
  file?.open();
  try {
    const end = await inFileAsync(path, () => drive(host, replay, screen));
    if (end === undefined) return interrupted(host, replay);
    file?.finish();
    screen.close();
    host.stdout.write(printable(options.json ? verdictJson(path, replay, end) : verdict(trace, replay, end)));
    if (file !== undefined) {
      host.stderr.write(`paratrace: trace ${file.path}, ${groupDigits(file.sizeBytes)} bytes\n`);
    }
    return EXIT_CODE.ok;
  } catch (error) {
    screen.close();
    if (isExhausted(error) && trace.problem === undefined) {
      // It was repaired: all that it holds was checked.
      host.stdout.write(printable(options.json ? verdictJson(path, replay) : verdict(trace, replay)));
      return EXIT_CODE.ok;
    }
    if (!(error instanceof ReplayDivergence)) throw error;
    host.stdout.write(printable(options.json ? differenceJson(path, error) : difference(error)));
    return EXIT_CODE.diverged;
  } finally {
    screen.close();
    recorder?.settle();
    file?.close();
    const readable = await file?.describeReadable();
    if (readable !== undefined) host.stderr.write(`paratrace: ${readable}\n`);
  }
}

/** Whether the recording ended before the run did: everything before was the same. */
function isExhausted(error: unknown): boolean {
  return error instanceof ParatraceError && error.code === 'trace.truncated';
}

function prepare(
  trace: TraceReader,
  images: RunImages,
  screen: Screen,
  options: ReplayOptions,
  file: TraceFile | undefined,
  host: Host,
): { replay: Replay; recorder: TraceRecorder | undefined } {
  // Its failing costs a replay some time, and has no other effect.
  const regionCompiler = host.regionCompiler(() => {});
  const machineOptions = { background: true, engineCode: host.engineCode, regionCompiler };
  const { config, costProfile, coreProfile } = trace.header;
  try {
    const recorded = { config, costProfile, coreProfile, images };
    const write = options.console ? (_: string, bytes: Uint8Array) => screen.write(bytes) : () => {};
    const recorder = file && new TraceRecorder(recorded, file, { startThread: host.startTraceThread });
    const ports = { console: { write }, ...(recorder && { observer: recorder.observer }) };
    const presentCore = recordedCore(config.core);
    const profiles = { ...(presentCore !== undefined && { coreProfile: presentCore }) };
    const machineOf = (machine: MachineConfig) => createMachine(machine, options.engine, machineOptions);
    return { replay: new Replay(trace, images, ports, machineOf, profiles), recorder };
  } catch (error) {
    // An option out of range is the user's mistake in a command line, but the file's in a trace.
    if (!(error instanceof ParatraceError) || error.code !== 'usage.option') throw error;
    throw new ParatraceError('trace.machine', error.message);
  }
}

/** Undefined: somebody ended it. */
async function drive(host: Host, replay: Replay, screen: Screen): Promise<RunEnd | undefined> {
  const interruption = new Interruption(host);
  const slice = new SliceLength(host);
  try {
    for (;;) {
      const end = slice.measure((cycles) => replay.run(cycles));
      screen.flush();
      screen.progress({ ...replay.position, events: replay.verified.events });
      if (end !== undefined) return end;
      await host.pause();
      if (interruption.by !== undefined || host.stdout.isClosed) return undefined;
    }
  } finally {
    interruption.close();
  }
}

/** A replay that was not finished has shown nothing. */
function interrupted(host: Host, { verified, position }: Replay): ExitCode {
  host.stderr.write(
    `paratrace: interrupted; identical up to cycle ${groupDigits(position.cycle)}, ${groupDigits(verified.events)} events\n`,
  );
  return EXIT_CODE.guestFailed;
}

/** @param end undefined for a recording that was cut off and repaired */
function verdict(
  { header, eventsOfRun }: TraceReader,
  { verified, lastDigest, position }: Replay,
  end?: RunEnd,
): string {
  const { config, excerpt } = header;
  const events = groupDigits(verified.events);
  const { cycle, icount } = end ?? position;
  const facts = formatFacts([
    ['guest', config.guest.name],
    ['end', end === undefined ? 'not in the trace' : `${end.reason}, status ${end.status}: ${end.message}`],
    ['events', excerpt === undefined || end === undefined ? events : `${events} of ${groupDigits(eventsOfRun ?? 0)}`],
    ['inputs', groupDigits(verified.inputs)],
    ['digests', groupDigits(verified.digests)],
    ['cycles', groupDigits(cycle)],
    ['instructions', groupDigits(icount)],
    ['digest', lastDigest === undefined ? 'none' : digestText(lastDigest)],
  ]);
  return `${facts}\nidentical${excerpt === undefined ? '' : ' in all that the trace holds'}\n`;
}

/** @param end undefined for a recording that was cut off and repaired */
function verdictJson(trace: string, { verified, lastDigest }: Replay, end?: RunEnd): string {
  const digest = lastDigest && {
    memory: hex64(lastDigest.memory),
    harts: hex64(lastDigest.harts),
    devices: hex64(lastDigest.devices),
  };
  const { events, inputs, digests } = verified;
  return `${JSON.stringify({ trace, identical: true, end, events, inputs, digests, digest }, undefined, 2)}\n`;
}

function difference(error: ReplayDivergence): string {
  const lines = describeDivergence(error.report, SBI_NAMES);
  return `different: ${error.message}\n${lines.join('\n')}\n`;
}

function differenceJson(trace: string, { message, report }: ReplayDivergence): string {
  const { eventsVerified, differences, likelyCauses } = report;
  const sides = { recorded: sideOf(report, 'recorded'), replayed: sideOf(report, 'replayed') };
  const result = { trace, identical: false, message, eventsVerified, ...sides, differences, likelyCauses };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

function sideOf(report: DivergenceReport, side: 'recorded' | 'replayed') {
  const happening: Happening | undefined = report[side];
  if (happening === undefined) return null;
  if (happening.what === 'event') return { what: 'event', ...eventToJson(happening.value, SBI_NAMES) };
  const fields = Object.entries(happening.value).map(([name, value]) => [name, plain(value)]);
  return { what: happening.what, ...Object.fromEntries(fields) };
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return hex64(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

function digestText({ memory, harts, devices }: StateDigest): string {
  return `memory ${hex64(memory)}, harts ${hex64(harts)}, devices ${hex64(devices)}`;
}

function hex64(value: bigint): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}

async function inFileAsync<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    return inFile(path, () => {
      throw error;
    });
  }
}
