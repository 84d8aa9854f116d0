/**
 * How long back ends take, in model cycles (1 cycle = 1 ns on the bundled core profiles). These are not measurements of a
 * certain host: they are round numbers by the stated rule, there so that requests overlap with the guest as they do in life.
 */

export interface BackendTiming {
  readonly console: { readonly latencyCycles: number; readonly perByteCycles: number };
  readonly block: { readonly latencyCycles: number; readonly perSectorCycles: number };
  readonly entropy: { readonly latencyCycles: number; readonly perByteCycles: number };
  /** Of a network controller, to send a frame or to put one into the driver's buffers. */
  readonly net: { readonly latencyCycles: number; readonly perByteCycles: number };
}

export const DEFAULT_BACKEND_TIMING: BackendTiming = {
  // Rule: hand-over to a host thread 1 microsecond; a copy of one byte per nanosecond.
  console: { latencyCycles: 1_000, perByteCycles: 1 },
  // Rule: an image in the host's page cache: one system call of 10 microseconds, then 2.56 GB/s (512 bytes in 200 ns).
  block: { latencyCycles: 10_000, perSectorCycles: 200 },
  // Rule: as the console.
  entropy: { latencyCycles: 1_000, perByteCycles: 1 },
  net: { latencyCycles: 1_000, perByteCycles: 1 },
};
