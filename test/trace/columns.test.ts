import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeColumn, decodeColumnWords } from '../../src/trace/column-decoder.ts';
import { ColumnBuffer, ColumnEncoder } from '../../src/trace/columns.ts';
import { MalformedError } from '../../src/trace/messagepack.ts';
import { COLUMN_CODING } from '../../src/trace/schema.ts';
import { FollowColumn, SiteColumn, SiteColumnEncoder } from '../../src/trace/site-columns.ts';
import { SiteKin } from '../../src/trace/site-kin.ts';

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

describe('a column of events', () => {
  /** Sites 4 to 7 are kin of 0 to 3. */
  const kin = new SiteKin();
  for (let site = 0; site < 8; site += 1) kin.add(2, site % 4, 0);
  const siteEncoder = new SiteColumnEncoder(encoder, kin);

  function encodeBySite(values: readonly bigint[], sites: Uint16Array, ascends: boolean): Uint8Array | undefined {
    const column = new SiteColumn(ascends, kin);
    for (const [row, each] of values.entries()) {
      column.push(Number(each & 0xffff_ffffn) | 0, Number(each >> 32n) | 0, sites[row] as number);
    }
    return siteEncoder.encode(column, sites);
  }

  function decodeBySite(coded: Uint8Array | undefined, sites: Uint16Array): bigint[] {
    const words = decodeColumnWords(coded, 'u64', sites.length, [], { siteCount: 8, sites, kin });
    return Array.from(new BigUint64Array(words.buffer));
  }

  const rows = fc.array(fc.tuple(fc.nat({ max: 7 }), value), { maxLength: 200 });

  test('comes back with arbitrary values at arbitrary sites', () => {
    const property = fc.property(rows, fc.boolean(), (pairs, ascends) => {
      const sites = Uint16Array.from(pairs, ([site]) => site);
      const values = pairs.map(([, each]) => each);
      expect(decodeBySite(encodeBySite(values, sites, ascends), sites)).toEqual(values);
    });
    fc.assert(property);
  });

  test('comes back when each site has values or steps of its own', () => {
    const property = fc.property(
      fc.array(value, { minLength: 8, maxLength: 8 }),
      fc.array(fc.nat({ max: 7 }), { maxLength: 300 }),
      fc.boolean(),
      (own, path, isStep) => {
        let sum = 0n;
        const values = path.map((site) => {
          sum = isStep ? BigInt.asUintN(64, sum + (own[site] ?? 0n)) : (own[site] ?? 0n);
          return sum;
        });
        const sites = Uint16Array.from(path);
        const coded = encodeBySite(values, sites, isStep);
        expect(decodeBySite(coded, sites)).toEqual(values);
        // A miss for each site at most, and a run of zeros after it.
        if (path.length > 0) expect(coded?.length ?? 0).toBeLessThanOrEqual(1 + 10 * 8 + 3 * 8);
      },
    );
    fc.assert(property);
  });

  test.each([
    ['again', false, (_: number, site: number) => 2n ** 63n + BigInt(site) * 2n ** 40n],
    ['stride', true, (row: number) => 2n ** 53n + BigInt(row) * 618n],
  ] as const)('takes the coding `%s` where it is shortest', (coding, ascends, make) => {
    const sites = Uint16Array.from({ length: 400 }, (_, row) => (row * row + (row >> 3)) % 8);
    const values = Array.from(sites, (site, row) => make(row, site));
    const coded = encodeBySite(values, sites, ascends);
    expect(coded?.[0]).toBe(COLUMN_CODING[coding].code);
    expect(decodeBySite(coded, sites)).toEqual(values);
  });

  test('of sites comes back, and is short for a loop', () => {
    const follow = (path: readonly number[]): Uint8Array => {
      const column = new FollowColumn(CAPACITY);
      for (const site of path) column.push(site);
      return column.bytes();
    };
    const decode = (coded: Uint8Array | undefined, count: number): number[] => {
      const words = decodeColumnWords(coded, 'u16', count, [], { siteCount: 8, sites: undefined, kin });
      return Array.from(new BigUint64Array(words.buffer), Number);
    };
    const property = fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 300 }), (path) => {
      expect(decode(follow(path), path.length)).toEqual(path);
    });
    fc.assert(property);
    const loop = Array.from({ length: 4000 }, (_, row) => row % 8);
    expect(follow(loop).length).toBeLessThan(20);
  });

  test('gives values or a MalformedError for any bytes', () => {
    const property = fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.array(fc.nat({ max: 7 }), { maxLength: 20 }),
      fc.integer({ min: 5, max: 8 }),
      fc.boolean(),
      (bytes, path, coding, isSites) => {
        bytes[0] = coding;
        const context = { siteCount: 8, sites: isSites ? undefined : Uint16Array.from(path), kin };
        try {
          expect(decodeColumnWords(bytes, 'u64', path.length, [], context).length).toBe(2 * path.length);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });
});
