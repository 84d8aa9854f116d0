/**
 * Back ends: the host's side of devices. Most are a `VirtioDevice` to be plugged into a `VirtioMmio` slot; two stand behind the registers of
 * emulated devices (`OverlayMedium`, `E1000Backend`). They move bytes between the guest and what they are given (a disk, a byte sink,
 * a generator, a wire), and know no host facility themselves.
 */
export { OverlayMedium, type OverlayMediumOptions } from './ata-medium.ts';
export { type BackendTiming, DEFAULT_BACKEND_TIMING } from './backend-timing.ts';
export { BlockBackend, type BlockOptions } from './block-backend.ts';
export { ConsoleBackend, type ConsoleOptions, type ConsoleOut } from './console-backend.ts';
export { E1000Backend } from './e1000-backend.ts';
export { EntropyBackend, type EntropyOptions, type RandomBytes } from './entropy-backend.ts';
export { NetBackend, type NetOptions } from './net-backend.ts';
export { NetPeer, type NetPeerOptions } from './net-peer.ts';
export { NET_QUEUE, type NetWire } from './net-wire.ts';
export { OverlayDisk, SECTOR_BYTES } from './overlay-disk.ts';
export type { BackendOptions } from './virtio-backend.ts';
