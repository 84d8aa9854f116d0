/**
 * The code cache of the translator: probes on entries that may be worth translating, the queue of hot ones, compiled regions.
 *
 * Nothing here can be seen by a guest or in a trace: a region does what the interpreter does, and when it is made is not part of
 * the run. Memory is bounded: records and table slots are dropped together with the predecoded blocks when they run out.
 */
import { assert, must } from '../assert.ts';
import type { Engine } from './engine/engine.ts';
import type { EngineContext } from './engine/engine-context.ts';
import { handlerOf, insnOfHandler, SPECIAL_HANDLERS, specialHandler } from './engine/handlers.ts';
import { BLOCK, ENTRY, PAGE_BYTES, REGION, REGION_COUNT_MAX } from './engine/layout.ts';
import type { Block } from './engine/regions/control-flow.ts';
import { findBlocks, PageCode } from './engine/regions/control-flow.ts';
import type { RegionVariant, RegionWriter } from './engine/regions/region-emitter.ts';
import { REGION_PARAMS, REGION_RESULTS, regionBudget } from './engine/regions/region-emitter.ts';
import { structure } from './engine/regions/structure.ts';
import { WasmModule } from './engine/wasm-module.ts';
import type { EngineHart } from './hart-state.ts';
import type { MachineConfig, TranslatorTuning } from './machine-types.ts';
import { TRANSLATOR_DEFAULT } from './machine-types.ts';
import type { Predecoder } from './predecoder.ts';

/** Hot heads that are compiled as one module: many small modules cost more than one large one. */
const BATCH_MAX = 64;
/** Live modules at most. V8 ends the process near 32,500; dropping all makes the hot ones come back in full batches. */
const MODULE_COUNT_MAX = 2048;

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

interface CompiledBatch {
  readonly code: WebAssembly.Module;
  readonly made: readonly MadeRegion[];
}

export interface RegionCounts {
  readonly modules: number;
  readonly regions: number;
  readonly insns: number;
  readonly moduleBytes: number;
}

export class RegionCache {
  readonly #engine: Engine;
  readonly #config: MachineConfig;
  readonly #predecoder: () => Predecoder;
  readonly #writeRegion: RegionWriter;
  readonly #view: DataView;
  #records = 0;
  #tableUsed = 0;
  #queue: HotHead[] = [];
  #queuedAt = 0;
  #modules = 0;
  /** Counts resets, so that a batch compiled across one is not put in place. */
  #epoch = 0;
  #compiled: CompiledBatch[] = [];
  #failure: unknown;
  #counts = { modules: 0, regions: 0, insns: 0, moduleBytes: 0 };

  /** @param writeRegion what writes a region as WebAssembly */
  constructor(engine: Engine, config: MachineConfig, predecoder: () => Predecoder, writeRegion: RegionWriter) {
    this.#engine = engine;
    this.#config = config;
    this.#predecoder = predecoder;
    this.#writeRegion = writeRegion;
    this.#view = new DataView(engine.memory.buffer);
  }

  get counts(): RegionCounts {
    return this.#counts;
  }

  /** Whether heads wait to be compiled. */
  get hasQueue(): boolean {
    return this.#queue.length > 0;
  }

  /** Puts a probe on a decoded entry, which moves to the shadow of its place. */
  addHead(entryPointer: number): void {
    const handler = this.#view.getUint16(entryPointer + ENTRY.handler, true);
    if (handler < SPECIAL_HANDLERS.length || this.#records === REGION_COUNT_MAX) return;
    const shadow = entryPointer + BLOCK.shadow;
    this.#view.setBigUint64(shadow, this.#view.getBigUint64(entryPointer, true), true);
    // From the shadow an in-page target cannot be found by arithmetic on places.
    const { insn, lengthBytes } = must(insnOfHandler(handler), 'handler of a head');
    if (insn.format === 'J' || insn.format === 'B') {
      const operands = { rd: 0, rs1: 0, rs2: 0, imm: 0 };
      if (lengthBytes === 2) return;
      this.#view.setUint16(shadow + ENTRY.handler, handlerOf({ insn, operands, lengthBytes }, true), true);
    }
    const record = this.#engine.plan.regions + this.#records++ * REGION.bytes;
    this.#view.setInt32(record + REGION.count, 0, true);
    this.#view.setInt32(entryPointer + ENTRY.imm, record, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('probe'), true);
  }

  /** A probe has counted enough. */
  queue(entryPointer: number, hart: EngineHart, icount: number): void {
    if (this.#queue.length === 0) this.#queuedAt = icount;
    this.#queue.push({ entryPointer, variant: hart.get32('directMemory') === 1 ? 1 : 0 });
    if (this.#queue.length >= BATCH_MAX || this.#tuning.batchInsns === 0) this.compile();
  }

  /** Puts what has been compiled in place, and compiles what has waited long enough. Called between runs of the engine. */
  poll(icount: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const batch of this.#compiled.splice(0)) this.#installBatch(batch);
    if (this.#full) this.#predecoder().reset();
    const { batchInsns } = this.#tuning;
    if (this.#queue.length > 0 && icount - this.#queuedAt >= batchInsns) this.compile();
  }

  /** Compiles what is queued as one module: at once, or in the background to be put in place by a later {@link poll}. */
  compile(): void {
    const { plan } = this.#engine;
    const module = new WasmModule();
    const ctx: EngineContext = { module, config: this.#config, plan };
    const made: MadeRegion[] = [];
    for (const { head, ramPage, blocks } of this.#choose()) {
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
    if (made.length === 0) return;
    const bytes = module.encode(plan.wasmPages);
    this.#counts.moduleBytes += bytes.length;
    if (this.#tuning.background !== true) {
      this.#installBatch({ code: new WebAssembly.Module(bytes), made });
      return;
    }
    const epoch = this.#epoch;
    WebAssembly.compile(bytes).then(
      (code) => {
        // Blocks that were dropped meanwhile have taken the heads with them.
        if (epoch === this.#epoch) this.#compiled.push({ code, made });
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  get #tuning(): TranslatorTuning {
    return this.#config.translator ?? TRANSLATOR_DEFAULT;
  }

  /** Too many records, table slots or modules: it is time to drop everything. */
  get #full(): boolean {
    return (
      this.#records === REGION_COUNT_MAX ||
      this.#tableUsed + BATCH_MAX > REGION_COUNT_MAX ||
      this.#modules >= MODULE_COUNT_MAX
    );
  }

  /**
   * Of the queued heads those that are worth a region of their own. A head inside another's region is most often reached there;
   * its probe counts again, and if it is still reached from outside it comes back.
   */
  #choose(): Candidate[] {
    const pages = new Map<number, PageCode>();
    const candidates = this.#queue.flatMap((head): Candidate[] => {
      if (this.#view.getUint16(head.entryPointer + ENTRY.handler, true) !== specialHandler('probe')) return [];
      const { page, ramPage, offset } = this.#predecoder().placeOf(head.entryPointer);
      const code = pages.get(ramPage) ?? new PageCode(page);
      pages.set(ramPage, code);
      const blocks = findBlocks(code, offset);
      const starts = new Set(blocks.map(({ start }) => ramPage + start));
      return blocks.length === 0 ? [] : [{ head, ramPage, at: ramPage + offset, blocks, starts }];
    });
    this.#queue = [];
    const covers = ({ starts }: Candidate) => candidates.filter(({ at }) => starts.has(at)).length;
    const ranked = candidates.map((candidate) => ({ candidate, rank: covers(candidate) }));
    ranked.sort((a, b) => b.rank - a.rank || a.candidate.at - b.candidate.at);
    const covered = new Set<number>();
    return ranked.flatMap(({ candidate }) => {
      if (covered.has(candidate.at)) {
        this.#view.setInt32(this.#view.getInt32(candidate.head.entryPointer + ENTRY.imm, true) + REGION.count, 0, true);
        return [];
      }
      for (const start of candidate.starts) covered.add(start);
      return [candidate];
    });
  }

  #installBatch({ code, made }: CompiledBatch): void {
    const { memory } = this.#engine;
    const { exports } = new WebAssembly.Instance(code, { env: { memory } });
    for (const region of made) this.#install(region, exports[region.name]);
    this.#modules++;
    this.#counts.modules++;
    this.#counts.regions += made.length;
  }

  #install({ head, budget, record, generation }: MadeRegion, code: unknown): void {
    assert(typeof code === 'function', 'a region is a function');
    const entry = head.entryPointer;
    // The head may have been overwritten since; a change of other code in the page shows in the generation.
    const isProbe = this.#view.getUint16(entry + ENTRY.handler, true) === specialHandler('probe');
    if (!isProbe || this.#view.getInt32(entry + ENTRY.imm, true) !== record) return;
    const index = this.#tableUsed++;
    this.#engine.table.set(index, code);
    this.#view.setInt32(record + REGION.table, index, true);
    this.#view.setInt32(record + REGION.budget, budget, true);
    this.#view.setInt32(record + REGION.variant, head.variant, true);
    this.#view.setInt32(record + REGION.generation, generation, true);
    this.#view.setUint16(entry + ENTRY.handler, specialHandler('region'), true);
  }

  /** Forgets everything: the predecoded blocks that held the heads are dropped. */
  reset(): void {
    for (let index = 0; index < this.#tableUsed; index++) this.#engine.table.set(index, null);
    this.#tableUsed = 0;
    this.#records = 0;
    this.#modules = 0;
    this.#epoch++;
    this.#queue = [];
    this.#compiled = [];
  }
}
