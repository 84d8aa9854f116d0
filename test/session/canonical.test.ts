import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlainValue } from '../../src/machine/bus.ts';
import { CanonicalWriter, canonicalBytes } from '../../src/session/canonical.ts';

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

describe('CanonicalWriter', () => {
  it('writes numbers in hexadecimal and text in UTF-8, whatever was written before', () => {
    const writer = new CanonicalWriter();
    const anyValue = fc.oneof(fc.bigInt(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = Buffer.from(typeof value === 'bigint' ? value.toString(16) : value);
        const type = typeof value === 'bigint' ? 2 : 5;
        const head = Buffer.from([8, 1, 0, 0, 0, 1, 0, 0, 0, 'v'.charCodeAt(0), type, 0, 0, 0, 0]);
        head.writeUInt32LE(text.length, head.length - 4);
        expect(Buffer.from(writer.bytes({ v: value })).toString('hex')).toBe(
          Buffer.concat([head, text]).toString('hex'),
        );
      }),
      { numRuns: 500 },
    );
  });
});

/** A value as text in which types stay apart; made by other means than the encoding under test. */
function shape(value: PlainValue): unknown {
  if (typeof value === 'bigint') return ['bigint', value.toString()];
  if (typeof value === 'number') return ['number', Object.is(value, -0) ? '-0' : value];
  if (value instanceof Uint8Array) return ['bytes', [...value]];
  if (Array.isArray(value)) return ['list', value.map(shape)];
  if (typeof value === 'object') return ['state', Object.entries(value).map(([key, item]) => [key, shape(item)])];
  return [typeof value, value];
}
