import fc from 'fast-check';
import { expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { type Call, CONFIG, digestsOf, eventsOf, inputsOf, record, runArbitrary } from './arbitraries.ts';
import { readTrace } from './other-reader.ts';

/** Values as the other reader gives them: integers as bigint. */
function plain(record: object): Record<string, unknown> {
  const integer = (value: unknown): unknown =>
    typeof value === 'number' || typeof value === 'boolean' ? BigInt(value) : value;
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, integer(value)]));
}

test('a reader written from the document reads what is written', () => {
  const property = fc.property(runArbitrary(40), (run) => {
    const trace = readTrace(record(run));
    expect(trace.events).toEqual(eventsOf(run).map(plain));
    expect(trace.digests.map(({ events: _, ...digest }) => digest)).toEqual(digestsOf(run).map(plain));
    const codes = { uart0: 1n, 'virtio-console': 2n, dbcn: 3n, mark: 4n, pull: 1n, push: 2n };
    const inputs = inputsOf(run).map(({ cycle, icount, port, via, bytes }) => ({
      ...plain({ cycle, icount, lengthBytes: bytes.length }),
      port: codes[port],
      via: codes[via],
      bytes: Buffer.from(bytes).toString('hex'),
    }));
    expect(trace.inputs.map(({ events: _, ...input }) => input)).toEqual(inputs);
    expect(plain(trace.end)).toEqual(plain({ ...run.end, events: eventsOf(run).length }));
  });
  fc.assert(property, { numRuns: 40 });
});

test('a reader written from the document reads header and all chunks', () => {
  const calls = [...syntheticEvents(20_000)].map((value): Call => ({ what: 'event', value }));
  const end = { cycle: 2 ** 40, icount: 2 ** 39, reason: 'tohost', status: 2 ** 33, message: 'done' } as const;
  const trace = readTrace(record({ calls, end }));
  expect(trace.kinds).toEqual([1, 4, 4, 4, 6, 7]);
  expect(trace.events).toHaveLength(20_000);
  expect(trace.events.at(-1)).toEqual(plain(calls.at(-1)?.value ?? {}));
  const config = plain(trace.header.config as object);
  expect(config.mode).toBe(CONFIG.mode);
  expect(config.rtcEpochSeconds).toBe(2n ** 32n);
});
