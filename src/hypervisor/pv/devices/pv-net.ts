/**
 * The network back end over two Xen rings and grants (docs/abi.md, "Rings"), on a {@link NetWire}. Receive requests are held until a frame comes; a frame
 * that finds none waits, as behind virtio. Left out: offloads, scatter-gather, multiple queues.
 */

import type { GuestMemory } from '../../../machine/bus.ts';
import type { StateSink } from '../../../machine/state-sink.ts';
import {
  type DropReason,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MIN,
  NET_QUEUE,
  type NetWire,
  RECEIVE_FRAMES_MAX,
} from '../../backends/net-wire.ts';
import { XenRing } from '../../rings/xen-ring.ts';
import { PAGE_BYTES } from '../../shadow/guest-tables.ts';
import { DEVICE_TYPE, DOMAIN } from '../pv-layout.ts';
import type { PvDeviceInfo } from '../start-of-day.ts';
import { FrontQueue } from './front-queue.ts';
import type { Connection, PvDevice, PvDeviceOptions } from './pv-device.ts';

const STATUS = { okay: 0, error: -1, dropped: -2 } as const;
const TRANSMIT_SLOT_BYTES = 12;
const RECEIVE_SLOT_BYTES = 8;
const TRANSMIT_RESPONSE_BYTES = 4;
const RECEIVE_RESPONSE_BYTES = 8;
/** Of a request that is held. */
const NO_FRAME = new Uint8Array();

type TransmitRequest = {
  readonly reference: number;
  readonly offset: number;
  readonly id: number;
  readonly lengthBytes: number;
};
/** `frame`: empty while the request is held. */
type ReceiveRequest = { readonly id: number; readonly reference: number; readonly frame: Uint8Array };

export interface PvNetOptions extends PvDeviceOptions {
  readonly memory: GuestMemory;
  readonly wire: NetWire;
  /** Address of 6 bytes. */
  readonly mac: readonly number[];
}

export class PvNet implements PvDevice {
  readonly name: string;
  readonly info: PvDeviceInfo;
  readonly ringCount = 2;
  readonly #options: PvNetOptions;
  readonly #transmit: FrontQueue<TransmitRequest>;
  readonly #receive: FrontQueue<ReceiveRequest>;
  readonly #waiting: Uint8Array[] = [];
  #connection: Connection | undefined;

  constructor(options: PvNetOptions) {
    this.#options = options;
    this.name = options.name;
    this.info = { type: DEVICE_TYPE.network, index: options.index, capacity: 0, address: Uint8Array.from(options.mac) };
    const common = {
      device: options.name,
      schedule: options.schedule,
      events: options.events,
      deliver: () => this.#connection?.deliver(),
      broken: () => this.#close(),
    };
    this.#transmit = new FrontQueue({
      ...common,
      queue: NET_QUEUE.transmit,
      admit: (copy, admission) => {
        const request = transmitRequest(copy);
        admission.cycles = this.#cycles(Math.min(request.lengthBytes, FRAME_BYTES_MAX));
        admission.descriptors = 1;
        admission.readableBytes = request.lengthBytes;
        admission.writableBytes = 0;
        return request;
      },
      responseBytes: TRANSMIT_RESPONSE_BYTES,
      perform: (request, response) => this.#send(request, response),
    });
    this.#receive = new FrontQueue({
      ...common,
      queue: NET_QUEUE.receive,
      admit: (copy, admission) => {
        admission.cycles = 0;
        admission.descriptors = 1;
        admission.readableBytes = 0;
        admission.writableBytes = PAGE_BYTES;
        return receiveRequest(copy);
      },
      responseBytes: RECEIVE_RESPONSE_BYTES,
      perform: (request, response) => this.#put(request, response),
      looked: () => this.#fill(),
    });
    options.wire.connect((frame) => this.#arrive(frame));
  }

  connect(connection: Connection, [transmit, receive]: readonly number[]): void {
    if (transmit === undefined || receive === undefined) return;
    const { memory } = this.#options;
    this.#connection = connection;
    this.#transmit.open(new XenRing({ memory, pa: transmit, slotBytes: TRANSMIT_SLOT_BYTES }));
    this.#receive.open(new XenRing({ memory, pa: receive, slotBytes: RECEIVE_SLOT_BYTES }));
  }

  disconnect(): void {
    this.#close();
    this.#connection = undefined;
  }

  notified(): void {
    this.#transmit.notified();
    this.#receive.notified();
  }

  writeState(sink: StateSink): void {
    sink.state('transmit', this.#transmit);
    sink.state('receive', this.#receive);
    sink.value('waiting', this.#waiting);
    sink.state('wire', this.#options.wire);
  }

  #close(): void {
    this.#transmit.close();
    this.#receive.close();
    this.#waiting.length = 0;
  }

  #send({ reference, offset, id, lengthBytes }: TransmitRequest, response: DataView): number {
    const { memory, wire } = this.#options;
    let status: number = STATUS.okay;
    if (lengthBytes < FRAME_BYTES_MIN) status = this.#drop(NET_QUEUE.transmit, lengthBytes, 'too-short');
    else if (lengthBytes > FRAME_BYTES_MAX) status = this.#drop(NET_QUEUE.transmit, lengthBytes, 'too-long');
    else {
      const granted = this.#connection?.grants.resolve(reference, DOMAIN.backEnds, false);
      const isWithin = offset + lengthBytes <= PAGE_BYTES;
      if (granted !== undefined && 'pa' in granted && isWithin) {
        wire.send(memory.readBytes(granted.pa + offset, lengthBytes));
      } else status = STATUS.error;
    }
    response.setUint16(0, id, true);
    response.setInt16(2, status, true);
    return 0;
  }

  #arrive(frame: Uint8Array): void {
    if (this.#connection === undefined) this.#drop(NET_QUEUE.receive, frame.length, 'receiver-off');
    else if (this.#waiting.length >= RECEIVE_FRAMES_MAX) this.#drop(NET_QUEUE.receive, frame.length, 'no-buffer');
    else {
      this.#waiting.push(frame);
      this.#fill();
    }
  }

  /** Gives frames that wait to requests that are held. */
  #fill(): void {
    for (let held = this.#receive.held; held !== undefined; held = this.#receive.held) {
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      this.#receive.startHeld({ id: held.id, reference: held.reference, frame }, this.#cycles(frame.length));
    }
  }

  #put({ id, reference, frame }: ReceiveRequest, response: DataView): number {
    const granted = this.#connection?.grants.resolve(reference, DOMAIN.backEnds, true);
    const isGranted = granted !== undefined && 'pa' in granted;
    if (isGranted) this.#options.memory.writeBytes(granted.pa, frame);
    else this.#drop(NET_QUEUE.receive, frame.length, 'buffer-too-small');
    response.setUint16(0, id, true);
    response.setInt16(6, isGranted ? frame.length : STATUS.error, true);
    return isGranted ? frame.length : 0;
  }

  #drop(queue: number, lengthBytes: number, reason: DropReason): number {
    this.#options.events.emit({ kind: 'drop', device: this.name, queue, lengthBytes, reason });
    return STATUS.dropped;
  }

  #cycles(lengthBytes: number): number {
    const { latencyCycles, perByteCycles } = this.#options.timing.net;
    return latencyCycles + perByteCycles * lengthBytes;
  }
}

function transmitRequest(view: DataView): TransmitRequest {
  return {
    reference: view.getUint32(0, true),
    offset: view.getUint16(4, true),
    id: view.getUint16(8, true),
    lengthBytes: view.getUint16(10, true),
  };
}

function receiveRequest(view: DataView): ReceiveRequest {
  return { id: view.getUint16(0, true), reference: view.getUint32(4, true), frame: NO_FRAME };
}
