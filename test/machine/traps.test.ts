/** Trap entry and return, delegation, interrupts and their priorities, privileged instructions (Privileged ISA 3.1.6 to 3.1.9, 3.3, 12.1). */
import { beforeEach, describe, expect, it } from 'vitest';
import { IRQ } from '../../src/machine/bus.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { MachineRig, PAGE, RAM } from '../support/machine-rig.ts';

const { M, S, U } = PRIVILEGE;
const bit = (index: number) => 1n << BigInt(index);
const STATUS = {
  SIE: bit(1),
  MIE: bit(3),
  SPIE: bit(5),
  MPIE: bit(7),
  SPP: bit(8),
  MPP_S: bit(11),
  MPP_M: 3n << 11n,
  MPRV: bit(17),
  TVM: bit(20),
  TW: bit(21),
  TSR: bit(22),
} as const;
/** UXL and SXL, which always read 2. */
const WIDTHS = (2n << 32n) | (2n << 34n);
const INTERRUPT = bit(63);
/** Where S-mode traps go in these tests. */
const HANDLER = RAM + 0x2000;
const ILLEGAL = 2n;

const rig = new MachineRig();
beforeEach(() => {
  rig.load('here: j here', HANDLER);
});

/** Steps until S-mode is in its handler or M in the halting one. */
function trapOf(source: string, privilege: 0 | 1 | 3, csrs: Record<string, bigint> = {}) {
  rig.load(source);
  rig.start({ privilege, csrs: { stvec: BigInt(HANDLER), ...csrs } });
  for (let step = 0; step < 100; step++) {
    rig.step();
    if (rig.hart.pc === BigInt(rig.halt) || rig.hart.pc === BigInt(HANDLER)) return rig.hart;
  }
  throw new Error(`no trap; pc 0x${rig.hart.pc.toString(16)}`);
}

describe('exceptions', () => {
  it.each([
    ['ecall', U, 8n],
    ['ecall', S, 9n],
    ['ecall', M, 11n],
    ['ebreak', U, 3n],
    ['.half 0x9002', U, 3n],
    ['.word 0xffffffff', U, ILLEGAL],
  ] as const)('%s from mode %i has cause %i', (source, privilege, cause) => {
    const hart = trapOf(`nop; ${source}`, privilege);
    expect(hart.privilege).toBe(M);
    expect(hart.csr('mcause')).toBe(cause);
    expect(hart.csr('mepc')).toBe(BigInt(RAM + 4));
    expect(hart.csr('mtval')).toBe(cause === ILLEGAL ? 0xffff_ffffn : 0n);
    expect(hart.csr('mstatus')).toBe(WIDTHS | (BigInt(privilege) << 11n));
  });

  it('save and clear the interrupt enable of the mode that they enter', () => {
    for (const enabled of [0n, STATUS.MIE]) {
      const hart = trapOf('ecall', M, { mstatus: enabled | STATUS.SIE });
      const saved = enabled === 0n ? 0n : STATUS.MPIE;
      expect(hart.csr('mstatus')).toBe(WIDTHS | STATUS.SIE | STATUS.MPP_M | saved);
    }
    for (const enabled of [0n, STATUS.SIE]) {
      const hart = trapOf('ecall', U, { mstatus: enabled | STATUS.MIE | STATUS.SPP, medeleg: bit(8) });
      const saved = enabled === 0n ? 0n : STATUS.SPIE;
      expect(hart.csr('mstatus')).toBe(WIDTHS | STATUS.MIE | saved);
    }
  });

  it('are delegated from S and U, never from M', () => {
    for (const privilege of [U, S] as const) {
      const hart = trapOf('nop; ebreak', privilege, { medeleg: bit(3) });
      expect(hart.privilege).toBe(S);
      expect(hart.csr('scause')).toBe(3n);
      expect(hart.csr('sepc')).toBe(BigInt(RAM + 4));
      expect(hart.csr('sstatus') & STATUS.SPP).toBe(privilege === S ? STATUS.SPP : 0n);
      expect(hart.csr('mcause')).toBe(0n);
    }
    expect(trapOf('ebreak', M, { medeleg: bit(3) }).csr('mcause')).toBe(3n);
    expect(trapOf('ecall', U, { medeleg: ~bit(8) }).csr('mcause')).toBe(8n);
  });

  it('report the instruction that is illegal, compressed or not', () => {
    for (const [source, tval] of [
      ['.half 0', 0n],
      ['.half 0x8002', 0x8002n],
      ['.half 0x2000', 0x2000n],
      ['.word 0x0000007f', 0x7fn],
      ['csrrw zero, mscratch, a0', 0x3405_1073n],
      ['csrrw zero, 0x7c0, a0', 0x7c05_1073n],
    ] as const) {
      const hart = trapOf(source, U);
      expect([source, hart.csr('mcause'), hart.csr('mtval')]).toEqual([source, ILLEGAL, tval]);
    }
  });

  it('go to the base of a vectored handler', () => {
    rig.load('ebreak');
    rig.start({ csrs: { mtvec: BigInt(HANDLER + 1) } });
    rig.step();
    expect(rig.hart.pc).toBe(BigInt(HANDLER));
  });
});

describe('returns', () => {
  it('mret goes to MPP with MPIE, and leaves U and 1 behind', () => {
    for (const [mpp, privilege] of [
      [0n, U],
      [STATUS.MPP_S, S],
      [STATUS.MPP_M, M],
    ] as const) {
      for (const saved of [0n, STATUS.MPIE]) {
        rig.load('mret');
        rig.start({ csrs: { mepc: BigInt(HANDLER), mstatus: mpp | saved | STATUS.MPRV } });
        rig.openMemory();
        rig.step();
        expect(rig.hart.privilege).toBe(privilege);
        expect(rig.hart.pc).toBe(BigInt(HANDLER));
        const mprv = privilege === M ? STATUS.MPRV : 0n;
        expect(rig.hart.csr('mstatus')).toBe(WIDTHS | STATUS.MPIE | mprv | (saved === 0n ? 0n : STATUS.MIE));
      }
    }
  });

  it('sret goes to SPP with SPIE, from S and from M', () => {
    for (const from of [S, M] as const) {
      for (const [spp, privilege] of [
        [0n, U],
        [STATUS.SPP, S],
      ] as const) {
        rig.load('sret');
        rig.start({ privilege: from, csrs: { sepc: BigInt(HANDLER), mstatus: spp | STATUS.SPIE | STATUS.MPRV } });
        rig.openMemory();
        rig.step();
        expect([from, rig.hart.privilege]).toEqual([from, privilege]);
        expect(rig.hart.csr('mstatus')).toBe(WIDTHS | STATUS.SPIE | STATUS.SIE);
      }
    }
  });

  it('retire', () => {
    rig.load('mret');
    rig.start({ csrs: { mepc: BigInt(HANDLER), mstatus: STATUS.MPP_M } });
    const { retired } = rig.hart;
    rig.step();
    expect(rig.hart.retired).toBe(retired + 1);
  });

  it.each([
    ['mret', S, 0n],
    ['mret', U, 0n],
    ['sret', U, 0n],
    ['sret', S, STATUS.TSR],
    ['wfi', U, 0n],
    ['wfi', S, STATUS.TW],
    ['sfence.vma zero, zero', U, 0n],
    ['sfence.vma zero, zero', S, STATUS.TVM],
    ['sfence.vma a0, a1', S, STATUS.TVM],
    ['csrrs a0, satp, zero', S, STATUS.TVM],
    ['csrrw zero, satp, zero', S, STATUS.TVM],
  ] as const)('%s from mode %i is illegal with mstatus %i', (source, privilege, mstatus) => {
    const hart = trapOf(source, privilege, { mstatus });
    expect(hart.csr('mcause')).toBe(ILLEGAL);
    expect(hart.csr('mtval')).not.toBe(0n);
    expect(hart.csr('mepc')).toBe(BigInt(RAM));
    // M is not bound by TVM, TW and TSR.
    const free = trapOf(`${source}; ecall`, M, { mstatus: mstatus | STATUS.MPP_M, mepc: BigInt(HANDLER) });
    expect(free.csr('mcause')).not.toBe(ILLEGAL);
  });

  it('and fences are allowed to S without those bits', () => {
    expect(trapOf('wfi; sfence.vma zero, zero; csrrs a0, satp, zero; ecall', S).csr('mcause')).toBe(9n);
  });
});

describe('interrupts', () => {
  const PRIORITY = ['MEIP', 'MSIP', 'MTIP', 'SEIP', 'SSIP', 'STIP'] as const;
  const enabledAll = Object.values(IRQ).reduce((sum, index) => sum | bit(index), 0n);

  /** Takes one interrupt in M-mode with these pending, or none. */
  const taken = (pending: readonly (keyof typeof IRQ)[], csrs: Record<string, bigint>, privilege: 0 | 1 | 3 = M) => {
    rig.load('nop; nop; nop; nop');
    rig.start({ privilege, csrs: { stvec: BigInt(HANDLER), ...csrs } });
    for (const name of pending) rig.machine.setPending(0, IRQ[name], true);
    const stop = rig.machine.run(0, rig.machine.clock.cycle + 1);
    return stop === STOP.interruptTaken ? rig.machine.lastInterruptCause : undefined;
  };

  it('are taken in their order, whatever their number', () => {
    for (let first = 0; first < PRIORITY.length; first++) {
      const pending = PRIORITY.slice(first);
      const cause = taken([...pending].reverse(), { mie: enabledAll, mstatus: STATUS.MIE });
      expect(cause).toBe(IRQ[pending[0] ?? 'MEIP']);
      expect(rig.hart.csr('mcause')).toBe(INTERRUPT | BigInt(cause ?? 0));
      expect(rig.hart.csr('mepc')).toBe(BigInt(RAM));
      expect(rig.hart.csr('mtval')).toBe(0n);
      expect(rig.hart.privilege).toBe(M);
    }
  });

  it('of M come before delegated ones', () => {
    const csrs = { mie: enabledAll, mideleg: enabledAll, mstatus: STATUS.SIE };
    expect(taken(['SEIP', 'MTIP'], csrs, S)).toBe(IRQ.MTIP);
    expect(rig.hart.privilege).toBe(M);
    expect(taken(['SEIP', 'STIP'], csrs, S)).toBe(IRQ.SEIP);
    expect(rig.hart.privilege).toBe(S);
    expect(rig.hart.csr('scause')).toBe(INTERRUPT | 9n);
  });

  it('need their enable, and the global one of their mode unless a lower mode runs', () => {
    expect(taken(['MTIP'], { mie: 0n, mstatus: STATUS.MIE })).toBeUndefined();
    expect(taken(['MTIP'], { mie: enabledAll, mstatus: 0n })).toBeUndefined();
    expect(taken(['MTIP'], { mie: enabledAll, mstatus: 0n }, S)).toBe(IRQ.MTIP);
    expect(taken(['MTIP'], { mie: enabledAll, mstatus: 0n }, U)).toBe(IRQ.MTIP);
    const delegated = { mie: enabledAll, mideleg: enabledAll };
    expect(taken(['STIP'], { ...delegated, mstatus: 0n }, S)).toBeUndefined();
    expect(taken(['STIP'], { ...delegated, mstatus: 0n }, U)).toBe(IRQ.STIP);
    expect(taken(['STIP'], { ...delegated, mstatus: STATUS.SIE }, S)).toBe(IRQ.STIP);
    // A delegated interrupt never goes up.
    expect(taken(['STIP'], { ...delegated, mstatus: STATUS.MIE | STATUS.SIE }, M)).toBeUndefined();
  });

  it('of M cannot be delegated', () => {
    rig.start({ csrs: { mideleg: 2n ** 64n - 1n } });
    expect(rig.hart.csr('mideleg')).toBe(bit(1) | bit(5) | bit(9));
  });

  it('go to their place in a vectored handler', () => {
    expect(taken(['MTIP'], { mie: enabledAll, mstatus: STATUS.MIE, mtvec: BigInt(HANDLER + 1) })).toBe(IRQ.MTIP);
    expect(rig.hart.pc).toBe(BigInt(HANDLER + 4 * IRQ.MTIP));
    const csrs = { mie: enabledAll, mideleg: enabledAll, stvec: BigInt(HANDLER + 1) };
    expect(taken(['SEIP'], csrs, U)).toBe(IRQ.SEIP);
    expect(rig.hart.pc).toBe(BigInt(HANDLER + 4 * IRQ.SEIP));
  });

  it('save the instruction that comes next and retire nothing', () => {
    rig.load('nop; nop');
    rig.start({ csrs: { mie: enabledAll, mstatus: STATUS.MIE } });
    rig.step();
    rig.machine.setPending(0, IRQ.MTIP, true);
    const { retired } = rig.hart;
    rig.step();
    expect(rig.hart.csr('mepc')).toBe(BigInt(RAM + 4));
    expect(rig.hart.retired).toBe(retired);
    // Inside of the handler the interrupt is off.
    rig.step();
    expect(rig.hart.pc).toBe(BigInt(rig.halt + 4));
  });

  it.each([
    ['csrrs zero, mie, a0', {}, STATUS.MIE],
    ['csrrsi zero, mstatus, 8', { mie: bit(7) }, 0n],
    ['mret', { mie: bit(7), mepc: BigInt(RAM + 4) }, STATUS.MPIE | STATUS.MPP_M],
  ] as const)('come right after %s has let them', (source, csrs, mstatus) => {
    rig.load(`${source}; nop; nop`);
    rig.start({ csrs: { ...csrs, mstatus } });
    rig.machine.setPending(0, IRQ.MTIP, true);
    rig.setX('a0', bit(7));
    expect(rig.machine.run(0, rig.machine.clock.cycle + 10_000)).toBe(STOP.interruptTaken);
    expect(rig.hart.csr('mepc')).toBe(BigInt(RAM + 4));
  });

  it('of software come right after the write that makes them pending', () => {
    rig.load('csrrsi zero, mip, 2; nop');
    rig.start({ csrs: { mie: bit(1), mstatus: STATUS.MIE } });
    expect(rig.machine.run(0, rig.machine.clock.cycle + 10_000)).toBe(STOP.interruptTaken);
    expect(rig.hart.csr('mepc')).toBe(BigInt(RAM + 4));
  });

  it('wake by mie alone', () => {
    rig.start({ csrs: { mie: bit(7) } });
    expect(rig.machine.wakePending(0)).toBe(false);
    expect(rig.machine.canWake(0)).toBe(true);
    rig.machine.setPending(0, IRQ.MSIP, true);
    expect(rig.machine.wakePending(0)).toBe(false);
    rig.machine.setPending(0, IRQ.MTIP, true);
    expect(rig.machine.wakePending(0)).toBe(true);
    rig.machine.setPending(0, IRQ.MTIP, false);
    rig.hart.setCsr('mie', bit(1));
    rig.machine.setPending(0, IRQ.SSIP, true);
    expect(rig.machine.wakePending(0)).toBe(true);
    rig.hart.setCsr('mie', 0n);
    expect(rig.machine.canWake(0)).toBe(false);
  });
});

describe('pending bits', () => {
  it('that software holds and wires are joined, and only software ones can be written', () => {
    rig.start();
    const { hart, machine } = rig;
    hart.setCsr('mip', 2n ** 64n - 1n);
    expect(hart.csr('mip')).toBe(bit(1) | bit(5) | bit(9));
    hart.setCsr('mip', 0n);
    for (const name of ['MSIP', 'MTIP', 'MEIP', 'SEIP'] as const) machine.setPending(0, IRQ[name], true);
    expect(hart.csr('mip')).toBe(bit(3) | bit(7) | bit(11) | bit(9));
    hart.setCsr('mip', 0n);
    expect(hart.csr('mip')).toBe(bit(3) | bit(7) | bit(11) | bit(9));
  });

  it('of SEIP: set and clear do not take the wire for the software bit (3.1.9)', () => {
    rig.load('csrrs a0, mip, a1; csrrs a2, mip, zero; ebreak');
    rig.start();
    rig.machine.setPending(0, IRQ.SEIP, true);
    rig.setX('a1', bit(1));
    rig.runToTrap();
    expect(rig.x('a0')).toBe(bit(9));
    expect(rig.x('a2')).toBe(bit(9) | bit(1));
    rig.machine.setPending(0, IRQ.SEIP, false);
    expect(rig.hart.csr('mip')).toBe(bit(1));
  });

  it('in sip and sie are those that are delegated', () => {
    rig.start({ csrs: { mideleg: bit(1) | bit(5), mie: 2n ** 64n - 1n, mip: bit(1) | bit(5) | bit(9) } });
    const { hart } = rig;
    expect(hart.csr('mie')).toBe(bit(1) | bit(3) | bit(5) | bit(7) | bit(9) | bit(11));
    expect(hart.csr('sie')).toBe(bit(1) | bit(5));
    expect(hart.csr('sip')).toBe(bit(1) | bit(5));
    hart.setCsr('sie', 0n);
    expect(hart.csr('mie')).toBe(bit(3) | bit(7) | bit(9) | bit(11));
    // Of sip only SSIP can be written.
    hart.setCsr('sip', 0n);
    expect(hart.csr('mip')).toBe(bit(5) | bit(9));
    hart.setCsr('mideleg', 0n);
    hart.setCsr('sip', bit(1));
    expect(hart.csr('mip')).toBe(bit(5) | bit(9));
  });

  it('of SSIP that the host sets can be cleared by the guest', () => {
    rig.load('csrrci zero, sip, 2; ecall');
    rig.start({ privilege: S, csrs: { mideleg: bit(1) } });
    rig.machine.setPending(0, IRQ.SSIP, true);
    expect(rig.hart.csr('sip')).toBe(bit(1));
    rig.runToTrap();
    expect(rig.hart.csr('sip')).toBe(0n);
  });
});

describe('stops', () => {
  it('ecall from S comes back where it is served by the host, and retires when it is', () => {
    const served = new MachineRig({ supervisorCallsStop: true });
    served.load('addi a0, a0, 1; ecall; addi a0, a0, 1; ebreak');
    served.start({ privilege: S, csrs: { medeleg: bit(9) } });
    expect(served.machine.run(0, 10_000)).toBe(STOP.supervisorCall);
    const { cycle, icount } = served.machine.clock;
    expect(served.hart.pc).toBe(BigInt(RAM + 4));
    expect(served.hart.retired).toBe(1);
    served.machine.retireCall(0);
    expect(served.hart.pc).toBe(BigInt(RAM + 8));
    expect(served.machine.clock.icount).toBe(icount + 1);
    expect(served.machine.clock.cycle).toBe(cycle + served.machine.config.core.cycles.system);
    expect(served.runToTrap().cause).toBe(3n);
    expect(served.x('a0')).toBe(2n);
    // From the other modes it traps.
    served.load('ecall');
    served.start({ privilege: U });
    expect(served.runToTrap().cause).toBe(8n);
    served.start({ privilege: M });
    expect(served.runToTrap().cause).toBe(11n);
  });

  it('wfi retires', () => {
    rig.load('wfi; ebreak');
    rig.start();
    const { retired } = rig.hart;
    expect(rig.machine.run(0, rig.machine.clock.cycle + 1_000)).toBe(STOP.wfi);
    expect(rig.hart.retired).toBe(retired + 1);
    expect(rig.hart.pc).toBe(BigInt(RAM + 4));
  });

  it('a handler that cannot be fetched is stuck, and stays so', () => {
    rig.load('ecall');
    for (const mtvec of [0n, 0x1000_0000n, 2n ** 64n - 4n]) {
      rig.start({ csrs: { mtvec } });
      const { cycle } = rig.machine.clock;
      expect(rig.machine.run(0, cycle + 1_000_000)).toBe(STOP.stuck);
      expect(rig.machine.run(0, cycle + 1_000_000)).toBe(STOP.stuck);
      expect(rig.hart.pc).toBe(mtvec);
    }
    // Of S too, where translation is on and maps nothing.
    rig.load('ecall');
    rig.start({ privilege: S, csrs: { medeleg: 0xffffn, stvec: 0x4000_0000n } });
    expect(rig.machine.run(0, rig.machine.clock.cycle + 1_000_000)).toBe(STOP.stuck);
  });

  it('a handler that traps into itself goes on to its deadline', () => {
    rig.load('.word 0', HANDLER);
    rig.load('ecall');
    rig.start({ csrs: { mtvec: BigInt(HANDLER) } });
    const until = rig.machine.clock.cycle + 100_000;
    expect(rig.machine.run(0, until)).toBe(STOP.deadline);
    expect(rig.machine.clock.cycle).toBeGreaterThanOrEqual(until);
    expect(rig.hart.csr('mepc')).toBe(BigInt(HANDLER));
  });

  it('a write to tohost stops after it has retired, whatever its width', () => {
    const watching = new MachineRig();
    const tohost = RAM + 0x9000;
    watching.machine.watchTohost(tohost);
    for (const [source, value] of [
      ['sd a0, 0(s0)', 0x1_0000_0003n],
      ['sw a0, 0(s0)', 3n],
      ['sb a0, 0(s0)', 3n],
    ] as const) {
      watching.machine.memory.write64(tohost, 0n);
      watching.load(`ld a1, 0(s0); sd zero, 0(s0); sd a0, 8(s0); ${source}; nop`);
      watching.start();
      watching.setX('s0', tohost);
      watching.setX('a0', 0x1_0000_0003n);
      const { retired } = watching.hart;
      const { cycle } = watching.machine.clock;
      expect(watching.machine.run(0, cycle + 100_000)).toBe(STOP.tohost);
      expect(watching.machine.tohost).toBe(value);
      expect(watching.hart.retired).toBe(retired + 4);
      expect(watching.hart.pc).toBe(BigInt(RAM + 16));
      const { load, store } = watching.machine.config.core.cycles;
      expect(watching.machine.clock.cycle).toBe(cycle + load + 3 * store);
      expect(watching.step()).toBe(1);
    }
  });

  it('a write to tohost stops even where the page was written before it was watched', () => {
    const watching = new MachineRig();
    const tohost = RAM + 0x9000;
    watching.load('sd a0, 0(s0); sd a0, 0(s0); sd a0, 0(s0)');
    watching.start();
    watching.setX('s0', tohost);
    watching.setX('a0', 1);
    watching.step();
    watching.step();
    watching.machine.watchTohost(tohost);
    expect(watching.machine.run(0, watching.machine.clock.cycle + 100_000)).toBe(STOP.tohost);
    expect(watching.hart.pc).toBe(BigInt(RAM + 12));
  });

  it('a page that holds code and tohost works as both', () => {
    const both = new MachineRig();
    both.machine.watchTohost(RAM + PAGE - 8);
    both.load('sd a0, 0(s0); nop; sd a1, 0(s0)');
    both.start();
    both.setX('s0', RAM + PAGE - 8);
    both.setX('a1', 1);
    expect(both.machine.run(0, 100_000)).toBe(STOP.tohost);
    expect(both.hart.pc).toBe(BigInt(RAM + 12));
  });
});
