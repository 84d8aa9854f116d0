/**
 * A part of a trace as a trace: what a replay needs, and of the events those of a window. Inputs, images and the end are kept whole, so
 * that it replays from the start of the run to its end; of the digests those in the window and the last, so that a replay of nothing but
 * inputs still checks that the machine ends in the recorded state.
 */
import { assert } from '../assert.ts';
import type { ByteSink, ChunkWriter } from './chunk-writer.ts';
import { ColumnEncoder } from './columns.ts';
import { codeEvents } from './event-coder.ts';
import type { ChunkInfo, RecordedInput, TraceReader } from './reader.ts';
import { type CountedDigest, spanOf, writeDigests, writeInputs } from './record-chunks.ts';
import { beginCopy, copyChunk, copyTrace } from './rewrite.ts';
import { FLUSH, type TraceExcerpt } from './schema.ts';
import type { WindowClock } from './window-clocks.ts';

/** No event at all. */
export const NO_EVENTS: TraceExcerpt = { fromEvent: 0, toEvent: 0 };

/**
 * The numbers of the events of a trace from `from` on and below `to`, in cycles, instruction counts or numbers of events.
 * Those that it does not hold are left out.
 */
export function windowOf(trace: TraceReader, clock: WindowClock, from: number, to: number): TraceExcerpt {
  assert(from <= to, 'a window that ends before it begins');
  const first = trace.header.excerpt?.fromEvent ?? 0;
  const last = first + trace.totals.events;
  const eventAt = (value: number): number =>
    clock === 'event' ? Math.min(Math.max(value, first), last) : trace.eventAt(clock, value);
  return { fromEvent: eventAt(from), toEvent: eventAt(to) };
}

/**
 * Writes what is left of a trace that keeps only the events of a window, which lie in it: see {@link windowOf}.
 * @throws ParatraceError `trace.version` for a trace of a later minor version.
 */
export function trimTrace(trace: TraceReader, window: TraceExcerpt, sink: ByteSink): void {
  const { header, totals } = trace;
  const keepsAll = header.excerpt === undefined && window.fromEvent === 0 && window.toEvent === totals.events;
  if (keepsAll) {
    copyTrace(trace, sink);
    return;
  }
  const writer = beginCopy(trace, { ...header, excerpt: window }, sink);
  const digests = digestsToKeep(trace, window);
  copyInputs(trace, writer);
  for (const chunk of trace.chunks) if (chunk.kind === 'events') writeEvents(trace, chunk, window, writer);
  for (let first = 0; first < digests.length; first += FLUSH.digests) {
    writeDigests(writer, new ColumnEncoder(FLUSH.digests), first, digests.slice(first, first + FLUSH.digests));
  }
  for (const chunk of trace.chunks) if (chunk.kind === 'end') copyChunk(trace, chunk, writer);
  const events = window.toEvent - window.fromEvent;
  writer.close({ events, inputs: totals.inputs, inputBytes: totals.inputBytes, digests: digests.length });
}

/** All inputs, in as few chunks as a recorder would take if there were nothing else. */
function copyInputs(trace: TraceReader, writer: ChunkWriter): void {
  let [first, bytes]: [number, number] = [0, 0];
  let pending: RecordedInput[] = [];
  const flush = (): void => {
    if (pending.length === 0) return;
    writeInputs(writer, new ColumnEncoder(pending.length), first, pending);
    first += pending.length;
    pending = [];
    bytes = 0;
  };
  for (const input of trace.inputs()) {
    pending.push(input);
    bytes += input.bytes.length;
    if (pending.length === FLUSH.inputs || bytes >= FLUSH.inputBytes) flush();
  }
  flush();
}

/** The events of a chunk that lie in the window. A chunk that lies in it as a whole is copied. */
function writeEvents(trace: TraceReader, chunk: ChunkInfo, window: TraceExcerpt, writer: ChunkWriter): void {
  const fromEvent = Math.max(chunk.first, window.fromEvent);
  const toEvent = Math.min(chunk.first + chunk.count, window.toEvent);
  if (fromEvent >= toEvent) return;
  if (toEvent - fromEvent === chunk.count) {
    copyChunk(trace, chunk, writer);
    return;
  }
  const events = [...trace.events({ fromEvent, toEvent })];
  writer.writeEvents(codeEvents(events, fromEvent), spanOf(events));
}

function digestsToKeep(trace: TraceReader, { fromEvent, toEvent }: TraceExcerpt): CountedDigest[] {
  const counters = [...trace.counters()];
  const all = Array.from(trace.digests(), (digest, index) => ({ digest, counters: counters[index] }));
  return all.filter(
    ({ digest: { events } }, index) => (events >= fromEvent && events < toEvent) || index === all.length - 1,
  );
}
