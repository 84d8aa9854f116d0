/** Deadlines and interrupts at every instruction of translated loops, on both tiers in step. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { IRQ } from '../../../src/machine/bus.ts';
import { LockstepMachine } from '../../../src/machine/lockstep-machine.ts';
import { PRIVILEGE, STOP } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { RAM } from '../../support/machine-rig.ts';
import { EAGER_CONFIG } from '../../support/program-runner.ts';

const HANDLER = RAM + 0x8000;
const DATA = RAM + 0x1_0000;
/** Longest turn in cycles: each loop below is gone through a few times in it. */
const TURN_MAX = 600;

/** Loops without end; every instruction is some deadline's next. */
const LOOPS: Readonly<Record<string, string>> = {
  'one instruction': 'loop: j loop',
  arithmetic: 'loop: add a0, a0, a1; mul a2, a0, a1; div a3, a2, a1; xor a1, a1, a3; addi a1, a1, 1; j loop',
  branches: `loop: andi t0, a0, 3; addi a0, a0, 1; beq t0, zero, one; andi t1, a0, 4; bne t1, zero, two; sub a1, a1, a0; j loop
     one: addi a2, a2, 3; j loop; two: xor a3, a3, a2; j loop`,
  'nested loops': `loop: li s1, 3; inner: addi a0, a0, 1; li s2, 2; deep: addi a1, a1, 1; addi s2, s2, -1; bne s2, zero, deep
     addi s1, s1, -1; bne s1, zero, inner; j loop`,
  memory:
    'loop: ld a0, 0(s0); addi a0, a0, 1; sd a0, 8(s0); lb a1, 3(s0); sh a1, 17(s0); lw a2, 13(s0); sd a2, 0(s0); j loop',
  'calls in the page': 'loop: jal ra, f; addi a1, a1, 1; jal ra, f; j loop; f: addi a0, a0, 1; xor a2, a2, a0; ret',
  'a call of another page':
    'loop: jal ra, f; addi a1, a1, 1; j loop; .org 0x80001ffc; f: addi a0, a0, 1; xor a2, a2, a0; ret',
  atomics:
    'loop: amoadd.d a0, a1, (s0); lr.w a2, zero, (s0); addi a2, a2, 1; sc.w a3, a2, (s0); amomax.w a4, a2, (s0); j loop',
  'counter reads': `loop: csrrs a0, cycle, zero; li s1, 4; inner: addi a1, a1, 1; addi s1, s1, -1; bne s1, zero, inner
     csrrs a2, instret, zero; add a3, a3, a0; add a3, a3, a2; j loop`,
  'a trap in the loop': 'loop: addi a0, a0, 1; .word 0; addi a1, a1, 1; ecall; xor a2, a2, a0; j loop',
  'two ways in':
    'beq a0, zero, middle; loop: addi a0, a0, 1; middle: addi a1, a1, 1; blt a1, zero, loop; xor a2, a2, a1; j loop',
  'a waiting loop': 'loop: addi a0, a0, 1; wfi; addi a1, a1, 1; j loop',
};

const HANDLE = `csrrs t5, mcause, zero; blt t5, zero, irq; csrrs t6, mepc, zero; addi t6, t6, 4; csrrw zero, mepc, t6; mret
  irq: addi s8, s8, 1; mret`;

function machineOf(source: string): LockstepMachine {
  const machine = new LockstepMachine(EAGER_CONFIG);
  machine.memory.writeBytes(RAM, assemble(source, RAM).bytes);
  machine.memory.writeBytes(HANDLER, assemble(HANDLE, HANDLER).bytes);
  machine.reset(0, { pc: BigInt(RAM), a0: 1n, a1: 3n, privilege: PRIVILEGE.M });
  const hart = must(machine.harts[0], 'hart');
  hart.setX(8, BigInt(DATA));
  hart.setCsr('mtvec', BigInt(HANDLER));
  hart.setCsr('mie', 0xaaan);
  hart.setCsr('mstatus', 8n);
  return machine;
}

/** Runs for a number of cycles, over whatever stops it. */
function runFor(machine: LockstepMachine, cycles: number, onInterrupt: () => void): void {
  const until = machine.clock.cycle + cycles;
  while (machine.clock.cycle < until) {
    const stop = machine.run(0, until);
    if (stop === STOP.interruptTaken) onInterrupt();
  }
}

describe.each(Object.entries(LOOPS))('in a loop of %s', (_name, source) => {
  it('a deadline falls on every instruction', () => {
    const machine = machineOf(source);
    for (let cycles = 1; cycles <= TURN_MAX; cycles++) runFor(machine, cycles, () => {});
    expect(machine.regionCounts.regions).toBeGreaterThan(0);
    machine.memoryDigest();
  });

  it('an interrupt is taken at every instruction', () => {
    const machine = machineOf(source);
    const places = new Set<bigint>();
    let taken = 0;
    for (let cycles = 1; cycles <= TURN_MAX; cycles++) {
      runFor(machine, cycles, () => {});
      machine.setPending(0, IRQ.MEIP, true);
      runFor(machine, TURN_MAX - cycles + 500, () => {
        taken++;
        places.add(must(machine.harts[0], 'hart').csr('mepc'));
        machine.setPending(0, IRQ.MEIP, false);
      });
    }
    expect(machine.regionCounts.regions).toBeGreaterThan(0);
    expect(taken).toBe(TURN_MAX);
    expect(must(machine.harts[0], 'hart').x(24)).toBe(BigInt(TURN_MAX));
    // A loop of one instruction has one place; in all others they are spread.
    expect(places.size).toBeGreaterThanOrEqual(source === LOOPS['one instruction'] ? 1 : 3);
    machine.memoryDigest();
  });
});
