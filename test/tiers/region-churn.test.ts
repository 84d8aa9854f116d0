/**
 * A guest that keeps loading new code: 100,000 regions are made and dropped. Live modules and memory stay bounded, and the guest
 * ends as under the interpreter.
 */

import { expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { encodeInsn } from '../../src/machine/isa/encode.ts';
import { insnNamed } from '../../src/machine/isa/table.ts';
import type { EngineName, TranslatorTuning } from '../../src/machine/machine-types.ts';
import { STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, RAM, type RigOptions } from '../support/machine-rig.ts';

const MIB = 2 ** 20;
const BUFFER = RAM + 16 * PAGE;
/** Half of them have been made before memory is first looked at: by then pools and heap are as large as they get. */
const GROWTH_BYTES_MAX = 96 * MIB;
/** V8 ends the process near 32,500. */
const LIVE_MODULES_MAX = 2048;

/** Writes a loop of its own at each of many places, runs it, and comes again with another. */
function prepare(rig: MachineRig, loops: number, pages: number): void {
  rig.load(`
    li s1, ${loops}; li s2, ${BUFFER}; li s3, ${pages * PAGE - 1}; li s4, 0; li s5, 0x100000
    li s6, ${word('addi', { rd: 10, rs1: 10 })}; li s7, ${word('addi', { rd: 6, rs1: 6, imm: -1 })}
    li s8, ${word('bne', { rs1: 6, rs2: 0, imm: -8 })}; li s9, ${word('jalr', { rd: 0, rs1: 1 })}
    next: add t0, s2, s4; sw s6, 0(t0); sw s7, 4(t0); sw s8, 8(t0); sw s9, 12(t0); fence.i
    li t1, 4; jalr ra, 0(t0)
    add s6, s6, s5; slli s6, s6, 32; srli s6, s6, 32
    addi s4, s4, 272; and s4, s4, s3; addi s1, s1, -1; bne s1, zero, next; ebreak`);
  rig.start();
}

const word = (name: string, operands: Parameters<typeof encodeInsn>[1]) =>
  encodeInsn(must(insnNamed(name), name), operands) >>> 0;

function run(rig: MachineRig): unknown {
  expect(rig.machine.run(0, Number.POSITIVE_INFINITY)).toBe(STOP.wfi);
  return { state: plainStateOf(rig.hart), digest: rig.machine.memoryDigest(), cycle: rig.machine.clock.cycle };
}

function rigFor(engine: EngineName, translator?: TranslatorTuning): MachineRig {
  const options: RigOptions = { engine, memoryBytes: 2 * MIB };
  return new MachineRig(translator === undefined ? options : { ...options, translator });
}

it.each([
  { how: 'each a module of its own', batchInsns: 0, loops: 101_000, pages: 64 },
  { how: 'in batches', batchInsns: 20_000, loops: 40_000, pages: 64 },
  { how: 'at the same places', batchInsns: 0, loops: 40_000, pages: 1 },
])('$loops regions, $how, come and go in bounded memory', ({ batchInsns, loops, pages }) => {
  const rig = rigFor('translator', { hotCount: 2, batchInsns });
  const counts = () => must(rig.machine.regionCounts, 'counts');
  const sizes = [1, 2].map(() => {
    prepare(rig, loops / 2, pages);
    run(rig);
    expect(counts().liveModules).toBeLessThanOrEqual(LIVE_MODULES_MAX);
    return process.memoryUsage().rss;
  });
  expect(counts().regions).toBeGreaterThan(0.95 * loops);
  expect(must(sizes[1], 'size') - must(sizes[0], 'size')).toBeLessThan(GROWTH_BYTES_MAX);
});

it('ends as under the interpreter', () => {
  const outcomes = (['interpreter', 'translator'] as const).map((engine) => {
    const rig = rigFor(engine, { hotCount: 2, batchInsns: 2_000 });
    prepare(rig, 5_000, 64);
    return run(rig);
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
});
