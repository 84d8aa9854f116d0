/**
 * Memory as generated code: TLB lookup, the slow paths of loads, stores and atomics, fetches, fences.
 *
 * Left out, and reading as the specification allows: ASIDs (ASIDLEN is 0), Svnapot and Svpbmt (their PTE bits are reserved).
 * Physical addresses from 2^40 up hold nothing: access fault.
 */
import type { EngineContext } from './engine-context.ts';
import { defineFetchLookup, defineFetchSlow } from './fetch.ts';
import { defineAtomicAddress, defineLoadSlow, defineStoreSlow } from './memory-access.ts';
import { defineRaise } from './memory-faults.ts';
import { defineNoteWrite, defineWatch } from './memory-writes.ts';
import { definePageWalk } from './page-walk.ts';
import { definePmp } from './table-entries.ts';
import { defineArm, defineFill, defineLookup, defineRefill } from './tlb.ts';
import { defineUpdateContext } from './tlb-context.ts';
import { defineFence, defineFlush, defineFlushBare } from './tlb-flush.ts';
import type { Fn } from './wasm-module.ts';

export interface Mmu {
  readonly updateContext: Fn;
  readonly flush: Fn;
  /** Forgets what was remembered of untranslated accesses: after a change of PMP. */
  readonly flushBare: Fn;
  readonly fence: Fn;
  readonly loadSlow: Fn;
  readonly storeSlow: Fn;
  readonly atomicAddress: Fn;
  readonly refill: Fn;
  readonly fetchLookup: Fn;
  readonly fetchSlow: Fn;
  readonly noteWrite: Fn;
}

export function defineMmu(ctx: EngineContext): Mmu {
  const noteWrite = defineNoteWrite(ctx);
  const raise = defineRaise(ctx);
  const pmp = definePmp(ctx);
  const walk = definePageWalk(ctx, pmp, noteWrite);
  const fill = defineFill(ctx);
  const lookup = defineLookup(ctx, walk, fill, raise);
  const arm = defineArm(ctx);
  const flush = defineFlush(ctx);
  const watch = defineWatch(ctx);
  const fetchLookup = defineFetchLookup(ctx, walk, fill, raise);
  return {
    updateContext: defineUpdateContext(ctx),
    flush,
    flushBare: defineFlushBare(ctx),
    fence: defineFence(ctx, flush),
    loadSlow: defineLoadSlow(ctx, lookup, raise, arm),
    storeSlow: defineStoreSlow(ctx, { lookup, raise, noteWrite, arm, watch }),
    atomicAddress: defineAtomicAddress(ctx, { lookup, raise, noteWrite, arm, watch }),
    refill: defineRefill(ctx, lookup, arm),
    fetchLookup,
    fetchSlow: defineFetchSlow(ctx, fetchLookup),
    noteWrite,
  };
}
