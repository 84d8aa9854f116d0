/** The bundled guests through the built command line: what they print, how they end, and that a recording is the same twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { paratrace, paratraceOk, ROOT, runProgram, scratchFolder } from '../support/programs.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

describe('the command line', () => {
  it.each([
    ['tohost-pass', 0, 'success through tohost'],
    ['tohost-fail', 1, '21'],
    ['machine-tour', 0, 'test finisher'],
    ['ring-tour', 0, 'shutdown'],
  ])('ends %s with exit code %i', (guest, status, message) => {
    const result = paratrace(['run', guest]);
    expect(result.stderr).toContain(message);
    expect(result.status, result.stderr).toBe(status);
  });

  it('runs the image of a guest as it runs the guest', () => {
    const elf = join(ROOT, 'guests/bin/machine-tour.elf');
    expect(paratraceOk(['run', elf, '--mode', 'native', '--entry', 'm'])).toBe(paratraceOk(['run', 'machine-tour']));
  });

  it('says so when a guest waits for input that has ended', () => {
    const empty = scratch.file('empty.txt');
    writeFileSync(empty, '');
    const result = paratrace(['run', 'ring-tour', '--append', 'echo', '--stdin', empty]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('input');
    expect(result.stdout).toContain('echo: type a line');
  });

  it('reports a tour that failed: with too little RAM the first check does not hold', () => {
    const result = paratrace(['run', 'ring-tour', '--memory', '8M']);
    expect(result.stdout).toContain('FAILED: there are 16 MiB of RAM');
    expect(result.status).toBe(1);
  });
});

describe('a recording', () => {
  // When the end of a live input comes is up to the host; that of a file is not.
  const nothing = scratch.file('nothing.txt');
  writeFileSync(nothing, '');

  it.each([
    ['one hart', []],
    ['four harts', ['--harts', '4']],
    ['native mode', ['--mode', 'native']],
    ['pages whose bits fault', ['--ad-update', 'fault']],
  ])('is the same twice and replays identical, with %s', (what, options) => {
    const [first, second, again] = ['first', 'second', 'again'].map((name) => scratch.file(`${what}-${name}.pvt`));
    for (const trace of [first, second])
      paratraceOk(['record', 'ring-tour', '--stdin', nothing, '-o', String(trace), ...options]);
    expect(paratraceOk(['replay', String(first), '-o', String(again)])).toContain('identical');
    const bytes = readFileSync(String(first));
    expect(readFileSync(String(second)).equals(bytes)).toBe(true);
    expect(readFileSync(String(again)).equals(bytes)).toBe(true);
  });
});

describe('the images', () => {
  it('are what their sources build', () => {
    const { status, stdout, stderr } = runProgram(join(ROOT, 'scripts/check-guests.sh'), []);
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});
