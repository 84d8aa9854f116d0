/** What the guest's thread and the one that makes its trace say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode, ErrorPlace } from '../../errors.ts';
import type { ChunksWritten } from '../../trace/chunk-writer.ts';
import type { EventRoom, GatheredEvents } from '../../trace/event-gatherer.ts';
import type { RecordBatch } from '../../trace/record-batch.ts';
import type { TraceTotals } from '../../trace/schema.ts';
import type { AppendTarget } from './trace-file.ts';

/** Words of shared memory: batches done, or {@link FAILED}; and whether the system is writing. */
export const CONTROL = { done: 0, writes: 1, words: 2 } as const;
export const FAILED = -1;

/** The trace so far, and where it goes on. */
export interface TraceBegun {
  readonly target: AppendTarget;
  readonly written: ChunksWritten;
  /** Records so far; undefined: none. */
  readonly totals: TraceTotals | undefined;
}

/** What the thread is started with. */
export interface TraceThreadData extends TraceBegun {
  readonly control: Int32Array;
  readonly answers: MessagePort;
}

/** What it says once: the trace is complete, or what has failed. */
export type TraceThreadAnswer =
  | { readonly bytesWritten: number; readonly busyMs: number }
  | { readonly failure: { readonly code?: ErrorCode; readonly message: string; readonly place?: ErrorPlace } };

/** A batch of records as a message. The memory of its events, which is shared, travels once and then goes by its number. */
export interface BatchMessage extends Omit<RecordBatch, 'events'> {
  readonly events: Omit<GatheredEvents, 'room'>;
  readonly roomNumber: number;
  /** The first time. */
  readonly room: EventRoom | undefined;
}
