/** Two-stage translation (Privileged ISA, hypervisor extension): references of walks, guest-page faults, what goes to the guest. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { ACCESS_TYPE, VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { PAGE, PageTables, type PagingName, PTE, RAM, RWX, USER_RWX } from '../support/machine-rig.ts';
import { countingDevice } from '../support/program-runner.ts';
import { HOST_RWX, type HostTable, VirtualRig } from '../support/virtual-rig.ts';

const { S, U } = PRIVILEGE;
/** Where the guest sees the data page, and where it is for the guest and for the host. */
const DATA_VA = 0x4000_0000;
const DATA_GPA = 0x10_0000_0000;
const DATA_PA = RAM + 0x8000;
const TABLES = RAM + 0x10_0000;
const TABLES_END = TABLES + 16 * PAGE;
const HANDLER = RAM + 0x4000;

const MIB2 = 2 ** 21;
const GIB = 2 ** 30;

class TwoStage {
  readonly rig: VirtualRig;
  stage: HostTable;

  constructor(options = {}) {
    this.rig = new VirtualRig(options);
    this.rig.machine.attach(countingDevice());
    this.stage = this.rig.table('sv39x4');
  }

  /** Starts a program in VS- or VU-mode with code, handler and tables mapped by small pages. */
  start(source: string, { satp = 0n, privilege = S as 0 | 1, map = true } = {}): void {
    const { rig } = this;
    rig.freeTables();
    this.stage = rig.table('sv39x4');
    if (map) {
      this.stage.identity(RAM, RAM + 8 * PAGE);
      this.stage.identity(TABLES, TABLES_END);
    }
    rig.load(source);
    rig.load('here: j here', HANDLER);
    rig.start({ privilege, csrs: { satp, stvec: BigInt(HANDLER) } });
    rig.virtualization.start(0, VIRTUALIZATION.twoStage);
    rig.virtualization.setSecondStage(0, this.stage.root);
  }

  run() {
    return this.rig.machine.run(0, this.rig.machine.clock.cycle + 10_000);
  }

  /** References that the walk of one load makes. */
  references(): number {
    const { rig } = this;
    rig.step();
    const before = rig.machine.counters(0);
    const cycles = rig.step();
    const after = rig.machine.counters(0);
    expect(after.tlbMisses - before.tlbMisses).toBe(1);
    const references = after.walkReferences - before.walkReferences;
    // Class load, and 100 cycles for each reference.
    expect(cycles).toBe(2 + 100 * references);
    return references;
  }
}

function guestTables(rig: VirtualRig, paging: PagingName, flags = RWX): PageTables {
  const tables = new PageTables(rig, paging, TABLES);
  for (let va = RAM; va < RAM + 8 * PAGE; va += PAGE) tables.map(va, va, flags);
  return tables;
}

const LOAD = 'nop; ld a0, 0(s0); ebreak';

describe('references of a walk', () => {
  it.each([
    ['no second stage level is large', 0, 3],
    ['2 MiB pages', 1, 2],
    ['1 GiB pages', 2, 1],
  ] as const)('with VS-stage off, %s: %i', (_, level, references) => {
    const two = new TwoStage();
    two.start(LOAD);
    const size = [PAGE, MIB2, GIB][level] ?? PAGE;
    const gpa = DATA_GPA + (DATA_PA % size);
    two.stage.map(DATA_GPA, DATA_PA - (DATA_PA % size), HOST_RWX, level);
    two.rig.setX('s0', gpa);
    two.rig.machine.memory.write64(DATA_PA, 77n);
    expect(two.references()).toBe(references);
    expect(two.rig.x('a0')).toBe(77n);
  });

  it.each([
    ['sv39', 0, 15],
    ['sv39', 1, 11],
    ['sv39', 2, 7],
    ['sv48', 0, 19],
    ['sv57', 0, 23],
  ] as const)('under %s with a leaf at level %i are %i', (paging, level, references) => {
    const two = new TwoStage();
    const tables = guestTables(two.rig, paging);
    two.start(LOAD, { satp: tables.satp });
    const size = [PAGE, MIB2, GIB][level] ?? PAGE;
    // The guest's page is as large as its level; the host gives it the one small page that is touched.
    tables.map(DATA_VA, DATA_GPA, RWX, level);
    two.stage.map(DATA_GPA + size - PAGE, DATA_PA);
    two.rig.setX('s0', DATA_VA + size - PAGE);
    two.rig.machine.memory.write64(DATA_PA, 78n);
    expect(two.references()).toBe(references);
    expect(two.rig.x('a0')).toBe(78n);
  });

  it.each([
    [1, 11],
    [2, 7],
  ] as const)('under sv39 with second-stage leaves all at level %i are %i', (level, references) => {
    const two = new TwoStage();
    const tables = guestTables(two.rig, 'sv39');
    two.start(LOAD, { satp: tables.satp, map: false });
    const size = [PAGE, MIB2, GIB][level] ?? PAGE;
    two.stage.map(RAM, RAM, HOST_RWX, level);
    two.stage.map(DATA_GPA, RAM, HOST_RWX, level);
    tables.map(DATA_VA, DATA_GPA + (DATA_PA % size), RWX);
    two.rig.setX('s0', DATA_VA);
    expect(two.references()).toBe(references);
  });

  it('under sv39 without virtualization are 3', () => {
    const rig = new VirtualRig();
    const tables = guestTables(rig, 'sv39');
    tables.map(DATA_VA, DATA_PA, RWX);
    rig.load(LOAD);
    rig.start({ privilege: S, csrs: { satp: tables.satp } });
    rig.setX('s0', DATA_VA);
    rig.step();
    const before = rig.machine.counters(0).walkReferences;
    rig.step();
    expect(rig.machine.counters(0).walkReferences - before).toBe(3);
  });
});

describe('a guest-page fault', () => {
  const two = new TwoStage();
  const { rig } = two;
  let tables: PageTables;
  beforeEach(() => {
    tables = guestTables(rig, 'sv39');
    tables.map(DATA_VA, DATA_GPA, RWX);
  });

  it.each([
    ['load', 'nop; ld a0, 8(s0); ebreak', ACCESS_TYPE.read],
    ['store', 'nop; sd a0, 8(s0); ebreak', ACCESS_TYPE.write],
    ['AMO', 'nop; addi s0, s0, 8; amoadd.d a0, a1, (s0); ebreak', ACCESS_TYPE.write],
    ['LR', 'nop; addi s0, s0, 8; lr.d a0, zero, (s0); ebreak', ACCESS_TYPE.read],
  ] as const)('of a %s changes nothing, and the instruction runs again once the page is there', (_, source, access) => {
    two.start(source, { satp: tables.satp });
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    const fault = rig.virtualization.secondStageFault;
    expect(fault).toMatchObject({ gpa: DATA_GPA + 8, access, table: 'none', vaLow: DATA_VA + 8, vaHigh: 0 });
    expect(rig.hart.csr('scause')).toBe(0n);
    const { pc, retired } = rig.hart;
    expect(two.run()).toBe(STOP.secondStageFault);
    expect([rig.hart.pc, rig.hart.retired]).toEqual([pc, retired]);
    two.stage.map(DATA_GPA, DATA_PA);
    rig.step();
    expect(rig.hart.retired).toBe(retired + 1);
    expect(rig.hart.pc).toBe(pc + 4n);
  });

  it('of a fetch tells the address', () => {
    two.start('jalr zero, 4(s0)', { satp: tables.satp });
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.virtualization.secondStageFault).toMatchObject({ gpa: DATA_GPA + 4, access: ACCESS_TYPE.fetch });
    rig.load('nop; ebreak', DATA_PA + 4);
    two.stage.map(DATA_GPA, DATA_PA);
    rig.step();
    expect(rig.hart.pc).toBe(BigInt(DATA_VA + 8));
  });

  it('of an entry of the guest tables tells that entry, and the access of the instruction', () => {
    two.start('nop; sd a0, 0(s0); ebreak', { satp: tables.satp });
    two.stage.map(DATA_GPA, DATA_PA);
    const entry = tables.entryAddress(DATA_VA);
    two.stage.unmap(entry);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.virtualization.secondStageFault).toMatchObject({
      gpa: entry,
      access: ACCESS_TYPE.write,
      table: 'read',
      vaLow: DATA_VA,
    });
  });

  it('where A cannot be set in the guest tables is a write of the entry, of the access of the instruction', () => {
    two.start('nop; ld a0, 0(s0); ebreak', { satp: tables.satp });
    tables.map(DATA_VA, DATA_GPA, RWX & ~PTE.A);
    two.stage.map(DATA_GPA, DATA_PA);
    const entry = tables.entryAddress(DATA_VA);
    two.stage.map(entry, entry, HOST_RWX & ~PTE.W);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.virtualization.secondStageFault).toMatchObject({
      gpa: entry,
      access: ACCESS_TYPE.read,
      table: 'write',
    });
    expect(rig.machine.memory.read64(entry) & BigInt(PTE.A)).toBe(0n);
    two.stage.map(entry, entry);
    rig.step();
    expect(rig.machine.memory.read64(entry) & BigInt(PTE.A)).toBe(BigInt(PTE.A));
  });

  it('leaves the guest entry alone if its page is missing', () => {
    two.start('nop; sd a0, 0(s0); ebreak', { satp: tables.satp });
    tables.map(DATA_VA, DATA_GPA, RWX & ~(PTE.A | PTE.D));
    const entry = tables.entryAddress(DATA_VA);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.machine.memory.read64(entry) & BigInt(PTE.A | PTE.D)).toBe(0n);
  });

  it.each([
    ['no R for a load', LOAD, PTE.R | PTE.W],
    ['no W for a store', 'nop; sd a0, 0(s0); ebreak', PTE.W],
    ['no U', LOAD, PTE.U],
    ['not valid', LOAD, PTE.V],
  ] as const)('comes of a page with %s', (_, source, without) => {
    two.start(source, { satp: tables.satp });
    two.stage.map(DATA_GPA, DATA_PA, HOST_RWX & ~without);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
  });

  it('comes of a page that is only executable, whatever MXR says', () => {
    two.start(LOAD, { satp: tables.satp });
    two.stage.map(DATA_GPA, DATA_PA, HOST_RWX & ~(PTE.R | PTE.W));
    rig.hart.setCsr('sstatus', 1n << 19n);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
  });

  it.each([2 ** 41, 2 ** 52])('comes of the address %i, which Sv39x4 does not have', (gpa) => {
    two.start(LOAD);
    rig.setX('s0', gpa);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.virtualization.secondStageFault.gpa).toBe(gpa);
  });

  it('comes of every access without a root', () => {
    two.start(LOAD);
    rig.virtualization.setSecondStage(0, undefined);
    expect(two.run()).toBe(STOP.secondStageFault);
    expect(rig.virtualization.secondStageFault).toMatchObject({ gpa: RAM, access: ACCESS_TYPE.fetch });
  });

  it('that ends as an access fault goes to the guest handler', () => {
    two.start('nop; ld a0, 0(s0)', { satp: tables.satp });
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.secondStageFault);
    const { vaLow, vaHigh } = rig.virtualization.secondStageFault;
    expect(rig.virtualization.enterTrap(0, 5, vaLow, vaHigh)).toBe(true);
    expect(rig.hart.csr('scause')).toBe(5n);
    expect(rig.hart.csr('stval')).toBe(BigInt(DATA_VA));
    expect(rig.hart.csr('sepc')).toBe(BigInt(RAM + 4));
    expect(rig.hart.pc).toBe(BigInt(HANDLER));
  });

  it('at a device is a device access', () => {
    two.start('nop; lw a0, 4(s0); ebreak', { satp: tables.satp });
    tables.map(DATA_VA, 0x1000_0000, RWX);
    rig.setX('s0', DATA_VA);
    expect(two.run()).toBe(STOP.mmio);
    expect(rig.machine.access).toMatchObject({ gpa: 0x1000_0004, size: 4, write: false });
    rig.machine.performAccess();
    expect(rig.x('a0')).toBe(BigInt.asUintN(64, BigInt.asIntN(32, rig.machine.access.value)));
    expect(rig.hart.pc).toBe(BigInt(RAM + 8));
  });
});

describe('second-stage entries', () => {
  const two = new TwoStage();
  const { rig } = two;

  it('get A and D as the guest touches its pages, and the guest sees neither', () => {
    two.start('nop; ld a0, 0(s0); sd a0, 0(s0); ebreak');
    two.stage.map(DATA_GPA, DATA_PA, HOST_RWX & ~(PTE.A | PTE.D));
    rig.setX('s0', DATA_GPA);
    rig.step();
    rig.step();
    expect(two.stage.flags(DATA_GPA) & (PTE.A | PTE.D)).toBe(PTE.A);
    rig.step();
    expect(two.stage.flags(DATA_GPA) & (PTE.A | PTE.D)).toBe(PTE.A | PTE.D);
  });

  it('fault where software sets A and D', () => {
    const svade = new TwoStage({ adUpdate: 'fault' });
    svade.start('nop; sd a0, 0(s0); ebreak');
    svade.stage.map(DATA_GPA, DATA_PA, HOST_RWX & ~PTE.D);
    svade.rig.setX('s0', DATA_GPA);
    expect(svade.run()).toBe(STOP.secondStageFault);
    expect(svade.rig.virtualization.secondStageFault.access).toBe(ACCESS_TYPE.write);
  });

  it('that change reach translations only by a flush', () => {
    two.start('nop; ld a0, 0(s0); ld a1, 0(s0); ld a2, 0(s0); ld a3, 0(s0); ebreak');
    const { memory } = rig.machine;
    memory.write64(DATA_PA, 1n);
    memory.write64(DATA_PA + PAGE, 2n);
    two.stage.map(DATA_GPA, DATA_PA);
    rig.setX('s0', DATA_GPA);
    rig.step();
    rig.step();
    two.stage.map(DATA_GPA, DATA_PA + PAGE);
    rig.step();
    rig.virtualization.flushPage(0, DATA_PA);
    rig.step();
    two.stage.map(DATA_GPA, DATA_PA);
    rig.virtualization.flushSpace(0, 0);
    rig.step();
    expect([rig.x('a0'), rig.x('a1'), rig.x('a2'), rig.x('a3')]).toEqual([1n, 1n, 2n, 1n]);
  });

  it('of two VMIDs are kept apart', () => {
    two.start('nop; ld a0, 0(s0); ld a1, 0(s0); ld a2, 0(s0); ebreak');
    const other = rig.table('sv39x4');
    other.identity(RAM, RAM + PAGE);
    two.stage.map(DATA_GPA, DATA_PA);
    other.map(DATA_GPA, DATA_PA + PAGE);
    rig.machine.memory.write64(DATA_PA, 1n);
    rig.machine.memory.write64(DATA_PA + PAGE, 2n);
    rig.setX('s0', DATA_GPA);
    rig.step();
    rig.step();
    rig.virtualization.setSecondStage(0, other.root, 1);
    rig.step();
    rig.virtualization.setSecondStage(0, two.stage.root, 0);
    rig.step();
    expect([rig.x('a0'), rig.x('a1'), rig.x('a2')]).toEqual([1n, 2n, 1n]);
  });

  it('never open memory of the host to the guest', () => {
    two.start('nop; ld a0, 0(s0); ebreak');
    two.stage.map(DATA_GPA, two.stage.root);
    rig.setX('s0', DATA_GPA);
    rig.step();
    rig.step();
    expect(rig.hart.csr('scause')).toBe(5n);
    expect(rig.x('a0')).toBe(0n);
  });
});

describe('traps with two stages', () => {
  const two = new TwoStage();
  const { rig } = two;

  it('from VU go straight to the guest', () => {
    const tables = guestTables(rig, 'sv39', USER_RWX);
    for (let va = RAM + 4 * PAGE; va < RAM + 5 * PAGE; va += PAGE) tables.map(va, va, RWX);
    two.start('ecall', { satp: tables.satp, privilege: U });
    rig.step();
    expect([rig.hart.csr('scause'), rig.hart.privilege]).toEqual([8n, S]);
    two.start('ld a0, 0(zero)', { satp: tables.satp, privilege: U });
    rig.step();
    expect(rig.hart.csr('scause')).toBe(13n);
  });

  it('that medeleg keeps from the guest stop', () => {
    two.start('nop; ebreak');
    rig.hart.setCsr('medeleg', 0xb1ffn & ~8n);
    expect(two.run()).toBe(STOP.guestTrap);
    expect(rig.virtualization.guestTrap).toMatchObject({ cause: 3, insnBytes: 4, insn: 0x0010_0073 });
    expect(rig.hart.csr('scause')).toBe(0n);
    expect(rig.virtualization.reflectTrap(0)).toBe(true);
    expect(rig.hart.csr('scause')).toBe(3n);
  });

  it('of ecall from VS stop as without', () => {
    two.start('ecall; nop');
    expect(two.run()).toBe(STOP.supervisorCall);
    rig.machine.retireCall(0);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
  });

  it('take injected interrupts as the guest allows', () => {
    two.start('nop; nop; here: j here');
    rig.hart.setCsr('sie', 0x200n);
    rig.machine.setPending(0, 9, true);
    expect(two.run()).toBe(STOP.deadline);
    rig.hart.setCsr('sstatus', 2n);
    expect(two.run()).toBe(STOP.interruptTaken);
    expect(rig.hart.csr('scause')).toBe((1n << 63n) | 9n);
  });
});
