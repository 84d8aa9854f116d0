/** What the code cache orders: a job for whoever translates, and what it was made of. */
import type { Engine } from './engine/engine.ts';
import { PAGE_BYTES } from './engine/layout.ts';
import type { CodeConfig, JobHead, RegionJob } from './engine/regions/region-batch.ts';
import type { RegionVariant } from './engine/regions/region-emitter.ts';
import type { Predecoder } from './predecoder.ts';

export interface HotHead {
  readonly entryPointer: number;
  readonly record: number;
  readonly variant: RegionVariant;
}

export interface Order {
  readonly job: RegionJob;
  /** Heads of the job. */
  readonly heads: readonly HotHead[];
  /** Offsets in RAM of its pages. */
  readonly ramPages: readonly number[];
  /** Counts resets of the code cache: heads of before a reset are not there any more. */
  readonly epoch: number;
}

interface Surroundings {
  readonly engine: Engine;
  readonly predecoder: Predecoder;
  readonly config: CodeConfig;
  readonly epoch: number;
}

/** What is needed to translate heads wherever it is done: copies of their pages. */
export function orderOf(heads: readonly HotHead[], { engine, predecoder, config, epoch }: Surroundings): Order {
  const indexes = new Map<number, number>();
  const jobHeads = heads.map(({ entryPointer, variant }): JobHead => {
    const { ramPage, offset } = predecoder.placeOf(entryPointer);
    const page = indexes.get(ramPage) ?? indexes.size;
    indexes.set(ramPage, page);
    return { page, offset, variant };
  });
  const ramPages = [...indexes.keys()];
  const pages = new Uint8Array(ramPages.length * PAGE_BYTES);
  for (const [page, ramPage] of ramPages.entries()) {
    pages.set(new Uint8Array(engine.memory.buffer, engine.plan.ram + ramPage, PAGE_BYTES), page * PAGE_BYTES);
  }
  return { job: { config, pages, heads: jobHeads }, heads, ramPages, epoch };
}
