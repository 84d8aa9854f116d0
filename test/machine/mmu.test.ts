/** Address translation and protection: which accesses pass, and what the faults say (Privileged ISA 12.3 to 12.6, 3.1.6.3). */
import { beforeEach, describe, expect, it } from 'vitest';
import { PRIVILEGE, type Privilege } from '../../src/machine/machine-types.ts';
import {
  MachineRig,
  PAGE,
  PageTables,
  type PagingName,
  PTE,
  RAM,
  type RigOptions,
  RWX,
  USER_RWX,
} from '../support/machine-rig.ts';

const DATA = 0x4000_0000;
const DATA_PA = RAM + 0x8000;
const FAULT = {
  fetchAccess: 1n,
  loadAccess: 5n,
  storeAccess: 7n,
  fetchPage: 12n,
  loadPage: 13n,
  storePage: 15n,
} as const;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const PASSED = 3n;

const LOAD = 'ld a0, 0(s0); ebreak';
const STORE = 'sd a0, 0(s0); ebreak';
const FETCH = 'jalr ra, 0(s0)';
const ACCESSES = { load: LOAD, store: STORE, fetch: FETCH } as const;
type AccessName = keyof typeof ACCESSES;

class Paged {
  readonly rig: MachineRig;
  tables: PageTables;
  readonly #paging: PagingName;

  constructor(options: RigOptions = {}, paging: PagingName = 'sv39') {
    this.#paging = paging;
    this.rig = new MachineRig(options);
    this.tables = new PageTables(this.rig, paging);
  }

  /** Fresh tables with code for the privilege, and an `ebreak` in the data page for fetches. */
  reset(): void {
    this.tables = new PageTables(this.rig, this.#paging);
    this.rig.load('ebreak', DATA_PA);
  }

  run(source: string, privilege: Privilege, registers: { s0?: bigint | number } = {}, mstatus = 0n) {
    this.tables.identity(RAM, RAM + 2 * PAGE, privilege === PRIVILEGE.U ? USER_RWX : RWX);
    this.rig.load(source);
    this.rig.start({ privilege, csrs: { satp: this.tables.satp, mstatus } });
    this.rig.setX('s0', registers.s0 ?? DATA);
    return this.rig.runToTrap();
  }

  /** The cause that an access to DATA with these PTE flags ends with: PASSED if it goes through. */
  access(name: AccessName, flags: number, privilege: Privilege, mstatus = 0n): bigint {
    this.tables.map(DATA, DATA_PA, flags);
    const { cause, tval } = this.run(ACCESSES[name], privilege, {}, mstatus);
    if (cause !== PASSED) expect(tval).toBe(BigInt(DATA));
    return cause;
  }
}

const AD = PTE.V | PTE.A | PTE.D;

describe('page permissions', () => {
  const paged = new Paged();
  beforeEach(() => paged.reset());

  const { S, U } = PRIVILEGE;
  it.each([
    ['load', AD | PTE.R, S, PASSED],
    ['store', AD | PTE.R, S, FAULT.storePage],
    ['fetch', AD | PTE.R, S, FAULT.fetchPage],
    ['store', AD | PTE.R | PTE.W, S, PASSED],
    ['fetch', AD | PTE.X, S, PASSED],
    ['load', AD | PTE.X, S, FAULT.loadPage],
    ['load', AD | PTE.R | PTE.U, S, FAULT.loadPage],
    ['fetch', USER_RWX, S, FAULT.fetchPage],
    ['load', RWX, U, FAULT.loadPage],
    ['store', RWX, U, FAULT.storePage],
    ['fetch', RWX, U, FAULT.fetchPage],
    ['load', USER_RWX, U, PASSED],
    ['store', USER_RWX, U, PASSED],
    ['fetch', USER_RWX, U, PASSED],
    ['load', RWX & ~PTE.V, S, FAULT.loadPage],
    ['load', AD | PTE.W, S, FAULT.loadPage],
    ['store', AD | PTE.W | PTE.X, S, FAULT.storePage],
    ['load', AD, S, FAULT.loadPage],
  ] as const)('%s with flags 0x%s from mode %i ends with %i', (name, flags, privilege, cause) => {
    expect(paged.access(name, flags, privilege)).toBe(cause);
  });

  it('give S user pages with SUM, but never for fetches', () => {
    expect(paged.access('load', USER_RWX, S, SUM)).toBe(PASSED);
    expect(paged.access('store', USER_RWX, S, SUM)).toBe(PASSED);
    expect(paged.access('fetch', USER_RWX, S, SUM)).toBe(FAULT.fetchPage);
    expect(paged.access('store', USER_RWX & ~PTE.W, S, SUM)).toBe(FAULT.storePage);
    // SUM is nothing to U.
    expect(paged.access('load', RWX, U, SUM)).toBe(FAULT.loadPage);
  });

  it('let executable pages be read with MXR, not written', () => {
    expect(paged.access('load', AD | PTE.X, S, MXR)).toBe(PASSED);
    expect(paged.access('load', AD | PTE.X | PTE.U, U, MXR)).toBe(PASSED);
    expect(paged.access('store', AD | PTE.X, S, MXR)).toBe(FAULT.storePage);
    expect(paged.access('load', AD | PTE.X | PTE.U, S, MXR)).toBe(FAULT.loadPage);
    expect(paged.access('load', AD | PTE.X | PTE.U, S, MXR | SUM)).toBe(PASSED);
  });

  it('are those of MPP for loads and stores of M with MPRV', () => {
    const mprv = 1n << 17n;
    const as = (mpp: bigint) => mprv | (mpp << 11n);
    const { M } = PRIVILEGE;
    paged.tables.map(DATA, DATA_PA, RWX);
    const code = (access: string) => `csrrs zero, mstatus, s1; ${access}`;
    const cause = (access: string, mstatus: bigint) => {
      paged.rig.load(code(access));
      paged.rig.start({ privilege: M, csrs: { satp: paged.tables.satp } });
      paged.rig.openMemory();
      paged.rig.setX('s0', DATA);
      paged.rig.setX('s1', mstatus);
      return paged.rig.runToTrap().cause;
    };
    expect(cause(LOAD, as(1n))).toBe(PASSED);
    expect(cause(LOAD, as(0n))).toBe(FAULT.loadPage);
    expect(cause(STORE, as(1n))).toBe(PASSED);
    // As M, the address is physical, where nothing answers.
    expect(cause(LOAD, as(3n))).toBe(FAULT.loadAccess);
    expect(cause(STORE, as(3n))).toBe(FAULT.storeAccess);
    // Fetches are not touched: the code runs at its physical address all the while.
    paged.tables.map(DATA, DATA_PA, USER_RWX);
    expect(cause(LOAD, as(1n))).toBe(FAULT.loadPage);
    expect(cause(LOAD, as(1n) | SUM)).toBe(PASSED);
  });

  it('make atomics fault as stores, and LR as loads', () => {
    paged.tables.map(DATA, DATA_PA, AD | PTE.R);
    expect(paged.run('amoadd.d a0, a1, (s0)', S).cause).toBe(FAULT.storePage);
    expect(paged.run('sc.d a0, a1, (s0)', S).cause).toBe(FAULT.storePage);
    expect(paged.run('lr.d a0, zero, (s0); ebreak', S).cause).toBe(PASSED);
    paged.tables.map(DATA, DATA_PA, AD | PTE.X);
    expect(paged.run('lr.d a0, zero, (s0); ebreak', S).cause).toBe(FAULT.loadPage);
  });
});

describe('page-table entries', () => {
  const paged = new Paged();
  beforeEach(() => paged.reset());
  const { S } = PRIVILEGE;

  it.each([54n, 55n, 60n, 61n, 62n, 63n])('with reserved bit %i fault', (bit) => {
    paged.tables.map(DATA, DATA_PA, RWX);
    const at = paged.tables.entryAddress(DATA);
    paged.rig.machine.memory.write64(at, paged.rig.machine.memory.read64(at) | (1n << bit));
    expect(paged.run(LOAD, S).cause).toBe(FAULT.loadPage);
  });

  it.each([PTE.A, PTE.D, PTE.U])('that point on fault with flag %i', (flag) => {
    paged.tables.map(DATA, DATA_PA, RWX);
    const at = paged.tables.entryAddress(DATA, 1);
    paged.rig.machine.memory.write64(at, paged.rig.machine.memory.read64(at) | BigInt(flag));
    expect(paged.run(LOAD, S).cause).toBe(FAULT.loadPage);
  });

  it('that point on at the last level fault', () => {
    paged.tables.map(DATA, DATA_PA, PTE.V);
    expect(paged.run(LOAD, S).cause).toBe(FAULT.loadPage);
  });

  it('may carry software bits and G', () => {
    paged.tables.map(DATA, DATA_PA, RWX | PTE.G | 0x300);
    expect(paged.run(LOAD, S).cause).toBe(PASSED);
  });

  it.each([1, 2])('of a superpage of level %i must be aligned', (level) => {
    const size = PAGE * 512 ** level;
    const base = Math.floor(RAM / size) * size;
    const at = -2n * BigInt(size);
    const s0 = at + BigInt(DATA_PA - base);
    paged.tables.map(at, base, RWX, level);
    expect(paged.run(LOAD, S, { s0 }).cause).toBe(PASSED);
    paged.tables.map(at, base + PAGE, RWX, level);
    expect(paged.run(LOAD, S, { s0 })).toMatchObject({ cause: FAULT.loadPage, tval: BigInt.asUintN(64, s0) });
  });

  it('that lie where no RAM is give access faults of the access', () => {
    const root = paged.tables.entryAddress(DATA, 2);
    paged.rig.machine.memory.write64(root, (BigInt(0x1000_0000 / PAGE) << 10n) | 1n);
    expect(paged.run(LOAD, S)).toMatchObject({ cause: FAULT.loadAccess, tval: BigInt(DATA) });
    expect(paged.run(STORE, S)).toMatchObject({ cause: FAULT.storeAccess, tval: BigInt(DATA) });
    expect(paged.run(FETCH, S)).toMatchObject({ cause: FAULT.fetchAccess, tval: BigInt(DATA), epc: BigInt(DATA) });
    // The highest physical address that a PTE can hold.
    paged.rig.machine.memory.write64(root, (((1n << 44n) - 1n) << 10n) | 1n);
    expect(paged.run(LOAD, S).cause).toBe(FAULT.loadAccess);
  });

  it('that map addresses where nothing is give access faults', () => {
    paged.tables.map(DATA, 0x3000_0000, RWX);
    expect(paged.run(LOAD, S)).toMatchObject({ cause: FAULT.loadAccess, tval: BigInt(DATA) });
    expect(paged.run(FETCH, S)).toMatchObject({ cause: FAULT.fetchAccess, tval: BigInt(DATA) });
    for (const page of [(1n << 44n) - 1n, 1n << 28n, 1n << 20n]) {
      paged.rig.machine.memory.write64(paged.tables.entryAddress(DATA), (page << 10n) | BigInt(RWX));
      expect(paged.run(LOAD, S).cause).toBe(FAULT.loadAccess);
      expect(paged.run(STORE, S).cause).toBe(FAULT.storeAccess);
      expect(paged.run(FETCH, S).cause).toBe(FAULT.fetchAccess);
    }
  });
});

describe.each([
  ['sv39', 39n],
  ['sv48', 48n],
  ['sv57', 57n],
] as const)('%s', (paging, bits) => {
  const paged = new Paged({}, paging);
  beforeEach(() => paged.reset());
  const { S } = PRIVILEGE;

  it('translates both halves of its address space', () => {
    const low = (1n << (bits - 1n)) - BigInt(PAGE);
    const high = -(1n << (bits - 1n));
    paged.tables.map(low, DATA_PA, RWX);
    paged.tables.map(high, DATA_PA, RWX);
    paged.rig.machine.memory.write64(DATA_PA + 8, 0x1234n);
    for (const s0 of [low, high]) {
      expect(paged.run('ld a0, 8(s0); ebreak', S, { s0 }).cause).toBe(PASSED);
      expect(paged.rig.x('a0')).toBe(0x1234n);
    }
  });

  it('faults on addresses that are not canonical', () => {
    for (const s0 of [1n << (bits - 1n), -(1n << (bits - 1n)) - 8n, 1n << 63n, 1n << bits]) {
      const tval = BigInt.asUintN(64, s0);
      expect(paged.run(LOAD, S, { s0 })).toMatchObject({ cause: FAULT.loadPage, tval });
      expect(paged.run(STORE, S, { s0 })).toMatchObject({ cause: FAULT.storePage, tval });
      expect(paged.run(FETCH, S, { s0 })).toMatchObject({ cause: FAULT.fetchPage, tval, epc: tval });
    }
  });

  it('executes and stores through its mapping', () => {
    const va = -(1n << (bits - 2n));
    paged.tables.map(va, DATA_PA, RWX);
    paged.rig.load('addi a0, a0, 5; sd a0, 64(s0); ebreak', DATA_PA);
    expect(paged.run(FETCH, S, { s0: va })).toMatchObject({ cause: PASSED, epc: BigInt.asUintN(64, va + 8n) });
    expect(paged.rig.machine.memory.read64(DATA_PA + 64)).toBe(5n);
  });
});

describe('accessed and dirty', () => {
  const { S } = PRIVILEGE;
  const flagsAt = (paged: Paged) => Number(paged.rig.machine.memory.read64(paged.tables.entryAddress(DATA)) & 0xffn);

  it('are set by the walk where the machine does so, and only for what is allowed', () => {
    const paged = new Paged({ adUpdate: 'hardware' });
    paged.reset();
    const bare = PTE.V | PTE.R | PTE.W | PTE.X;
    for (const [name, expected] of [
      ['load', PTE.A],
      ['fetch', PTE.A],
      ['store', PTE.A | PTE.D],
    ] as const) {
      expect(paged.access(name, bare, S)).toBe(PASSED);
      expect(flagsAt(paged)).toBe(bare | expected);
    }
    expect(paged.access('store', PTE.V | PTE.R, S)).toBe(FAULT.storePage);
    expect(flagsAt(paged)).toBe(PTE.V | PTE.R);
  });

  it('are left to page faults where the machine does not', () => {
    const paged = new Paged({ adUpdate: 'fault' });
    paged.reset();
    const bare = PTE.V | PTE.R | PTE.W | PTE.X;
    expect(paged.access('load', bare, S)).toBe(FAULT.loadPage);
    expect(paged.access('fetch', bare, S)).toBe(FAULT.fetchPage);
    expect(paged.access('store', bare, S)).toBe(FAULT.storePage);
    expect(paged.access('load', bare | PTE.A, S)).toBe(PASSED);
    expect(paged.access('store', bare | PTE.A, S)).toBe(FAULT.storePage);
    expect(flagsAt(paged)).toBe(bare | PTE.A);
    // A page that a load has brought into the TLB is not writable by that.
    paged.tables.map(DATA, DATA_PA, bare | PTE.A);
    expect(paged.run('ld a0, 0(s0); sd a0, 0(s0)', S).cause).toBe(FAULT.storePage);
  });

  it('that the walk sets change the digest of memory', () => {
    const paged = new Paged();
    paged.reset();
    paged.tables.map(DATA, DATA_PA, RWX & ~PTE.A);
    paged.tables.identity(RAM, RAM + 2 * PAGE, RWX);
    paged.rig.load(LOAD);
    paged.rig.start({ privilege: S, csrs: { satp: paged.tables.satp } });
    paged.rig.setX('s0', DATA);
    const before = paged.rig.machine.memoryDigest();
    paged.rig.runToTrap();
    expect(paged.rig.machine.memoryDigest()).not.toBe(before);
  });
});

describe('accesses across pages', () => {
  const paged = new Paged();
  beforeEach(() => paged.reset());
  const { S } = PRIVILEGE;
  const second = BigInt(DATA + PAGE);

  it.each([
    ['ld', 1],
    ['ld', 7],
    ['lwu', 2],
    ['lhu', 1],
  ] as const)('%s reads %i bytes before the end from two frames', (name, before) => {
    const sizeBytes = { ld: 8, lwu: 4, lhu: 2 }[name];
    // The frames are not neighbours.
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.tables.map(DATA + PAGE, DATA_PA + 4 * PAGE, RWX);
    const bytes = Uint8Array.from({ length: 8 }, (_, index) => 0x81 + index);
    paged.rig.machine.memory.writeBytes(DATA_PA + PAGE - before, bytes.slice(0, before));
    paged.rig.machine.memory.writeBytes(DATA_PA + 4 * PAGE, bytes.slice(before));
    expect(paged.run(`${name} a0, ${-before}(s0); ebreak`, S, { s0: second }).cause).toBe(PASSED);
    const expected = bytes.slice(0, sizeBytes).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    expect(paged.rig.x('a0')).toBe(expected);
  });

  it('sign-extend what they put together', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.tables.map(DATA + PAGE, DATA_PA + PAGE, RWX);
    paged.rig.machine.memory.write32(DATA_PA + PAGE - 2, 0x8765_4321);
    expect(paged.run('lw a0, -2(s0); lh a1, -1(s0); ebreak', S, { s0: second }).cause).toBe(PASSED);
    expect(paged.rig.x('a0')).toBe(0xffff_ffff_8765_4321n);
    expect(paged.rig.x('a1')).toBe(0x6543n);
  });

  it('store to both frames or to none', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.tables.map(DATA + PAGE, DATA_PA + 4 * PAGE, RWX);
    const { memory } = paged.rig.machine;
    const store = 'li a0, 0x1122334455667788; sd a0, -3(s0); ebreak';
    expect(paged.run(store, S, { s0: second }).cause).toBe(PASSED);
    expect([...memory.readBytes(DATA_PA + PAGE - 3, 3)]).toEqual([0x88, 0x77, 0x66]);
    expect([...memory.readBytes(DATA_PA + 4 * PAGE, 5)]).toEqual([0x55, 0x44, 0x33, 0x22, 0x11]);
    memory.writeBytes(DATA_PA + PAGE - 3, new Uint8Array(3));
    paged.tables.map(DATA + PAGE, DATA_PA + 4 * PAGE, RWX & ~PTE.W);
    expect(paged.run(store, S, { s0: second })).toMatchObject({ cause: FAULT.storePage, tval: second });
    expect([...memory.readBytes(DATA_PA + PAGE - 3, 3)]).toEqual([0, 0, 0]);
  });

  it('name the page that faults', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    const load = 'ld a0, -3(s0); ebreak';
    expect(paged.run(load, S, { s0: second })).toMatchObject({ cause: FAULT.loadPage, tval: second });
    paged.tables.map(DATA, DATA_PA, 0);
    paged.tables.map(DATA + PAGE, DATA_PA, RWX);
    expect(paged.run(load, S, { s0: second })).toMatchObject({ cause: FAULT.loadPage, tval: second - 3n });
  });

  it('into where nothing is are access faults', () => {
    const end = RAM + paged.rig.machine.config.memoryBytes;
    paged.tables.map(DATA, end - PAGE, RWX);
    paged.tables.map(DATA + PAGE, end, RWX);
    expect(paged.run('ld a0, -3(s0)', S, { s0: second }).cause).toBe(FAULT.loadAccess);
    expect(paged.run('sd a0, -3(s0)', S, { s0: second }).cause).toBe(FAULT.storeAccess);
  });

  it('raise misaligned exceptions where the machine traps them', () => {
    const trapping = new Paged({ misaligned: 'trap' });
    trapping.reset();
    trapping.tables.map(DATA, DATA_PA, RWX);
    for (const [name, cause] of [
      ['lh', 4n],
      ['lw', 4n],
      ['ld', 4n],
      ['sh', 6n],
      ['sw', 6n],
      ['sd', 6n],
    ] as const) {
      const taken = trapping.run(`${name} a0, 1(s0)`, S);
      expect([name, taken.cause, taken.tval]).toEqual([name, cause, BigInt(DATA + 1)]);
      expect(trapping.run(`${name} a0, 8(s0); ${name} a0, 1(s0)`, S).cause).toBe(cause);
    }
    expect(trapping.run('lb a0, 1(s0); sb a0, 1(s0); ebreak', S).cause).toBe(PASSED);
  });
});

describe('fetches', () => {
  const paged = new Paged();
  beforeEach(() => paged.reset());
  const { S } = PRIVILEGE;
  const end = DATA + PAGE;

  it('of an instruction that straddles two pages name the page that faults', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.rig.load('addi a0, a0, 7; ebreak', DATA_PA + PAGE - 2);
    const start = { s0: end - 2 };
    expect(paged.run(FETCH, S, start)).toMatchObject({
      cause: FAULT.fetchPage,
      tval: BigInt(end),
      epc: BigInt(end - 2),
    });
    paged.tables.map(end, DATA_PA + PAGE, RWX);
    expect(paged.run(FETCH, S, start)).toMatchObject({ cause: PASSED, epc: BigInt(end + 2) });
    expect(paged.rig.x('a0')).toBe(7n);
    // Through a second page that is elsewhere the same first half is another instruction.
    paged.rig.machine.memory.write16(DATA_PA + 4 * PAGE, 0x00b5);
    paged.rig.load('ebreak', DATA_PA + 4 * PAGE + 2);
    paged.tables.map(end, DATA_PA + 4 * PAGE, RWX);
    expect(paged.run(FETCH, S, start).cause).toBe(PASSED);
    expect(paged.rig.x('a0')).toBe(11n);
  });

  it('of the next page fault at its first address', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.rig.load('addi a0, a0, 7', DATA_PA + PAGE - 4);
    const taken = paged.run(FETCH, S, { s0: end - 4 });
    expect(taken).toMatchObject({ cause: FAULT.fetchPage, tval: BigInt(end), epc: BigInt(end) });
  });

  it('that straddle raise illegal-instruction exceptions with the whole word', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.tables.map(end, DATA_PA + PAGE, RWX);
    for (const word of [0x1234_ff77, 0x3020_0073, 0xc00_1073]) {
      paged.rig.load(`.half ${word & 0xffff}; .half ${word >>> 16}`, DATA_PA + PAGE - 2);
      const taken = paged.run(FETCH, S, { s0: end - 2 });
      expect(taken).toMatchObject({ cause: 2n, tval: BigInt(word), epc: BigInt(end - 2) });
    }
  });

  it('that straddle branch, link and fault at their own address', () => {
    paged.tables.map(DATA, DATA_PA, RWX);
    paged.tables.map(end, DATA_PA + PAGE, RWX);
    const at = BigInt(end - 2);
    const run = (source: string, s0 = end - 2) => {
      paged.rig.load(`ebreak; nop; ebreak`, DATA_PA + PAGE - 0x20);
      paged.rig.load(`j 0x7fffffe2`, 0x8000_0000);
      paged.rig.machine.memory.writeBytes(DATA_PA + PAGE - 2, new Uint8Array(16));
      paged.rig.load(source, DATA_PA + PAGE - 2);
      return paged.run(FETCH, S, { s0 });
    };
    // Sources are assembled for the physical place: targets are relative.
    const here = DATA_PA + PAGE - 2;
    expect(run(`jal ra, ${here + 8}; .org ${here + 8}; ebreak`).epc).toBe(at + 8n);
    expect(paged.rig.x('ra')).toBe(at + 4n);
    expect(run(`beq zero, zero, ${here - 0x1e}`).epc).toBe(at - 0x1en);
    expect(run(`bne zero, zero, ${here - 0x1e}; ebreak`).epc).toBe(at + 4n);
    expect(run(`jalr ra, -30(s0)`).epc).toBe(at - 30n);
    expect(run(`auipc a0, 0; ebreak`).epc).toBe(at + 4n);
    expect(paged.rig.x('a0')).toBe(at);
    expect(run(`ld a0, 0(zero)`)).toMatchObject({ cause: FAULT.loadPage, epc: at, tval: 0n });
  });

  it('of devices and holes are access faults in machine mode too', () => {
    const { rig } = paged;
    for (const target of [0, 0x1000_0000, RAM + rig.machine.config.memoryBytes]) {
      rig.load('jalr ra, 0(s0)');
      rig.start();
      rig.setX('s0', target);
      expect(rig.runToTrap()).toMatchObject({ cause: FAULT.fetchAccess, tval: BigInt(target), epc: BigInt(target) });
    }
  });

  it('run off the end of RAM into an access fault', () => {
    const { rig } = paged;
    const last = RAM + rig.machine.config.memoryBytes;
    rig.start();
    rig.load('addi a0, a0, 1', last - 4);
    rig.load('jalr ra, -4(s0)');
    rig.setX('s0', last);
    expect(rig.runToTrap()).toMatchObject({ cause: FAULT.fetchAccess, tval: BigInt(last), epc: BigInt(last) });
    rig.start();
    rig.load('.half 0x0505; .half 0x0513', last - 4);
    rig.setX('s0', last);
    expect(rig.runToTrap()).toMatchObject({ cause: FAULT.fetchAccess, tval: BigInt(last), epc: BigInt(last - 2) });
  });
});
