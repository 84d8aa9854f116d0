/** What is known of values is true of them, and an extension that is left out did nothing. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import type { Expr, Local } from '../../../src/machine/engine/expr.ts';
import {
  add,
  and,
  extendS,
  extendU,
  i32,
  i64,
  load,
  ltS,
  or,
  select,
  shl,
  shrU,
  wrap,
  xor,
} from '../../../src/machine/engine/expr.ts';
import { WORD, type Word, withoutExtension, wordOf } from '../../../src/machine/engine/regions/words.ts';

const local = (index: number): Local => ({ kind: 'local', type: 'i64', index });
/** Locals of which nothing, something and all is known. */
const [any, word, natural] = [local(0), local(1), local(2)];
const known = (index: number): Word => must([WORD.unknown, WORD.word, WORD.natural][index], 'a local');
const address = i32(0);
const sextw = (value: Expr) => extendS(add(wrap(value), wrap(i64(0))));
const srliw = (value: Expr, count: number) => extendS(shrU(wrap(value), wrap(i64(count))));

describe('a value', () => {
  it.each<[string, Expr, Word]>([
    ['a constant of more than 32 bits', i64(0x8000_0000), WORD.unknown],
    ['the least word', i64(-0x8000_0000), WORD.word],
    ['the greatest word', i64(0x7fff_ffff), WORD.natural],
    ['a doubleword of memory', load('i64', 'u64', address), WORD.unknown],
    ['an unsigned word of memory', load('i64', 'u32', address), WORD.unknown],
    ['a signed byte of memory', load('i64', 's8', address), WORD.word],
    ['an unsigned half of memory', load('i64', 'u16', address), WORD.natural],
    ['a 32-bit value with its sign', extendS(wrap(any)), WORD.word],
    ['a 32-bit value without it', extendU(wrap(any)), WORD.unknown],
    ['a flag', extendU(ltS(any, any)), WORD.natural],
    ['a sum of words', add(word, word), WORD.unknown],
    ['words by or', or(word, natural), WORD.word],
    ['a word and anything by xor', xor(word, any), WORD.unknown],
    ['anything under a natural mask', and(any, i64(255)), WORD.natural],
    ['anything under a negative mask', and(any, i64(-2)), WORD.unknown],
    ['a choice of words', select(wrap(any), natural, word), WORD.word],
    ['a word shifted right by nothing', srliw(any, 32), WORD.word],
    ['a word shifted right', srliw(any, 1), WORD.natural],
  ])('that is %s', (_name, value, expected) => {
    expect(wordOf(value, known)).toBe(expected);
  });
});

describe('an extension', () => {
  it('of a word is the word', () => {
    expect(withoutExtension(sextw(word), known)).toBe(word);
    expect(withoutExtension(extendS(wrap(natural)), known)).toBe(natural);
  });

  it('of anything else stays', () => {
    for (const value of [sextw(any), extendS(add(wrap(word), wrap(i64(1)))), extendS(shl(wrap(word), i32(1)))]) {
      expect(withoutExtension(value, known)).toBe(value);
    }
  });

  it('of what is not negative is without a sign', () => {
    const shifted = srliw(any, 31);
    expect(withoutExtension(shifted, known)).toEqual(extendU(shrU(wrap(any), wrap(i64(31)))));
    expect(withoutExtension(srliw(any, 0), known)).toEqual(srliw(any, 0));
  });
});
