/** Stamps what rings and back ends tell, as events of the hart that has the processor. */
import { type EventRow, ROW_KINDS, type RowKind } from './event-row.ts';
import type { EventStream } from './event-stream.ts';
import type { RingEvent, RingEvents } from './rings/ring-events.ts';

export interface RingEventStreamOptions {
  readonly events: EventStream;
  readonly currentHart: () => number;
  /** Whether there is anything to avoid: not where nothing exits. */
  readonly avoids: boolean;
}

export class RingEventStream implements RingEvents {
  readonly #events: EventStream;
  readonly #currentHart: () => number;
  readonly #avoids: boolean;

  constructor({ events, currentHart, avoids }: RingEventStreamOptions) {
    this.#events = events;
    this.#currentHart = currentHart;
    this.#avoids = avoids;
  }

  emit(event: RingEvent): void {
    if (event.kind === 'avoidedExit' && !this.#avoids) return;
    const row = this.row(ROW_KINDS[event.kind]);
    row.fillFields(event as unknown as Readonly<Record<string, unknown>>);
    this.send(row);
  }

  row(kind: RowKind): EventRow {
    return this.#events.row(kind, this.#currentHart());
  }

  send(row: EventRow): void {
    this.#events.send(row);
  }
}
