import type { Workload } from './workloads.mjs';

export interface Column {
  readonly id: string;
  readonly title: string;
  readonly qemu?: 'plain' | 'icount' | 'rr';
  readonly verb?: 'run' | 'record' | 'replay';
  readonly engine?: 'translator' | 'interpreter';
}

export interface GuestResult {
  readonly seconds: number;
  /** If asked for. */
  readonly peakMiB: number | undefined;
  readonly checksum: string;
  readonly instructions: number;
  /** Of `record`. */
  readonly traceBytes: number | undefined;
  /** From the start of the process to the first guest instruction; NaN where it is not known. */
  readonly beginMs: number;
}

export const COLUMNS: readonly Column[];

export class Hosts {
  /** @param folder where the built guests are, and traces go */
  constructor(root: string, folder: string);
  image(name: string, iterations: number): string;
  guest(
    column: Column,
    workload: Workload,
    iterations: number,
    options?: { readonly memory?: boolean },
  ): Promise<GuestResult>;
  ubootPrompt(column: Column): Promise<number>;
  ubootSession(column: Column): Promise<{ readonly seconds: number; readonly traceBytes: number | undefined }>;
  qemuRecordBytes(): number;
}
