/**
 * Golden recordings: each is made again and must have the same bytes. The text beside a recording is what a reviewer reads:
 * what it was made from, its end, its digest, and the exits by reason.
 *
 * `UPDATE_GOLDENS=1 npx vitest run --project core test/golden` accepts a change; never with `CI` set.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openTrace } from '../../src/trace/reader.ts';
import { paratrace, Scratch } from '../cli/fake-host.ts';

const FOLDER = fileURLToPath(new URL('../../traces', import.meta.url));
const UPDATE = process.env.UPDATE_GOLDENS === '1' && !process.env.CI;

const GOLDENS: Readonly<Record<string, readonly string[]>> = {
  'ring-tour-pvh': ['ring-tour', '--mode', 'pvh'],
  'ring-tour-native': ['ring-tour', '--mode', 'native'],
  'ring-tour-pvh-4-harts': ['ring-tour', '--mode', 'pvh', '--harts', '4'],
  'ring-tour-full-4-harts': ['ring-tour', '--mode', 'full', '--harts', '4', '--append', 'no-rings'],
  'mini-os-mix-full': ['mini-os', '--mode', 'full', '--workload', 'mix', '--iterations', '2'],
  'mini-os-mix-hvm-pv': ['mini-os', '--mode', 'hvm-pv', '--workload', 'mix', '--iterations', '2'],
  'mini-os-mix-pv': ['mini-os', '--mode', 'pv', '--workload', 'mix', '--iterations', '2'],
  'mini-os-mix-hvm': ['mini-os', '--mode', 'hvm', '--workload', 'mix', '--iterations', '2'],
};

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** The readable side of a recording. */
async function textDigest(trace: string): Promise<string> {
  const { stdout } = await paratrace(['stat', trace]);
  const reader = openTrace(readFileSync(trace));
  const hex = (value: bigint) => value.toString(16).padStart(16, '0');
  const digests = Array.from(
    reader.digests(),
    ({ cycle, memory, harts, devices }) => `digest at ${cycle}: ${hex(memory)} ${hex(harts)} ${hex(devices)}\n`,
  );
  return `${stdout}\n${digests.join('')}`;
}

describe('golden recordings', () => {
  it.each(Object.entries(GOLDENS))('%s is recorded again with the same bytes', async (name, args) => {
    const again = scratch.path(`${name}.pvt`);
    const input = scratch.path('no-input');
    writeFileSync(input, '');
    expect((await paratrace(['record', ...args, '--quiet', '--stdin', input, '-o', again])).code).toBe(0);
    const text = await textDigest(again);
    const golden = join(FOLDER, `${name}.pvt`);
    if (UPDATE) {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(golden, readFileSync(again));
      writeFileSync(join(FOLDER, `${name}.txt`), text);
    }
    expect(existsSync(golden), `${golden} is missing`).toBe(true);
    // The text first: its difference says what has changed.
    expect(text).toBe(readFileSync(join(FOLDER, `${name}.txt`), 'utf8'));
    expect(readFileSync(again).equals(readFileSync(golden)), 'same text, other bytes').toBe(true);
    expect((await paratrace(['replay', golden])).stdout).toContain('identical');
  });

  it('has no recording that nothing makes', () => {
    const known = Object.keys(GOLDENS).flatMap((name) => [`${name}.pvt`, `${name}.txt`]);
    expect(readdirSync(FOLDER).filter((file) => file !== 'README.md')).toEqual(known.sort());
  });
});
