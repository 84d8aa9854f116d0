export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly entry: 'm' | 's';
  /** Of a full run, and of a short one. */
  readonly iterations: number;
  readonly short: number;
  /** Ratios of wall time to QEMU's recording; what recording may cost over `run`, in percent. */
  readonly goal?: { readonly whole?: number; readonly steady?: number; readonly recording?: number };
  /** A path to the hypervisor that each iteration takes so many times. */
  readonly path?: { readonly what: string; readonly perIteration: number };
  /** More arguments for QEMU. */
  readonly qemu?: readonly string[];
}

export const FEW_PART: number;
export const LONG_SECONDS: number;
export const LONG_MARGIN: number;
export const WORKLOADS: readonly Workload[];
export const COMPUTE: readonly string[];
export const COMPUTE_RECORDING_PERCENT: number;
export const UBOOT_RECORDING_PERCENT: number;
export function hasLongRun(workload: Workload): boolean;
export const CURVE_GUESTS: readonly string[];
