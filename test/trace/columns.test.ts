import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeColumn } from '../../src/trace/column-decoder.ts';
import { ColumnBuffer, ColumnEncoder } from '../../src/trace/columns.ts';
import { MalformedError } from '../../src/trace/messagepack.ts';
import { COLUMN_CODING } from '../../src/trace/schema.ts';

const EDGES = [0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const CAPACITY = 4096;
const encoder = new ColumnEncoder(CAPACITY);

function encode(values: readonly bigint[]): Uint8Array | undefined {
  const buffer = new ColumnBuffer(CAPACITY);
  for (const value of values) buffer.pushUnsigned(value);
  return encoder.encode(buffer);
}

function roundTrip(values: readonly bigint[]): bigint[] {
  return Array.from(decodeColumn(encode(values), 'u64', values.length, []) as BigUint64Array);
}

const value = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...EDGES));

describe('a column', () => {
  test('comes back with arbitrary values', () => {
    const property = fc.property(fc.array(value, { maxLength: 200 }), (values) => {
      expect(roundTrip(values)).toEqual(values);
    });
    fc.assert(property);
  });

  test('comes back when few values repeat', () => {
    const few = fc.array(value, { minLength: 1, maxLength: 5 });
    const property = fc.property(few, fc.array(fc.nat(), { maxLength: 300 }), (table, picks) => {
      const values = picks.map((pick) => table[pick % table.length] ?? 0n);
      expect(roundTrip(values)).toEqual(values);
    });
    fc.assert(property);
  });

  const count = 64;
  const rows = <T>(make: (row: number) => T): T[] => Array.from({ length: count }, (_, row) => make(row));
  const scattered = (row: number): bigint => (BigInt(row + 1) * 0x9e37_79b9_7f4a_7c15n) % 2n ** 64n;
  test.each([
    ['constant', rows(() => 2n ** 64n - 1n)],
    ['plain', rows((row) => BigInt((row * 37) % 100))],
    ['delta', rows((row) => 2n ** 63n + BigInt(row * 5))],
    ['table', rows((row) => scattered(row % 3))],
    ['fixed', rows(scattered)],
  ] as const)('takes the coding `%s` where it is shortest', (coding, values) => {
    expect(encode(values)?.[0]).toBe(COLUMN_CODING[coding].code);
    expect(roundTrip(values)).toEqual(values);
  });

  test('is left out when all its values are zero', () => {
    expect(encode([0n, 0n])).toBeUndefined();
    expect(roundTrip([0n, 0n])).toEqual([0n, 0n]);
  });

  test('keeps more distinct values than a table takes', () => {
    const values = Array.from({ length: 3000 }, (_, row) => scattered(row % 1500));
    expect(roundTrip(values)).toEqual(values);
  });

  test('keeps signed values at the ends of their range', () => {
    const values = [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n, -(2n ** 31n), -(2n ** 53n)];
    const buffer = new ColumnBuffer(CAPACITY);
    for (const signed of values) buffer.pushSigned(signed);
    expect(Array.from(decodeColumn(encoder.encode(buffer), 'i64', values.length, []) as BigInt64Array)).toEqual(values);
  });

  test('refuses values that its type does not hold', () => {
    const buffer = new ColumnBuffer(4);
    expect(() => buffer.pushNumber(256, 255)).toThrow('256');
    expect(() => buffer.pushNumber(1.5, 255)).toThrow('1.5');
    expect(() => buffer.pushNumber(-1, 255)).toThrow('-1');
    expect(() => buffer.pushNumber(Number.NaN, 255)).toThrow('NaN');
    expect(() => buffer.pushUnsigned(2n ** 64n)).toThrow('unsigned');
    expect(() => buffer.pushUnsigned(-1n)).toThrow('unsigned');
    expect(() => buffer.pushSigned(2n ** 63n)).toThrow('signed');
    expect(() => decodeColumn(encode([256n]), 'u8', 1, [])).toThrow(MalformedError);
    expect(() => decodeColumn(encode([2n ** 53n]), 'u53', 1, [])).toThrow(MalformedError);
    expect(() => decodeColumn(encode([1n]), 'name', 1, ['only'])).toThrow(MalformedError);
  });

  test('gives values or a MalformedError for any bytes', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat({ max: 20 }),
      fc.nat({ max: 5 }),
      (bytes, length, coding) => {
        bytes[0] = coding;
        try {
          expect(decodeColumn(bytes, 'u64', length, []).length).toBe(length);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });
});
