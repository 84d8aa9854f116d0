/**
 * Orders what a run tells its observer. An exit is stamped when it happens, but its result is known only after it was served, and
 * serving it makes events of its own (a ring that is drained, an interrupt that is raised). This stream holds those back until the
 * enclosing event is out, so that stamps never decrease.
 */
import { assert, must } from '../assert.ts';
import type { Machine } from '../machine/machine-types.ts';
import { EventRow, type EventTaker, ROW_KINDS, type RowKind, tellRow } from './event-row.ts';
import type { EventKind, EventOf, EventStamp } from './events.ts';

/** What an event of kind `K` has beside its kind and stamp. */
export type EventDetails<K extends EventKind> = Omit<EventOf<K>, 'kind' | keyof EventStamp>;

/** Where a guest has been. */
export interface PassedPlace {
  readonly hart: number;
  readonly cycle: number;
  readonly icount: number;
  /** Unsigned halves. */
  readonly pcLow: number;
  readonly pcHigh: number;
}

export class EventStream {
  readonly #machine: Pick<Machine, 'clock' | 'harts'>;
  readonly #harts: Machine['harts'];
  readonly #observer: EventTaker;
  /** Rows that nobody uses. */
  readonly #free: EventRow[] = [];
  /** The exit that is being served, and what waits for its event to be told. */
  #enclosing: EventRow | undefined;
  readonly #held: (EventRow | (() => void))[] = [];
  /** How many of `held` do: its length stays, so that it keeps its room. */
  #heldCount = 0;

  /** @param observer told of each event, in order of stamps. */
  constructor(machine: Pick<Machine, 'clock' | 'harts'>, observer: EventTaker) {
    this.#machine = machine;
    this.#harts = machine.harts;
    this.#observer = observer;
  }

  /** A row of that kind with the stamp of here and now: to be filled, then given to {@link send}. */
  row(kind: RowKind, hartId: number): EventRow {
    const row = this.#free.pop() ?? new EventRow();
    const { clock } = this.#machine;
    const hart = must(this.#harts[hartId], 'a hart of the machine');
    row.kind = kind;
    row.cycle = clock.cycle;
    row.icount = clock.icount;
    row.hart = hartId;
    row.pcLow = hart.pcLow;
    row.pcHigh = hart.pcHigh;
    return row;
  }

  /** As {@link row}, with the stamp of a place that the guest has passed, after which there was no event. */
  rowAt(kind: RowKind, { hart, cycle, icount, pcLow, pcHigh }: PassedPlace): EventRow {
    const row = this.#free.pop() ?? new EventRow();
    row.kind = kind;
    row.cycle = cycle;
    row.icount = icount;
    row.hart = hart;
    row.pcLow = pcLow;
    row.pcHigh = pcHigh;
    return row;
  }

  /** An event of here and now. For kinds that are not among the most frequent: naming fields takes longer than placing them. */
  emit<K extends EventKind>(kind: K, hart: number, details: EventDetails<K>): void {
    const row = this.row(ROW_KINDS[kind], hart);
    row.fillFields(details);
    this.send(row);
  }

  /** Tells of an event, now or after the enclosing one. The row is gone then. */
  send(row: EventRow): void {
    if (this.#enclosing !== undefined) this.#held[this.#heldCount++] = row;
    else this.#tell(row);
  }

  /** Calls `tell` now, or after the enclosing event if there is one. For records that are not events but keep their order. */
  inOrder(tell: () => void): void {
    if (this.#enclosing !== undefined) this.#held[this.#heldCount++] = tell;
    else tell();
  }

  /**
   * As {@link row}, for an exit: until {@link close}, events wait for this one, whose fields can still be filled.
   * Exits do not nest: one is served to its end before the next.
   */
  open(kind: RowKind, hart: number): EventRow {
    assert(this.#enclosing === undefined, 'an exit is served to its end before the next');
    const row = this.row(kind, hart);
    this.#enclosing = row;
    return row;
  }

  /** The exit has been served: tells of it, then of what waited. */
  close(): void {
    const row = must(this.#enclosing, 'an exit is being served');
    this.#enclosing = undefined;
    this.#tell(row);
    const count = this.#heldCount;
    this.#heldCount = 0;
    for (let index = 0; index < count; index++) {
      const each = must(this.#held[index], 'an event that was held');
      if (typeof each === 'function') each();
      else this.#tell(each);
    }
  }

  /** Serving the exit has failed, and with it the run: nothing of it is told. */
  abandon(): void {
    this.#enclosing = undefined;
    this.#heldCount = 0;
  }

  #tell(row: EventRow): void {
    tellRow(this.#observer, row);
    this.#free.push(row);
  }
}
