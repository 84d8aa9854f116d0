import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MalformedError,
  pack,
  packHeaderValue,
  packInteger,
  toHeaderObject,
  unpackHeaderValue,
  unpackMap,
} from '../../src/trace/messagepack.ts';
import type { HeaderValue } from '../../src/trace/schema.ts';

const EDGES = [0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

function bytesOf(...bytes: number[]): Uint8Array {
  return new Uint8Array(bytes);
}

/** A map of one entry `a` whose value is packed as given. */
function mapOf(...value: number[]): Uint8Array {
  return bytesOf(0x81, 0xa1, 0x61, ...value);
}

describe('integers', () => {
  test.each(EDGES.flatMap((edge) => [edge, -edge]))('%d is packed as an integer and comes back', (edge) => {
    const packed = pack(new Map([['a', packInteger(edge)]])).slice();
    // Neither float 32 nor float 64.
    expect([0xca, 0xcb]).not.toContain(packed[3]);
    expect(unpackHeaderValue(unpackMap(packed).a)).toBe(edge + 0);
  });
});

test('header values come back with the order of their keys', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => text !== '__proto__');
  const { tree } = fc.letrec<{ tree: HeaderValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc
        .oneof(fc.constantFrom(null, true, false, ...EDGES), fc.double({ noNaN: true, noDefaultInfinity: true }))
        .filter((n) => !Object.is(n, -0) && (typeof n !== 'number' || !Number.isInteger(n) || Number.isSafeInteger(n))),
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const packed = pack(new Map([['value', packHeaderValue(toHeaderObject({ value }).value ?? null)]])).slice();
      const again = unpackHeaderValue(unpackMap(packed).value);
      expect(JSON.stringify(again)).toBe(JSON.stringify(value));
    }),
  );
});

test('a header object refuses what is not plain', () => {
  expect(toHeaderObject({ a: 1, b: undefined })).toEqual({ a: 1 });
  expect(() => toHeaderObject({ a: 1n })).toThrow('bigint');
  expect(() => toHeaderObject({ a: Number.NaN })).toThrow('NaN');
  expect(() => toHeaderObject({ a: () => 1 })).toThrow('function');
  expect(() => toHeaderObject([1])).toThrow('list');
});

test.each([
  ['an extension', mapOf(0xd4, 0x72, 0x40)],
  ['a float of 32 bits', mapOf(0xca, 0, 0, 0, 0)],
  ['the unused type', mapOf(0xc1)],
  ['text that is not UTF-8', mapOf(0xa1, 0xff)],
  ['a value that is cut off', mapOf(0xdb, 0xff, 0xff, 0xff, 0xff)],
  ['a list longer than its bytes', mapOf(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0)],
  ['bytes after the value', mapOf(0xc0, 0xc0)],
  ['a float as key', bytesOf(0x81, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0)],
  ['a key that is a prototype', bytesOf(0x81, 0xa9, ...Buffer.from('__proto__'), 0xc0)],
  ['no map', bytesOf(0x01)],
  ['nothing', bytesOf()],
  ['too deep a nesting', bytesOf(...new Array(40).fill(0x91), 0xc0)],
])('%s is malformed', (_, bytes) => {
  expect(() => unpackMap(bytes)).toThrow(MalformedError);
});

test('any bytes give a map or a MalformedError', () => {
  const start = fc.constantFrom(0x81, 0x82, 0x85, 0xde);
  const property = fc.property(start, fc.uint8Array({ maxLength: 80 }), (first, rest) => {
    try {
      expect(typeof unpackMap(bytesOf(first, ...rest))).toBe('object');
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedError);
    }
  });
  fc.assert(property, { numRuns: 5000 });
});
