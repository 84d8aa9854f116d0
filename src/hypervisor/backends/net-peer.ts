/**
 * The peer at the other end of a network controller's wire: it sends requests back and acknowledges streams (docs/devices.md, "The network").
 * All that it does follows from the frames it gets; answers leave after a latency in model cycles, through the schedule.
 */

import { assert } from '../../assert.ts';
import { MAC_ADDRESS } from '../../machine/platform/memory-map.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { RingEvents } from '../rings/ring-events.ts';
import type { Scheduler } from '../schedule.ts';
import { FRAME_BYTES_PADDED, NET_QUEUE, type NetWire } from './net-wire.ts';

/** IEEE 802, "Local Experimental Ethertype 1". */
export const PEER_ETHERTYPE = 0x88b5;
export const PEER_OPERATION = { request: 1, response: 2, stream: 3, acknowledgement: 4 } as const;
/** Offsets in a frame. All fields are big-endian. */
export const PEER_FIELDS = {
  destination: 0,
  source: 6,
  etherType: 12,
  operation: 14,
  interval: 16,
  sequence: 18,
  payload: 22,
  streamFrames: 22,
  streamSum: 26,
} as const;

/** Answers that are on their way at once; a guest that asks faster loses frames. */
export const PEER_ANSWERS_MAX = 256;

const ADDRESS_BYTES = 6;
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/** What departs is the first answer: there is nothing else to say. */
const NOTHING = {};

export interface NetPeerOptions {
  /** Name of the controller, in events and in the schedule. */
  readonly name: string;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  /** From the arrival of a frame to the departure of its answer: at least 1. */
  readonly latencyCycles: number;
}

export class NetPeer implements NetWire {
  readonly #options: NetPeerOptions;
  readonly #target: string;
  #receive: ((frame: Uint8Array) => void) | undefined;
  /** Answers under way, in order of departure. */
  readonly #answers: Uint8Array[] = [];
  #ignoredFrames = 0;
  /** Stream frames and the sum of their payload bytes, modulo 2^32. */
  #streamFrames = 0;
  #streamSum = 0;

  constructor(options: NetPeerOptions) {
    this.#options = options;
    this.#target = `${options.name}.peer`;
    options.schedule.register(this.#target, () => this.#depart());
  }

  connect(receive: (frame: Uint8Array) => void): void {
    assert(this.#receive === undefined, `the wire of ${this.#options.name} has two ends already`);
    this.#receive = receive;
  }

  send(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const isForUs =
      frame.length >= PEER_FIELDS.payload &&
      (isAddress(frame, MAC_ADDRESS.peer) || isAddress(frame, BROADCAST)) &&
      view.getUint16(PEER_FIELDS.etherType) === PEER_ETHERTYPE;
    const operation = isForUs ? view.getUint8(PEER_FIELDS.operation) : 0;
    if (operation === PEER_OPERATION.request) this.#respond(frame);
    else if (operation === PEER_OPERATION.stream) this.#takeStream(frame, view);
    else this.#ignoredFrames++;
  }

  writeState(sink: StateSink): void {
    sink.value('answers', this.#answers);
    sink.value('ignoredFrames', this.#ignoredFrames);
    sink.value('streamFrames', this.#streamFrames);
    sink.value('streamSum', this.#streamSum);
  }

  #respond(frame: Uint8Array): void {
    // The frame is the peer's to keep: it goes back itself.
    this.#answer(frame, frame, PEER_OPERATION.response);
  }

  #takeStream(frame: Uint8Array, view: DataView): void {
    this.#streamFrames = (this.#streamFrames + 1) >>> 0;
    for (let at = PEER_FIELDS.payload; at < frame.length; at++) {
      this.#streamSum = (this.#streamSum + view.getUint8(at)) >>> 0;
    }
    const interval = view.getUint16(PEER_FIELDS.interval);
    if (interval === 0 || (view.getUint32(PEER_FIELDS.sequence) + 1) % interval !== 0) return;
    const answer = new Uint8Array(FRAME_BYTES_PADDED);
    answer.set(frame.subarray(0, PEER_FIELDS.payload));
    const fields = new DataView(answer.buffer);
    fields.setUint32(PEER_FIELDS.streamFrames, this.#streamFrames);
    fields.setUint32(PEER_FIELDS.streamSum, this.#streamSum);
    this.#answer(frame, answer, PEER_OPERATION.acknowledgement);
  }

  /** Sends `answer` to where `frame` came from. */
  #answer(frame: Uint8Array, answer: Uint8Array, operation: number): void {
    for (let index = 0; index < ADDRESS_BYTES; index++) {
      answer[PEER_FIELDS.destination + index] = frame[PEER_FIELDS.source + index] as number;
      answer[PEER_FIELDS.source + index] = MAC_ADDRESS.peer[index] as number;
    }
    answer[PEER_FIELDS.operation] = operation;
    const { name, schedule, events, latencyCycles } = this.#options;
    if (this.#answers.length >= PEER_ANSWERS_MAX) {
      const lengthBytes = answer.length;
      events.emit({ kind: 'drop', device: name, queue: NET_QUEUE.receive, lengthBytes, reason: 'peer-full' });
      return;
    }
    this.#answers.push(answer);
    schedule.after(latencyCycles, this.#target, NOTHING);
  }

  /** All answers take equally long, so they leave in the order in which they were made. */
  #depart(): void {
    const answer = this.#answers.shift();
    assert(answer !== undefined && this.#receive !== undefined, `${this.#target} came due without an answer`);
    this.#receive(answer);
  }
}

function isAddress(frame: Uint8Array, address: readonly number[]): boolean {
  for (let index = 0; index < ADDRESS_BYTES; index++) if (frame[index] !== address[index]) return false;
  return true;
}
