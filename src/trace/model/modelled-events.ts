/**
 * The payload of an events chunk under the coding `modelled`: short runs have too little of anything for columns and deflate to find,
 * so each number is predicted, and takes as many bits as it was unexpected.
 */
import { MalformedError, type PackableMap } from '../messagepack.ts';
import { LIMITS } from '../schema.ts';
import { EventModel, FIELD } from './event-model.ts';
import { type EventRows, type EventsOfSites, packRows, rowsOf } from './event-rows.ts';
import { spelledBytes } from './name-model.ts';
import { NumberModel } from './number-model.ts';
import { type BitCoder, RangeReader, RangeWriter } from './range-coder.ts';
import { toNumber, wordOf, ZERO } from './word.ts';

/** The coded payload, or undefined for events that have more of anything than the coding takes. */
export function encodeModelled(events: EventsOfSites): Uint8Array | undefined {
  if (events.events.count > LIMITS.modelledEvents) return undefined;
  const rows = rowsOf(events);
  if (spelledBytes(rows.names) > LIMITS.modelledNameBytes) return undefined;
  const writer = new RangeWriter();
  codeRows(writer, rows);
  return writer.finish();
}

/** The payload as a map of plain columns. Throws {@link MalformedError}. */
export function decodeModelled(coded: Uint8Array): PackableMap {
  const reader = new RangeReader(coded);
  const rows = codeRows(reader, undefined);
  reader.expectEnd();
  return packRows(rows);
}

function codeRows(coder: BitCoder, known: EventRows | undefined): EventRows {
  const numbers = new NumberModel(coder);
  const count = toNumber(numbers.code(wordOf(known?.events.length ?? 0), FIELD.count, [], []));
  if (count > LIMITS.modelledEvents) throw new MalformedError('too many events for their coding');
  const first = toNumber(numbers.code(wordOf(known?.first ?? 0), FIELD.first, [], []));
  if (first > Number.MAX_SAFE_INTEGER) throw new MalformedError(`\`first\` is ${first}`);
  const rows = known ?? emptyRows(first, count);
  new EventModel(numbers, rows).code();
  return rows;
}

function emptyRows(first: number, count: number): EventRows {
  const events = Array.from({ length: count }, () => ({ site: 0, icount: ZERO, stall: ZERO, fields: [] }));
  return { first, names: [], sites: [], events, present: [] };
}
