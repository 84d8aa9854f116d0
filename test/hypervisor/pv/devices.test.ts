/** Grants and rings: what the back ends do for a front end, and what they refuse one that attacks. */
import { describe, expect, it } from 'vitest';
import { PTE } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { PAGE } from '../../support/direct-calls.ts';
import { PvGuest } from '../../support/pv-guest.ts';

const CALL = { updateVa: 14, mmuext: 26, grants: 20, events: 32, devices: 48 };
const SEND = 4;
const BLOCK = 1;
const NETWORK = 2;
const [PERMIT, READONLY] = [1, 4];
const LONG = 10_000_000;
const SLOT_BYTES = 112;

/** Places in RAM: arguments, grant table, ring, second ring, data. */
const PLACE = { arguments: 0, grants: 1, ring: 2, second: 3, data: 4, other: 5 };
const REF = { ring: 8, data: 9, readonly: 10, foreign: 11, table: 12, outside: 13, second: 14, self: 15 };

class FrontEnd extends PvGuest {
  port = 0;
  reqProd = 0;

  constructor() {
    super();
    this.write64(this.page(PLACE.arguments) + 64, this.page(PLACE.grants));
    this.write32(this.page(PLACE.arguments), 1, 0);
    this.write64(this.page(PLACE.arguments) + 8, this.page(PLACE.arguments) + 64);
    expect(this.call(CALL.grants, 2, this.page(PLACE.arguments), 1)).toBe(0);
    expect(this.machine.memory.read32(this.page(PLACE.arguments) + 16)).toBe(0);
    this.grant(REF.ring, this.page(PLACE.ring), PERMIT);
    this.grant(REF.second, this.page(PLACE.second), PERMIT);
    this.grant(REF.data, this.page(PLACE.data), PERMIT);
    this.grant(REF.readonly, this.page(PLACE.data), PERMIT | READONLY);
    this.grant(REF.foreign, this.page(PLACE.data), PERMIT, 7);
    this.grant(REF.table, this.start.root, PERMIT);
    this.grant(REF.outside, 0x1000, PERMIT);
    this.grant(REF.self, this.page(PLACE.data), PERMIT, 1);
  }

  grant(reference: number, pa: number, flags: number, domain = 0): void {
    this.write32(this.page(PLACE.grants) + reference * 8, flags | (domain << 16), pa / PAGE);
  }

  connect(type: number, ring = REF.ring, second = 0): string | 0 {
    this.write32(this.page(PLACE.arguments), type, 0, ring, second, 0, 0);
    const outcome = this.call(CALL.devices, 0, this.page(PLACE.arguments));
    if (outcome === 0) this.port = this.machine.memory.read32(this.page(PLACE.arguments) + 16);
    return outcome;
  }

  disconnect(type: number): string | 0 {
    this.write32(this.page(PLACE.arguments), type, 0);
    return this.call(CALL.devices, 1, this.page(PLACE.arguments));
  }

  /** Publishes the requests that were written, and sends an event. */
  publish(reqProd: number): void {
    this.write32(this.page(PLACE.ring), reqProd);
    this.write32(this.page(PLACE.arguments), this.port);
    expect(this.call(CALL.events, SEND, this.page(PLACE.arguments))).toBe(0);
  }

  /** Writes a block request, with one segment. */
  blockRequest(
    operation: number,
    reference: number,
    sector: number | bigint,
    first = 0,
    last = 7,
    segments = 1,
  ): number {
    const slot = this.page(PLACE.ring) + 64 + (this.reqProd % 32) * SLOT_BYTES;
    this.machine.memory.writeBytes(slot, Uint8Array.of(operation, segments, 0, 0, 0, 0, 0, 0));
    this.write64(slot + 8, 0x1234 + this.reqProd, sector);
    this.write32(slot + 24, reference, first | (last << 8));
    return ++this.reqProd;
  }

  /** Serves a block request and returns its status. */
  block(operation: number, reference: number, sector: number | bigint, first = 0, last = 7, segments = 1): number {
    const place = this.reqProd;
    this.publish(this.blockRequest(operation, reference, sector, first, last, segments));
    this.pass(LONG);
    expect(this.machine.memory.read32(this.page(PLACE.ring) + 8)).toBe(this.reqProd);
    const slot = this.page(PLACE.ring) + 64 + (place % 32) * SLOT_BYTES;
    expect(this.machine.memory.read64(slot)).toBe(BigInt(0x1234 + place));
    return (this.machine.memory.read16(slot + 10) << 16) >> 16;
  }

  kinds(): string[] {
    return this.ringEvents.map(({ kind }) => kind);
  }
}

describe('a disk', () => {
  it('reads, writes and flushes', () => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    const { memory } = guest.machine;
    const data = guest.page(PLACE.data);
    expect(guest.block(0, REF.data, 8)).toBe(0);
    expect(memory.readBytes(data, 4)).toEqual(Uint8Array.of(...[0, 1, 2, 3].map((index) => (4096 + index) % 251)));
    memory.writeBytes(data, new Uint8Array(PAGE).fill(0xaa));
    expect(guest.block(1, REF.readonly, 16, 2, 3)).toBe(0);
    expect(guest.block(0, REF.data, 16)).toBe(0);
    expect(memory.readBytes(data, 1024)).toEqual(new Uint8Array(1024).fill(0xaa));
    expect(memory.read8(data + 1024)).toBe((16 * 512 + 1024) % 251);
    expect(guest.block(3, 0, 0, 0, 0, 0)).toBe(0);
    expect(guest.check()).toEqual([]);
  });

  it('tells of responses when they were asked for, once', () => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    guest.write32(guest.page(PLACE.ring) + 12, 3);
    for (let count = 0; count < 4; count++) guest.blockRequest(0, REF.data, 0);
    guest.publish(guest.reqProd);
    guest.pass(LONG);
    expect(guest.raised).toEqual(['pv-block0']);
    expect(guest.kinds().filter((kind) => kind === 'complete')).toHaveLength(4);
  });

  it.each<[string, number, (guest: FrontEnd) => number]>([
    ['reads into a page that is granted read-only', -1, (g) => g.block(0, REF.readonly, 0)],
    ['reads into a page table', -1, (g) => g.block(0, REF.table, 0)],
    ['reads outside RAM', -1, (g) => g.block(0, REF.outside, 0)],
    ['uses a grant to another domain', -1, (g) => g.block(0, REF.foreign, 0)],
    ['uses a reference that grants nothing', -1, (g) => g.block(0, 77, 0)],
    ['uses a reference beyond the table', -1, (g) => g.block(0, 0xffff_ffff, 0)],
    ['reads past the end', -1, (g) => g.block(0, REF.data, 121)],
    ['reads far past the end', -1, (g) => g.block(0, REF.data, 0xffff_ffff_ffff_fff8n)],
    ['has a segment that ends before it begins', -1, (g) => g.block(0, REF.data, 0, 5, 4)],
    ['has a segment beyond its page', -1, (g) => g.block(0, REF.data, 0, 0, 8)],
    ['has too many segments', -1, (g) => g.block(0, REF.data, 0, 0, 7, 12)],
    ['has none', -1, (g) => g.block(0, REF.data, 0, 0, 7, 0)],
    ['asks for what there is not', -2, (g) => g.block(9, REF.data, 0)],
  ])('gives a request that %s the status %d, and moves nothing', (_name, status, attack) => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    const { memory } = guest.machine;
    const snapshot = () => Buffer.from(memory.readBytes(guest.page(PLACE.data), memory.sizeBytes - PLACE.data * PAGE));
    const before = snapshot();
    expect(attack(guest)).toBe(status);
    expect(snapshot().equals(before)).toBe(true);
    expect(guest.check()).toEqual([]);
    expect(guest.block(0, REF.data, 0)).toBe(0);
  });

  it('does not see what the front end changes after it has taken a request', () => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    guest.publish(guest.blockRequest(0, REF.data, 0));
    const slot = guest.page(PLACE.ring) + 64;
    guest.write32(slot + 24, REF.table);
    guest.write64(slot + 16, 0xffff_ffff);
    guest.pass(LONG);
    expect(guest.machine.memory.read8(guest.page(PLACE.data) + 1)).toBe(1);
    expect(guest.check()).toEqual([]);
  });

  it('looks at grants when it serves: one that was taken back is refused', () => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    guest.publish(guest.blockRequest(0, REF.data, 0));
    guest.grant(REF.data, guest.page(PLACE.data), 0);
    guest.pass(LONG);
    expect((guest.machine.memory.read16(guest.page(PLACE.ring) + 64 + 10) << 16) >> 16).toBe(-1);
  });

  it.each([33, 0x8000_0000, 0xffff_ffff])('breaks at a producer of %d, until it is connected anew', (reqProd) => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    guest.publish(reqProd);
    expect(guest.ringEvents.at(-1)).toMatchObject({
      kind: 'broken',
      what: 'request-index-jump',
      offending: BigInt(reqProd),
    });
    const before = guest.ringEvents.length;
    guest.publish(1);
    guest.pass(LONG);
    expect(guest.ringEvents).toHaveLength(before);
    expect(guest.disconnect(BLOCK)).toBe(0);
    guest.machine.memory.writeBytes(guest.page(PLACE.ring), new Uint8Array(PAGE));
    expect(guest.connect(BLOCK)).toBe(0);
    expect(guest.block(0, REF.data, 0)).toBe(0);
    expect(guest.check()).toEqual([]);
  });
});

describe('connecting', () => {
  it.each([
    ['a device that is not there', 'ENOENT', 9, REF.ring],
    ['by a reference that grants nothing', 'EINVAL', BLOCK, 77],
    ['by a page that is read-only', 'EPERM', BLOCK, REF.readonly],
    ['by a page table', 'EPERM', BLOCK, REF.table],
    ['by a page of somebody else', 'EPERM', BLOCK, REF.outside],
  ])('%s gets %s, and holds nothing', (_name, error, type, ring) => {
    const guest = new FrontEnd();
    expect(guest.connect(type, ring)).toBe(error);
    expect(guest.domain.devices.heldPages).toEqual([]);
    expect(guest.check()).toEqual([]);
  });

  it('takes both rings of a network or none', () => {
    const guest = new FrontEnd();
    expect(guest.connect(NETWORK, REF.ring, REF.table)).toBe('EPERM');
    expect(guest.check()).toEqual([]);
    expect(guest.connect(NETWORK, REF.ring, REF.second)).toBe(0);
    expect(guest.connect(NETWORK, REF.ring, REF.second)).toBe('EEXIST');
    expect(guest.disconnect(NETWORK)).toBe(0);
    expect(guest.disconnect(NETWORK)).toBe('ENOENT');
    expect(guest.check()).toEqual([]);
  });

  it('keeps a ring from becoming a page table', () => {
    const guest = new FrontEnd();
    expect(guest.connect(BLOCK)).toBe(0);
    const ring = guest.page(PLACE.ring);
    guest.machine.memory.writeBytes(ring, new Uint8Array(PAGE));
    expect(guest.call(CALL.updateVa, ring, guest.entry(ring, PTE.V | PTE.R | PTE.U), 2)).toBe(0);
    guest.write64(guest.page(PLACE.arguments), 0, ring, 0);
    expect(guest.call(CALL.mmuext, guest.page(PLACE.arguments), 1)).toBe('EBUSY');
    expect(guest.disconnect(BLOCK)).toBe(0);
    guest.write64(guest.page(PLACE.arguments), 0, ring, 0);
    expect(guest.call(CALL.mmuext, guest.page(PLACE.arguments), 1)).toBe(0);
  });
});

describe('grants', () => {
  const status = (guest: FrontEnd, offset: number) => guest.machine.memory.read32(guest.page(0) + offset) | 0;
  const map = (guest: FrontEnd, va: number, reference: number, domain = 1, flags = 0): number => {
    guest.write64(guest.page(0), va);
    guest.write32(guest.page(0) + 8, flags, reference, domain, 0, 0, 0);
    expect(guest.call(CALL.grants, 0, guest.page(0), 1)).toBe(0);
    return status(guest, 20);
  };
  const unmap = (guest: FrontEnd, va: number, handle: number): number => {
    guest.write64(guest.page(0), va);
    guest.write32(guest.page(0) + 8, handle, 0);
    expect(guest.call(CALL.grants, 1, guest.page(0), 1)).toBe(0);
    return status(guest, 12);
  };

  it('are mapped and unmapped, and shown in use meanwhile', () => {
    const guest = new FrontEnd();
    const va = guest.page(20);
    expect(map(guest, va, REF.self)).toBe(0);
    const handle = guest.machine.memory.read32(guest.page(0) + 24);
    expect(guest.machine.memory.read16(guest.page(PLACE.grants) + REF.self * 8)).toBe(PERMIT | 24);
    expect(guest.check()).toEqual([]);
    expect(unmap(guest, va + PAGE, handle)).toBe(-5);
    expect(unmap(guest, va, handle)).toBe(0);
    expect(unmap(guest, va, handle)).toBe(-4);
    expect(guest.machine.memory.read16(guest.page(PLACE.grants) + REF.self * 8)).toBe(PERMIT);
    expect(guest.check()).toEqual([]);
  });

  it('are not mapped where they are not granted', () => {
    const guest = new FrontEnd();
    expect(map(guest, guest.page(20), REF.self, 0)).toBe(-2);
    expect(map(guest, guest.page(20), REF.data)).toBe(-2);
    expect(map(guest, guest.page(20), 99)).toBe(-3);
    expect(map(guest, 0x1000, REF.self)).toBe(-5);
    guest.grant(REF.self, guest.start.root, PERMIT, 1);
    expect(map(guest, guest.page(20), REF.self)).toBe(-8);
    expect(map(guest, guest.page(20), REF.self, 1, READONLY)).toBe(0);
    expect(guest.check()).toEqual([]);
  });

  it('are copied within a page, never over a page table', () => {
    const guest = new FrontEnd();
    const { memory } = guest.machine;
    const copy = (destination: number, flags: number, offset: number, length: number): number => {
      guest.write64(guest.page(0), REF.self);
      guest.write32(guest.page(0) + 8, 1, 1 << 16);
      guest.write64(guest.page(0) + 16, destination);
      guest.write32(guest.page(0) + 24, 1, offset | (flags << 16), length, 0);
      expect(guest.call(CALL.grants, 5, guest.page(0), 1)).toBe(0);
      return status(guest, 36);
    };
    memory.writeBytes(guest.page(PLACE.data), new Uint8Array(PAGE).fill(7));
    expect(copy(guest.page(PLACE.other) / PAGE, 0, 100, 50)).toBe(0);
    expect(memory.readBytes(guest.page(PLACE.other) + 99, 52)).toEqual(Uint8Array.of(0, ...new Array(50).fill(7), 0));
    expect(copy(guest.start.root / PAGE, 0, 0, 8)).toBe(-8);
    expect(copy(1, 0, 0, 8)).toBe(-1);
    expect(copy(guest.page(PLACE.other) / PAGE, 0, 4095, 2)).toBe(-1);
    expect(guest.check()).toEqual([]);
  });

  it('have one table, which is no page table', () => {
    const guest = new FrontEnd();
    guest.write64(guest.page(0) + 64, guest.page(30));
    guest.write32(guest.page(0), 1, 0);
    guest.write64(guest.page(0) + 8, guest.page(0) + 64);
    expect(guest.call(CALL.grants, 2, guest.page(0), 1)).toBe(0);
    expect(status(guest, 16)).toBe(-1);
    const fresh = new PvGuest();
    fresh.write64(fresh.page(0) + 64, fresh.start.root);
    fresh.write32(fresh.page(0), 1, 0);
    fresh.write64(fresh.page(0) + 8, fresh.page(0) + 64);
    expect(fresh.call(CALL.grants, 2, fresh.page(0), 1)).toBe(0);
    expect(fresh.machine.memory.read32(fresh.page(0) + 16) | 0).toBe(-1);
    expect(fresh.check()).toEqual([]);
  });
});
