/**
 * Hot code to one module of regions, as a function of plain data: what it is given and what it gives can be sent to another thread and
 * back. Nothing here looks at a machine, so the code may have changed by the time that the module is there; whoever puts it in place
 * checks that (`region-cache.ts`).
 */
import { must } from '../../../assert.ts';
import { insnLength } from '../../isa/decode.ts';
import type { MachineConfig } from '../../machine-types.ts';
import type { EngineContext } from '../engine-context.ts';
import { PAGE_BYTES, planMemory } from '../layout.ts';
import { WasmModule } from '../wasm-module.ts';
import type { Block } from './control-flow.ts';
import { findBlocks, PageCode } from './control-flow.ts';
import type { RegionVariant, RegionWriter } from './region-emitter.ts';
import { importServices, REGION_PARAMS, REGION_RESULTS, regionBudget } from './region-emitter.ts';
import type { StructuredRegion } from './structure.ts';
import { structure } from './structure.ts';

/** What generated code depends on: no functions, no tiers. */
export type CodeConfig = Omit<MachineConfig, 'engine' | 'translator' | 'meter' | 'engineCode' | 'regionCompiler'>;

export function codeConfig({
  engine,
  translator,
  meter,
  engineCode,
  regionCompiler,
  ...code
}: MachineConfig): CodeConfig {
  return code;
}

/** A hot entry: which page of the job it lies in, and where. */
export interface JobHead {
  /** Index of the page in the job. */
  readonly page: number;
  /** Offset in the page. */
  readonly offset: number;
  readonly variant: RegionVariant;
}

export interface RegionJob {
  readonly config: CodeConfig;
  /** Bytes of the pages that the heads lie in, 4,096 each, as they were when the job was made. */
  readonly pages: Uint8Array<ArrayBuffer>;
  readonly heads: readonly JobHead[];
}

export interface JobRegion {
  /** Index of its head in the job. */
  readonly head: number;
  /** Name of its function in the module. */
  readonly name: string;
  /** Cycles that must be left for it to be entered. */
  readonly budget: number;
  /** Offsets in the page of all instructions in it, each once. */
  readonly offsets: Uint16Array<ArrayBuffer>;
}

/** What becomes of a job, but for its module. */
export interface JobResult {
  readonly regions: readonly JobRegion[];
  /** Indexes of heads that have no region of their own because they lie inside another's. */
  readonly covered: readonly number[];
  /** Instructions translated, each as often as it was. */
  readonly insns: number;
}

export interface GeneratedBatch extends JobResult {
  /** The module, with {@link importServices} and the machine's memory as imports; empty if no head is worth a region. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface CompiledBatch extends JobResult {
  /** Undefined if no head is worth a region. */
  readonly code: WebAssembly.Module | undefined;
  readonly sizeBytes: number;
}

interface Candidate {
  readonly head: number;
  readonly variant: RegionVariant;
  /** Offset of the head in the pages of the job. */
  readonly at: number;
  readonly blocks: readonly Block[];
  /** Offsets at which blocks of the region begin, likewise. */
  readonly starts: ReadonlySet<number>;
}

export function generateBatch(job: RegionJob, writeRegion: RegionWriter): GeneratedBatch {
  const { config } = job;
  const plan = planMemory(config.memoryBytes, config.hostMemoryBytes);
  const module = new WasmModule();
  const ctx: EngineContext = { module, config, plan, ...importServices(module) };
  const { chosen, covered } = choose(findCandidates(job));
  let insnCount = 0;
  const regions = chosen.map(({ head, variant, blocks }, index): JobRegion => {
    const region = structure(blocks);
    const fn = module.fn(`r${index}`, REGION_PARAMS, REGION_RESULTS);
    writeRegion(ctx, fn, region, variant);
    module.export(fn);
    const offsets = offsetsOf(region);
    insnCount += insnsOf(region);
    return { head, name: fn.name, budget: regionBudget(ctx, region), offsets };
  });
  const bytes = regions.length === 0 ? new Uint8Array() : module.encode(plan.wasmPages);
  return { bytes, regions, covered, insns: insnCount };
}

function insnsOf({ blocks }: StructuredRegion): number {
  let count = 0;
  for (let index = 0; index < blocks.length; index++) count += must(blocks[index], 'block').insns.length;
  return count;
}

/** Offsets in the page of the instructions of a region, each once. */
function offsetsOf({ blocks }: StructuredRegion): Uint16Array<ArrayBuffer> {
  const isThere = new Uint8Array(PAGE_BYTES / 2);
  const offsets = new Uint16Array(PAGE_BYTES / 2);
  let count = 0;
  for (let index = 0; index < blocks.length; index++) {
    const { insns } = must(blocks[index], 'block');
    for (let at = 0; at < insns.length; at++) {
      const { offset } = must(insns[at], 'instruction');
      if (isThere[offset / 2] === 1) continue;
      isThere[offset / 2] = 1;
      offsets[count++] = offset;
    }
  }
  return offsets.slice(0, count);
}

/** Whether the instructions of a region are still those that the job holds. @param at where their page is now in `memory` */
export function isUnchanged(job: RegionJob, { head, offsets }: JobRegion, memory: DataView, at: number): boolean {
  const page = pageOf(job, must(job.heads[head], 'head').page);
  const isSame = (offset: number) => page.getUint16(offset, true) === memory.getUint16(at + offset, true);
  return offsets.every(
    (offset) => isSame(offset) && (insnLength(page.getUint16(offset, true)) === 2 || isSame(offset + 2)),
  );
}

const pageOf = ({ pages }: RegionJob, page: number) =>
  new DataView(pages.buffer, pages.byteOffset + page * PAGE_BYTES, PAGE_BYTES);

function findCandidates(job: RegionJob): Candidate[] {
  const codes = new Map<number, PageCode>();
  return job.heads.flatMap(({ page, offset, variant }, head): Candidate[] => {
    const start = page * PAGE_BYTES;
    const code = codes.get(page) ?? new PageCode(pageOf(job, page));
    codes.set(page, code);
    const blocks = findBlocks(code, offset);
    const starts = new Set(blocks.map((block) => start + block.start));
    return blocks.length === 0 ? [] : [{ head, variant, at: start + offset, blocks, starts }];
  });
}

/** Of heads those that are worth a region of their own: one inside another's region is most often reached there. */
function choose(candidates: readonly Candidate[]): { readonly chosen: Candidate[]; readonly covered: number[] } {
  const covers = ({ starts }: Candidate) => candidates.filter(({ at }) => starts.has(at)).length;
  const ranked = candidates.map((candidate) => ({ candidate, rank: covers(candidate) }));
  ranked.sort((a, b) => b.rank - a.rank || a.candidate.at - b.candidate.at);
  const reached = new Set<number>();
  const [chosen, covered]: [Candidate[], number[]] = [[], []];
  for (const { candidate } of ranked) {
    if (reached.has(candidate.at)) {
      covered.push(candidate.head);
      continue;
    }
    for (const start of candidate.starts) reached.add(start);
    chosen.push(candidate);
  }
  return { chosen, covered };
}
