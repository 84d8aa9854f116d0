/**
 * Everything that decides a run besides its inputs, as plain data: it is the header of a trace. No host paths beyond what the
 * user typed, no dates, no host facts: the same command gives the same bytes.
 */

import type { NetConfig } from '../hypervisor/vm-config.ts';

export type { NetConfig };

export const MODE_NAMES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh', 'pv'] as const;
export type ModeName = (typeof MODE_NAMES)[number];

/** An image by content. */
export interface ImageRef {
  /** File name as the user typed it, or the name of a bundled guest. */
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256 in lower-case hex. */
  readonly sha256: string;
}

export interface RunConfig {
  readonly mode: ModeName;
  /** Name of the cost profile; its numbers are in `costProfile` of the trace header so that a trace stands alone. */
  readonly costs: string;
  /** Name of the core profile. */
  readonly core: string;
  /** 1 to 8. */
  readonly hartCount: number;
  readonly memoryBytes: number;
  /** Kernel command line (`/chosen/bootargs`). */
  readonly append: string;
  /** Privilege that the guest starts in: `m` needs mode `native`. */
  readonly entry: 'm' | 's';
  /** Seed of the entropy device and of everything else that is random. */
  readonly seed: string;
  /** Length of a hart's turn in cycles when several harts run. */
  readonly quantumCycles: number;
  /** A state digest is taken at the first stop at or after each multiple of this. */
  readonly digestIntervalCycles: number;
  /** The run ends here; 0 means no limit. */
  readonly maxCycles: number;
  /** Value of the real-time clock at reset in seconds since 1970: the RTC follows the guest's own clock from there. */
  readonly rtcEpochSeconds: number;
  readonly misaligned: 'hardware' | 'trap';
  /** Page-table accessed and dirty bits: set by the walker (Svadu) or page fault (Svade). */
  readonly adUpdate: 'hardware' | 'fault';
  /** The network: none if absent. */
  readonly net?: NetConfig | undefined;
  readonly guest: ImageRef;
  readonly initrd: ImageRef | undefined;
  readonly drives: readonly ImageRef[];
}

/** The bytes behind the images of a {@link RunConfig}, by the host. */
export interface RunImages {
  readonly guest: Uint8Array;
  readonly initrd: Uint8Array | undefined;
  readonly drives: readonly Uint8Array[];
}
