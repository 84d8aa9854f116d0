import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/cli/host/files.ts';
import { patternDisk } from '../../src/cli/pattern-disk.ts';
import { createRecorder } from '../../src/recorder/recorder.ts';
import { resolveImages } from '../../src/trace/images.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { FakeHost, PAGE_PROGRAM, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const tour = scratch.path('tour.pvt');

beforeAll(async () => {
  const { code, stdout, stderr } = await paratrace(['record', 'ring-tour', '-o', tour]);
  expect(stderr).toMatch(/trace .*tour\.pvt, [\d,]+ bytes/);
  expect(stdout).toContain('all checks passed');
  expect(code).toBe(0);
});

describe('record', () => {
  it('twice gives the same bytes', async () => {
    const again = scratch.path('again.pvt');
    expect((await paratrace(['record', 'ring-tour', '-o', again])).code).toBe(0);
    expect(readFileSync(again).equals(readFileSync(tour))).toBe(true);
  });

  it('and run print the same', async () => {
    const run = await paratrace(['run', 'ring-tour', '--quiet']);
    const recorded = await paratrace(['record', 'ring-tour', '--quiet', '-o', scratch.path('quiet.pvt')]);
    expect(run).toEqual(recorded);
    expect(run.stderr).toBe('');
  });

  it('takes console input from a file, from standard input as a whole, and from a file on it', async () => {
    const line = scratch.path('line.txt');
    writeFileSync(line, 'hello\r\n');
    const echo = ['ring-tour', '--append', 'echo'];
    const traces: Buffer[] = [];
    for (const [name, options, kind] of [
      ['file', ['--stdin', line], 'none'],
      ['dash', ['--stdin', '-'], 'stream'],
      ['redirected', [], 'file'],
    ] as const) {
      const host = new FakeHost();
      host.stdin.kind = kind;
      host.stdin.bytes = new Uint8Array(readFileSync(line));
      const path = scratch.path(`${name}.pvt`);
      const { code, stdout } = await paratrace(['record', ...echo, ...options, '-o', path], host);
      expect(stdout).toContain('hello');
      expect(code).toBe(0);
      traces.push(readFileSync(path));
      expect((await paratrace(['replay', path])).stdout).toContain('identical');
    }
    expect(traces[1]?.equals(traces[0] ?? Buffer.of())).toBe(true);
    expect(traces[2]?.equals(traces[0] ?? Buffer.of())).toBe(true);
  });

  it('takes console input from a pipe as it comes, and replays it', async () => {
    const host = new FakeHost();
    host.stdin.kind = 'stream';
    let pauses = 0;
    host.onPause = () => {
      pauses += 1;
      if (pauses === 3) host.stdin.handlers?.data(new TextEncoder().encode('piped\r\n'));
      if (pauses === 4) host.stdin.handlers?.end();
    };
    const path = scratch.path('piped.pvt');
    const { code, stdout } = await paratrace(['record', 'ring-tour', '--append', 'echo', '-o', path], host);
    expect(stdout).toContain('piped');
    expect(code).toBe(0);
    expect(host.stdin.closed).toBe(true);
    const again = scratch.path('piped-again.pvt');
    expect((await paratrace(['replay', path, '-o', again])).code).toBe(0);
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
  });

  it('says that a guest waits for input that cannot come', async () => {
    const { code, stderr } = await paratrace(['run', 'ring-tour', '--append', 'echo', '--stdin', '/dev/null']);
    expect(stderr).toContain('guest.waits-for-input');
    expect(code).toBe(1);
  });

  it('closes the trace when it is interrupted, and the trace replays', async () => {
    const host = new FakeHost();
    host.stdin.kind = 'stream';
    let pauses = 0;
    host.onPause = () => {
      pauses += 1;
      if (pauses === 5) host.signal('SIGINT');
    };
    const path = scratch.path('interrupted.pvt');
    const { code, stderr } = await paratrace(['record', 'ring-tour', '--append', 'echo', '-o', path], host);
    expect(stderr).toContain('interrupted');
    expect(code).toBe(1);
    expect(host.signalHandlers.size).toBe(0);
    expect(openTrace(readFileSync(path)).end?.reason).toBe('interrupted');
    const again = scratch.path('interrupted-again.pvt');
    const replay = await paratrace(['replay', path, '-o', again]);
    expect(replay.stdout).toContain('identical');
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
  });

  it('ends a run whose output nobody reads', async () => {
    const host = new FakeHost();
    host.stdin.kind = 'stream';
    host.stdout.onWrite = () => {
      host.stdout.isClosed = true;
    };
    const path = scratch.path('closed.pvt');
    expect((await paratrace(['record', 'ring-tour', '--append', 'echo', '-o', path], host)).code).toBe(1);
    expect(openTrace(readFileSync(path)).end?.reason).toBe('interrupted');
  });

  it('leaves an older trace alone when the guest cannot be loaded', async () => {
    const path = scratch.path('older.pvt');
    copyFileSync(tour, path);
    const cut = scratch.path('cut.elf');
    writeFileSync(cut, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    expect((await paratrace(['record', cut, '-o', path])).code).toBe(2);
    expect(readFileSync(path).equals(readFileSync(tour))).toBe(true);
  });

  it('keeps what was recorded readable when the disk is full', async () => {
    if (!existsSync('/dev/full')) return;
    const { code, stderr } = await paratrace(['record', 'ring-tour', '-o', '/dev/full']);
    expect(stderr).toContain('no space is left');
    expect(code).toBe(2);
  });
});

describe('exit codes', () => {
  it.each([
    ['tohost-pass', 0],
    ['tohost-fail', 1],
  ])('%s ends with %i', async (name, wanted) => {
    const file = `guests/bin/${name}.elf`;
    expect((await paratrace(['run', name])).code).toBe(wanted);
    expect((await paratrace(['run', file, '--mode', 'native', '--entry', 'm'])).code).toBe(wanted);
    expect((await paratrace(['run', file, '--entry', 'm'])).code).toBe(wanted);
  });

  it('a replay of a failed guest is a success', async () => {
    const path = scratch.path('failed.pvt');
    const recorded = await paratrace(['record', 'tohost-fail', '-o', path]);
    expect(recorded.stderr).toContain('guest.failed');
    expect(recorded.stderr).toContain('21');
    expect((await paratrace(['replay', path])).code).toBe(0);
  });

  it('the limit of cycles is a failure, and replays', async () => {
    const path = scratch.path('limited.pvt');
    const recorded = await paratrace(['record', 'ring-tour', '--max-cycles', '500k', '-o', path]);
    expect(recorded.stderr).toContain('guest.max-cycles');
    expect(recorded.code).toBe(1);
    expect((await paratrace(['replay', path])).stdout).toContain('identical');
  });
});

describe('replay', () => {
  it('prints events, cycles, digest and identical, and nothing of the guest', async () => {
    const { code, stdout } = await paratrace(['replay', tour]);
    expect(code).toBe(0);
    for (const name of ['events', 'cycles', 'digest']) expect(stdout).toMatch(new RegExp(`^${name} +\\S`, 'm'));
    expect(stdout).toMatch(/\nidentical\n$/);
    expect(stdout).not.toContain('all checks passed');
    expect((await paratrace(['replay', tour, '--console'])).stdout).toContain('all checks passed');
  });

  it('writes the same trace again', async () => {
    const again = scratch.path('replayed.pvt');
    expect((await paratrace(['replay', tour, '-o', again])).code).toBe(0);
    expect(readFileSync(again).equals(readFileSync(tour))).toBe(true);
    expect((await paratrace(['replay', tour, '-o', tour])).stderr).toContain('usage.output');
  });

  it('gives JSON', async () => {
    const result = JSON.parse((await paratrace(['replay', tour, '--json'])).stdout);
    expect(result).toMatchObject({ identical: true, end: { reason: 'poweroff', status: 0 } });
    expect(result.digest.memory).toMatch(/^0x[0-9a-f]{16}$/);
  });

  it('shows the first difference with both sides and ends with 4', async () => {
    const path = scratch.path('altered-event.pvt');
    const changed = alterEvent(40);
    writeFileSync(path, changed);
    const { code, stdout } = await paratrace(['replay', path]);
    expect(stdout).toContain('different: ');
    expect(stdout).toMatch(/after 40 events that are the same/);
    expect(stdout).toMatch(/recorded .*, replayed /);
    expect(code).toBe(4);
    const json = await paratrace(['replay', path, '--json']);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({ identical: false, eventsVerified: 40 });
  });

  it('needs the images that the trace only names, by their digest', async () => {
    const folder = scratch.path('images');
    mkdirSync(folder);
    const disk = `${folder}/disk.img`;
    // Too large and too random to be embedded.
    writeFileSync(disk, patternDisk(2 ** 21));
    const path = scratch.path('disk.pvt');
    expect((await paratrace(['record', 'tohost-pass', '--drive', disk, '-o', path])).code).toBe(0);
    expect((await paratrace(['replay', path])).code).toBe(0);

    const moved = `${folder}/moved.img`;
    copyFileSync(disk, moved);
    writeFileSync(disk, patternDisk(2 ** 20));
    const differs = await paratrace(['replay', path]);
    expect(differs.stderr).toContain('trace.image-differs');
    expect(differs.stderr).toContain('disk.img');
    expect(differs.code).toBe(2);
    expect((await paratrace(['replay', path, '--image', moved])).code).toBe(0);

    const elsewhere = scratch.path('elsewhere');
    mkdirSync(elsewhere);
    copyFileSync(path, `${elsewhere}/disk.pvt`);
    copyFileSync(moved, `${elsewhere}/disk.img`);
    expect((await paratrace(['replay', `${elsewhere}/disk.pvt`])).code).toBe(0);
  });
});

describe('stat, events and report', () => {
  it('stat counts all cycles', async () => {
    const { code, stdout } = await paratrace(['stat', tour]);
    expect(code).toBe(0);
    for (const name of ['exits by reason', 'hart ', 'ring ', 'poweroff']) expect(stdout).toContain(name);
    const all = JSON.parse((await paratrace(['stat', tour, '--json'])).stdout);
    expect(all.guestCycles + all.hypervisorCycles + all.idleCycles).toBe(all.cycles);
    expect(all.reasons.length).toBeGreaterThan(10);
    expect(all.problem).toBeUndefined();
  });

  it('events can be chosen', async () => {
    const all = jsonLines((await paratrace(['events', tour, '--json'])).stdout);
    const { events } = JSON.parse((await paratrace(['stat', tour, '--json'])).stdout);
    expect(all).toHaveLength(events);
    const calls = jsonLines((await paratrace(['events', tour, '--json', '--kind', 'hypercall,end'])).stdout);
    expect(new Set(calls.map(({ kind }) => kind))).toEqual(new Set(['hypercall', 'end']));
    const middle = jsonLines((await paratrace(['events', tour, '--json', '--from', '100k', '--to', '0.2M'])).stdout);
    expect(middle).toEqual(all.filter(({ cycle }) => cycle >= 100_000 && cycle < 200_000));
    expect(middle.length).toBeGreaterThan(0);
    const text = await paratrace(['events', tour, '--kind', 'end']);
    expect(text.stdout).toMatch(/poweroff, status 0\n$/);
  });

  it('report writes one HTML file', async () => {
    const html = scratch.path('tour.html');
    const { code, stderr } = await paratrace(['report', tour, '-o', html]);
    expect(stderr).toContain('tour.html');
    expect(code).toBe(0);
    const text = readFileSync(html, 'utf8');
    expect(text).toMatch(/^<!doctype html>/i);
    expect(text).toContain('ring-tour');
    expect(text).toContain(PAGE_PROGRAM);
    expect(text).not.toMatch(/(src|href)="http/);
  });
});

interface JsonLine {
  readonly kind: string;
  readonly cycle: number;
}

function jsonLines(text: string): JsonLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The tour with another cost in one event: a trace with right checksums that no run can make. */
function alterEvent(number: number): Uint8Array {
  const trace = openTrace(readFileSync(tour));
  const { header } = trace;
  const images = resolveImages(
    header.config,
    (digest) => trace.image(digest),
    () => undefined,
    sha256,
  );
  const parts: Uint8Array[] = [];
  const writer = createRecorder({ ...header, images }, (bytes) => parts.push(bytes));
  let count = 0;
  const inputs = [...trace.inputs()];
  for (const event of trace.events()) {
    while (inputs[0] !== undefined && inputs[0].events <= count)
      writer.input(inputs.shift() as (typeof inputs)[number]);
    writer.event(count === number ? { ...event, pc: event.pc + 4n } : event);
    count += 1;
  }
  for (const digest of trace.digests()) writer.digest(digest);
  if (trace.end !== undefined) writer.end(trace.end);
  return new Uint8Array(Buffer.concat(parts));
}
