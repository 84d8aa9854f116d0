/**
 * Holds a run against its recording: every event, input, digest and the end, in order. The first difference stops the run.
 * A recording that is cut off is checked as far as it goes; then the run is stopped with that to say.
 */
import { ParatraceError } from '../errors.ts';
import { EventRow } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { PlainState } from '../machine/bus.ts';
import type { InputRecord, Observer, RunEnd, StateDigest } from '../session/ports.ts';
import type { RecordedDigest, RecordedInput, TraceReader } from '../trace/reader.ts';
import type { RecordedRows } from '../trace/recorded-rows.ts';
import { FORMAT_VERSION, type HeaderObject, type TraceExcerpt } from '../trace/schema.ts';
import { differencesOf, type Happening, likelyCauses, ReplayDivergence } from './divergence.ts';

const RECENT_EVENTS = 8;

export interface CheckerOptions {
  /** State of the harts, asked when a difference is found. */
  readonly registers?: () => PlainState;
  /** The core profile of this version by the recorded name, to say so when it is not the recorded one. */
  readonly profiles?: { readonly coreProfile?: HeaderObject };
}

/** The recording ended before the run did: everything before was the same. */
export class RecordingExhausted extends ParatraceError {
  readonly eventsVerified: number;

  constructor(problem: ParatraceError, eventsVerified: number, cycle: number) {
    const message = `${problem.message}; the replay is identical up to there: ${eventsVerified} events, cycle ${cycle}`;
    super(problem.code, message, { ...problem.place, cycle });
    this.eventsVerified = eventsVerified;
  }
}

/** What was found the same. */
export interface Verified {
  readonly events: number;
  readonly inputs: number;
  readonly digests: number;
  /** Whether the run came to the recorded end. */
  readonly ended: boolean;
}

/**
 * An observer that throws {@link ReplayDivergence} at the first difference from `trace`, and {@link RecordingExhausted} where a partial
 * trace ends. Throws `trace.version` at once for a trace of a newer minor version, whose additions it would not check.
 */
export class ReplayChecker implements Observer {
  readonly #trace: TraceReader;
  readonly #options: CheckerOptions;
  readonly #events: RecordedRows;
  readonly #inputs: Lookahead<RecordedInput>;
  readonly #digests: Lookahead<RecordedDigest>;
  /** An event that came as an object. */
  readonly #row = new EventRow();
  /** Numbers of the events that the trace holds. */
  readonly #held: TraceExcerpt;
  /** Events of the run so far. */
  #count = 0;
  /** As of the last look at inputs and digests: see {@link ReplayChecker.#nextMissed}. Each event is held against this one number. */
  #missedAt: number;
  #ended = false;

  constructor(trace: TraceReader, options: CheckerOptions = {}) {
    refuseNewer(trace);
    this.#trace = trace;
    this.#options = options;
    this.#events = trace.rows();
    this.#held = trace.header.excerpt ?? { fromEvent: 0, toEvent: Number.POSITIVE_INFINITY };
    this.#inputs = new Lookahead(trace.inputs());
    this.#digests = new Lookahead(trace.digests());
    this.#missedAt = this.#nextMissed();
  }

  get verified(): Verified {
    const [events, inputs, digests] = [this.#events.taken, this.#inputs.taken, this.#digests.taken];
    return { events, inputs, digests, ended: this.#ended };
  }

  /** Events of the run so far: more than were verified if the trace leaves some out. */
  get eventsOfRun(): number {
    return this.#count;
  }

  event(event: VmEvent): void {
    this.#row.fill(event);
    this.eventRow(this.#row);
  }

  eventRow(row: EventRow): void {
    const number = this.#count;
    if (number >= this.#missedAt) this.#expectNothingBefore(happening(row));
    if (!this.#isLeftOut(number) && !this.#events.takeIf(row)) this.#differentEvent(row);
    this.#count = number + 1;
  }

  input(input: InputRecord): void {
    const replayed: Happening = { what: 'input', value: { ...input, events: this.#count } as InputRecord };
    const recorded = this.#inputs.next;
    if (recorded === undefined) this.#missing(replayed);
    else this.#compare({ what: 'input', value: recorded }, replayed);
    this.#inputs.take();
    this.#missedAt = this.#nextMissed();
  }

  digest(digest: StateDigest): void {
    const replayed: Happening = { what: 'digest', value: { ...digest, events: this.#count } as StateDigest };
    const recorded = this.#digests.next;
    if (this.#isExcerpt && (recorded?.events !== this.#count || recorded.cycle !== digest.cycle)) return;
    if (recorded === undefined) {
      // The digests of the last events of a trace that is cut off may be what was lost.
      if (this.#trace.problem === undefined || !this.#events.hasNext) this.#missing(replayed);
      return;
    }
    this.#compare({ what: 'digest', value: recorded }, replayed);
    this.#digests.take();
    this.#missedAt = this.#nextMissed();
  }

  end(end: RunEnd): void {
    const replayed: Happening = { what: 'end', value: { ...end, events: this.#count } as RunEnd };
    this.#expectNothingBefore(replayed);
    const upcoming = this.#upcoming();
    if (upcoming !== undefined) this.#diverge(upcoming, replayed);
    const { end: recorded, eventsOfRun: events } = this.#trace;
    if (recorded === undefined) this.#missing(replayed);
    else this.#compare({ what: 'end', value: { ...recorded, events } as RunEnd }, replayed);
    this.#ended = true;
  }

  get #isExcerpt(): boolean {
    return this.#trace.header.excerpt !== undefined;
  }

  /** Whether the trace leaves out an event of this number, although it goes on after it. */
  #isLeftOut(number: number): boolean {
    const { fromEvent, toEvent } = this.#held;
    return number < fromEvent || (number >= toEvent && this.#trace.end !== undefined);
  }

  /** By how many events the next recorded input or digest has come, or is missed. */
  #nextMissed(): number {
    const never = Number.POSITIVE_INFINITY;
    return Math.min(this.#inputs.next?.events ?? never, this.#digests.next?.events ?? never);
  }

  /** An event that is not the one recorded next. */
  #differentEvent(row: EventRow): never {
    const replayed = happening(row);
    return this.#events.hasNext ? this.#diverge(this.#upcoming(), replayed) : this.#missing(replayed);
  }

  /** Recorded inputs and digests that come before the next event must have come. */
  #expectNothingBefore(replayed: Happening): void {
    const events = this.#count;
    const input = this.#inputs.next;
    if (input !== undefined && input.events <= events) this.#lost({ what: 'input', value: input }, replayed);
    const digest = this.#digests.next;
    if (digest !== undefined && digest.events <= events) this.#lost({ what: 'digest', value: digest }, replayed);
  }

  #compare(recorded: Happening, replayed: Happening): void {
    if (differencesOf(recorded, replayed).length > 0) this.#diverge(recorded, replayed);
  }

  /** The replay has something that the recording has not. */
  #missing(replayed: Happening): never {
    const { problem = this.#withoutEnd(), readableUpTo } = this.#trace;
    if (problem !== undefined) throw new RecordingExhausted(problem, this.#events.taken, readableUpTo.cycle);
    if (this.#trace.end !== undefined && replayed.what !== 'end') {
      this.#diverge(this.#upcoming() ?? { what: 'end', value: this.#trace.end }, replayed);
    }
    return this.#diverge(this.#upcoming(), replayed);
  }

  /** A trace that was repaired goes as far as its recording did. */
  #withoutEnd(): ParatraceError | undefined {
    if (this.#trace.end !== undefined) return undefined;
    return new ParatraceError('trace.truncated', 'the recording was cut off before the run ended');
  }

  /** What was recorded next, when the replay has something of another sort. */
  #upcoming(): Happening | undefined {
    const number = this.#held.fromEvent + this.#events.taken;
    const [event] = this.#trace.events({ fromEvent: number, toEvent: number + 1 });
    return event === undefined ? undefined : { what: 'event', value: event };
  }

  /** The recording has something that the replay went past. */
  #lost(recorded: Happening, replayed: Happening): never {
    return this.#diverge(recorded, undefined, replayed);
  }

  #diverge(recorded: Happening | undefined, replayed: Happening | undefined, after = replayed): never {
    const differences = differencesOf(recorded, replayed);
    const { taken } = this.#events;
    const number = this.#held.fromEvent + taken;
    // Up to here they are the same on both sides.
    const recent = [...this.#trace.events({ fromEvent: Math.max(0, number - RECENT_EVENTS + 1), toEvent: number })];
    throw new ReplayDivergence({
      recorded,
      replayed,
      differences,
      eventsVerified: this.#events.taken,
      recentRecorded: withEvent(recent, recorded),
      recentReplayed: withEvent(recent, after),
      likelyCauses: likelyCauses(recorded, replayed, differences, this.#profilesThatDiffer()),
      registers: this.#options.registers?.(),
    });
  }

  #profilesThatDiffer(): string[] {
    const { coreProfile } = this.#options.profiles ?? {};
    const { header } = this.#trace;
    return coreProfile !== undefined && !samePlain(coreProfile, header.coreProfile) ? ['core profile'] : [];
  }
}

/** A newer minor version may hold what this version would neither reproduce nor check. */
function refuseNewer(trace: TraceReader): void {
  const { major, minor } = trace.version;
  if (minor <= FORMAT_VERSION.minor) return;
  const message = `the trace has format ${major}.${minor}; replay needs ${FORMAT_VERSION.major}.${FORMAT_VERSION.minor} or lower`;
  throw new ParatraceError('trace.version', message);
}

/** A generator of which the next value can be looked at. */
class Lookahead<T> {
  /** The value that {@link take} passes over; undefined at the end. */
  next: T | undefined;
  /** Values passed over. */
  taken = 0;
  readonly #values: Iterator<T, unknown, undefined>;

  constructor(values: Iterator<T, unknown, undefined>) {
    this.#values = values;
    this.#advance();
  }

  take(): void {
    this.taken += 1;
    this.#advance();
  }

  #advance(): void {
    const result = this.#values.next();
    this.next = result.done === true ? undefined : result.value;
  }
}

function happening(row: EventRow): Happening {
  return { what: 'event', value: row.event() };
}

function withEvent(recent: readonly VmEvent[], happening: Happening | undefined): readonly VmEvent[] {
  return happening?.what === 'event' ? [...recent, happening.value] : recent;
}

function samePlain(profile: HeaderObject, recorded: HeaderObject): boolean {
  return JSON.stringify(profile) === JSON.stringify(recorded);
}
