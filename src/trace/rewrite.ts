/**
 * Traces made of traces: repaired, made self-contained, taken apart. Chunks are copied as they stand, so the bytes of a trace that needs
 * no change stay the same.
 */
import { ParatraceError } from '../errors.ts';
import type { RunImages } from '../session/config.ts';
import type { TraceCheck } from './check-trace.ts';
import { type ByteSink, ChunkWriter } from './chunk-writer.ts';
import { packHeader } from './header.ts';
import { type EmbeddedImage, packImages } from './images.ts';
import type { ChunkInfo, TraceReader } from './reader.ts';
import { FORMAT_VERSION, type TraceHeader } from './schema.ts';

/**
 * Writes all that is whole of a trace as a complete trace. Where that is not all of the run it is an excerpt without an end: a replay
 * checks it as far as it goes. A trace that is whole is copied.
 * @throws ParatraceError the problem, where nothing can be repaired, and `trace.version` for a trace of a later minor version.
 */
export function repairTrace({ trace, problem, whole, totals }: TraceCheck, sink: ByteSink): void {
  if (trace === undefined) throw problem ?? new ParatraceError('trace.truncated', 'nothing of the trace is whole');
  const { header } = trace;
  const fromEvent = header.excerpt?.fromEvent ?? 0;
  const isAll = problem === undefined || whole.some(({ kind }) => kind === 'end');
  const excerpt = isAll ? header.excerpt : { fromEvent, toEvent: fromEvent + totals.events };
  const writer = beginCopy(trace, { ...header, excerpt }, sink);
  for (const chunk of whole) copyChunk(trace, chunk, writer);
  writer.close(totals);
}

/**
 * Writes a trace with all images of its run in it.
 * @param images what `resolveImages` found for the trace
 * @throws ParatraceError `trace.version` for a trace of a later minor version.
 */
export function packTrace(trace: TraceReader, images: RunImages, sink: ByteSink): void {
  copyTrace(trace, sink, packImages(trace.header.config, images));
}

/**
 * Writes a trace without the images that it holds: it names them by digest.
 * @throws ParatraceError `trace.version` for a trace of a later minor version.
 */
export function unpackTrace(trace: TraceReader, sink: ByteSink): void {
  copyTrace(trace, sink, []);
}

/**
 * Begins a copy of a trace: header and images are written.
 * @param images in place of those of the trace
 */
export function beginCopy(
  trace: TraceReader,
  header: TraceHeader,
  sink: ByteSink,
  images: readonly EmbeddedImage[] = imagesOf(trace),
): ChunkWriter {
  const { minor } = trace.version;
  if (minor > FORMAT_VERSION.minor) {
    const message = `the trace has format ${FORMAT_VERSION.major}.${minor}, and what ${FORMAT_VERSION.major}.${FORMAT_VERSION.minor} does not know would be lost`;
    throw new ParatraceError('trace.version', message);
  }
  const writer = new ChunkWriter(sink);
  const embedded = images.map(({ sha256 }) => sha256);
  writer.writePacked('header', packHeader(header, embedded));
  for (const { payload } of images) writer.write('image', payload);
  return writer;
}

/** Copies a chunk, unless it is one that {@link beginCopy} has written or that `close` writes. */
export function copyChunk(trace: TraceReader, chunk: ChunkInfo, writer: ChunkWriter): void {
  if (chunk.kind === 'header' || chunk.kind === 'image' || chunk.kind === 'index') return;
  writer.write(chunk.kind, trace.stored(chunk), chunk);
}

/** Copies a whole trace. @param images in place of its own */
export function copyTrace(trace: TraceReader, sink: ByteSink, images?: readonly EmbeddedImage[]): void {
  const writer = beginCopy(trace, trace.header, sink, images);
  for (const chunk of trace.chunks) copyChunk(trace, chunk, writer);
  writer.close(trace.totals);
}

/** The image chunks of a trace as they stand. */
function imagesOf(trace: TraceReader): EmbeddedImage[] {
  const chunks = trace.chunks.filter(({ kind }) => kind === 'image');
  return chunks.map((chunk, position) => ({
    sha256: trace.imageOfChunk[position] ?? '',
    payload: trace.stored(chunk),
  }));
}
