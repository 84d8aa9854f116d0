/**
 * Two traces compared: how their headers differ, where their events part, what differs by kind, how much later things are, and how
 * inputs, digests and ends differ. A pure function of the traces, with memory that does not grow with their length.
 *
 * Events are aligned by what they are (`signature.ts`), so that one more event is one difference. Time is a difference like others,
 * but it is carried on: where an event is later by exactly what the events before it were, nothing new has happened.
 */
import type { RunEnd } from '../../session/ports.ts';
import type { TraceReader } from '../../trace/reader.ts';
import type { EventNames } from '../names.ts';
import { type RingRow, type RunStatistics, StatisticsCollector } from '../stat.ts';
import { align } from './align.ts';
import { type AspectName, Ignored } from './aspects.ts';
import { DifferenceCollector, type FirstDifference, type Place } from './difference-collector.ts';
import { EventQueue } from './event-queue.ts';
import { type HeaderChange, headerChanges } from './header-changes.ts';
import type { KindRow } from './kind-rows.ts';
import {
  type CounterDifference,
  type DigestDifference,
  firstCounterDifference,
  firstDigestDifference,
  firstInputDifference,
  type InputDifference,
} from './records.ts';
import { Signatures } from './signature.ts';

/** Version of the shape of {@link TraceDiff}: fields may be added without a new one. */
export const TRACE_DIFF_VERSION = 1;

export interface DiffOptions {
  /** What is left out of the comparison. Default: nothing, which is exact. */
  readonly ignore?: readonly AspectName[];
  readonly names: EventNames;
}

/** A number of either run. */
export type Sides<T = number> = readonly [left: T, right: T];

export interface TraceDiff {
  readonly version: typeof TRACE_DIFF_VERSION;
  /** Whether nothing differs that is not ignored. */
  readonly same: boolean;
  readonly ignored: readonly AspectName[];
  readonly guest: Sides<string>;
  readonly header: readonly HeaderChange[];
  readonly events: EventCounts;
  readonly first: FirstDifference | null;
  /** Places where something new differs, in order: the first of them, and how many there are. */
  readonly places: readonly Place[];
  readonly placesTotal: number;
  readonly kinds: readonly KindRow[];
  readonly time: TimeDifference;
  readonly rings: readonly RingDifference[];
  readonly input: InputDifference | null;
  readonly digest: DigestDifference | null;
  /** The first counters that differ: of TLB and page walks. They are counted where digests are taken, and part of these. */
  readonly counters: CounterDifference | null;
  /** How either run ended; null if that is not in the trace. */
  readonly end: Sides<RunEnd | null>;
  readonly endDiffers: boolean;
}

export interface EventCounts {
  readonly left: number;
  readonly right: number;
  /** Of both: the same in all that is compared. */
  readonly same: number;
  /** Of both: only the clocks differ. */
  readonly later: number;
  /** Of both: something else differs. */
  readonly changed: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
}

/** Of either run, in cycles, and instructions. */
export interface TimeDifference {
  readonly cycles: Sides;
  readonly guest: Sides;
  readonly hypervisor: Sides;
  readonly idle: Sides;
  readonly instructions: Sides;
}

/** A ring that differs: its row in either run; null if that run has no such ring. */
export interface RingDifference {
  readonly device: string;
  readonly queue: number;
  readonly left: RingRow | null;
  readonly right: RingRow | null;
}

/** @throws ParatraceError `trace.corrupt` where a chunk with right checksums holds what cannot be */
export function diffTraces(left: TraceReader, right: TraceReader, { ignore = [], names }: DiffOptions): TraceDiff {
  const ignored = new Ignored(ignore);
  const header = headerChanges(left.header, right.header, ignored);
  const hashes = new Signatures();
  const sides = [left, right].map((trace) => {
    const statistics = new StatisticsCollector(trace.header.config.hartCount, names);
    const from = (fromEvent: number) => trace.events({ fromEvent });
    const queue = new EventQueue(from, ignored.kinds, hashes, trace.header.excerpt?.fromEvent ?? 0);
    return { trace, statistics, queue };
  });
  const [a, b] = sides as [Side, Side];
  const collector = new DifferenceCollector({ ignored, names, queues: [a.queue, b.queue] });
  align(a.queue, b.queue, {
    both: (one, other) => {
      a.statistics.add(one.event);
      b.statistics.add(other.event);
      collector.both(one, other);
    },
    onlyLeft: (one) => {
      a.statistics.add(one.event);
      collector.onlyLeft(one);
    },
    onlyRight: (other) => {
      b.statistics.add(other.event);
      collector.onlyRight(other);
    },
  });
  const found = collector.finish();
  const statistics = [a.statistics.finish(left.end), b.statistics.finish(right.end)] as const;
  const input = firstInputDifference(left, right, ignored);
  const digest = ignored.digests ? null : firstDigestDifference(left, right);
  const counters = ignored.digests ? null : firstCounterDifference(left, right, ignored);
  const endDiffers = !sameEnd(left.end, right.end, ignored);
  const { events } = found;
  const eventsDiffer = events.later + events.changed + events.onlyLeft + events.onlyRight > 0;
  return {
    version: TRACE_DIFF_VERSION,
    same: header.length === 0 && !eventsDiffer && input === null && digest === null && counters === null && !endDiffers,
    ignored: ignored.names,
    guest: [left.header.config.guest.name, right.header.config.guest.name],
    header,
    ...found,
    time: timeOf(statistics),
    rings: ringDifferences(statistics),
    input,
    digest,
    counters,
    end: [left.end ?? null, right.end ?? null],
    endDiffers,
  };
}

interface Side {
  readonly trace: TraceReader;
  readonly statistics: StatisticsCollector;
  readonly queue: EventQueue;
}

function timeOf([a, b]: Sides<RunStatistics>): TimeDifference {
  return {
    cycles: [a.cycles, b.cycles],
    guest: [a.guestCycles, b.guestCycles],
    hypervisor: [a.hypervisorCycles, b.hypervisorCycles],
    idle: [a.idleCycles, b.idleCycles],
    instructions: [a.icount, b.icount],
  };
}

function ringDifferences([a, b]: Sides<RunStatistics>): readonly RingDifference[] {
  const nameOf = ({ device, queue }: RingRow) => `${device} ${queue}`;
  const others = new Map(b.rings.map((ring) => [nameOf(ring), ring]));
  const pairs = a.rings.map((left): RingDifference => {
    const right = others.get(nameOf(left)) ?? null;
    others.delete(nameOf(left));
    return { device: left.device, queue: left.queue, left, right };
  });
  const added = [...others.values()].map(
    (right): RingDifference => ({ device: right.device, queue: right.queue, left: null, right }),
  );
  return [...pairs, ...added].filter(({ left, right }) => !sameRow(left, right));
}

function sameRow(left: RingRow | null, right: RingRow | null): boolean {
  if (left === null || right === null) return left === right;
  return (Object.keys(left) as (keyof RingRow)[]).every((key) => left[key] === right[key]);
}

function sameEnd(left: RunEnd | undefined, right: RunEnd | undefined, ignored: Ignored): boolean {
  if (left === undefined || right === undefined) return left === right;
  // The message names the place, where a place belongs to the reason.
  const clocks = (['cycle', 'icount'] as const).filter((field) => !ignored.field(field));
  const fields = ['reason', 'status', ...clocks] as const;
  return fields.every((field) => left[field] === right[field]);
}
