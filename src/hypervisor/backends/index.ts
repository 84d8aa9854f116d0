/**
 * Back ends: the host's side of paravirtual devices. Each is a `VirtioDevice` to be plugged into a `VirtioMmio` slot; they move
 * bytes between guest rings and what they are given (a disk, a byte sink, a generator), and know no host facility themselves.
 */
export { type BackendTiming, DEFAULT_BACKEND_TIMING } from './backend-timing.ts';
export { BlockBackend, type BlockOptions } from './block-backend.ts';
export { ConsoleBackend, type ConsoleOptions, type ConsoleOut } from './console-backend.ts';
export { EntropyBackend, type EntropyOptions, type RandomBytes } from './entropy-backend.ts';
export { OverlayDisk, SECTOR_BYTES } from './overlay-disk.ts';
export type { BackendOptions } from './virtio-backend.ts';
