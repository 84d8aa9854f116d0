/** Translation on another thread: what arrives late, never, or for code that is no longer there. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { generateBatch } from '../../src/machine/engine/regions/region-batch.ts';
import { emitRegion } from '../../src/machine/engine/regions/region-emitter.ts';
import { encode } from '../../src/machine/isa/encode.ts';
import { STOP } from '../../src/machine/machine-types.ts';
import type { CompiledBatch, RegionCompiler, RegionJob } from '../../src/machine/region-compiler.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, RAM } from '../support/machine-rig.ts';

const translator = { hotCount: 5, batchInsns: 0, background: true } as const;
const ROUNDS = 100_000;
/** Adds 1 to a0 in each round; the other way is taken once s1 has counted down to the value of s2, and adds what it finds. */
const PROGRAM = `
  loop: beq s1, s2, other
  back: addi a0, a0, 1; addi s1, s1, -1; bne s1, zero, loop; ebreak; j loop
  other: addi a0, a0, 16; j back`;
const ADD_256 = encode('addi', { rd: 10, rs1: 10, imm: 256 });

/** Answers when the test says so. */
class LateCompiler implements RegionCompiler {
  readonly jobs: RegionJob[] = [];
  readonly #answers: (() => void)[] = [];

  compile(job: RegionJob): Promise<CompiledBatch> {
    this.jobs.push(job);
    return new Promise((resolve) => {
      this.#answers.push(() => resolve(compiled(structuredClone(job))));
    });
  }

  /** Answers all jobs, and lets the machine hear of it. */
  async answer(): Promise<void> {
    for (const answer of this.#answers.splice(0)) answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function compiled(job: RegionJob): CompiledBatch {
  const { bytes, ...result } = generateBatch(job, emitRegion);
  return { ...result, code: bytes.length === 0 ? undefined : new WebAssembly.Module(bytes), sizeBytes: bytes.length };
}

function rigWith(regionCompiler: RegionCompiler | undefined, engine: 'interpreter' | 'translator' = 'translator') {
  const offered = regionCompiler === undefined ? {} : { regionCompiler };
  const rig = new MachineRig({ engine, translator, ...offered });
  rig.load(PROGRAM);
  rig.start();
  rig.setX('s1', ROUNDS);
  rig.setX('s2', 1);
  return rig;
}

/** Address of the instruction of the other way, which is decoded by nothing but its region: a jump ends the line before it. */
const OTHER = RAM + 6 * 4;

const countsOf = (rig: MachineRig) => must(rig.machine.regionCounts, 'counts');
const finish = (rig: MachineRig) => {
  rig.machine.run(0, Number.POSITIVE_INFINITY);
  const { cycle, icount } = rig.machine.clock;
  return { cycle, icount, a0: rig.hart.x(10), state: plainStateOf(rig.hart), digest: rig.machine.memoryDigest() };
};

describe('a compiler on another thread', () => {
  it('gets jobs of plain data, one for each head while it works, and its regions are used', async () => {
    const compiler = new LateCompiler();
    const rig = rigWith(compiler);
    expect(rig.machine.run(0, 50_000)).toBe(STOP.deadline);
    expect(compiler.jobs.length).toBeGreaterThan(0);
    expect(countsOf(rig).regions).toBe(0);
    const asked = compiler.jobs.length;
    rig.machine.run(0, 100_000);
    expect(compiler.jobs).toHaveLength(asked);
    await compiler.answer();
    rig.machine.run(0, 150_000);
    expect(countsOf(rig).regions).toBeGreaterThan(0);
    expect(finish(rig)).toEqual(finish(rigWith(undefined, 'interpreter')));
  });

  it.each(['before the answer', 'after it'])('has no effect on code that changes %s', async (when) => {
    const run = async (compiler: LateCompiler | undefined) => {
      const rig = rigWith(compiler, compiler === undefined ? 'interpreter' : 'translator');
      const change = () => rig.machine.memory.write32(OTHER, ADD_256);
      rig.machine.run(0, 50_000);
      if (when === 'before the answer') change();
      await compiler?.answer();
      rig.machine.run(0, 100_000);
      if (when === 'after it') change();
      return finish(rig);
    };
    const outcome = await run(new LateCompiler());
    expect(outcome).toEqual(await run(undefined));
    expect(outcome.a0).toBe(BigInt(ROUNDS + 256));
  });

  it('is asked no more once it has failed: the machine translates by itself', async () => {
    let asked = 0;
    const rig = rigWith({
      compile: () => {
        asked++;
        return Promise.reject(new Error('the thread is gone'));
      },
    });
    rig.machine.run(0, 50_000);
    const before = asked;
    expect(before).toBeGreaterThan(0);
    await expect
      .poll(() => {
        rig.machine.run(0, rig.machine.clock.cycle + 1_000);
        return countsOf(rig).regions;
      })
      .toBeGreaterThan(0);
    expect(finish(rig)).toEqual(finish(rigWith(undefined, 'interpreter')));
    expect(asked).toBe(before);
  });

  it('may never answer', () => {
    const rig = rigWith({ compile: () => new Promise(() => {}) });
    expect(finish(rig)).toEqual(finish(rigWith(undefined, 'interpreter')));
  });
});
