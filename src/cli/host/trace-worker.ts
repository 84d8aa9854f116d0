/** The thread that makes a trace: batches of records come in, chunks go to the file. A program of its own in the build. */
import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../../assert.ts';
import { ParatraceError } from '../../errors.ts';
import { ChunkWriter } from '../../trace/chunk-writer.ts';
import type { EventRoom } from '../../trace/event-gatherer.ts';
import { BatchWriter } from '../../trace/writer.ts';
import { hostCrc32 } from './checksum.ts';
import { append } from './files.ts';
import { type BatchMessage, CONTROL, FAILED, type TraceThreadAnswer, type TraceThreadData } from './trace-messages.ts';

const port = must(parentPort, 'the thread that has started this one');
const { target, written, totals, control, answers } = workerData as TraceThreadData;

const chunks = new ChunkWriter(write, hostCrc32, written);
const writer = new BatchWriter(chunks, totals);
const rooms: EventRoom[] = [];
let busyMs = 0;

port.on('message', (message: BatchMessage) => {
  if (Atomics.load(control, CONTROL.done) === FAILED) return;
  try {
    const startMs = performance.now();
    writer.take({ ...message, events: { ...message.events, room: roomOf(message) } });
    busyMs += performance.now() - startMs;
    if (message.end !== undefined) {
      answer({ bytesWritten: writer.bytesWritten, busyMs });
      port.close();
    }
    Atomics.add(control, CONTROL.done, 1);
  } catch (error) {
    answer({ failure: describe(error) });
    Atomics.store(control, CONTROL.done, FAILED);
  }
  Atomics.notify(control, CONTROL.done);
});

function roomOf({ roomNumber, room }: BatchMessage): EventRoom {
  if (room !== undefined) rooms[roomNumber] = room;
  return must(rooms[roomNumber], 'the memory of a batch');
}

function write(bytes: Uint8Array): void {
  Atomics.store(control, CONTROL.writes, 1);
  append(target.fd, target.path, bytes);
  Atomics.store(control, CONTROL.writes, 0);
}

/** Before anything is counted, so that it is there when whoever counts looks for it. */
function answer(what: TraceThreadAnswer): void {
  answers.postMessage(what);
}

function describe(error: unknown): Extract<TraceThreadAnswer, { failure: unknown }>['failure'] {
  if (error instanceof ParatraceError) return { code: error.code, message: error.message, place: error.place };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
