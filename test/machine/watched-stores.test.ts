/** Watched stores: each is told of once, right after it, and nothing else of the run shows that anybody looks. */

import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import { type Machine, PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { assemble } from '../support/assembler.ts';
import { PAGE, RAM, TEST_CORE, TIERS } from '../support/machine-rig.ts';

const MEMORY_BYTES = 1 << 20;
const WATCHED = RAM + 16 * PAGE;
const WATCHED_BYTES = 0x40;
const CYCLES_MAX = 1_000_000;

/** What is told of a store: where, how many bytes, the first byte before and after. */
type Told = readonly [offset: number, sizeBytes: number, before: number, after: number];

interface Outcome {
  readonly told: readonly Told[];
  readonly cycles: readonly number[];
  readonly end: readonly unknown[];
}

/** Runs a program with s0 at the watched bytes. */
function run(engine: 'interpreter' | 'translator' | 'both', body: string, watches = true): Outcome {
  const machine: Machine = createMachine(
    {
      hartCount: 1,
      memoryBytes: MEMORY_BYTES,
      core: TEST_CORE,
      misaligned: 'hardware',
      adUpdate: 'hardware',
      supervisorCallsStop: true,
      translator: TIERS.translator.translator,
    },
    engine,
  );
  const program = assemble(`li s0, ${WATCHED}\n ${body}\n ecall\n`, RAM);
  machine.memory.writeBytes(RAM, program.bytes);
  machine.memory.writeBytes(
    WATCHED - 8,
    Uint8Array.from({ length: 80 }, (_, index) => 0x80 + index),
  );
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.S });
  const told: Told[] = [];
  const cycles: number[] = [];
  if (watches) {
    machine.watchStores(WATCHED, WATCHED_BYTES, ({ gpa, sizeBytes, beforeLow, afterLow, cycle }) => {
      told.push([gpa - WATCHED, sizeBytes, beforeLow & 0xff, afterLow & 0xff]);
      cycles.push(cycle);
    });
  }
  expect(machine.run(0, CYCLES_MAX)).toBe(STOP.supervisorCall);
  const { cycle, icount } = machine.clock;
  return { told, cycles, end: [cycle, icount, machine.memoryDigest(), plainStateOf(must(machine.harts[0], 'hart 0'))] };
}

const PROGRAMS: Readonly<Record<string, readonly [body: string, ...told: Told[]]>> = {
  'stores of every size': [
    'li t0, 0x55\n sb t0, 1(s0)\n sh t0, 2(s0)\n sw t0, 4(s0)\n sd t0, 8(s0)',
    [1, 1, 0x89, 0x55],
    [2, 2, 0x8a, 0x55],
    [4, 4, 0x8c, 0x55],
    [8, 8, 0x90, 0x55],
  ],
  'a store of what is there': ['lbu t0, 3(s0)\n sb t0, 3(s0)', [3, 1, 0x8b, 0x8b]],
  'misaligned stores': ['li t0, 7\n sw t0, 3(s0)\n sd t0, 11(s0)', [3, 4, 0x8b, 7], [11, 8, 0x93, 7]],
  'the part of a store that reaches in from the page before': [
    'li t0, 0x0102030405060708\n sd t0, -2(s0)',
    [0, 6, 0x88, 6],
  ],
  'a store over the end of the range': ['li t0, 9\n sd t0, 60(s0)', [60, 8, 0xc4, 9]],
  'no store beside the range, and no load': [
    'li t0, 9\n sd t0, 64(s0)\n sd t0, -8(s0)\n ld t1, 0(s0)\n sd t0, 2000(s0)',
  ],
  atomics: [
    'addi s1, s0, 8\n li t0, 1\n amoadd.d t1, t0, (s1)\n amoswap.w t1, t0, (s0)\n amoand.d t1, x0, (s1)',
    [8, 8, 0x90, 0x91],
    [0, 4, 0x88, 1],
    [8, 8, 0x91, 0],
  ],
  'a store conditional, and one that fails': [
    'li t0, 1\n lr.d t1, zero, (s0)\n sc.d t2, t0, (s0)\n sc.d t3, x0, (s0)',
    [0, 8, 0x88, 1],
    [0, 8, 1, 1],
  ],
  'every turn of a loop': [
    'li t0, 300\n again: sb t0, 0(s0)\n sd t0, 128(s0)\n addi t0, t0, -1\n bne t0, x0, again',
    ...Array.from(
      { length: 300 },
      (_, turn): Told => [0, 1, turn === 0 ? 0x88 : (301 - turn) & 0xff, (300 - turn) & 0xff],
    ),
  ],
};

describe.each(Object.entries(PROGRAMS))('%s', (_, [body, ...told]) => {
  it.each(['interpreter', 'translator', 'both'] as const)('in the %s', (engine) => {
    const watched = run(engine, body);
    expect(watched.told).toEqual(told);
    // As cheap as ever, and at the same cycles whichever tier it is.
    expect(watched.end).toEqual(run(engine, body, false).end);
    expect(watched).toEqual(run('interpreter', body));
  });
});

it('tells of a store when it has been made and nothing after it has', () => {
  const { cycles, end } = run('interpreter', 'sb x0, 0(s0)\n addi t0, t0, 1\n sb x0, 1(s0)');
  const { store, alu } = TEST_CORE.cycles;
  expect(cycles).toHaveLength(2);
  expect((cycles[1] ?? 0) - (cycles[0] ?? 0)).toBe(store + alu);
  expect(end[0]).toBe(cycles[1]);
});

it('leaves stores of the host alone', () => {
  const machine = createMachine(
    {
      hartCount: 1,
      memoryBytes: MEMORY_BYTES,
      core: TEST_CORE,
      misaligned: 'hardware',
      adUpdate: 'hardware',
      supervisorCallsStop: true,
    },
    'interpreter',
  );
  machine.watchStores(WATCHED, 8, () => expect.unreachable());
  machine.memory.write8(WATCHED, 1);
});
