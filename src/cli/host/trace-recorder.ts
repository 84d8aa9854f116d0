/**
 * Records a run into a file. The guest's thread only gathers records; the trace is made of them on a thread of its own from the second
 * batch on that is full of events (docs/adr/trace-thread.md). A run that has fewer, or a host without such a thread, makes it here, of the same bytes.
 */
import { beginRecording, type RecordedRun } from '../../recorder/recorder.ts';
import type { Observer } from '../../session/ports.ts';
import type { ByteSink, ChunkWriter } from '../../trace/chunk-writer.ts';
import type { EventRoom } from '../../trace/event-gatherer.ts';
import { type BatchTaker, type RecordBatch, RecordGatherer } from '../../trace/record-batch.ts';
import { FLUSH } from '../../trace/schema.ts';
import { BatchWriter } from '../../trace/writer.ts';
import { hostCrc32 } from './checksum.ts';
import { isThreadStarting } from './thread-starts.ts';
import type { TraceFile } from './trace-file.ts';
import { type StartTraceThread, sharedRoom, type TraceThread } from './trace-thread.ts';

export interface TraceRecorderOptions {
  /** Undefined: the host has no thread for it. */
  readonly startThread: StartTraceThread | undefined;
  /** Told if there is one and it cannot be started. */
  readonly onFailure?: (reason: string) => void;
  /** In place of that of the file, where writing is watched. */
  readonly sink?: ByteSink;
}

/** What a thread has done beside the guest. */
export interface BesideGuest {
  readonly batches: number;
  readonly busyMs: number;
}

export class TraceRecorder {
  readonly #making: TraceMaking;
  readonly #gatherer: RecordGatherer;

  /** Writes header and images. */
  constructor(run: RecordedRun, file: TraceFile, { startThread, onFailure, sink = file.write }: TraceRecorderOptions) {
    const chunks = beginRecording(run, sink, hostCrc32);
    this.#making = new TraceMaking(chunks, file, startThread, onFailure);
    this.#gatherer = new RecordGatherer(this.#making);
  }

  get observer(): Observer {
    return this.#gatherer;
  }

  /** Events so far. */
  get events(): number {
    return this.#gatherer.eventCount;
  }

  /** Undefined if all was done on the guest's thread. Times are known when the trace is complete. */
  get besideGuest(): BesideGuest | undefined {
    return this.#making.besideGuest;
  }

  /** After a failure of the run: returns when nobody writes to the file any more. */
  settle(): void {
    this.#making.settle();
  }
}

/** Makes the trace of batches, here until it pays to do it elsewhere. */
class TraceMaking implements BatchTaker {
  readonly #chunks: ChunkWriter;
  readonly #file: TraceFile;
  readonly #room = sharedRoom();
  readonly #onFailure: ((reason: string) => void) | undefined;
  /** Undefined if the host has no thread, or it has been tried. */
  #startThread: StartTraceThread | undefined;
  #thread: TraceThread | undefined;
  #writer: BatchWriter | undefined;

  constructor(
    chunks: ChunkWriter,
    file: TraceFile,
    startThread: StartTraceThread | undefined,
    onFailure?: (reason: string) => void,
  ) {
    this.#chunks = chunks;
    this.#file = file;
    this.#startThread = startThread;
    this.#onFailure = onFailure;
  }

  get besideGuest(): BesideGuest | undefined {
    return this.#thread && { batches: this.#thread.batchCount, busyMs: this.#thread.busyMs };
  }

  room(): EventRoom {
    return this.#thread?.room() ?? this.#room;
  }

  take(batch: RecordBatch): void {
    // Not with the first full one: many runs have no other. And while another thread starts, it would get the settings of that one.
    const isDue = batch.events.count === FLUSH.events && this.#writer !== undefined && !isThreadStarting();
    if (isDue) this.#thread ??= this.#start();
    if (this.#thread !== undefined) this.#thread.take(batch);
    else this.#ownWriter().take(batch);
  }

  end(): void {
    if (this.#thread === undefined) return;
    this.#thread.end();
    this.#file.countAppended(this.#thread.bytesAppended);
  }

  settle(): void {
    this.#thread?.settle();
  }

  /** Undefined if it cannot be started: it is not tried again. */
  #start(): TraceThread | undefined {
    const start = this.#startThread;
    this.#startThread = undefined;
    try {
      return start?.(
        { target: this.#file.target, written: this.#chunks.written, totals: this.#writer?.totals },
        this.#room,
      );
    } catch (error) {
      this.#onFailure?.(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #ownWriter(): BatchWriter {
    this.#writer ??= new BatchWriter(this.#chunks);
    return this.#writer;
  }
}
