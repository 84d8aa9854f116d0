import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { EVENT_KINDS, type EventKind, type VmEvent } from '../../src/hypervisor/events.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { FLUSH } from '../../src/trace/schema.ts';
import { TraceWriter } from '../../src/trace/writer.ts';
import {
  type Call,
  digestsOf,
  eventsOf,
  fieldsArbitrary,
  HEADER,
  inputsOf,
  play,
  type Run,
  record,
  runArbitrary,
} from './arbitraries.ts';

const END = { cycle: 2 ** 53 - 1, icount: 2 ** 40, reason: 'poweroff', status: 0, message: 'done' } as const;

function runOf(events: Iterable<VmEvent>): Run {
  return { calls: Array.from(events, (value): Call => ({ what: 'event', value })), end: END };
}

describe('a trace', () => {
  test('comes back as it was written', () => {
    const property = fc.property(runArbitrary(60), (run) => {
      const trace = openTrace(record(run));
      expect(trace.header).toEqual(HEADER);
      expect([...trace.events()]).toEqual(eventsOf(run));
      expect([...trace.inputs()].map(({ events: _, ...input }) => input)).toEqual(inputsOf(run));
      expect([...trace.digests()].map(({ events: _, ...digest }) => digest)).toEqual(digestsOf(run));
      expect(trace.end).toEqual(run.end);
      expect(trace.problem).toBeUndefined();
    });
    fc.assert(property, { numRuns: 150 });
  });

  test('keeps the order of events, inputs and digests', () => {
    const property = fc.property(runArbitrary(40), (run) => {
      const trace = openTrace(record(run));
      let events = 0;
      const places = { input: [] as number[], digest: [] as number[] };
      for (const call of run.calls) {
        if (call.what === 'event') events += 1;
        else places[call.what].push(events);
      }
      expect([...trace.inputs()].map((input) => input.events)).toEqual(places.input);
      expect([...trace.digests()].map((digest) => digest.events)).toEqual(places.digest);
    });
    fc.assert(property, { numRuns: 50 });
  });

  test.each(Object.keys(EVENT_KINDS) as EventKind[])('keeps every field of `%s`', (kind) => {
    const property = fc.property(fc.array(fieldsArbitrary(kind), { minLength: 1, maxLength: 30 }), (rows) => {
      const events = rows.map(
        (row, index) => ({ kind, cycle: index, icount: index, hart: 0, pc: 1n, ...row }) as unknown as VmEvent,
      );
      expect([...openTrace(record(runOf(events))).events()]).toEqual(events);
    });
    fc.assert(property, { numRuns: 60 });
  });

  test('has the same bytes when its reading is written again', () => {
    const property = fc.property(runArbitrary(60), (run) => {
      const bytes = record(run);
      const trace = openTrace(bytes);
      const calls: Call[] = [];
      const inputs = [...trace.inputs()];
      const digests = [...trace.digests()];
      const addRecordsAt = (events: number): void => {
        while (inputs[0]?.events === events) calls.push({ what: 'input', value: inputs.shift() as never });
        while (digests[0]?.events === events) calls.push({ what: 'digest', value: digests.shift() as never });
      };
      let events = 0;
      for (const value of trace.events()) {
        addRecordsAt(events);
        calls.push({ what: 'event', value });
        events += 1;
      }
      addRecordsAt(events);
      expect(record({ calls, end: trace.end as never }, trace.header)).toEqual(bytes);
    });
    fc.assert(property, { numRuns: 100 });
  });

  test('of many chunks comes back, with inputs before the events that they led to', () => {
    const events = [...syntheticEvents(3 * FLUSH.events + 100)];
    const calls: Call[] = [];
    for (const [index, value] of events.entries()) {
      const { cycle, icount } = value;
      if (index % 1000 === 7) {
        calls.push({
          what: 'input',
          value: { cycle, icount, port: 'uart0', via: 'pull', bytes: new Uint8Array([index & 255]) },
        });
      }
      if (index % 5000 === 9)
        calls.push({ what: 'digest', value: { cycle, icount, memory: BigInt(index), harts: 0n, devices: 1n } });
      calls.push({ what: 'event', value });
    }
    const trace = openTrace(record({ calls, end: END }));
    expect([...trace.events()]).toEqual(events);
    expect(trace.totals).toEqual({ events: events.length, inputs: 25, inputBytes: 25, digests: 5 });
    const kinds = trace.chunks.map((chunk) => chunk.kind);
    const group = ['inputs', 'events', 'digests'];
    expect(kinds).toEqual(['header', ...group, ...group, ...group, 'events', 'end']);
    expect(trace.chunks.filter((chunk) => chunk.kind === 'events')).toHaveLength(4);
  });

  test('flushes large and many inputs and digests by themselves', () => {
    const calls: Call[] = [];
    const input = { cycle: 1, icount: 1, port: 'dbcn', via: 'push' } as const;
    calls.push({ what: 'input', value: { ...input, bytes: new Uint8Array(3 * FLUSH.inputBytes).fill(1) } });
    for (let index = 0; index < 2 * FLUSH.inputs; index += 1)
      calls.push({ what: 'input', value: { ...input, bytes: new Uint8Array(1) } });
    for (let index = 0; index < FLUSH.digests; index += 1) {
      calls.push({ what: 'digest', value: { cycle: 2, icount: 2, memory: 0n, harts: 0n, devices: 0n } });
    }
    const trace = openTrace(record({ calls, end: END }));
    expect(trace.chunks.map((chunk) => chunk.kind)).toEqual(['header', 'inputs', 'inputs', 'inputs', 'digests', 'end']);
    const lengths = Array.from(trace.inputs(), (input) => input.bytes.length);
    expect(lengths).toEqual([3 * FLUSH.inputBytes, ...new Array(2 * FLUSH.inputs).fill(1)]);
  });
});

describe('a filter', () => {
  const events = [...syntheticEvents(2 * FLUSH.events + 500)];
  const trace = openTrace(record(runOf(events)));
  const last = events.at(-1)?.cycle ?? 0;

  test.each([
    { fromCycle: Math.floor(last / 3), toCycle: Math.floor(last / 2) },
    { fromCycle: last },
    { toCycle: 0 },
    { fromEvent: FLUSH.events - 3, toEvent: FLUSH.events + 3 },
    { fromCycle: Math.floor(last / 2), kinds: ['mmio', 'take'] as const },
    { kinds: ['hypercall'] as const },
    { kinds: [] },
  ])('%o gives what it says', (filter) => {
    const {
      fromCycle = 0,
      toCycle = Infinity,
      fromEvent = 0,
      toEvent = Infinity,
      kinds,
    } = filter as {
      fromCycle?: number;
      toCycle?: number;
      fromEvent?: number;
      toEvent?: number;
      kinds?: readonly EventKind[];
    };
    const wanted = events.filter(
      (event, index) =>
        event.cycle >= fromCycle &&
        event.cycle < toCycle &&
        index >= fromEvent &&
        index < toEvent &&
        (kinds?.includes(event.kind) ?? true),
    );
    expect([...trace.events(filter)]).toEqual(wanted);
  });
});

describe('a writer', () => {
  test('writes as the run goes on', () => {
    let written = 0;
    const writer = new TraceWriter((bytes) => {
      written += bytes.length;
    }, HEADER);
    const atStart = written;
    expect(atStart).toBeGreaterThan(100);
    for (const event of syntheticEvents(FLUSH.events)) writer.event(event);
    expect(written).toBeGreaterThan(atStart);
    expect(writer.bytesWritten).toBe(written);
    expect(writer.totals.events).toBe(FLUSH.events);
  });

  test('refuses stamps that decrease, wrong fields, and anything after the end', () => {
    const [first, second] = [...syntheticEvents(2)] as [VmEvent, VmEvent];
    const writer = new TraceWriter(() => {}, HEADER);
    writer.event(second);
    expect(() => writer.event(first)).toThrow('internal error');
    const wrong = { ...second, value: 1 } as unknown as VmEvent;
    expect(() => new TraceWriter(() => {}, HEADER).event(wrong)).toThrow('internal error');
    play({ calls: [], end: END }, writer);
    expect(() => writer.event(second)).toThrow('internal error');
    expect(() => writer.end(END)).toThrow('internal error');
  });
});
