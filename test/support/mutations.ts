/**
 * Wrong translators, each wrong in one thing: the code generator of regions writes through a layer that changes one kind of operation.
 * The interpreter is left as it is. A cross-check that is worth its time tells each of them from the right one.
 */
import type { EngineContext } from '../../src/machine/engine/engine-context.ts';
import type { Const, Expr, Local, OpName, StoreBits } from '../../src/machine/engine/expr.ts';
import { cond, i32, i64, i64Of, op } from '../../src/machine/engine/expr.ts';
import { HART, PAGE_FLAG } from '../../src/machine/engine/layout.ts';
import { balanceOf } from '../../src/machine/engine/regions/balance.ts';
import { emitRegion, type RegionWriter } from '../../src/machine/engine/regions/region-emitter.ts';
import type { Fn, Label } from '../../src/machine/engine/wasm-module.ts';

export interface Mutation {
  readonly name: string;
  /** Replaces an expression, after its parts; undefined leaves it. */
  readonly expr?: (expr: Expr) => Expr | undefined;
  /** Replaces the value that a local is set to. */
  readonly set?: (value: Expr) => Expr | undefined;
  /** Whether a branch on this test is left out. */
  readonly dropsBranch?: (test: Expr) => boolean;
  /** Whether the body of an `if` is never entered. */
  readonly dropsBody?: (test: Expr) => boolean;
  /** Whether a store is left out. */
  readonly dropsStore?: (bits: StoreBits, offset: number) => boolean;
}

const never = (): Expr => i32(0);
const always = (): Expr => i32(1);
const isConst = (expr: Expr | undefined): expr is Const => expr?.kind === 'const';
const wholeOf = ({ low, high }: Const): bigint => (BigInt(high) << 32n) | BigInt(low >>> 0);
/** The same operands with another operation. */
const withOp = (expr: Extract<Expr, { kind: 'op' }>, name: OpName): Expr => op(name, ...expr.args);
const isOp = (expr: Expr, op: string): expr is Extract<Expr, { kind: 'op' }> => expr.kind === 'op' && expr.op === op;
const withConst = (expr: Extract<Expr, { kind: 'op' }>, change: (value: bigint) => bigint): Expr => ({
  ...expr,
  args: expr.args.map((arg) => (isConst(arg) ? i64(change(wholeOf(arg))) : arg)),
});
/** An operation on values of the guest, not of the translator: 64 bits, no constant. */
const isGuestOp = (expr: Expr, op: string): expr is Extract<Expr, { kind: 'op' }> =>
  isOp(expr, op) && expr.args.every((arg) => arg.type === 'i64' && arg.kind !== 'const');
/** One cycle of a balance. */
const CYCLE = wholeOf(balanceOf(1));
/** `balance + charge`: the instructions of a block below, its cycles taken off above. */
const isCharge = (value: Expr): value is Extract<Expr, { kind: 'op' }> => {
  if (!isOp(value, 'add') || !isConst(value.args[1]) || wholeOf(value.args[1]) >= 0n) return false;
  const insns = wholeOf(value.args[1]) & (CYCLE - 1n);
  return insns > 0n && insns < 4096n;
};
/** A side exit that is packed into a constant, after at least one instruction. */
const isExit = (value: Expr): value is Const => isConst(value) && value.type === 'i64' && (value.high & 0xfff) > 0;
/** A choice between what was before a block that may be skipped and what is after it. */
const isChoice = (expr: Expr, kind: Expr['kind']): expr is Extract<Expr, { kind: 'select' }> =>
  expr.kind === 'select' && expr.type === 'i64' && expr.args[0].kind === kind && expr.args[1].kind === kind;
/** `balance - shifted cycles`: what a page walk took. */
const isWalkCharge = (value: Expr): value is Extract<Expr, { kind: 'op' }> =>
  isOp(value, 'sub') && value.args[1] !== undefined && isOp(value.args[1], 'shl') && value.args[0]?.kind === 'local';
const readsHart = (expr: Expr | undefined, field: keyof typeof HART): boolean =>
  expr?.kind === 'load' && expr.offset === HART[field];

export const MUTATIONS: readonly Mutation[] = [
  { name: 'a subtraction adds', expr: (e) => (isGuestOp(e, 'sub') ? withOp(e, 'add') : undefined) },
  { name: 'a word is not sign-extended', expr: (e) => (isOp(e, 'extendS') ? withOp(e, 'extendU') : undefined) },
  {
    name: 'an arithmetic shift is logical',
    expr: (e) => (isOp(e, 'shrS') && e.type === 'i64' ? withOp(e, 'shrU') : undefined),
  },
  {
    name: 'a signed comparison is unsigned',
    expr: (e) => (isGuestOp(e, 'ltS') ? withOp(e, 'ltU') : undefined),
  },
  {
    name: 'a byte is loaded without its sign',
    expr: (e) => (e.kind === 'load' && e.width === 's8' ? { ...e, width: 'u8' } : undefined),
  },
  {
    name: 'a block charges a cycle less',
    set: (value) => (isCharge(value) ? withConst(value, (charge) => charge + CYCLE) : undefined),
  },
  {
    name: 'a block retires an instruction more',
    set: (value) => (isCharge(value) ? withConst(value, (charge) => charge + 1n) : undefined),
  },
  {
    name: 'a loop does not look at its deadline',
    dropsBody: (test) => isOp(test, 'ltS') && isConst(test.args[1]) && wholeOf(test.args[1]) > 0n,
  },
  {
    name: 'a side exit retires an instruction less',
    set: (value) => (isExit(value) ? i64Of(value.low, value.high - 1) : undefined),
  },
  {
    name: 'a register is not written back',
    dropsStore: (bits, offset) => bits === 64 && offset === HART.regs + 8 * 11,
  },
  {
    name: 'a store does not look whether it changes code',
    dropsBranch: (test) =>
      isOp(test, 'ne') && isConst(test.args[1]) && wholeOf(test.args[1]) === BigInt(PAGE_FLAG.dirty),
  },
  {
    name: 'what a branch skips is executed all the same',
    expr: (e) => (isChoice(e, 'local') ? e.args[1] : undefined),
  },
  {
    name: 'what a branch skips is charged all the same',
    expr: (e) => (isChoice(e, 'const') ? e.args[1] : undefined),
  },
  {
    name: 'a counter is read as it was before',
    dropsStore: (bits, offset) => bits === 64 && (offset === HART.now || offset === HART.nowRetired),
  },
  {
    name: 'a page walk is not charged',
    set: (value) => (isWalkCharge(value) ? value.args[0] : undefined),
  },
  {
    name: 'a page walk does not look at its deadline',
    dropsBranch: (test) => isOp(test, 'ltS') && isConst(test.args[1]) && wholeOf(test.args[1]) > 0n,
  },
  {
    name: 'a store-conditional always succeeds',
    set: (value) => (isOp(value, 'ne') && readsHart(value.args[0], 'reservation') ? never() : undefined),
  },
  {
    name: 'a return is not compared with its call',
    expr: (e) =>
      isOp(e, 'eq') && e.args.every(({ type }) => type === 'i64') && isOp(e.args[1] ?? e, 'add') ? always() : undefined,
  },
];

export interface MutatedWriter {
  readonly write: RegionWriter;
  /** How often something was changed. */
  readonly changes: () => number;
}

/** The code generator with one mutation; with an empty one, the right code by the same way. */
export function mutatedWriter(mutation: Omit<Mutation, 'name'>): MutatedWriter {
  let changes = 0;
  const changed = <T>(value: T): T => {
    changes++;
    return value;
  };
  const rewrite = (expr: Expr): Expr => {
    const inner = mapParts(expr, rewrite);
    const replaced = mutation.expr?.(inner);
    return replaced === undefined ? inner : changed(replaced);
  };
  const settled = (value: Expr): Expr => {
    const replaced = mutation.set?.(value);
    return rewrite(replaced === undefined ? value : changed(replaced));
  };
  const entering = (test: Expr) => (mutation.dropsBody?.(test) ? changed(never()) : rewrite(test));
  const write = (ctx: EngineContext, fn: Fn, ...rest: unknown[]) => {
    const methods = {
      let: (value: Expr) => fn.let(settled(value)),
      set: (local: Local, value: Expr) => fn.set(local, settled(value)),
      store: (bits: StoreBits, address: Expr, value: Expr, offset = 0) => {
        if (mutation.dropsStore?.(bits, offset)) changed(undefined);
        else fn.store(bits, rewrite(address), rewrite(value), offset);
      },
      brIf: (label: Label, test: Expr) => {
        if (mutation.dropsBranch?.(test)) changed(undefined);
        else fn.brIf(label, rewrite(test));
      },
      brIfRarely: (label: Label, test: Expr) => {
        if (mutation.dropsBranch?.(test)) changed(undefined);
        else fn.brIfRarely(label, rewrite(test));
      },
      if: (test: Expr, then: () => void, otherwise?: () => void) => fn.if(entering(test), then, otherwise),
      ifRarely: (test: Expr, then: () => void) => fn.ifRarely(entering(test), then),
    };
    const layer = new Proxy(fn, {
      get: (target, name) => {
        const own: unknown = Reflect.get(methods, name);
        if (own !== undefined) return own;
        // Everything else is the function's own; its methods need their own object for private fields.
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    Reflect.apply(emitRegion, undefined, [ctx, layer, ...rest]);
  };
  return { write, changes: () => changes };
}

function mapParts(expr: Expr, map: (part: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'const':
    case 'local':
      return expr;
    case 'op':
    case 'call':
      return { ...expr, args: expr.args.map(map) };
    case 'load':
      return { ...expr, address: map(expr.address) };
    case 'cond':
      return cond(map(expr.test), map(expr.then), map(expr.otherwise));
    case 'select': {
      const [then, otherwise, test] = expr.args;
      return { ...expr, args: [map(then), map(otherwise), map(test)] };
    }
  }
}
