/** Some rows of docs/accuracy.md, recomputed: prediction and real run, to the cycle, and within the bound. All of them: `test/guests/accuracy.test.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/analysis/comparison.ts';
import type { Prediction } from '../../src/analysis/whatif/whatif.ts';
import { groupDigits } from '../../src/viz/format.ts';
import { paratrace, Scratch } from '../cli/fake-host.ts';

const PAGE = readFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), 'docs/accuracy.md'), 'utf8');
const ERROR_MAX = 0.05;

const scratch = new Scratch();
afterAll(() => scratch.remove());

describe('docs/accuracy.md', () => {
  it.each(['tick', 'console', 'disk-read'])('has what comes out for %s', async (workload) => {
    const trace = scratch.path(`${workload}.pvt`);
    const what = ['mini-os', '--workload', workload, '--quiet'];
    await paratrace(['record', ...what, '--mode', 'pv', '-o', trace]);
    const compared = await paratrace(['compare', ...what, '--modes', 'native,full,hvm,hvm-pv,pvh', '--json']);
    for (const { mode, cycles } of (JSON.parse(compared.stdout) as Comparison).modes) {
      const { stdout } = await paratrace(['whatif', trace, '--as', mode, '--json']);
      const predicted = (JSON.parse(stdout) as Prediction).cycles;
      expect(PAGE).toContain(`| ${workload} | \`${mode}\` | ${groupDigits(predicted)} | ${groupDigits(cycles.all)} |`);
      expect(Math.abs(predicted / cycles.all - 1)).toBeLessThan(ERROR_MAX);
    }
  });

  it('has every workload under every profile, each within the bound', () => {
    const rows = [
      ...PAGE.matchAll(/^\| ([a-z-]+) \| `(native|full|hvm|hvm-pv|pvh)` \| [\d,]+ \| [\d,]+ \| ([+-]?[\d.]+) % \|/gm),
    ];
    const profiles = [...PAGE.matchAll(/^## `(.+)`$/gm)];
    expect(profiles.length).toBeGreaterThanOrEqual(2);
    expect(rows).toHaveLength(14 * 5 * profiles.length);
    for (const [line, , , error] of rows) expect(Math.abs(Number(error)), line).toBeLessThan(100 * ERROR_MAX);
  });
});
