/**
 * What all virtio back ends have in common: opening the queues that the driver made ready, taking chains, finishing them in
 * order after a latency in model cycles, telling the driver, and stopping for good when a ring is malformed.
 *
 * A chain is taken and its request header copied when the device sees it; data moves when the work comes due. While a queue has
 * work coming due the device will look at the ring again by itself, so it asks the driver not to notify; when it runs dry it
 * asks for a notification and looks once more (the final check). As requests of a queue are served one after the other, a
 * request seen late finishes no later.
 *
 * A violation breaks the whole device (virtio 1.2 section 2.1.2): DEVICE_NEEDS_RESET, a `broken` event, and silence until the
 * driver resets it.
 */

import { assert, must } from '../../assert.ts';
import type { GuestMemory, PlainState } from '../../machine/bus.ts';
import {
  VIRTIO_F,
  type VirtioDevice,
  type VirtioQueueSetup,
  type VirtioTransport,
} from '../../machine/devices/virtio-device.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { QueueEvents } from '../rings/queue-events.ts';
import type { RingEvents } from '../rings/ring-events.ts';
import type { DescriptorChain, RingViolation } from '../rings/ring-model.ts';
import { SplitQueue } from '../rings/split-queue.ts';
import type { Scheduler } from '../schedule.ts';
import type { BackendTiming } from './backend-timing.ts';

/** What every back end is given. */
export interface BackendOptions {
  /** Name in events, in the schedule and in reports. Unique in the machine. */
  readonly name: string;
  readonly memory: GuestMemory;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  readonly timing: BackendTiming;
}

/** What a back end decides about a chain it has taken. */
export type Admission<Request> =
  /** Serve it: `cycles` (at least 1) after the request before it. */
  | { readonly kind: 'serve'; readonly cycles: number; readonly request: Request }
  /** Keep it until `startHeld`. A queue holds all its chains or none. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'violation'; readonly violation: RingViolation };

/** A chain that the device holds. `request` is undefined while it is only held. */
interface Job<Request> {
  readonly chain: DescriptorChain;
  request: Request | undefined;
}

/** A queue that the driver has handed over. Jobs are in ring order: those coming due, then those held. */
interface LiveQueue<Request> {
  readonly ring: SplitQueue;
  readonly jobs: Job<Request>[];
  /** How many of `jobs`, from the first, are coming due. */
  started: number;
  /** Cycle at which the last of them comes due. */
  busyUntil: number;
}

const COMMON_FEATURES = [VIRTIO_F.RING_INDIRECT_DESC, VIRTIO_F.RING_EVENT_IDX, VIRTIO_F.VERSION_1];

/** The value of feature bits by their numbers. */
export function featureBits(...numbers: readonly number[]): bigint {
  return numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
}

/** A virtio device on split virtqueues. `Request` is what a device remembers of a chain: plain data, for digests. */
export abstract class VirtioBackend<Request extends PlainState> implements VirtioDevice {
  abstract readonly deviceId: number;
  readonly name: string;
  readonly features: bigint;
  readonly queueSizesMax: readonly number[];
  protected readonly memory: GuestMemory;
  protected readonly timing: BackendTiming;
  readonly #schedule: Scheduler;
  readonly #events: RingEvents;
  /** Name of each queue in the schedule. */
  readonly #targets: readonly string[];
  readonly #queueEvents: readonly QueueEvents[];
  readonly #queues: (LiveQueue<Request> | undefined)[];
  #transport: VirtioTransport | undefined;
  #broken = false;

  protected constructor(options: BackendOptions, features: readonly number[], queueSizesMax: readonly number[]) {
    this.name = options.name;
    this.memory = options.memory;
    this.timing = options.timing;
    this.#schedule = options.schedule;
    this.#events = options.events;
    this.features = featureBits(...COMMON_FEATURES, ...features);
    this.queueSizesMax = queueSizesMax;
    this.#queues = queueSizesMax.map(() => undefined);
    this.#queueEvents = queueSizesMax.map((_, queue) => new QueueEvents(options.events, options.name, queue));
    this.#targets = queueSizesMax.map((_, queue) => `${options.name}.q${queue}`);
    queueSizesMax.forEach((_, queue) => {
      this.#schedule.register(this.#target(queue), () => this.#finish(queue));
    });
  }

  /** Looks at a chain just taken: copies what it needs of the header and says how long the work takes. */
  protected abstract admit(queue: number, chain: DescriptorChain): Admission<Request>;
  /** Does the work, in ring order; returns the bytes written to the chain, from its first writable byte on. */
  protected abstract perform(queue: number, chain: DescriptorChain, request: Request): number;
  /** Called when the device has looked at a queue and holds chains in it. */
  protected onHeld(_queue: number): void {}
  /** State of the device type. */
  protected abstract writeOwnState(sink: StateSink): void;

  abstract readConfig(offset: number, size: 1 | 2 | 4): number;
  writeConfig(_offset: number, _size: 1 | 2 | 4, _value: number): void {}

  /** Whether the device waits for a reset after a violation. */
  get broken(): boolean {
    return this.#broken;
  }

  connect(transport: VirtioTransport): void {
    assert(this.#transport === undefined, `${this.name} is connected twice`);
    this.#transport = transport;
  }

  onQueueEnabled(setup: VirtioQueueSetup): void {
    if (this.#broken) return;
    const negotiated = must(this.#transport, `${this.name} is not connected`).negotiated;
    const opened = SplitQueue.open(this.memory, setup, {
      eventIdx: (negotiated & featureBits(VIRTIO_F.RING_EVENT_IDX)) !== 0n,
      indirect: (negotiated & featureBits(VIRTIO_F.RING_INDIRECT_DESC)) !== 0n,
    });
    if (opened.kind === 'violation') {
      this.#break(setup.index, opened.violation);
      return;
    }
    this.#queues[setup.index] = { ring: opened.queue, jobs: [], started: 0, busyUntil: 0 };
    // Enabling hands over whatever stands in the ring.
    this.#look(setup.index, Number.POSITIVE_INFINITY);
  }

  onQueueDisabled(queue: number): void {
    this.#drop(queue);
  }

  onNotify(queue: number): void {
    const live = this.#queues[queue];
    if (live === undefined) return;
    const { ring } = live;
    this.#eventsOf(queue).notified(ring.reqProd(), ring.waiting());
    this.#look(queue, 1);
  }

  onReset(): void {
    this.#broken = false;
    this.queueSizesMax.forEach((_, queue) => {
      this.#drop(queue);
    });
  }

  writeState(sink: StateSink): void {
    sink.value('broken', this.#broken);
    sink.beginList('queues');
    for (const live of this.#queues) {
      sink.begin(undefined);
      if (live !== undefined) writeLive(sink, live);
      sink.end();
    }
    sink.end();
    sink.begin('own');
    this.writeOwnState(sink);
    sink.end();
  }

  /** Whether the driver has handed a queue over. */
  protected isLive(queue: number): boolean {
    return this.#queues[queue] !== undefined;
  }

  /** Bytes that the chains held in a queue can take. */
  protected heldWritableBytes(queue: number): number {
    const live = this.#queues[queue];
    if (live === undefined) return 0;
    let bytes = 0;
    for (let index = live.started; index < live.jobs.length; index++)
      bytes += live.jobs[index]?.chain.writableBytes ?? 0;
    return bytes;
  }

  /** The first chain held in a queue. */
  protected firstHeld(queue: number): DescriptorChain | undefined {
    const live = this.#queues[queue];
    return live?.jobs[live.started]?.chain;
  }

  /** Starts work on the first chain held. */
  protected startHeld(queue: number, cycles: number, request: Request): void {
    const live = must(this.#queues[queue], 'a held chain belongs to a live queue');
    must(live.jobs[live.started], 'a chain is held').request = request;
    this.#start(queue, live, cycles);
  }

  /**
   * Takes everything that waits; then asks for a notification, or not if work comes due anyway.
   * @param announced how many chains the driver has told of
   */
  #look(queue: number, announced: number): void {
    const count = this.#takeWaiting(queue) - announced;
    if (count > 0) this.#eventsOf(queue).foundQuietly(count);
  }

  /** How many chains it takes; none if the device broke. */
  #takeWaiting(queue: number): number {
    const live = this.#queues[queue];
    let count = 0;
    if (live === undefined) return count;
    for (let look = 0; look < 2; look++) {
      const taken = this.#takeAll(queue, live);
      if (taken === undefined) return 0;
      count += taken;
      if (live.jobs.length > live.started) this.onHeld(queue);
      if (live.started > 0) {
        live.ring.suppressNotification();
        return count;
      }
      if (!live.ring.armNotification()) return count;
    }
    return count;
  }

  /** How many chains; undefined if the device broke. Ends: a ring has no more chains outstanding than its size. */
  #takeAll(queue: number, live: LiveQueue<Request>): number | undefined {
    let count = 0;
    for (let taken = live.ring.take(); taken.kind !== 'empty'; taken = live.ring.take()) {
      if (taken.kind === 'violation') {
        this.#break(queue, taken.violation);
        return undefined;
      }
      const chain = taken.request;
      this.#eventsOf(queue).taken(chain.head, chain, live.ring.inFlight);
      const admission = this.admit(queue, chain);
      if (admission.kind === 'violation') {
        this.#break(queue, admission.violation);
        return undefined;
      }
      const held = live.jobs.length - live.started;
      live.jobs.push({ chain, request: admission.kind === 'serve' ? admission.request : undefined });
      if (admission.kind === 'serve') {
        assert(held === 0, 'a queue either serves or holds');
        this.#start(queue, live, admission.cycles);
      }
      count++;
    }
    return count;
  }

  #start(queue: number, live: LiveQueue<Request>, cycles: number): void {
    const now = this.#schedule.now;
    live.started++;
    live.busyUntil = Math.max(now, live.busyUntil) + cycles;
    this.#schedule.after(live.busyUntil - now, this.#target(queue), NOTHING);
  }

  /** The first started job of a queue has come due. */
  #finish(queue: number): void {
    const live = must(this.#queues[queue], 'what comes due has a live queue');
    const job = must(live.jobs.shift(), 'what comes due has a job');
    live.started--;
    const request = must(job.request, 'a started job has a request');
    const writtenBytes = this.perform(queue, job.chain, request);
    const { ring } = live;
    ring.complete(job.chain, writtenBytes);
    const events = this.#eventsOf(queue);
    const usedIndex = ring.rspProd;
    events.completed(job.chain.head, writtenBytes, usedIndex, ring.inFlight);
    const delivered = ring.shouldNotifyDriver();
    events.used(usedIndex, delivered);
    if (delivered) this.#transport?.notifyUsed();
    this.#look(queue, 0);
  }

  #break(queue: number, { what, offending }: RingViolation): void {
    this.#broken = true;
    this.queueSizesMax.forEach((_, index) => {
      this.#drop(index);
    });
    this.#events.emit({ kind: 'broken', device: this.name, queue, what, offending });
    this.#transport?.needsReset();
  }

  #drop(queue: number): void {
    this.#queues[queue] = undefined;
    this.#schedule.cancel(this.#target(queue));
  }

  #target(queue: number): string {
    return must(this.#targets[queue], 'a queue of the device');
  }

  #eventsOf(queue: number): QueueEvents {
    return must(this.#queueEvents[queue], 'a queue of the device');
  }
}

/** What comes due is the first job of a queue: there is nothing else to say. */
const NOTHING: PlainState = {};

/** Of a job that is held: what it asks for is not known yet. */
const NO_REQUEST: PlainState = {};

function writeLive<Request extends PlainState>(sink: StateSink, live: LiveQueue<Request>): void {
  sink.state('ring', live.ring);
  sink.value('started', live.started);
  sink.value('busyUntil', live.busyUntil);
  sink.beginList('jobs');
  for (const { chain, request } of live.jobs) {
    sink.begin(undefined);
    sink.constant('chain', chain);
    sink.constant('request', request ?? NO_REQUEST);
    sink.end();
  }
  sink.end();
}
