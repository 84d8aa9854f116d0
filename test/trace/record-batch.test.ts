/** Records that went through batches make the same trace, whoever writes which batch. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { ChunkWriter } from '../../src/trace/chunk-writer.ts';
import { type EventRoom, makeEventRoom } from '../../src/trace/event-gatherer.ts';
import { type BatchTaker, type RecordBatch, RecordGatherer } from '../../src/trace/record-batch.ts';
import { FLUSH } from '../../src/trace/schema.ts';
import { BatchWriter, beginTrace } from '../../src/trace/writer.ts';
import { type Call, eventsOf, HEADER, join, play, type Run, record, runArbitrary } from './arbitraries.ts';

/** Writes each batch with a writer of its own, which goes on where the one before has stopped, in memory that held something else. */
class Relay implements BatchTaker {
  readonly #parts: Uint8Array[] = [];
  readonly #sink = (bytes: Uint8Array) => void this.#parts.push(bytes);
  #chunks = beginTrace(this.#sink, HEADER);
  #writer = new BatchWriter(this.#chunks);
  readonly #rooms = [1, 2].map((filling) => {
    const room = makeEventRoom(FLUSH.events);
    for (const part of [room.stamps, room.order, room.patterns]) part.fill(filling);
    return room;
  });
  readonly eventCounts: number[] = [];
  isEnded = false;

  get trace(): Uint8Array {
    return join(this.#parts);
  }

  room(): EventRoom {
    this.#rooms.reverse();
    return this.#rooms[0] as EventRoom;
  }

  take(batch: RecordBatch): void {
    this.eventCounts.push(batch.events.count);
    if (this.eventCounts.length > 1) {
      const { totals } = this.#writer;
      this.#chunks = new ChunkWriter(this.#sink, undefined, structuredClone(this.#chunks.written));
      this.#writer = new BatchWriter(this.#chunks, totals);
    }
    this.#writer.take(structuredClone(batch));
  }

  end(): void {
    this.isEnded = true;
  }
}

function relayed(run: Run): Relay {
  const relay = new Relay();
  const gatherer = new RecordGatherer(relay);
  play(run, gatherer);
  expect(gatherer.eventCount).toBe(eventsOf(run).length);
  expect(relay.isEnded).toBe(true);
  return relay;
}

describe('records in batches', () => {
  test('make the same trace', () => {
    const property = fc.property(runArbitrary(60), (run) => {
      expect(relayed(run).trace).toEqual(record(run));
    });
    fc.assert(property, { numRuns: 150 });
  });

  test('end a batch where the writer writes what is pending', () => {
    const digest = { memory: 1n, harts: 2n ** 64n - 1n, devices: 3n };
    const bytes = new Uint8Array(FLUSH.inputBytes / 4).fill(7);
    const calls: Call[] = [];
    let number = 0;
    for (const value of syntheticEvents(3 * FLUSH.events)) {
      calls.push({ what: 'event', value });
      number += 1;
      const { cycle, icount } = value;
      if (number > FLUSH.events && number % 1000 === 0) {
        calls.push({ what: 'digest', value: { cycle, icount, ...digest } });
      }
      if (number % 2500 === 0) {
        calls.push({ what: 'input', value: { cycle, icount, port: 'uart0', via: 'push', bytes } });
      }
    }
    const last = calls.at(-1)?.value;
    const { cycle, icount } = last ?? { cycle: 0, icount: 0 };
    const run: Run = { calls, end: { cycle, icount, reason: 'poweroff', status: 0, message: 'done' } };
    const relay = relayed(run);
    expect(relay.trace).toEqual(record(run));
    expect(relay.eventCounts).toContain(FLUSH.events);
    // By inputs, and what is left.
    expect(relay.eventCounts.length).toBeGreaterThan(3);
  });

  test('copy what may change after they were told of', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const relay = new Relay();
    const gatherer = new RecordGatherer(relay);
    gatherer.input({ cycle: 1, icount: 1, port: 'uart0', via: 'pull', bytes });
    const end = { cycle: 1, icount: 1, reason: 'poweroff', status: 0, message: 'done' } as const;
    const run: Run = {
      calls: [{ what: 'input', value: { cycle: 1, icount: 1, port: 'uart0', via: 'pull', bytes: bytes.slice() } }],
      end,
    };
    bytes.fill(0);
    gatherer.end(end);
    expect(relay.trace).toEqual(record(run));
  });
});
