/**
 * The payload of an events chunk under the coding `modelled`: short runs have too little of anything for columns and deflate to find,
 * so each number is predicted, and takes as many bits as it was unexpected.
 */
import { EventChunk } from '../event-chunk.ts';
import { MalformedError, pack, unpackMap } from '../messagepack.ts';
import { LIMITS } from '../schema.ts';
import { EventModel, FIELD } from './event-model.ts';
import { type EventRows, packRows, rowsOfChunk } from './event-rows.ts';
import { spelledBytes } from './name-model.ts';
import { NumberModel } from './number-model.ts';
import { type BitCoder, RangeReader, RangeWriter } from './range-coder.ts';

/**
 * The coded payload, or undefined for one that has more of anything than the coding takes, or kinds that this version does not know.
 * @param payload as it is packed
 */
export function encodeModelled(payload: Uint8Array): Uint8Array | undefined {
  const rows = rowsOfChunk(new EventChunk(unpackMap(payload)));
  if (rows === undefined || rows.events.length > LIMITS.modelledEvents) return undefined;
  if (spelledBytes(rows.names) > LIMITS.modelledNameBytes) return undefined;
  const writer = new RangeWriter();
  codeRows(writer, rows);
  return writer.finish();
}

/** The payload as a map of plain columns. Throws {@link MalformedError}. */
export function decodeModelled(coded: Uint8Array): Uint8Array {
  const reader = new RangeReader(coded);
  const rows = codeRows(reader, undefined);
  reader.expectEnd();
  return new Uint8Array(pack(packRows(rows)));
}

function codeRows(coder: BitCoder, known: EventRows | undefined): EventRows {
  const numbers = new NumberModel(coder);
  const count = numbers.code(BigInt(known?.events.length ?? 0), FIELD.count, [], []);
  if (count > BigInt(LIMITS.modelledEvents)) throw new MalformedError('too many events for their coding');
  const first = numbers.code(BigInt(known?.first ?? 0), FIELD.first, [], []);
  if (first > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedError(`\`first\` is ${first}`);
  const rows = known ?? emptyRows(Number(first), Number(count));
  new EventModel(numbers, rows).code();
  return rows;
}

function emptyRows(first: number, count: number): EventRows {
  const events = Array.from({ length: count }, () => ({ site: 0, icount: 0n, stall: 0n, fields: [] as bigint[] }));
  return { first, names: [], sites: [], events };
}
