/**
 * The virtio block device (virtio 1.2 section 5.2) on an {@link OverlayDisk}: one request queue, served in order.
 *
 * Requests: IN, OUT, FLUSH, GET_ID; every other type answers VIRTIO_BLK_S_UNSUPP. A range past the capacity, or data that is no
 * multiple of 512 bytes, answers VIRTIO_BLK_S_IOERR and moves nothing. A request without room for its status breaks the device.
 * FLUSH has nothing to do: the overlay is the storage.
 * Left out: multiple queues, discard, write zeroes, secure erase, lifetime, geometry, topology, write-cache control.
 */

import { readConfigBytes } from '../../machine/devices/virtio-device.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { DescriptorChain } from '../rings/ring-model.ts';
import { readSegments, visitPieces, writeSegments } from '../rings/segments.ts';
import { type OverlayDisk, SECTOR_BYTES } from './overlay-disk.ts';
import { type Admission, type BackendOptions, VirtioBackend } from './virtio-backend.ts';

/** Feature bit numbers (section 5.2.3). */
export const VIRTIO_BLK_F = { SEG_MAX: 2, RO: 5, BLK_SIZE: 6, FLUSH: 9 } as const;
/** Request types (section 5.2.6). */
export const VIRTIO_BLK_T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8 } as const;
export const VIRTIO_BLK_S = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

const VIRTIO_BLK_ID_BYTES = 20;
const HEADER_BYTES = 16;
const STATUS_BYTES = 1;
const QUEUE_SIZE_MAX = 256;
/** `virtio_blk_config` up to `blk_size` (section 5.2.4); what follows belongs to features that are not offered. */
const CONFIG = { capacity: 0, segMax: 12, blkSize: 20, sizeBytes: 24 } as const;

export interface BlockOptions extends BackendOptions {
  readonly disk: OverlayDisk;
  /** Offers VIRTIO_BLK_F_RO and fails every write. */
  readonly readOnly?: boolean;
  /** What GET_ID answers: up to 20 ASCII characters; the name by default. */
  readonly serial?: string;
}

/** What is to be done, decided from the header when the chain was taken. Offset and length in bytes of the disk. */
type BlockRequest = {
  readonly op: 'in' | 'out' | 'flush' | 'id' | 'fail';
  readonly status: number;
  readonly offset: number;
  readonly lengthBytes: number;
};

export class BlockBackend extends VirtioBackend<BlockRequest> {
  readonly deviceId = 2;
  readonly disk: OverlayDisk;
  readonly #readOnly: boolean;
  readonly #id: Uint8Array;
  readonly #config: Uint8Array;

  constructor(options: BlockOptions) {
    const readOnly = options.readOnly ?? false;
    const features = [VIRTIO_BLK_F.SEG_MAX, VIRTIO_BLK_F.BLK_SIZE, VIRTIO_BLK_F.FLUSH];
    super(options, readOnly ? [...features, VIRTIO_BLK_F.RO] : features, [QUEUE_SIZE_MAX]);
    this.disk = options.disk;
    this.#readOnly = readOnly;
    this.#id = idBytes(options.serial ?? options.name);
    this.#config = configBytes(options.disk.capacitySectors);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return readConfigBytes(this.#config, offset, size);
  }

  protected admit(_queue: number, chain: DescriptorChain): Admission<BlockRequest> {
    if (chain.writableBytes < STATUS_BYTES) {
      return { kind: 'violation', violation: violation('no-status-byte', chain.head) };
    }
    const request = this.#plan(chain);
    const { latencyCycles, perSectorCycles } = this.timing.block;
    const sectors = request.op === 'in' || request.op === 'out' ? request.lengthBytes / SECTOR_BYTES : 0;
    return { kind: 'serve', cycles: latencyCycles + perSectorCycles * sectors, request };
  }

  protected perform(_queue: number, chain: DescriptorChain, request: BlockRequest): number {
    const dataBytes = this.#transfer(chain, request);
    const statusAt = chain.writableBytes - STATUS_BYTES;
    writeSegments(this.memory, chain.writable, statusAt, Uint8Array.of(request.status));
    // Section 2.7.8.2: `len` counts from the first writable byte without a gap, so a status behind one is not counted.
    return dataBytes === statusAt ? chain.writableBytes : dataBytes;
  }

  protected writeOwnState(sink: StateSink): void {
    sink.value('readOnly', this.#readOnly);
    sink.state('disk', this.disk);
  }

  /** Reads the header, once (section 5.2.6). */
  #plan(chain: DescriptorChain): BlockRequest {
    const header = readSegments(this.memory, chain.readable, 0, HEADER_BYTES);
    if (header.length < HEADER_BYTES) return failed(VIRTIO_BLK_S.IOERR);
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    const sector = view.getBigUint64(8, true);
    switch (view.getUint32(0, true)) {
      case VIRTIO_BLK_T.IN:
        return this.#planTransfer('in', sector, chain.writableBytes - STATUS_BYTES);
      case VIRTIO_BLK_T.OUT:
        // Section 5.2.6.2: a read-only device fails writes and writes nothing.
        if (this.#readOnly) return failed(VIRTIO_BLK_S.IOERR);
        return this.#planTransfer('out', sector, chain.readableBytes - HEADER_BYTES);
      case VIRTIO_BLK_T.FLUSH:
        return { op: 'flush', status: VIRTIO_BLK_S.OK, offset: 0, lengthBytes: 0 };
      case VIRTIO_BLK_T.GET_ID:
        if (chain.writableBytes - STATUS_BYTES < VIRTIO_BLK_ID_BYTES) return failed(VIRTIO_BLK_S.IOERR);
        return { op: 'id', status: VIRTIO_BLK_S.OK, offset: 0, lengthBytes: VIRTIO_BLK_ID_BYTES };
      default:
        return failed(VIRTIO_BLK_S.UNSUPP);
    }
  }

  #planTransfer(op: 'in' | 'out', sector: bigint, lengthBytes: number): BlockRequest {
    const sectors = lengthBytes / SECTOR_BYTES;
    if (!Number.isInteger(sectors)) return failed(VIRTIO_BLK_S.IOERR);
    if (sector + BigInt(sectors) > BigInt(this.disk.capacitySectors)) return failed(VIRTIO_BLK_S.IOERR);
    return { op, status: VIRTIO_BLK_S.OK, offset: Number(sector) * SECTOR_BYTES, lengthBytes };
  }

  /** Moves the data; returns the bytes written to the chain. */
  #transfer(chain: DescriptorChain, { op, offset, lengthBytes }: BlockRequest): number {
    const { memory, disk } = this;
    switch (op) {
      case 'in':
        visitPieces(chain.writable, 0, lengthBytes, (pa, pieceBytes, position) => {
          memory.writeBytes(pa, disk.read(offset + position, pieceBytes));
        });
        return lengthBytes;
      case 'out':
        visitPieces(chain.readable, HEADER_BYTES, lengthBytes, (pa, pieceBytes, position) => {
          disk.write(offset + position, memory.readBytes(pa, pieceBytes));
        });
        return 0;
      case 'id':
        return writeSegments(memory, chain.writable, 0, this.#id);
      default:
        return 0;
    }
  }
}

function failed(status: number): BlockRequest {
  return { op: 'fail', status, offset: 0, lengthBytes: 0 };
}

/** ASCII, filled up with NUL (section 5.2.6). */
function idBytes(serial: string): Uint8Array {
  const id = new Uint8Array(VIRTIO_BLK_ID_BYTES);
  for (let i = 0; i < Math.min(serial.length, VIRTIO_BLK_ID_BYTES); i++) id[i] = serial.charCodeAt(i) & 0x7f;
  return id;
}

function configBytes(capacitySectors: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(CONFIG.sizeBytes));
  view.setBigUint64(CONFIG.capacity, BigInt(capacitySectors), true);
  // A request is a header, its segments and a status byte, and no chain is longer than the queue.
  view.setUint32(CONFIG.segMax, QUEUE_SIZE_MAX - 2, true);
  view.setUint32(CONFIG.blkSize, SECTOR_BYTES, true);
  return new Uint8Array(view.buffer);
}
