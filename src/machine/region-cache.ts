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
import { specialHandler } from './engine/handlers.ts';
import { forgetJump } from './engine/jump-cache.ts';
import { ENTRY, GLOBAL, JUMP, PAGE_BYTES, PROBE, REGION } from './engine/layout.ts';
import type { CodeConfig, CompiledBatch, JobRegion } from './engine/regions/region-batch.ts';
import { codeConfig, generateBatch, isUnchanged } from './engine/regions/region-batch.ts';
import type { RegionWriter } from './engine/regions/region-emitter.ts';
import type { EngineHart } from './hart-state.ts';
import { readCounter } from './hart-state.ts';
import { Heads } from './heads.ts';
import type { MachineClock } from './machine-clock.ts';
import type { MachineConfig, TranslatorTuning } from './machine-types.ts';
import { TRANSLATOR_DEFAULT } from './machine-types.ts';
import type { HeadObserver, Predecoder } from './predecoder.ts';
import type { RegionCompiler } from './region-compiler.ts';
import type { HotHead, Order } from './region-order.ts';
import { orderOf } from './region-order.ts';
import { Sampling } from './sampling.ts';

/** Hot heads that are compiled as one module: many small modules cost more than one large one. */
const BATCH_MAX = 64;
/**
 * Batches that are compiled in the background at a time. A bound for memory: with 4, heads that wait inside what is being compiled get hot
 * as well, and much code is translated half as often again.
 */
const PENDING_MAX = 32;
/**
 * Where another thread makes the modules, which costs the guest next to nothing: a head is hot sooner; and the first modules wait less for more
 * heads, since they have what is hottest. Not all do, as there may be only so many. What is ordered is taken to be hottest as of then, so
 * the thread has just enough not to wait.
 */
const BESIDE = { hotCount: 16, quickModules: 32, batchInsns: 250_000, pendingMax: 3 } as const;
/**
 * The thread costs the guest an eighth of its speed while it works: modules are put in place, and caches and memory are shared. While little has
 * been run, that is more than a twentieth of it, unless the thread works a third of the time only: one instruction translated for so many
 * that have retired. What is free is what a guest with small loops needs.
 */
const PACE = { freeInsns: 6_000, retiredPerInsn: 6_000, untilRetired: 200_000_000 } as const;
/** Of samples that find code with a region, one in so many is looked at. */
const COVERED_SAMPLES = 8;
/** While heads wait to be compiled and no samples are taken, the engine comes back this often to see whether they have waited long enough. */
const QUEUE_POLL_CYCLES = 500_000;
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

export class RegionCache implements HeadObserver {
  readonly #engine: Engine;
  readonly #config: MachineConfig;
  readonly #predecoder: () => Predecoder;
  readonly #writeRegion: RegionWriter;
  readonly #codeConfig: CodeConfig;
  /** Undefined without one, and once it has failed. */
  #compiler: RegionCompiler | undefined;
  readonly #view: DataView;
  readonly #heads: Heads;
  /** Undefined if all heads have probes from the start. */
  readonly #sampling: Sampling | undefined;
  /** Whether code that is decoded takes records, so that they may all be taken. Looked at each time that some is. */
  readonly isFilledByDecoding: boolean;
  /** Cycle of the clock at which the engine is to come back at the latest and call {@link poll}. Looked at before each run, so never a small integer. */
  pauseAt: number;
  #coveredSamples = 0;
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
    this.#heads = new Heads(engine, predecoder);
    const { sampleCycles } = this.#tuning;
    this.#sampling = sampleCycles === undefined ? undefined : new Sampling(sampleCycles);
    this.isFilledByDecoding = this.#sampling === undefined;
    this.pauseAt = this.#sampling === undefined ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.#setHotCount(this.#hotCount);
  }

  #setHotCount(count: number): void {
    this.#view.setInt32(GLOBAL.hotCount, count, true);
    this.#view.setInt32(GLOBAL.probeStep, Math.min(PROBE.step, count), true);
  }

  get counts(): RegionCounts {
    const retired = readCounter(this.#view, GLOBAL.translated);
    return { ...this.#counts, liveModules: this.#liveModules, retired };
  }

  /**
   * {@link pauseAt} has passed while the engine did not run. Who charges that much of a guest's time would be all that samples find if one
   * were taken now, so another is awaited.
   * @returns cycles that the engine may execute now
   */
  passed({ cycle, icount }: MachineClock): number {
    const cycles = this.#sampling?.next(icount) ?? QUEUE_POLL_CYCLES;
    this.pauseAt = cycle + cycles;
    return cycles;
  }

  /** Execution has reached an entry by a jump, or will do so. @param index of its half word in all blocks */
  addHead(entryPointer: number, index: number): void {
    this.#heads.note(index);
    if (this.#sampling === undefined && !this.#heads.isWaiting(entryPointer)) this.#heads.probe(entryPointer);
  }

  /** A probe has counted enough. */
  queue(entryPointer: number, hart: EngineHart, { cycle, icount }: MachineClock): void {
    if (this.#queue.size === 0) {
      this.#queuedAt = icount;
      if (this.#sampling === undefined) this.pauseAt = cycle + QUEUE_POLL_CYCLES;
    }
    const record = this.#view.getInt32(entryPointer + ENTRY.imm, true);
    // First, so that it gets no probe as the target of its own branch when it is decoded again.
    this.#heads.setWaiting(entryPointer, true);
    this.#heads.unprobe(entryPointer);
    this.#queue.set(entryPointer, { entryPointer, record, variant: hart.get32('directMemory') === 1 ? 1 : 0 });
    if (this.#queue.size >= BATCH_MAX || this.#tuning.batchInsns === 0) this.#compile(icount);
    this.evict();
  }

  /** A head waits no more: it has its region, or lies inside another's, or is not there any more. */
  #release({ entryPointer }: HotHead): void {
    this.#heads.setWaiting(entryPointer, false);
    if (this.#sampling === undefined) this.#heads.probe(entryPointer);
  }

  /** Drops everything if a limit has been reached. Called between runs of the engine, which finds its place again. */
  evict(): void {
    const isFull = this.#heads.isFull || this.#liveModules >= MODULE_COUNT_MAX || this.#liveBytes >= MODULE_BYTES_MAX;
    if (isFull) this.#predecoder().reset();
  }

  /**
   * Puts what has been compiled in place, and compiles what has waited long enough; looks where the guest is if it is time to. Called
   * between runs of the engine.
   */
  poll(hart: EngineHart, { cycle, icount }: MachineClock): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pending > 0) this.#compiler?.attend?.();
    if (this.#sampling === undefined) {
      this.pauseAt = this.#queue.size > 0 ? cycle + QUEUE_POLL_CYCLES : Number.POSITIVE_INFINITY;
    } else if (cycle >= this.pauseAt) {
      if (this.#sampling.hasBegun(icount)) this.#sample(this.#sampling, hart);
      this.pauseAt = cycle + this.#sampling.next(icount);
    }
    if (this.#finished.length > 0) for (const { order, batch } of this.#finished.splice(0)) this.#install(order, batch);
    this.evict();
    const divisor = EAGERNESS.find(({ insns }) => icount >= insns)?.divisor ?? 1;
    this.#setHotCount(Math.max(1, Math.floor(this.#hotCount / divisor)));
    if (this.#queue.size > 0 && icount - this.#queuedAt >= this.#batchInsns) this.#compile(icount);
  }

  /** Heads that the guest may have come from get probes. */
  #sample(sampling: Sampling, hart: EngineHart): void {
    const entryPointer = hart.get32('entryPointer');
    const page = hart.get32('fetchRamPage') / PAGE_BYTES;
    const generation = this.#view.getInt32(this.#engine.plan.pageGenerations + page * 4, true);
    const isCovered = this.#heads.isCovered(entryPointer, generation);
    sampling.taken(isCovered);
    // Most often a region was there until the run ended. If it is reached in a way that no region begins with, it is found again.
    if (isCovered && ++this.#coveredSamples % COVERED_SAMPLES !== 0) return;
    this.#heads.probeBefore(entryPointer);
  }

  /**
   * Compiles what has been queued longest as one module: at once, or in the background to be put in place by a later {@link poll}.
   * Waits if enough is being compiled.
   */
  #compile(icount: number): void {
    if (this.#compiler === undefined ? this.#pending >= PENDING_MAX : this.#isAheadOfPace(icount)) return;
    const heads: HotHead[] = [];
    for (const head of this.#queue.values()) {
      if (heads.length === BATCH_MAX) break;
      this.#queue.delete(head.entryPointer);
      if (this.#heads.isDecoded(head.entryPointer)) heads.push(head);
      else this.#release(head);
    }
    if (heads.length === 0) return;
    const order = orderOf(heads, {
      engine: this.#engine,
      predecoder: this.#predecoder(),
      config: this.#codeConfig,
      epoch: this.#epoch,
    });
    if (this.#tuning.background !== true) this.#install(order, this.#compileNow(order));
    else if (this.#compiler === undefined) this.#compileBeside(order, this.#compileHere(order));
    else this.#compileBeside(order, this.#compileElsewhere(order, this.#compiler));
  }

  /** Whether the thread has enough to do for now. */
  #isAheadOfPace(icount: number): boolean {
    const isPaced = icount < PACE.untilRetired && this.#counts.insns > PACE.freeInsns;
    if (!isPaced) return this.#pending >= BESIDE.pendingMax;
    return this.#pending > 0 || this.#counts.insns > PACE.freeInsns + icount / PACE.retiredPerInsn;
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
    const isQuick = background === true && this.#compiler !== undefined && this.#counts.modules < BESIDE.quickModules;
    return isQuick ? Math.min(batchInsns, BESIDE.batchInsns) : batchInsns;
  }

  /** Arrivals that make a head hot. */
  get #hotCount(): number {
    const { hotCount, background } = this.#tuning;
    return background === true && this.#compiler !== undefined ? Math.min(hotCount, BESIDE.hotCount) : hotCount;
  }

  get #tuning(): TranslatorTuning {
    return this.#config.translator ?? TRANSLATOR_DEFAULT;
  }

  #install(order: Order, { code, sizeBytes, regions, covered, insns }: CompiledBatch): void {
    // Blocks that were dropped meanwhile have taken the heads with them.
    if (order.epoch !== this.#epoch) return;
    this.#counts.moduleBytes += sizeBytes;
    this.#counts.insns += insns;
    for (const index of covered) this.#release(must(order.heads[index], 'head'));
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

  #installRegion({ job, heads, ramPages }: Order, region: JobRegion, code: unknown, owner: LiveModule): void {
    assert(typeof code === 'function', 'a region is a function');
    const { page, offset } = must(job.heads[region.head], 'head');
    const { entryPointer, record, variant } = must(heads[region.head], 'head');
    this.#heads.setWaiting(entryPointer, false);
    if (!this.#heads.isProbe(entryPointer) && !this.#heads.makeRoom(entryPointer)) return;
    const ramPage = must(ramPages[page], 'page');
    const { plan } = this.#engine;
    const current = this.#view.getInt32(plan.pageGenerations + (ramPage / PAGE_BYTES) * 4, true);
    // A region of code that has changed meanwhile is put in place as one that code has changed under: it is never entered.
    const generation = isUnchanged(job, region, this.#view, plan.ram + ramPage) ? current : (current - 1) | 0;
    if (generation === current) {
      // A way that was never taken may not have been decoded; a store to it must be noticed all the same.
      this.#cover(ramPage, region.offsets, generation);
    }
    const slot = (record - plan.regions) / REGION.bytes;
    if (this.#owners[slot] !== undefined && this.#tuning.backsOff) this.#wait(record, generation);
    this.#own(slot, code, owner);
    forgetJump(this.#view, plan, ramPage + offset);
    this.#view.setInt32(record + REGION.budget, region.budget, true);
    this.#view.setInt32(record + REGION.variant, variant, true);
    this.#view.setInt32(record + REGION.generation, generation, true);
    this.#view.setInt32(record + REGION.count, 0, true);
    this.#view.setInt32(entryPointer + ENTRY.imm, record, true);
    this.#view.setUint16(entryPointer + PROBE.arrivals, 0, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('region'), true);
  }

  /** A region is in place: heads inside it wait no more. If they are still reached from outside, they come back. */
  #cover(ramPage: number, offsets: Uint16Array, generation: number): void {
    const block = this.#predecoder().blockOf(ramPage);
    for (const offset of offsets) {
      const entryPointer = block + (offset / 2) * ENTRY.bytes;
      this.#predecoder().decodeEntry(entryPointer);
      const queued = this.#queue.get(entryPointer);
      if (queued === undefined) continue;
      this.#queue.delete(entryPointer);
      this.#release(queued);
    }
    this.#heads.cover(block, offsets, generation);
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
    this.#heads.reset();
    new Uint8Array(this.#engine.memory.buffer, this.#engine.plan.jumps, JUMP.sets * JUMP.setBytes).fill(0);
    this.#liveModules = 0;
    this.#liveBytes = 0;
    this.#epoch++;
    this.#queue.clear();
    this.#finished = [];
  }
}
