/**
 * One model of shared rings for all layouts. A ring has two directions, each with a free-running producer index that one side
 * publishes and an event index by which the other side says when it wants to be told:
 *
 * | model      | virtio split queue (virtio 1.2 section 2.7) | Xen `ring.h`  | written by |
 * |------------|---------------------------------------------|---------------|------------|
 * | `reqProd`  | `avail.idx`                                 | `req_prod`    | driver     |
 * | `reqEvent` | `used.avail_event`                          | `req_event`-1 | device     |
 * | `rspProd`  | `used.idx`                                  | `rsp_prod`    | device     |
 * | `rspEvent` | `avail.used_event`                          | `rsp_event`-1 | driver     |
 *
 * `reqCons` (how far the device has taken requests) is private to the device in both. Event indexes here follow virtio: "tell
 * me when the entry with this index has been written"; Xen's are one ahead: "tell me when the producer reaches this value".
 * A driver that publishes past an event index nobody is interested in saves a VM exit: that is what a paravirtual ring is for.
 */
import type { Stateful } from '../../machine/state-sink.ts';

/** Width of a free-running ring index: virtio 16 bits, Xen 32. */
export type IndexBits = 16 | 32;

/** Everything that a ring of the guest can get wrong. Names appear in `broken` events. */
export const RING_VIOLATIONS = {
  'queue-size': 'queue size is not a power of two within the maximum (virtio 1.2 2.7)',
  'queue-alignment': 'a queue area is not aligned (2.7)',
  'queue-outside-ram': 'a queue area does not lie in RAM',
  'avail-index-jump': 'more chains published than the queue can hold (2.7.13)',
  'head-out-of-range': 'the head of a chain is no index of the descriptor table',
  'head-in-flight': 'the head of a chain belongs to a chain that the device still holds',
  'next-out-of-range': 'a chain goes on past the end of its table',
  'descriptor-loop': 'a chain has more descriptors than its table: it loops (2.7.5.2)',
  'chain-too-long': 'a chain has more descriptors than the queue size of the device (2.7.5.3.1)',
  'chain-too-large': 'a chain has more than 2^32 bytes (2.7.5.2)',
  'buffer-outside-ram': 'a buffer does not lie in RAM',
  'readable-after-writable': 'a device-readable buffer follows a device-writable one (2.7.4.2)',
  'indirect-not-negotiated': 'an indirect descriptor without VIRTIO_F_RING_INDIRECT_DESC (2.7.5.3.1)',
  'indirect-with-next': 'a descriptor is both indirect and chained (2.7.5.3.1)',
  'indirect-nested': 'an indirect descriptor inside an indirect table (2.7.5.3.1)',
  'indirect-length': 'the length of an indirect table is no positive multiple of 16 (2.7.5.3)',
  'indirect-outside-ram': 'an indirect table does not lie in RAM',
  'wrong-direction': 'a buffer has the wrong direction for its queue',
  'request-index-jump': 'more requests published than a Xen ring has slots free (ring.h, RING_REQUEST_PROD_OVERFLOW)',
  'no-status-byte': 'a block request has no room for its status (5.2.6)',
} as const;
export type RingViolationName = keyof typeof RING_VIOLATIONS;

/** What was wrong and the offending value. A value, never an exception: the guest did it. */
export interface RingViolation {
  readonly what: RingViolationName;
  readonly offending: bigint;
}

/** A piece of guest RAM. Validated: it lies in RAM. */
export type Segment = {
  readonly pa: number;
  readonly lengthBytes: number;
};

/** A request of a descriptor ring, copied out of guest memory and validated: later guest writes do not change it. */
export type DescriptorChain = {
  readonly head: number;
  /** Number of buffers, without the descriptor that refers to an indirect table. */
  readonly descriptors: number;
  readonly indirect: boolean;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
  readonly readableBytes: number;
  readonly writableBytes: number;
};

export type Taken<Request> =
  | { readonly kind: 'empty' }
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'violation'; readonly violation: RingViolation };

/** The device's end of a ring. `Request` is what it takes, `Outcome` what it returns with it. */
export interface Ring<Request, Outcome> extends Stateful {
  /** The driver's published index, as it stands in memory now. */
  reqProd(): number;
  /** Published requests not yet taken, by the indexes alone (modulo the index width; a hostile driver makes it anything). */
  waiting(): number;
  /** Takes the next request. After a violation the ring is not to be used again. */
  take(): Taken<Request>;
  /** Requests taken and not yet completed. */
  readonly inFlight: number;
  /** Returns a taken request to the driver and publishes it. */
  complete(request: Request, outcome: Outcome): void;
  /** The device's published index. */
  readonly rspProd: number;
  /** After one or more `complete`: whether the driver wants to be told. Considers everything published since last asked. */
  shouldNotifyDriver(): boolean;
  /** Asks the driver to notify at its next request. Returns whether requests wait by now: then look again (final check). */
  armNotification(): boolean;
  /** Tells the driver that notifications are not needed while the device will look by itself. */
  suppressNotification(): void;
}

/** `newer - older` of free-running indexes. */
export function indexDistance(older: number, newer: number, bits: IndexBits): number {
  return bits === 16 ? (newer - older) & 0xffff : (newer - older) >>> 0;
}

/**
 * Whether publishing entries `oldIndex` up to, not including, `newIndex` passes the entry `event` that the other side waits for
 * (virtio 1.2 section 2.7.7.2, 2.7.10.1). Xen's event index is one ahead: pass `rsp_event - 1`.
 */
export function needEvent(oldIndex: number, newIndex: number, event: number, bits: IndexBits): boolean {
  return indexDistance(event + 1, newIndex, bits) < indexDistance(oldIndex, newIndex, bits);
}
