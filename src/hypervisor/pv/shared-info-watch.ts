/**
 * Watches the guest's stores to the shared-info page, and tells which of them were exits avoided: masking and unmasking of interrupts,
 * and acknowledgements. It looks and changes nothing, so that it is no part of the state.
 */
import type { GuestMemory } from '../../machine/bus.ts';
import type { Machine, WatchedStore } from '../../machine/machine-types.ts';
import type { AvoidedExits } from '../avoided-exits.ts';
import type { EventChannels } from './event-channels.ts';
import { SHARED_INFO, VCPU_INFO } from './pv-layout.ts';

/** @param pa of the shared-info page */
export function watchSharedInfo(machine: Machine, pa: number, events: EventChannels, avoided: AvoidedExits): void {
  const watch = new SharedInfoWatch(machine.memory, pa, events, avoided);
  // From the first vCPU's record to the last pending bit.
  machine.watchStores(pa, SHARED_INFO.mask, (store) => watch.stored(store));
}

class SharedInfoWatch {
  readonly #memory: GuestMemory;
  readonly #pa: number;
  readonly #events: EventChannels;
  readonly #avoided: AvoidedExits;

  constructor(memory: GuestMemory, pa: number, events: EventChannels, avoided: AvoidedExits) {
    this.#memory = memory;
    this.#pa = pa;
    this.#events = events;
    this.#avoided = avoided;
  }

  stored({ hart, gpa, sizeBytes, beforeLow, beforeHigh }: WatchedStore): void {
    const first = gpa - this.#pa;
    const end = Math.min(first + sizeBytes, SHARED_INFO.mask);
    for (let offset = first; offset < end; offset++) {
      const index = offset - first;
      const before = ((index < 4 ? beforeLow : beforeHigh) >>> (8 * (index & 3))) & 0xff;
      if (offset >= SHARED_INFO.pending) this.#pendingStored(hart, offset, before);
      else if (offset % SHARED_INFO.vcpuInfoBytes === VCPU_INFO.upcallMask)
        this.#maskStored(hart, offset, sizeBytes, before);
    }
  }

  /** A byte stored is an operation even if it was so before, as `csrci` is one; a wider store only if it changes the byte among others. */
  #maskStored(hart: number, offset: number, sizeBytes: number, before: number): void {
    const isMasked = this.#memory.read8(this.#pa + offset) !== 0;
    if (sizeBytes > 1 && isMasked === (before !== 0)) return;
    this.#avoided.add(hart, isMasked ? 'interrupt-mask' : 'interrupt-unmask');
  }

  #pendingStored(hart: number, offset: number, before: number): void {
    let cleared = before & ~this.#memory.read8(this.#pa + offset);
    for (let port = 8 * (offset - SHARED_INFO.pending); cleared !== 0; port++, cleared >>>= 1) {
      if ((cleared & 1) === 0) continue;
      const source = this.#events.sourceOf(port);
      // A bit that the guest set itself, of a port that nothing is bound to, was no interrupt.
      if (source !== '') this.#avoided.add(hart, 'interrupt-acknowledge', 1, port, source);
    }
  }
}
