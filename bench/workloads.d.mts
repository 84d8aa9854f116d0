export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly entry: 'm' | 's';
  /** Of a full run, and of a short one. */
  readonly iterations: number;
  readonly short: number;
  /** Ratios of wall time to QEMU's recording. */
  readonly goal?: { readonly whole?: number; readonly steady?: number };
  /** A path to the hypervisor that each iteration takes so many times. */
  readonly path?: { readonly what: string; readonly perIteration: number };
  /** More arguments for QEMU. */
  readonly qemu?: readonly string[];
}

export const FEW_PART: number;
export const WORKLOADS: readonly Workload[];
export const COMPUTE: readonly string[];
export const CURVE_GUESTS: readonly string[];
