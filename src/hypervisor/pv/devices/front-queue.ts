/**
 * One ring of a device, from the back end's side: requests are taken when the front end notifies, come due one after the other, and are
 * answered in that order. What a request asks for and what comes of it is the device's.
 */

import { must } from '../../../assert.ts';
import type { PlainState } from '../../../machine/bus.ts';
import type { StateSink } from '../../../machine/state-sink.ts';
import { QueueEvents } from '../../rings/queue-events.ts';
import type { RingEvents } from '../../rings/ring-events.ts';
import type { RingViolation } from '../../rings/ring-model.ts';
import type { XenRing } from '../../rings/xen-ring.ts';
import type { Scheduler } from '../../schedule.ts';

/** What a device has found out about a request that it has just taken, beside what is asked for. Filled anew for each. */
export interface Admission {
  /** Work, from 1 up; 0: it waits until `startHeld`. */
  cycles: number;
  /** For the event. */
  descriptors: number;
  readableBytes: number;
  writableBytes: number;
}

export interface FrontQueueOptions<Request> {
  readonly device: string;
  /** Number in events. */
  readonly queue: number;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  /** Says what a request asks for, which must not refer to `copy`: that is used again. Fills all of `admission`. */
  readonly admit: (copy: DataView, admission: Admission) => Request;
  readonly responseBytes: number;
  /** Does the work and writes to `response`, which is zeros. Returns how many bytes of data were written for the front end. */
  readonly perform: (request: Request, response: DataView) => number;
  /** The front end wants to be told of responses. */
  readonly deliver: () => void;
  /** The front end has broken the ring. */
  readonly broken: () => void;
  /** The device has looked at the queue. */
  readonly looked?: () => void;
}

interface Job<Request> {
  /** Number of its slot. */
  readonly slot: number;
  request: Request;
}

/** What comes due is the first job: there is nothing else to say. */
const NOTHING = {};

export class FrontQueue<Request extends PlainState> {
  readonly #options: FrontQueueOptions<Request>;
  readonly #target: string;
  readonly #events: QueueEvents;
  readonly #admission = { cycles: 0, descriptors: 0, indirect: false, readableBytes: 0, writableBytes: 0 };
  readonly #response: Uint8Array;
  readonly #responseView: DataView;
  #ring: XenRing | undefined;
  /** Jobs that come due, then those that are held. */
  readonly #jobs: Job<Request>[] = [];
  #started = 0;
  #busyUntil = 0;

  constructor(options: FrontQueueOptions<Request>) {
    this.#options = options;
    this.#target = `${options.device}.q${options.queue}`;
    this.#events = new QueueEvents(options.events, options.device, options.queue);
    this.#response = new Uint8Array(options.responseBytes);
    this.#responseView = new DataView(this.#response.buffer);
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
    this.#events.notified(ring.reqProd() & 0xffff, Math.min(ring.waiting(), 0xffff));
    this.look(1);
  }

  /** The first request that is held. */
  get held(): Request | undefined {
    return this.#jobs[this.#started]?.request;
  }

  /** Takes up work on the first request that is held, changed if need be. */
  startHeld(request: Request, cycles: number): void {
    must(this.#jobs[this.#started], 'a request is held').request = request;
    this.#start(cycles);
  }

  /**
   * Takes everything that waits; then asks to be told of more, unless work comes due and it will look again anyway.
   * @param announced how many requests the front end has told of
   */
  look(announced = 0): void {
    const count = this.#takeWaiting() - announced;
    if (count > 0) this.#events.foundQuietly(count);
  }

  writeState(sink: StateSink): void {
    if (this.#ring === undefined) return;
    sink.state('ring', this.#ring);
    sink.value('started', this.#started);
    sink.value('busyUntil', this.#busyUntil);
    sink.beginList('jobs');
    for (const { slot, request } of this.#jobs) {
      sink.begin(undefined);
      sink.value('slot', slot);
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
    const { admit } = this.#options;
    const admission = this.#admission;
    for (let taken = ring.take(); taken.kind !== 'empty'; taken = ring.take()) {
      if (taken.kind === 'violation') {
        this.#break(taken.violation);
        return undefined;
      }
      const { slot, copy } = taken.request;
      const request = admit(copy, admission);
      this.#events.taken(slot, admission, ring.inFlight);
      this.#jobs.push({ slot, request });
      if (admission.cycles > 0) this.#start(admission.cycles);
      count++;
    }
    return count;
  }

  #start(cycles: number): void {
    const { schedule } = this.#options;
    this.#started++;
    this.#busyUntil = Math.max(schedule.now, this.#busyUntil) + cycles;
    schedule.after(this.#busyUntil - schedule.now, this.#target, NOTHING);
  }

  /** The first request has come due. */
  #finish(): void {
    const ring = must(this.#ring, 'what comes due has a ring');
    const job = must(this.#jobs.shift(), 'what comes due has a request');
    this.#started--;
    this.#response.fill(0);
    const writtenBytes = this.#options.perform(job.request, this.#responseView);
    ring.complete(job, this.#response);
    const usedIndex = ring.rspProd & 0xffff;
    this.#events.completed(job.slot, writtenBytes, usedIndex, ring.inFlight);
    const delivered = ring.shouldNotifyDriver();
    this.#events.used(usedIndex, delivered);
    if (delivered) this.#options.deliver();
    this.look();
  }

  #break({ what, offending }: RingViolation): void {
    const { device, queue, events, broken } = this.#options;
    events.emit({ kind: 'broken', device, queue, what, offending });
    broken();
  }
}
