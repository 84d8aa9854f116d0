/** Records of single chunks, checked against what the index says of them: what every reader of traces does with a chunk. */
import type { VmEvent } from '../hypervisor/events.ts';
import type { RunCounters } from '../session/ports.ts';
import type { ChunkInfo, RecordedCounters, RecordedDigest } from './chunk-list.ts';
import { EventChunk } from './event-chunk.ts';
import type { EventSelection } from './event-filter.ts';
import { corrupt, type FormatVersion } from './frame.ts';
import { unpackSha256 } from './header.ts';
import { MalformedError } from './messagepack.ts';
import { FORMAT_VERSION } from './schema.ts';

/** The events of a chunk that are wanted. Kinds that are not known are skipped in a trace of a newer minor version. Throws `trace.corrupt`. */
export function selectEvents(
  info: ChunkInfo,
  chunk: EventChunk,
  selection: EventSelection,
  version: FormatVersion,
): readonly VmEvent[] {
  const { start, end } = selection.rows(chunk);
  try {
    const events = chunk.events(start, end, selection.kinds, version.minor > FORMAT_VERSION.minor);
    return selection.wantsAllHarts ? events : events.filter((event) => selection.wants(event));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw corrupt(`chunk ${info.frame.sequence}: ${error.message}`, info.frame.offset);
  }
}

export function openEvents(packed: Readonly<Record<string, unknown>>, info: ChunkInfo): EventChunk {
  const chunk = new EventChunk(packed);
  const { first, count, cycles } = chunk;
  const same = first === info.first && count === info.count;
  if (!same || (cycles[0] ?? 0) !== info.firstCycle || (cycles[count - 1] ?? 0) !== info.lastCycle) {
    throw new MalformedError('it is not what the index says');
  }
  return chunk;
}

export function checkCount<T>(records: readonly T[], info: ChunkInfo): readonly T[] {
  if (records.length !== info.count) throw new MalformedError('it is not what the index says');
  return records;
}

export function countersAt(row: RunCounters, digest: RecordedDigest | undefined): RecordedCounters {
  if (digest === undefined) throw new MalformedError('counters without a digest');
  const { events, cycle, icount } = digest;
  return { events, cycle, icount, ...row };
}

export function readImage(packed: Readonly<Record<string, unknown>>, sha256: string): Uint8Array {
  const data = packed.bytes;
  if (unpackSha256(packed.sha256) !== sha256) throw new MalformedError('an image other than the header names');
  if (!(data instanceof Uint8Array)) throw new MalformedError('an image without bytes');
  return data.slice();
}
