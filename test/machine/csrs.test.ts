/** Control and status registers: access by privilege, WARL fields, counters (Privileged ISA chapters 2, 3.1 and 12.1; Sstc). */
import { describe, expect, it } from 'vitest';
import { CSR_FAMILIES, CSR_NUMBERS, csrName } from '../../src/machine/csr-numbers.ts';
import { PRIVILEGE } from '../../src/machine/machine-types.ts';
import { MachineRig, RAM, TEST_CORE } from '../support/machine-rig.ts';

const COST = TEST_CORE.cycles;
const { M, S, U } = PRIVILEGE;
const ALL = 2n ** 64n - 1n;
const ILLEGAL = 2n;
const PASSED = 3n;
const STCE = 1n << 63n;

const rig = new MachineRig();
const NUMBERS: readonly (readonly [string, number])[] = [
  ...Object.entries(CSR_NUMBERS),
  ...Object.entries(CSR_FAMILIES),
];
/** All that lets lower modes reach a register. */
const OPEN = { mcounteren: ALL, scounteren: ALL, menvcfg: STCE };

const causeOf = (source: string, privilege: 0 | 1 | 3, csrs: Readonly<Record<string, bigint>> = OPEN) => {
  rig.load(`${source}; ebreak`);
  rig.start({ privilege, csrs });
  return rig.runToTrap().cause;
};
const readable = (name: string, privilege: 0 | 1 | 3, csrs?: Readonly<Record<string, bigint>>) =>
  causeOf(`csrrs a0, ${name}, zero`, privilege, csrs) === PASSED;

describe('access', () => {
  it('needs the privilege that the number says, and write access is not for read-only numbers', () => {
    for (const [name, number] of NUMBERS) {
      const lowest = (number >> 8) & 3;
      const isReadOnly = number >> 10 === 3;
      for (const privilege of [U, S, M] as const) {
        const reads = privilege >= lowest;
        expect([name, privilege, readable(name, privilege)]).toEqual([name, privilege, reads]);
        // Set and clear with x0 or 0 do not write; a write of x0 does.
        for (const [source, writes] of [
          [`csrrc a0, ${name}, zero`, false],
          [`csrrsi a0, ${name}, 0`, false],
          [`csrrci a0, ${name}, 0`, false],
          [`csrrs a0, ${name}, a1`, true],
          [`csrrci a0, ${name}, 1`, true],
        ] as const) {
          // Writes that would change what this test stands on.
          if (writes && /^(satp|pmp.*|[ms]tvec|[ms]status)$/.test(name)) continue;
          const passes = reads && !(writes && isReadOnly);
          expect([source, privilege, causeOf(source, privilege) === PASSED]).toEqual([source, privilege, passes]);
        }
      }
    }
  });

  it('to a write of x0 into a read-only register is illegal', () => {
    for (const source of ['csrrw a0, cycle, zero', 'csrrwi a0, mhartid, 0']) expect(causeOf(source, M)).toBe(ILLEGAL);
  });

  it('to registers that are not there is illegal, in every mode', () => {
    let missing = 0;
    for (let number = 0; number < 0x1000; number += 7) {
      if (csrName(number) !== undefined) continue;
      missing++;
      expect([number, causeOf(`csrrs a0, ${number}, zero`, M)]).toEqual([number, ILLEGAL]);
    }
    expect(missing).toBeGreaterThan(500);
    // Floating point, vectors, the hypervisor extension, debug, RV32 halves.
    for (const number of [0x001, 0x003, 0x008, 0x200, 0x600, 0x7a0, 0x7b0, 0xc80, 0x310, 0x3a1]) {
      expect([number, causeOf(`csrrs a0, ${number}, zero`, M)]).toEqual([number, ILLEGAL]);
    }
  });

  it('that is illegal changes nothing', () => {
    rig.load('csrrw a0, mscratch, a1');
    rig.start({ privilege: S, csrs: { mscratch: 5n } });
    rig.setX('a0', 1);
    rig.setX('a1', 2);
    expect(rig.runToTrap()).toMatchObject({ cause: ILLEGAL, tval: 0x3405_9573n });
    expect([rig.x('a0'), rig.hart.csr('mscratch')]).toEqual([1n, 5n]);
  });
});

describe('counters', () => {
  it.each([
    ['cycle', 0],
    ['time', 1],
    ['instret', 2],
    ['hpmcounter3', 3],
    ['hpmcounter31', 31],
  ])('%s needs bit %i of mcounteren for S, and of scounteren for U', (name, index) => {
    const bit = 1n << BigInt(index);
    const others = 0xffff_ffffn & ~bit;
    expect(readable(name, S, { mcounteren: bit })).toBe(true);
    expect(readable(name, S, { mcounteren: others, scounteren: ALL })).toBe(false);
    expect(readable(name, U, { mcounteren: bit, scounteren: bit })).toBe(true);
    expect(readable(name, U, { mcounteren: bit, scounteren: others })).toBe(false);
    expect(readable(name, U, { mcounteren: others, scounteren: bit })).toBe(false);
    expect(readable(name, M, { mcounteren: 0n })).toBe(true);
  });

  it('stimecmp needs TM and STCE for S, nothing for M', () => {
    expect(readable('stimecmp', S, { mcounteren: 2n, menvcfg: STCE })).toBe(true);
    expect(readable('stimecmp', S, { mcounteren: 2n, menvcfg: 0n })).toBe(false);
    expect(readable('stimecmp', S, { mcounteren: 5n, menvcfg: STCE })).toBe(false);
    expect(readable('stimecmp', M, {})).toBe(true);
    expect(readable('stimecmp', U, OPEN)).toBe(false);
  });

  it('are exact in the middle of a run', () => {
    rig.load(`
      csrrs a0, mcycle, zero; csrrs a1, minstret, zero
      addi t0, zero, 1; mul t1, t0, t0
      csrrs a2, cycle, zero; csrrs a3, instret, zero; csrrs a4, time, zero
      ebreak
    `);
    rig.start();
    const begin = rig.machine.clock.cycle;
    const { retired } = rig.hart;
    rig.runToTrap();
    expect(rig.x('a0')).toBe(BigInt(begin));
    expect(rig.x('a1')).toBe(BigInt(retired + 1));
    expect(rig.x('a2')).toBe(BigInt(begin + 2 * COST.csr + COST.alu + COST.mul));
    expect(rig.x('a3')).toBe(BigInt(retired + 5));
    expect(rig.x('a4')).toBe(
      BigInt(Math.floor((begin + 4 * COST.csr + COST.alu + COST.mul) / TEST_CORE.cyclesPerTick)),
    );
  });

  it('can be written by M, and go on from there', () => {
    rig.load(`
      csrrw zero, minstret, a0; csrrs a1, minstret, zero; csrrs a2, instret, zero
      csrrw zero, mcycle, a0; csrrs a3, mcycle, zero; csrrs a4, cycle, zero
      csrrsi a5, minstret, 0; ebreak
    `);
    rig.start();
    rig.setX('a0', 1_000);
    rig.runToTrap();
    // The write itself does not count, as the specification has it for minstret.
    expect([rig.x('a1'), rig.x('a2'), rig.x('a5')]).toEqual([1_000n, 1_001n, 1_005n]);
    expect([rig.x('a3'), rig.x('a4')]).toEqual([BigInt(1_000 + COST.csr), BigInt(1_000 + 2 * COST.csr)]);
  });

  it('for performance read zero and ignore writes', () => {
    rig.start();
    for (const name of ['mhpmcounter3', 'mhpmcounter31', 'mhpmevent3', 'mcountinhibit']) {
      rig.hart.setCsr(name, ALL);
      expect([name, rig.hart.csr(name)]).toEqual([name, 0n]);
    }
  });
});

describe('fields', () => {
  const written = (name: string, value: bigint, before = 0n) => {
    rig.start();
    rig.hart.setCsr(name, before);
    rig.hart.setCsr(name, value);
    return rig.hart.csr(name);
  };
  const WIDTHS = (2n << 32n) | (2n << 34n);

  it.each([
    ['mstatus', WIDTHS | 0x7e_19aan],
    ['sstatus', (2n << 32n) | 0xc_0122n],
    ['misa', 0x8000_0000_0014_1105n],
    ['medeleg', 0xb3ffn],
    ['mideleg', 0x222n],
    ['mie', 0xaaan],
    ['mip', 0x222n],
    ['mepc', ALL - 1n],
    ['sepc', ALL - 1n],
    ['mscratch', ALL],
    ['sscratch', ALL],
    ['mcause', ALL],
    ['mtval', ALL],
    ['stval', ALL],
    ['mcounteren', 0xffff_ffffn],
    ['scounteren', 0xffff_ffffn],
    ['menvcfg', STCE | 1n],
    ['senvcfg', 1n],
    ['stimecmp', ALL],
    ['mvendorid', 0n],
    ['marchid', 0n],
    ['mimpid', 0n],
    ['mconfigptr', 0n],
    ['mhartid', 0n],
  ])('of %s keep what is legal of all ones', (name, value) => {
    expect(written(name, ALL).toString(16)).toBe(value.toString(16));
  });

  it('MPP never holds the reserved mode', () => {
    for (const before of [0n, 1n, 3n]) {
      expect((written('mstatus', 2n << 11n, before << 11n) >> 11n) & 3n).toBe(before);
    }
  });

  it('sstatus is a view of mstatus', () => {
    rig.start();
    const { hart } = rig;
    hart.setCsr('mstatus', 0x7e_19aan);
    hart.setCsr('sstatus', 0n);
    expect(hart.csr('mstatus')).toBe(WIDTHS | (0x7e_19aan & ~0xc_0122n));
  });

  it('the mode of a handler is direct or vectored', () => {
    for (const name of ['mtvec', 'stvec']) {
      expect(written(name, 0x8000_0001n)).toBe(0x8000_0001n);
      expect(written(name, 0x8000_0002n, 0x1234_0000n)).toBe(0x1234_0000n);
      expect(written(name, 0x8000_0003n, 0x1234_0001n)).toBe(0x1234_0001n);
    }
  });

  it('satp takes bare, Sv39, Sv48 and Sv57 only, and has no ASID', () => {
    for (let mode = 0n; mode < 16n; mode++) {
      const value = (mode << 60n) | 0x123n;
      const before = (8n << 60n) | 0x456n;
      const isLegal = mode === 0n || (mode >= 8n && mode <= 10n);
      expect([mode, written('satp', value, before)]).toEqual([mode, isLegal ? value : before]);
    }
    expect(written('satp', (8n << 60n) | (0xffffn << 44n) | 5n)).toBe((8n << 60n) | 5n);
  });

  it('STIP is the comparator once STCE is set', () => {
    rig.start();
    const { hart } = rig;
    hart.setCsr('mip', 1n << 5n);
    hart.setCsr('menvcfg', STCE);
    expect(hart.csr('mip')).toBe(0n);
    hart.setCsr('mip', 1n << 5n);
    expect(hart.csr('mip')).toBe(0n);
  });
});

describe('csr instructions', () => {
  it('give the old value and write, set or clear', () => {
    rig.load(`
      csrrw a0, mscratch, s0; csrrs a1, mscratch, s1; csrrc a2, mscratch, s2
      csrrwi a3, mscratch, 21; csrrsi a4, mscratch, 10; csrrci a5, mscratch, 3; csrrs a6, mscratch, zero; ebreak
    `);
    rig.start({ csrs: { mscratch: 7n } });
    rig.setX('s0', 0xf0);
    rig.setX('s1', 0x0f);
    rig.setX('s2', 0x18);
    rig.runToTrap();
    const values = (['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'] as const).map((name) => rig.x(name));
    expect(values).toEqual([7n, 0xf0n, 0xffn, 0xe7n, 21n, 31n, 28n]);
  });

  it('may swap a register with itself', () => {
    rig.load('csrrw a0, mscratch, a0; ebreak');
    rig.start({ csrs: { mscratch: 7n } });
    rig.setX('a0', 9);
    rig.runToTrap();
    expect([rig.x('a0'), rig.hart.csr('mscratch')]).toEqual([7n, 9n]);
  });

  it('set with a register that holds zero writes: pending bits of wires do not become software bits', () => {
    // A write, even of nothing, is refused where the register is read-only.
    rig.load('csrrs a0, cycle, a1');
    rig.start();
    expect(rig.runToTrap()).toMatchObject({ cause: ILLEGAL, epc: BigInt(RAM) });
  });
});
