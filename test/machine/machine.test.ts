/** The machine's own interface: configuration, devices, clock, timers, state; what a caller may get wrong. */

import { describe, expect, it } from 'vitest';
import { AssertionError, must } from '../../src/assert.ts';
import type { MmioDevice } from '../../src/machine/bus.ts';
import { IRQ } from '../../src/machine/bus.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, RAM, TEST_CORE } from '../support/machine-rig.ts';

const COST = TEST_CORE.cycles;
const DEVICE = 0x1000_0000;

interface Touch {
  readonly offset: number;
  readonly size: number;
  readonly value?: number | bigint;
}

/** A device that notes each access, reads `answer`, and calls `onWrite`. */
function probe(over: Partial<MmioDevice> = {}, answer = 0xf1, onWrite: () => void = () => {}) {
  const touches: Touch[] = [];
  const device: MmioDevice = {
    name: 'probe',
    base: DEVICE,
    sizeBytes: 0x100,
    read: (offset, size) => {
      touches.push({ offset, size });
      return answer;
    },
    write: (offset, size, value) => {
      touches.push({ offset, size, value });
      onWrite();
    },
    registerName: () => undefined,
    writeState: () => {},
    ...over,
  };
  return { device, touches };
}

function withDevice(device: MmioDevice) {
  const rig = new MachineRig();
  rig.machine.attach(device);
  const run = (source: string) => {
    rig.load(source);
    rig.start();
    rig.setX('s0', DEVICE);
    return rig.machine.run(0, rig.machine.clock.cycle + 100_000);
  };
  return { rig, run };
}

describe('configuration', () => {
  it.each([
    { hartCount: 0 },
    { hartCount: 9 },
    { hartCount: 1.5 },
    { memoryBytes: 0 },
    { memoryBytes: PAGE + 1 },
    { memoryBytes: -PAGE },
    { memoryBytes: Number.NaN },
    { memoryBytes: 3 * 2 ** 30 + PAGE },
  ])('%o is refused with a code', (options) => {
    expect(() => new MachineRig(options)).toThrow(expect.objectContaining({ code: 'usage.option' }));
  });

  it.each([{ tlbEntries: 1 }, { tlbEntries: 24 }, { tlbEntries: 2048 }, { walkReferenceCycles: -1 }])(
    'of a core that the engine cannot model is a bug of the caller: %o',
    (wrong) => {
      expect(() => new MachineRig({ core: { ...TEST_CORE, ...wrong } })).toThrow(AssertionError);
    },
  );

  it('of a class that takes no time is one too: no deadline would come', () => {
    const core = { ...TEST_CORE, cycles: { ...TEST_CORE.cycles, alu: 0 } };
    expect(() => new MachineRig({ core })).toThrow(AssertionError);
  });

  it('takes every published core, one page of RAM, and eight harts', () => {
    for (const core of Object.values(CORE_PROFILES)) new MachineRig({ core });
    const rig = new MachineRig({ hartCount: 8, memoryBytes: 2 * PAGE });
    rig.load('addi a0, a0, 1; ebreak');
    for (let hart = 0; hart < 8; hart++) {
      rig.start({}, hart);
      expect(rig.runToTrap(hart).cause).toBe(3n);
      expect([rig.x('a0', hart), rig.hartOf(hart).csr('mhartid')]).toEqual([1n, BigInt(hart)]);
    }
  });
});

describe('run', () => {
  const rig = new MachineRig();

  it.each([-1, 0, -(2 ** 60), Number.NEGATIVE_INFINITY])('until cycle %d does nothing', (until) => {
    rig.load('here: j here');
    rig.start();
    const before = plainStateOf(rig.hart);
    expect(rig.machine.run(0, until)).toBe(STOP.deadline);
    expect(plainStateOf(rig.hart)).toEqual(before);
  });

  it.each([Number.NaN, 10.5])('until cycle %d is a bug of the caller', (until) => {
    expect(() => rig.machine.run(0, until)).toThrow(AssertionError);
  });

  it.each([Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 2 ** 60])(
    'until cycle %d goes on to another stop',
    (until) => {
      rig.load('li a0, 1000; loop: addi a0, a0, -1; bne a0, zero, loop; wfi');
      rig.start();
      expect(rig.machine.run(0, until)).toBe(STOP.wfi);
    },
  );

  it('goes over the most that the engine runs at once', () => {
    const slow = new MachineRig({ core: { ...TEST_CORE, cycles: { ...TEST_CORE.cycles, alu: 255, jump: 255 } } });
    slow.load('here: addi a0, a0, 1; j here');
    slow.start();
    slow.machine.charge(2 ** 40);
    const until = slow.machine.clock.cycle + 600_000_001;
    expect(slow.machine.run(0, until)).toBe(STOP.deadline);
    expect(slow.machine.clock.cycle).toBe(2 ** 40 + Math.ceil(600_000_001 / 255) * 255);
  });

  it('of a hart that does not exist is a bug of the caller', () => {
    expect(() => rig.machine.run(1, 100)).toThrow(AssertionError);
  });
});

describe('device accesses', () => {
  it('stop before they are made, and retire when they are', () => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    expect(run('lw a0, 4(s0); ebreak')).toBe(STOP.mmio);
    const { cycle, icount } = rig.machine.clock;
    const { access } = rig.machine;
    expect([access.device, access.gpa, access.size, access.write, access.value]).toEqual([
      device,
      DEVICE + 4,
      4,
      false,
      0n,
    ]);
    expect(touches).toEqual([]);
    expect(rig.hart.pc).toBe(BigInt(RAM));
    // Without performing it, the same access comes again.
    expect(rig.machine.run(0, cycle + 100)).toBe(STOP.mmio);
    expect(rig.machine.clock.cycle).toBe(cycle);
    rig.machine.performAccess();
    expect(rig.machine.access.value).toBe(0xf1n);
    expect(touches).toEqual([{ offset: 4, size: 4 }]);
    expect(rig.x('a0')).toBe(0xf1n);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
    expect(rig.machine.clock.icount).toBe(icount + 1);
    expect(rig.machine.clock.cycle).toBe(cycle + COST.load);
  });

  it.each([
    ['lb', 1, 0xffff_ffff_ffff_fff1n, COST.loadNarrow],
    ['lbu', 1, 0xf1n, COST.loadNarrow],
    ['lh', 2, 0xf1n, COST.loadNarrow],
    ['lwu', 4, 0xf1n, COST.load],
  ] as const)('%s reads %i bytes and extends them', (name, size, value, cycles) => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    run(`${name} a0, 0(s0)`);
    const { cycle } = rig.machine.clock;
    rig.machine.performAccess();
    expect([touches, rig.x('a0'), rig.machine.clock.cycle - cycle]).toEqual([[{ offset: 0, size }], value, cycles]);
  });

  it('of eight bytes reach the device in two halves, low first, or as it likes', () => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    run('ld a0, 8(s0); sd a0, 16(s0)');
    rig.machine.performAccess();
    expect(rig.machine.access.value).toBe(0xf1_0000_00f1n);
    rig.machine.run(0, rig.machine.clock.cycle + 100);
    rig.machine.performAccess();
    expect(touches).toEqual([
      { offset: 8, size: 4 },
      { offset: 12, size: 4 },
      { offset: 16, size: 4, value: 0xf1 },
      { offset: 20, size: 4, value: 0xf1 },
    ]);
    const seen: bigint[] = [];
    const whole = probe({ read64: () => 2n ** 64n - 1n, write64: (_offset, value) => void seen.push(value) });
    const other = withDevice(whole.device);
    other.run('ld a0, 8(s0); sd a0, 16(s0)');
    other.rig.machine.performAccess();
    other.rig.machine.run(0, other.rig.machine.clock.cycle + 100);
    other.rig.machine.performAccess();
    expect(seen).toEqual([2n ** 64n - 1n]);
    expect(whole.touches).toEqual([]);
  });

  it('write what the width holds', () => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    run('li a0, -1; sb a0, 1(s0); sh a0, 2(s0); sw a0, 4(s0)');
    for (let access = 0; access < 3; access++) {
      rig.machine.performAccess();
      rig.machine.run(0, rig.machine.clock.cycle + 100);
    }
    expect(touches).toEqual([
      { offset: 1, size: 1, value: 0xff },
      { offset: 2, size: 2, value: 0xffff },
      { offset: 4, size: 4, value: 0xffff_ffff },
    ]);
  });

  it('of compressed instructions go on 2 bytes further; a load to x0 is made and dropped', () => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    // c.lw a0, 0(s0)
    run('.half 0x4008; lw zero, 0(s0)');
    rig.machine.performAccess();
    expect(rig.hart.pc).toBe(BigInt(RAM + 2));
    expect(rig.machine.run(0, rig.machine.clock.cycle + 100)).toBe(STOP.mmio);
    rig.machine.performAccess();
    expect(rig.x('zero')).toBe(0n);
    expect(touches.length).toBe(2);
  });

  it('outside of every device, at its edge, and misaligned are access faults', () => {
    const { device, touches } = probe();
    const { rig, run } = withDevice(device);
    for (const [source, cause, offset] of [
      ['lw a0, -4(s0)', 5n, -4],
      ['lw a0, 0x100(s0)', 5n, 0x100],
      ['sw a0, 0x100(s0)', 7n, 0x100],
      ['lw a0, 0xfe(s0)', 5n, 0xfe],
      ['lw a0, 1(s0)', 5n, 1],
      ['sd a0, 4(s0)', 7n, 4],
    ] as const) {
      run(source);
      expect([source, rig.hart.csr('mcause'), rig.hart.csr('mtval')]).toEqual([source, cause, BigInt(DEVICE + offset)]);
    }
    expect(touches).toEqual([]);
  });

  it('survive a device that writes over the instruction', () => {
    const clear = { now: () => {} };
    const { device } = probe({}, 0, () => clear.now());
    const { rig, run } = withDevice(device);
    clear.now = () => rig.machine.memory.writeBytes(RAM, new Uint8Array(PAGE));
    expect(run('sw a0, 0(s0); ebreak')).toBe(STOP.mmio);
    const { cycle } = rig.machine.clock;
    rig.machine.performAccess();
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
    expect(rig.machine.clock.cycle).toBe(cycle + COST.store);
    // What stands there now is executed.
    expect(rig.runToTrap()).toMatchObject({ cause: 2n, epc: BigInt(RAM + 4) });
  });

  it('survive a host that writes over the instruction before it performs them', () => {
    const { device } = probe();
    const { rig, run } = withDevice(device);
    run('lw a0, 0(s0); ebreak');
    rig.machine.memory.write32(RAM, 0);
    rig.machine.performAccess();
    expect(rig.machine.access.value).toBe(0xf1n);
    expect(rig.x('a0')).toBe(0xf1n);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
  });

  it('need devices that overlap nothing', () => {
    const { rig } = withDevice(probe().device);
    const at = (base: number, sizeBytes: number) => probe({ base, sizeBytes }).device;
    expect(() => rig.machine.attach(at(DEVICE + 0xff, 1))).toThrow(AssertionError);
    expect(() => rig.machine.attach(at(RAM - 1, 2))).toThrow(AssertionError);
    expect(() => rig.machine.attach(at(RAM + rig.machine.config.memoryBytes - 1, 2))).toThrow(AssertionError);
    rig.machine.attach(at(DEVICE + 0x100, 0x100));
    rig.machine.attach(at(RAM - 1, 1));
    expect(rig.machine.devices.length).toBe(3);
  });
});

describe('clock and timers', () => {
  it('counters read by the host are those of now', () => {
    const rig = new MachineRig();
    rig.load('nop; nop; nop; ebreak');
    rig.start();
    rig.machine.charge(1_000);
    rig.step();
    rig.step();
    const { hart, machine } = rig;
    expect(hart.csr('mcycle')).toBe(BigInt(machine.clock.cycle));
    expect(hart.csr('cycle')).toBe(1_002n);
    expect(hart.csr('time')).toBe(machine.clock.mtime);
    expect(hart.csr('minstret')).toBe(2n);
    expect(hart.csr('instret')).toBe(2n);
    hart.setCsr('minstret', 100n);
    hart.setCsr('mcycle', 7n);
    expect([hart.csr('minstret'), hart.csr('mcycle')]).toEqual([100n, 7n]);
    rig.step();
    expect([hart.csr('minstret'), hart.csr('mcycle')]).toEqual([101n, 8n]);
  });

  it('stimecmp drives STIP while the comparator is on, and no longer', () => {
    const rig = new MachineRig({ hartCount: 2 });
    const { machine } = rig;
    const stip = (hart: number) => (rig.hartOf(hart).csr('mip') >> BigInt(IRQ.STIP)) & 1n;
    rig.start({}, 0);
    rig.start({}, 1);
    rig.hartOf(0).setCsr('menvcfg', 1n << 63n);
    expect(machine.nextTimerCycle()).toBe(Number.POSITIVE_INFINITY);
    rig.hartOf(0).setCsr('stimecmp', 5n);
    rig.hartOf(1).setCsr('stimecmp', 3n);
    // The other hart's comparator is off.
    expect(machine.nextTimerCycle()).toBe(5 * TEST_CORE.cyclesPerTick);
    rig.hartOf(1).setCsr('menvcfg', 1n << 63n);
    expect(machine.nextTimerCycle()).toBe(3 * TEST_CORE.cyclesPerTick);
    machine.charge(4 * TEST_CORE.cyclesPerTick);
    machine.updateTimers();
    expect([stip(0), stip(1)]).toEqual([0n, 1n]);
    expect(machine.nextTimerCycle()).toBe(5 * TEST_CORE.cyclesPerTick);
    machine.charge(TEST_CORE.cyclesPerTick);
    machine.updateTimers();
    expect([stip(0), stip(1)]).toEqual([1n, 1n]);
    rig.hartOf(0).setCsr('stimecmp', 100n);
    rig.hartOf(1).setCsr('menvcfg', 0n);
    machine.updateTimers();
    expect([stip(0), stip(1)]).toEqual([0n, 0n]);
  });

  it('writes to stimecmp and menvcfg stop, so that the host can look', () => {
    const rig = new MachineRig();
    rig.load('csrrw zero, menvcfg, a0; csrrw zero, stimecmp, a1; ebreak');
    rig.start();
    rig.setX('a0', 1n << 63n);
    rig.setX('a1', 9);
    expect(rig.machine.run(0, 10_000)).toBe(STOP.timerChanged);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
    expect(rig.machine.run(0, 10_000)).toBe(STOP.timerChanged);
    expect(rig.machine.nextTimerCycle()).toBe(9 * TEST_CORE.cyclesPerTick);
    expect(rig.runToTrap().cause).toBe(3n);
  });

  it('cycles of ticks beyond what a number holds are never', () => {
    const { machine } = new MachineRig();
    expect(machine.cycleOfMtime(3n)).toBe(3 * TEST_CORE.cyclesPerTick);
    expect(machine.cycleOfMtime(2n ** 64n - 1n)).toBe(Number.POSITIVE_INFINITY);
  });

  it('charges nothing that is not a count', () => {
    const { machine } = new MachineRig();
    for (const cycles of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => machine.charge(cycles)).toThrow(AssertionError);
    machine.charge(0);
    expect(machine.clock.cycle).toBe(0);
  });
});

describe('guest memory', () => {
  const rig = new MachineRig();
  const { memory } = rig.machine;
  const end = RAM + rig.machine.config.memoryBytes;

  it('contains what lies in RAM, for any number', () => {
    expect(memory.contains(RAM, 0)).toBe(true);
    expect(memory.contains(RAM, end - RAM)).toBe(true);
    expect(memory.contains(end, 0)).toBe(true);
    for (const [pa, length] of [
      [RAM - 1, 1],
      [end, 1],
      [RAM, end - RAM + 1],
      [RAM, -1],
      [RAM + 0.5, 1],
      [Number.NaN, 1],
      [RAM, Number.NaN],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
      [Number.POSITIVE_INFINITY, 1],
    ] as const) {
      expect([pa, length, memory.contains(pa, length)]).toEqual([pa, length, false]);
    }
  });

  it('refuses what lies outside as a bug of the caller, and writes nothing', () => {
    expect(() => memory.read8(RAM - 1)).toThrow(AssertionError);
    expect(() => memory.read64(end - 7)).toThrow(AssertionError);
    memory.write32(end - 4, 7);
    expect(() => memory.write64(end - 4, 1n)).toThrow(AssertionError);
    expect(() => memory.writeBytes(end - 4, new Uint8Array(5))).toThrow(AssertionError);
    expect(memory.read32(end - 4)).toBe(7);
  });

  it('reads what was written, at any alignment, and gives copies', () => {
    memory.write64(RAM + 3, 0x1122_3344_5566_7788n);
    expect(memory.read8(RAM + 3)).toBe(0x88);
    expect(memory.read16(RAM + 4)).toBe(0x6677);
    expect(memory.read32(RAM + 7)).toBe(0x1122_3344);
    const copy = memory.readBytes(RAM + 3, 8);
    memory.write8(RAM + 3, 0);
    expect(copy[0]).toBe(0x88);
    memory.writeBytes(RAM + PAGE - 2, Uint8Array.of(1, 2, 3, 4));
    expect(memory.read32(RAM + PAGE - 2)).toBe(0x0403_0201);
    memory.writeBytes(end, new Uint8Array(0));
  });

  it('has a digest of its contents alone', () => {
    const [a, b] = [new MachineRig(), new MachineRig()];
    expect(a.machine.memoryDigest()).toBe(b.machine.memoryDigest());
    const empty = a.machine.memoryDigest();
    a.machine.memory.write8(RAM + 5 * PAGE, 1);
    const one = a.machine.memoryDigest();
    expect(one).not.toBe(empty);
    // The same byte in another page, another byte in the same page.
    b.machine.memory.write8(RAM + 6 * PAGE, 1);
    expect(b.machine.memoryDigest()).not.toBe(one);
    b.machine.memory.write8(RAM + 6 * PAGE, 0);
    b.machine.memory.write8(RAM + 5 * PAGE, 1);
    expect(b.machine.memoryDigest()).toBe(one);
    b.machine.memory.write8(RAM + 5 * PAGE, 0);
    expect(b.machine.memoryDigest()).toBe(empty);
  });

  it('has a digest that sees every store of a guest, also right after a digest', () => {
    rig.load('sd a0, 0(s0); sd a0, 0(s0); amoadd.d a0, a1, (s0); sd a1, -4(s0); ebreak');
    rig.start();
    rig.setX('s0', RAM + 8 * PAGE);
    rig.setX('a1', 3);
    const seen = new Set([rig.machine.memoryDigest()]);
    for (const a0 of [1, 2, 2, 3]) {
      rig.setX('a0', a0);
      rig.step();
      seen.add(rig.machine.memoryDigest());
    }
    expect(seen.size).toBe(5);
  });
});

describe('state of a hart', () => {
  it('is plain data that an equal run gives again', () => {
    const states = [0, 1].map(() => {
      const rig = new MachineRig();
      rig.load('addi a0, a0, 5; csrrw zero, mscratch, a0; ebreak');
      rig.start();
      rig.runToTrap();
      return plainStateOf(rig.hart);
    });
    expect(states[0]).toEqual(states[1]);
    expect(structuredClone(states[0])).toEqual(states[0]);
    expect(must(states[0], 'state')).toMatchObject({ id: 0, privilege: PRIVILEGE.M, retired: 3 });
  });

  it('has registers as unsigned 64-bit values, and x0 always 0', () => {
    const { hart } = new MachineRig();
    hart.setX(5, -1n);
    hart.setX(0, 5n);
    expect([hart.x(5), hart.xLow(5), hart.x(0)]).toEqual([2n ** 64n - 1n, 0xffff_ffff, 0n]);
    hart.pc = -2n;
    expect(hart.pc).toBe(2n ** 64n - 2n);
  });

  it('knows its CSRs by name only', () => {
    const { hart } = new MachineRig();
    expect(() => hart.csr('nothing')).toThrow(AssertionError);
    expect(() => hart.setCsr('fcsr', 0n)).toThrow(AssertionError);
    expect(hart.csr('misa').toString(16)).toBe('8000000000141105');
  });

  it('after a reset is as new, but for clock and counters', () => {
    const rig = new MachineRig();
    rig.load('csrrw zero, mscratch, a0; csrrsi zero, mstatus, 8; ebreak');
    rig.start();
    rig.setX('a0', 77);
    rig.runToTrap();
    rig.machine.reset(0, { pc: 4n, a0: 1n, a1: 2n, privilege: PRIVILEGE.S });
    const { hart } = rig;
    expect([hart.pc, hart.privilege, hart.x(10), hart.x(11), hart.csr('mscratch')]).toEqual([4n, 1, 1n, 2n, 0n]);
    expect(hart.csr('mstatus')).toBe((2n << 32n) | (2n << 34n));
    expect([hart.csr('satp'), hart.csr('mie'), hart.csr('sie')]).toEqual([0n, 0n, 0n]);
    expect(hart.retired).toBe(3);
  });
});
