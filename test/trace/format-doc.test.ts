/**
 * `docs/trace-format.md` says what the schema says. After a change of the schema:
 * `UPDATE_DOCS=1 npx vitest run --project core test/trace/format-doc.test.ts`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatTables, withTables } from '../../scripts/trace-format-tables.ts';
import { EVENT_SPECS } from '../../src/trace/schema.ts';

const DOCUMENT = new URL('../../docs/trace-format.md', import.meta.url);

test('the document holds the tables of the schema', () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  const updated = withTables(document);
  if (process.env.UPDATE_DOCS === '1' && process.env.CI === undefined) writeFileSync(DOCUMENT, updated);
  else expect(document).toBe(updated);
});

test('the tables list every event kind with its code and every field with its own', () => {
  const events = formatTables().get('events') ?? '';
  for (const { kind, code, columns } of EVENT_SPECS) {
    expect(events).toContain(`### ${code}: \`${kind}\``);
    for (const column of columns) expect(events).toContain(`| ${column.name} | ${column.code} | ${column.type} |`);
  }
});

test('no code stands for two things', () => {
  const codes = EVENT_SPECS.map((spec) => spec.code);
  expect(new Set(codes).size).toBe(codes.length);
  const fields = new Map<number, string>();
  for (const { name, code } of EVENT_SPECS.flatMap((spec) => spec.columns)) {
    expect(fields.get(code) ?? name).toBe(name);
    fields.set(code, name);
  }
});
