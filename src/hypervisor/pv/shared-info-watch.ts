/**
 * Watches the guest's stores to the shared-info page, and tells which of them were exits avoided: masking and unmasking of interrupts,
 * and acknowledgements. It looks and changes nothing, so that it is no part of the state.
 */
import type { Machine, WatchedStore } from '../../machine/machine-types.ts';
import type { AvoidedExits } from '../avoided-exits.ts';
import type { EventChannels } from './event-channels.ts';
import { SHARED_INFO, VCPU_INFO } from './pv-layout.ts';

/** @param pa of the shared-info page */
export function watchSharedInfo(machine: Machine, pa: number, events: EventChannels, avoided: AvoidedExits): void {
  const watch = new SharedInfoWatch(pa, events, avoided);
  // From the first vCPU's record to the last pending bit.
  machine.watchStores(pa, SHARED_INFO.mask, (store) => watch.stored(store));
}

class SharedInfoWatch {
  readonly #pa: number;
  readonly #events: EventChannels;
  readonly #avoided: AvoidedExits;

  constructor(pa: number, events: EventChannels, avoided: AvoidedExits) {
    this.#pa = pa;
    this.#events = events;
    this.#avoided = avoided;
  }

  stored(store: WatchedStore): void {
    const { gpa, sizeBytes } = store;
    const first = gpa - this.#pa;
    const end = Math.min(first + sizeBytes, SHARED_INFO.mask);
    for (let offset = first; offset < end; offset++) {
      const index = offset - first;
      const before = byteOf(store.beforeLow, store.beforeHigh, index);
      const after = byteOf(store.afterLow, store.afterHigh, index);
      if (offset >= SHARED_INFO.pending) this.#pendingStored(store, offset, before & ~after);
      else if (offset % SHARED_INFO.vcpuInfoBytes === VCPU_INFO.upcallMask) this.#maskStored(store, before, after);
    }
  }

  /** A byte stored is an operation even if it was so before, as `csrci` is one; a wider store only if it changes the byte among others. */
  #maskStored(store: WatchedStore, before: number, after: number): void {
    if (store.sizeBytes > 1 && (after !== 0) === (before !== 0)) return;
    this.#avoided.addAt(store, after !== 0 ? 'interrupt-mask' : 'interrupt-unmask');
  }

  #pendingStored(store: WatchedStore, offset: number, bits: number): void {
    let cleared = bits;
    for (let port = 8 * (offset - SHARED_INFO.pending); cleared !== 0; port++, cleared >>>= 1) {
      if ((cleared & 1) === 0) continue;
      const source = this.#events.sourceOf(port);
      // A bit that the guest set itself, of a port that nothing is bound to, was no interrupt.
      if (source !== '') this.#avoided.addAt(store, 'interrupt-acknowledge', port, source);
    }
  }
}

/** A byte of 8. */
function byteOf(low: number, high: number, index: number): number {
  return ((index < 4 ? low : high) >>> (8 * (index & 3))) & 0xff;
}
