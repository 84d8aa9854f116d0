/**
 * `docs/costs.md` says what the cost model says. After a change of it:
 * `UPDATE_DOCS=1 npx vitest run --project core test/hypervisor/costs-doc.test.ts`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { costTables, withCostTables } from '../../scripts/cost-tables.ts';
import {
  COST_PRIMITIVE_NAMES,
  COST_PROFILE_NAMES,
  costProfile,
  DEFAULT_COST_PROFILE,
  parseUserProfile,
  totalCycles,
} from '../../src/hypervisor/costs.ts';

const DOCUMENT = new URL('../../docs/costs.md', import.meta.url);

test('the document holds the tables of the cost model', () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  const updated = withCostTables(document);
  if (process.env.UPDATE_DOCS === '1' && process.env.CI === undefined) writeFileSync(DOCUMENT, updated);
  else expect(document).toBe(updated);
});

test('the tables name every primitive, every profile and every default price', () => {
  const tables = costTables();
  const { primitives } = costProfile(DEFAULT_COST_PROFILE);
  for (const name of COST_PRIMITIVE_NAMES) {
    expect(tables.get('primitives')).toContain(`| \`${name}\` |`);
    expect(tables.get('default-prices')).toMatch(
      new RegExp(`^\\| \`${name}\` \\| .* \\| ${totalCycles(primitives[name])} \\| [VQDMR] \\|`, 'm'),
    );
  }
  for (const name of COST_PROFILE_NAMES) expect(tables.get('profiles')).toContain(`| \`${name}\` |`);
});

test('the profile that the document shows is one', () => {
  const shown = /^```json\n([\s\S]*?)^```$/m.exec(readFileSync(DOCUMENT, 'utf8'))?.[1] ?? '';
  const profile = parseUserProfile(shown, 'shown.json');
  expect(profile.name).toBe('my-board');
  expect(totalCycles(profile.primitives.hypercallKernel)).toBe(790);
  expect(profile.primitives.mmioUser.handling).toEqual({ cycles: 5200, status: 'U', source: 'given by my-board' });
});
