/**
 * The code cache of the translator: probes on entries that may be worth translating, the queue of hot ones, compiled regions.
 *
 * Nothing here can be seen by a guest or in a trace: a region does what the interpreter does, and when it is made is not part of
 * the run.
 *
 * Memory is bounded. A head has one record and one slot of the region table for as long as its block lives: code that is translated
 * again takes the place of what was there, and a module is dropped when its last region has been replaced. When records, live
 * modules or their bytes reach a limit, everything is dropped at once, with the predecoded blocks; what is hot comes back in full
 * batches.
 */
import { assert, must } from '../assert.ts';
import type { Engine } from './engine/engine.ts';
import type { EngineContext } from './engine/engine-context.ts';
import { handlerOf, insnOfHandler, SPECIAL_HANDLERS, specialHandler } from './engine/handlers.ts';
import { forgetJump } from './engine/jump-cache.ts';
import { BLOCK, ENTRY, GLOBAL, JUMP, PAGE_BYTES, REGION, REGION_COUNT_MAX } from './engine/layout.ts';
import type { Block } from './engine/regions/control-flow.ts';
import { findBlocks, PageCode } from './engine/regions/control-flow.ts';
import type { RegionVariant, RegionWriter } from './engine/regions/region-emitter.ts';
import { importServices, REGION_PARAMS, REGION_RESULTS, regionBudget } from './engine/regions/region-emitter.ts';
import { structure } from './engine/regions/structure.ts';
import { WasmModule } from './engine/wasm-module.ts';
import type { EngineHart } from './hart-state.ts';
import { readCounter } from './hart-state.ts';
import type { MachineConfig, TranslatorTuning } from './machine-types.ts';
import { TRANSLATOR_DEFAULT } from './machine-types.ts';
import type { Predecoder } from './predecoder.ts';

/** Hot heads that are compiled as one module: many small modules cost more than one large one. */
const BATCH_MAX = 64;
/**
 * Batches that are compiled in the background at a time. A bound for memory: with 4, heads that wait inside what is being compiled get hot
 * as well, and much code is translated half as often again.
 */
const PENDING_MAX = 32;
/** How often the count that makes a head hot doubles at most: each time that its code has changed since it was translated. */
const DOUBLINGS_MAX = 8;
/**
 * The longer a guest has run, the longer it will most likely go on, and the sooner a region pays: the first row whose instructions
 * have been retired gives the divisor of the count that makes a head hot.
 */
const EAGERNESS = [
  { insns: 400_000_000, divisor: 12 },
  { insns: 100_000_000, divisor: 4 },
] as const;
/** Live modules at most: V8 ends the process near 32,500. */
const MODULE_COUNT_MAX = 2048;
/** WebAssembly of live modules at most; machine code made of it is a few times as large. */
const MODULE_BYTES_MAX = 64 << 20;

interface HotHead {
  readonly entryPointer: number;
  readonly variant: RegionVariant;
}

interface Candidate {
  readonly head: HotHead;
  readonly ramPage: number;
  /** Offset in RAM of the head. */
  readonly at: number;
  readonly blocks: readonly Block[];
  /** Offsets in RAM at which blocks of the region begin. */
  readonly starts: ReadonlySet<number>;
}

interface MadeRegion {
  readonly head: HotHead;
  readonly name: string;
  readonly budget: number;
  readonly record: number;
  /** Generation of the page when it was translated. */
  readonly generation: number;
}

/** A module with regions in the table. */
interface LiveModule {
  readonly sizeBytes: number;
  regions: number;
}

interface CompiledBatch {
  readonly code: WebAssembly.Module;
  readonly sizeBytes: number;
  readonly made: readonly MadeRegion[];
}

/** What has been made so far, and how many modules are alive. */
export interface RegionCounts {
  readonly liveModules: number;
  readonly modules: number;
  readonly regions: number;
  readonly insns: number;
  readonly moduleBytes: number;
  /** Instructions that have retired in regions; 0 without a meter. */
  readonly retired: number;
}

export class RegionCache {
  readonly #engine: Engine;
  readonly #config: MachineConfig;
  readonly #predecoder: () => Predecoder;
  readonly #writeRegion: RegionWriter;
  readonly #view: DataView;
  /** Record of each head by its entry. */
  readonly #records = new Map<number, number>();
  /** What the slots of the table hold functions of, by slot. */
  readonly #owners: (LiveModule | undefined)[] = [];
  /** Hot heads by their entries, as they became hot. */
  readonly #queue = new Map<number, HotHead>();
  #queuedAt = 0;
  #liveModules = 0;
  #liveBytes = 0;
  /** Counts resets, so that a batch compiled across one is not put in place. */
  #epoch = 0;
  #compiled: CompiledBatch[] = [];
  /** Batches that are being compiled in the background. */
  #pending = 0;
  #failure: unknown;
  #counts = { modules: 0, regions: 0, insns: 0, moduleBytes: 0 };

  /** @param writeRegion what writes a region as WebAssembly */
  constructor(engine: Engine, config: MachineConfig, predecoder: () => Predecoder, writeRegion: RegionWriter) {
    this.#engine = engine;
    this.#config = config;
    this.#predecoder = predecoder;
    this.#writeRegion = writeRegion;
    this.#view = new DataView(engine.memory.buffer);
    this.#view.setInt32(GLOBAL.hotCount, this.#tuning.hotCount, true);
  }

  get counts(): RegionCounts {
    const retired = readCounter(this.#view, GLOBAL.translated);
    return { ...this.#counts, liveModules: this.#liveModules, retired };
  }

  /** Whether heads wait to be compiled. */
  get hasQueue(): boolean {
    return this.#queue.size > 0;
  }

  /** Puts a probe on a decoded entry, which moves to the shadow of its place. */
  addHead(entryPointer: number): void {
    const handler = this.#view.getUint16(entryPointer + ENTRY.handler, true);
    const known = this.#records.get(entryPointer);
    if (handler < SPECIAL_HANDLERS.length || (known === undefined && this.#records.size === REGION_COUNT_MAX)) return;
    const shadow = entryPointer + BLOCK.shadow;
    this.#view.setBigUint64(shadow, this.#view.getBigUint64(entryPointer, true), true);
    // From the shadow an in-page target cannot be found by arithmetic on places.
    const { insn, lengthBytes } = must(insnOfHandler(handler), 'handler of a head');
    if (insn.format === 'J' || insn.format === 'B') {
      const operands = { rd: 0, rs1: 0, rs2: 0, imm: 0 };
      if (lengthBytes === 2) return;
      this.#view.setUint16(shadow + ENTRY.handler, handlerOf({ insn, operands, lengthBytes }, true), true);
    }
    const record = known ?? this.#engine.plan.regions + this.#records.size * REGION.bytes;
    if (known === undefined) this.#view.setInt32(record + REGION.restart, 0, true);
    this.#records.set(entryPointer, record);
    this.#countAgain(record);
    this.#view.setInt32(entryPointer + ENTRY.imm, record, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('probe'), true);
  }

  /** The head counts from where it began. */
  #countAgain(record: number): void {
    this.#view.setInt32(record + REGION.count, this.#view.getInt32(record + REGION.restart, true), true);
  }

  /** A probe has counted enough. */
  queue(entryPointer: number, hart: EngineHart, icount: number): void {
    if (this.#queue.size === 0) this.#queuedAt = icount;
    this.#queue.set(entryPointer, { entryPointer, variant: hart.get32('directMemory') === 1 ? 1 : 0 });
    if (this.#queue.size >= BATCH_MAX || this.#tuning.batchInsns === 0) this.#compile();
    this.evict();
  }

  /** Drops everything if a limit has been reached. Called between runs of the engine, which finds its place again. */
  evict(): void {
    const isFull =
      this.#records.size === REGION_COUNT_MAX ||
      this.#liveModules >= MODULE_COUNT_MAX ||
      this.#liveBytes >= MODULE_BYTES_MAX;
    if (isFull) this.#predecoder().reset();
  }

  /** Puts what has been compiled in place, and compiles what has waited long enough. Called between runs of the engine. */
  poll(icount: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const batch of this.#compiled.splice(0)) this.#installBatch(batch);
    this.evict();
    const { batchInsns, hotCount } = this.#tuning;
    const divisor = EAGERNESS.find(({ insns }) => icount >= insns)?.divisor ?? 1;
    this.#view.setInt32(GLOBAL.hotCount, Math.max(1, Math.floor(hotCount / divisor)), true);
    if (this.#queue.size > 0 && icount - this.#queuedAt >= batchInsns) this.#compile();
  }

  /**
   * Compiles what has been queued longest as one module: at once, or in the background to be put in place by a later {@link poll}.
   * Waits if enough is being compiled.
   */
  #compile(): void {
    if (this.#pending >= PENDING_MAX) return;
    const { meter } = this.#config;
    const heads = [...this.#queue.values()].slice(0, BATCH_MAX);
    for (const { entryPointer } of heads) this.#queue.delete(entryPointer);
    meter?.begin('generate');
    const generated = this.#generate(heads);
    meter?.end('generate');
    if (generated === undefined) return;
    const { bytes, made } = generated;
    const sizeBytes = bytes.length;
    this.#counts.moduleBytes += sizeBytes;
    if (this.#tuning.background !== true) {
      meter?.begin('compile');
      const code = new WebAssembly.Module(bytes);
      meter?.end('compile');
      this.#installBatch({ code, sizeBytes, made });
      return;
    }
    const epoch = this.#epoch;
    const isThere = meter?.beginBackground();
    this.#pending++;
    WebAssembly.compile(bytes).then(
      (code) => {
        isThere?.();
        this.#pending--;
        // Blocks that were dropped meanwhile have taken the heads with them.
        if (epoch === this.#epoch) this.#compiled.push({ code, sizeBytes, made });
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  /** Heads as one module; undefined if none of them is worth a region. */
  #generate(
    heads: readonly HotHead[],
  ): { readonly bytes: Uint8Array<ArrayBuffer>; readonly made: readonly MadeRegion[] } | undefined {
    const { plan } = this.#engine;
    const module = new WasmModule();
    const ctx: EngineContext = { module, config: this.#config, plan, ...importServices(module) };
    const made: MadeRegion[] = [];
    for (const { head, ramPage, blocks } of this.#choose(heads)) {
      const region = structure(blocks);
      // A way that was never taken may not have been decoded; a store to it must be noticed all the same.
      for (const { insns } of region.blocks) {
        for (const { offset } of insns) this.#predecoder().decodePlace(ramPage, offset);
      }
      const fn = module.fn(`r${made.length}`, REGION_PARAMS, REGION_RESULTS);
      this.#writeRegion(ctx, fn, region, head.variant);
      module.export(fn);
      const record = this.#view.getInt32(head.entryPointer + ENTRY.imm, true);
      const generation = this.#view.getInt32(plan.pageGenerations + (ramPage / PAGE_BYTES) * 4, true);
      made.push({ head, name: fn.name, budget: regionBudget(ctx, region), record, generation });
      this.#counts.insns += region.blocks.reduce((sum, block) => sum + block.insns.length, 0);
    }
    return made.length === 0 ? undefined : { bytes: module.encode(plan.wasmPages), made };
  }

  get #tuning(): TranslatorTuning {
    return this.#config.translator ?? TRANSLATOR_DEFAULT;
  }

  /**
   * Of hot heads those that are worth a region of their own. A head inside another's region is most often reached there;
   * its probe counts again, and if it is still reached from outside it comes back.
   */
  #choose(heads: readonly HotHead[]): Candidate[] {
    const pages = new Map<number, PageCode>();
    const candidates = heads.flatMap((head): Candidate[] => {
      if (this.#view.getUint16(head.entryPointer + ENTRY.handler, true) !== specialHandler('probe')) return [];
      const { page, ramPage, offset } = this.#predecoder().placeOf(head.entryPointer);
      const code = pages.get(ramPage) ?? new PageCode(page);
      pages.set(ramPage, code);
      const blocks = findBlocks(code, offset);
      const starts = new Set(blocks.map(({ start }) => ramPage + start));
      return blocks.length === 0 ? [] : [{ head, ramPage, at: ramPage + offset, blocks, starts }];
    });
    const covers = ({ starts }: Candidate) => candidates.filter(({ at }) => starts.has(at)).length;
    const ranked = candidates.map((candidate) => ({ candidate, rank: covers(candidate) }));
    ranked.sort((a, b) => b.rank - a.rank || a.candidate.at - b.candidate.at);
    const covered = new Set<number>();
    return ranked.flatMap(({ candidate }) => {
      if (covered.has(candidate.at)) {
        this.#countAgain(this.#view.getInt32(candidate.head.entryPointer + ENTRY.imm, true));
        return [];
      }
      for (const start of candidate.starts) covered.add(start);
      return [candidate];
    });
  }

  #installBatch({ code, sizeBytes, made }: CompiledBatch): void {
    const { memory, call } = this.#engine;
    this.#config.meter?.begin('install');
    const { exports } = new WebAssembly.Instance(code, {
      env: { memory, refill: call.refill, readCounter: call.readCounter },
    });
    const owner: LiveModule = { sizeBytes, regions: 0 };
    this.#liveModules++;
    this.#liveBytes += sizeBytes;
    for (const region of made) this.#install(region, exports[region.name], owner);
    if (owner.regions === 0) this.#drop(owner);
    this.#counts.modules++;
    this.#counts.regions += made.length;
    this.#config.meter?.end('install');
  }

  #install({ head, budget, record, generation }: MadeRegion, code: unknown, owner: LiveModule): void {
    assert(typeof code === 'function', 'a region is a function');
    const entry = head.entryPointer;
    // The head may have been overwritten since; a change of other code in the page shows in the generation.
    const isProbe = this.#view.getUint16(entry + ENTRY.handler, true) === specialHandler('probe');
    if (!isProbe || this.#view.getInt32(entry + ENTRY.imm, true) !== record) return;
    const slot = (record - this.#engine.plan.regions) / REGION.bytes;
    if (this.#owners[slot] !== undefined && this.#tuning.backsOff) this.#wait(record, generation);
    this.#own(slot, code, owner);
    const { ramPage, offset } = this.#predecoder().placeOf(entry);
    forgetJump(this.#view, this.#engine.plan, ramPage + offset);
    this.#view.setInt32(record + REGION.budget, budget, true);
    this.#view.setInt32(record + REGION.variant, head.variant, true);
    this.#view.setInt32(record + REGION.generation, generation, true);
    this.#view.setInt32(record + REGION.count, 0, true);
    this.#view.setUint16(entry + ENTRY.handler, specialHandler('region'), true);
  }

  /** A head is translated again: if its code has changed meanwhile, it counts for longer the next time. */
  #wait(record: number, generation: number): void {
    if (this.#view.getInt32(record + REGION.generation, true) === generation) return;
    const restart = 2 * this.#view.getInt32(record + REGION.restart, true) - this.#tuning.hotCount;
    this.#view.setInt32(record + REGION.restart, Math.max(restart, -(this.#tuning.hotCount << DOUBLINGS_MAX)), true);
  }

  /** Puts a function into the slot of its record, in the place of what an earlier translation left there. */
  #own(slot: number, code: WebAssembly.ExportValue, owner: LiveModule): void {
    const before = this.#owners[slot];
    this.#engine.table.set(slot, code);
    this.#owners[slot] = owner;
    owner.regions++;
    if (before !== undefined && --before.regions === 0) this.#drop(before);
    this.#view.setInt32(this.#engine.plan.regions + slot * REGION.bytes + REGION.table, slot, true);
  }

  #drop({ sizeBytes }: LiveModule): void {
    this.#liveModules--;
    this.#liveBytes -= sizeBytes;
  }

  /** Forgets everything: the predecoded blocks that held the heads are dropped. */
  reset(): void {
    for (const slot of this.#owners.keys()) this.#engine.table.set(slot, null);
    this.#owners.length = 0;
    this.#records.clear();
    new Uint8Array(this.#engine.memory.buffer, this.#engine.plan.jumps, JUMP.sets * JUMP.setBytes).fill(0);
    this.#liveModules = 0;
    this.#liveBytes = 0;
    this.#epoch++;
    this.#queue.clear();
    this.#compiled = [];
  }
}
