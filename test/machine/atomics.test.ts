/** Atomics and reservations (Unprivileged ISA, chapter 14). */
import { describe, expect, it } from 'vitest';
import type { MmioDevice } from '../../src/machine/bus.ts';
import { MachineRig, RAM } from '../support/machine-rig.ts';

const DATA = RAM + 0x8000;
const U64 = (value: bigint) => BigInt.asUintN(64, value);
const PASSED = 3n;

/** New value by operation: on signed and unsigned values of the width. */
const OPERATIONS: Readonly<Record<string, (old: bigint, operand: bigint, bits: number) => bigint>> = {
  amoswap: (_old, operand) => operand,
  amoadd: (old, operand) => old + operand,
  amoxor: (old, operand) => old ^ operand,
  amoand: (old, operand) => old & operand,
  amoor: (old, operand) => old | operand,
  amomin: (old, operand, bits) => (BigInt.asIntN(bits, old) < BigInt.asIntN(bits, operand) ? old : operand),
  amomax: (old, operand, bits) => (BigInt.asIntN(bits, old) > BigInt.asIntN(bits, operand) ? old : operand),
  amominu: (old, operand, bits) => (BigInt.asUintN(bits, old) < BigInt.asUintN(bits, operand) ? old : operand),
  amomaxu: (old, operand, bits) => (BigInt.asUintN(bits, old) > BigInt.asUintN(bits, operand) ? old : operand),
};
const VALUES = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, (1n << 63n) - 1n, 2n ** 64n - 1n];

describe('AMOs', () => {
  const rig = new MachineRig();

  it.each(
    Object.keys(OPERATIONS).flatMap((name) => [[`${name}.w`, name, 32] as const, [`${name}.d`, name, 64] as const]),
  )('%s', (mnemonic, name, bits) => {
    rig.load(`${mnemonic} a0, a1, (s0); ebreak`);
    for (const old of VALUES) {
      for (const operand of VALUES) {
        rig.machine.memory.write64(DATA, old);
        rig.start();
        rig.setX('s0', DATA);
        rig.setX('a1', operand);
        rig.step();
        const value = BigInt.asUintN(bits, OPERATIONS[name]?.(old, operand, bits) ?? 0n);
        // A 32-bit one leaves the other half as it was.
        const expected = bits === 32 ? (old & ~0xffff_ffffn) | value : value;
        expect([old, operand, rig.x('a0')]).toEqual([old, operand, U64(BigInt.asIntN(bits, old))]);
        expect([old, operand, rig.machine.memory.read64(DATA)]).toEqual([old, operand, expected]);
      }
    }
  });

  it('may have the address or the operand as destination', () => {
    rig.machine.memory.write64(DATA, 5n);
    rig.load('amoadd.d s0, a1, (s0); ebreak');
    rig.start();
    rig.setX('s0', DATA);
    rig.setX('a1', 7);
    rig.runToTrap();
    expect([rig.x('s0'), rig.machine.memory.read64(DATA)]).toEqual([5n, 12n]);
    rig.load('amoadd.d a1, a1, (s0); amoadd.d zero, a1, (s0); ebreak');
    rig.start();
    rig.setX('s0', DATA);
    rig.setX('a1', 7);
    rig.runToTrap();
    expect([rig.x('a1'), rig.machine.memory.read64(DATA)]).toEqual([12n, 31n]);
  });

  it.each([
    ['amoadd.w a0, a1, (s0)', 2, 6n],
    ['amoadd.d a0, a1, (s0)', 4, 6n],
    ['lr.w a0, zero, (s0)', 1, 4n],
    ['lr.d a0, zero, (s0)', 4, 4n],
    ['sc.w a0, a1, (s0)', 2, 6n],
    ['sc.d a0, a1, (s0)', 1, 6n],
  ])('%s misaligned by %i is refused even where loads are not', (source, by, cause) => {
    rig.load(source);
    rig.start();
    rig.setX('s0', DATA + by);
    expect(rig.runToTrap()).toMatchObject({ cause, tval: BigInt(DATA + by), epc: BigInt(RAM) });
    expect(rig.machine.memory.read64(DATA)).toBe(31n);
  });

  it('of devices and of nothing are access faults', () => {
    const withDevice = new MachineRig();
    const touched: number[] = [];
    const device: MmioDevice = {
      name: 'probe',
      base: 0x1000_0000,
      sizeBytes: 4096,
      read: (offset) => touched.push(offset),
      write: (offset) => void touched.push(offset),
      registerName: () => undefined,
      writeState: () => {},
    };
    withDevice.machine.attach(device);
    for (const [source, cause] of [
      ['amoadd.w a0, a1, (s0)', 7n],
      ['lr.w a0, zero, (s0)', 5n],
      ['sc.w a0, a1, (s0)', 7n],
    ] as const) {
      for (const address of [device.base, 0x2000_0000]) {
        withDevice.load(source);
        withDevice.start();
        withDevice.setX('s0', address);
        expect(withDevice.runToTrap()).toMatchObject({ cause, tval: BigInt(address) });
      }
    }
    expect(touched).toEqual([]);
  });
});

describe('reservations', () => {
  const rig = new MachineRig({ hartCount: 2 });

  /** Runs `source` on hart 0 in M-mode with s0 = DATA; gives a0. */
  const resultOf = (source: string) => {
    rig.machine.memory.write64(DATA, 0x1_8000_0000n);
    rig.load(source);
    rig.start();
    rig.setX('s0', DATA);
    rig.setX('a1', 77);
    expect(rig.runToTrap().cause).toBe(PASSED);
    return rig.x('a0');
  };

  it('make SC succeed once', () => {
    expect(resultOf('lr.d a2, zero, (s0); sc.d a0, a1, (s0); sc.d a3, a1, (s0); ebreak')).toBe(0n);
    expect(rig.x('a2')).toBe(0x1_8000_0000n);
    expect(rig.x('a3')).toBe(1n);
    expect(rig.machine.memory.read64(DATA)).toBe(77n);
  });

  it('are of 32 bits too, with sign', () => {
    expect(resultOf('lr.w a2, zero, (s0); sc.w a0, a1, (s0); ebreak')).toBe(0n);
    expect(rig.x('a2')).toBe(0xffff_ffff_8000_0000n);
    expect(rig.machine.memory.read64(DATA)).toBe(0x1_0000_004dn);
  });

  it('fail for another address, and without LR, and store nothing', () => {
    expect(resultOf('lr.d a2, zero, (s0); addi s1, s0, 8; sc.d a0, a1, (s1); ebreak')).toBe(1n);
    expect(resultOf('sc.d a0, a1, (s0); ebreak')).toBe(1n);
    expect(rig.machine.memory.read64(DATA)).toBe(0x1_8000_0000n);
    // The failed SC has ended the reservation.
    expect(resultOf('lr.d a2, zero, (s0); addi s1, s0, 8; sc.d a3, a1, (s1); sc.d a0, a1, (s0); ebreak')).toBe(1n);
  });

  it('end when another hart has had its turn', () => {
    rig.load('lr.d a2, zero, (s0); sc.d a0, a1, (s0); ebreak');
    rig.load('nop; j 0x80001000', RAM + 0x1000);
    rig.start({ pc: RAM + 0x1000 }, 1);
    for (const other of [false, true]) {
      rig.start();
      rig.setX('s0', DATA);
      rig.step(0);
      if (other) rig.step(1);
      rig.step(0);
      expect(rig.x('a0')).toBe(other ? 1n : 0n);
    }
  });

  it('end when the host writes to memory, whatever it writes', () => {
    rig.load('lr.d a2, zero, (s0); sc.d a0, a1, (s0); ebreak');
    const { memory } = rig.machine;
    const writes = [
      () => memory.write8(DATA, 1),
      () => memory.write16(DATA, 1),
      () => memory.write32(DATA, 1),
      () => memory.write64(DATA, 1n),
      () => memory.writeBytes(DATA, Uint8Array.of(1)),
    ];
    for (const write of writes) {
      rig.start();
      rig.setX('s0', DATA);
      rig.step();
      write();
      rig.step();
      expect(rig.x('a0')).toBe(1n);
    }
    rig.start();
    rig.setX('s0', DATA);
    rig.step();
    memory.readBytes(DATA, 8);
    rig.step();
    expect(rig.x('a0')).toBe(0n);
  });

  it('survive a deadline in between', () => {
    rig.load('lr.d a2, zero, (s0); nop; nop; sc.d a0, a1, (s0); ebreak');
    rig.start();
    rig.setX('s0', DATA);
    for (let step = 0; step < 4; step++) rig.step();
    expect(rig.x('a0')).toBe(0n);
  });
});
