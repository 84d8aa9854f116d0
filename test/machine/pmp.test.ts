/** Physical memory protection (Privileged ISA 3.7): modes, priorities, locks, and what walks may read. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PRIVILEGE } from '../../src/machine/machine-types.ts';
import { MachineRig, PAGE, PageTables, RAM, RWX } from '../support/machine-rig.ts';

const R = 1n;
const W = 2n;
const X = 4n;
const TOR = 1n << 3n;
const NA4 = 2n << 3n;
const NAPOT = 3n << 3n;
const L = 0x80n;
const ALL = R | W | X;
const FAULT = { fetchAccess: 1n, loadAccess: 5n, storeAccess: 7n } as const;
const PASSED = 3n;

const DATA = RAM + 0x8000;
const { M, S, U } = PRIVILEGE;

/** `pmpaddr` of a naturally aligned power-of-two range. */
const napot = (base: number, sizeBytes: number) => (BigInt(base) >> 2n) | (BigInt(sizeBytes) / 8n - 1n);
const top = (address: number) => BigInt(address) >> 2n;
const configs = (...list: bigint[]) => list.reduce((sum, config, index) => sum | (config << BigInt(index * 8)), 0n);

describe('PMP', () => {
  const rig = new MachineRig();
  beforeEach(() => rig.machine.memory.writeBytes(DATA, new Uint8Array(2 * PAGE)));

  /** Cause that an instruction on `s0` ends with, under CSRs that are set after all memory has been opened. */
  const cause = (source: string, privilege: 0 | 1 | 3, csrs: Record<string, bigint>, s0 = DATA) => {
    rig.load(`${source}; ebreak`);
    // The halting handler stays outside of every locked range: it is in the last page of RAM.
    rig.start({ privilege, csrs });
    rig.setX('s0', s0);
    return rig.runToTrap().cause;
  };
  const LOAD = 'ld a0, 0(s0)';
  const STORE = 'sd a0, 0(s0)';
  const FETCH = 'jalr ra, 0(s0)';
  /** Entry 0 as given, entry 1 lets everything pass. */
  const first = (config: bigint, address: bigint) => ({
    pmpaddr0: address,
    pmpaddr1: (1n << 54n) - 1n,
    pmpcfg0: configs(config, NAPOT | ALL),
  });

  it('lets nothing through to S and U where no entry matches, and everything to M', () => {
    for (const privilege of [S, U]) {
      const closed = { pmpcfg0: 0n };
      // Not even the first fetch.
      expect(cause(LOAD, privilege, closed)).toBe(FAULT.fetchAccess);
    }
    expect(cause(LOAD, M, { pmpcfg0: 0n })).toBe(PASSED);
  });

  it.each([
    [R, PASSED, FAULT.storeAccess, FAULT.fetchAccess],
    [R | W, PASSED, PASSED, FAULT.fetchAccess],
    [X, FAULT.loadAccess, FAULT.storeAccess, 2n],
    [0n, FAULT.loadAccess, FAULT.storeAccess, FAULT.fetchAccess],
    [ALL, PASSED, PASSED, 2n],
  ])('gives S and U the rights of the entry: %i', (rights, load, store, fetch) => {
    for (const privilege of [S, U]) {
      const csrs = first(NAPOT | rights, napot(DATA, PAGE));
      expect(cause(LOAD, privilege, csrs)).toBe(load);
      expect(cause(STORE, privilege, csrs)).toBe(store);
      expect(cause(FETCH, privilege, csrs)).toBe(fetch);
      // M is bound by locked entries alone.
      expect(cause(LOAD, M, csrs)).toBe(PASSED);
    }
  });

  it('reports the address of the access', () => {
    rig.load('ld a0, 8(s0)');
    rig.start({ privilege: S, csrs: first(NAPOT, napot(DATA, PAGE)) });
    rig.setX('s0', DATA);
    expect(rig.runToTrap()).toMatchObject({ cause: FAULT.loadAccess, tval: BigInt(DATA + 8) });
  });

  it('matches naturally aligned ranges exactly', () => {
    const csrs = first(NAPOT, napot(DATA, 4 * PAGE));
    expect(cause(LOAD, S, csrs, DATA - 8)).toBe(PASSED);
    expect(cause(LOAD, S, csrs, DATA)).toBe(FAULT.loadAccess);
    expect(cause(LOAD, S, csrs, DATA + 4 * PAGE - 8)).toBe(FAULT.loadAccess);
    expect(cause(LOAD, S, csrs, DATA + 4 * PAGE)).toBe(PASSED);
    // An access that only ends inside.
    expect(cause(LOAD, S, csrs, DATA - 4)).toBe(FAULT.loadAccess);
  });

  it('matches ranges up to a top, from the entry below or from 0', () => {
    const csrs = {
      pmpaddr0: top(DATA),
      pmpaddr1: top(DATA + 2 * PAGE),
      pmpaddr2: (1n << 54n) - 1n,
      pmpcfg0: configs(0n, TOR | R, NAPOT | ALL),
    };
    expect(cause(STORE, S, csrs, DATA - 8)).toBe(PASSED);
    expect(cause(STORE, S, csrs, DATA)).toBe(FAULT.storeAccess);
    expect(cause(LOAD, S, csrs, DATA + 2 * PAGE - 8)).toBe(PASSED);
    expect(cause(STORE, S, csrs, DATA + 2 * PAGE - 8)).toBe(FAULT.storeAccess);
    expect(cause(STORE, S, csrs, DATA + 2 * PAGE)).toBe(PASSED);
    // From 0; an empty range matches nothing.
    const low = { pmpaddr0: top(DATA), pmpaddr1: top(RAM), pmpcfg0: configs(TOR | ALL, TOR | ALL) };
    expect(cause(LOAD, S, low, DATA - 8)).toBe(PASSED);
    expect(cause(LOAD, S, low, DATA)).toBe(FAULT.loadAccess);
  });

  it('lets the lowest entry that matches decide', () => {
    const csrs = {
      pmpaddr0: napot(DATA, PAGE),
      pmpaddr1: napot(DATA, 2 * PAGE),
      pmpaddr2: (1n << 54n) - 1n,
      pmpcfg0: configs(NAPOT | R | W, NAPOT | R, NAPOT | ALL),
    };
    expect(cause(STORE, S, csrs, DATA)).toBe(PASSED);
    expect(cause(STORE, S, csrs, DATA + PAGE)).toBe(FAULT.storeAccess);
  });

  it('binds M by locked entries, and keeps them', () => {
    const csrs = first(NAPOT | R | L, napot(DATA, PAGE));
    expect(cause(LOAD, M, csrs)).toBe(PASSED);
    expect(cause(STORE, M, csrs)).toBe(FAULT.storeAccess);
    expect(cause(FETCH, M, csrs)).toBe(FAULT.fetchAccess);
    const { hart } = rig;
    const address = hart.csr('pmpaddr0');
    hart.setCsr('pmpaddr0', 0n);
    hart.setCsr('pmpcfg0', 0n);
    expect(hart.csr('pmpaddr0')).toBe(address);
    expect(hart.csr('pmpcfg0')).toBe(NAPOT | R | L);
    expect(cause('csrrw zero, pmpcfg0, zero; csrrw zero, pmpaddr0, zero; sd a0, 0(s0)', M, csrs)).toBe(
      FAULT.storeAccess,
    );
  });

  it('locks the address below a locked range with a top', () => {
    const { hart } = rig;
    rig.start({ csrs: { pmpaddr2: top(DATA), pmpaddr3: top(DATA + PAGE), pmpcfg0: configs(0n, 0n, 0n, TOR | L) } });
    hart.setCsr('pmpaddr2', 0n);
    expect(hart.csr('pmpaddr2')).toBe(top(DATA));
    rig.start();
    expect(hart.csr('pmpcfg0')).toBe(0n);
    expect(hart.csr('pmpaddr2')).toBe(0n);
  });

  it('takes only legal configurations: no NA4 at this granularity, no W without R', () => {
    rig.start();
    const { hart } = rig;
    hart.setCsr('pmpcfg0', configs(NA4 | ALL, NAPOT | W, TOR | W | X, 0x60n));
    expect(hart.csr('pmpcfg0')).toBe(configs(ALL, NAPOT, TOR | X, 0n));
    hart.setCsr('pmpcfg2', configs(0n, ALL));
    expect(hart.csr('pmpcfg2')).toBe(configs(0n, ALL));
  });

  it('shows its granularity in the addresses', () => {
    rig.start();
    const { hart } = rig;
    for (const entry of [0, 7, 8, 15]) {
      const name = `pmpaddr${entry}`;
      hart.setCsr(name, 2n ** 64n - 1n);
      expect(hart.csr(name)).toBe((1n << 54n) - 1n - 0x3ffn);
      const config = entry < 8 ? 'pmpcfg0' : 'pmpcfg2';
      hart.setCsr(config, NAPOT << BigInt((entry & 7) * 8));
      hart.setCsr(name, 0n);
      expect(hart.csr(name)).toBe(0x1ffn);
      hart.setCsr(config, TOR << BigInt((entry & 7) * 8));
      expect(hart.csr(name)).toBe(0n);
    }
  });

  it('takes effect at the next instruction', () => {
    const source = 'ld a0, 0(s0); csrrw zero, pmpcfg0, a1; ld a0, 0(s0)';
    rig.load(source);
    rig.start({ csrs: { pmpaddr0: napot(DATA, PAGE) } });
    rig.setX('s0', DATA);
    rig.setX('a1', NAPOT | L);
    expect(rig.runToTrap()).toMatchObject({ cause: FAULT.loadAccess, epc: BigInt(RAM + 8) });
    rig.load('csrrw zero, pmpcfg0, a1; csrrs a0, pmpcfg0, zero; csrrs a2, pmpaddr0, zero; ebreak');
    rig.start({ csrs: { pmpaddr0: napot(DATA, PAGE) } });
    rig.setX('a1', NAPOT | R);
    expect(rig.runToTrap().cause).toBe(PASSED);
    expect([rig.x('a0'), rig.x('a2')]).toEqual([NAPOT | R, napot(DATA, PAGE)]);
  });

  it('holds for page walks: reads need R, marking needs W', () => {
    const tables = new PageTables(rig);
    const table = RAM + 0x10_0000;
    const va = 0x4000_0000;
    tables.identity(RAM, RAM + PAGE, RWX);
    tables.map(va, DATA, RWX & ~0xc0);
    const paged = (rights: bigint) => {
      tables.map(va, DATA, RWX & ~0xc0);
      return { ...first(NAPOT | rights, napot(table, 16 * PAGE)), satp: tables.satp };
    };
    expect(cause(LOAD, S, paged(R | W), va)).toBe(PASSED);
    expect(cause(LOAD, S, paged(R), va)).toBe(FAULT.loadAccess);
    expect(cause(STORE, S, paged(R), va)).toBe(FAULT.storeAccess);
    expect(cause(LOAD, S, paged(0n), va)).toBe(FAULT.fetchAccess);
  });

  it('holds for what a translation leads to', () => {
    const tables = new PageTables(rig);
    tables.identity(RAM, RAM + PAGE, RWX);
    tables.map(0x4000_0000, DATA, RWX);
    const csrs = { ...first(NAPOT | R, napot(DATA, PAGE)), satp: tables.satp };
    expect(cause(LOAD, S, csrs, 0x4000_0000)).toBe(PASSED);
    expect(cause(STORE, S, csrs, 0x4000_0000)).toBe(FAULT.storeAccess);
    expect(cause('ld a0, 0(s0); sd a0, 0(s0)', S, csrs, 0x4000_0000)).toBe(FAULT.storeAccess);
  });
});
