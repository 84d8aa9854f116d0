/** Heads that are found by samples: what is hot is translated, what is seldom reached is left alone, and nothing of it shows. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { STOP } from '../../src/machine/machine-types.ts';
import { Sampling } from '../../src/machine/sampling.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig } from '../support/machine-rig.ts';

const SAMPLED = { hotCount: 20, batchInsns: 0, sampleCycles: 100 } as const;
/** One loop that is short each time it is reached, and one that takes nearly all the time. */
const PROGRAM = `
  li s1, 3000
  outer: li t0, 2
  short: addi a1, a1, 1; addi t0, t0, -1; bne t0, zero, short
  li t1, 400
  long: addi a0, a0, 1; xor a2, a2, a0; addi t1, t1, -1; bne t1, zero, long
  addi s1, s1, -1; bne s1, zero, outer; ebreak`;

function outcomeOf(rig: MachineRig): unknown {
  rig.load(PROGRAM);
  rig.start();
  expect(rig.machine.run(0, Number.POSITIVE_INFINITY)).toBe(STOP.wfi);
  const { cycle, icount } = rig.machine.clock;
  return { state: plainStateOf(rig.hart), cycle, icount, digest: rig.machine.memoryDigest() };
}

describe('a translator that samples', () => {
  it('does what the interpreter does, most of it in regions', () => {
    const rig = new MachineRig({ engine: 'translator', translator: SAMPLED, meter: silent });
    const outcome = outcomeOf(rig);
    const { regions, retired } = must(rig.machine.regionCounts, 'counts');
    expect(outcome).toEqual(outcomeOf(new MachineRig({ engine: 'interpreter' })));
    expect(regions).toBeGreaterThan(0);
    expect(retired).toBeGreaterThan(0.9 * rig.machine.clock.icount);
  });

  it('translates nothing that no sample has found', () => {
    const rig = new MachineRig({ engine: 'translator', translator: { ...SAMPLED, sampleCycles: 1e9 } });
    outcomeOf(rig);
    expect(must(rig.machine.regionCounts, 'counts').regions).toBe(0);
  });
});

describe('the time between samples', () => {
  const CYCLES = 1_000;

  it('grows while they find translated code, to a limit, and falls when they do not, to where it began', () => {
    const sampling = new Sampling(CYCLES);
    expect(sampling.next(0), 'to the first').toBeGreaterThan(100 * CYCLES);
    expect(sampling.hasBegun(100)).toBe(false);
    expect(sampling.hasBegun(1e9)).toBe(true);
    const next = (isTranslated: boolean) => {
      sampling.taken(isTranslated);
      return sampling.next(1e9);
    };
    const interpreted = Array.from({ length: 50 }, () => next(false));
    for (const left of interpreted) expect(Math.abs(left - CYCLES)).toBeLessThanOrEqual(CYCLES / 4);
    // Not always the same: a loop that takes as long would be found at one place only.
    expect(new Set(interpreted).size).toBeGreaterThan(25);
    const translated = Array.from({ length: 2_000 }, () => next(true));
    expect(Math.max(...translated)).toBeGreaterThan(1_000_000);
    expect(Math.max(...translated)).toBeLessThan(4_000_000);
    for (let count = 0; count < 10; count++) next(false);
    expect(next(false)).toBeLessThan(2 * CYCLES);
  });
});

const silent = { begin: () => {}, end: () => {}, beginBackground: () => () => {} };
