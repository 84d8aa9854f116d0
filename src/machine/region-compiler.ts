/** Where a host with threads takes the work of the translator, so that the guest goes on meanwhile. */
import type { CompiledBatch, RegionJob } from './engine/regions/region-batch.ts';

export type { CompiledBatch, RegionJob };

/**
 * Generates and compiles on another thread. A job is plain data, and may be answered at any time or never: nothing but wall time
 * depends on it.
 */
export interface RegionCompiler {
  /** Rejects if it has failed; it is not asked again then, and the machine does the work itself. */
  compile(job: RegionJob): Promise<CompiledBatch>;
  /** Called now and then while jobs wait, for a host that has something to look after. */
  attend?(): void;
}
