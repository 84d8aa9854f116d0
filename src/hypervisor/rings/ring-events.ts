/** What rings and back ends tell about their work: events of `events.ts` without the stamp, which the hypervisor adds. */
import type { EventKind, EventOf, EventStamp } from '../events.ts';

/** An event of kind `K` as its source knows it. */
export type Unstamped<K extends EventKind> = Omit<EventOf<K>, keyof EventStamp>;

export type RingEventKind = 'notify' | 'take' | 'complete' | 'used' | 'broken' | 'drop';
export type RingEvent = { [K in RingEventKind]: Unstamped<K> }[RingEventKind];

/** Takes events in the order in which things happened. */
export interface RingEvents {
  emit(event: RingEvent): void;
}
