/**
 * `docs/modes.md` says what the modes say. After a change of them:
 * `UPDATE_DOCS=1 npx vitest run --project core test/hypervisor/modes-doc.test.ts`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { modeTables, withModeTables } from '../../scripts/mode-tables.ts';
import { handlingsOf } from '../../src/analysis/causes.ts';
import { MODES } from '../../src/hypervisor/modes/modes.ts';

const DOCUMENT = new URL('../../docs/modes.md', import.meta.url);

test('the document holds the tables of the modes', () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  const updated = withModeTables(document);
  if (process.env.UPDATE_DOCS === '1' && process.env.CI === undefined) writeFileSync(DOCUMENT, updated);
  else expect(document).toBe(updated);
});

test('the tables have every mode, and every event of each with its price', () => {
  const tables = modeTables();
  for (const [name, mode] of Object.entries(MODES)) {
    expect(tables.get('modes')).toContain(`| \`${name}\` |`);
    for (const [, { events }] of handlingsOf(mode)) {
      for (const { reason, costs } of events) {
        const text = [...tables.values()].join('\n');
        if (reason !== '*') expect(text).toContain(`\`${reason}\``);
        for (const cost of costs) expect(text).toContain(`\`${cost}\``);
      }
    }
  }
});
