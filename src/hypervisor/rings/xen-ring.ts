/**
 * The back end's side of a Xen ring (`public/io/ring.h`; docs/abi.md, "Rings"): one page, in which requests and responses share the
 * slots. A request is copied when it is taken, and the copy is all that is looked at.
 */

import { assert } from '../../assert.ts';
import type { GuestMemory } from '../../machine/bus.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { indexDistance, needEvent, type Ring, type Taken } from './ring-model.ts';

/** Offsets in the page. */
const RING = { reqProd: 0, reqEvent: 4, rspProd: 8, rspEvent: 12, slots: 64 } as const;
const PAGE_BYTES = 4096;
const BITS = 32;

/** A request as it stood in its slot: a copy, which is used again for the next that is taken. */
export interface SlotRequest {
  /** Number of the slot. */
  readonly slot: number;
  readonly copy: DataView;
}

export interface XenRingOptions {
  readonly memory: GuestMemory;
  /** Physical address of the page, which nobody takes away while the ring is in use. */
  readonly pa: number;
  /** A multiple of 4. */
  readonly slotBytes: number;
}

const EMPTY = { kind: 'empty' } as const;

export class XenRing implements Ring<SlotRequest, Uint8Array> {
  readonly slotCount: number;
  readonly #memory: GuestMemory;
  readonly #pa: number;
  readonly #slotBytes: number;
  readonly #taken: { readonly kind: 'request'; readonly request: { slot: number; readonly copy: DataView } };
  #reqCons = 0;
  #rspProd = 0;
  /** `rspProd` when it was last asked whether to notify. */
  #rspTold = 0;

  constructor({ memory, pa, slotBytes }: XenRingOptions) {
    this.#memory = memory;
    this.#pa = pa;
    this.#slotBytes = slotBytes;
    this.#taken = { kind: 'request', request: { slot: 0, copy: new DataView(new ArrayBuffer(slotBytes)) } };
    this.slotCount = 2 ** Math.floor(Math.log2((PAGE_BYTES - RING.slots) / slotBytes));
  }

  get inFlight(): number {
    return indexDistance(this.#rspProd, this.#reqCons, BITS);
  }

  get rspProd(): number {
    return this.#rspProd;
  }

  reqProd(): number {
    return this.#memory.read32(this.#pa + RING.reqProd);
  }

  waiting(): number {
    return indexDistance(this.#reqCons, this.reqProd(), BITS);
  }

  /** What it returns is good until the next is taken. */
  take(): Taken<SlotRequest> {
    const reqProd = this.reqProd();
    // RING_REQUEST_PROD_OVERFLOW. It also catches a producer that has gone back: that is a distance of almost 2^32.
    if (indexDistance(this.#rspProd, reqProd, BITS) > this.slotCount || this.waiting() > this.slotCount) {
      return { kind: 'violation', violation: { what: 'request-index-jump', offending: BigInt(reqProd) } };
    }
    if (reqProd === this.#reqCons) return EMPTY;
    const slot = this.#reqCons % this.slotCount;
    this.#reqCons = (this.#reqCons + 1) >>> 0;
    const { request } = this.#taken;
    request.slot = slot;
    this.#copySlot(slot, request.copy);
    return this.#taken;
  }

  /** Responses go into the slots in order, whichever request they are to. */
  complete(_request: Pick<SlotRequest, 'slot'>, response: Uint8Array): void {
    assert(response.length <= this.#slotBytes && this.inFlight > 0, 'a response to a request, no longer than its slot');
    this.#memory.writeBytes(this.#slotPa(this.#rspProd % this.slotCount), response);
    this.#rspProd = (this.#rspProd + 1) >>> 0;
    this.#memory.write32(this.#pa + RING.rspProd, this.#rspProd);
  }

  shouldNotifyDriver(): boolean {
    const before = this.#rspTold;
    this.#rspTold = this.#rspProd;
    const event = this.#memory.read32(this.#pa + RING.rspEvent);
    return needEvent(before, this.#rspProd, event - 1, BITS);
  }

  armNotification(): boolean {
    this.#memory.write32(this.#pa + RING.reqEvent, (this.#reqCons + 1) >>> 0);
    return this.waiting() > 0;
  }

  /** The event index that stands there is behind by now: nobody notifies for it. */
  suppressNotification(): void {}

  writeState(sink: StateSink): void {
    sink.value('pa', this.#pa);
    sink.value('reqCons', this.#reqCons);
    sink.value('rspProd', this.#rspProd);
    sink.value('rspTold', this.#rspTold);
  }

  /** Reads each word once: whatever the guest writes from here on is not looked at. */
  #copySlot(slot: number, copy: DataView): void {
    const pa = this.#slotPa(slot);
    for (let at = 0; at < this.#slotBytes; at += 4) copy.setUint32(at, this.#memory.read32(pa + at), true);
  }

  #slotPa(slot: number): number {
    return this.#pa + RING.slots + slot * this.#slotBytes;
  }
}
