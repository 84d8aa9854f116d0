/** The events of a run as an alignment needs them: some way ahead as signatures, taken one by one. */
import { must } from '../../assert.ts';
import type { EventKind, VmEvent } from '../../hypervisor/events.ts';
import type { Signatures } from './signature.ts';

/** Events whose signatures can be looked at before they are taken. */
export interface Ahead {
  /** Looks so far ahead. @returns how many there are, at most `count`; less only at the end of the run */
  look(count: number): number;
  /** The signature of the event so many places ahead; {@link look} has been there. */
  signature(place: number): number;
}

/** An event with its number in the trace. */
export interface NumberedEvent {
  readonly number: number;
  readonly event: VmEvent;
}

/** Opens the events of a trace from a number on. */
export type EventsFrom = (fromEvent: number) => Iterator<VmEvent, unknown, undefined>;

/** Taken events are let go when there are so many. */
const COMPACT_AT = 4096;

export class EventQueue implements Ahead {
  readonly #from: EventsFrom;
  readonly #skipped: ReadonlySet<EventKind>;
  readonly #hashes: Signatures;
  readonly #events: Iterator<VmEvent, unknown, undefined>;
  #read: number;
  #ended = false;
  #head = 0;
  #buffer: NumberedEvent[] = [];
  #signatures: number[] = [];

  /** @param first number of the first event: not 0 in an excerpt */
  constructor(from: EventsFrom, skipped: ReadonlySet<EventKind>, hashes: Signatures, first = 0) {
    this.#read = first;
    this.#from = from;
    this.#skipped = skipped;
    this.#hashes = hashes;
    this.#events = from(first);
  }

  look(count: number): number {
    while (!this.#ended && this.#buffer.length - this.#head < count) this.#readOne();
    return Math.min(count, this.#buffer.length - this.#head);
  }

  signature(place: number): number {
    return this.#signatures[this.#head + place] as number;
  }

  /** The event so many places ahead; undefined past the end of the run. */
  peek(place: number): VmEvent | undefined {
    return this.look(place + 1) > place ? this.#buffer[this.#head + place]?.event : undefined;
  }

  take(): NumberedEvent {
    this.look(1);
    const taken = must(this.#buffer[this.#head], 'an event to take');
    this.#head += 1;
    if (this.#head === COMPACT_AT) {
      this.#buffer = this.#buffer.slice(this.#head);
      this.#signatures = this.#signatures.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Signatures far ahead, without the events: it reads the trace a second time from here. */
  scout(count: number): Int32Array {
    const first = this.look(1) === 0 ? undefined : this.#buffer[this.#head]?.number;
    const found = new Int32Array(first === undefined ? 0 : count);
    if (first === undefined) return found;
    const events = this.#from(first);
    let at = 0;
    while (at < count) {
      const next = events.next();
      if (next.done === true) break;
      const event = next.value as VmEvent;
      if (!this.#skipped.has(event.kind)) found[at++] = this.#hashes.of(event);
    }
    return found.subarray(0, at);
  }

  #readOne(): void {
    const next = this.#events.next();
    if (next.done === true) {
      this.#ended = true;
      return;
    }
    const event = next.value as VmEvent;
    const number = this.#read++;
    if (this.#skipped.has(event.kind)) return;
    this.#buffer.push({ number, event });
    this.#signatures.push(this.#hashes.of(event));
  }
}
