/** Runs a guest on a live host, with or without a trace: in slices, between which the host looks for input, signals and its screen. */
import { ERROR_CODES, type ErrorCode, EXIT_CODE, type ExitCode, formatError, ParatraceError } from '../errors.ts';
import { createMachine, type MachineOptions } from '../machine/create-machine.ts';
import type { MachineConfig } from '../machine/machine-types.ts';
import type { WantedMark } from '../session/marks.ts';
import type { ConsoleSink, EndReason, Observer, RunEnd } from '../session/ports.ts';
import { Session, type SessionPorts } from '../session/session.ts';
import { groupDigits } from '../viz/format.ts';
import type { Host } from './host/host.ts';
import { type HostInput, hostInput } from './host/host-input.ts';
import { Interruption } from './host/interruption.ts';
import { Screen } from './host/screen.ts';
import { SliceLength } from './host/slice-length.ts';
import type { TraceFile } from './host/trace-file.ts';
import type { TraceRecorder } from './host/trace-recorder.ts';
import type { PreparedRun } from './machine-options.ts';
import { Profile } from './profile/profile.ts';
import { profileTable } from './profile/profile-table.ts';

/** Longest that a guest that polls for input is left alone: it also counts time. */
const INPUT_WAIT_MS_MAX = 1000;
const INPUT_WAIT_MS_FIRST = 50;

export interface LiveRunOptions {
  readonly stdin: string | undefined;
  /** Neither progress nor summary. */
  readonly quiet: boolean;
  /** Also says when the guest began. */
  readonly verbose: boolean;
  /** Says at the end where wall time went. */
  readonly profile: boolean;
  /** Places that are to have names in the trace. */
  readonly marks?: readonly WantedMark[];
}

/**
 * Runs a guest to its end, and records it if there is a trace file.
 * @throws ParatraceError for what cannot be run, read or written.
 */
export async function liveRun(
  host: Host,
  run: PreparedRun,
  options: LiveRunOptions,
  file?: TraceFile,
): Promise<ExitCode> {
  const profile = options.profile ? new Profile(() => host.nowMs()) : undefined;
  const screen = new Screen(host, { progress: !options.quiet });
  const tellOfThread = (work: string) => (reason: string) => {
    if (options.verbose || options.profile) screen.say(`paratrace: ${work} beside the guest failed: ${reason}`);
  };
  const counted =
    file === undefined ? countEvents() : await recordEvents(run, file, host, tellOfThread('recording'), profile);
  const input = await hostInput(host, options.stdin, options.marks);
  const ports = { input: input.source, observer: counted.observer, console: consoleOn(screen) };
  const regionCompiler = host.regionCompiler(tellOfThread('translating'));
  const machineOptions = { background: true, engineCode: host.engineCode, regionCompiler };
  const session = createSession(run, ports, machineOptions, profile);
  file?.open();
  if (options.verbose) {
    const [ms, processorMs] = [host.nowMs().toFixed(0), host.processorMs().toFixed(0)];
    screen.say(
      `paratrace: the guest begins ${ms} ms after the process, which used ${processorMs} ms of processor time`,
    );
  }
  const startMs = host.nowMs();
  profile?.guestBegins();
  try {
    const end = await drive({ host, session, input, screen, counted, profile });
    file?.finish();
    const seconds = (host.nowMs() - startMs) / 1000;
    const code = report(end, { screen, quiet: options.quiet, events: counted.events(), seconds, file });
    if (profile !== undefined) {
      const trace = file && { sizeBytes: file.sizeBytes, besideGuest: counted.recorder?.besideGuest };
      screen.say(profileTable(profile.result(), trace));
    }
    return code;
  } catch (error) {
    counted.recorder?.settle();
    const readable = await file?.describeReadable();
    if (readable !== undefined) screen.say(`paratrace: ${readable}`);
    throw error;
  } finally {
    screen.close();
    file?.close();
  }
}

function consoleOn(screen: Screen): ConsoleSink {
  return { write: (_stream, bytes) => screen.write(bytes) };
}

/** The session of a run, with everything timed if there is a profile. */
function createSession(
  { config, costs, images, engine }: PreparedRun,
  ports: SessionPorts,
  options: MachineOptions,
  profile?: Profile,
): Session {
  if (profile === undefined) {
    return new Session(config, images, ports, (machine) => createMachine(machine, engine, options), costs);
  }
  const machineOf = (machine: MachineConfig) => profile.createMachine(machine, engine, options);
  return profile.createSession(config, images, ports, machineOf, costs);
}

interface LiveParts {
  readonly host: Host;
  readonly session: Session;
  readonly input: HostInput;
  readonly screen: Screen;
  readonly counted: CountedEvents;
  readonly profile: Profile | undefined;
}

/** Runs slices until the guest ends or somebody ends it. */
async function drive({ host, session, input, screen, counted, profile }: LiveParts): Promise<RunEnd> {
  const interruption = new Interruption(host);
  const slice = new SliceLength(host);
  let waitMs = INPUT_WAIT_MS_FIRST;
  let written = screen.bytesWritten;
  input.open({
    news: () => {
      waitMs = INPUT_WAIT_MS_FIRST;
      interruption.wake();
    },
    quit: () => interruption.request('the keyboard'),
    say: (line) => screen.say(line),
  });
  try {
    for (;;) {
      const result = slice.measure((cycles) => session.run(cycles));
      screen.flush();
      screen.progress({ ...session.position, events: counted.events() });
      if (session.end !== undefined) return session.end;
      await host.pause();
      if (host.stdout.isClosed) interruption.request('the closing of standard output');
      if (interruption.by !== undefined) return session.interrupt();
      // A guest that does more than poll is asked again soon.
      if (screen.bytesWritten !== written) waitMs = INPUT_WAIT_MS_FIRST;
      written = screen.bytesWritten;
      if (result !== 'sliced' && !input.hasNews()) {
        const wait = interruption.wait(waitMs);
        await (profile?.waiting(wait) ?? wait);
        waitMs = Math.min(2 * waitMs, INPUT_WAIT_MS_MAX);
      }
    }
  } finally {
    interruption.close();
    input.close();
  }
}

/** An observer, and how many events it was told of. */
interface CountedEvents {
  readonly observer: Observer;
  readonly events: () => number;
  /** If there is a trace. */
  readonly recorder?: TraceRecorder;
}

function countEvents(): CountedEvents {
  let events = 0;
  const count = () => {
    events += 1;
  };
  const observer = { event: count, eventRow: count, input: () => {}, digest: () => {}, end: () => {} };
  return { observer, events: () => events };
}

/** Loaded only for a recording: it takes a while to prepare its compression. */
async function recordEvents(
  { config, costs, images }: PreparedRun,
  file: TraceFile,
  { startTraceThread }: Host,
  onFailure: (reason: string) => void,
  profile: Profile | undefined,
): Promise<CountedEvents> {
  const [{ TraceRecorder }, { recordedProfiles }] = await Promise.all([
    import('./host/trace-recorder.ts'),
    import('../trace/recorded-profiles.ts'),
  ]);
  const run = { config, ...recordedProfiles(config, costs), images };
  const options = { startThread: startTraceThread, onFailure, ...(profile && { sink: profile.sink(file.write) }) };
  const recorder = new TraceRecorder(run, file, options);
  const observer = profile?.observer(recorder.observer) ?? recorder.observer;
  return { observer, events: () => recorder.events, recorder };
}

interface Report {
  readonly screen: Screen;
  readonly quiet: boolean;
  readonly events: number;
  readonly seconds: number;
  readonly file: TraceFile | undefined;
}

function report(end: RunEnd, { screen, quiet, events, seconds, file }: Report): ExitCode {
  const { cycle, icount, reason, status, message } = end;
  const code = failureOf(reason, status);
  if (code !== undefined) screen.say(`paratrace: ${formatError(new ParatraceError(code, message, { cycle, icount }))}`);
  else if (!quiet) screen.say(`paratrace: ${message}`);
  if (!quiet) {
    const mips = seconds > 0 ? `, ${(icount / seconds / 1e6).toFixed(0)} MIPS` : '';
    screen.say(
      `paratrace: ${groupDigits(cycle)} cycles, ${groupDigits(icount)} instructions, ${groupDigits(events)} events in ${seconds.toFixed(2)} s${mips}`,
    );
    if (file !== undefined) screen.say(`paratrace: trace ${file.path}, ${groupDigits(file.sizeBytes)} bytes`);
  }
  if (code !== undefined) return ERROR_CODES[code].exit;
  return status === 0 ? EXIT_CODE.ok : EXIT_CODE.guestFailed;
}

/** The error that an end amounts to; none for success and for a run that somebody ended. */
function failureOf(reason: EndReason, status: number): ErrorCode | undefined {
  switch (reason) {
    case 'stuck':
      return 'guest.stuck';
    case 'waits-for-input':
      return 'guest.waits-for-input';
    case 'max-cycles':
      return 'guest.max-cycles';
    case 'interrupted':
      return undefined;
    default:
      return status === 0 ? undefined : 'guest.failed';
  }
}
