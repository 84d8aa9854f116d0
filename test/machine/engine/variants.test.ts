/** Code that was translated for untranslated memory and is then used under translation is translated again. */
import { expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { emitRegion, REGION_VARIANT } from '../../../src/machine/engine/regions/region-emitter.ts';
import { LockstepMachine } from '../../../src/machine/lockstep-machine.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { RAM, RWX, TEST_CORE } from '../../support/machine-rig.ts';
import { EAGER } from '../../support/program-runner.ts';

const ROOT = RAM + 0x4000;
const SV39 = 8n << 60n;

it('a loop gets hot again when its kernel turns translation on', () => {
  const program = assemble(`
    jal ra, work; csrrw zero, satp, s2; sfence.vma zero, zero; jal ra, work; end: j end
    work: li s1, 50; loop: ld a0, 0(s0); add a0, a0, s1; sd a0, 0(s0); addi s1, s1, -1; bne s1, zero, loop; ret`);
  const head = program.address('loop') - RAM;
  const variants = new Set<number>();
  const machine = new LockstepMachine(
    {
      hartCount: 1,
      memoryBytes: 1 << 20,
      core: TEST_CORE,
      misaligned: 'hardware',
      adUpdate: 'hardware',
      supervisorCallsStop: true,
      translator: EAGER,
    },
    (ctx, fn, region, variant) => {
      if (region.blocks.some(({ start }) => start === head)) variants.add(variant);
      emitRegion(ctx, fn, region, variant);
    },
  );
  machine.memory.writeBytes(RAM, program.bytes);
  // One gigabyte page that maps RAM where it is.
  machine.memory.write64(ROOT + 8 * 2, (BigInt(RAM / 4096) << 10n) | BigInt(RWX));
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.S });
  const hart = must(machine.harts[0], 'hart');
  hart.setX(8, BigInt(RAM + 0x8000));
  hart.setX(18, SV39 | BigInt(ROOT / 4096));
  machine.run(0, 5_000);
  machine.memoryDigest();
  expect(hart.pc).toBe(BigInt(program.address('end')));
  expect(variants).toEqual(new Set([REGION_VARIANT.direct, REGION_VARIANT.tlb]));
});
