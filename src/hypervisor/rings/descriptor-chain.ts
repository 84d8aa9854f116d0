/**
 * Walks a descriptor chain of a split virtqueue (virtio 1.2 section 2.7.5) out of guest memory: every descriptor is read once,
 * the copy is validated, and only the copy is used.
 *
 * The walk is bounded by the queue size of the device whatever the guest wrote. Not protected: the contents of the buffers,
 * which other harts may change while a device reads them, and buffers that overlap each other, the rings or the tables, which
 * hurts nobody but the guest. Unknown descriptor flags are ignored. Empty buffers are accepted.
 */
import type { GuestMemory } from '../../machine/bus.ts';
import type { DescriptorChain, RingViolation, RingViolationName, Segment } from './ring-model.ts';

export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;
export const VIRTQ_DESC_BYTES = 16;

/** Section 2.7.5.2. */
const CHAIN_BYTES_MAX = 2 ** 32;

/** An array of descriptors that lies in RAM. */
export interface DescriptorTable {
  readonly pa: number;
  readonly count: number;
}

export interface ChainLimits {
  /** Longest chain in descriptors: the queue size of the device. */
  readonly descriptorsMax: number;
  /** Whether VIRTIO_F_RING_INDIRECT_DESC was negotiated. */
  readonly indirect: boolean;
}

interface Descriptor {
  readonly addr: bigint;
  readonly len: number;
  readonly flags: number;
  readonly next: number;
}

export type WalkResult =
  | { readonly kind: 'request'; readonly request: DescriptorChain }
  | { readonly kind: 'violation'; readonly violation: RingViolation };

/** Walks the chain that starts at `head`, which is an index of `table`. */
export function walkChain(memory: GuestMemory, table: DescriptorTable, head: number, limits: ChainLimits): WalkResult {
  const buffers = new BufferList(memory, limits.descriptorsMax);
  let current = table;
  let isIndirect = false;
  let index = head;
  // A walk longer than its table has come by some descriptor twice.
  for (let steps = 0; steps < current.count; steps++) {
    const descriptor = readDescriptor(memory, current.pa + index * VIRTQ_DESC_BYTES);
    if ((descriptor.flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
      const fault = isIndirect ? violation('indirect-nested', index) : checkIndirect(memory, descriptor, limits);
      if (fault !== undefined) return { kind: 'violation', violation: fault };
      // Section 2.7.5.3.2: the write flag of this descriptor is ignored; plain descriptors may come before it.
      current = { pa: Number(descriptor.addr), count: descriptor.len / VIRTQ_DESC_BYTES };
      isIndirect = true;
      index = 0;
      steps = -1;
      continue;
    }
    const fault = buffers.add(descriptor);
    if (fault !== undefined) return { kind: 'violation', violation: fault };
    if ((descriptor.flags & VIRTQ_DESC_F_NEXT) === 0) {
      return { kind: 'request', request: buffers.chain(head, isIndirect) };
    }
    if (descriptor.next >= current.count) {
      return { kind: 'violation', violation: violation('next-out-of-range', descriptor.next) };
    }
    index = descriptor.next;
  }
  return { kind: 'violation', violation: violation('descriptor-loop', index) };
}

/** A violation with its offending value. */
export function violation(what: RingViolationName, offending: number | bigint): RingViolation {
  return { what, offending: BigInt(offending) };
}

/** An address as a number if `[addr, addr + lengthBytes)` lies in RAM. */
export function ramAddress(memory: GuestMemory, addr: bigint, lengthBytes: number): number | undefined {
  const pa = Number(addr);
  // Addresses past 2^53 lose bits as numbers; `contains` refuses them all.
  return memory.contains(pa, lengthBytes) ? pa : undefined;
}

function readDescriptor(memory: GuestMemory, pa: number): Descriptor {
  return {
    addr: memory.read64(pa),
    len: memory.read32(pa + 8),
    flags: memory.read16(pa + 12),
    next: memory.read16(pa + 14),
  };
}

/** Section 2.7.5.3.1, all of it, for a descriptor of the queue's own table. */
function checkIndirect(memory: GuestMemory, descriptor: Descriptor, limits: ChainLimits): RingViolation | undefined {
  const { addr, len, flags } = descriptor;
  if (!limits.indirect) return violation('indirect-not-negotiated', flags);
  if ((flags & VIRTQ_DESC_F_NEXT) !== 0) return violation('indirect-with-next', flags);
  if (len === 0 || len % VIRTQ_DESC_BYTES !== 0) return violation('indirect-length', len);
  if (ramAddress(memory, addr, len) === undefined) return violation('indirect-outside-ram', addr);
  return undefined;
}

/** The buffers of a chain as they are found. */
class BufferList {
  readonly #memory: GuestMemory;
  readonly #descriptorsMax: number;
  readonly #readable: Segment[] = [];
  readonly #writable: Segment[] = [];
  #readableBytes = 0;
  #writableBytes = 0;

  constructor(memory: GuestMemory, descriptorsMax: number) {
    this.#memory = memory;
    this.#descriptorsMax = descriptorsMax;
  }

  get #descriptors(): number {
    return this.#readable.length + this.#writable.length;
  }

  add({ addr, len, flags }: Descriptor): RingViolation | undefined {
    const writable = (flags & VIRTQ_DESC_F_WRITE) !== 0;
    if (this.#descriptors >= this.#descriptorsMax) return violation('chain-too-long', this.#descriptors + 1);
    const pa = ramAddress(this.#memory, addr, len);
    if (pa === undefined) return violation('buffer-outside-ram', addr);
    if (!writable && this.#writable.length > 0) return violation('readable-after-writable', addr);
    const totalBytes = this.#readableBytes + this.#writableBytes + len;
    if (totalBytes > CHAIN_BYTES_MAX) return violation('chain-too-large', totalBytes);
    if (writable) {
      this.#writable.push({ pa, lengthBytes: len });
      this.#writableBytes += len;
    } else {
      this.#readable.push({ pa, lengthBytes: len });
      this.#readableBytes += len;
    }
    return undefined;
  }

  chain(head: number, indirect: boolean): DescriptorChain {
    return {
      head,
      descriptors: this.#descriptors,
      indirect,
      readable: this.#readable,
      writable: this.#writable,
      readableBytes: this.#readableBytes,
      writableBytes: this.#writableBytes,
    };
  }
}
