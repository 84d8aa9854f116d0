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
import { handlerOf, insnOfHandler, SPECIAL_HANDLERS, specialHandler } from './engine/handlers.ts';
import { forgetJump } from './engine/jump-cache.ts';
import { BLOCK, ENTRY, GLOBAL, JUMP, PAGE_BYTES, PROBE, REGION, REGION_COUNT_MAX } from './engine/layout.ts';
import type { CodeConfig, CompiledBatch, JobHead, JobRegion, RegionJob } from './engine/regions/region-batch.ts';
import { codeConfig, generateBatch, isUnchanged } from './engine/regions/region-batch.ts';
import type { RegionVariant, RegionWriter } from './engine/regions/region-emitter.ts';
import type { EngineHart } from './hart-state.ts';
import { readCounter } from './hart-state.ts';
import type { MachineConfig, TranslatorTuning } from './machine-types.ts';
import { TRANSLATOR_DEFAULT } from './machine-types.ts';
import type { Predecoder } from './predecoder.ts';
import type { RegionCompiler } from './region-compiler.ts';

/** Hot heads that are compiled as one module: many small modules cost more than one large one. */
const BATCH_MAX = 64;
/**
 * Batches that are compiled in the background at a time. A bound for memory: with 4, heads that wait inside what is being compiled get hot
 * as well, and much code is translated half as often again.
 */
const PENDING_MAX = 32;
/**
 * The first modules that another thread makes wait less for more heads: they have what is hottest, and cost the guest nothing. Not all
 * do, as there may be only so many.
 */
const QUICK = { modules: 32, batchInsns: 250_000 } as const;
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
  readonly record: number;
  readonly variant: RegionVariant;
}

/** A job and what it was made of. */
interface Order {
  readonly job: RegionJob;
  /** Heads of the job. */
  readonly heads: readonly HotHead[];
  /** Offsets in RAM of its pages. */
  readonly ramPages: readonly number[];
  readonly epoch: number;
}

/** A module with regions in the table. */
interface LiveModule {
  readonly sizeBytes: number;
  regions: number;
}

interface FinishedOrder {
  readonly order: Order;
  readonly batch: CompiledBatch;
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
  readonly #codeConfig: CodeConfig;
  /** Undefined without one, and once it has failed. */
  #compiler: RegionCompiler | undefined;
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
  /** Compiled in the background and not yet in place. */
  #finished: FinishedOrder[] = [];
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
    this.#codeConfig = codeConfig(config);
    this.#compiler = config.regionCompiler;
    this.#view = new DataView(engine.memory.buffer);
    this.#setHotCount(this.#tuning.hotCount);
  }

  #setHotCount(count: number): void {
    this.#view.setInt32(GLOBAL.hotCount, count, true);
    this.#view.setInt32(GLOBAL.probeStep, Math.min(PROBE.step, count), true);
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
    this.#view.setUint16(entryPointer + PROBE.arrivals, 0, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('probe'), true);
  }

  /** The head counts from where it began. */
  #countAgain(record: number): void {
    this.#view.setInt32(record + REGION.count, this.#view.getInt32(record + REGION.restart, true), true);
  }

  /** A probe has counted enough. */
  queue(entryPointer: number, hart: EngineHart, icount: number): void {
    if (this.#queue.size === 0) this.#queuedAt = icount;
    const record = this.#view.getInt32(entryPointer + ENTRY.imm, true);
    this.#queue.set(entryPointer, { entryPointer, record, variant: hart.get32('directMemory') === 1 ? 1 : 0 });
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
    for (const { order, batch } of this.#finished.splice(0)) this.#install(order, batch);
    this.evict();
    const { hotCount } = this.#tuning;
    const divisor = EAGERNESS.find(({ insns }) => icount >= insns)?.divisor ?? 1;
    this.#setHotCount(Math.max(1, Math.floor(hotCount / divisor)));
    if (this.#queue.size > 0 && icount - this.#queuedAt >= this.#batchInsns) this.#compile();
  }

  /**
   * Compiles what has been queued longest as one module: at once, or in the background to be put in place by a later {@link poll}.
   * Waits if enough is being compiled.
   */
  #compile(): void {
    if (this.#pending >= PENDING_MAX) return;
    const heads = [...this.#queue.values()].slice(0, BATCH_MAX);
    for (const { entryPointer } of heads) this.#queue.delete(entryPointer);
    const order = this.#order(heads.filter(({ entryPointer }) => this.#isProbe(entryPointer)));
    if (order.heads.length === 0) return;
    if (this.#tuning.background !== true) this.#install(order, this.#compileNow(order));
    else if (this.#compiler === undefined) this.#compileBeside(order, this.#compileHere(order));
    else this.#compileBeside(order, this.#compileElsewhere(order, this.#compiler));
  }

  #isProbe(entryPointer: number): boolean {
    return this.#view.getUint16(entryPointer + ENTRY.handler, true) === specialHandler('probe');
  }

  /** What is needed to translate heads wherever it is done: copies of their pages. */
  #order(heads: readonly HotHead[]): Order {
    const indexes = new Map<number, number>();
    const jobHeads = heads.map(({ entryPointer, variant }): JobHead => {
      const { ramPage, offset } = this.#predecoder().placeOf(entryPointer);
      const page = indexes.get(ramPage) ?? indexes.size;
      indexes.set(ramPage, page);
      return { page, offset, variant };
    });
    const ramPages = [...indexes.keys()];
    const pages = new Uint8Array(ramPages.length * PAGE_BYTES);
    for (const [page, ramPage] of ramPages.entries()) {
      pages.set(
        new Uint8Array(this.#engine.memory.buffer, this.#engine.plan.ram + ramPage, PAGE_BYTES),
        page * PAGE_BYTES,
      );
    }
    const job = { config: this.#codeConfig, pages, heads: jobHeads };
    return { job, heads, ramPages, epoch: this.#epoch };
  }

  #generate({ job }: Order) {
    const { meter } = this.#config;
    meter?.begin('generate');
    const generated = generateBatch(job, this.#writeRegion);
    meter?.end('generate');
    return generated;
  }

  #compileNow(order: Order): CompiledBatch {
    const { meter } = this.#config;
    const { bytes, ...result } = this.#generate(order);
    if (bytes.length === 0) return { ...result, code: undefined, sizeBytes: 0 };
    meter?.begin('compile');
    const code = new WebAssembly.Module(bytes);
    meter?.end('compile');
    return { ...result, code, sizeBytes: bytes.length };
  }

  /** Generates at once, and has it compiled while the guest goes on. */
  async #compileHere(order: Order): Promise<CompiledBatch> {
    const { bytes, ...result } = this.#generate(order);
    const code = bytes.length === 0 ? undefined : await WebAssembly.compile(bytes);
    return { ...result, code, sizeBytes: bytes.length };
  }

  /** Has it generated and compiled on another thread, and here if that fails. */
  #compileElsewhere(order: Order, compiler: RegionCompiler): Promise<CompiledBatch> {
    return compiler.compile(order.job).catch(() => {
      // Its host knows why and says so; what has failed once is left alone.
      this.#compiler = undefined;
      return this.#compileHere(order);
    });
  }

  #compileBeside(order: Order, compiling: Promise<CompiledBatch>): void {
    const isThere = this.#config.meter?.beginBackground();
    this.#pending++;
    compiling.then(
      (batch) => {
        isThere?.();
        this.#pending--;
        this.#finished.push({ order, batch });
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  /** Instructions that a head waits for others. */
  get #batchInsns(): number {
    const { batchInsns, background } = this.#tuning;
    const isQuick = background === true && this.#compiler !== undefined && this.#counts.modules < QUICK.modules;
    return isQuick ? Math.min(batchInsns, QUICK.batchInsns) : batchInsns;
  }

  get #tuning(): TranslatorTuning {
    return this.#config.translator ?? TRANSLATOR_DEFAULT;
  }

  #install(order: Order, { code, sizeBytes, regions, covered, insns }: CompiledBatch): void {
    // Blocks that were dropped meanwhile have taken the heads with them.
    if (order.epoch !== this.#epoch) return;
    this.#counts.moduleBytes += sizeBytes;
    this.#counts.insns += insns;
    for (const index of covered) this.#countCovered(must(order.heads[index], 'head'));
    if (code === undefined) return;
    const { memory, call } = this.#engine;
    this.#config.meter?.begin('install');
    const { exports } = new WebAssembly.Instance(code, {
      env: { memory, refill: call.refill, readCounter: call.readCounter },
    });
    const owner: LiveModule = { sizeBytes, regions: 0 };
    this.#liveModules++;
    this.#liveBytes += sizeBytes;
    for (const region of regions) this.#installRegion(order, region, exports[region.name], owner);
    if (owner.regions === 0) this.#drop(owner);
    this.#counts.modules++;
    this.#counts.regions += regions.length;
    this.#config.meter?.end('install');
  }

  /**
   * A head inside another's region counts again: if it is still reached from outside that region, it comes back.
   */
  #countCovered({ entryPointer, record }: HotHead): void {
    if (this.#isStill(entryPointer, record)) this.#countAgain(record);
  }

  /** Whether an entry is the probe that it was when it got hot: it may have been overwritten since. */
  #isStill(entryPointer: number, record: number): boolean {
    return this.#isProbe(entryPointer) && this.#view.getInt32(entryPointer + ENTRY.imm, true) === record;
  }

  #installRegion({ job, heads, ramPages }: Order, region: JobRegion, code: unknown, owner: LiveModule): void {
    assert(typeof code === 'function', 'a region is a function');
    const { page, offset } = must(job.heads[region.head], 'head');
    const { entryPointer, record, variant } = must(heads[region.head], 'head');
    if (!this.#isStill(entryPointer, record)) return;
    const ramPage = must(ramPages[page], 'page');
    const { plan } = this.#engine;
    const current = this.#view.getInt32(plan.pageGenerations + (ramPage / PAGE_BYTES) * 4, true);
    // A region of code that has changed meanwhile is put in place as one that code has changed under: it is never entered.
    const generation = isUnchanged(job, region, this.#view, plan.ram + ramPage) ? current : (current - 1) | 0;
    if (generation === current) {
      // A way that was never taken may not have been decoded; a store to it must be noticed all the same.
      for (const offset of region.offsets) this.#predecoder().decodePlace(ramPage, offset);
    }
    const slot = (record - plan.regions) / REGION.bytes;
    if (this.#owners[slot] !== undefined && this.#tuning.backsOff) this.#wait(record, generation);
    this.#own(slot, code, owner);
    forgetJump(this.#view, plan, ramPage + offset);
    this.#view.setInt32(record + REGION.budget, region.budget, true);
    this.#view.setInt32(record + REGION.variant, variant, true);
    this.#view.setInt32(record + REGION.generation, generation, true);
    this.#view.setInt32(record + REGION.count, 0, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('region'), true);
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
    this.#finished = [];
  }
}
