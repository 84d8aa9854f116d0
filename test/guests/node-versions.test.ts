/**
 * A recording has the same bytes on every Node that is supported, each replays what another recorded, and the same goldens verify. The other Nodes come from
 * npm as packages that hold the program itself, into `build/`, and stay there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paratraceOk, ROOT, runProgram, scratchFolder, UBOOT } from '../support/programs.ts';
import { makeUbootDisk, writeUbootInput } from '../support/uboot.ts';

const MAJORS = [22, 24];

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const runs = new Map<string, readonly string[]>();
beforeAll(() => {
  const disk = makeUbootDisk(scratch.file('disk.img'));
  const input = writeUbootInput(scratch.file('input.txt'));
  const nothing = scratch.file('nothing.txt');
  writeFileSync(nothing, '');
  runs.set('ring-tour', ['ring-tour', '--harts', '2', '--stdin', nothing]);
  runs.set('u-boot', [UBOOT, '--mode', 'pvh', '--drive', disk, '--stdin', input]);
  for (const [name, run] of runs) paratraceOk(['record', ...run, '-o', scratch.file(`${name}.pvt`)]);
});

/** Path of a Node of that major version. */
function installNode(major: number): string {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(ROOT, 'build/node', String(major));
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const { status, stderr } = runProgram('npm', [
    ...['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder],
    `${name}@${major}`,
  ]);
  if (status !== 0) throw new Error(`npm could not install ${name}@${major}:\n${stderr}`);
  return node;
}

describe.each(MAJORS)('Node %i', (major) => {
  let node = '';
  beforeAll(() => {
    node = installNode(major);
    expect(runProgram(node, ['--version']).stdout).toMatch(new RegExp(`^v${major}\\.`));
  });

  it.each(['ring-tour', 'u-boot'])('records %s as this Node does, and each replays the other', (name) => {
    const here = scratch.file(`${name}.pvt`);
    const there = scratch.file(`${name}-${major}.pvt`);
    paratraceOk(['record', ...(runs.get(name) ?? []), '-o', there], node);
    expect(readFileSync(there).equals(readFileSync(here))).toBe(true);
    expect(paratraceOk(['replay', here], node)).toContain('identical');
    expect(paratraceOk(['replay', there])).toContain('identical');
  });

  it('verifies the goldens', () => verifyGoldens(node));
});

/** All of the repository, in workers: the same bytes, and the same texts. */
function verifyGoldens(node: string): void {
  expect(paratraceOk(['golden', 'verify', 'traces'], node)).toMatch(/^\d\d+ the same, 0 failed$/m);
}

describe('this Node', () => {
  it('verifies the goldens', () => verifyGoldens(process.execPath));
});
