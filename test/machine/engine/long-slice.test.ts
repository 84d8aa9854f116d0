/**
 * A slice of more cycles than a region is called with: the region is called again, and counters are read as if it had been one call. The
 * machine that runs both tiers in step has shorter slices.
 */
import { expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { createMachine } from '../../../src/machine/create-machine.ts';
import { REGION_CYCLES_MAX } from '../../../src/machine/engine/regions/balance.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { RAM } from '../../support/machine-rig.ts';
import { EAGER_CONFIG } from '../../support/program-runner.ts';

const LOOP = `loop: csrrs a0, cycle, zero; xor a3, a3, a0; li s1, 40; inner: addi a1, a1, 1; ld a4, 0(s0); addi s1, s1, -1; bne s1, zero, inner
  csrrs a2, instret, zero; add a3, a3, a2; j loop`;
const REGISTERS = Array.from({ length: 32 }, (_, index) => index);

function ranBy(engine: 'interpreter' | 'translator') {
  const machine = createMachine(EAGER_CONFIG, engine);
  machine.memory.writeBytes(RAM, assemble(LOOP, RAM).bytes);
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
  const hart = must(machine.harts[0], 'hart');
  hart.setX(8, BigInt(RAM + 0x1000));
  // The first makes it hot.
  for (const until of [5_000, 3 * REGION_CYCLES_MAX + 12_345, 5 * REGION_CYCLES_MAX]) machine.run(0, until);
  return { pc: hart.pc, retired: hart.retired, cycle: machine.clock.cycle, x: REGISTERS.map((index) => hart.x(index)) };
}

it('ends where the interpreter ends it, with the same counters read on the way', () => {
  const translated = ranBy('translator');
  expect(translated).toEqual(ranBy('interpreter'));
  expect(translated.cycle).toBeGreaterThanOrEqual(5 * REGION_CYCLES_MAX);
});
