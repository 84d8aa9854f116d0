/**
 * How a host learns what the machine spends wall time on besides executing: the machine has no clock, so it tells when such work
 * begins and ends, and the host measures. Nothing of it can come back into a run.
 */

/**
 * `decode`: predecoding for the interpreter; `generate`: hot code to WebAssembly; `compile`: WebAssembly to machine code, on this
 * thread; `install`: a compiled module into the code cache.
 */
export const MACHINE_WORK = ['decode', 'generate', 'compile', 'install'] as const;
export type MachineWork = (typeof MACHINE_WORK)[number];

/** Work of one kind may lie inside another; ends come in reverse order of beginnings. An exception leaves out the end. */
export interface Meter {
  begin(work: MachineWork): void;
  end(work: MachineWork): void;
  /** A module begins to be compiled while the guest goes on. @returns to be called when its code is there */
  beginBackground(): () => void;
}
