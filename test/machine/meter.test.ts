/** A meter hears of all work besides executing, and of nothing that would change a run. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import type { MachineWork, Meter } from '../../src/machine/meter.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, type RigOptions } from '../support/machine-rig.ts';

const ROUNDS = 1_000;
const INSNS_PER_ROUND = 3;
const LATER = { engine: 'translator', translator: { hotCount: 50, batchInsns: 0 } } as const;

/** Writes down what it is told. */
class LoggedMeter implements Meter {
  readonly begun: MachineWork[] = [];
  readonly open: MachineWork[] = [];
  background = 0;

  begin(work: MachineWork): void {
    this.begun.push(work);
    this.open.push(work);
  }

  end(work: MachineWork): void {
    expect(this.open.pop()).toBe(work);
  }

  beginBackground(): () => void {
    this.background += 1;
    return () => {
      this.background -= 1;
    };
  }
}

function runLoop(options: RigOptions): MachineRig {
  const rig = new MachineRig(options);
  rig.load(`li s1, ${ROUNDS}; loop: add a0, a0, s1; addi s1, s1, -1; bne s1, zero, loop; ebreak`);
  rig.start();
  rig.machine.run(0, 1_000_000);
  return rig;
}

const outcomeOf = (rig: MachineRig) => {
  const { cycle, icount } = rig.machine.clock;
  return { cycle, icount, digest: rig.machine.memoryDigest(), state: plainStateOf(rig.hart) };
};

describe('a meter', () => {
  it('hears of decoding, and of the steps of translation', () => {
    const meter = new LoggedMeter();
    runLoop({ ...LATER, meter });
    expect(meter.open).toEqual([]);
    expect(meter.begun).toContain('decode');
    const translation = meter.begun.filter((work) => work !== 'decode');
    expect(translation.slice(0, 3)).toEqual(['generate', 'compile', 'install']);
  });

  it('hears only of decoding from the interpreter', () => {
    const meter = new LoggedMeter();
    runLoop({ meter });
    expect(new Set(meter.begun)).toEqual(new Set(['decode']));
  });

  it('hears when code that is compiled in the background is there', async () => {
    const meter = new LoggedMeter();
    runLoop({ ...LATER, translator: { ...LATER.translator, background: true }, meter });
    expect(meter.background).toBe(1);
    await expect.poll(() => meter.background).toBe(0);
    expect(meter.begun).not.toContain('compile');
  });

  it('has the instructions counted that retire in translated code', () => {
    const measured = runLoop({ ...LATER, meter: new LoggedMeter() });
    const { retired } = must(measured.machine.regionCounts, 'counts');
    expect(retired).toBeGreaterThan((ROUNDS - 100) * INSNS_PER_ROUND);
    expect(retired).toBeLessThan(measured.machine.clock.icount);
  });

  it('changes nothing in a run', () => {
    const plain = runLoop(LATER);
    expect(must(plain.machine.regionCounts, 'counts').retired).toBe(0);
    expect(outcomeOf(runLoop({ ...LATER, meter: new LoggedMeter() }))).toEqual(outcomeOf(plain));
  });
});
