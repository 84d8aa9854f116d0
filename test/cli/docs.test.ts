/** The commands that the documentation shows work as it says, and what it links to is there. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleReport } from '../../scripts/build-report.mjs';
import { ASPECTS, SEMANTIC_IGNORES } from '../../src/analysis/diff/aspects.ts';
import { main } from '../../src/cli/main.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { Bundle } from './bundle.ts';
import { FakeHost, Scratch } from './fake-host.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);

beforeAll(async () => {
  await bundle.build();
  // What the documentation calls `traces`, short enough to be verified at each run of the tests.
  mkdirSync(scratch.path('traces'));
  for (const file of ['ring-tour-pvh.pvt', 'ring-tour-pvh.txt']) {
    copyFileSync(join(root, 'traces', file), scratch.path(join('traces', file)));
  }
});
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

/** Commands of the blocks of a page that are marked `sh`, without comments. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap((block) =>
    (block[1] ?? '')
      .split('\n')
      .map((line) => line.replace(/#.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}

async function run(line: string): Promise<void> {
  const [program, ...args] = line.split(/ +/);
  if (program === 'cmp') {
    const [left, right] = args.map((name) => readFileSync(scratch.path(name)));
    expect(left?.equals(right ?? Buffer.of())).toBe(true);
    return;
  }
  expect(program).toBe('paratrace');
  if (args[0] === 'report') return report(args);
  const { status, stderr } = bundle.run(args);
  expect(stderr).not.toMatch(/error|: usage/);
  expect(status).toBe(0);
}

/** `report` needs the page's program, which only a build puts where the command looks. */
async function report(args: readonly string[]): Promise<void> {
  const host = new FakeHost();
  const program = await bundleReport();
  host.reportProgram = () => program;
  const names = args.map((arg) => (/\.(pvt|html)$/.test(arg) ? scratch.path(arg) : arg));
  expect(await main(names, host)).toBe(0);
}

describe.each(['README.md', 'docs/cli.md', 'docs/costs.md', 'docs/golden-traces.md'])('%s', (page) => {
  it('shows commands that work', async () => {
    const commands = commandsOf(page);
    expect(commands.length).toBeGreaterThan(2);
    for (const line of commands) {
      await run(line).catch((error) => {
        throw new Error(`${line}: ${error}`);
      });
    }
  });
});

describe('links', () => {
  it.each([
    'README.md',
    'CHANGELOG.md',
    'docs/cli.md',
    'docs/costs.md',
    'docs/golden-traces.md',
    'docs/library.md',
    'docs/adr/dependencies.md',
  ])('of %s lead somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(existsSync(join(root, dirname(page), link)), link).toBe(true);
  });
});

describe('docs/errors.md', () => {
  it('has every code with its exit code, trigger and fix, and no other', () => {
    const text = readFileSync(join(root, 'docs/errors.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z.-]+)` \| (\d+) \| (.+) \| (.+) \|$/gm)].map((match) => match.slice(1));
    const wanted = Object.entries(ERROR_CODES).map(([code, row]) => [code, String(row.exit), row.trigger, row.fix]);
    const byCode = (list: readonly string[][]) => [...list].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
    expect(byCode(rows)).toEqual(byCode(wanted));
  });
});

describe('docs/adr/dependencies.md', () => {
  it('gives a reason for every dependency', () => {
    const text = readFileSync(join(root, 'docs/adr/dependencies.md'), 'utf8');
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      if (!name.startsWith('@types/')) expect(text).toContain(`| ${name}`);
    }
  });
});

describe('docs/golden-traces.md', () => {
  it('has every aspect of a comparison, and no other', () => {
    const text = readFileSync(join(root, 'docs/golden-traces.md'), 'utf8');
    const table = text.slice(text.indexOf('| aspect |'), text.indexOf('`--json` prints'));
    const rows = [...table.matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)].map((match) => match.slice(1));
    expect(rows).toEqual(Object.entries(ASPECTS).map(([name, { about }]) => [name, about]));
    expect(text).toContain(`\`--semantic\` ignores \`${SEMANTIC_IGNORES.join(',')}\``);
  });
});
