/** The wire between a network controller and whatever is at its other end, and what both agree on. */
import type { Stateful } from '../../machine/state-sink.ts';

/** Ethernet II without FCS. */
export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 1514;
/** Frames shorter than this are filled up with zeros by controllers that pad (IEEE 802.3, 64 bytes with FCS). */
export const FRAME_BYTES_PADDED = 60;

/** Frames that a controller keeps while the driver gives no buffers. */
export const RECEIVE_FRAMES_MAX = 64;

/** Queue numbers of a network device in events (virtio 1.2 section 5.1.2); an e1000 follows them. */
export const NET_QUEUE = { receive: 0, transmit: 1 } as const;

/** Why frames are lost: the reasons of `drop` events. */
export const DROP_REASONS = [
  'no-buffer',
  'receiver-off',
  'buffer-too-small',
  'too-long',
  'too-short',
  'bad-fcs',
  'unsupported-descriptor',
  'peer-full',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What a controller sees of its wire. Its state is what is on its way, and what the other end remembers. */
export interface NetWire extends Stateful {
  /** Who takes frames that come in. Called once, before anything is sent. */
  connect(receive: (frame: Uint8Array) => void): void;
  /** Sends a frame of valid length; it is the callee's to keep. */
  send(frame: Uint8Array): void;
}
