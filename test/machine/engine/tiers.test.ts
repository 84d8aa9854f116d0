/** Generated programs on both tiers in step: a part of those that `npm run test:tiers` runs. */
import { describe, expect, it } from 'vitest';
import { add, i32, load32 } from '../../../src/machine/engine/expr.ts';
import { emitRegion } from '../../../src/machine/engine/regions/region-emitter.ts';
import { EngineMachine } from '../../../src/machine/machine.ts';
import { createRandom } from '../../oracle/differential/random.ts';
import { GUEST } from '../../support/program-generator.ts';
import { countingDevice, crossCheck, randomConfig, runGenerated } from '../../support/program-runner.ts';

const GROUPS = [0, 1, 2, 3] as const;
const PROGRAMS = 20;

describe('generated programs', () => {
  it.each(GROUPS)('give no difference on one hart (seed "one %i")', (group) => {
    expect(crossCheck(`one ${group}`, PROGRAMS, [1]).regions).toBeGreaterThan(PROGRAMS);
  });

  it.each(GROUPS)('give no difference on several harts (seed "many %i")', (group) => {
    expect(crossCheck(`many ${group}`, PROGRAMS, [2, 3, 4]).regions).toBeGreaterThan(PROGRAMS);
  });

  it('run in regions for a good part (seed "entered")', () => {
    const random = createRandom('entered');
    // A word that no generated program knows of counts how often regions are entered.
    const counter = GUEST.code + GUEST.memoryBytes - 8;
    const machine = new EngineMachine(
      { ...randomConfig(random, 1), engine: 'translator' },
      (ctx, fn, region, variant) => {
        const at = i32(ctx.plan.ram + counter - GUEST.code);
        fn.store(32, at, add(load32(at), i32(1)));
        emitRegion(ctx, fn, region, variant);
      },
    );
    machine.attach(countingDevice());
    const entered = Array.from({ length: PROGRAMS }, (_, index) => {
      runGenerated(machine, createRandom(`entered/${index}`));
      return machine.memory.read32(counter);
    });
    expect(entered.filter((count) => count > 50).length).toBeGreaterThan(PROGRAMS / 2);
  });
});
