/** `paratrace golden` as users run it: workers side by side give what one process gives. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bundle } from './bundle.ts';
import { Scratch } from './fake-host.ts';

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);
const folder = scratch.path('goldens');
const GOLDENS = Object.fromEntries(
  [1, 2, 3, 4, 5].map((harts) => [`pass-${harts}`, ['tohost-pass', '--harts', `${harts}`]]),
);

function writeManifest(goldens: object): void {
  writeFileSync(join(folder, 'golden.json'), JSON.stringify({ version: 1, goldens }));
}

beforeAll(async () => {
  await bundle.build();
  mkdirSync(folder);
  writeManifest(GOLDENS);
});
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

/** A run as on the machine of a developer, whatever this one is. */
const golden = (...args: string[]) => bundle.run(['golden', ...args, folder], undefined, { CI: '' });

describe('golden in workers', () => {
  it('writes and verifies what one process does, in the order of the manifest', () => {
    expect(golden('accept', '--jobs', '3').status).toBe(0);
    const files = Object.keys(GOLDENS).map((name) => readFileSync(join(folder, `${name}.pvt`)));
    writeManifest({ ...GOLDENS, 'pass-3': ['tohost-pass', '--harts', '4'], more: ['tohost-pass'] });
    const [alone, together] = [golden('verify', '--jobs', '1'), golden('verify', '--jobs', '4')];
    expect(together).toEqual(alone);
    expect([together.status, together.stdout.match(/^FAILED .*/gm)]).toEqual([
      1,
      ['FAILED pass-3 is recorded differently now', 'FAILED more is missing'],
    ]);
    writeManifest(GOLDENS);
    expect(golden('accept', '--jobs', '1').stdout).toBe('5 goldens, 0 files changed\n');
    expect(Object.keys(GOLDENS).map((name) => readFileSync(join(folder, `${name}.pvt`)))).toEqual(files);
  });

  it('writes nothing where CI is set', () => {
    const { status, stderr } = bundle.run(['golden', 'accept', folder], undefined, { CI: 'true' });
    expect([status, stderr.includes('golden.ci')]).toEqual([2, true]);
  });

  it('has workers that are for nobody else', () => {
    const { status, stderr } = bundle.run(['golden', 'worker']);
    expect([status, stderr.includes('usage.option')]).toEqual([2, true]);
  });
});
