import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';

const DOC = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

/** Code, exit code, trigger and fix of each row of the table. */
const ROWS = [...DOC.matchAll(/^\| `([a-z.-]+)` \| (\d+) \| (.+) \| (.+) \|$/gm)].map((match) => match.slice(1));

describe('docs/errors.md', () => {
  it('has every code with its exit code, trigger and fix, and no other', () => {
    const wanted = Object.entries(ERROR_CODES).map(([code, { exit, trigger, fix }]) => [
      code,
      String(exit),
      trigger,
      fix,
    ]);
    const sorted = (rows: readonly (readonly string[])[]) =>
      [...rows].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
    expect(sorted(ROWS)).toEqual(sorted(wanted));
  });
});
