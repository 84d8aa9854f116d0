/**
 * Which values are words: 32-bit values sign-extended to 64 bits, as most instructions make them. To extend one again does nothing, which
 * the host's compiler does not see: it knows nothing of what a register of the guest held before.
 */
import type { Const, Expr } from '../expr.ts';
import { extendU } from '../expr.ts';

/** What is known of a value: nothing; that it is a word; that it is a word and not negative. */
export const WORD = { unknown: 0, word: 1, natural: 2 } as const;
export type Word = (typeof WORD)[keyof typeof WORD];

/** What is known of a local, by its index. */
export type KnownWords = (local: number) => Word;

const COMPARISONS: ReadonlySet<string> = new Set([
  ...['eqz', 'eq', 'ne', 'ltS', 'ltU', 'gtS', 'gtU', 'leS', 'leU', 'geS', 'geU'],
]);

/** What is known of an i64. */
export function wordOf(expr: Expr, known: KnownWords): Word {
  switch (expr.kind) {
    case 'const':
      return wordOfConst(expr);
    case 'local':
      return known(expr.index);
    case 'load':
      if (expr.width === 'u64' || expr.width === 'u32') return WORD.unknown;
      return expr.width === 'u8' || expr.width === 'u16' ? WORD.natural : WORD.word;
    case 'select':
      return lesser(wordOf(expr.args[0], known), wordOf(expr.args[1], known));
    case 'op':
      return wordOfOp(expr.op, expr.args, known);
    default:
      return WORD.unknown;
  }
}

/** The same value without an extension that does nothing, or with one that costs the host nothing. */
export function withoutExtension(expr: Expr, known: KnownWords): Expr {
  if (expr.kind !== 'op' || expr.op !== 'extendS') return expr;
  const inner = expr.args[0];
  if (inner === undefined) return expr;
  const whole = cutFrom(inner);
  if (whole && wordOf(whole, known) !== WORD.unknown) return whole;
  return isNatural(inner, known) ? extendU(inner) : expr;
}

const lesser = (a: Word, b: Word): Word => (a < b ? a : b);

function wordOfConst({ low, high }: Const): Word {
  if (high !== low >> 31) return WORD.unknown;
  return low < 0 ? WORD.word : WORD.natural;
}

function wordOfOp(name: string, args: readonly Expr[], known: KnownWords): Word {
  const a = args[0];
  const b = args[1];
  if (a === undefined) return WORD.unknown;
  if (name === 'extendS') return isNatural(a, known) ? WORD.natural : WORD.word;
  if (name === 'extendU') return isNatural(a, known) ? WORD.natural : WORD.unknown;
  if (b === undefined || (name !== 'and' && name !== 'or' && name !== 'xor')) return WORD.unknown;
  const left = wordOf(a, known);
  const right = wordOf(b, known);
  if (name === 'and' && (left === WORD.natural || right === WORD.natural)) return WORD.natural;
  return lesser(left, right);
}

/** Whether an i32 is known not to be negative. */
function isNatural(expr: Expr, known: KnownWords): boolean {
  if (expr.kind === 'const') return expr.low >= 0;
  if (expr.kind !== 'op') return false;
  if (COMPARISONS.has(expr.op)) return true;
  const a = expr.args[0];
  const b = expr.args[1];
  if (a === undefined) return false;
  if (expr.op === 'wrap') return wordOf(a, known) === WORD.natural;
  if (b === undefined) return false;
  if (expr.op === 'and') return isNatural(a, known) || isNatural(b, known);
  return expr.op === 'shrU' && shiftOf(b) > 0;
}

/** A constant shift count of an i32; 0 if it is not known. */
function shiftOf(expr: Expr): number {
  const inner = expr.kind === 'op' && expr.op === 'wrap' ? expr.args[0] : expr;
  return inner?.kind === 'const' ? inner.low & 31 : 0;
}

/** The i64 that an i32 is cut from, with zero added or not. */
function cutFrom(expr: Expr): Expr | undefined {
  if (expr.kind !== 'op') return undefined;
  const a = expr.args[0];
  const b = expr.args[1];
  if (expr.op === 'wrap') return a;
  return expr.op === 'add' && a && b && isZero(b) ? cutFrom(a) : undefined;
}

function isZero(expr: Expr): boolean {
  const inner = expr.kind === 'op' && expr.op === 'wrap' ? expr.args[0] : expr;
  return inner?.kind === 'const' && inner.low === 0;
}
