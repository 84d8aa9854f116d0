/**
 * The receive side of an e1000 (SDM 3.2): frames wait in the packet buffer for descriptors and are stored one after the other. A frame takes as
 * many buffers as it needs; its descriptors are read once, when they are taken.
 */

import { must } from '../../assert.ts';
import { crc32 } from '../../crc32.ts';
import { DD, ICR, RCTL, RX, RX_STATUS } from '../../machine/devices/e1000/e1000-registers.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { RingViolation } from '../rings/ring-model.ts';
import { type DescriptorRing, type E1000Parts, lookAtRing } from './e1000-ring.ts';
import { type DropReason, NET_QUEUE, RECEIVE_FRAMES_MAX } from './net-wire.ts';

const FCS_BYTES = 4;
/** Buffer sizes by RCTL.BSIZE, without and with BSEX (SDM 13.4.22); 0 is reserved. */
const BUFFER_BYTES = [2048, 1024, 512, 256] as const;
const LARGE_BUFFER_BYTES = [0, 16384, 8192, 4096] as const;
const GROUP_BIT = 1;

/** A frame that is being stored. Plain data. */
type Storing = {
  /** With FCS where it is kept. */
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly next: number;
  readonly bufferBytes: number;
  /** Address of each descriptor and of its buffer. */
  readonly pieces: readonly { readonly descriptor: number; readonly pa: number }[];
};

export class E1000Receiver {
  readonly #parts: E1000Parts;
  readonly #target: string;
  /** The packet buffer. */
  readonly #waiting: Uint8Array[] = [];
  #storing: Storing | undefined;
  #broken = false;

  constructor(parts: E1000Parts) {
    this.#parts = parts;
    this.#target = `${parts.name}.q${NET_QUEUE.receive}`;
    parts.schedule.register(this.#target, () => this.#finish());
    parts.wire.connect((frame) => this.#arrive(frame));
  }

  /** @param doorbell whether the tail was written */
  look(doorbell: boolean): void {
    const { name, memory, events } = this.#parts;
    if (this.#broken) return;
    const look = lookAtRing(memory, this.#parts.controller(), 'R');
    if (look.kind === 'none') return;
    if (look.kind === 'violation') {
      this.#break(look.violation);
      return;
    }
    const { ring } = look;
    if (doorbell) {
      const { tail: availIndex, waiting } = ring;
      events.emit({ kind: 'notify', device: name, queue: NET_QUEUE.receive, availIndex, waiting });
    }
    this.#store(ring);
  }

  reset(): void {
    this.#waiting.length = 0;
    this.#storing = undefined;
    this.#broken = false;
    this.#parts.schedule.cancel(this.#target);
  }

  writeState(sink: StateSink): void {
    sink.value('broken', this.#broken);
    sink.value('waiting', this.#waiting);
    sink.value('storing', this.#storing === undefined ? {} : { ...this.#storing });
  }

  get #isEnabled(): boolean {
    return (this.#parts.controller().get('RCTL') & RCTL.EN) !== 0;
  }

  #arrive(frame: Uint8Array): void {
    const controller = this.#parts.controller();
    if (!this.#isEnabled) {
      this.#drop(frame, 'receiver-off');
      return;
    }
    if (!controller.accepts(frame)) return;
    controller.count('TPR');
    if (this.#waiting.length >= RECEIVE_FRAMES_MAX) {
      // SDM 13.7.5: the packet buffer is full.
      controller.count('MPC');
      controller.raise(ICR.RXO);
      this.#drop(frame, 'no-buffer');
      return;
    }
    this.#waiting.push(frame);
    // SDM 13.7.33: no buffers, but room in the packet buffer.
    if (controller.get('RDH') === controller.get('RDT')) controller.count('RNBC');
    this.look(false);
  }

  /** Begins with the next frame if there are buffers for it. */
  #store(ring: DescriptorRing): void {
    const { name, memory, schedule, events, timing } = this.#parts;
    const frame = this.#waiting[0];
    if (frame === undefined || this.#storing !== undefined || !this.#isEnabled) return;
    const bufferBytes = this.#bufferBytes();
    const bytes = this.#withFcs(frame);
    const count = Math.ceil(bytes.length / bufferBytes);
    if (bufferBytes === 0 || count > ring.waiting) return;
    const pieces: { descriptor: number; pa: number }[] = [];
    for (let index = 0; index < count; index++) {
      const descriptor = ring.at(ring.head + index);
      const pa = Number(memory.read64(descriptor));
      if (!memory.contains(pa, bufferBytes)) {
        this.#break(violation('buffer-outside-ram', memory.read64(descriptor)));
        return;
      }
      pieces.push({ descriptor, pa });
    }
    this.#waiting.shift();
    this.#storing = { bytes, first: ring.head, next: (ring.head + count) % ring.count, bufferBytes, pieces };
    events.emit({
      kind: 'take',
      device: name,
      queue: NET_QUEUE.receive,
      head: ring.head,
      descriptors: count,
      indirect: false,
      readableBytes: 0,
      writableBytes: count * bufferBytes,
      inFlight: 1,
    });
    const { latencyCycles, perByteCycles } = timing.net;
    schedule.after(latencyCycles + perByteCycles * frame.length, this.#target, {});
  }

  #finish(): void {
    const { name, memory, events } = this.#parts;
    const { bytes, first, next, bufferBytes, pieces } = must(this.#storing, `${this.#target} came due without a frame`);
    const controller = this.#parts.controller();
    this.#storing = undefined;
    pieces.forEach(({ descriptor, pa }, index) => {
      const piece = bytes.subarray(index * bufferBytes, (index + 1) * bufferBytes);
      memory.writeBytes(pa, piece);
      memory.write16(descriptor + RX.length, piece.length);
      memory.write16(descriptor + RX.checksum, 0);
      memory.write8(descriptor + RX.errors, 0);
      memory.write16(descriptor + RX.special, 0);
      const end = index === pieces.length - 1 ? RX_STATUS.EOP : 0;
      memory.write8(descriptor + RX.status, DD | RX_STATUS.IXSM | end);
    });
    this.#count(bytes);
    controller.setHead('RDH', next);
    const delivered = controller.raise(ICR.RXT0 | this.#thresholdCause(pieces.length));
    const [device, queue] = [name, NET_QUEUE.receive];
    const writtenBytes = bytes.length;
    events.emit({ kind: 'complete', device, queue, head: first, writtenBytes, usedIndex: next, inFlight: 0 });
    events.emit({ kind: 'used', device, queue, usedIndex: next, delivered });
    this.look(false);
  }

  /** SDM 3.2.7: buffers became few, by RCTL.RDMTS a half, a quarter or an eighth of the ring. */
  #thresholdCause(taken: number): number {
    const controller = this.#parts.controller();
    const look = lookAtRing(this.#parts.memory, controller, 'R');
    if (look.kind !== 'ring') return 0;
    const { count, waiting } = look.ring;
    const threshold = count >> (1 + ((controller.get('RCTL') >>> RCTL.thresholdShift) & 3));
    return waiting <= threshold && waiting + taken > threshold ? ICR.RXDMT0 : 0;
  }

  #count(bytes: Uint8Array): void {
    const controller = this.#parts.controller();
    controller.count('GPRC');
    controller.countOctets('GORC', bytes.length);
    const isGroup = ((bytes[0] ?? 0) & GROUP_BIT) !== 0;
    if (!isGroup) return;
    controller.count(bytes.subarray(0, 6).every((byte) => byte === 0xff) ? 'BPRC' : 'MPRC');
  }

  #bufferBytes(): number {
    const rctl = this.#parts.controller().get('RCTL');
    const size = ((rctl >>> RCTL.sizeShift) & 3) as 0 | 1 | 2 | 3;
    return (rctl & RCTL.BSEX) !== 0 ? LARGE_BUFFER_BYTES[size] : BUFFER_BYTES[size];
  }

  /** The frame and, unless RCTL.SECRC strips it, its FCS. */
  #withFcs(frame: Uint8Array): Uint8Array {
    if ((this.#parts.controller().get('RCTL') & RCTL.SECRC) !== 0) return frame;
    const bytes = new Uint8Array(frame.length + FCS_BYTES);
    bytes.set(frame);
    new DataView(bytes.buffer).setUint32(frame.length, crc32(frame), true);
    return bytes;
  }

  #drop(frame: Uint8Array, reason: DropReason): void {
    const { name, events } = this.#parts;
    events.emit({ kind: 'drop', device: name, queue: NET_QUEUE.receive, lengthBytes: frame.length, reason });
  }

  #break({ what, offending }: RingViolation): void {
    this.#broken = true;
    this.#parts.events.emit({ kind: 'broken', device: this.#parts.name, queue: NET_QUEUE.receive, what, offending });
  }
}
