/** The machine that is two: what is done to it is done to both, devices are asked once, and a difference is told well. */

import { describe, expect, it } from 'vitest';
import { AssertionError, must } from '../../src/assert.ts';
import { createMachine, ENGINE_CHOICES } from '../../src/machine/create-machine.ts';
import { op } from '../../src/machine/engine/expr.ts';
import { LockstepMachine } from '../../src/machine/lockstep-machine.ts';
import type { MachineConfig } from '../../src/machine/machine-types.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { assemble } from '../support/assembler.ts';
import { RAM, TEST_CORE } from '../support/machine-rig.ts';
import { mutatedWriter } from '../support/mutations.ts';
import { GUEST } from '../support/program-generator.ts';
import { countingDevice, EAGER } from '../support/program-runner.ts';

const CONFIG: MachineConfig = {
  hartCount: 2,
  memoryBytes: 1 << 20,
  core: TEST_CORE,
  misaligned: 'hardware',
  adUpdate: 'hardware',
  supervisorCallsStop: true,
  translator: EAGER,
};

function load(machine: LockstepMachine, source: string): LockstepMachine {
  machine.memory.writeBytes(RAM, assemble(source, RAM).bytes);
  for (const { id } of machine.harts) {
    machine.reset(id, { pc: BigInt(RAM), a0: BigInt(id), a1: 0n, privilege: PRIVILEGE.S });
  }
  return machine;
}

const hartOf = (machine: LockstepMachine, id = 0) => must(machine.harts[id], 'hart');

describe('two tiers in step', () => {
  it('are one of the choices', () => {
    expect(ENGINE_CHOICES).toEqual(['interpreter', 'translator', 'both']);
    expect(createMachine(CONFIG, 'both')).toBeInstanceOf(LockstepMachine);
  });

  it('ask a device once for each access', () => {
    const machine = load(
      new LockstepMachine(CONFIG),
      `li t0, ${GUEST.device}; loop: lw a0, 0(t0); sw a0, 8(t0); j loop`,
    );
    const device = countingDevice();
    machine.attach(device);
    expect(machine.devices).toEqual([device]);
    for (let access = 0; access < 20; access++) {
      expect(machine.run(0, Number.POSITIVE_INFINITY)).toBe(STOP.mmio);
      expect(machine.access.gpa).toBe(GUEST.device + (access % 2) * 8);
      machine.performAccess();
    }
    expect(plainStateOf(device)).toEqual({ reads: 10 });
  });

  it('see what the host does to registers, memory, interrupts and time', () => {
    const machine = load(
      new LockstepMachine(CONFIG),
      'loop: addi a2, a2, 1; add a3, a3, s1; ld a4, 0(s0); xor a5, a5, a4; j loop',
    );
    for (const [index, hart] of machine.harts.entries()) {
      hart.setX(8, BigInt(GUEST.data));
      hart.setX(9, 5n);
      hart.setCsr('sscratch', 7n);
      hart.setCsr('stvec', BigInt(RAM));
      hart.setCsr('mie', 0x222n);
      machine.run(index, machine.clock.cycle + 500);
      machine.memory.write64(GUEST.data, 0x1234n);
      machine.memory.write8(GUEST.data + 1, 7);
      machine.memory.write16(GUEST.data + 2, 8);
      machine.memory.write32(GUEST.data + 4, 9);
      machine.charge(1000);
      machine.flushTranslations(index);
      hart.pc = BigInt(RAM);
      hart.privilege = PRIVILEGE.U;
      machine.setPending(index, 5, true);
      hart.setCsr('stimecmp', 3n);
      machine.updateTimers();
      machine.run(index, machine.clock.cycle + 500);
    }
    expect(machine.clock.cycle).toBeGreaterThanOrEqual(2000);
    expect(machine.memoryDigest()).toBe(machine.memoryDigest());
  });

  it('are told apart by registers, clocks and code, as an error of this program', () => {
    const { write } = mutatedWriter({
      expr: (e) => (e.kind === 'op' && e.op === 'xor' ? op('or', ...e.args) : undefined),
    });
    const machine = load(new LockstepMachine(CONFIG, write), 'loop: addi a2, a2, 1; xor a3, a3, a2; j loop');
    const run = () => machine.run(1, 10_000);
    expect(run).toThrow(AssertionError);
    expect(run).toThrow(/the engine tiers differ/);
    const message = (() => {
      try {
        return String(run());
      } catch (error) {
        return String(error);
      }
    })();
    expect(message).toMatch(/hart 1 a3: 0x[0-9a-f]+ \| 0x[0-9a-f]+/);
    expect(message).toMatch(/hart 1 ran from pc 0x8000000\d, cycle \d+, icount \d+/);
    expect(message).toContain('xor a3, a3, a2');
  });

  it('are told apart by memory', () => {
    const { write } = mutatedWriter({ dropsStore: (bits) => bits === 16 });
    const machine = load(
      new LockstepMachine(CONFIG, write),
      `li s0, ${GUEST.data}; loop: addi a2, a2, 1; sh a2, 6(s0); addi s0, s0, 2; j loop`,
    );
    machine.run(0, 300);
    expect(() => machine.memoryDigest()).toThrow(/memory 0x80010[0-9a-f]{3}: \d+ \| 0/);
    expect(hartOf(machine).x(12)).toBeGreaterThan(0n);
  });
});
