/**
 * Handlers of predecoded entries that are no instruction: places that are not decoded, heads of regions, page ends.
 */
import { get32, get64, getGlobal, set32, set64, setGlobal } from './engine-context.ts';
import {
  add,
  call,
  eq,
  eqz,
  extendU,
  geS,
  geU,
  gtS,
  i32,
  i64,
  load,
  load32,
  ne,
  or,
  select,
  shl,
  sub,
  wrap,
} from './expr.ts';
import { SPECIAL_HANDLERS } from './handlers.ts';
import type { Parts, State, Ways } from './interpreter-state.ts';
import { chargeExtra, pcAfter, pcAt } from './interpreter-state.ts';
import { currentGeneration, followJump, rememberJump } from './jump-cache.ts';
import { BLOCK, ENTRY, PAGE_BYTES, PROBE, REGION } from './layout.ts';
import { cyclesLeft, openBalance, REGION_CYCLES_MAX, retiredIn } from './regions/balance.ts';
import { CAUSE, ENGINE_STOP } from './stops.ts';
import { ramPageOf } from './tlb.ts';

/** A head that has been reported counts up from here, and so is not reported again while it waits to be compiled. */
const ALREADY_HOT = -(1 << 30);

export const SPECIAL: Record<(typeof SPECIAL_HANDLERS)[number], (parts: Parts, state: State, ways: Ways) => void> = {
  undecoded: (_parts, state, ways) => {
    const { fn, entry, block, pc, reason } = state;
    // In the shadow only single entries are filled: everything after them stands in its own place.
    fn.if(geU(sub(entry, block), i32(BLOCK.shadow)), () => {
      fn.set(entry, sub(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    fn.set(pc, pcAt(state));
    fn.set(reason, i32(ENGINE_STOP.decode));
    fn.br(ways.exit);
  },
  /** A head that is not translated: counts how often it is reached. */
  probe: (_parts, state, ways) => {
    const { fn, entry, pc, reason } = state;
    const arrivals = fn.let(add(load('i32', 'u16', entry, PROBE.arrivals), i32(1)));
    fn.store(16, entry, arrivals, PROBE.arrivals);
    fn.ifRarely(geS(arrivals, getGlobal('probeStep', 'u32')), () => {
      const record = fn.let(load32(entry, ENTRY.imm));
      const count = fn.let(add(load32(record, REGION.count), arrivals));
      fn.store(16, entry, i32(0), PROBE.arrivals);
      fn.store(32, record, count, REGION.count);
      fn.if(geS(count, getGlobal('hotCount', 'u32')), () => {
        fn.store(32, record, i32(ALREADY_HOT), REGION.count);
        fn.set(pc, pcAt(state));
        fn.set(reason, i32(ENGINE_STOP.hot));
        fn.br(ways.exit);
      });
    });
    fn.set(entry, add(entry, i32(BLOCK.shadow)));
    fn.br(ways.next);
  },
  /** The head of a translated region: run it if it is still right here and the deadline is far enough. */
  region: ({ ctx, region }, state, ways) => {
    const { fn, hart, left, retired, entry, page, pc } = state;
    const record = fn.let(load32(entry, ENTRY.imm));
    const current = eq(currentGeneration(ctx, hart), load32(record, REGION.generation));
    fn.if(eqz(current), () => {
      fn.store(16, entry, i32(SPECIAL_HANDLERS.indexOf('probe')), ENTRY.handler);
      fn.store(32, record, load32(record, REGION.restart), REGION.count);
      fn.set(entry, add(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    const fits = eq(get32(hart, 'directMemory'), load32(record, REGION.variant));
    fn.if(eqz(fits), () => {
      // Code that has come to be used otherwise, such as a kernel's after it has turned translation on, gets hot again.
      const count = fn.let(add(load32(record, REGION.count), i32(1)));
      fn.store(32, record, count, REGION.count);
      fn.if(geS(count, getGlobal('hotCount', 'u32')), () => {
        fn.store(16, entry, i32(SPECIAL_HANDLERS.indexOf('probe')), ENTRY.handler);
        fn.store(32, record, i32(0), REGION.count);
      });
      fn.set(entry, add(entry, i32(BLOCK.shadow)));
      fn.br(ways.next);
    });
    fn.if(geS(left, load32(record, REGION.budget)), () => {
      const target = fn.let(load32(record, REGION.table));
      rememberJump(ctx, state, pcAt(state), record);
      fn.loop((follow) => {
        const given = fn.let(select(gtS(left, i32(REGION_CYCLES_MAX)), i32(REGION_CYCLES_MAX), left));
        const kept = fn.let(sub(left, given));
        const balance = fn.let(openBalance(given));
        set32(fn, hart, 'runRetired', retired);
        set32(fn, hart, 'runLeft', kept);
        fn.callIndirect(balance, region, target, hart, balance, page);
        fn.set(left, add(kept, wrap(cyclesLeft(balance))));
        const progress = fn.let(retiredIn(balance));
        // A region that left before its first instruction wants that one interpreted.
        fn.if(progress, () => {
          fn.set(retired, add(retired, progress));
          // Nothing in a run that nobody measures.
          if (ctx.config.meter) setGlobal(fn, 'translated', add(getGlobal('translated'), extendU(progress)));
          fn.set(pc, get64(hart, 'pc'));
          followJump(ctx, state, target, ways.fetch);
          fn.br(follow);
        });
      });
    });
    fn.set(entry, add(entry, i32(BLOCK.shadow)));
    fn.br(ways.next);
  },
  illegal: (_parts, state, ways) => {
    const { fn, hart, entry, pc } = state;
    fn.set(pc, pcAt(state));
    set32(fn, hart, 'cause', i32(CAUSE.illegal));
    set64(fn, hart, 'tval', extendU(load32(entry, ENTRY.imm)));
    fn.br(ways.fault);
  },
  pageEnd: (_parts, state, ways) => {
    const { fn, pc } = state;
    fn.set(pc, pcAfter(state));
    fn.br(ways.fetch);
  },
  /** The second half lies in the next page: fetch it through the TLB and see whether its decoding still stands. */
  straddle: ({ ctx, mmu }, state, ways) => {
    const { fn, hart, entry, block, page, pc } = state;
    fn.set(pc, pcAt(state));
    const second = fn.let(call(mmu.fetchLookup, hart, add(page, i64(PAGE_BYTES))));
    chargeExtra(state);
    fn.brIf(ways.fault, eqz(second));
    const low = load('i32', 'u16', get32(hart, 'fetchRamPage'), ctx.plan.ram + PAGE_BYTES - 2);
    const high = load('i32', 'u16', ramPageOf(second), ctx.plan.ram);
    const word = fn.let(or(low, shl(high, i32(16))));
    fn.set(entry, add(block, i32(BLOCK.straddle)));
    fn.if(ne(word, load32(block, BLOCK.straddleWord)), () => {
      fn.store(32, block, word, BLOCK.straddleWord);
      set32(fn, hart, 'stop', i32(ENGINE_STOP.decode));
      fn.br(ways.fault);
    });
    fn.br(ways.next);
  },
};
