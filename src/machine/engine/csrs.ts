/**
 * Control and status registers as generated code. One row per CSR: what a read gives, what a write does, and when access is
 * refused beyond the privilege and read-only bits of its number (Privileged ISA 2.1). Rows without functions are plain
 * storage under a write mask.
 *
 * WARL choices: unsupported `satp` modes and `tvec` modes leave the register as it was; MPP never holds the reserved value;
 * performance counters from 3 up read zero; `mcountinhibit` and `misa` cannot be changed; ASIDLEN is 0.
 */
import { CSR_FAMILIES, CSR_NUMBERS } from '../csr-numbers.ts';
import type { EngineContext } from './engine-context.ts';
import { csrSlot, get32, get64, getCsr, hasBit, set32, set64, setCsr } from './engine-context.ts';
import type { Expr } from './expr.ts';
import {
  add,
  and,
  call,
  divU,
  eq,
  eqz,
  geS,
  i32,
  i64,
  leU,
  load,
  ltU,
  ne,
  or,
  select,
  shrU,
  sub,
  wrap,
  xor,
} from './expr.ts';
import type { Mmu } from './mmu.ts';
import { canVirtualize, isVirtualized } from './page-walk.ts';
import { ENGINE_STOP } from './stops.ts';
import type { Traps } from './traps.ts';
import { MSTATUS, pendingBits } from './traps.ts';
import type { Fn } from './wasm-module.ts';

/** What a CSR row's code works on. */
interface Access {
  readonly fn: Fn;
  readonly hart: Expr;
}

interface CsrRow {
  /** Bits that a write can change; the rest keep their value. 0n: writes are ignored. */
  readonly mask: bigint;
  readonly read?: (at: Access) => Expr;
  /** What set and clear start from, where that is not what a read gives. */
  readonly modify?: (at: Access) => Expr;
  readonly write?: (at: Access, value: Expr) => void;
  /** i32 truth: access is an illegal instruction although the privilege would do. */
  readonly refused?: (at: Access) => Expr;
}

const ALL = 2n ** 64n - 1n;
const SSIP = 1n << 1n;
const STIP = 1n << 5n;
const SEIP = 1n << 9n;
const SUPERVISOR_INTERRUPTS = SSIP | STIP | SEIP;
const MACHINE_INTERRUPTS = (1n << 3n) | (1n << 7n) | (1n << 11n);
const STCE = 1n << 63n;
const bits = (...indexes: number[]) => indexes.reduce((sum, index) => sum | (1n << BigInt(index)), 0n);

const SSTATUS_WRITE = bits(MSTATUS.SIE, MSTATUS.SPIE, MSTATUS.SPP, MSTATUS.SUM, MSTATUS.MXR);
const UXL = 3n << 32n;
const MSTATUS_WRITE =
  SSTATUS_WRITE |
  bits(MSTATUS.MIE, MSTATUS.MPIE, MSTATUS.MPRV, MSTATUS.TVM, MSTATUS.TW, MSTATUS.TSR) |
  (3n << BigInt(MSTATUS.MPP));
/** Exceptions that exist and can be delegated: all but `ecall` from M. */
const DELEGABLE = bits(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15);

/** `slot` with the bits of `mask` taken from `value`. */
const merge = (old: Expr, value: Expr, mask: bigint): Expr =>
  mask === ALL ? value : or(and(old, i64(~mask)), and(value, i64(mask)));

const stopWith = ({ fn, hart }: Access, reason: number) => set32(fn, hart, 'stop', i32(reason));

export interface Csrs {
  /** `csrAccess(hart, index, action, operand, writes)`: 1 if illegal; the old value is left in `csrValue`. */
  readonly access: Fn;
  /** `csrHidden(hart, index, writes)`: 1 if a deprivileged guest, which really is in U-mode, cannot do that by itself. */
  readonly hidden: Fn;
  /** `readCounter(hart, index)`: what regions read counters with. */
  readonly readCounter: Fn;
  /** `csrRead(hart, index)` without any check, for the host. */
  readonly read: Fn;
  /** `csrWrite(hart, index, value)` without any check, for the host. */
  readonly write: Fn;
}

/** Name, parameters and result of the function that regions read counters with. */
export const READ_COUNTER = { name: 'readCounter', params: ['i32', 'i32'], results: ['i32'] } as const;

/** Counters that can be read inside a region: nothing but time and what has retired makes their value. */
export const REGION_COUNTERS: ReadonlySet<number> = new Set([CSR_NUMBERS.cycle, CSR_NUMBERS.time, CSR_NUMBERS.instret]);

/** Actions of `csrAccess`. */
export const CSR_ACTION = { write: 0, set: 1, clear: 2 } as const;

const ALL_NUMBERS: Readonly<Record<string, number>> = { ...CSR_NUMBERS, ...CSR_FAMILIES };
/** CSRs in the order of the indexes that predecoded entries carry. */
const CSR_ORDER: readonly string[] = Object.keys(ALL_NUMBERS);
const INDEX_BY_NUMBER = new Map(CSR_ORDER.map((name, index) => [ALL_NUMBERS[name] ?? -1, index]));
const INDEX_BY_NAME = new Map(CSR_ORDER.map((name, index) => [name, index]));

/** Index of a CSR by its number, or undefined if the machine has none there. */
export function csrIndex(number: number): number | undefined {
  return INDEX_BY_NUMBER.get(number);
}

/** Index of a CSR by its name. */
export function csrIndexOfName(name: string): number | undefined {
  return INDEX_BY_NAME.get(name);
}

/** Name of the CSR with this index. */
export function csrNameOfIndex(index: number): string | undefined {
  return CSR_ORDER[index];
}

export function defineCsrs(ctx: EngineContext, mmu: Mmu, traps: Traps): Csrs {
  const special = specialRows(ctx, mmu, traps);
  const rows = CSR_ORDER.map((name) => special[name] ?? familyRow(name));
  const read = defineRead(ctx, rows);
  const modify = defineModify(ctx, rows, read);
  const write = defineWrite(ctx, rows);
  const refused = defineRefused(ctx, rows);
  const access = defineAccess(ctx, read, modify, write, refused);
  const hidden = defineHidden(ctx);
  return { access, hidden, readCounter: defineReadCounter(ctx, access, hidden), read, write };
}

/** CSRs that come in numbers, and plain storage. */
function familyRow(name: string): CsrRow {
  if (/^m?hpm(counter|event)\d+$/.test(name)) {
    const index = Number(name.replace(/\D+/, ''));
    const zero = { mask: 0n, read: () => i64(0) };
    return name.startsWith('hpmcounter') ? { ...zero, refused: counterRefused(index) } : zero;
  }
  if (name.startsWith('pmp')) return pmpRow(name);
  return { mask: ALL };
}

/** Access to a counter from below M needs mcounteren, from U also scounteren (3.1.11, 12.1.5). */
const counterRefused =
  (index: number) =>
  ({ hart }: Access): Expr => {
    const privilege = get32(hart, 'privilege');
    const byMachine = and(ltU(privilege, i32(3)), eqz(hasBit(getCsr(hart, 'mcounteren'), index)));
    const bySupervisor = and(eqz(privilege), eqz(hasBit(getCsr(hart, 'scounteren'), index)));
    return or(byMachine, bySupervisor);
  };

/** PMP registers are written by TypeScript, which knows locks and ranges; the written value waits for it. */
function pmpRow(name: string): CsrRow {
  const write = (at: Access, value: Expr) => {
    set32(at.fn, at.hart, 'pmpIndex', i32(CSR_ORDER.indexOf(name)));
    set64(at.fn, at.hart, 'pmpValue', value);
    stopWith(at, ENGINE_STOP.pmpChanged);
  };
  if (name.startsWith('pmpcfg')) return { mask: ALL, write };
  const entry = Number(name.slice('pmpaddr'.length));
  const configOffset = csrSlot(entry < 8 ? 'pmpcfg0' : 'pmpcfg2') + (entry & 7);
  // With granularity G = 10, low bits read as ones in NAPOT mode and as zeros otherwise (3.7.1).
  const read = ({ hart }: Access) =>
    select(
      and(load('i32', 'u8', hart, configOffset), i32(0x10)),
      or(getCsr(hart, name), i64(0x1ff)),
      and(getCsr(hart, name), i64(~0x3ff)),
    );
  return { mask: ALL, read, modify: ({ hart }) => getCsr(hart, name), write };
}

function specialRows(ctx: EngineContext, mmu: Mmu, traps: Traps): Readonly<Record<string, CsrRow>> {
  const recheck = (at: Access) =>
    at.fn.if(geS(call(traps.pendingInterrupt, at.hart), i32(0)), () => stopWith(at, ENGINE_STOP.again));
  const now = ({ hart }: Access) => get64(hart, 'now');
  const retired = ({ hart }: Access) => get64(hart, 'nowRetired');
  const cycles = (at: Access) => add(now(at), getCsr(at.hart, 'mcycle'));
  const instret = (at: Access) => add(retired(at), getCsr(at.hart, 'minstret'));
  const hasStce = (hart: Expr) => ne(and(getCsr(hart, 'menvcfg'), i64(STCE)), i64(0));

  const writeStatus = (mask: bigint) => (at: Access, value: Expr) => {
    const { fn, hart } = at;
    const old = getCsr(hart, 'mstatus');
    const next = fn.let(merge(old, value, mask));
    const reserved = eq(and(next, i64(3n << 11n)), i64(2n << 11n));
    fn.if(reserved, () => fn.set(next, merge(next, getCsr(hart, 'mstatus'), 3n << 11n)));
    setCsr(fn, hart, 'mstatus', next);
    fn.do(mmu.updateContext, hart);
    recheck(at);
  };
  const delegated = (hart: Expr) => getCsr(hart, 'mideleg');
  const writeEnable = (within: (hart: Expr) => Expr) => (at: Access, value: Expr) => {
    const { fn, hart } = at;
    const mask = fn.let(within(hart));
    const kept = and(getCsr(hart, 'mie'), xor(mask, i64(-1)));
    setCsr(fn, hart, 'mie', or(kept, and(value, mask)));
    recheck(at);
  };
  /** The software-held bits; STIP belongs to the comparator once `menvcfg.STCE` is set (Sstc 2.1). */
  const writePending = (within: (hart: Expr) => Expr) => (at: Access, value: Expr) => {
    const { fn, hart } = at;
    const stip = select(hasStce(hart), i64(~STIP), i64(-1));
    const mask = fn.let(and(within(hart), stip));
    const kept = and(getCsr(hart, 'mip'), xor(mask, i64(-1)));
    setCsr(fn, hart, 'mip', or(kept, and(value, mask)));
    recheck(at);
  };
  const vector: (name: string) => CsrRow = (name) => ({
    mask: ALL,
    write: ({ fn, hart }, value) => fn.if(leU(and(wrap(value), i32(3)), i32(1)), () => setCsr(fn, hart, name, value)),
  });
  const fixed = (value: bigint): CsrRow => ({ mask: 0n, read: () => i64(value) });

  return {
    cycle: { mask: 0n, read: cycles, refused: counterRefused(0) },
    time: {
      mask: 0n,
      read: (at) => divU(now(at), i64(ctx.config.core.cyclesPerTick)),
      refused: counterRefused(1),
    },
    instret: { mask: 0n, read: instret, refused: counterRefused(2) },
    mcycle: {
      mask: ALL,
      read: cycles,
      write: (at, value) => setCsr(at.fn, at.hart, 'mcycle', sub(value, now(at))),
    },
    minstret: {
      mask: ALL,
      read: instret,
      // The next instruction reads the value written: the write itself does not count.
      write: (at, value) => setCsr(at.fn, at.hart, 'minstret', sub(value, add(retired(at), i64(1)))),
    },
    sstatus: {
      mask: ALL,
      read: ({ hart }) => and(getCsr(hart, 'mstatus'), i64(SSTATUS_WRITE | UXL)),
      write: writeStatus(SSTATUS_WRITE),
    },
    mstatus: { mask: ALL, write: writeStatus(MSTATUS_WRITE) },
    mie: { mask: ALL, write: writeEnable(() => i64(SUPERVISOR_INTERRUPTS | MACHINE_INTERRUPTS)) },
    sie: {
      mask: ALL,
      read: ({ hart }) => and(getCsr(hart, 'mie'), delegated(hart)),
      write: writeEnable(delegated),
    },
    mip: {
      mask: ALL,
      read: ({ hart }) => pendingBits(hart),
      modify: ({ hart }) => getCsr(hart, 'mip'),
      write: writePending(() => i64(SUPERVISOR_INTERRUPTS)),
    },
    sip: {
      mask: ALL,
      read: ({ hart }) => and(pendingBits(hart), delegated(hart)),
      modify: ({ hart }) => and(getCsr(hart, 'mip'), delegated(hart)),
      write: writePending((hart) => and(delegated(hart), i64(SSIP))),
    },
    mideleg: {
      mask: SUPERVISOR_INTERRUPTS,
      write: (at, value) => {
        setCsr(at.fn, at.hart, 'mideleg', and(value, i64(SUPERVISOR_INTERRUPTS)));
        recheck(at);
      },
    },
    medeleg: { mask: DELEGABLE },
    stvec: vector('stvec'),
    mtvec: vector('mtvec'),
    sepc: { mask: ALL & ~1n },
    mepc: { mask: ALL & ~1n },
    scounteren: { mask: 0xffff_ffffn },
    mcounteren: { mask: 0xffff_ffffn },
    senvcfg: { mask: 1n },
    menvcfg: {
      mask: STCE | 1n,
      write: (at, value) => {
        const { fn, hart } = at;
        setCsr(fn, hart, 'menvcfg', merge(getCsr(hart, 'menvcfg'), value, STCE | 1n));
        fn.if(hasStce(hart), () => setCsr(fn, hart, 'mip', and(getCsr(hart, 'mip'), i64(~STIP))));
        stopWith(at, ENGINE_STOP.timerChanged);
      },
    },
    stimecmp: {
      mask: ALL,
      write: (at, value) => {
        setCsr(at.fn, at.hart, 'stimecmp', value);
        stopWith(at, ENGINE_STOP.timerChanged);
      },
      refused: ({ hart }) => {
        const allowed = and(hasBit(getCsr(hart, 'mcounteren'), 1), hasStce(hart));
        return and(ltU(get32(hart, 'privilege'), i32(3)), eqz(allowed));
      },
    },
    satp: {
      mask: ALL,
      write: ({ fn, hart }, value) => {
        const mode = fn.let(wrap(shrU(value, i64(60))));
        const supported = or(eqz(mode), leU(sub(mode, i32(8)), i32(2)));
        fn.if(supported, () => {
          const oldMode = wrap(shrU(getCsr(hart, 'satp'), i64(60)));
          // A change of mode takes effect at once (12.1.11); a new root only after a fence. A deprivileged guest's is not the real one.
          const isReal = canVirtualize(ctx) ? eqz(isVirtualized(hart, 'deprivileged')) : i32(1);
          fn.if(and(ne(oldMode, mode), isReal), () => fn.do(mmu.flush, hart));
          setCsr(fn, hart, 'satp', and(value, i64((0xfn << 60n) | ((1n << 44n) - 1n))));
          fn.do(mmu.updateContext, hart);
        });
      },
      refused: ({ hart }) => and(eq(get32(hart, 'privilege'), i32(1)), hasBit(getCsr(hart, 'mstatus'), MSTATUS.TVM)),
    },
    misa: { mask: 0n },
    mhartid: { mask: 0n },
    mvendorid: fixed(0n),
    marchid: fixed(0n),
    mimpid: fixed(0n),
    mconfigptr: fixed(0n),
    mcountinhibit: fixed(0n),
  };
}

function defineRead({ module }: EngineContext, rows: readonly CsrRow[]): Fn {
  const fn = module.fn('csrRead', ['i32', 'i32'], ['i64']);
  const at = { fn, hart: fn.param(0) };
  fn.switch(fn.param(1), rows.length, (index) => {
    fn.return(rows[index]?.read?.(at) ?? getCsr(at.hart, CSR_ORDER[index] ?? ''));
  });
  fn.unreachable();
  return fn;
}

/** The value that set and clear work on. */
function defineModify({ module }: EngineContext, rows: readonly CsrRow[], read: Fn): Fn {
  const fn = module.fn('csrModify', ['i32', 'i32'], ['i64']);
  const at = { fn, hart: fn.param(0) };
  for (const [index, row] of rows.entries()) {
    const { modify } = row;
    if (modify) fn.if(eq(fn.param(1), i32(index)), () => fn.return(modify(at)));
  }
  fn.return(call(read, fn.param(0), fn.param(1)));
  fn.unreachable();
  return fn;
}

function defineWrite({ module }: EngineContext, rows: readonly CsrRow[]): Fn {
  const fn = module.fn('csrWrite', ['i32', 'i32', 'i64']);
  const at = { fn, hart: fn.param(0) };
  const value = fn.param(2);
  fn.switch(fn.param(1), rows.length, (index) => {
    const row = rows[index];
    const name = CSR_ORDER[index] ?? '';
    if (row?.write) row.write(at, value);
    else if (row && row.mask !== 0n) setCsr(fn, at.hart, name, merge(getCsr(at.hart, name), value, row.mask));
    fn.return();
  });
  return fn;
}

function defineRefused({ module }: EngineContext, rows: readonly CsrRow[]): Fn {
  const fn = module.fn('csrRefused', ['i32', 'i32', 'i32'], ['i32']);
  const [hart, index, writes] = [fn.param(0), fn.param(1), fn.param(2)];
  fn.switch(index, rows.length, (row) => {
    const number = ALL_NUMBERS[CSR_ORDER[row] ?? ''] ?? 0;
    const tooLow = ltU(get32(hart, 'privilege'), i32((number >> 8) & 3));
    const readOnly = number >> 10 === 3 ? writes : i32(0);
    const refused = rows[row]?.refused?.({ fn, hart }) ?? i32(0);
    fn.return(or(or(tooLow, readOnly), refused));
  });
  fn.unreachable();
  return fn;
}

/** All CSRs but the counters that the host lets through: as real `mcounteren` and `scounteren` would. */
function defineHidden({ module }: EngineContext): Fn {
  const fn = module.fn('csrHidden', ['i32', 'i32', 'i32'], ['i32']);
  const [hart, index, writes] = [fn.param(0), fn.param(1), fn.param(2)];
  for (const name of ['cycle', 'time', 'instret'] as const) {
    const bit = CSR_NUMBERS[name] - CSR_NUMBERS.cycle;
    const isOpen = and(shrU(get32(hart, 'directCounters'), i32(bit)), i32(1));
    fn.if(eq(index, i32(CSR_ORDER.indexOf(name))), () => fn.return(or(writes, eqz(isOpen))));
  }
  fn.return(i32(1));
  fn.unreachable();
  return fn;
}

function defineAccess({ module }: EngineContext, read: Fn, modify: Fn, write: Fn, refused: Fn): Fn {
  const fn = module.fn('csrAccess', ['i32', 'i32', 'i32', 'i64', 'i32'], ['i32']);
  const [hart, index, action, operand, writes] = [fn.param(0), fn.param(1), fn.param(2), fn.param(3), fn.param(4)];
  fn.if(call(refused, hart, index, writes), () => fn.return(i32(1)));
  set64(fn, hart, 'csrValue', call(read, hart, index));
  fn.if(writes, () => {
    const value = fn.let(operand);
    fn.if(action, () => {
      const base = fn.let(call(modify, hart, index));
      const cleared = and(base, xor(operand, i64(-1)));
      fn.set(value, select(eq(action, i32(CSR_ACTION.set)), or(base, operand), cleared));
    });
    fn.do(write, hart, index, value);
  });
  fn.return(i32(0));
  fn.unreachable();
  return fn;
}

/** `readCounter(hart, index)`: leaves the value in `csrValue`, as of `now` and `nowRetired`; 1 if it may not be read like that. */
function defineReadCounter(ctx: EngineContext, access: Fn, hidden: Fn): Fn {
  const fn = ctx.module.fn(READ_COUNTER.name, READ_COUNTER.params, READ_COUNTER.results);
  const [hart, index] = [fn.param(0), fn.param(1)];
  if (canVirtualize(ctx)) {
    fn.if(isVirtualized(hart, 'deprivileged'), () => fn.if(call(hidden, hart, index, i32(0)), () => fn.return(i32(1))));
  }
  fn.return(call(access, hart, index, i32(CSR_ACTION.set), i64(0), i32(0)));
  fn.unreachable();
  return fn;
}
