/** What rings and back ends tell about their work: events of `events.ts` without the stamp, which the hypervisor adds. */
import type { EventRow, RowKind } from '../event-row.ts';
import type { EventKind, EventOf, EventStamp } from '../events.ts';

/** An event of kind `K` as its source knows it. */
export type Unstamped<K extends EventKind> = Omit<EventOf<K>, keyof EventStamp>;

export type RingEventKind = 'notify' | 'take' | 'complete' | 'used' | 'broken' | 'drop' | 'avoidedExit';
export type RingEvent = { [K in RingEventKind]: Unstamped<K> }[RingEventKind];

/** A device has found requests that nobody has told it of. */
export function publishedQuietly(device: string, queue: number, count: number): Unstamped<'avoidedExit'> {
  return { kind: 'avoidedExit', operation: 'ring-publish', device, queue, line: 0, count };
}

/** Takes events in the order in which things happened. */
export interface RingEvents {
  emit(event: RingEvent): void;
  /** A row of here and now, for kinds that come with each request: to be filled, then given to {@link send}, which takes it back. */
  row(kind: RowKind): EventRow;
  send(row: EventRow): void;
}
