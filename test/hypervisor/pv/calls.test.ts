/** Calls of the paravirtual interface: what they do, and that a guest which attacks through them is refused and nothing changed. */
import { describe, expect, it } from 'vitest';
import { PTE } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { PAGE } from '../../support/direct-calls.ts';
import { PvGuest } from '../../support/pv-guest.ts';

const CALL = {
  mmuUpdate: 1,
  setCallbacks: 4,
  multicall: 13,
  updateVa: 14,
  version: 17,
  console: 18,
  mmuext: 26,
  sched: 29,
  events: 32,
};
const EVENT = { bindInterdomain: 0, bindVirq: 1, close: 3, send: 4, status: 5, allocUnbound: 6, bindIpi: 7, unmask: 9 };
const MMUEXT = { pinL1: 0, unpin: 4, newBaseptr: 5, clear: 16, copy: 17 };
const READ = PTE.V | PTE.R | PTE.U | PTE.A;
const WRITE = READ | PTE.W | PTE.D;

/** The leaf entry of a page in the initial tables. */
function leafOf(guest: PvGuest, pa: number): number {
  const high = Math.floor(pa / 0x1_0000_0000);
  const place = guest.domain.paging.leafEntryPa(guest.start.root / PAGE, { low: pa >>> 0, high });
  if (place === undefined) throw new Error('a page that is mapped');
  return place;
}

/** All of RAM but the page of arguments. */
function snapshot(guest: PvGuest): Uint8Array {
  const { memory } = guest.machine;
  return memory.readBytes(memory.base + PAGE, memory.sizeBytes - PAGE);
}

/** Asks for one update of a table, from page 0. */
function update(guest: PvGuest, pointer: number | bigint, entry: bigint): string | 0 {
  guest.write64(guest.page(0), pointer, entry);
  return guest.call(CALL.mmuUpdate, guest.page(0), 1);
}

function extended(guest: PvGuest, command: number, first: number | bigint, second: number | bigint = 0): string | 0 {
  guest.write64(guest.page(0), command, first, second);
  return guest.call(CALL.mmuext, guest.page(0), 1);
}

/** Takes the writable mapping of a page away, and makes an empty leaf table of it. */
function makeTable(guest: PvGuest, pa: number): void {
  expect(guest.call(CALL.updateVa, pa, guest.entry(pa, READ), 2)).toBe(0);
  expect(extended(guest, MMUEXT.pinL1, pa)).toBe(0);
}

describe('an attack through a call', () => {
  it.each<[string, string, (guest: PvGuest) => string | 0]>([
    ['maps a page table writable', 'EBUSY', (g) => update(g, leafOf(g, g.page(9)), g.entry(g.start.root, WRITE))],
    ['does so by virtual address', 'EBUSY', (g) => g.call(CALL.updateVa, g.page(9), g.entry(g.start.root, WRITE), 0)],
    ['forges a frame beyond its RAM', 'EPERM', (g) => update(g, leafOf(g, g.page(9)), g.entry(0x1000_0000, READ))],
    ['maps without U', 'EINVAL', (g) => update(g, leafOf(g, g.page(9)), g.entry(g.page(5), READ & ~PTE.U))],
    ['updates an entry outside RAM', 'EPERM', (g) => update(g, 0x1000_0000, 0n)],
    ['updates an entry far outside', 'EPERM', (g) => update(g, 0xffff_ffff_ffff_f000n, 0n)],
    ['names an unknown kind of update', 'EINVAL', (g) => update(g, leafOf(g, g.page(9)) + 1, 0n)],
    ['updates a page that is no table', 'EINVAL', (g) => update(g, g.page(9), g.entry(g.page(5), READ))],
    ['gives a batch outside RAM', 'EFAULT', (g) => g.call(CALL.mmuUpdate, 0x1000, 1)],
    ['gives a batch that ends outside RAM', 'EFAULT', (g) => g.call(CALL.mmuUpdate, g.usableEnd - 16, 2048)],
    ['gives a batch that is not aligned', 'EFAULT', (g) => g.call(CALL.mmuUpdate, g.page(0) + 4, 1)],
    ['gives too long a batch', 'E2BIG', (g) => g.call(CALL.mmuUpdate, g.page(0), 2049)],
    ['gives a batch of all ones', 'E2BIG', (g) => g.call(CALL.mmuUpdate, g.page(0), -1)],
    ['gives too long a multicall', 'E2BIG', (g) => g.call(CALL.multicall, g.page(0), 513)],
    ['pins a page it can write', 'EBUSY', (g) => extended(g, MMUEXT.pinL1, g.page(9))],
    [
      'pins the shared-info page',
      'EBUSY',
      (g) => {
        expect(g.call(CALL.updateVa, g.start.sharedInfo, g.entry(g.start.sharedInfo, READ), 2)).toBe(0);
        const outcome = extended(g, MMUEXT.pinL1, g.start.sharedInfo);
        expect(g.call(CALL.updateVa, g.start.sharedInfo, g.entry(g.start.sharedInfo, WRITE | PTE.X), 2)).toBe(0);
        return outcome;
      },
    ],
    ['loads a page as root', 'EBUSY', (g) => extended(g, MMUEXT.newBaseptr, g.page(9))],
    ['loads a root outside RAM', 'EPERM', (g) => extended(g, MMUEXT.newBaseptr, 0xffff_ffff_ffff_f000n)],
    ['unpins what is not pinned', 'EINVAL', (g) => extended(g, MMUEXT.unpin, g.page(9))],
    ['clears a page table', 'EBUSY', (g) => extended(g, MMUEXT.clear, g.start.root)],
    ['copies over a page table', 'EBUSY', (g) => extended(g, MMUEXT.copy, g.start.root, g.page(9))],
    ['copies from outside RAM', 'EPERM', (g) => extended(g, MMUEXT.copy, g.page(9), 0x1000)],
    [
      'reads the console into a page table',
      'EFAULT',
      (g) => {
        g.input = Uint8Array.of(1, 2, 3);
        return g.call(CALL.console, 1, 8, g.start.root);
      },
    ],
    ['prints what is not its own', 'EFAULT', (g) => g.call(CALL.console, 0, 8, 0x1000)],
    ['has a port written into a page table', 'EFAULT', (g) => g.call(CALL.events, EVENT.bindIpi, g.start.root)],
    ['has a multicall answer in a page table', 'EFAULT', (g) => g.call(CALL.multicall, g.start.root, 1)],
    [
      'sends to a port that is not open',
      'ENOENT',
      (g) => {
        g.write32(g.page(0), 77);
        return g.call(CALL.events, EVENT.send, g.page(0));
      },
    ],
    [
      'unmasks a port beyond all ports',
      'ENOENT',
      (g) => {
        g.write32(g.page(0), 0xffff_ffff);
        return g.call(CALL.events, EVENT.unmask, g.page(0));
      },
    ],
    [
      'binds an event of a vCPU that is none',
      'ENOENT',
      (g) => {
        g.write32(g.page(0), 0, 8, 0);
        return g.call(CALL.events, EVENT.bindVirq, g.page(0));
      },
    ],
    [
      'listens to another domain',
      'EPERM',
      (g) => {
        g.write32(g.page(0), 7, 1, 0);
        return g.call(CALL.events, EVENT.bindInterdomain, g.page(0));
      },
    ],
    ['calls what there is not', 'ENOSYS', (g) => g.call(99)],
    ['calls by a name of the prototype', 'ENOSYS', (g) => g.call(0x1_0000_0001)],
    ['ends the run for no reason', 'EINVAL', (g) => g.call(CALL.sched, 2, 77)],
  ])('that %s gets %s, and changes nothing', (_name, error, attack) => {
    const guest = new PvGuest();
    const before = snapshot(guest);
    expect(attack(guest)).toBe(error);
    expect(Buffer.from(snapshot(guest)).equals(Buffer.from(before))).toBe(true);
    expect(guest.check()).toEqual([]);
    expect(guest.resets).toEqual([]);
    expect(guest.call(CALL.version, 0)).toBe(0);
  });

  it('that pins the page its own multicall stands in is refused, and the batch goes on', () => {
    const guest = new PvGuest();
    const entries = guest.page(4);
    const operations = guest.page(5);
    // Entries: take the writable mapping away, pin the page, ask for the version.
    guest.write64(entries, CALL.updateVa, 0, entries, guest.entry(entries, READ), 2, 0, 0, 0);
    guest.write64(entries + 64, CALL.mmuext, 0, operations, 1, 0, 0, 0, 0);
    guest.write64(entries + 128, CALL.version, 0, 0, 0, 0, 0, 0, 0);
    guest.write64(operations, MMUEXT.pinL1, entries, 0);
    // Words of calls are no valid entries.
    expect(guest.call(CALL.multicall, entries, 3)).toBe(0);
    expect(guest.check()).toEqual([]);
    expect(guest.machine.memory.read64(entries + 128 + 8)).toBe(0x1_0000n);
  });
});

describe('a batch', () => {
  it('stops at the first update that fails, and says how many were done', () => {
    const guest = new PvGuest();
    const [first, second] = [leafOf(guest, guest.page(9)), leafOf(guest, guest.page(10))];
    guest.write64(guest.page(0), first, 0, 0x1000, 0, second, 0);
    expect(guest.call(CALL.mmuUpdate, guest.page(0), 3)).toBe('EPERM');
    expect(guest.value).toBe(1);
    expect(guest.machine.memory.read64(first)).toBe(0n);
    expect(guest.machine.memory.read64(second)).not.toBe(0n);
    expect(guest.check()).toEqual([]);
  });

  it('of calls goes on after one that fails, and takes neither iret nor block nor another', () => {
    const guest = new PvGuest();
    const entries = guest.page(4);
    [23, 29, 13, 17].forEach((op, index) => {
      guest.write64(entries + index * 64, op, 0, op === 29 ? 1 : 0, 0, 0, 0, 0, 0);
    });
    expect(guest.call(CALL.multicall, entries, 4)).toBe(0);
    const results = [0, 1, 2, 3].map((index) =>
      BigInt.asIntN(64, guest.machine.memory.read64(entries + index * 64 + 8)),
    );
    expect(results).toEqual([-22n, -22n, -22n, 0x1_0000n]);
  });
});

describe('tables', () => {
  it('are pinned, changed by request, and given back', () => {
    const guest = new PvGuest();
    const table = guest.page(20);
    makeTable(guest, table);
    expect(guest.use(table)).toBe(1);
    expect(update(guest, table + 8, guest.entry(guest.page(21), WRITE))).toBe(0);
    expect(guest.call(CALL.updateVa, table, guest.entry(table, WRITE), 2)).toBe('EBUSY');
    expect(guest.check()).toEqual([]);
    expect(extended(guest, MMUEXT.unpin, table)).toBe(0);
    expect(guest.call(CALL.updateVa, table, guest.entry(table, WRITE), 2)).toBe(0);
    expect(guest.check()).toEqual([]);
  });

  it('are charged for by the entries that are validated', () => {
    const guest = new PvGuest();
    const empty = guest.page(20);
    const full = guest.page(21);
    for (const table of [empty, full]) expect(guest.call(CALL.updateVa, table, guest.entry(table, READ), 2)).toBe(0);
    for (let index = 0; index < 100; index++) guest.write64(full + index * 8, guest.entry(guest.page(30), READ));
    expect(extended(guest, MMUEXT.pinL1, empty)).toBe(0);
    const { cycles } = guest;
    expect(extended(guest, MMUEXT.pinL1, full)).toBe(0);
    expect(guest.cycles).toBeGreaterThan(cycles);
  });
});

describe('event channels', () => {
  const open = (guest: PvGuest, operation: number, ...words: number[]): number => {
    guest.write32(guest.page(0), ...words, 0);
    expect(guest.call(CALL.events, operation, guest.page(0))).toBe(0);
    return guest.machine.memory.read32(guest.page(0) + words.length * 4);
  };
  const send = (guest: PvGuest, port: number) => {
    guest.write32(guest.page(0), port);
    return guest.call(CALL.events, EVENT.send, guest.page(0));
  };

  it('set the bits of both levels, once', () => {
    const guest = new PvGuest();
    const port = open(guest, EVENT.bindIpi, 0);
    const { memory } = guest.machine;
    const { sharedInfo } = guest.start;
    expect(send(guest, port)).toBe(0);
    expect(memory.read64(sharedInfo + 0x200)).toBe(1n << BigInt(port));
    expect(memory.read64(sharedInfo + 8)).toBe(1n);
    expect(memory.read8(sharedInfo)).toBe(1);
    expect(guest.kicked).toEqual([0]);
    expect(send(guest, port)).toBe(0);
    expect(guest.kicked).toEqual([0]);
  });

  it('keep a masked port to themselves until it is unmasked', () => {
    const guest = new PvGuest();
    const port = open(guest, EVENT.bindIpi, 0);
    guest.write64(guest.start.sharedInfo + 0x400, 1n << BigInt(port));
    expect(send(guest, port)).toBe(0);
    expect(guest.kicked).toEqual([]);
    guest.write32(guest.page(0), port);
    expect(guest.call(CALL.events, EVENT.unmask, guest.page(0))).toBe(0);
    expect(guest.kicked).toEqual([0]);
  });

  it('connect two ports of the guest, and say what a port is', () => {
    const guest = new PvGuest();
    const unbound = open(guest, EVENT.allocUnbound, 0x7ff0, 1);
    const bound = open(guest, EVENT.bindInterdomain, 1, unbound);
    expect(send(guest, bound)).toBe(0);
    expect(guest.machine.memory.read64(guest.start.sharedInfo + 0x200)).toBe(1n << BigInt(unbound));
    guest.write32(guest.page(0), bound);
    expect(guest.call(CALL.events, EVENT.close, guest.page(0))).toBe(0);
    guest.write32(guest.page(0), 1, unbound, 9, 9);
    expect(guest.call(CALL.events, EVENT.status, guest.page(0))).toBe(0);
    expect(guest.machine.memory.read32(guest.page(0) + 8)).toBe(1);
  });

  it('run out, and are found again when closed', () => {
    const guest = new PvGuest();
    for (let port = 1; port <= 4095; port++) expect(open(guest, EVENT.bindIpi, 0)).toBe(port);
    guest.write32(guest.page(0), 0, 0);
    expect(guest.call(CALL.events, EVENT.bindIpi, guest.page(0))).toBe('ENOSPC');
    guest.write32(guest.page(0), 17);
    expect(guest.call(CALL.events, EVENT.close, guest.page(0))).toBe(0);
    expect(open(guest, EVENT.bindIpi, 0)).toBe(17);
  });

  it('bind a virtual interrupt once', () => {
    const guest = new PvGuest();
    open(guest, EVENT.bindVirq, 0, 0);
    guest.write32(guest.page(0), 0, 0, 0);
    expect(guest.call(CALL.events, EVENT.bindVirq, guest.page(0))).toBe('EEXIST');
  });
});
