import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonSteps } from '../../../src/analysis/diff/common-subsequence.ts';

describe('the longest common subsequence', () => {
  it('covers both sequences in order, pairs only what is the same, and is as long as can be', () => {
    const sequences = fc.array(fc.nat({ max: 3 }), { maxLength: 14 });
    fc.assert(
      fc.property(sequences, sequences, (left, right) => {
        let [at, to, both] = [0, 0, 0];
        for (const step of commonSteps(Int32Array.from(left), Int32Array.from(right))) {
          expect(step.both + step.left + step.right).toBeGreaterThan(0);
          expect(left.slice(at, at + step.both)).toEqual(right.slice(to, to + step.both));
          at += step.both + step.left;
          to += step.both + step.right;
          both += step.both;
        }
        expect([at, to]).toEqual([left.length, right.length]);
        expect(both).toBe(longest(left, right));
      }),
    );
  });
});

/** By trying everything. */
function longest(
  left: readonly number[],
  right: readonly number[],
  at = 0,
  to = 0,
  known = new Map<number, number>(),
): number {
  const key = at * 100 + to;
  const found = known.get(key);
  if (found !== undefined) return found;
  let length = 0;
  if (at < left.length && to < right.length) {
    length =
      left[at] === right[to]
        ? 1 + longest(left, right, at + 1, to + 1, known)
        : Math.max(longest(left, right, at + 1, to, known), longest(left, right, at, to + 1, known));
  }
  known.set(key, length);
  return length;
}
