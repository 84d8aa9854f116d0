/**
 * Records a run: assembles the header, embeds what is small, and hands the observer's calls to a trace writer. It knows nothing of
 * where the inputs come from, so a recording of a replay is made in the same way and has the same bytes.
 */
import type { Crc32 } from '../crc32.ts';
import type { RunConfig, RunImages } from '../session/config.ts';
import type { ByteSink, ChunkWriter } from '../trace/chunk-writer.ts';
import { embedImages } from '../trace/images.ts';
import type { TraceHeader } from '../trace/schema.ts';
import { beginTrace, RecordWriter } from '../trace/writer.ts';

/** A header and what it names. The profiles are those of `recordedProfiles`; a replay passes on those of the trace. */
export interface RecordedRun extends TraceHeader {
  readonly config: RunConfig;
  /** The bytes behind the images of `config`. */
  readonly images: RunImages;
  /** Whether images that are small enough are kept in the trace. Default: they are. */
  readonly embedsImages?: boolean;
}

/**
 * An observer that writes the trace of a run to `sink`. Header and images are written at once, the rest as the run goes on; the trace
 * is complete after `end`.
 * @param crc the checksum, where the host has a faster one
 */
export function createRecorder(run: RecordedRun, sink: ByteSink, crc?: Crc32): RecordWriter {
  return new RecordWriter(beginRecording(run, sink, crc));
}

/** The first part of {@link createRecorder}: header and images, for a {@link RecordWriter} to go on with, here or elsewhere. */
export function beginRecording(run: RecordedRun, sink: ByteSink, crc?: Crc32): ChunkWriter {
  const { config, costProfile, coreProfile, images, embedsImages = true } = run;
  const embedded = embedsImages ? embedImages(config, images) : [];
  return beginTrace(sink, { config, costProfile, coreProfile }, embedded, crc);
}
