/** The words of the one memory: two that share a place make a bug that shows only where both are used. */
import { describe, expect, it } from 'vitest';
import { CHANGES, ENTRY, GLOBAL, HART, HARTS_BASE, HASH, JUMP, REGION } from '../../../src/machine/engine/layout.ts';

describe('machine-wide words', () => {
  const WIDE: readonly string[] = ['cycle', 'memoryDigest', 'translated'] satisfies (keyof typeof GLOBAL)[];

  it('do not overlap', () => {
    const words = Object.entries(GLOBAL)
      .map(([name, start]) => ({ name, start, end: start + (WIDE.includes(name) ? 8 : 4) }))
      .sort((a, b) => a.start - b.start);
    for (const [index, { name, start }] of words.entries()) {
      const before = words[index - 1];
      if (before !== undefined) expect(before.end, `${before.name} and ${name}`).toBeLessThanOrEqual(start);
    }
    expect(words.at(-1)?.end).toBeLessThanOrEqual(HASH.lanes);
    expect(HASH.lanes + 4 * 8).toBeLessThanOrEqual(HASH.window);
    const listBytes = CHANGES.item + 4 * CHANGES.capacity;
    expect(HASH.window + HASH.windowBytes).toBeLessThanOrEqual(CHANGES.pages);
    expect(CHANGES.pages + listBytes).toBeLessThanOrEqual(CHANGES.entries);
    expect(CHANGES.entries + listBytes).toBeLessThanOrEqual(HARTS_BASE);
  });
});

describe.each(Object.entries({ HART, REGION, ENTRY, JUMP }))('the fields of %s', (_, fields) => {
  it('have a place each', () => {
    const places = Object.entries(fields).filter(([name]) => !/bytes|shift/i.test(name));
    for (const [name, place] of places) {
      const same = places.filter(([, other]) => other === place).map(([other]) => other);
      expect(same).toEqual([name]);
    }
  });
});
