/** A deprivileged guest: what it cannot do by itself stops with nothing changed, and what the host does for it is as the real thing. */

import { beforeEach, describe, expect, it } from 'vitest';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { CSR_OUTCOME, firstUseMapBytes, VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { PAGE, PTE, RAM } from '../support/machine-rig.ts';
import { countingDevice } from '../support/program-runner.ts';
import { HOST_RWX, type HostTable, VirtualRig } from '../support/virtual-rig.ts';

const { S, U } = PRIVILEGE;
const DATA = 0x4000_0000;
const DATA_PA = RAM + 0x8000;
const HANDLER = RAM + 0x1000;
const DEVICE = 0x1000_0000;
const SIE = 2n;
const SPP = 1n << 8n;
const SPIE = 1n << 5n;

const rig = new VirtualRig();
rig.machine.attach(countingDevice());
const { virtualization } = rig;
let kernel: HostTable;
let user: HostTable;

/** Starts a program in virtual S- or U-mode: the kernel's root has code and data, the user's has the code only. */
function start(source: string, privilege: 0 | 1 = S, csrs: Record<string, bigint> = {}): void {
  rig.load(source);
  rig.start({ privilege, csrs: { stvec: BigInt(HANDLER), ...csrs } });
  virtualization.start(0, VIRTUALIZATION.deprivileged);
  virtualization.setRoot(0, S, kernel.root, 1);
  virtualization.setRoot(0, U, user.root, 2);
}

const run = () => rig.machine.run(0, rig.machine.clock.cycle + 10_000);

/** Everything of the hart that a guest can see. */
const visible = () => {
  const { x, pc, privilege, retired, csrs } = plainStateOf(rig.hart);
  return { x, pc, privilege, retired, csrs, cycle: rig.machine.clock.cycle };
};

beforeEach(() => {
  rig.freeTables();
  kernel = rig.table('sv39');
  user = rig.table('sv39');
  for (const table of [kernel, user]) table.identity(RAM, RAM + 4 * PAGE);
  kernel.map(DATA, DATA_PA);
});

describe('a stop for the host', () => {
  it.each([
    ['csrrs a0, sstatus, zero', 2],
    ['csrrw zero, sscratch, a0', 2],
    ['csrrwi zero, sie, 3', 2],
    ['csrrs a0, cycle, zero', 2],
    ['csrrs a0, time, zero', 2],
    ['csrrs a0, mhartid, zero', 2],
    ['sret', 2],
    ['mret', 2],
    ['wfi', 2],
    ['sfence.vma zero, zero', 2],
    ['ecall', 8],
    ['ebreak', 3],
    ['.word 0xffffffff', 2],
  ] as const)('by "%s" has cause %i and changes nothing', (source, cause) => {
    for (const privilege of [S, U]) {
      start(source, privilege);
      // The walk of the first fetch is the guest's own business.
      rig.machine.run(0, rig.machine.clock.cycle + 1);
      const before = visible();
      expect(run()).toBe(STOP.guestTrap);
      expect(visible()).toEqual(before);
      const insn = rig.machine.memory.read32(RAM);
      expect(virtualization.guestTrap).toMatchObject({
        cause,
        insn,
        insnBytes: 4,
        tvalLow: cause === 2 ? insn : 0,
        tvalHigh: 0,
      });
    }
  });

  it.each([
    ['ld a0, 8(s0)', 13],
    ['sd a0, 8(s0)', 15],
    ['addi s0, s0, 8; amoadd.d a0, a1, (s0)', 15],
  ] as const)('by "%s" on what is not mapped tells the address', (source, cause) => {
    start(source, U);
    rig.setX('s0', BigInt(DATA) | (1n << 38n) | (-1n << 39n));
    expect(run()).toBe(STOP.guestTrap);
    const { tvalLow, tvalHigh } = virtualization.guestTrap;
    expect(virtualization.guestTrap).toMatchObject({ cause, insnBytes: 4 });
    expect([tvalLow, tvalHigh]).toEqual([DATA + 8, 0xffff_ffc0]);
  });

  it('by a fetch has no instruction', () => {
    start('jalr zero, 2(s0)');
    rig.setX('s0', 0x5000_0000);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 12, tvalLow: 0x5000_0002, insn: 0, insnBytes: 0 });
    expect(rig.hart.pc).toBe(0x5000_0002n);
  });

  it('by a compressed instruction has 16 bits', () => {
    // c.lw a4, 4(s0); c.ebreak
    start('.half 0x4058; .half 0x9002');
    rig.setX('s0', 0x5000_0000);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 13, insn: 0x4058, insnBytes: 2, tvalLow: 0x5000_0004 });
    virtualization.retire(0);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 3, insn: 0x9002, insnBytes: 2 });
  });

  it('by an instruction across two pages has all of it', () => {
    start('nop');
    rig.load('csrrs a0, sstatus, zero', RAM + PAGE - 2);
    rig.hart.pc = BigInt(RAM + PAGE - 2);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 2, insn: 0x1000_2573, insnBytes: 4 });
    expect(virtualization.emulateCsr(0)).toBe(CSR_OUTCOME.done);
    expect(rig.hart.pc).toBe(BigInt(RAM + PAGE + 2));
  });

  it('without a root comes of everything', () => {
    start('nop');
    virtualization.setRoot(0, S, undefined, 3);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 12, tvalLow: RAM });
  });

  it('comes of memory of the host, wherever it is mapped', () => {
    start('ld a0, 0(s0)');
    kernel.map(DATA + PAGE, kernel.root);
    rig.setX('s0', DATA + PAGE);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 5, tvalLow: DATA + PAGE });
    expect(rig.x('a0')).toBe(0n);
  });

  it('does not come of unprivileged instructions', () => {
    start('fence; fence.i; ld a0, 0(s0); amoadd.d a1, a0, (s0); here: j here');
    rig.setX('s0', DATA);
    expect(run()).toBe(STOP.deadline);
  });
});

describe('what the host does', () => {
  it('emulates CSR instructions on the virtual CSRs', () => {
    start('csrrw a0, sscratch, a1; csrrsi a2, sscratch, 1; csrrs a3, sstatus, zero');
    rig.setX('a1', 0x1234_5678_9abc_def0n);
    rig.hart.setCsr('sscratch', 5n);
    for (let index = 0; index < 3; index++) {
      expect(run()).toBe(STOP.guestTrap);
      const { cycle } = rig.machine.clock;
      expect(virtualization.emulateCsr(0)).toBe(CSR_OUTCOME.done);
      expect(rig.machine.clock.cycle - cycle).toBe(23);
    }
    expect([rig.x('a0'), rig.x('a2'), rig.hart.csr('sscratch')]).toEqual([
      5n,
      0x1234_5678_9abc_def0n,
      0x1234_5678_9abc_def1n,
    ]);
    expect(rig.x('a3')).toBe(2n << 32n);
    expect(rig.hart.pc).toBe(BigInt(RAM + 12));
  });

  it.each([
    ['csrrs a0, sstatus, zero', U],
    ['csrrs a0, mstatus, zero', S],
    ['csrrw zero, cycle, a0', S],
    ['csrrs a0, 0x5c0, zero', S],
  ] as const)('refuses "%s" in mode %i, and reflects it', (source, privilege) => {
    start(source, privilege);
    expect(run()).toBe(STOP.guestTrap);
    const { insn } = virtualization.guestTrap;
    expect(virtualization.emulateCsr(0)).toBe(CSR_OUTCOME.illegal);
    expect(rig.hart.pc).toBe(BigInt(RAM));
    expect(virtualization.reflectTrap(0)).toBe(true);
    expect([rig.hart.csr('scause'), rig.hart.csr('stval'), rig.hart.csr('sepc')]).toEqual([
      2n,
      BigInt(insn),
      BigInt(RAM),
    ]);
    expect([rig.hart.pc, rig.hart.privilege]).toEqual([BigInt(HANDLER), S]);
  });

  it('tells when a timer was set', () => {
    start('csrrw zero, stimecmp, a0', S, { menvcfg: 1n << 63n });
    rig.setX('a0', 1000);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.emulateCsr(0)).toBe(CSR_OUTCOME.timerChanged);
    expect(rig.machine.nextTimerCycle()).toBe(1000 * rig.machine.config.core.cyclesPerTick);
  });

  it('enters traps and returns as hardware does', () => {
    start('ecall', U, { sstatus: SIE });
    expect(run()).toBe(STOP.guestTrap);
    virtualization.reflectTrap(0);
    expect([rig.hart.csr('scause'), rig.hart.csr('sstatus') & (SIE | SPIE | SPP)]).toEqual([8n, SPIE]);
    rig.load('sret', HANDLER);
    rig.hart.setCsr('sepc', BigInt(RAM + 4));
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.sret(0)).toBe(true);
    expect([rig.hart.privilege, rig.hart.pc]).toEqual([U, BigInt(RAM + 4)]);
    expect(rig.hart.csr('sstatus') & (SIE | SPIE | SPP)).toBe(SIE | SPIE);
    expect(virtualization.sret(0)).toBe(false);
  });

  it('makes ecall of the kernel one of S-mode', () => {
    start('ecall');
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap.cause).toBe(8);
    virtualization.reflectTrap(0);
    expect(rig.hart.csr('scause')).toBe(9n);
  });

  it('says when a guest can never go on', () => {
    start('jalr zero, 0(s0)', S, { stvec: 0x5000_0000n });
    rig.setX('s0', 0x5000_0000);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.reflectTrap(0)).toBe(false);
  });

  it.each([
    ['lb a0, 1(s0)', 1, false],
    ['lhu a0, 2(s0)', 2, false],
    ['sw a1, 4(s0)', 4, true],
    ['sd a1, 8(s0)', 8, true],
    ['.half 0x4048', 4, false],
    ['.half 0xc04c', 4, true],
  ] as const)('makes "%s" a device access', (source, size, write) => {
    start(source);
    rig.setX('s0', 0x6000_0000);
    rig.setX('a1', 0x8877_6655_4433_2211n);
    expect(run()).toBe(STOP.guestTrap);
    const { tvalLow, insnBytes } = virtualization.guestTrap;
    expect(virtualization.beginAccess(0, DEVICE + (tvalLow - 0x6000_0000))).toBe(true);
    const value = BigInt.asUintN(8 * size, 0x8877_6655_4433_2211n);
    expect(rig.machine.access).toMatchObject({ size, write, ...(write && { value }) });
    rig.machine.performAccess();
    const read = rig.machine.access.value;
    if (!write) expect(BigInt.asUintN(8 * size, rig.x('a0'))).toBe(read);
    expect(rig.hart.pc).toBe(BigInt(RAM + insnBytes));
  });

  it('cannot make an atomic, a misaligned access, or one where nothing is a device access', () => {
    for (const [source, gpa] of [
      ['amoadd.w a0, a1, (s0)', DEVICE],
      ['lw a0, 2(s0)', DEVICE + 2],
      ['lw a0, 0(s0)', 0x2000],
      ['ecall', DEVICE],
    ] as const) {
      start(source);
      rig.setX('s0', 0x6000_0000);
      expect(run()).toBe(STOP.guestTrap);
      expect(virtualization.beginAccess(0, gpa)).toBe(false);
    }
  });

  it.each([
    ['sd a1, 8(s0)', 0x8877_6655_4433_2211n],
    ['sw a1, 8(s0)', 0x4433_2211n],
    ['sb a1, 8(s0)', 0x11n],
    ['sw zero, 8(s0)', 0n],
    ['.half 0xc40c', 0x4433_2211n],
  ] as const)('does "%s" on a page that is protected', (source, stored) => {
    start(`${source}; here: j here`);
    const { memory } = rig.machine;
    memory.write64(DATA_PA + 8, 0n);
    kernel.map(DATA, DATA_PA, HOST_RWX & ~(PTE.W | PTE.D));
    rig.setX('s0', DATA);
    rig.setX('a1', 0x8877_6655_4433_2211n);
    expect(run()).toBe(STOP.guestTrap);
    const { insnBytes } = virtualization.guestTrap;
    const before = rig.hart.retired;
    expect(virtualization.store(0, DATA_PA + 8)).toBe(true);
    expect(memory.read64(DATA_PA + 8)).toBe(stored);
    expect([rig.hart.pc, rig.hart.retired]).toEqual([BigInt(RAM + insnBytes), before + 1]);
  });

  it('steps over an atomic on a protected page by lifting the protection for one instruction', () => {
    start('amoor.d a0, a1, (s0); here: j here');
    kernel.map(DATA, DATA_PA, HOST_RWX & ~(PTE.W | PTE.D));
    rig.machine.memory.write64(DATA_PA, 1n);
    rig.setX('s0', DATA);
    rig.setX('a1', 6);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.store(0, DATA_PA)).toBe(false);
    kernel.map(DATA, DATA_PA);
    expect(rig.machine.run(0, rig.machine.clock.cycle + 1)).toBe(STOP.deadline);
    expect([rig.machine.memory.read64(DATA_PA), rig.hart.pc]).toEqual([7n, BigInt(RAM + 4)]);
  });

  it('lets counters through where the guest may read them', () => {
    start('csrrs a0, time, zero; csrrs a1, instret, zero', S);
    virtualization.setDirectCounters(0, 2);
    expect(run()).toBe(STOP.guestTrap);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
    // Virtual U-mode needs the guest's own permission.
    start('csrrs a0, time, zero', U);
    virtualization.setDirectCounters(0, 2);
    expect(run()).toBe(STOP.guestTrap);
    rig.hart.setCsr('scounteren', 2n);
    rig.step();
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
  });
});

describe('roots of a deprivileged guest', () => {
  it('change with the virtual privilege', () => {
    start('ld a0, 0(s0); sret; ld a0, 0(s0)');
    rig.machine.memory.write64(DATA_PA, 9n);
    rig.setX('s0', DATA);
    expect(run()).toBe(STOP.guestTrap);
    expect(rig.x('a0')).toBe(9n);
    rig.hart.setCsr('sepc', BigInt(RAM + 8));
    virtualization.sret(0);
    // What the kernel has in the TLB is of no use to the user.
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 13, tvalLow: DATA });
  });

  it('find their translations again, until their space is flushed', () => {
    start('loop: ld a0, 0(s0); addi a1, a1, 1; j loop');
    rig.setX('s0', DATA);
    const misses = () => rig.machine.counters(0).tlbMisses;
    rig.machine.run(0, rig.machine.clock.cycle + 1_000);
    const first = misses();
    const other = rig.table('sv39');
    other.identity(RAM, RAM + PAGE);
    other.map(DATA, DATA_PA + PAGE);
    virtualization.setRoot(0, S, kernel.root, 1);
    run();
    expect(misses()).toBe(first);
    virtualization.flushSpace(0, 1);
    run();
    expect(misses()).toBe(first + 2);
    virtualization.flushSpace(0, 7);
    virtualization.setRoot(0, S, kernel.root, 1);
    run();
    expect(misses()).toBe(first + 2);
    virtualization.setRoot(0, S, other.root, 7);
    rig.machine.memory.write64(DATA_PA + PAGE, 4n);
    run();
    expect(rig.x('a0')).toBe(4n);
  });

  it.each([
    ['a space', () => virtualization.flushSpace(0, 1)],
    ['a page', () => virtualization.flushPage(0, DATA_PA)],
    ['an address', () => virtualization.flushAddress(0, DATA, 0)],
    ['all', () => rig.machine.flushTranslations(0)],
  ])('are in the digest, until %s is flushed', (_, flush) => {
    start('ld a0, 0(s0)');
    rig.setX('s0', DATA);
    rig.step();
    const { hart } = rig;
    const before = hart.tlbDigest;
    flush();
    const after = hart.tlbDigest;
    expect(after).not.toBe(before);
    hart.forgetTlbDigest();
    expect(hart.tlbDigest).toBe(after);
  });

  it('have their misses counted by virtual privilege and access, and the first use of each entry once', () => {
    start('ld a0, 0(s0); sd a0, 0(s0); sfence.vma zero, zero');
    // Tables of the guest's own stand in its RAM: of one of a single page.
    const { memory, hostMemory } = rig.machine;
    const map = hostMemory.base + hostMemory.sizeBytes - firstUseMapBytes(memory.sizeBytes);
    const [root, middle, leaf] = [RAM + 16 * PAGE, RAM + 17 * PAGE, RAM + 18 * PAGE];
    const entry = (pa: number, flags: number) => (BigInt(pa / PAGE) << 10n) | BigInt(flags);
    memory.write64(root + 8, entry(middle, PTE.V));
    memory.write64(root + 16, entry(middle + PAGE, PTE.V));
    memory.write64(middle, entry(leaf, PTE.V));
    memory.write64(leaf, entry(DATA_PA, HOST_RWX));
    memory.write64(middle + PAGE, entry(leaf, PTE.V));
    memory.write64(leaf + 8, 0n);
    virtualization.setRoot(0, S, root, 3);
    virtualization.countFirstUses(0, map);
    rig.setX('s0', DATA);
    rig.hart.pc = BigInt(RAM);
    memory.write64(leaf, entry(RAM, HOST_RWX));
    const before = rig.machine.counters(0);
    rig.step();
    rig.step();
    const after = rig.machine.counters(0);
    expect(after.missesByKind.kernelLoad - before.missesByKind.kernelLoad).toBe(1);
    expect(after.missesByKind.kernelFetch - before.missesByKind.kernelFetch).toBe(1);
    expect(after.missesByKind.userLoad).toBe(before.missesByKind.userLoad);
    // Code and data are found by one entry.
    expect(after.kernelFirstUses - before.kernelFirstUses).toBe(1);
    const again = () => {
      rig.machine.flushTranslations(0);
      rig.hart.pc = BigInt(RAM);
      rig.step();
      return rig.machine.counters(0).kernelFirstUses - before.kernelFirstUses;
    };
    expect(again()).toBe(1);
    virtualization.forgetFirstUses(map, leaf, 1);
    expect(again()).toBe(2);
    virtualization.forgetFirstUses(map, leaf, 512);
    expect(again()).toBe(3);
  });

  it('go stale, as real ones do, until an address or page is flushed', () => {
    start('ld a0, 0(s0); ld a1, 0(s0); ld a2, 0(s0); ld a3, 0(s0)');
    const { memory } = rig.machine;
    memory.write64(DATA_PA, 1n);
    memory.write64(DATA_PA + PAGE, 2n);
    rig.setX('s0', DATA);
    rig.step();
    kernel.map(DATA, DATA_PA + PAGE);
    rig.step();
    virtualization.flushAddress(0, DATA, 0);
    rig.step();
    kernel.map(DATA, DATA_PA);
    virtualization.flushPage(0, DATA_PA + PAGE);
    rig.step();
    expect([rig.x('a0'), rig.x('a1'), rig.x('a2'), rig.x('a3')]).toEqual([1n, 1n, 2n, 1n]);
  });

  it('protect pages from writes', () => {
    start('ld a0, 0(s0); sd a1, 0(s0)');
    kernel.map(DATA, DATA_PA, HOST_RWX & ~(PTE.W | PTE.D));
    rig.setX('s0', DATA);
    rig.setX('a1', 7);
    expect(run()).toBe(STOP.guestTrap);
    expect(virtualization.guestTrap).toMatchObject({ cause: 15, tvalLow: DATA });
    kernel.map(DATA, DATA_PA);
    rig.step();
    expect(rig.machine.memory.read64(DATA_PA)).toBe(7n);
  });

  it('may stand in guest RAM, where walks set A and D', () => {
    start('ld a0, 0(s0)');
    const { hostMemory, memory } = rig.machine;
    const root = RAM + 0x10_0000;
    memory.writeBytes(root, new Uint8Array(PAGE));
    // One gigabyte page over RAM, and another over the data.
    hostMemory.writePte(root + 8 * 2, RAM / PAGE, HOST_RWX & ~(PTE.A | PTE.D));
    hostMemory.writePte(root + 8, RAM / PAGE, HOST_RWX);
    memory.write64(RAM + 0x30, 11n);
    virtualization.setRoot(0, S, root, 5);
    rig.setX('s0', DATA + 0x30);
    rig.step();
    expect(rig.x('a0')).toBe(11n);
    expect(hostMemory.pteFlags(root + 8 * 2) & (PTE.A | PTE.D)).toBe(PTE.A);
  });
});

describe('interrupts of a deprivileged guest', () => {
  it('stop exactly where its timer comes due, if it may take them', () => {
    start('loop: addi a0, a0, 1; j loop', S, { menvcfg: 1n << 63n, sie: 1n << 5n, sstatus: SIE });
    rig.hart.setCsr('stimecmp', rig.machine.clock.mtime + 5n);
    const due = rig.machine.nextTimerCycle();
    expect(rig.machine.run(0, due)).toBe(STOP.deadline);
    expect(rig.machine.clock.cycle).toBeGreaterThanOrEqual(due);
    expect(rig.machine.clock.cycle).toBeLessThan(due + 11);
    rig.machine.updateTimers();
    const before = visible();
    expect(run()).toBe(STOP.guestInterrupt);
    expect(rig.machine.lastInterruptCause).toBe(5);
    expect(visible()).toEqual(before);
    expect(virtualization.enterTrap(0, 5, 0, 0, true)).toBe(true);
    expect(rig.hart.csr('scause')).toBe((1n << 63n) | 5n);
  });

  it('wait while the guest has them off', () => {
    start('loop: addi a0, a0, 1; j loop', S, { sie: 1n << 9n });
    rig.machine.setPending(0, 9, true);
    expect(run()).toBe(STOP.deadline);
    // In virtual U-mode SIE means nothing.
    rig.hart.privilege = U;
    expect(run()).toBe(STOP.guestInterrupt);
  });
});

describe('the state of a virtualized hart', () => {
  it('holds what the host has set, and tables are part of the memory digest', () => {
    start('nop');
    const state = () => plainStateOf(rig.hart).virtualization;
    expect(state()).toMatchObject({ kind: VIRTUALIZATION.deprivileged, supervisorSpace: 1, userSpace: 2 });
    const before = [state(), rig.machine.memoryDigest()];
    virtualization.setRoot(0, U, kernel.root, 2);
    kernel.map(DATA, DATA_PA + PAGE);
    expect(state()).not.toEqual(before[0]);
    expect(rig.machine.memoryDigest()).not.toBe(before[1]);
    kernel.map(DATA, DATA_PA);
    expect(rig.machine.memoryDigest()).toBe(before[1]);
    virtualization.start(0, VIRTUALIZATION.none);
    expect(state()).toBeUndefined();
  });
});
