/** The block back end over a Xen ring and grants (docs/abi.md, "Rings"), on an {@link OverlayDisk}. Left out: discard, barriers, indirect segments. */

import type { GuestMemory } from '../../../machine/bus.ts';
import type { StateSink } from '../../../machine/state-sink.ts';
import { type OverlayDisk, SECTOR_BYTES } from '../../backends/overlay-disk.ts';
import { XenRing } from '../../rings/xen-ring.ts';
import { DEVICE_TYPE, DOMAIN } from '../pv-layout.ts';
import type { PvDeviceInfo } from '../start-of-day.ts';
import { type Admission, FrontQueue } from './front-queue.ts';
import type { Connection, PvDevice, PvDeviceOptions } from './pv-device.ts';

const OPERATION = { read: 0, write: 1, flush: 3 } as const;
const STATUS = { okay: 0, error: -1, unsupported: -2 } as const;
const REQUEST = { operation: 0, segmentCount: 1, id: 8, sector: 16, segments: 24 } as const;
const SEGMENT = { reference: 0, firstSector: 4, lastSector: 5, sizeBytes: 8 } as const;
const SEGMENTS_MAX = 11;
const SLOT_BYTES = 112;
const RESPONSE_BYTES = 16;
const SECTORS_PER_PAGE = 8;

/** A part of a page, in sectors. */
type BlockSegment = { readonly reference: number; readonly first: number; readonly last: number };
/** What was asked for, from the copy of the request. */
type BlockRequest = {
  readonly id: bigint;
  readonly operation: number;
  readonly status: number;
  readonly sector: number;
  readonly segments: readonly BlockSegment[];
};

export interface PvBlockOptions extends PvDeviceOptions {
  readonly memory: GuestMemory;
  readonly disk: OverlayDisk;
}

export class PvBlock implements PvDevice {
  readonly name: string;
  readonly info: PvDeviceInfo;
  readonly ringCount = 1;
  readonly #options: PvBlockOptions;
  readonly #queue: FrontQueue<BlockRequest>;
  #connection: Connection | undefined;

  constructor(options: PvBlockOptions) {
    this.#options = options;
    this.name = options.name;
    const { index, disk } = options;
    this.info = { type: DEVICE_TYPE.block, index, capacity: disk.capacitySectors, address: new Uint8Array() };
    this.#queue = new FrontQueue({
      device: options.name,
      queue: 0,
      schedule: options.schedule,
      events: options.events,
      admit: (copy, admission) => this.#admit(copy, admission),
      responseBytes: RESPONSE_BYTES,
      perform: (request, response) => this.#perform(request, response),
      deliver: () => this.#connection?.deliver(),
      broken: () => this.#queue.close(),
    });
  }

  connect(connection: Connection, [pa]: readonly number[]): void {
    if (pa === undefined) return;
    this.#connection = connection;
    this.#queue.open(new XenRing({ memory: this.#options.memory, pa, slotBytes: SLOT_BYTES }));
  }

  disconnect(): void {
    this.#queue.close();
    this.#connection = undefined;
  }

  notified(): void {
    this.#queue.notified();
  }

  writeState(sink: StateSink): void {
    sink.state('queue', this.#queue);
    sink.state('disk', this.#options.disk);
  }

  #admit(copy: DataView, admission: Admission): BlockRequest {
    const request = this.#plan(copy);
    const isMoved = request.status === STATUS.okay && request.operation !== OPERATION.flush;
    const sectors = isMoved ? request.segments.reduce((sum, segment) => sum + sectorsOf(segment), 0) : 0;
    const lengthBytes = sectors * SECTOR_BYTES;
    const { latencyCycles, perSectorCycles } = this.#options.timing.block;
    admission.cycles = latencyCycles + perSectorCycles * sectors;
    admission.descriptors = request.segments.length;
    admission.readableBytes = request.operation === OPERATION.write ? lengthBytes : 0;
    admission.writableBytes = request.operation === OPERATION.read ? lengthBytes : 0;
    return request;
  }

  #plan(view: DataView): BlockRequest {
    const operation = view.getUint8(REQUEST.operation);
    const count = view.getUint8(REQUEST.segmentCount);
    const sector = Number(view.getBigUint64(REQUEST.sector, true));
    const id = view.getBigUint64(REQUEST.id, true);
    const segments = Array.from({ length: Math.min(count, SEGMENTS_MAX) }, (_, index) => {
      const at = REQUEST.segments + index * SEGMENT.sizeBytes;
      return {
        reference: view.getUint32(at + SEGMENT.reference, true),
        first: view.getUint8(at + SEGMENT.firstSector),
        last: view.getUint8(at + SEGMENT.lastSector),
      };
    });
    const planned = { id, operation, sector, segments };
    if (operation === OPERATION.flush) return { ...planned, segments: [], status: STATUS.okay };
    if (operation !== OPERATION.read && operation !== OPERATION.write) {
      return { ...planned, segments: [], status: STATUS.unsupported };
    }
    const isWhole = count > 0 && count <= SEGMENTS_MAX && segments.every(isWithinPage);
    const end = isWhole ? sector + segments.reduce((sum, segment) => sum + sectorsOf(segment), 0) : 0;
    const fits = isWhole && end <= this.#options.disk.capacitySectors;
    return { ...planned, status: fits ? STATUS.okay : STATUS.error };
  }

  #perform(request: BlockRequest, response: DataView): number {
    const { id, operation } = request;
    const moved = request.status === STATUS.okay ? this.#transfer(request) : undefined;
    const status = request.status === STATUS.okay && moved === undefined ? STATUS.error : request.status;
    response.setBigUint64(0, id, true);
    response.setUint8(8, operation);
    response.setInt16(10, status, true);
    return operation === OPERATION.read ? (moved ?? 0) : 0;
  }

  /** Moves the data if all of it is granted. Returns the bytes moved, or undefined and has moved nothing. */
  #transfer({ operation, sector, segments }: BlockRequest): number | undefined {
    const { memory, disk } = this.#options;
    const intoGuest = operation === OPERATION.read;
    const pages: number[] = [];
    for (const { reference } of segments) {
      const granted = this.#connection?.grants.resolve(reference, DOMAIN.backEnds, intoGuest);
      if (granted === undefined || !('pa' in granted)) return undefined;
      pages.push(granted.pa);
    }
    let offset = sector * SECTOR_BYTES;
    let movedBytes = 0;
    segments.forEach((segment, index) => {
      const pa = (pages[index] ?? 0) + segment.first * SECTOR_BYTES;
      const lengthBytes = sectorsOf(segment) * SECTOR_BYTES;
      if (intoGuest) memory.writeBytes(pa, disk.read(offset, lengthBytes));
      else disk.write(offset, memory.readBytes(pa, lengthBytes));
      offset += lengthBytes;
      movedBytes += lengthBytes;
    });
    return movedBytes;
  }
}

function sectorsOf({ first, last }: BlockSegment): number {
  return last - first + 1;
}

function isWithinPage({ first, last }: BlockSegment): boolean {
  return first <= last && last < SECTORS_PER_PAGE;
}
