import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/assert.ts';
import type { PlainState, PlainValue } from '../../src/machine/bus.ts';
import { plainStateOf, type Stateful, writeFields } from '../../src/machine/state-sink.ts';
import { CanonicalWriter, canonicalBytes } from '../../src/session/canonical.ts';
import { canonicalReference } from '../support/canonical-reference.ts';

const plainValue: fc.Arbitrary<PlainValue> = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.boolean(),
    fc.string({ maxLength: 4 }),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3 }),
  ),
})).value;

describe('canonicalBytes', () => {
  it('tells different states apart and equal ones not', () => {
    fc.assert(
      fc.property(plainValue, plainValue, (a, b) => {
        const same = JSON.stringify(shape(a)) === JSON.stringify(shape(b));
        expect(Buffer.from(canonicalBytes({ v: a })).equals(Buffer.from(canonicalBytes({ v: b })))).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps lengths apart from contents', () => {
    expect(canonicalBytes({ a: 'x', b: '' })).not.toEqual(canonicalBytes({ a: '', b: 'x' }));
    expect(canonicalBytes({ a: [[1], 2] })).not.toEqual(canonicalBytes({ a: [[1, 2]] }));
    expect(canonicalBytes({ a: 1 })).not.toEqual(canonicalBytes({ a: 1n }));
  });

  it('takes states larger than its first buffer', () => {
    const large = new Uint8Array(20_000).fill(7);
    expect(canonicalBytes({ large }).length).toBeGreaterThan(20_000);
  });
});

/** States that a writer may see one after the other: of the same shape, or with a value or two that differ. */
const successive = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(0, -0, 1.5, Number.NEGATIVE_INFINITY, Number.NaN),
    fc.constantFrom(0n, 7n, 0x10n, 0xffff_ffffn, 1n << 32n, (1n << 64n) - 1n, -1n, 1n << 70n),
    fc.boolean(),
    fc.constantFrom('', 'a', 'b', 'bc', 'ä', '€'),
    fc.constantFrom(new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(1, 2)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.record({ p: tie('value'), q: tie('value') }, { requiredKeys: ['p'] }),
  ),
})).value;

describe('CanonicalWriter', () => {
  it('writes what the plainest encoder writes, whatever it wrote before', () => {
    fc.assert(
      fc.property(fc.array(successive, { minLength: 2, maxLength: 8 }), (values) => {
        const writer = new CanonicalWriter();
        for (const value of [...values, ...values]) {
          expect(hex(writer.bytes(fieldsOf({ v: value, w: 5 })))).toBe(hex(canonicalReference({ v: value, w: 5 })));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('writes numbers of any size and any text', () => {
    const writer = new CanonicalWriter();
    const anyValue = fc.oneof(fc.bigInt(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(hex(writer.bytes(fieldsOf({ v: value })))).toBe(hex(canonicalReference({ v: value })));
      }),
      { numRuns: 500 },
    );
  });

  it('writes words as bigints, and lists of them as lists', () => {
    const writer = new CanonicalWriter();
    const word = fc.oneof(fc.constantFrom(0n, 1n, 15n, 16n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const view = new DataView(new ArrayBuffer(8 * words.length));
        for (const [index, value] of words.entries()) view.setBigUint64(8 * index, value, true);
        const state: Stateful = {
          writeState: (sink) => {
            sink.word('first', view.getInt32(0, true), view.getInt32(4, true));
            sink.words('all', view, 0, words.length);
            sink.value('after', true);
          },
        };
        const plain = { first: words[0] ?? 0n, all: words, after: true };
        expect(plainStateOf(state)).toEqual(plain);
        expect(hex(writer.bytes(state))).toBe(hex(canonicalReference(plain)));
      }),
      { numRuns: 300 },
    );
  });

  it('takes the same constant for the same state, wherever it comes', () => {
    const constants: readonly PlainState[] = [
      {},
      { a: 1, list: [1n, 'x'] },
      { a: 2, list: [1n, 'y'] },
      { b: { a: 1 } },
    ];
    const item = fc.record({ constant: fc.nat({ max: 3 }), isPlain: fc.boolean(), before: fc.constantFrom('', 'b') });
    fc.assert(
      fc.property(fc.array(fc.array(item, { maxLength: 4 }), { minLength: 2, maxLength: 6 }), (rounds) => {
        const writer = new CanonicalWriter();
        for (const items of [...rounds, ...rounds]) {
          const state: Stateful = {
            writeState: (sink) => {
              sink.beginList('items');
              for (const { constant, isPlain, before } of items) {
                sink.value(undefined, before);
                if (isPlain) sink.value(undefined, constants[constant] ?? {});
                else sink.constant(undefined, constants[constant] ?? {});
              }
              sink.end();
            },
          };
          expect(hex(writer.bytes(state))).toBe(hex(canonicalReference(plainStateOf(state))));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('goes on after a state that could not be written', () => {
    const writer = new CanonicalWriter();
    const state = { list: [1, 2, { deep: 3n }], last: 'x' };
    for (const writtenBefore of [0, 1, 2, 3]) {
      const broken: Stateful = {
        writeState: (sink) => {
          sink.beginList('list');
          for (let item = 0; item < writtenBefore; item++) sink.value(undefined, item);
          sink.begin(undefined);
          throw new Error('broken');
        },
      };
      expect(() => writer.bytes(broken)).toThrow('broken');
      expect(hex(writer.bytes(fieldsOf(state)))).toBe(hex(canonicalReference(state)));
    }
  });

  it('asserts that what begins ends', () => {
    expect(() => new CanonicalWriter().bytes({ writeState: (sink) => sink.begin('open') })).toThrow(AssertionError);
    expect(() => new CanonicalWriter().bytes({ writeState: (sink) => sink.end() })).toThrow(AssertionError);
  });
});

const fieldsOf = (state: PlainState): Stateful => ({ writeState: (sink) => writeFields(sink, state) });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A value as text in which types stay apart; made by other means than the encoding under test. */
function shape(value: PlainValue): unknown {
  if (typeof value === 'bigint') return ['bigint', value.toString()];
  if (typeof value === 'number') return ['number', Object.is(value, -0) ? '-0' : value];
  if (value instanceof Uint8Array) return ['bytes', [...value]];
  if (Array.isArray(value)) return ['list', value.map(shape)];
  if (typeof value === 'object') return ['state', Object.entries(value).map(([key, item]) => [key, shape(item)])];
  return [typeof value, value];
}
