/**
 * The programs of `examples/library` run, against the package as it is built, and stand in `docs/library.md` as they are. After a change of
 * them: `UPDATE_DOCS=1 npx vitest run --project guests test/guests/library-examples.test.ts`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillTables } from '../../scripts/doc-tables.ts';
import { ROOT, runProgram } from '../support/programs.ts';

const FOLDER = join(ROOT, 'examples/library');
const DOCUMENT = join(ROOT, 'docs/library.md');
const programs = readdirSync(FOLDER).filter((file) => file.endsWith('.mjs'));

describe('the examples of the library', () => {
  it.each(programs)('%s runs', (file) => {
    const { status, stdout, stderr } = runProgram(process.execPath, [join(FOLDER, file)]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.trim()).not.toBe('');
  });

  it('stand in the documentation', () => {
    const blocks = programs.map((file): [string, string] => {
      const text = readFileSync(join(FOLDER, file), 'utf8').trimEnd();
      return [file.replace('.mjs', ''), `\`\`\`js\n${text}\n\`\`\``];
    });
    const document = readFileSync(DOCUMENT, 'utf8');
    const updated = fillTables('docs/library.md', document, new Map(blocks));
    if (process.env.UPDATE_DOCS === '1' && !process.env.CI) writeFileSync(DOCUMENT, updated);
    else expect(document).toBe(updated);
  });
});
