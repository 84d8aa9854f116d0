/** Translated code does what the interpreter does: state, cycles and memory are the same, also where code changes under it. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { ENGINE_NAMES, PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, PageTables, RAM, type RigOptions, RWX, TEST_CORE, TIERS } from '../support/machine-rig.ts';

const CYCLES_MAX = 40_000_000;
const DATA = RAM + 0x8000;

interface Outcome {
  readonly stop: number;
  readonly cycle: number;
  readonly icount: number;
  readonly digest: bigint;
  readonly state: unknown;
}

/** Runs a program with both tiers; gives what came of each, and the rig of the translator. */
function onBothTiers(prepare: (rig: MachineRig) => void, options: RigOptions = {}) {
  const rigs = ENGINE_NAMES.map((engine) => new MachineRig({ ...TIERS[engine], ...options }));
  const outcomes = rigs.map((rig): Outcome => {
    prepare(rig);
    const stop = rig.machine.run(0, CYCLES_MAX);
    const { cycle, icount } = rig.machine.clock;
    return { stop, cycle, icount, digest: rig.machine.memoryDigest(), state: plainStateOf(rig.hart) };
  });
  const [interpreted, translated] = outcomes;
  const rig = must(rigs[1], 'translator');
  return { interpreted: must(interpreted, 'outcome'), translated: must(translated, 'outcome'), rig };
}

/** The head of a loop becomes a region after some rounds, not the code before it. */
const LATER = { translator: { hotCount: 50, batchInsns: 0 } };

const regionsOf = (rig: MachineRig) => must(rig.machine.regionCounts, 'counts').regions;

/** A loop that runs `body` many times; s1 counts down. */
const hotLoop = (body: string, times = 1_000) => `li s1, ${times}; loop: ${body}; addi s1, s1, -1; bne s1, zero, loop`;

describe('the translator', () => {
  it('is used, and ends as the interpreter does', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      each.load(`${hotLoop('add a0, a0, s1; sd a0, 0(s0); ld a1, 0(s0)')}; ebreak`);
      each.start();
      each.setX('s0', DATA);
    });
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect(interpreted.stop).toBe(STOP.wfi);
    expect(translated).toEqual(interpreted);
  });

  it('takes what is known of a register on one way of a branch for nothing on the other', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      // The way taken makes a word of a1; on the other it is none, and its low half is extended.
      const other =
        'addiw a2, a1, 0; add a3, a3, a2; j join; word: addiw a1, a1, 1; add a4, a4, a1; join: add a5, a5, a1';
      each.load(`${hotLoop(`addi a1, s6, 0; beq s1, s2, word; ${other}`)}; ebreak`);
      each.start();
      each.setX('s6', 0x1234_8765_4321n);
    });
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect(translated).toEqual(interpreted);
  });

  it('stores registers that only some of the ways to an exit have written', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      // Each turn leaves at the CSR, after another set of temporaries has been written.
      const body = `andi t0, s1, 3; beq t0, zero, none; addi a1, s1, 1; addi t0, t0, -1; beq t0, zero, none; addi a2, s1, 2;
        addi t0, t0, -1; beq t0, zero, none; addi a3, s1, 3; none: csrrw a4, sscratch, s1; add a5, a1, a2; xor a6, a5, a3`;
      each.load(`${hotLoop(`${body}; bltu s1, s3, over; addi a7, s1, 4; sd a7, 0(s0); over: sd a6, 8(s0)`)}; ebreak`);
      each.start();
      each.setX('s0', DATA);
      each.setX('s3', 500n);
    });
    expect(regionsOf(rig)).toBeGreaterThan(1);
    expect(translated).toEqual(interpreted);
  });

  it('stores no register at an exit that only another way has written', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      // The return of the inlined call goes every other time not where that says; a6 is written only where it does.
      const outer = 'outer: addi s3, ra, 0; jal ra, inner; addi a6, s1, 7; sd a6, 0(s0); jalr zero, 0(s3)';
      const inner = 'inner: andi t0, s1, 1; beq t0, zero, same; addi ra, s2, 0; same: jalr zero, 0(ra)';
      const other = 'other: add a7, a7, a6; addi a6, a6, 1; jalr zero, 0(s3)';
      const program = each.load(`${hotLoop('jalr ra, 0(s4)')}; ebreak; ${outer}; ${inner}; ${other}`);
      each.start();
      each.setX('s0', DATA);
      each.setX('s2', program.address('other'));
      each.setX('s4', program.address('outer'));
    });
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect(translated).toEqual(interpreted);
  });

  it('sees a store to code that it has translated and that has never run', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      // The way to `rare` is part of the region, but is not taken until its code has been changed.
      each.load('addi a1, a1, 100', RAM + 0x1000);
      const rare = each
        .load(
          `li s1, 1000; loop: beq s1, s2, rare; back: addi a0, a0, 1; beq s1, s3, change; next: addi s1, s1, -1;
         bne s1, zero, loop; ebreak; change: sw s4, 0(s5); j next; rare: addi a1, a1, 1; j back`,
        )
        .address('rare');
      each.start();
      each.setX('s2', 1);
      each.setX('s3', 2);
      each.setX('s4', each.machine.memory.read32(RAM + 0x1000));
      each.setX('s5', rare);
    }, LATER);
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect(rig.x('a1')).toBe(100n);
    expect(translated).toEqual(interpreted);
  });

  it('keeps straddling instructions out, and its bookkeeping inside their page', () => {
    const { interpreted, translated, rig } = onBothTiers((each) => {
      // A loop whose first instruction straddles the end of its page.
      each.load('addi a0, a0, 1; addi s1, s1, -1; bne s1, zero, 0x80000ffe; j 0x80001fbe', RAM + PAGE - 2);
      // The next page that is executed.
      each.load('addi a2, a2, 5; addi a3, a3, 7; ebreak', RAM + PAGE + 0xfbe);
      each.load('li s1, 1000; j 0x80000ffe');
      each.start();
    });
    expect(rig.x('a2')).toBe(5n);
    expect(rig.x('a3')).toBe(7n);
    expect(rig.x('a0')).toBe(1_000n);
    expect(translated).toEqual(interpreted);
  });

  it('runs under translation, with faults and page crossings in the loop', () => {
    const core = { ...TEST_CORE, tlbEntries: 32, walkReferenceCycles: 5 };
    const prepare = (each: MachineRig) => {
      const tables = new PageTables(each);
      tables.identity(RAM, RAM + 4 * PAGE, RWX);
      for (let page = 0; page < 40; page++)
        tables.map(0x4000_0000 + page * PAGE, DATA + (page % 8) * PAGE, RWX & ~0x80);
      each.load(`
        la t0, handler; csrrw zero, stvec, t0
        li s0, 0x40000000; li s3, 0x28000; li s1, 3000; li s4, 0
        loop: add t1, s0, s4; ld a0, 0(t1); add a0, a0, s1; sd a0, -4(t1); amoadd.w a2, a0, (t1)
        addi s4, s4, 0x7f8; bltu s4, s3, inside; addi s4, zero, 8
        inside: addi s1, s1, -1; bne s1, zero, loop; ecall
        handler: csrrs t2, sepc, zero; addi t2, t2, 4; csrrw zero, sepc, t2; addi a3, a3, 1; sret
      `);
      each.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp, medeleg: 0xb0fdn } });
    };
    const { interpreted, translated, rig } = onBothTiers(prepare, { core });
    expect(rig.x('a3')).toBeGreaterThan(0n);
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect(interpreted.stop).toBe(STOP.wfi);
    expect(translated).toEqual(interpreted);
  });

  it('keeps reservations: one store for each, and none at another address', () => {
    const body = `lr.d a0, zero, (s0); sc.d a1, s1, (s0); sc.d a2, s1, (s0); lr.w a3, zero, (s0); sc.w a4, s1, (s2);
      sc.w a5, s1, (s0); add s3, s3, a1; add s4, s4, a2; add s5, s5, a4; add s6, s6, a5`;
    const { interpreted, translated, rig } = onBothTiers((each) => {
      each.load(`${hotLoop(body)}; ebreak`);
      each.start();
      each.setX('s0', DATA);
      each.setX('s2', DATA + 8);
    });
    expect(regionsOf(rig)).toBeGreaterThan(0);
    expect([rig.x('s3'), rig.x('s4'), rig.x('s5'), rig.x('s6')]).toEqual([0n, 1_000n, 1_000n, 1_000n]);
    expect(translated).toEqual(interpreted);
  });
});
