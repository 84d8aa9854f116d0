/**
 * Orders what a run tells its observer. An exit is stamped when it happens, but its result is known only after it was served, and
 * serving it makes events of its own (a ring that is drained, an interrupt that is raised). This stream holds those back until the
 * enclosing event is out, so that stamps never decrease.
 */
import type { EventKind, EventOf, EventStamp, VmEvent } from './events.ts';

/** What an event of kind `K` has beside its kind and stamp. */
export type EventDetails<K extends EventKind> = Omit<EventOf<K>, 'kind' | keyof EventStamp>;

export class EventStream {
  readonly #deliver: (event: VmEvent) => void;
  #held: (() => void)[] | undefined;

  /** @param deliver called with each event, in order of stamps. */
  constructor(deliver: (event: VmEvent) => void) {
    this.#deliver = deliver;
  }

  /** An event of a rare kind, put together here. Frequent ones come whole: joining objects costs more than all else about them. */
  emit<K extends EventKind>(kind: K, stamp: EventStamp, details: EventDetails<K>): void {
    // The fields of row K are exactly what EventDetails<K> demands; TypeScript cannot follow a spread over a generic union.
    this.send({ kind, ...stamp, ...details } as unknown as VmEvent);
  }

  /** A whole event. */
  send(event: VmEvent): void {
    if (this.#held) this.#held.push(() => this.#deliver(event));
    else this.#deliver(event);
  }

  /** Calls `tell` now, or after the enclosing event if there is one. For records that are not events but keep their order. */
  inOrder(tell: () => void): void {
    if (this.#held) this.#held.push(tell);
    else tell();
  }

  /**
   * Does `work`, then sends the event made from its result, and after it whatever `work` itself emitted.
   * Encloses do not nest: an exit is served to its end before the next one.
   */
  enclose<T>(work: () => T, eventOf: (result: T) => VmEvent): T {
    const held: (() => void)[] = [];
    this.#held = held;
    let result: T;
    try {
      result = work();
    } finally {
      this.#held = undefined;
    }
    this.#deliver(eventOf(result));
    for (const tell of held) tell();
    return result;
  }
}
