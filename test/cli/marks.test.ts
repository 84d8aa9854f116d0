import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openTrace } from '../../src/trace/reader.ts';
import { FakeHost, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const plain = scratch.path('plain.pvt');
const marked = scratch.path('marked.pvt');
const MARKS = ['--mark', 'late@400k', '--mark', 'first@0', '--mark', 'never@900G', '--mark', 'twin@400k'];

const eventsIn = (path: string) => [...openTrace(readFileSync(path)).events()];

describe('marks of the user', () => {
  it('are events at their places, and change nothing else', async () => {
    expect((await paratrace(['record', 'ring-tour', '-o', plain])).code).toBe(0);
    expect((await paratrace(['record', 'ring-tour', ...MARKS, '-o', marked])).code).toBe(0);
    const events = eventsIn(marked);
    const marks = events.filter((event) => event.kind === 'mark');
    expect(marks).toMatchObject([
      { label: 'first', by: 'user', cycle: 0 },
      { label: 'late', by: 'user' },
      { label: 'twin', by: 'user' },
    ]);
    expect(marks[1]?.cycle).toBeGreaterThanOrEqual(400_000);
    expect(marks[1]?.cycle).toBeLessThan(410_000);
    expect(events.filter((event) => event.kind !== 'mark')).toEqual(eventsIn(plain));
    const digests = (path: string) =>
      Array.from(openTrace(readFileSync(path)).digests(), ({ memory, harts, devices }) => [memory, harts, devices]);
    expect(digests(marked)).toEqual(digests(plain));
  });

  it('are replayed, also from inputs alone', async () => {
    const again = scratch.path('again.pvt');
    expect((await paratrace(['replay', marked, '-o', again])).stdout).toContain('identical');
    expect(readFileSync(again).equals(readFileSync(marked))).toBe(true);
    const inputs = scratch.path('inputs.pvt');
    await paratrace(['trim', marked, '--inputs-only', '-o', inputs]);
    expect((await paratrace(['replay', inputs, '-o', again])).code).toBe(0);
    expect(readFileSync(again).equals(readFileSync(marked))).toBe(true);
  });

  it('are positions', async () => {
    const from = (await paratrace(['events', marked, '--from', '@late'])).stdout;
    expect(from).toMatch(/^ +\d+ .* mark +late \(user\)/);
    const upTo = (await paratrace(['events', marked, '--to', '@late'])).stdout;
    expect(upTo + from).toBe((await paratrace(['events', marked])).stdout);
    const part = scratch.path('part.pvt');
    expect((await paratrace(['trim', marked, '--window', '@late:', '-o', part])).code).toBe(0);
    expect(eventsIn(part)[0]).toMatchObject({ kind: 'mark', label: 'late' });
    const json = (await paratrace(['events', marked, '--kind', 'mark', '--json'])).stdout.split('\n');
    expect(JSON.parse(json[1] ?? '')).toMatchObject({ kind: 'mark', by: 'user', label: 'late', value: '0x0' });
  });

  it('that are not there are an error that names those that are', async () => {
    const { code, stderr } = await paratrace(['events', marked, '--from', '@later']);
    expect(code).toBe(2);
    expect(stderr).toContain('it has first, late, twin');
  });

  it.each(['@5', 'name', 'name@', 'name@x', `${'n'.repeat(65)}@1`, 'a b@1'])('%s is refused', async (mark) => {
    const { code, stderr } = await paratrace(['record', 'ring-tour', '--mark', mark, '-o', scratch.path('x.pvt')]);
    expect(code).toBe(2);
    expect(stderr).toContain('--mark');
  });

  it('are set by a key where the run is, and replayed there', async () => {
    const host = new FakeHost();
    host.stdin.kind = 'terminal';
    let typed = false;
    host.onPause = () => {
      if (typed || !host.stdout.text.includes('type a line')) return;
      typed = true;
      // While it waits: twice, then a line, then once more.
      for (const keys of ['\x01m', '\x01m', 'hello\r', '\x01m'])
        host.stdin.handlers?.data(new TextEncoder().encode(keys));
    };
    const path = scratch.path('keys.pvt');
    const { code, stderr } = await paratrace(['record', 'ring-tour', '--append', 'echo', '-o', path], host);
    expect(stderr).toContain('mark key-3');
    expect(code).toBe(0);
    expect(eventsIn(path).filter((event) => event.kind === 'mark')).toMatchObject([
      { label: 'key-1' },
      { label: 'key-2' },
      { label: 'key-3' },
    ]);
    const again = scratch.path('keys-again.pvt');
    expect((await paratrace(['replay', path, '-o', again])).stdout).toContain('identical');
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
  });
});
