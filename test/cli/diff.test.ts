/** `paratrace diff` on real runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
const [a, b, c] = ['a', 'b', 'c'].map((name) => scratch.path(`${name}.pvt`)) as [string, string, string];

beforeAll(async () => {
  const record = (path: string, ...args: string[]) =>
    paratrace(['record', 'ring-tour', '--quiet', '--mode', 'full', '--append', 'no-rings', ...args, '-o', path]);
  expect((await record(a)).code).toBe(0);
  expect((await record(b, '--costs', 'xen-pv-2003')).code).toBe(0);
  expect((await record(c, '--harts', '2')).code).toBe(0);
});
afterAll(() => scratch.remove());

describe('paratrace diff', () => {
  it('says that a trace is the same as itself', async () => {
    const { code, stdout } = await paratrace(['diff', a, a]);
    expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, 'same']);
  });

  it('says what differs, with the symbols of the guest, and leaves 1', async () => {
    const { code, stdout } = await paratrace(['diff', a, c]);
    expect(code).toBe(1);
    expect(stdout).toContain('* header: hartCount 1 -> 2 (+1)');
    expect(stdout).toContain('hypercall HSM.hart_start: 1 more (1 -> 2)');
    expect(stdout).toMatch(/ {2}<[a-z_]+(\+0x[0-9a-f]+)?>$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('different');
  });

  it('leaves out what is not to be compared', async () => {
    const exact = await paratrace(['diff', a, b, '--json']);
    expect(JSON.parse(exact.stdout)).toMatchObject({ version: 1, same: false, ignored: [] });
    const { code, stdout } = await paratrace(['diff', a, b, '--ignore', 'costs, cycles,header,icount,pc', '--json']);
    const diff = JSON.parse(stdout);
    expect(diff.ignored).toEqual(['cycles', 'icount', 'pc', 'costs', 'header']);
    expect([code, diff.header]).toEqual([diff.same ? 0 : 1, []]);
  });

  it('writes a page, and over neither trace', async () => {
    const page = scratch.path('ab.html');
    const { code, stderr } = await paratrace(['diff', a, b, '--html', page]);
    expect([code, stderr]).toEqual([1, `paratrace: comparison ${page}\n`]);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('The first difference');
    expect(html).not.toMatch(/<script|https?:/);
    expect((await paratrace(['diff', a, b, '--html', a])).code).toBe(2);
  });

  it('compares the whole part of a damaged trace, and leaves 3', async () => {
    const cut = scratch.path('cut.pvt');
    const bytes = readFileSync(a);
    writeFileSync(cut, bytes.subarray(0, bytes.length - 300));
    const { code, stdout, stderr } = await paratrace(['diff', a, cut]);
    expect(code).toBe(3);
    expect(stderr).toContain('trace.truncated');
    expect(stdout).toContain('different');
  });

  it.each([
    [['--ignore', 'colour'], 2, "--ignore 'colour' is no aspect; they are cycles"],
    [['--frob'], 2, 'unknown option'],
  ])('refuses %j', async (options, status, message) => {
    const { code, stderr } = await paratrace(['diff', a, b, ...options]);
    expect([code, stderr.includes(message)]).toEqual([status, true]);
  });
});
