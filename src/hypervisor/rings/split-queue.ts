/**
 * The device's end of a split virtqueue (virtio 1.2 section 2.7) as a {@link Ring} of descriptor chains.
 *
 * State is plain data; the areas in guest memory are validated once, when the queue is opened, and lie in RAM from then on.
 * All indexes in guest memory are read afresh and believed only within bounds. Guest memory is little-endian (section 1.4).
 *
 * Not protected: a driver may overwrite the used ring, which then is its own loss; `used.idx` is never read back.
 * Left out: VIRTIO_F_IN_ORDER (not offered; completions are in order all the same), packed rings, queue reset.
 */

import type { GuestMemory } from '../../machine/bus.ts';
import type { VirtioQueueSetup } from '../../machine/devices/virtio-device.ts';
import { type StateSink, writeFields } from '../../machine/state-sink.ts';
import { ramAddress, VIRTQ_DESC_BYTES, violation, walkChain } from './descriptor-chain.ts';
import {
  type DescriptorChain,
  indexDistance,
  needEvent,
  type Ring,
  type RingViolation,
  type RingViolationName,
  type Taken,
} from './ring-model.ts';

/** Section 2.7. */
export const VIRTQ_SIZE_MAX = 32768;
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** What driver and device agreed on that changes how a ring works. */
export interface SplitQueueFeatures {
  readonly eventIdx: boolean;
  readonly indirect: boolean;
}

/** Everything a queue is, besides guest memory. */
type SplitQueueState = {
  readonly size: number;
  readonly sizeMax: number;
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  /** Guest physical addresses of descriptor table, avail ring and used ring. */
  readonly descriptorTable: number;
  readonly availRing: number;
  readonly usedRing: number;
  /** `reqCons`: index in the avail ring of the next chain to take. */
  lastAvail: number;
  /** `rspProd`. */
  usedIndex: number;
  /** `rspProd` when {@link SplitQueue.shouldNotifyDriver} last looked. */
  decidedIndex: number;
  /** Whether the driver is asked to notify. */
  armed: boolean;
  /** One byte per descriptor: 1 while a chain with this head is in flight. */
  readonly inFlightHeads: Uint8Array;
};

/** Result of {@link SplitQueue.open}. */
export type OpenedQueue =
  | { readonly kind: 'queue'; readonly queue: SplitQueue }
  | { readonly kind: 'violation'; readonly violation: RingViolation };

export class SplitQueue implements Ring<DescriptorChain, number> {
  readonly #memory: GuestMemory;
  readonly #state: SplitQueueState;

  private constructor(memory: GuestMemory, state: SplitQueueState) {
    this.#memory = memory;
    this.#state = state;
  }

  /** Validates what the driver set up; nothing in guest memory is touched. */
  static open(memory: GuestMemory, setup: VirtioQueueSetup, features: SplitQueueFeatures): OpenedQueue {
    const { size, sizeMax } = setup;
    const isPowerOfTwo = size > 0 && (size & (size - 1)) === 0;
    if (!isPowerOfTwo || size > sizeMax || size > VIRTQ_SIZE_MAX) return refused('queue-size', size);
    const areas = [
      { addr: setup.desc, alignment: 16n, lengthBytes: VIRTQ_DESC_BYTES * size },
      { addr: setup.driver, alignment: 2n, lengthBytes: 6 + 2 * size },
      { addr: setup.device, alignment: 4n, lengthBytes: 6 + 8 * size },
    ];
    for (const { addr, alignment, lengthBytes } of areas) {
      if (addr % alignment !== 0n) return refused('queue-alignment', addr);
      if (ramAddress(memory, addr, lengthBytes) === undefined) return refused('queue-outside-ram', addr);
    }
    const state: SplitQueueState = {
      size,
      sizeMax,
      ...features,
      descriptorTable: Number(setup.desc),
      availRing: Number(setup.driver),
      usedRing: Number(setup.device),
      lastAvail: 0,
      usedIndex: 0,
      decidedIndex: 0,
      armed: true,
      inFlightHeads: new Uint8Array(size),
    };
    return { kind: 'queue', queue: new SplitQueue(memory, state) };
  }

  get rspProd(): number {
    return this.#state.usedIndex;
  }

  get inFlight(): number {
    return indexDistance(this.#state.usedIndex, this.#state.lastAvail, 16);
  }

  reqProd(): number {
    return this.#memory.read16(this.#state.availRing + 2);
  }

  waiting(): number {
    return indexDistance(this.#state.lastAvail, this.reqProd(), 16);
  }

  take(): Taken<DescriptorChain> {
    const state = this.#state;
    const published = this.reqProd();
    if (published === state.lastAvail) return { kind: 'empty' };
    // Each chain that the driver has not got back holds at least one descriptor of the table (section 2.7.13).
    if (indexDistance(state.usedIndex, published, 16) > state.size) return refused('avail-index-jump', published);
    const head = this.#memory.read16(state.availRing + 4 + 2 * (state.lastAvail % state.size));
    if (head >= state.size) return refused('head-out-of-range', head);
    if (state.inFlightHeads[head] !== 0) return refused('head-in-flight', head);
    const table = { pa: state.descriptorTable, count: state.size };
    const limits = { descriptorsMax: state.sizeMax, indirect: state.indirect };
    const walked = walkChain(this.#memory, table, head, limits);
    if (walked.kind === 'violation') return walked;
    state.lastAvail = (state.lastAvail + 1) & 0xffff;
    state.inFlightHeads[head] = 1;
    return walked;
  }

  /** @param writtenBytes bytes written to the chain, from the first byte of its first writable buffer on. */
  complete(chain: DescriptorChain, writtenBytes: number): void {
    const state = this.#state;
    const element = state.usedRing + 4 + 8 * (state.usedIndex % state.size);
    this.#memory.write32(element, chain.head);
    // Section 2.7.8.2: `len` before `idx`, and never more than was written. 2^32 does not fit; an underestimate may be given.
    this.#memory.write32(element + 4, Math.min(writtenBytes, 0xffffffff));
    state.usedIndex = (state.usedIndex + 1) & 0xffff;
    state.inFlightHeads[chain.head] = 0;
    this.#memory.write16(state.usedRing + 2, state.usedIndex);
  }

  /** Section 2.7.7.2. */
  shouldNotifyDriver(): boolean {
    const state = this.#state;
    const oldIndex = state.decidedIndex;
    state.decidedIndex = state.usedIndex;
    if (!state.eventIdx) return (this.#memory.read16(state.availRing) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    const usedEvent = this.#memory.read16(state.availRing + 4 + 2 * state.size);
    return needEvent(oldIndex, state.usedIndex, usedEvent, 16);
  }

  /** Section 2.7.10.2: through `avail_event`, or else the flag. */
  armNotification(): boolean {
    const state = this.#state;
    state.armed = true;
    if (state.eventIdx) this.#memory.write16(state.usedRing + 4 + 8 * state.size, state.lastAvail);
    else this.#memory.write16(state.usedRing, 0);
    return this.waiting() !== 0;
  }

  /**
   * With EVENT_IDX a stale `avail_event` says it: the driver has already passed it. It comes by it again after 65,536 entries;
   * that notification is spurious, which both sides must bear.
   */
  suppressNotification(): void {
    this.#state.armed = false;
    if (!this.#state.eventIdx) this.#memory.write16(this.#state.usedRing, VIRTQ_USED_F_NO_NOTIFY);
  }

  writeState(sink: StateSink): void {
    writeFields(sink, this.#state);
  }
}

function refused(what: RingViolationName, offending: number | bigint) {
  return { kind: 'violation', violation: violation(what, offending) } as const;
}
