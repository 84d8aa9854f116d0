/**
 * One ring of a device, from the back end's side: requests are taken when the front end notifies, come due one after the other, and are
 * answered in that order. What a request asks for and what comes of it is the device's.
 */

import { must } from '../../../assert.ts';
import type { PlainState } from '../../../machine/bus.ts';
import type { StateSink } from '../../../machine/state-sink.ts';
import { publishedQuietly, type RingEvents } from '../../rings/ring-events.ts';
import type { RingViolation } from '../../rings/ring-model.ts';
import type { SlotRequest, XenRing } from '../../rings/xen-ring.ts';
import type { Scheduler } from '../../schedule.ts';

/** What a device has found out about a request that it has just taken. */
export interface Admitted<Request> {
  readonly request: Request;
  /** Cycles of work, from 1 up; undefined: it waits until `startHeld`. */
  readonly cycles: number | undefined;
  /** For the event. */
  readonly descriptors: number;
  readonly readableBytes: number;
  readonly writableBytes: number;
}

export interface Answer {
  readonly response: Uint8Array;
  readonly writtenBytes: number;
}

export interface FrontQueueOptions<Request> {
  readonly device: string;
  /** Number in events. */
  readonly queue: number;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  readonly admit: (bytes: Uint8Array) => Admitted<Request>;
  /** Does the work. */
  readonly perform: (request: Request) => Answer;
  /** The front end wants to be told of responses. */
  readonly deliver: () => void;
  /** The front end has broken the ring. */
  readonly broken: () => void;
  /** The device has looked at the queue. */
  readonly looked?: () => void;
}

interface Job<Request> {
  readonly slot: SlotRequest;
  readonly request: Request;
}

export class FrontQueue<Request extends PlainState> {
  readonly #options: FrontQueueOptions<Request>;
  readonly #target: string;
  #ring: XenRing | undefined;
  /** Jobs that come due, then those that are held. */
  readonly #jobs: Job<Request>[] = [];
  #started = 0;
  #busyUntil = 0;

  constructor(options: FrontQueueOptions<Request>) {
    this.#options = options;
    this.#target = `${options.device}.q${options.queue}`;
    options.schedule.register(this.#target, () => this.#finish());
  }

  open(ring: XenRing): void {
    this.#ring = ring;
    this.#busyUntil = 0;
    // Connecting hands over whatever stands in the ring.
    this.look(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#ring = undefined;
    this.#jobs.length = 0;
    this.#started = 0;
    this.#options.schedule.cancel(this.#target);
  }

  /** The front end has sent an event. */
  notified(): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    const { device, queue, events } = this.#options;
    const [availIndex, waiting] = [ring.reqProd() & 0xffff, Math.min(ring.waiting(), 0xffff)];
    events.emit({ kind: 'notify', device, queue, availIndex, waiting });
    this.look(1);
  }

  /** The first request that is held. */
  get held(): Request | undefined {
    return this.#jobs[this.#started]?.request;
  }

  /** Takes up work on the first request that is held, changed if need be. */
  startHeld(request: Request, cycles: number): void {
    const job = must(this.#jobs[this.#started], 'a request is held');
    this.#jobs[this.#started] = { slot: job.slot, request };
    this.#start(cycles);
  }

  /**
   * Takes everything that waits; then asks to be told of more, unless work comes due and it will look again anyway.
   * @param announced how many requests the front end has told of
   */
  look(announced = 0): void {
    const count = this.#takeWaiting() - announced;
    if (count > 0) this.#options.events.emit(publishedQuietly(this.#options.device, this.#options.queue, count));
  }

  writeState(sink: StateSink): void {
    if (this.#ring === undefined) return;
    sink.state('ring', this.#ring);
    sink.value('started', this.#started);
    sink.value('busyUntil', this.#busyUntil);
    sink.beginList('jobs');
    for (const { slot, request } of this.#jobs) {
      sink.begin(undefined);
      sink.value('slot', slot.slot);
      sink.constant('request', request);
      sink.end();
    }
    sink.end();
  }

  /** How many requests it takes; none of a ring that is broken. */
  #takeWaiting(): number {
    let count = 0;
    for (let look = 0; look < 2; look++) {
      const ring = this.#ring;
      if (ring === undefined) return 0;
      const taken = this.#takeAll(ring);
      if (taken === undefined) return 0;
      count += taken;
      this.#options.looked?.();
      if (this.#started > 0) {
        ring.suppressNotification();
        return count;
      }
      if (!ring.armNotification()) return count;
    }
    return count;
  }

  /** How many requests; undefined if the ring is broken. Ends: a ring has no more requests outstanding than slots. */
  #takeAll(ring: XenRing): number | undefined {
    let count = 0;
    const { device, queue, events, admit } = this.#options;
    for (let taken = ring.take(); taken.kind !== 'empty'; taken = ring.take()) {
      if (taken.kind === 'violation') {
        this.#break(taken.violation);
        return undefined;
      }
      const slot = taken.request;
      const { request, cycles, descriptors, readableBytes, writableBytes } = admit(slot.bytes);
      const { inFlight } = ring;
      const head = slot.slot;
      events.emit({
        kind: 'take',
        device,
        queue,
        head,
        descriptors,
        indirect: false,
        readableBytes,
        writableBytes,
        inFlight,
      });
      this.#jobs.push({ slot, request });
      if (cycles !== undefined) this.#start(cycles);
      count++;
    }
    return count;
  }

  #start(cycles: number): void {
    const { schedule } = this.#options;
    this.#started++;
    this.#busyUntil = Math.max(schedule.now, this.#busyUntil) + cycles;
    schedule.after(this.#busyUntil - schedule.now, this.#target, {});
  }

  /** The first request has come due. */
  #finish(): void {
    const ring = must(this.#ring, 'what comes due has a ring');
    const { slot, request } = must(this.#jobs.shift(), 'what comes due has a request');
    this.#started--;
    const { device, queue, events, perform, deliver } = this.#options;
    const { response, writtenBytes } = perform(request);
    ring.complete(slot, response);
    const usedIndex = ring.rspProd & 0xffff;
    const { inFlight } = ring;
    events.emit({ kind: 'complete', device, queue, head: slot.slot, writtenBytes, usedIndex, inFlight });
    const delivered = ring.shouldNotifyDriver();
    events.emit({ kind: 'used', device, queue, usedIndex, delivered });
    if (delivered) deliver();
    this.look();
  }

  #break({ what, offending }: RingViolation): void {
    const { device, queue, events, broken } = this.#options;
    events.emit({ kind: 'broken', device, queue, what, offending });
    broken();
  }
}
