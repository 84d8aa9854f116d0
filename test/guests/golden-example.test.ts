/**
 * `paratrace/vitest` as users meet it: the example project in `examples/golden-tests`, as it is, and copies of it in which something
 * changes. Nothing is installed: `paratrace` is linked as npm links `file:../..`, vitest is that of this repository.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../support/programs.ts';

const EXAMPLE = join(ROOT, 'examples/golden-tests');
/** Inside the repository, so that its vitest is found from there. */
const COPY = join(ROOT, `build/golden-example-${process.pid}`);
const GOLDENS = 'tests/__traces__/boot.test.ts';
const TIMEOUT_MS = 120_000;

function link(folder: string): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  const target = join(folder, 'node_modules/paratrace');
  rmSync(target, { force: true });
  symlinkSync(ROOT, target, 'dir');
}

interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

/** Runs vitest there, in continuous integration or not. */
function vitest(folder: string, ci: boolean, ...args: string[]): Outcome {
  const environment: NodeJS.ProcessEnv = { ...process.env, CI: ci ? 'true' : '', NO_COLOR: '1' };
  // Those of this run of vitest are not for another.
  for (const name of Object.keys(environment))
    if (/^(VITEST|TEST$|NODE_ENV$|GITHUB_)/.test(name)) delete environment[name];
  const program = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'run', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: environment,
    timeout: TIMEOUT_MS,
  });
  return { status, text: `${stdout}${stderr}` };
}

const goldens = (folder: string) => readdirSync(join(folder, GOLDENS)).sort();

beforeAll(() => link(EXAMPLE));

describe('the example project', () => {
  it('passes as it is, and writes nothing', () => {
    const before = goldens(EXAMPLE).map((name) => readFileSync(join(EXAMPLE, GOLDENS, name), 'latin1'));
    const { status, text } = vitest(EXAMPLE, true);
    expect([status, text]).toEqual([0, expect.stringContaining('5 passed')]);
    expect(goldens(EXAMPLE).map((name) => readFileSync(join(EXAMPLE, GOLDENS, name), 'latin1'))).toEqual(before);
  });

  it('has types for the matchers', () => {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', 'tsconfig.json'], {
      cwd: EXAMPLE,
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
    });
    expect([status, stdout]).toEqual([0, '']);
  });
});

describe('in a copy of the example', () => {
  beforeEach(() => {
    rmSync(COPY, { recursive: true, force: true });
    cpSync(EXAMPLE, COPY, { recursive: true, filter: (path) => !path.includes('node_modules') });
    rmSync(join(COPY, 'tests/exits.test.ts'));
    link(COPY);
  });
  afterAll(() => rmSync(COPY, { recursive: true, force: true }));

  function edit(from: string, to: string): void {
    const file = join(COPY, 'tests/boot.test.ts');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
  }

  it('a golden that is missing is written, and fails in continuous integration', () => {
    for (const file of ['boot.pvt', 'boot.txt']) rmSync(join(COPY, GOLDENS, file));
    const ci = vitest(COPY, true);
    expect([ci.status, ci.text]).toEqual([1, expect.stringContaining('boot.pvt is missing, and nothing is written')]);
    expect(goldens(COPY)).toEqual(['boot-u74.pvt', 'boot-u74.txt']);
    const { status, text } = vitest(COPY, false);
    expect([status, text]).toEqual([0, expect.stringMatching(/Snapshots +1 written/)]);
    for (const file of ['boot.pvt', 'boot.txt']) {
      expect(readFileSync(join(COPY, GOLDENS, file))).toEqual(readFileSync(join(EXAMPLE, GOLDENS, file)));
    }
  });

  it('a run that changed fails with what differs, and -u accepts it', () => {
    edit("'500k']", "'500k', '--harts', '2']");
    const { status, text } = vitest(COPY, false);
    expect(status).toBe(1);
    expect(text).toContain('golden trace boot is recorded differently now');
    expect(text).toContain('* header: hartCount 1 -> 2 (+1)');
    expect(text).toContain('* hypercall HSM.hart_start: 1 more (1 -> 2)');
    expect(text).toContain('around the first difference:');
    expect(text).toContain('run vitest with -u');
    const accepted = vitest(COPY, false, '-u');
    expect([accepted.status, accepted.text]).toEqual([0, expect.stringMatching(/Snapshots +2 updated/)]);
    expect(vitest(COPY, true).status).toBe(0);
    expect(readFileSync(join(COPY, GOLDENS, 'boot.txt'), 'utf8')).toMatch(/^hartCount +2$/m);
  });

  it('a golden that no test asks for is told of, fails in continuous integration, and -u removes it', () => {
    edit("toMatchGoldenTrace('boot-u74')", 'toReplayIdentically()');
    const told = vitest(COPY, false);
    expect([told.status, told.text]).toEqual([0, expect.stringContaining('obsolete golden traces')]);
    const ci = vitest(COPY, true);
    expect([ci.status, ci.text]).toEqual([1, expect.stringContaining('boot-u74.pvt')]);
    // A test that does not run may still want it.
    expect(vitest(COPY, true, '-t', 'boots as it did').status).toBe(0);
    expect(vitest(COPY, false, '-u').status).toBe(0);
    expect(existsSync(join(COPY, GOLDENS, 'boot-u74.pvt'))).toBe(false);
    expect(goldens(COPY)).toEqual(['boot.pvt', 'boot.txt']);
  });

  it('names come from the test where none is given, and cannot lead anywhere else', () => {
    edit("toMatchGoldenTrace('boot')", 'toMatchGoldenTrace()');
    edit("toMatchGoldenTrace('boot-u74')", "toMatchGoldenTrace('../boot')");
    const { status, text } = vitest(COPY, false);
    expect([status, text]).toEqual([1, expect.stringContaining("'../boot' is no name of a golden trace")]);
    expect(goldens(COPY)).toContain('the-guest-boots-as-it-did-1.pvt');
  });
});
