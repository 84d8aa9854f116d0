/** What the build makes of fflate compresses to the same bytes, and takes them apart. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as fflate from 'fflate/browser';
import { expect, it } from 'vitest';
import { withoutTables } from '../../scripts/command/fflate-tables.mjs';
import { DICTIONARY } from '../../src/trace/dictionary.ts';

const folder = dirname(createRequire(import.meta.url).resolve('fflate/package.json'));
const text = readFileSync(join(folder, 'esm/browser.js'), 'utf8');
const changed: typeof fflate = await import(`data:text/javascript,${encodeURIComponent(withoutTables(text))}`);

const WINDOW_BYTES = 32_768;

/** Bytes that do not repeat themselves: the high bytes of a linear congruential generator. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

it.each([
  ['text', Buffer.from(text)],
  ['noise', noise(100_000)],
  ['zeros', new Uint8Array(70_000)],
  ['little', Uint8Array.of(1, 2, 3)],
])('gives the bytes that it gave: %s', (_, bytes) => {
  for (const options of [{ level: 4, mem: 4 }, { level: 6, mem: 4, dictionary: DICTIONARY }, { level: 9 }] as const) {
    const deflated = fflate.deflateSync(bytes, options);
    expect(Buffer.from(changed.deflateSync(bytes, options)).equals(deflated)).toBe(true);
    expect(Buffer.from(changed.inflateSync(deflated, options)).equals(bytes)).toBe(true);
  }
});

it('has the code of each distance', () => {
  const edges = Array.from({ length: 15 }, (_, power) => [
    2 ** power,
    2 ** power + 1,
    1.5 * 2 ** power,
    1.5 * 2 ** power + 1,
  ]);
  for (const distance of [...edges.flat(), WINDOW_BYTES - 1].filter((edge) => edge % 1 === 0 && edge < WINDOW_BYTES)) {
    const before = noise(distance);
    const bytes = Uint8Array.from({ length: distance + 20 }, (_, at) => before[at % distance] as number);
    const deflated = fflate.deflateSync(bytes, { level: 9 });
    expect(Buffer.from(changed.deflateSync(bytes, { level: 9 })).equals(deflated), `distance ${distance}`).toBe(true);
    expect(Buffer.from(changed.inflateSync(deflated)).equals(bytes)).toBe(true);
  }
});

it('is not made of another version', () => {
  expect(() => withoutTables('var rev = 1;')).toThrow('fflate has no');
});
