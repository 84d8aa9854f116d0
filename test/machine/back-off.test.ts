/** What holds translation back: code that changes again and again, and code that is still being compiled. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { STOP } from '../../src/machine/machine-types.ts';
import type { Meter } from '../../src/machine/meter.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, RAM } from '../support/machine-rig.ts';

/** Heads are hot at once, so that nothing else holds translation back. */
const AT_ONCE = { hotCount: 2, batchInsns: 0 } as const;

const countsOf = (rig: MachineRig) => must(rig.machine.regionCounts, 'counts');

/** Runs to the end; gives all that a guest or a trace could tell. */
function outcomeOf(rig: MachineRig): unknown {
  expect(rig.machine.run(0, Number.POSITIVE_INFINITY)).toBe(STOP.wfi);
  const { cycle, icount } = rig.machine.clock;
  return { state: plainStateOf(rig.hart), cycle, icount, digest: rig.machine.memoryDigest() };
}

describe('code that changes before each use', () => {
  /** Writes an instruction of a loop, runs the loop, and again: each time what was translated of it is stale. */
  const changing = (backsOff: boolean) => {
    const rig = new MachineRig({ engine: 'translator', translator: { ...AT_ONCE, backsOff } });
    rig.load('loop: addi a0, a0, 1; addi t0, t0, -1; bne t0, zero, loop; jalr zero, 0(ra)', RAM + 4 * PAGE);
    rig.load(`
      again: sw s2, 0(s3); fence.i; xor s2, s2, s4
      li t0, 20; jalr ra, 0(s3); addi s1, s1, -1; bne s1, zero, again; ebreak`);
    rig.start();
    rig.setX('s1', 2_000);
    rig.setX('s2', rig.machine.memory.read32(RAM + 4 * PAGE));
    rig.setX('s3', RAM + 4 * PAGE);
    rig.setX('s4', 1 << 21);
    return { outcome: outcomeOf(rig), regions: countsOf(rig).regions };
  };

  it('is translated later each time, and does the same', () => {
    const [patient, eager] = [changing(true), changing(false)];
    expect(eager.regions).toBeGreaterThan(1_000);
    expect(patient.regions).toBeLessThan(eager.regions / 5);
    expect(patient.outcome).toEqual(eager.outcome);
  });
});

describe('code that is compiled in the background', () => {
  const LOOPS = 60;
  /** Batches that may be compiled at a time. */
  const PENDING_MAX = 32;

  it('is so many batches at most, and the rest comes later', async () => {
    let compiling = 0;
    const meter: Meter = {
      begin: () => {},
      end: () => {},
      beginBackground: () => {
        compiling++;
        return () => compiling--;
      },
    };
    const rig = new MachineRig({ engine: 'translator', translator: { ...AT_ONCE, background: true }, meter });
    const loops = Array.from(
      { length: LOOPS },
      (_, index) => `li t0, 9; loop${index}: addi a0, a0, 1; addi t0, t0, -1; bne t0, zero, loop${index};`,
    );
    rig.load(`again: ${loops.join(' ')} addi s1, s1, -1; bne s1, zero, again; ebreak`);
    rig.start();
    rig.setX('s1', 1_000_000);
    expect(rig.machine.run(0, 50_000)).toBe(STOP.deadline);
    expect(compiling, 'batches before the event loop had a turn').toBe(PENDING_MAX);
    for (let turn = 2; turn < 6; turn++) {
      await expect.poll(() => compiling).toBe(0);
      expect(rig.machine.run(0, turn * 50_000)).toBe(STOP.deadline);
      expect(compiling).toBeLessThanOrEqual(PENDING_MAX);
    }
    expect(countsOf(rig).regions).toBeGreaterThan(PENDING_MAX);
  });
});
