import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { traceSource } from '../../src/cli/host/trace-source.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { FakeHost, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const tour = scratch.path('tour.pvt');
let bytes = Buffer.of();

beforeAll(async () => {
  await paratrace(['record', 'ring-tour', '-o', tour]);
  bytes = readFileSync(tour);
});

describe('fsck', () => {
  it('says that a whole trace is whole', async () => {
    const { code, stdout } = await paratrace(['fsck', tour, '--chunks']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/whole +all of it/);
    expect(stdout).toMatch(/^header +12 /m);
  });

  it('says where a damaged one ends, and repairs it to there', async () => {
    const cut = scratch.path('cut.pvt');
    writeFileSync(cut, bytes.subarray(0, bytes.length - 300));
    const { code, stdout } = await paratrace(['fsck', cut]);
    expect(code).toBe(3);
    const offset = /up to offset (\d+)/.exec(stdout)?.[1];
    expect(stdout).toContain(`where: offset ${offset}`);
    const json = JSON.parse((await paratrace(['fsck', cut, '--json'])).stdout);
    expect(json).toMatchObject({ whole: false, wholeBytes: Number(offset), repairable: true });
    const repaired = scratch.path('repaired.pvt');
    expect((await paratrace(['fsck', cut, '--repair', repaired])).code).toBe(0);
    expect((await paratrace(['fsck', repaired])).code).toBe(0);
    const replay = await paratrace(['replay', repaired]);
    expect(replay.stdout).toMatch(/^identical in all that the trace holds$/m);
    expect(replay.code).toBe(0);
    for (const verb of [
      ['stat', repaired],
      ['events', repaired],
      ['report', repaired, '-o', scratch.path('r.html')],
    ]) {
      expect((await paratrace(verb)).code).toBe(0);
    }
  });

  it('repairs nothing where the header is lost', async () => {
    const cut = scratch.path('short.pvt');
    writeFileSync(cut, bytes.subarray(0, 100));
    const { code, stdout } = await paratrace(['fsck', cut, '--repair', scratch.path('none.pvt')]);
    expect(code).toBe(3);
    expect(stdout).toContain('nothing can be repaired');
    expect(existsSync(scratch.path('none.pvt'))).toBe(false);
    writeFileSync(cut, 'no trace');
    expect((await paratrace(['fsck', cut])).stderr).toContain('trace.not-a-trace');
  });
});

describe('trim', () => {
  it('to inputs keeps what replays, and replaying makes the whole trace again', async () => {
    const small = scratch.path('small.pvt');
    expect((await paratrace(['trim', tour, '--inputs-only', '-o', small])).code).toBe(0);
    expect(readFileSync(small).length).toBeLessThan(bytes.length);
    const again = scratch.path('again.pvt');
    const { code, stdout } = await paratrace(['replay', small, '-o', again]);
    expect(stdout).toMatch(/^events +0 of /m);
    expect(stdout).toContain('identical in all that the trace holds');
    expect(code).toBe(0);
    expect(readFileSync(again).equals(bytes)).toBe(true);
  });

  it('to a window keeps its events, and a replay checks them', async () => {
    const part = scratch.path('part.pvt');
    const events = [...openTrace(bytes).events()];
    expect((await paratrace(['trim', tour, '--window', '20:50', '--by', 'event', '-o', part])).code).toBe(0);
    expect([...openTrace(readFileSync(part)).events()]).toEqual(events.slice(20, 50));
    expect((await paratrace(['replay', part])).stdout).toMatch(/^events +30 of /m);
    expect((await paratrace(['events', part])).stdout.split('\n')).toHaveLength(31);
    const from = events[10]?.cycle ?? 0;
    expect((await paratrace(['trim', tour, '--window', `${from}:`, '-o', part])).code).toBe(0);
    expect([...openTrace(readFileSync(part)).events()]).toEqual(events.filter(({ cycle }) => cycle >= from));
  });

  it('leaves nothing for stat and report', async () => {
    const small = scratch.path('small.pvt');
    for (const verb of [
      ['stat', small],
      ['report', small, '-o', scratch.path('small.html')],
    ]) {
      const { code, stderr } = await paratrace(verb);
      expect(code).toBe(2);
      expect(stderr).toContain('trace.excerpt: the trace holds no events');
    }
  });

  it('leaves a window that events and diff say is one, and that stat, report and whatif refuse', async () => {
    const [part, other] = [scratch.path('part.pvt'), scratch.path('other.pvt')];
    for (const [window, path] of [
      ['20:50', part],
      ['20:60', other],
    ] as const) {
      expect((await paratrace(['trim', tour, '--window', window, '--by', 'event', '-o', path])).code).toBe(0);
    }
    const held = `holds events 20 to 49 of ${openTrace(bytes).totals.events} only`;
    const events = await paratrace(['events', part]);
    expect(events.stderr).toBe(`paratrace: ${part} ${held}\n`);
    expect(events.code).toBe(0);
    expect((await paratrace(['diff', part, part])).code).toBe(0);
    const parts = await paratrace(['diff', part, other]);
    expect(parts.stderr).toContain(held);
    expect(parts.stderr).toContain('holds events 20 to 59');
    expect(parts.code).toBe(1);
    for (const refused of [
      ['stat', part],
      ['report', part, '-o', scratch.path('part.html')],
      ['whatif', part, '--as', 'full'],
      ['diff', tour, part],
      ['diff', part, tour],
    ]) {
      const { code, stderr } = await paratrace(refused);
      expect(code).toBe(2);
      expect(stderr).toContain(`trace.excerpt: the trace ${held}`);
      expect(stderr).toContain('paratrace replay TRACE -o WHOLE');
    }
  });

  it.each([
    [[], 'neither --inputs-only nor --window'],
    [['--window', '5'], 'FROM:TO'],
    [['--window', '9:5'], 'ends before it begins'],
    [['--window', 'a:b'], 'usage.option'],
    [['--window', '1:2', '--inputs-only'], 'cannot be used with'],
    [['--inputs-only', '--by', 'hours'], 'invalid'],
  ])('with %j is refused', async (options, message) => {
    const { code, stderr } = await paratrace(['trim', tour, ...options, '-o', scratch.path('x.pvt')]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('of a damaged trace is refused', async () => {
    const cut = scratch.path('cut.pvt');
    const { code, stderr } = await paratrace(['trim', cut, '--inputs-only', '-o', scratch.path('x.pvt')]);
    expect(code).toBe(3);
    expect(stderr).toContain('trace.truncated');
    expect(existsSync(scratch.path('x.pvt'))).toBe(false);
  });
});

describe('pack and unpack', () => {
  it('take a trace apart and put it together again', async () => {
    mkdirSync(scratch.path('apart'));
    const apart = scratch.path('apart/events.pvt');
    expect((await paratrace(['unpack', tour, '-o', apart])).code).toBe(0);
    expect(readdirSync(scratch.path('apart')).sort()).toEqual(['events.pvt', 'pattern-disk-65536', 'ring-tour']);
    expect(readFileSync(scratch.path('apart/ring-tour')).equals(readFileSync('guests/bin/ring-tour.elf'))).toBe(true);
    expect((await paratrace(['replay', apart])).stdout).toContain('identical');
    const together = scratch.path('together.pvt');
    expect((await paratrace(['pack', apart, '-o', together])).code).toBe(0);
    expect(readFileSync(together).equals(bytes)).toBe(true);
  });

  it('overwrite no file', async () => {
    mkdirSync(scratch.path('taken'));
    writeFileSync(scratch.path('taken/ring-tour'), 'mine');
    const apart = scratch.path('taken/events.pvt');
    expect((await paratrace(['unpack', tour, '-o', apart])).code).toBe(0);
    expect(readFileSync(scratch.path('taken/ring-tour'), 'utf8')).toBe('mine');
    const names = readdirSync(scratch.path('taken'));
    expect(names.filter((name) => /^ring-tour\.[0-9a-f]{12}$/.test(name))).toHaveLength(1);
    expect((await paratrace(['replay', apart])).stdout).toContain('identical');
  });

  it('say which image is missing', async () => {
    // Not one that comes with the package: it would be found there.
    const own = scratch.path('own.elf');
    writeFileSync(own, Buffer.concat([readFileSync('guests/bin/ring-tour.elf'), Buffer.of(0)]));
    const recorded = scratch.path('own.pvt');
    expect((await paratrace(['record', own, '-o', recorded])).code).toBe(0);
    rmSync(own);
    const alone = scratch.path('alone.pvt');
    mkdirSync(scratch.path('elsewhere'));
    const unpacked = ['unpack', recorded, '-o', alone, '--folder', scratch.path('elsewhere')];
    expect((await paratrace(unpacked)).code).toBe(0);
    const { code, stderr } = await paratrace(['pack', alone, '-o', scratch.path('x.pvt')]);
    expect(code).toBe(2);
    expect(stderr).toContain('trace.image-missing');
    const image = readdirSync(scratch.path('elsewhere')).flatMap((name) => [
      '--image',
      scratch.path(`elsewhere/${name}`),
    ]);
    expect((await paratrace(['pack', alone, ...image, '-o', scratch.path('x.pvt')])).code).toBe(0);
  });
});

describe('the name of a trace', () => {
  it('is given when the trace is complete', async () => {
    const path = scratch.path('later.pvt');
    writeFileSync(path, 'an older file');
    const host = new FakeHost();
    const seen = new Set<string>();
    host.onPause = () => {
      if (existsSync(`${path}.partial`)) seen.add(readFileSync(path, 'utf8'));
    };
    expect((await paratrace(['record', 'ring-tour', '-o', path], host)).code).toBe(0);
    expect([...seen]).toEqual(['an older file']);
    expect(existsSync(`${path}.partial`)).toBe(false);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('stays that of a link, and a device is written as it is', async () => {
    const target = scratch.path('target.pvt');
    const link = scratch.path('link.pvt');
    writeFileSync(target, '');
    symlinkSync(target, link);
    expect((await paratrace(['record', 'ring-tour', '-o', link])).code).toBe(0);
    expect(readFileSync(target).equals(bytes)).toBe(true);
    expect((await paratrace(['record', 'ring-tour', '-o', '/dev/null'])).code).toBe(0);
  });

  it('with `.partial` is not written over what is read', async () => {
    const small = scratch.path('small.pvt');
    expect((await paratrace(['replay', small, '-o', `${small}.partial`])).code).toBe(0);
    expect((await paratrace(['replay', `${small}.partial`, '-o', small])).stderr).toContain('usage.output');
  });

  it('is not given where the run fails', async () => {
    const path = scratch.path('failed.pvt');
    const cut = scratch.path('cut.pvt');
    const { code, stderr } = await paratrace(['replay', cut, '-o', path]);
    expect(code).toBe(3);
    expect(existsSync(path)).toBe(false);
    expect((await paratrace(['stat', path])).stderr).toContain('failed.pvt.partial');
    expect(stderr).toMatch(/failed\.pvt\.partial can be read up to offset \d+|nothing of the trace/);
  });
});

describe('a large file', () => {
  it('is read in parts, with the same result', () => {
    const parts = openTrace(traceSource(tour, 0));
    const whole = openTrace(bytes);
    expect([...parts.events()]).toEqual([...whole.events()]);
    expect([...parts.digests()]).toEqual([...whole.digests()]);
    expect(parts.totals).toEqual(whole.totals);
  });
});
