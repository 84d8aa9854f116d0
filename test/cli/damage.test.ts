import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecorder } from '../../src/recorder/recorder.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { FakeHost, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const whole = scratch.path('whole.pvt');
const damaged = scratch.path('damaged.pvt');
let bytes = Buffer.of();

beforeAll(async () => {
  await paratrace(['record', 'machine-tour', '-o', whole]);
  bytes = readFileSync(whole);
});

const VERBS: readonly (readonly string[])[] = [
  ['replay', damaged],
  ['stat', damaged],
  ['events', damaged],
  ['report', damaged, '-o', scratch.path('damaged.html')],
];

describe('a damaged trace', () => {
  it('altered in any byte ends every verb with 3, code and offset', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(3),
        async (at, flip, verb) => {
          const altered = Uint8Array.from(bytes);
          altered[at] = (altered[at] ?? 0) ^ flip;
          writeFileSync(damaged, altered);
          const { code, stdout, stderr } = await paratrace(VERBS[verb] ?? []);
          expect(code).toBe(3);
          expect(stderr).toMatch(/trace\.(not-a-trace|version|corrupt|truncated): /);
          expect(stderr).toMatch(/where: .*damaged\.pvt, offset \d+/);
          expect(stdout).not.toContain('identical');
        },
      ),
      { numRuns: 40 },
    );
  });

  it('cut anywhere ends every verb with 3, code and offset', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(3), async (length, verb) => {
        writeFileSync(damaged, bytes.subarray(0, length));
        const { code, stdout, stderr } = await paratrace(VERBS[verb] ?? []);
        expect(code).toBe(3);
        expect(stderr).toMatch(/trace\.truncated: /);
        expect(stderr).toMatch(/where: .*damaged\.pvt, offset \d+/);
        expect(stdout).not.toContain('identical');
      }),
      { numRuns: 40 },
    );
  });

  it('is shown as far as it is whole', async () => {
    // Without the index and the end: all events are there.
    const tail = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    writeFileSync(damaged, bytes.subarray(0, tail));
    const all = await paratrace(['events', whole]);
    const part = await paratrace(['events', damaged]);
    expect(part.code).toBe(3);
    expect(part.stdout).toBe(all.stdout);
    expect(part.stderr).toContain('shown: the whole part');
    const stat = await paratrace(['stat', damaged, '--json']);
    expect(stat.code).toBe(3);
    expect(JSON.parse(stat.stdout)).toMatchObject({ problem: { code: 'trace.truncated' } });
  });

  it('without its end replays up to there, and is not called identical', async () => {
    const path = scratch.path('tour.pvt');
    await paratrace(['record', 'ring-tour', '-o', path]);
    const tour = readFileSync(path);
    writeFileSync(damaged, tour.subarray(0, tour.length - 300));
    const { code, stdout, stderr } = await paratrace(['replay', damaged]);
    expect(stderr).toMatch(/trace\.truncated: .*identical up to there: \d+ events/);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });
});

describe('a trace of another machine', () => {
  it.each([
    ['costs', 'of-tomorrow'],
    ['core', 'of-tomorrow'],
    ['hartCount', 200],
    ['memoryBytes', 2 ** 50],
  ])('with %s %j cannot be replayed, and says why', async (field, value) => {
    const { header } = openTrace(bytes);
    const images = { guest: readFileSync('guests/bin/machine-tour.elf'), initrd: undefined, drives: [] };
    const parts: Uint8Array[] = [];
    const writer = createRecorder({ ...header, config: { ...header.config, [field]: value }, images }, (part) => {
      parts.push(part);
    });
    writer.end({ cycle: 0, icount: 0, reason: 'interrupted', status: 1, message: 'at once' });
    writeFileSync(damaged, Buffer.concat(parts));
    const { code, stderr } = await paratrace(['replay', damaged]);
    expect(stderr).toContain('trace.machine');
    expect(stderr).toContain(String(value));
    expect(code).toBe(3);
  });
});

describe('output', () => {
  it('that cannot be written is an error', async () => {
    const host = new FakeHost();
    host.stdout.failure = 'no space is left on the device';
    const { code, stderr } = await paratrace(['guests'], host);
    expect(stderr).toContain('standard output cannot be written: no space is left on the device');
    expect(code).toBe(2);
  });

  it('is stopped quietly when its reader has gone', async () => {
    const host = new FakeHost();
    host.stdout.onWrite = () => {
      host.stdout.isClosed = true;
    };
    const path = scratch.path('many.pvt');
    await paratrace(['record', 'ring-tour', '-o', path]);
    const { code, stderr } = await paratrace(['events', path, '--json'], host);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const { stdout } = await paratrace(['events', path, '--json']);
    expect(host.stdout.text.length).toBeLessThan(stdout.length);
  });
});
