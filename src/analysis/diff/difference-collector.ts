/** Gathers what differs from an alignment: the first difference with what is around it, the places, and the rows by kind. */
import { costOf, isPriced, type VmEvent } from '../../hypervisor/events.ts';
import type { EventNames } from '../names.ts';
import type { AlignmentTaker } from './align.ts';
import type { Ignored } from './aspects.ts';
import { EventComparer, type FieldChange } from './event-fields.ts';
import type { EventQueue, NumberedEvent } from './event-queue.ts';
import { CLOCK_FIELDS, KindRows } from './kind-rows.ts';
import type { EventCounts, Sides, TraceDiff } from './trace-diff.ts';

/** Events shown before and after the first difference, on either side. */
const CONTEXT = 5;
/** Places that are kept, and differences of each that are. */
const PLACES_MAX = 32;
const PLACE_ENTRIES_MAX = 8;
/** So many events that are the same end a place. */
const PLACE_GAP = 4;

/** One difference: an event of each run, or of one. */
export interface Difference {
  readonly left: NumberedEvent | null;
  readonly right: NumberedEvent | null;
  /** Fields in which they differ, if both are there. */
  readonly changes: readonly FieldChange[];
}

/** Differences that lie close together. */
export interface Place {
  readonly entries: readonly Difference[];
  /** Differences of the place that were not kept. */
  readonly more: number;
}

export interface FirstDifference extends Difference {
  /** The last events before it, which are the same in both runs as far as they are compared. */
  readonly before: readonly NumberedEvent[];
  /** What follows in either run. */
  readonly after: Sides<readonly VmEvent[]>;
}

export interface CollectorOptions {
  readonly ignored: Ignored;
  readonly names: EventNames;
  readonly queues: Sides<EventQueue>;
}

type Found = Pick<TraceDiff, 'events' | 'first' | 'places' | 'placesTotal' | 'kinds'>;

export class DifferenceCollector implements AlignmentTaker {
  readonly #comparer: EventComparer;
  readonly #queues: Sides<EventQueue>;
  readonly #kinds: KindRows;
  readonly #counts: { -readonly [F in keyof EventCounts]: number } = {
    ...{ left: 0, right: 0, same: 0, later: 0, changed: 0, onlyLeft: 0, onlyRight: 0 },
  };
  readonly #carried = new CarriedTime();
  readonly #before: NumberedEvent[] = [];
  #first: FirstDifference | null = null;
  readonly #places: { entries: Difference[]; more: number }[] = [];
  #placesTotal = 0;
  /** Events that were the same since the last difference. */
  #sinceLast = PLACE_GAP;

  constructor({ ignored, names, queues }: CollectorOptions) {
    this.#comparer = new EventComparer(ignored);
    this.#queues = queues;
    this.#kinds = new KindRows(names);
  }

  both(left: NumberedEvent, right: NumberedEvent): void {
    const counts = this.#counts;
    counts.left += 1;
    counts.right += 1;
    this.#kinds.left(left.event, false);
    this.#kinds.right(right.event, false);
    const isCarried = this.#carried.both(left.event, right.event);
    const changes = this.#comparer.changes(left.event, right.event);
    if (changes.length === 0) {
      counts.same += 1;
      this.#same(left);
      return;
    }
    const onlyClocks = changes.every(({ field }) => CLOCK_FIELDS.has(field));
    if (onlyClocks) counts.later += 1;
    else {
      counts.changed += 1;
      this.#kinds.changed(left.event, changes);
    }
    if (onlyClocks && isCarried && this.#first !== null) this.#sinceLast += 1;
    else this.#differ({ left, right, changes });
  }

  onlyLeft(left: NumberedEvent): void {
    this.#counts.left += 1;
    this.#counts.onlyLeft += 1;
    this.#kinds.left(left.event, true);
    this.#carried.left(left.event);
    this.#differ({ left, right: null, changes: [] });
  }

  onlyRight(right: NumberedEvent): void {
    this.#counts.right += 1;
    this.#counts.onlyRight += 1;
    this.#kinds.right(right.event, true);
    this.#carried.right(right.event);
    this.#differ({ left: null, right, changes: [] });
  }

  finish(): Found {
    return {
      events: this.#counts,
      first: this.#first,
      places: this.#places,
      placesTotal: this.#placesTotal,
      kinds: this.#kinds.differing(),
    };
  }

  #same(event: NumberedEvent): void {
    this.#sinceLast += 1;
    if (this.#first !== null) return;
    this.#before.push(event);
    if (this.#before.length > CONTEXT) this.#before.shift();
  }

  #differ(difference: Difference): void {
    this.#first ??= { ...difference, before: this.#before, after: this.#whatFollows() };
    if (this.#sinceLast >= PLACE_GAP) {
      this.#placesTotal += 1;
      if (this.#placesTotal <= PLACES_MAX) this.#places.push({ entries: [], more: 0 });
    }
    this.#sinceLast = 0;
    if (this.#placesTotal > PLACES_MAX) return;
    const place = this.#places.at(-1);
    if (place === undefined) return;
    if (place.entries.length < PLACE_ENTRIES_MAX) place.entries.push(difference);
    else place.more += 1;
  }

  #whatFollows(): Sides<readonly VmEvent[]> {
    const [left, right] = this.#queues.map((queue) =>
      Array.from({ length: CONTEXT }, (_, place) => queue.peek(place)).filter((event) => event !== undefined),
    );
    return [left ?? [], right ?? []];
  }
}

/**
 * How much later the right run is, as far as it is known why: by what its events were charged more, and by what had made it later before.
 * What is charged at an event shows from the next on, so that a changed price is one difference and not a thousand.
 */
class CarriedTime {
  #cycles = 0;
  #icount = 0;
  #charged = 0;
  /** Whether both waited for an interrupt: what comes then does not come later because the waiting began later. */
  #waited = false;

  /** Whether the clocks of these two are as far apart as was to be expected. */
  both(left: VmEvent, right: VmEvent): boolean {
    const cycles = right.cycle - left.cycle;
    const icount = right.icount - left.icount;
    const isAsCharged = cycles === this.#cycles + this.#charged || this.#waited;
    const expected = isAsCharged && icount === this.#icount;
    this.#cycles = cycles;
    this.#icount = icount;
    this.#charged = priceOf(right) - priceOf(left);
    this.#waited = left.kind === 'idle' && right.kind === 'idle';
    return expected;
  }

  left(event: VmEvent): void {
    this.#charged -= priceOf(event);
  }

  right(event: VmEvent): void {
    this.#charged += priceOf(event);
  }
}

function priceOf(event: VmEvent): number {
  return isPriced(event) ? costOf(event) : 0;
}
