/**
 * Expressions of generated code: plain data, typed i32 or i64, that a {@link Fn} turns into WebAssembly.
 *
 * Instruction semantics, CSR fields, the page walk and trap entry are all written with these few functions, so there is one
 * way to say "add" in the machine. Operations keep WebAssembly's meaning where the RISC-V one is the same (wrap-around
 * arithmetic, shift counts modulo the width); where RISC-V differs (division), the instruction row says so.
 */

export type ValType = 'i32' | 'i64';

/** Function that an expression can call: its index in the module and its result. */
export interface Callable {
  readonly index: number;
  readonly name: string;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

export type Expr =
  /** Two signed halves: for i32 the high one is the sign. A BigInt for each constant would take longer than all the rest. */
  | { readonly kind: 'const'; readonly type: ValType; readonly low: number; readonly high: number }
  | { readonly kind: 'local'; readonly type: ValType; readonly index: number }
  | {
      readonly kind: 'op';
      readonly type: ValType;
      readonly op: OpName;
      readonly opcode: number;
      readonly args: readonly Expr[];
    }
  | {
      readonly kind: 'load';
      readonly type: ValType;
      readonly width: LoadWidth;
      readonly address: Expr;
      readonly offset: number;
    }
  | { readonly kind: 'call'; readonly type: ValType; readonly callee: Callable; readonly args: readonly Expr[] }
  | {
      readonly kind: 'cond';
      readonly type: ValType;
      readonly test: Expr;
      readonly then: Expr;
      readonly otherwise: Expr;
    }
  | { readonly kind: 'select'; readonly type: ValType; readonly args: readonly [Expr, Expr, Expr] };

export type Local = Extract<Expr, { kind: 'local' }>;
export type Const = Extract<Expr, { kind: 'const' }>;

/** Operand type, result type ('same' as the operands, or fixed), and opcode for i32 and i64 operands (0: none). */
interface OpRow {
  readonly arity: 1 | 2;
  readonly result: 'same' | ValType;
  readonly i32: number;
  readonly i64: number;
}

const binary = (i32: number, i64: number): OpRow => ({ arity: 2, result: 'same', i32, i64 });
const compare = (i32: number, i64: number): OpRow => ({ arity: 2, result: 'i32', i32, i64 });
const unary = (i32: number, i64: number): OpRow => ({ arity: 1, result: 'same', i32, i64 });

/** WebAssembly core specification, 5.4.6 numeric instructions. */
export const OPS = {
  add: binary(0x6a, 0x7c),
  sub: binary(0x6b, 0x7d),
  mul: binary(0x6c, 0x7e),
  divS: binary(0x6d, 0x7f),
  divU: binary(0x6e, 0x80),
  remS: binary(0x6f, 0x81),
  remU: binary(0x70, 0x82),
  and: binary(0x71, 0x83),
  or: binary(0x72, 0x84),
  xor: binary(0x73, 0x85),
  shl: binary(0x74, 0x86),
  shrS: binary(0x75, 0x87),
  shrU: binary(0x76, 0x88),
  rotl: binary(0x77, 0x89),
  rotr: binary(0x78, 0x8a),
  eq: compare(0x46, 0x51),
  ne: compare(0x47, 0x52),
  ltS: compare(0x48, 0x53),
  ltU: compare(0x49, 0x54),
  gtS: compare(0x4a, 0x55),
  gtU: compare(0x4b, 0x56),
  leS: compare(0x4c, 0x57),
  leU: compare(0x4d, 0x58),
  geS: compare(0x4e, 0x59),
  geU: compare(0x4f, 0x5a),
  clz: unary(0x67, 0x79),
  ctz: unary(0x68, 0x7a),
  popcnt: unary(0x69, 0x7b),
  sext8: unary(0xc0, 0xc2),
  sext16: unary(0xc1, 0xc3),
  sext32: unary(0, 0xc4),
  eqz: { arity: 1, result: 'i32', i32: 0x45, i64: 0x50 },
  wrap: { arity: 1, result: 'i32', i32: 0, i64: 0xa7 },
  extendS: { arity: 1, result: 'i64', i32: 0xac, i64: 0 },
  extendU: { arity: 1, result: 'i64', i32: 0xad, i64: 0 },
} as const satisfies Record<string, OpRow>;

export type OpName = keyof typeof OPS;

/** Memory access widths: bytes and how the value is widened. */
export const LOADS = {
  u8: { i32: 0x2d, i64: 0x31, log2: 0 },
  s8: { i32: 0x2c, i64: 0x30, log2: 0 },
  u16: { i32: 0x2f, i64: 0x33, log2: 1 },
  s16: { i32: 0x2e, i64: 0x32, log2: 1 },
  u32: { i32: 0x28, i64: 0x35, log2: 2 },
  s32: { i32: 0x28, i64: 0x34, log2: 2 },
  u64: { i32: 0, i64: 0x29, log2: 3 },
} as const;
export type LoadWidth = keyof typeof LOADS;

export const STORES = {
  8: { i32: 0x3a, i64: 0x3c, log2: 0 },
  16: { i32: 0x3b, i64: 0x3d, log2: 1 },
  32: { i32: 0x36, i64: 0x3e, log2: 2 },
  64: { i32: 0, i64: 0x37, log2: 3 },
} as const;
export type StoreBits = keyof typeof STORES;

export const i32 = (value: number): Const => ({ kind: 'const', type: 'i32', low: value | 0, high: value >> 31 });

/** @param value an integer that a number holds exactly, or any other as a BigInt, of which the low 64 bits are taken */
export function i64(value: bigint | number): Const {
  if (typeof value === 'number') return i64Of(value | 0, Math.floor(value / 2 ** 32));
  return i64Of(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** The constant with these 32-bit halves. */
export const i64Of = (low: number, high: number): Const => ({
  kind: 'const',
  type: 'i64',
  low: low | 0,
  high: high | 0,
});

/** An operation by its name; the functions below are shorter. */
export function op(name: OpName, ...args: readonly Expr[]): Expr {
  const [a, b] = args;
  const row: OpRow = OPS[name];
  if (a === undefined || args.length !== row.arity) throw mistyped(name, args);
  return b === undefined ? unaryOp(name, row, a) : binaryOp(name, row, a, b);
}

function unaryOp(name: OpName, row: OpRow, a: Expr): Expr {
  const opcode = row[a.type];
  if (opcode === 0) throw mistyped(name, [a]);
  return { kind: 'op', type: row.result === 'same' ? a.type : row.result, op: name, opcode, args: [a] };
}

function binaryOp(name: OpName, row: OpRow, a: Expr, b: Expr): Expr {
  const opcode = row[a.type];
  if (opcode === 0 || a.type !== b.type) throw mistyped(name, [a, b]);
  return { kind: 'op', type: row.result === 'same' ? a.type : row.result, op: name, opcode, args: [a, b] };
}

const mistyped = (name: OpName, args: readonly Expr[]) =>
  new TypeError(`${name}(${args.map((arg) => arg.type).join(', ')}) is no operation`);

function two(name: OpName): (a: Expr, b: Expr) => Expr {
  const row: OpRow = OPS[name];
  return (a, b) => binaryOp(name, row, a, b);
}

function one(name: OpName): (a: Expr) => Expr {
  const row: OpRow = OPS[name];
  return (a) => unaryOp(name, row, a);
}

export const add = two('add');
export const sub = two('sub');
export const mul = two('mul');
export const divS = two('divS');
export const divU = two('divU');
export const remS = two('remS');
export const remU = two('remU');
export const and = two('and');
export const or = two('or');
export const xor = two('xor');
export const shl = two('shl');
export const shrS = two('shrS');
export const shrU = two('shrU');
export const rotl = two('rotl');
export const rotr = two('rotr');
export const eq = two('eq');
export const ne = two('ne');
export const ltS = two('ltS');
export const ltU = two('ltU');
export const gtS = two('gtS');
export const gtU = two('gtU');
export const leS = two('leS');
export const leU = two('leU');
export const geS = two('geS');
export const geU = two('geU');
export const clz = one('clz');
export const ctz = one('ctz');
export const popcnt = one('popcnt');
export const sext8 = one('sext8');
export const sext16 = one('sext16');
export const sext32 = one('sext32');
export const eqz = one('eqz');
export const wrap = one('wrap');
export const extendS = one('extendS');
export const extendU = one('extendU');

/** `then` or `otherwise`, evaluating only the one that `test` chooses. */
export function cond(test: Expr, then: Expr, otherwise: Expr): Expr {
  return { kind: 'cond', type: then.type, test, then, otherwise };
}

/** As {@link cond}, but both sides are evaluated: for cheap sides without traps. */
export function select(test: Expr, then: Expr, otherwise: Expr): Expr {
  return { kind: 'select', type: then.type, args: [then, otherwise, test] };
}

/** Reads linear memory at `address + offset`. */
export function load(type: ValType, width: LoadWidth, address: Expr, offset = 0): Expr {
  return { kind: 'load', type, width, address, offset };
}

export const load32 = (address: Expr, offset = 0): Expr => load('i32', 'u32', address, offset);
export const load64 = (address: Expr, offset = 0): Expr => load('i64', 'u64', address, offset);

export function call(callee: Callable, ...args: Expr[]): Expr {
  return { kind: 'call', type: callee.results[0] ?? 'i32', callee, args };
}
