/** The events of one queue that come with each request: rows, because a guest may do little but use a ring. */
import { fieldPlaces, ROW_KINDS } from '../event-row.ts';
import { publishedQuietly, type RingEvents } from './ring-events.ts';

const NOTIFY = fieldPlaces('notify');
const TAKE = fieldPlaces('take');
const COMPLETE = fieldPlaces('complete');
const USED = fieldPlaces('used');

/** What a request looks like from outside. */
export interface RequestShape {
  readonly descriptors: number;
  readonly indirect: boolean;
  readonly readableBytes: number;
  readonly writableBytes: number;
}

export class QueueEvents {
  readonly #events: RingEvents;
  readonly #device: string;
  readonly #queue: number;

  /** @param queue its number in events */
  constructor(events: RingEvents, device: string, queue: number) {
    this.#events = events;
    this.#device = device;
    this.#queue = queue;
  }

  /** The driver has told of requests. Both are of 16 bits. */
  notified(availIndex: number, waiting: number): void {
    const row = this.#events.row(ROW_KINDS.notify);
    row.setText(NOTIFY.device, this.#device);
    row.setNumber(NOTIFY.queue, this.#queue);
    row.setNumber(NOTIFY.availIndex, availIndex);
    row.setNumber(NOTIFY.waiting, waiting);
    this.#events.send(row);
  }

  taken(head: number, { descriptors, indirect, readableBytes, writableBytes }: RequestShape, inFlight: number): void {
    const row = this.#events.row(ROW_KINDS.take);
    row.setText(TAKE.device, this.#device);
    row.setNumber(TAKE.queue, this.#queue);
    row.setNumber(TAKE.head, head);
    row.setNumber(TAKE.descriptors, descriptors);
    row.setBool(TAKE.indirect, indirect);
    row.setNumber(TAKE.readableBytes, asU32(readableBytes));
    row.setNumber(TAKE.writableBytes, asU32(writableBytes));
    row.setNumber(TAKE.inFlight, inFlight);
    this.#events.send(row);
  }

  completed(head: number, writtenBytes: number, usedIndex: number, inFlight: number): void {
    const row = this.#events.row(ROW_KINDS.complete);
    row.setText(COMPLETE.device, this.#device);
    row.setNumber(COMPLETE.queue, this.#queue);
    row.setNumber(COMPLETE.head, head);
    row.setNumber(COMPLETE.writtenBytes, asU32(writtenBytes));
    row.setNumber(COMPLETE.usedIndex, usedIndex);
    row.setNumber(COMPLETE.inFlight, inFlight);
    this.#events.send(row);
  }

  /** @param delivered whether the driver is told of what was completed */
  used(usedIndex: number, delivered: boolean): void {
    const row = this.#events.row(ROW_KINDS.used);
    row.setText(USED.device, this.#device);
    row.setNumber(USED.queue, this.#queue);
    row.setNumber(USED.usedIndex, usedIndex);
    row.setBool(USED.delivered, delivered);
    this.#events.send(row);
  }

  /** The device has found requests that nobody has told it of. */
  foundQuietly(count: number): void {
    this.#events.emit(publishedQuietly(this.#device, this.#queue, count));
  }
}

/** Byte counts of a request go up to 2^32; events have 32 bits. */
function asU32(bytes: number): number {
  return Math.min(bytes, 0xffffffff);
}
