import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ColumnArray, decodeColumn, encodeColumn } from '../../src/viz/column-codec.ts';

function roundTrip(values: ColumnArray, column: ReturnType<typeof encodeColumn>): void {
  expect(decodeColumn(JSON.parse(JSON.stringify(column)) as typeof column)).toEqual(values);
}

describe('columns', () => {
  it('hold numbers of every size', () => {
    const edges = [0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER];
    const numbers = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat());
    fc.assert(
      fc.property(fc.array(numbers), (list) => {
        roundTrip(Float64Array.from(list), encodeColumn('f64', 'plain', Float64Array.from(list)));
        const sorted = Float64Array.from(list).sort();
        roundTrip(sorted, encodeColumn('f64', 'delta', sorted));
      }),
    );
  });

  it('hold 64-bit values', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), (list) => {
        const unsigned = BigUint64Array.from(list);
        roundTrip(unsigned, encodeColumn('u64', 'plain', unsigned));
        const signed = BigInt64Array.from(list);
        roundTrip(signed, encodeColumn('i64', 'plain', signed));
      }),
    );
  });

  it('hold long columns and are small for regular ones', () => {
    const values = Uint16Array.from({ length: 50_000 }, (_, i) => i % 7);
    const column = encodeColumn('u16', 'plain', values);
    roundTrip(values, column);
    expect(column.data.length).toBeLessThan(1000);
  });
});
