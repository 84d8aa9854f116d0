/**
 * The engine of one machine: its linear memory and the generated module that works on it. Everything that depends on the
 * configuration (cycle costs, TLB size, misaligned access, A/D updates) is a constant in the code.
 */
import type { MachineConfig } from '../machine-types.ts';
import { defineCsrs } from './csrs.ts';
import { defineDigests } from './digest.ts';
import type { EngineContext } from './engine-context.ts';
import { defineHash } from './hash.ts';
import { defineHostTraps } from './host-traps.ts';
import { defineRun } from './interpreter.ts';
import type { MemoryPlan } from './layout.ts';
import { planMemory, REGION_COUNT_MAX } from './layout.ts';
import { defineMmu } from './mmu.ts';
import { canVirtualize } from './page-walk.ts';
import { codeConfig } from './regions/region-batch.ts';
import { REGION_PARAMS, REGION_RESULTS } from './regions/region-emitter.ts';
import { defineFlushAddress, defineFlushPage, defineFlushSpace } from './tlb-flush.ts';
import { defineTraps } from './traps.ts';
import type { Fn } from './wasm-module.ts';
import { WasmModule } from './wasm-module.ts';

/** Functions of the module. Addresses are offsets in linear memory, `hart` is the base of a hart. */
export interface EngineExports {
  /** Gives an engine stop. */
  run(hart: number, cycles: number, resume: number): number;
  takeTrap(hart: number, cause: number, isInterrupt: number, tval: bigint): void;
  pendingInterrupt(hart: number): number;
  updateContext(hart: number): void;
  flush(hart: number): void;
  flushBare(hart: number): void;
  noteWrite(ramOffset: number, sizeBytes: number): void;
  refill(hart: number, address: bigint, access: number): number;
  readCounter(hart: number, index: number): number;
  csrRead(hart: number, index: number): bigint;
  csrWrite(hart: number, index: number, value: bigint): void;
  hashPage(address: number): bigint;
  hashBlocks(sizeBytes: number, isFirst: number): void;
  hashEnd(tailBytes: number, lengthBytes: number): bigint;
  memoryDigest(): bigint;
  tlbDigest(hart: number): bigint;
}

/** What the host of virtualized harts calls. */
export interface VirtualExports {
  hostTrap(hart: number, entry: number): number;
  enterTrap(hart: number, cause: number, isInterrupt: number, tvalLow: number, tvalHigh: number): number;
  reflectTrap(hart: number): number;
  retireTrapped(hart: number): void;
  emulateSret(hart: number): number;
  emulateCsr(hart: number, action: number, isImmediate: number, cycleLow: number, cycleHigh: number): number;
  flushSpace(hart: number, space: number): void;
  flushPage(hart: number, pageNumber: number): void;
  flushAddress(hart: number, vaLow: number, vaHigh: number): void;
}

export interface Engine {
  readonly plan: MemoryPlan;
  readonly memory: WebAssembly.Memory;
  readonly call: EngineExports;
  /** For virtualized harts; undefined without memory of the host. */
  readonly callVirtual: VirtualExports | undefined;
  /** Functions of translated regions. */
  readonly table: WebAssembly.Table;
}

/** The bytes of the module for a configuration. */
export function generateEngine(config: MachineConfig, plan: MemoryPlan): Uint8Array<ArrayBuffer> {
  const module = new WasmModule();
  const ctx: EngineContext = { module, config, plan };
  const mmu = defineMmu(ctx);
  const traps = defineTraps(ctx, mmu);
  const csrs = defineCsrs(ctx, mmu, traps);
  const hash = defineHash(ctx);
  const digests = defineDigests(ctx, hash.page);
  module.table(REGION_COUNT_MAX);
  const region = module.fn('regionType', REGION_PARAMS, REGION_RESULTS);
  region.return(region.param(1));
  region.unreachable();
  const hostTraps = canVirtualize(ctx) ? defineHostTraps(ctx, traps, csrs) : undefined;
  const run = defineRun({ ctx, mmu, traps, csrs, hostTrap: hostTraps?.hostTrap, region });
  for (const fn of [
    run,
    traps.takeTrap,
    traps.pendingInterrupt,
    mmu.updateContext,
    mmu.flush,
    mmu.flushBare,
    mmu.noteWrite,
    mmu.refill,
    csrs.readCounter,
    csrs.read,
    csrs.write,
    hash.page,
    hash.blocks,
    hash.end,
    digests.memoryDigest,
    digests.tlbDigest,
  ]) {
    module.export(fn);
  }
  if (hostTraps) {
    for (const fn of Object.values<Fn>({ ...hostTraps })) module.export(fn);
    for (const fn of [defineFlushSpace(ctx), defineFlushPage(ctx), defineFlushAddress(ctx, mmu.fence)])
      module.export(fn);
  }
  return module.encode(plan.wasmPages);
}

/** Everything that the bytes of the module depend on. What tells tiers apart and when to translate is not among it. */
export function engineKey(config: MachineConfig): string {
  return JSON.stringify({ ...codeConfig(config), isMetered: config.meter !== undefined });
}

export function createEngine(config: MachineConfig): Engine {
  const plan = planMemory(config.memoryBytes, config.hostMemoryBytes);
  const memory = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: plan.wasmPages });
  const bytes = config.engineCode?.(engineKey(config)) ?? generateEngine(config, plan);
  const module = new WebAssembly.Module(bytes);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as unknown as EngineExports & VirtualExports & { readonly table: WebAssembly.Table };
  return { plan, memory, call: exports, callVirtual: plan.hostBytes > 0 ? exports : undefined, table: exports.table };
}
