/** What a write into RAM does besides writing, as generated code. */
import type { EngineContext } from './engine-context.ts';
import { get32, get64, set32, set64 } from './engine-context.ts';
import type { Expr, Local } from './expr.ts';
import {
  add,
  and,
  eqz,
  geU,
  i32,
  i64,
  leU,
  load,
  load32,
  load64,
  ltU,
  mul,
  ne,
  or,
  select,
  shl,
  shrU,
  sub,
} from './expr.ts';
import type { MemoryPlan } from './layout.ts';
import { BLOCK, CHANGES, GLOBAL, PAGE_BYTES, PAGE_FLAG, STORE_LOG, STORE_RECORD } from './layout.ts';
import type { Fn } from './wasm-module.ts';

/** `noteWrite(ramOffset, size)`: RAM is about to change there: stale predecoded entries go, the page is dirty. */
export function defineNoteWrite({ module, plan }: EngineContext): Fn {
  const fn = module.fn('noteWrite', ['i32', 'i32']);
  const [offset, size] = [fn.param(0), fn.param(1)];
  const page = fn.let(shrU(offset, i32(12)));
  const flags = fn.let(load('i32', 'u8', page, plan.pageFlags));
  fn.if(and(flags, i32(PAGE_FLAG.code)), () => {
    const block = fn.let(load32(shl(page, i32(2)), plan.blockTable));
    const at = fn.let(and(offset, i32(PAGE_BYTES - 1)));
    // An instruction of 4 bytes may begin one half word before the bytes that change.
    const half = fn.let(shrU(select(ltU(at, i32(2)), i32(0), sub(at, i32(2))), i32(1)));
    const last = fn.let(shrU(sub(add(at, size), i32(1)), i32(1)));
    const dropped = fn.let(i64(0));
    fn.loop((again) => {
      const entry = fn.let(add(block, shl(half, i32(3))));
      fn.set(dropped, or(dropped, load64(entry)));
      fn.store(64, entry, i64(0));
      fn.store(64, entry, i64(0), BLOCK.shadow);
      fn.set(half, add(half, i32(1)));
      fn.brIf(again, leU(half, last));
    });
    // Code has changed, not only data beside it: regions translated from the page are stale.
    fn.if(ne(dropped, i64(0)), () => {
      const generation = fn.let(shl(page, i32(2)));
      fn.store(32, generation, add(load32(generation, plan.pageGenerations), i32(1)), plan.pageGenerations);
    });
  });
  fn.if(eqz(and(flags, i32(PAGE_FLAG.dirty))), () => noteChange(fn, CHANGES.pages, page));
  fn.store(8, page, or(flags, i32(PAGE_FLAG.dirty)), plan.pageFlags);
  return fn;
}

/** Adds to a list of `CHANGES`. */
export function noteChange(fn: Fn, list: number, item: Expr): void {
  const count = fn.let(load32(i32(0), list));
  fn.if(leU(count, i32(CHANGES.capacity)), () => {
    fn.if(ltU(count, i32(CHANGES.capacity)), () => fn.store(32, shl(count, i32(2)), item, list + CHANGES.item));
    fn.store(32, i32(0), add(count, i32(1)), list);
  });
}

/** `watch(hart, ramOffset, size)`: 1 if a write that is about to be made there is watched: then it is noted, and what it replaces. */
export function defineWatch({ module, plan }: EngineContext): Fn {
  const fn = module.fn('watch', ['i32', 'i32', 'i32'], ['i32']);
  const [hart, offset, size] = [fn.param(0), fn.param(1), fn.param(2)];
  const word = (place: number) => load32(i32(0), place);
  fn.if(geU(offset, word(GLOBAL.watchedEnd)), () => fn.return(i32(0)));
  fn.if(leU(add(offset, size), word(GLOBAL.watchedStart)), () => fn.return(i32(0)));
  set32(fn, hart, 'watchedOffset', offset);
  set32(fn, hart, 'watchedSize', size);
  set64(fn, hart, 'watchedBefore', load64(add(offset, i32(plan.ram))));
  fn.return(i32(1));
  fn.unreachable();
  return fn;
}

/** What `run` knows of a store that has just been made. */
export interface LoggedStore {
  readonly hart: Expr;
  readonly pc: Expr;
  readonly spentCycles: Expr;
  readonly retiredInsns: Expr;
}

/** Notes a store that {@link defineWatch} has found to be watched, for when `run` comes back. Gives how many are noted now. */
export function logStore(fn: Fn, plan: MemoryPlan, { hart, pc, spentCycles, retiredInsns }: LoggedStore): Local {
  const count = fn.let(load32(i32(0), STORE_LOG.count));
  const record = fn.let(mul(count, i32(STORE_LOG.recordBytes)));
  const at = (field: keyof typeof STORE_RECORD) => STORE_LOG.records + STORE_RECORD[field];
  const offset = fn.let(get32(hart, 'watchedOffset'));
  fn.store(32, record, offset, at('offset'));
  fn.store(32, record, get32(hart, 'watchedSize'), at('sizeBytes'));
  fn.store(64, record, get64(hart, 'watchedBefore'), at('before'));
  fn.store(64, record, load64(add(offset, i32(plan.ram))), at('after'));
  fn.store(64, record, pc, at('pc'));
  fn.store(32, record, spentCycles, at('spentCycles'));
  fn.store(32, record, retiredInsns, at('retiredInsns'));
  fn.set(count, add(count, i32(1)));
  fn.store(32, i32(0), count, STORE_LOG.count);
  return count;
}
