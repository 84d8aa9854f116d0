import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { SeededBytes } from '../../src/hypervisor/random.ts';

describe('SeededBytes', () => {
  it('gives the same stream however it is drawn', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat({ max: 20 }), { maxLength: 12 }), (seed, lengths) => {
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const pieces = new SeededBytes(seed);
        const parts = lengths.flatMap((length) => [...pieces.next(length)]);
        expect(parts).toEqual([...new SeededBytes(seed).next(total)]);
        expect(pieces.drawnBytes).toBe(total);
      }),
    );
  });

  it('is the little-endian words of the generator', () => {
    const words = seedrandom('7', { entropy: false });
    const expected = new DataView(new ArrayBuffer(8));
    expected.setInt32(0, words.int32(), true);
    expected.setInt32(4, words.int32(), true);
    expect([...new SeededBytes('7').next(8)]).toEqual([...new Uint8Array(expected.buffer)]);
  });

  it('differs by seed', () => {
    expect(new SeededBytes('1').next(16)).not.toEqual(new SeededBytes('2').next(16));
  });
});
