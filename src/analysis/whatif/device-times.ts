/**
 * When devices are done in the predicted run. All kinds of controllers take the same cycles for the same work (`backends/backend-timing.ts`), and a
 * disk does what it is asked for one request after the other, whether by a command or on a ring.
 *
 * Work goes on when it is due, or at the end of an exit in which it comes due, as the loop of a hypervisor finds it.
 */
import { DEFAULT_BACKEND_TIMING } from '../../hypervisor/backends/backend-timing.ts';
import { NET_QUEUE } from '../../hypervisor/backends/net-wire.ts';
import { SECTOR_BYTES } from '../../hypervisor/backends/overlay-disk.ts';
import type { EventOf } from '../../hypervisor/events.ts';
import type { Step } from './recorded-run.ts';

export const isNet = (device: string): boolean => device.startsWith('pv-net');
export const isDisk = (device: string): boolean => device.startsWith('pv-block');

/** A frame that was received. */
interface Frame {
  readonly lengthBytes: number;
  /** Ordinal of the frame sent that it answers; undefined if that is not found. */
  readonly answers: number | undefined;
}

interface Work {
  readonly due: number;
  readonly what: 'sent' | 'answer' | 'frame' | 'request';
  /** Ordinal of the frame sent, or received. */
  readonly ordinal: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class DeviceTimes {
  readonly #frames: readonly Frame[];
  /** The frame that answers one that was sent, by ordinals. */
  readonly #answerTo = new Map<number, number>();
  readonly #latencyCycles: number;
  readonly #work: Work[] = [];
  /** When each frame was there; undefined: not yet. */
  readonly #received: (number | undefined)[] = [];
  #sentCount = 0;
  #lastSent = NEVER;
  #sendsUntil = 0;
  #receivesUntil = 0;
  #requestsUntil = 0;
  #requestDone = NEVER;

  /** @param latencyCycles of the peer on the wire */
  constructor(steps: readonly Step[], latencyCycles: number) {
    this.#frames = framesOf(steps, latencyCycles);
    this.#frames.forEach(({ answers }, ordinal) => {
      if (answers !== undefined && !this.#answerTo.has(answers)) this.#answerTo.set(answers, ordinal);
    });
    this.#latencyCycles = latencyCycles;
  }

  /** When something goes on by itself. */
  get nextDue(): number {
    return this.#work.reduce((next, { due }) => Math.min(next, due), NEVER);
  }

  /** The last request is done since then. Never while one is under way, as with the others. */
  get requestDone(): number {
    return this.#requestDone;
  }

  /** The last frame that was taken has been sent. */
  get lastSent(): number {
    return this.#lastSent;
  }

  /** The frame of that ordinal is there. One that answers nothing comes at once. */
  frameReady(ordinal: number): number {
    if (this.#frames[ordinal]?.answers === undefined) return 0;
    return this.#received[ordinal] ?? NEVER;
  }

  /** The device takes a frame, or a request. */
  take(event: EventOf<'take'>, now: number): void {
    if (isNet(event.device)) {
      if (event.queue === NET_QUEUE.transmit) this.#send(event.readableBytes, now);
      return;
    }
    const { latencyCycles, perSectorCycles } = DEFAULT_BACKEND_TIMING.block;
    const sectors = (event.readableBytes + event.writableBytes) / SECTOR_BYTES;
    this.#requestsUntil = Math.max(now, this.#requestsUntil) + latencyCycles + perSectorCycles * sectors;
    this.#drop('request');
    this.#requestDone = NEVER;
    this.#work.push({ due: this.#requestsUntil, what: 'request', ordinal: 0 });
  }

  /** Does what is due. */
  proceed(now: number): void {
    for (;;) {
      const index = this.#work.findIndex(({ due }) => due <= now);
      const [work] = index < 0 ? [] : this.#work.splice(index, 1);
      if (work === undefined) return;
      this.#finish(work, now);
    }
  }

  #send(lengthBytes: number, now: number): void {
    this.#sendsUntil = Math.max(now, this.#sendsUntil) + netCycles(lengthBytes);
    this.#lastSent = NEVER;
    this.#work.push({ due: this.#sendsUntil, what: 'sent', ordinal: this.#sentCount++ });
  }

  #finish({ what, ordinal }: Work, now: number): void {
    switch (what) {
      case 'sent': {
        if (ordinal === this.#sentCount - 1) this.#lastSent = now;
        const answer = this.#answerTo.get(ordinal);
        if (answer !== undefined) this.#work.push({ due: now + this.#latencyCycles, what: 'answer', ordinal: answer });
        break;
      }
      case 'answer':
        this.#receivesUntil = Math.max(now, this.#receivesUntil) + netCycles(this.#frames[ordinal]?.lengthBytes ?? 0);
        this.#work.push({ due: this.#receivesUntil, what: 'frame', ordinal });
        break;
      case 'frame':
        this.#received[ordinal] = now;
        break;
      case 'request':
        this.#requestDone = now;
        break;
    }
  }

  #drop(what: Work['what']): void {
    const index = this.#work.findIndex((work) => work.what === what);
    if (index >= 0) this.#work.splice(index, 1);
  }
}

function netCycles(lengthBytes: number): number {
  const { latencyCycles, perByteCycles } = DEFAULT_BACKEND_TIMING.net;
  return latencyCycles + perByteCycles * lengthBytes;
}

/** Which frame each one received answers: the one that was sent so long before as the way to the peer and back takes. */
function framesOf(steps: readonly Step[], latencyCycles: number): Frame[] {
  const sent: number[] = [];
  const frames: Frame[] = [];
  for (const { event } of steps) {
    if (event.kind !== 'complete' || !isNet(event.device)) continue;
    if (event.queue === NET_QUEUE.transmit) {
      sent.push(event.cycle);
      continue;
    }
    const lengthBytes = event.writtenBytes;
    const departed = event.cycle - netCycles(lengthBytes) - latencyCycles;
    // The last one sent until then: each stage may have waited for the end of an exit.
    const answers = sent.findLastIndex((cycle) => cycle <= departed);
    frames.push({ lengthBytes, answers: answers < 0 ? undefined : answers });
  }
  return frames;
}
