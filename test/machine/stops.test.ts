/** Runs end at the first instruction boundary at or after their deadline, and where they end changes nothing. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { ENGINE_NAMES, type EngineName, PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, PageTables, RAM, RWX, TEST_CORE, TIERS } from '../support/machine-rig.ts';

const DATA = 0x4000_0000;

/**
 * A program in S-mode with a loop, loads and stores that miss in the TLB and cross pages, a call into another page, an
 * instruction that straddles two, a division, a trap, and a store to code. s1 counts the rounds.
 */
const PROGRAM = `
  la t0, handler; csrrw zero, stvec, t0; li s0, ${DATA}; j start
  handler: csrrs t2, sepc, zero; addi t2, t2, 4; csrrw zero, sepc, t2; addi a3, a3, 1; sret
  start: ld a0, 0(s0); sd a0, -3(s2); amoadd.d a1, s1, (s0); lb a2, 5(s2)
  addi a4, zero, -10
  inner: addi a4, a4, 1; .half 0x0785; .half 0x0785; blt a4, zero, inner
  csrrs a7, instret, zero
  la t1, changed; lw t3, 0(t1); sw t3, 0(t1)
  jal ra, changed; jal ra, far
  div a6, a1, s1; csrrs a7, cycle, zero
  beq s1, s3, trap
  back: addi s1, s1, -1; bne s1, zero, start
  ecall
  trap: ld a0, 0(zero); j back
  .org ${RAM + PAGE - 2}
  far: addi t4, t4, 1
  mul t5, t4, s1
  ret
  .org ${RAM + 2 * PAGE}
  changed: addi a5, a5, 3
  ret
`;

interface Made {
  readonly rig: MachineRig;
  restart(rounds: number): void;
}

function make(engine: EngineName): Made {
  const rig = new MachineRig(TIERS[engine]);
  const tables = new PageTables(rig);
  tables.identity(RAM, RAM + 4 * PAGE, RWX);
  tables.map(DATA, RAM + 0x8000, RWX);
  tables.map(DATA + PAGE, RAM + 0xc000, RWX);
  // The same place of the direct-mapped TLB as DATA.
  tables.map(DATA + TEST_CORE.tlbEntries * PAGE, RAM + 0xd000, RWX);
  rig.load(PROGRAM);
  return {
    rig,
    restart(rounds) {
      rig.machine.memory.write64(RAM + 0x8000, 5n);
      rig.machine.memory.write64(RAM + 0x8ffc, 0n);
      rig.start({
        privilege: PRIVILEGE.S,
        csrs: { satp: tables.satp, medeleg: 0xb0fdn, mcounteren: 7n },
      });
      rig.setX('s1', rounds);
      rig.setX('s2', DATA + PAGE);
      rig.setX('s3', 2);
    },
  };
}

describe.each(ENGINE_NAMES)('a run of the %s', (engine) => {
  const { rig, restart } = make(engine);
  const { machine } = rig;

  it('ends at the first boundary at or after its deadline, for every deadline', () => {
    if (engine === 'translator') {
      restart(100);
      expect(machine.run(0, 1_000_000_000)).toBe(STOP.wfi);
      expect(must(machine.regionCounts, 'counts').regions).toBeGreaterThan(0);
    }
    // Cycles after each instruction or trap, one by one.
    restart(4);
    const begin = machine.clock.cycle;
    const boundaries = [{ cycle: 0, pc: rig.hart.pc }];
    while (rig.hart.pc !== BigInt(rig.halt)) {
      rig.step();
      boundaries.push({ cycle: machine.clock.cycle - begin, pc: rig.hart.pc });
    }
    const total = must(boundaries.at(-1), 'end').cycle;
    expect(total).toBeGreaterThan(2_000);
    let next = 0;
    for (let until = 0; until <= total; until++) {
      restart(4);
      const start = machine.clock.cycle;
      // At the very end the halting handler begins.
      expect(machine.run(0, start + until)).toBe(STOP.deadline);
      while ((boundaries[next]?.cycle ?? 0) < until) next++;
      const { cycle, pc } = must(boundaries[next], 'boundary');
      expect([until, machine.clock.cycle - start, rig.hart.pc]).toEqual([until, cycle, pc]);
    }
  });
});

interface End {
  readonly state: unknown;
  readonly cycle: number;
  readonly icount: number;
  readonly digest: bigint;
}

/** Runs to the end in slices, taken in turn, that begin with the given lengths. */
function inSlices(engine: EngineName, rounds: number, lengths: readonly number[], digests = false): End {
  const { rig, restart } = make(engine);
  restart(rounds);
  const { machine } = rig;
  for (let slice = 0; ; slice++) {
    const stop = machine.run(0, machine.clock.cycle + (lengths[slice % lengths.length] ?? 1));
    if (digests) machine.memoryDigest();
    if (stop !== STOP.deadline) break;
  }
  const { cycle, icount } = machine.clock;
  return { state: plainStateOf(rig.hart), cycle, icount, digest: machine.memoryDigest() };
}

describe('slices', () => {
  const lengths = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 8 });

  it('change nothing in a short run', () => {
    const whole = inSlices('interpreter', 12, [Number.MAX_SAFE_INTEGER]);
    fc.assert(
      fc.property(fc.constantFrom(...ENGINE_NAMES), lengths(400), fc.boolean(), (engine, list, digests) => {
        expect(inSlices(engine, 12, list, digests)).toEqual(whole);
      }),
      { numRuns: 25, examples: [['interpreter', [1], true]] },
    );
  });

  it('change nothing in a longer run, with whichever tier', () => {
    const rounds = 3_000;
    const whole = inSlices('interpreter', rounds, [Number.MAX_SAFE_INTEGER]);
    for (const engine of ENGINE_NAMES) {
      for (const list of [[1_000_000], [999, 100_000, 77], [5_000], [211]]) {
        expect(inSlices(engine, rounds, list)).toEqual(whole);
      }
    }
  });
});
