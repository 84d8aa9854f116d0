/** What the parts of the engine's module share while it is generated: configuration, plan, and small idioms over hart fields. */

import { must } from '../../assert.ts';
import type { MachineConfig } from '../machine-types.ts';
import type { Callable, Expr, LoadWidth } from './expr.ts';
import { add, and, i32, i64, load, load32, load64, ne, or, shrU } from './expr.ts';
import type { MemoryPlan } from './layout.ts';
import { CSR_SLOTS, GLOBAL, HART, PAGE_BYTES } from './layout.ts';
import type { Fn, WasmModule } from './wasm-module.ts';

export interface EngineContext {
  readonly module: WasmModule;
  readonly config: MachineConfig;
  readonly plan: MemoryPlan;
  /** In a module of regions: the main module's functions that serve a TLB miss and read a counter. */
  readonly refill?: Callable;
  readonly readCounter?: Callable;
}

type Field = keyof typeof HART;

export const get32 = (hart: Expr, field: Field): Expr => load32(hart, HART[field]);
export const get64 = (hart: Expr, field: Field): Expr => load64(hart, HART[field]);
export const set32 = (fn: Fn, hart: Expr, field: Field, value: Expr): void => fn.store(32, hart, value, HART[field]);
export const set64 = (fn: Fn, hart: Expr, field: Field, value: Expr): void => fn.store(64, hart, value, HART[field]);

export const csrSlot = (name: string): number => must(CSR_SLOTS.get(name), `slot of ${name}`);
export const getCsr = (hart: Expr, name: string): Expr => load64(hart, csrSlot(name));
export const setCsr = (fn: Fn, hart: Expr, name: string, value: Expr): void => fn.store(64, hart, value, csrSlot(name));

export const getGlobal = (name: keyof typeof GLOBAL, width: LoadWidth = 'u64'): Expr =>
  load(width === 'u64' ? 'i64' : 'i32', width, i32(0), GLOBAL[name]);
export const setGlobal = (fn: Fn, name: keyof typeof GLOBAL, value: Expr): void =>
  fn.store(value.type === 'i64' ? 64 : 32, i32(0), value, GLOBAL[name]);

/** Adds to an i64 counter of the hart. */
export const bump = (fn: Fn, hart: Expr, field: Field, by: Expr): void =>
  set64(fn, hart, field, add(get64(hart, field), by));

/** Tests a bit of an i64 as an i32 truth. */
export const hasBit = (value: Expr, bit: number): Expr => ne(and(value, i64(1n << BigInt(bit))), i64(0));

/** The page of an address: i64 with the low 12 bits cleared. */
export const pageOf = (address: Expr): Expr => and(address, i64(-PAGE_BYTES));
export const pageNumber = (address: Expr): Expr => shrU(address, i64(12));

export const anyOf = (first: Expr, ...rest: Expr[]): Expr => rest.reduce((sum, expr) => or(sum, expr), first);
