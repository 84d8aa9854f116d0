/**
 * The transmit side of an e1000 (SDM 3.3, 3.4): one packet at a time from its ring to the wire. Descriptors are read once, when the packet is
 * taken; data is read when it leaves. Legacy descriptors only: a packet with extended ones is lost, with an event.
 */

import { must } from '../../assert.ts';
import { crc32 } from '../../crc32.ts';
import { DD, ICR, TCTL, TX, TX_COMMAND } from '../../machine/devices/e1000/e1000-registers.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { RingViolation } from '../rings/ring-model.ts';
import { type DescriptorRing, type E1000Parts, lookAtRing } from './e1000-ring.ts';
import { type DropReason, FRAME_BYTES_MAX, FRAME_BYTES_MIN, FRAME_BYTES_PADDED, NET_QUEUE } from './net-wire.ts';

/** Descriptors of one packet; one that has more is lost. */
const DESCRIPTORS_MAX = 64;
const FCS_BYTES = 4;
/** Descriptor type of an extended descriptor (SDM 3.3.4): 0 is a context, which carries no data. */
const TYPE_OFFSET = 10;

/** A packet that is on its way out. Plain data. */
type Packet = {
  /** Index of its first descriptor, and of the one after its last. */
  readonly first: number;
  readonly next: number;
  readonly descriptors: number;
  readonly buffers: readonly { readonly pa: number; readonly lengthBytes: number }[];
  readonly lengthBytes: number;
  /** Descriptors that want their status written, by address. */
  readonly reports: readonly number[];
  readonly insertsFcs: boolean;
  /** Why it will be lost; empty if it will not. */
  readonly lost: DropReason | '';
  /** A context alone: there is nothing to send. */
  readonly isContext: boolean;
};

export class E1000Transmitter {
  readonly #parts: E1000Parts;
  readonly #target: string;
  #packet: Packet | undefined;
  #broken = false;

  constructor(parts: E1000Parts) {
    this.#parts = parts;
    this.#target = `${parts.name}.q${NET_QUEUE.transmit}`;
    parts.schedule.register(this.#target, () => this.#finish());
  }

  /** @param doorbell whether the tail was written */
  look(doorbell: boolean): void {
    const { name, memory, schedule, events, timing } = this.#parts;
    if (this.#broken) return;
    const controller = this.#parts.controller();
    const look = lookAtRing(memory, controller, 'T');
    if (look.kind === 'none') return;
    if (look.kind === 'violation') {
      this.#break(look.violation);
      return;
    }
    const { ring } = look;
    if (doorbell) {
      const { tail: availIndex, waiting } = ring;
      events.emit({ kind: 'notify', device: name, queue: NET_QUEUE.transmit, availIndex, waiting });
    }
    if (this.#packet !== undefined || (controller.get('TCTL') & TCTL.EN) === 0) return;
    const taken = this.#take(ring);
    if (taken === undefined) return;
    if ('what' in taken) {
      this.#break(taken);
      return;
    }
    this.#packet = taken;
    events.emit({
      kind: 'take',
      device: name,
      queue: NET_QUEUE.transmit,
      head: taken.first,
      descriptors: taken.descriptors,
      indirect: false,
      readableBytes: taken.lengthBytes,
      writableBytes: 0,
      inFlight: 1,
    });
    const { latencyCycles, perByteCycles } = timing.net;
    schedule.after(latencyCycles + perByteCycles * Math.min(taken.lengthBytes, FRAME_BYTES_MAX), this.#target, {});
  }

  reset(): void {
    this.#packet = undefined;
    this.#broken = false;
    this.#parts.schedule.cancel(this.#target);
  }

  writeState(sink: StateSink): void {
    sink.value('broken', this.#broken);
    sink.value('packet', this.#packet === undefined ? {} : { ...this.#packet });
  }

  /** The packet at the head, once its last descriptor is there. */
  #take(ring: DescriptorRing): Packet | RingViolation | undefined {
    const { memory } = this.#parts;
    const buffers: { pa: number; lengthBytes: number }[] = [];
    const reports: number[] = [];
    let lengthBytes = 0;
    let extended = false;
    for (let count = 1; count <= ring.waiting; count++) {
      const at = ring.at(ring.head + count - 1);
      const command = memory.read8(at + TX.command);
      if ((command & TX_COMMAND.RS) !== 0) reports.push(at + TX.status);
      const isExtended = (command & TX_COMMAND.DEXT) !== 0;
      const isContext = isExtended && memory.read8(at + TYPE_OFFSET) >> 4 === 0;
      extended ||= isExtended;
      if (!isExtended) {
        const buffer = { pa: Number(memory.read64(at)), lengthBytes: memory.read16(at + TX.length) };
        if (!memory.contains(buffer.pa, buffer.lengthBytes)) return violation('buffer-outside-ram', memory.read64(at));
        buffers.push(buffer);
        lengthBytes += buffer.lengthBytes;
      }
      // The bit of EOP means another thing in a context, which stands between packets.
      const ends = isContext ? count === 1 : (command & TX_COMMAND.EOP) !== 0;
      if (!ends && count < DESCRIPTORS_MAX) continue;
      const insertsFcs = (command & TX_COMMAND.IFCS) !== 0;
      const fault = ends ? lengthFault(insertsFcs ? lengthBytes : lengthBytes - FCS_BYTES) : 'too-long';
      return {
        first: ring.head,
        next: (ring.head + count) % ring.count,
        descriptors: count,
        buffers,
        lengthBytes,
        reports,
        insertsFcs,
        lost: extended ? 'unsupported-descriptor' : fault,
        isContext: isContext && ends,
      };
    }
    return undefined;
  }

  /** The packet has left, or was lost: descriptors go back to the driver. */
  #finish(): void {
    const { name, memory, events, wire } = this.#parts;
    const packet = must(this.#packet, `${this.#target} came due without a packet`);
    const controller = this.#parts.controller();
    this.#packet = undefined;
    const frame = packet.lost === '' ? this.#gather(packet) : undefined;
    const lost = frame === undefined ? packet.lost || 'bad-fcs' : '';
    for (const status of packet.reports) memory.write8(status, memory.read8(status) | DD);
    controller.setHead('TDH', packet.next);
    const isEmpty = packet.next === controller.get('TDT');
    const delivered = controller.raise((packet.reports.length > 0 ? ICR.TXDW : 0) | (isEmpty ? ICR.TXQE : 0));
    const [device, queue] = [name, NET_QUEUE.transmit];
    if (lost !== '' && !packet.isContext) {
      events.emit({ kind: 'drop', device, queue, lengthBytes: packet.lengthBytes, reason: lost });
    }
    events.emit({
      kind: 'complete',
      device,
      queue,
      head: packet.first,
      writtenBytes: 0,
      usedIndex: packet.next,
      inFlight: 0,
    });
    events.emit({ kind: 'used', device, queue, usedIndex: packet.next, delivered });
    if (frame !== undefined) {
      controller.count('GPTC');
      controller.count('TPT');
      controller.countOctets('GOTC', frame.length + FCS_BYTES);
      wire.send(frame);
    }
    this.look(false);
  }

  /** The frame as it goes over the wire, without FCS; undefined if the driver gave one that is wrong. */
  #gather({ buffers, lengthBytes, insertsFcs }: Packet): Uint8Array | undefined {
    const bytes = new Uint8Array(lengthBytes);
    let at = 0;
    for (const buffer of buffers) {
      bytes.set(this.#parts.memory.readBytes(buffer.pa, buffer.lengthBytes), at);
      at += buffer.lengthBytes;
    }
    if (!insertsFcs) {
      const end = lengthBytes - FCS_BYTES;
      const fcs = new DataView(bytes.buffer).getUint32(end, true);
      return fcs === crc32(bytes, 0, 0, end) ? bytes.subarray(0, end) : undefined;
    }
    const pads = (this.#parts.controller().get('TCTL') & TCTL.PSP) !== 0 && lengthBytes < FRAME_BYTES_PADDED;
    if (!pads) return bytes;
    const padded = new Uint8Array(FRAME_BYTES_PADDED);
    padded.set(bytes);
    return padded;
  }

  #break({ what, offending }: RingViolation): void {
    this.#broken = true;
    this.#parts.events.emit({ kind: 'broken', device: this.#parts.name, queue: NET_QUEUE.transmit, what, offending });
  }
}

function lengthFault(lengthBytes: number): DropReason | '' {
  if (lengthBytes > FRAME_BYTES_MAX) return 'too-long';
  return lengthBytes < FRAME_BYTES_MIN ? 'too-short' : '';
}
