/**
 * Records of a run in batches, from which a {@link BatchWriter} makes a trace: at once, later, or on another thread. Events are gathered as
 * patterns and stamps; whatever comes less often travels as it is. Where a batch ends follows from the run alone (`FLUSH` in the schema), and
 * all that is in it is written together, so that nothing is pending between two of them.
 */
import { assert } from '../assert.ts';
import { EventRow } from '../hypervisor/event-row.ts';
import type { VmEvent } from '../hypervisor/events.ts';
import type { InputRecord, Observer, RunCounters, RunEnd, StateDigest } from '../session/ports.ts';
import type { RecordedInput } from './chunk-list.ts';
import { EventGatherer, type EventRoom, type GatheredEvents } from './event-gatherer.ts';
import type { CountedDigest } from './record-chunks.ts';
import { FLUSH, LIMITS, type TraceTotals } from './schema.ts';

/** Records in order: plain data, and events in memory that may be shared. */
export interface RecordBatch {
  readonly events: GatheredEvents;
  readonly inputs: readonly RecordedInput[];
  readonly digests: readonly CountedDigest[];
  /** Of the last batch. */
  readonly end?: RunEnd;
}

/** Who makes a trace of batches. */
export interface BatchTaker {
  /** Where the next events are to lie: room for `FLUSH.events`, which nobody else touches until it is taken. */
  room(): EventRoom;
  /** All that was asked for {@link room} before is full, and comes in order. */
  take(batch: RecordBatch): void;
  /** There is no other batch: returns when the trace is complete. */
  end(): void;
}

/** An observer that puts the records of a run into batches. */
export class RecordGatherer implements Observer {
  readonly #taker: BatchTaker;
  readonly #events: EventGatherer;
  /** An event that came as an object. */
  readonly #row = new EventRow();
  /** Records of the batches before this one. */
  #before: TraceTotals = { events: 0, inputs: 0, inputBytes: 0, digests: 0 };
  #inputs: RecordedInput[] = [];
  #inputBytes = 0;
  #digests: CountedDigest[] = [];
  #isClosed = false;

  constructor(taker: BatchTaker) {
    this.#taker = taker;
    this.#events = new EventGatherer(taker.room());
  }

  /** Events so far. */
  get eventCount(): number {
    return this.#before.events + this.#events.count;
  }

  /** Records so far. */
  get totals(): TraceTotals {
    const { inputs, inputBytes, digests } = this.#before;
    return {
      events: this.eventCount,
      inputs: inputs + this.#inputs.length,
      inputBytes: inputBytes + this.#inputBytes,
      digests: digests + this.#digests.length,
    };
  }

  event(event: VmEvent): void {
    this.#row.fill(event);
    this.eventRow(this.#row);
  }

  /** Asserts that stamps never decrease. */
  eventRow(row: EventRow): void {
    assert(!this.#isClosed, 'an event after the end of the run');
    this.#events.push(row);
    if (this.#events.count === FLUSH.events) this.#handOn();
  }

  /** An input of at most `LIMITS.inputBytes` bytes; they are copied. */
  input(input: InputRecord): void {
    assert(!this.#isClosed, 'an input after the end of the run');
    const lengthBytes = input.bytes.length;
    assert(lengthBytes <= LIMITS.inputBytes, `an input of ${lengthBytes} bytes`);
    this.#inputs.push({ ...input, events: this.eventCount, bytes: input.bytes.slice() });
    this.#inputBytes += lengthBytes;
    if (this.#inputs.length === FLUSH.inputs || this.#inputBytes >= FLUSH.inputBytes) this.#handOn();
  }

  digest(digest: StateDigest, counters?: RunCounters): void {
    assert(!this.#isClosed, 'a digest after the end of the run');
    this.#digests.push({ digest: { ...digest, events: this.eventCount }, counters: counters && { ...counters } });
    if (this.#digests.length === FLUSH.digests) this.#handOn();
  }

  /** Nothing may follow. */
  end(end: RunEnd): void {
    assert(!this.#isClosed, 'a second end of the run');
    this.#isClosed = true;
    this.#taker.take({ ...this.#batch(), end: { ...end } });
    this.#taker.end();
  }

  #handOn(): void {
    this.#before = this.totals;
    this.#taker.take(this.#batch());
    this.#events.begin(this.#taker.room());
    this.#inputs = [];
    this.#inputBytes = 0;
    this.#digests = [];
  }

  #batch(): RecordBatch {
    return { events: this.#events.take(), inputs: this.#inputs, digests: this.#digests };
  }
}
