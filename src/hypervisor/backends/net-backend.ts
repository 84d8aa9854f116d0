/**
 * The virtio network device (virtio 1.2 section 5.1) on a {@link NetWire}: one queue pair, no offloads.
 *
 * Receive chains are held until a frame comes; a frame that finds none waits, up to {@link RECEIVE_FRAMES_MAX} of them. A frame longer than
 * the chain it would go into is lost, and the chain stays for the next.
 * Left out: MRG_RXBUF, checksum and segmentation offload, MTU, the control queue and all filtering (the device is promiscuous, as section
 * 5.1.6.5.1 has it without VIRTIO_NET_F_CTRL_RX), multiple queue pairs, RSS.
 */

import { assert } from '../../assert.ts';
import { readConfigBytes } from '../../machine/devices/virtio-device.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { RingEvents } from '../rings/ring-events.ts';
import type { DescriptorChain } from '../rings/ring-model.ts';
import { readSegments, writeSegments } from '../rings/segments.ts';
import {
  type DropReason,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MIN,
  NET_QUEUE,
  type NetWire,
  RECEIVE_FRAMES_MAX,
} from './net-wire.ts';
import { type Admission, type BackendOptions, VirtioBackend } from './virtio-backend.ts';

/** Feature bit numbers (section 5.1.3). */
export const VIRTIO_NET_F = { MAC: 5, STATUS: 16 } as const;
/** `virtio_net_hdr` with `num_buffers`, which VIRTIO_F_VERSION_1 always has (section 5.1.6). */
export const NET_HEADER_BYTES = 12;

const QUEUE_SIZE_MAX = 256;
const NUM_BUFFERS_OFFSET = 10;
const VIRTIO_NET_S_LINK_UP = 1;

export interface NetOptions extends BackendOptions {
  readonly wire: NetWire;
  /** Address of 6 bytes. */
  readonly mac: readonly number[];
}

/** `frame`: what the chain is filled with; empty for one that is sent. */
type NetRequest = { readonly frame: Uint8Array };

export class NetBackend extends VirtioBackend<NetRequest> {
  readonly deviceId = 1;
  readonly #wire: NetWire;
  readonly #events: RingEvents;
  readonly #config: Uint8Array;
  readonly #waiting: Uint8Array[] = [];

  constructor(options: NetOptions) {
    super(options, [VIRTIO_NET_F.MAC, VIRTIO_NET_F.STATUS], [QUEUE_SIZE_MAX, QUEUE_SIZE_MAX]);
    assert(options.mac.length === 6, 'an Ethernet address has 6 bytes');
    this.#wire = options.wire;
    this.#events = options.events;
    // Section 5.1.4: `mac`, `status`; the rest belongs to features that are not offered.
    this.#config = Uint8Array.of(...options.mac, VIRTIO_NET_S_LINK_UP, 0);
    options.wire.connect((frame) => this.#arrive(frame));
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return readConfigBytes(this.#config, offset, size);
  }

  override onQueueDisabled(queue: number): void {
    if (queue === NET_QUEUE.receive) this.#waiting.length = 0;
    super.onQueueDisabled(queue);
  }

  override onReset(): void {
    this.#waiting.length = 0;
    super.onReset();
  }

  protected admit(queue: number, chain: DescriptorChain): Admission<NetRequest> {
    const wrong = queue === NET_QUEUE.receive ? chain.readable : chain.writable;
    if (wrong.length > 0) return { kind: 'violation', violation: violation('wrong-direction', chain.head) };
    if (queue === NET_QUEUE.receive) return { kind: 'hold' };
    const frameBytes = Math.max(0, chain.readableBytes - NET_HEADER_BYTES);
    return { kind: 'serve', cycles: this.#cycles(Math.min(frameBytes, FRAME_BYTES_MAX)), request: { frame: NO_FRAME } };
  }

  protected perform(queue: number, chain: DescriptorChain, { frame }: NetRequest): number {
    if (queue === NET_QUEUE.transmit) {
      this.#transmit(chain);
      return 0;
    }
    const bytes = new Uint8Array(NET_HEADER_BYTES + frame.length);
    // Section 5.1.6.4: one buffer, no offload.
    bytes[NUM_BUFFERS_OFFSET] = 1;
    bytes.set(frame, NET_HEADER_BYTES);
    return writeSegments(this.memory, chain.writable, 0, bytes);
  }

  protected override onHeld(): void {
    this.#fill();
  }

  protected writeOwnState(sink: StateSink): void {
    sink.value('waiting', this.#waiting);
    sink.state('wire', this.#wire);
  }

  #transmit(chain: DescriptorChain): void {
    const frameBytes = chain.readableBytes - NET_HEADER_BYTES;
    if (frameBytes > FRAME_BYTES_MAX) this.#drop(NET_QUEUE.transmit, frameBytes, 'too-long');
    else if (frameBytes < FRAME_BYTES_MIN) this.#drop(NET_QUEUE.transmit, Math.max(0, frameBytes), 'too-short');
    else this.#wire.send(readSegments(this.memory, chain.readable, NET_HEADER_BYTES, frameBytes));
  }

  #arrive(frame: Uint8Array): void {
    if (!this.isLive(NET_QUEUE.receive)) {
      this.#drop(NET_QUEUE.receive, frame.length, 'receiver-off');
    } else if (this.#waiting.length >= RECEIVE_FRAMES_MAX) {
      this.#drop(NET_QUEUE.receive, frame.length, 'no-buffer');
    } else {
      this.#waiting.push(frame);
      this.#fill();
    }
  }

  /** Puts frames that wait into chains that are held. */
  #fill(): void {
    for (let frame = this.#waiting[0]; frame !== undefined; frame = this.#waiting[0]) {
      const chain = this.firstHeld(NET_QUEUE.receive);
      if (chain === undefined) return;
      this.#waiting.shift();
      if (chain.writableBytes < NET_HEADER_BYTES + frame.length) {
        this.#drop(NET_QUEUE.receive, frame.length, 'buffer-too-small');
      } else {
        this.startHeld(NET_QUEUE.receive, this.#cycles(frame.length), { frame });
      }
    }
  }

  #drop(queue: number, lengthBytes: number, reason: DropReason): void {
    const length = Math.min(lengthBytes, 0xffff_ffff);
    this.#events.emit({ kind: 'drop', device: this.name, queue, lengthBytes: length, reason });
  }

  #cycles(lengthBytes: number): number {
    const { latencyCycles, perByteCycles } = this.timing.net;
    return latencyCycles + perByteCycles * lengthBytes;
  }
}

const NO_FRAME = new Uint8Array();
