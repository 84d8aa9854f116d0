/** Reading a trace from where bytes come later gives what reading all of it gives, and reads no more than it needs. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { RUN_DEFAULTS } from '../../src/session/run-defaults.ts';
import { type AsyncByteSource, openTraceAsync } from '../../src/trace/async-reader.ts';
import { type EventFilter, openTrace } from '../../src/trace/reader.ts';
import { TraceWriter } from '../../src/trace/writer.ts';

const EVENTS = 40_000;
const HARTS = 4;

/** A run of several chunks, in which neither clock is a multiple of the other. */
const bytes = (() => {
  const parts: Uint8Array[] = [];
  const guest = { name: 'g.elf', sizeBytes: 3, sha256: 'a'.repeat(64) };
  const config = { ...RUN_DEFAULTS, hartCount: HARTS, guest, initrd: undefined, drives: [] };
  const writer = new TraceWriter((part) => parts.push(part), { config, costProfile: {}, coreProfile: {} });
  writer.input({ cycle: 1, icount: 1, port: 'uart0', via: 'pull', bytes: Uint8Array.of(65, 66) });
  for (let number = 0; number < EVENTS; number += 1) {
    const stamp = { cycle: 10 + 7 * number, icount: 3 * Math.floor(number / 2), hart: number % HARTS, pc: 4n };
    if (number % 5 === 0) writer.event({ kind: 'interrupt', ...stamp, cause: 5 });
    else writer.event({ kind: 'exit', ...stamp, entryCycles: 1, handlingCycles: 2, returnCycles: 1, reason: 'wfi' });
    if (number % 9000 === 0) writer.digest({ ...stamp, memory: BigInt(number), harts: 1n, devices: 2n });
  }
  writer.end({ cycle: 10 * EVENTS, icount: 2 * EVENTS, reason: 'poweroff', status: 0, message: 'off' });
  return new Uint8Array(Buffer.concat(parts));
})();

/** The bytes, a turn of the event loop later, and how many were asked for. */
class LaterSource implements AsyncByteSource {
  readonly sizeBytes: number;
  bytesRead = 0;
  readonly #bytes: Uint8Array;

  constructor(from: Uint8Array) {
    this.#bytes = from;
    this.sizeBytes = from.length;
  }

  async read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    if (!(offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= this.sizeBytes)) throw new Error('a read outside');
    this.bytesRead += lengthBytes;
    return this.#bytes.slice(offset, offset + lengthBytes);
  }
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

const bound = (max: number) => fc.option(fc.integer({ min: 0, max }), { nil: undefined });
const filters: fc.Arbitrary<EventFilter> = fc
  .record({
    fromCycle: bound(8 * EVENTS),
    toCycle: bound(8 * EVENTS),
    fromIcount: bound(2 * EVENTS),
    toIcount: bound(2 * EVENTS),
    fromEvent: bound(EVENTS + 10),
    toEvent: bound(EVENTS + 10),
    kinds: fc.option(fc.constantFrom(['exit'], ['interrupt'], ['exit', 'interrupt'], ['idle']), { nil: undefined }),
    harts: fc.option(fc.subarray([0, 1, 2, 3, 4]), { nil: undefined }),
  })
  .map((filter) => Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)));

describe('a filter of events', () => {
  const trace = openTrace(bytes);
  const events = [...trace.events()];

  it('selects what holds to all of its parts, in both readers', async () => {
    const later = await openTraceAsync(new LaterSource(bytes));
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const { fromCycle = 0, toCycle = Infinity, fromIcount = 0, toIcount = Infinity } = filter;
        const { fromEvent = 0, toEvent = Infinity, kinds, harts } = filter;
        const isWanted = ({ cycle, icount, hart, kind }: VmEvent, number: number) =>
          cycle >= fromCycle &&
          cycle < toCycle &&
          icount >= fromIcount &&
          icount < toIcount &&
          number >= fromEvent &&
          number < toEvent &&
          (kinds?.includes(kind) ?? true) &&
          (harts?.includes(hart) ?? true);
        const wanted = events.filter(isWanted).map(({ cycle }) => cycle);
        expect([...trace.events(filter)].map(({ cycle }) => cycle)).toEqual(wanted);
        expect((await all(later.events(filter))).map(({ cycle }) => cycle)).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a trace that is read later', () => {
  it.each(['mini-os-mix-full', 'ring-tour-pvh-4-harts', 'tohost-fail'])('is %s as it is', async (name) => {
    const golden = new Uint8Array(readFileSync(new URL(`../../traces/${name}.pvt`, import.meta.url)));
    const [now, later] = [openTrace(golden), await openTraceAsync(new LaterSource(golden))];
    expect([later.version, later.header, later.embedded]).toEqual([now.version, now.header, now.embedded]);
    expect([later.totals, later.end]).toEqual([now.totals, now.end]);
    expect(await all(later.events())).toEqual([...now.events()]);
    expect(await all(later.inputs())).toEqual([...now.inputs()]);
    expect(await all(later.digests())).toEqual([...now.digests()]);
  });

  it('finds places by a search, and reads little for it', async () => {
    const [now, source] = [openTrace(bytes), new LaterSource(bytes)];
    const later = await openTraceAsync(source);
    expect(source.bytesRead).toBeLessThan(2000);
    for (const value of [0, 9, 10, 11, 56_789, 59_997, 60_000, 279_000, 280_003, 10 ** 9]) {
      for (const clock of ['cycle', 'icount'] as const) {
        expect(await later.eventAt(clock, value), `${clock} ${value}`).toBe(now.eventAt(clock, value));
      }
    }
    const before = source.bytesRead;
    expect((await all(later.events({ fromEvent: 20_000, toEvent: 20_001 })))[0]?.cycle).toBe(140_010);
    // One of five chunks.
    expect(source.bytesRead - before).toBeLessThan(bytes.length / 3);
  });

  it('keeps its images', async () => {
    const { embedImages } = await import('../../src/trace/images.ts');
    const { config } = openTrace(bytes).header;
    const images = { guest: Uint8Array.of(1, 2, 3), initrd: undefined, drives: [] };
    const parts: Uint8Array[] = [];
    const header = { config, costProfile: {}, coreProfile: {} };
    const writer = new TraceWriter((part) => parts.push(part), header, embedImages(config, images));
    writer.end({ cycle: 0, icount: 0, reason: 'poweroff', status: 0, message: '' });
    const later = await openTraceAsync(new LaterSource(new Uint8Array(Buffer.concat(parts))));
    expect(await later.image(config.guest.sha256)).toEqual(images.guest);
    expect(await later.image('b'.repeat(64))).toBeUndefined();
  });

  it('is refused with a typed error where it is cut off', async () => {
    for (let length = 0; length < bytes.length; length += 97) {
      const error = await openTraceAsync(new LaterSource(bytes.subarray(0, length))).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ParatraceError);
      expect((error as ParatraceError).code).toBe('trace.truncated');
    }
  });

  it('is read or refused with a typed error where bytes are wrong, and never reads outside', async () => {
    const mutation = fc.array(fc.record({ at: fc.nat({ max: bytes.length - 1 }), value: fc.nat({ max: 255 }) }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(mutation, async (changes) => {
        const wrong = bytes.slice();
        for (const { at, value } of changes) wrong[at] = value;
        try {
          const later = await openTraceAsync(new LaterSource(wrong));
          await all(later.events({ kinds: ['interrupt'] }));
          await all(later.digests());
        } catch (error) {
          expect(error).toBeInstanceOf(ParatraceError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is not read from a source that gives less than it should', async () => {
    const short: AsyncByteSource = { sizeBytes: bytes.length, read: (at, count) => bytes.slice(at, at + count - 1) };
    await expect(openTraceAsync(short)).rejects.toThrow('the source gave 11 bytes where 12 were asked for');
  });
});
