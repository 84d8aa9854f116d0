/**
 * A thread that makes a trace of batches of records while the guest goes on (docs/adr/trace-thread.md). Batches are messages, which it takes
 * in order; what it has done it counts in shared memory, because the guest's thread takes no messages while it is busy with the guest.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MessagePort, Worker } from 'node:worker_threads';
import { must } from '../../assert.ts';
import { ParatraceError } from '../../errors.ts';
import { type EventRoom, makeEventRoom } from '../../trace/event-gatherer.ts';
import type { BatchTaker, RecordBatch } from '../../trace/record-batch.ts';
import { FLUSH } from '../../trace/schema.ts';
import { startThread } from './thread-starts.ts';
import {
  type BatchMessage,
  CONTROL,
  FAILED,
  type TraceBegun,
  type TraceThreadAnswer,
  type TraceThreadData,
} from './trace-messages.ts';

/** The program of the thread, which the build puts beside that of the command. */
const PROGRAM = 'trace-worker.cjs';
/**
 * Batches that there is room for: the guest waits when all of them are full. Most runs need two or three, but those of the first moments, when the
 * thread starts and V8 has not compiled what it runs.
 */
const ROOMS_MAX = 16;
/** So often in a row is a thread that neither makes progress nor writes looked after, before it is taken for dead. */
const LOOKS_MAX = 30;
const LOOK_MS = 1000;

/** @param room where the first batch lies already */
export type StartTraceThread = (begun: TraceBegun, room: EventRoom) => TraceThread;

/** Undefined where the thread's program is not built, as in the sources, or there is no processor for it. */
export function findTraceThread(parallelism: number): StartTraceThread | undefined {
  const program = join(dirname(fileURLToPath(import.meta.url)), PROGRAM);
  if (parallelism < 2 || !existsSync(program)) return undefined;
  return (begun, room) => new TraceThread(program, begun, room);
}

/** Memory for events that the thread can read. */
export function sharedRoom(): EventRoom {
  return makeEventRoom(FLUSH.events, true);
}

export class TraceThread implements BatchTaker {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #control = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * CONTROL.words));
  /** In the order in which they are filled. */
  readonly #rooms: EventRoom[] = [];
  /** Of those that the thread knows. */
  readonly #roomNumbers = new Map<EventRoom, number>();
  readonly #begun: TraceBegun;
  readonly #lookMs: number;
  #failure: Error | undefined;
  #sent = 0;
  #isComplete = false;
  #busyMs = 0;
  #bytesAppended = 0;

  /**
   * @param program path of the thread's program
   * @param room where the first batch lies already
   * @param lookMs how often it is looked after when there is nothing to do but wait for it
   */
  constructor(program: string, begun: TraceBegun, room: EventRoom, lookMs = LOOK_MS) {
    this.#begun = begun;
    this.#rooms.push(room);
    this.#lookMs = lookMs;
    // Not imported: commands that write no long trace need not load it.
    const { MessageChannel } = process.getBuiltinModule('node:worker_threads');
    const { port1, port2 } = new MessageChannel();
    const data: TraceThreadData = { ...begun, control: this.#control, answers: port2 };
    const worker = startThread(program, { workerData: data, transferList: [port2] });
    worker.on('error', (error) => this.#fail(error.message));
    worker.on('exit', (code) => this.#fail(`it ended with code ${code}`));
    port1.unref();
    this.#worker = worker;
    this.#answers = port1;
  }

  /** Batches taken. */
  get batchCount(): number {
    return this.#sent;
  }

  /** Of the thread with the batches; known when the trace is complete. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** What the thread has added to the file; known when the trace is complete. */
  get bytesAppended(): number {
    return this.#bytesAppended;
  }

  room(): EventRoom {
    const rooms = this.#rooms;
    const isFull = rooms.length === ROOMS_MAX;
    // The first of them lies where the oldest batch does that may not be done.
    const oldest = this.#sent - rooms.length;
    if (isFull) this.#waitFor(oldest + 1);
    const isFree = isFull || Atomics.load(this.#control, CONTROL.done) > oldest;
    const room = isFree ? must(rooms.shift(), 'there is always a room') : sharedRoom();
    rooms.push(room);
    return room;
  }

  take(batch: RecordBatch): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#worker.postMessage(this.#message(batch));
    this.#sent += 1;
  }

  #message({ events: { room, ...events }, ...others }: RecordBatch): BatchMessage {
    const known = this.#roomNumbers.get(room);
    const roomNumber = known ?? this.#roomNumbers.size;
    this.#roomNumbers.set(room, roomNumber);
    return { ...others, events, roomNumber, room: known === undefined ? room : undefined };
  }

  end(): void {
    this.#waitFor(this.#sent);
    const answer = this.#answer();
    if (answer === undefined || 'failure' in answer) throw this.#died('it said nothing in the end');
    this.#isComplete = true;
    this.#busyMs = answer.busyMs;
    this.#bytesAppended = answer.bytesWritten - this.#begun.written.bytesWritten;
  }

  /** Waits for what the thread was given, as far as it comes: what is in the file then stays as it is. Throws nothing. */
  settle(): void {
    try {
      this.#waitFor(this.#sent);
    } catch {
      // Whoever wants to know has been told, or is about to be told of something else that failed before.
    }
  }

  /** Waits until so many batches are done. */
  #waitFor(count: number): void {
    for (let looks = 0; looks < LOOKS_MAX; ) {
      if (this.#failure !== undefined) throw this.#failure;
      const done = Atomics.load(this.#control, CONTROL.done);
      if (done === FAILED) throw this.#told();
      if (done >= count) return;
      const result = Atomics.wait(this.#control, CONTROL.done, done, this.#lookMs);
      const isWriting = Atomics.load(this.#control, CONTROL.writes) !== 0;
      looks = result === 'timed-out' && !isWriting ? looks + 1 : 0;
    }
    throw this.#died('it does not answer');
  }

  /** What the thread says has failed, here as it would be had it happened here. */
  #told(): Error {
    const answer = this.#answer();
    if (answer === undefined || !('failure' in answer)) return this.#died('it failed and did not say why');
    const { code, message, place } = answer.failure;
    this.#failure = code === undefined ? new Error(message) : new ParatraceError(code, message, place);
    return this.#failure;
  }

  #answer(): TraceThreadAnswer | undefined {
    const { receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
    return receiveMessageOnPort(this.#answers)?.message as TraceThreadAnswer | undefined;
  }

  #fail(reason: string): void {
    if (!this.#isComplete && this.#failure === undefined) this.#died(reason);
  }

  #died(reason: string): Error {
    const message = `it cannot be written: the thread that makes the trace: ${reason}`;
    this.#failure = new ParatraceError('file.unreadable', message, { file: this.#begun.target.path });
    return this.#failure;
  }
}
