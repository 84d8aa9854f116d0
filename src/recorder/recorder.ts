/**
 * Records a run: assembles the header, embeds what is small, and hands the observer's calls to a trace writer. It knows nothing of
 * where the inputs come from, so a recording of a replay is made in the same way and has the same bytes.
 */
import type { RunConfig, RunImages } from '../session/config.ts';
import { embedImages } from '../trace/images.ts';
import { toHeaderObject } from '../trace/messagepack.ts';
import { type ByteSink, TraceWriter } from '../trace/writer.ts';

export interface RecordedRun {
  readonly config: RunConfig;
  /** The cost and core profiles that the run uses: plain objects of JSON values. A replay passes on those of the trace. */
  readonly costProfile: object;
  readonly coreProfile: object;
  /** The bytes behind the images of `config`. */
  readonly images: RunImages;
  /** Whether images that are small enough are kept in the trace. Default: they are. */
  readonly embedsImages?: boolean;
}

/**
 * An observer that writes the trace of a run to `sink`. Header and images are written at once, the rest as the run goes on; the trace
 * is complete after `end`.
 */
export function createRecorder(run: RecordedRun, sink: ByteSink): TraceWriter {
  const header = {
    config: run.config,
    costProfile: toHeaderObject(run.costProfile),
    coreProfile: toHeaderObject(run.coreProfile),
  };
  return new TraceWriter(sink, header, run.embedsImages === false ? [] : embedImages(run.config, run.images));
}
