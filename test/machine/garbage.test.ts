/**
 * Random code at random privilege, with translation, interrupts, a device and two harts: the engine never fails, equal machines
 * do the same, and the tiers agree on all of it.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import type { MmioDevice } from '../../src/machine/bus.ts';
import { CSR_FAMILIES, CSR_NUMBERS } from '../../src/machine/csr-numbers.ts';
import { encode, encodeInsn } from '../../src/machine/isa/encode.ts';
import { INSNS } from '../../src/machine/isa/table.ts';
import { PRIVILEGE, type Privilege, STOP } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { MachineRig, PAGE, PageTables, RAM, type RigOptions, RWX, TIERS, USER_RWX } from '../support/machine-rig.ts';

const MEMORY_BYTES = 64 * PAGE;
const CODE_PAGES = 4;
const TABLES = RAM + 32 * PAGE;
const DEVICE = 0x1000_0000;
const TURNS = 60;

const CSRS = [...Object.values(CSR_NUMBERS), ...Object.values(CSR_FAMILIES)];
/** Rows that a random program would not get far without, more often than the rest. */
const COMMON = INSNS.filter(({ extension, format }) => extension === 'I' && format !== 'None');

/** A small generator of our own: the same numbers for a seed on every machine. */
class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Below 2^32. */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  below(bound: number): number {
    return this.next() % bound;
  }

  pick<T>(list: readonly T[]): T {
    return must(list[this.below(list.length)], 'choice');
  }
}

/** Code: mostly instructions that decode, with small offsets, so that programs loop, call and touch their own pages. */
function randomCode(numbers: Numbers, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 4 <= sizeBytes; ) {
    const kind = numbers.below(20);
    if (kind < 5) {
      view.setUint16(at, (numbers.next() & 0xfffc) | numbers.below(3), true);
      at += 2;
      continue;
    }
    const insn = kind < 16 ? numbers.pick(COMMON) : numbers.pick(INSNS);
    const isJump = insn.format === 'B' || insn.format === 'J';
    const isCsr = insn.format === 'Csr' || insn.format === 'CsrImm';
    const imm = isCsr ? numbers.pick(CSRS) : isJump ? (numbers.below(128) - 64) * 2 : numbers.next() | 0;
    const word = encodeInsn(insn, { rd: numbers.below(32), rs1: numbers.below(32), rs2: numbers.below(32), imm });
    view.setUint32(at, kind === 19 && numbers.below(8) === 0 ? numbers.next() : word, true);
    at += 4;
  }
  return bytes;
}

/** Registers that hold addresses in tame code and are never written by it. */
const POINTERS = [8, 9, 18] as const;
const RA = 1;
const ARITHMETIC = INSNS.filter(
  ({ format, extension }) => ['R', 'R1', 'I', 'Shift6', 'U'].includes(format) && extension !== 'Priv',
);
const MEMORY = INSNS.filter(
  ({ format, name }) => name !== 'jalr' && (format === 'Load' || format === 'S' || format === 'Amo'),
);
const BRANCHES = INSNS.filter(({ format }) => format === 'B');

/** Code that traps seldom: arithmetic, accesses through pointers, short branches, calls and returns. It stays in regions for long. */
function tameCode(numbers: Numbers, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  const written = () => {
    const rd = numbers.below(32);
    return rd === RA || POINTERS.some((pointer) => pointer === rd) ? 0 : rd;
  };
  const any = () => ({ rs1: numbers.below(32), rs2: numbers.below(32) });
  const near = (reach: number) => (numbers.below(2 * reach) - reach) * 4;
  for (let at = 0; at < sizeBytes; at += 4) {
    const kind = numbers.below(24);
    let word: number;
    if (kind < 12) word = encodeInsn(numbers.pick(ARITHMETIC), { ...any(), rd: written(), imm: numbers.next() | 0 });
    else if (kind < 17) {
      const imm = (numbers.below(64) - 32) * 8;
      word = encodeInsn(numbers.pick(MEMORY), { ...any(), rd: written(), rs1: numbers.pick(POINTERS), imm });
    } else if (kind < 21) word = encodeInsn(numbers.pick(BRANCHES), { ...any(), imm: near(12) });
    else if (kind < 22) word = encode('jal', { rd: RA, imm: near(100) });
    else if (kind < 23) word = encode('jal', { rd: 0, imm: near(20) });
    else word = encode('jalr', { rd: 0, rs1: RA });
    view.setUint32(at, word, true);
  }
  return bytes;
}

/** Mostly addresses that something is at. */
function randomValue(numbers: Numbers): bigint {
  switch (numbers.below(6)) {
    case 0:
      return (BigInt(numbers.next()) << 32n) | BigInt(numbers.next());
    case 1:
      return BigInt(numbers.below(16));
    case 2:
      return BigInt(DEVICE + numbers.below(64));
    default:
      return BigInt(RAM + numbers.below(MEMORY_BYTES)) & ~BigInt(numbers.below(8));
  }
}

/** A device whose answers depend on what was asked so far. */
function chattyDevice(): MmioDevice {
  let seen = 1;
  const note = (value: number) => {
    seen = (Math.imul(seen, 31) + value) >>> 0;
    return seen;
  };
  return {
    name: 'chatty',
    base: DEVICE,
    sizeBytes: 64,
    read: (offset, size) => note(offset) % 2 ** (8 * size),
    write: (_offset, _size, value) => void note(value),
    registerName: () => undefined,
    writeState: (sink) => sink.value('seen', seen),
  };
}

function prepare(rig: MachineRig, seed: number): Numbers {
  const numbers = new Numbers(seed);
  const { machine } = rig;
  machine.attach(chattyDevice());
  const isTame = numbers.below(2) === 0;
  const code = isTame ? tameCode : randomCode;
  machine.memory.writeBytes(RAM, code(numbers, CODE_PAGES * PAGE));
  machine.watchTohost(RAM + 16 * PAGE);
  const tables = new PageTables(rig, numbers.pick(['sv39', 'sv48', 'sv57'] as const), TABLES);
  for (let page = 0; page < 30; page++) {
    const flags = numbers.below(8) === 0 ? numbers.next() & 0x3ff : numbers.pick([RWX, USER_RWX, RWX & ~0x80]);
    tables.map(RAM + page * PAGE, RAM + numbers.pick([page, page, page, numbers.below(30)]) * PAGE, flags);
  }
  for (const hart of machine.harts) {
    const privilege: Privilege = numbers.pick([PRIVILEGE.M, PRIVILEGE.S, PRIVILEGE.U]);
    const inCode = () => RAM + numbers.below((CODE_PAGES * PAGE) / 4) * 4;
    rig.start(
      {
        privilege,
        pc: inCode(),
        csrs: {
          satp: numbers.below(2) === 0 ? 0n : tables.satp,
          medeleg: BigInt(numbers.next()),
          mideleg: BigInt(numbers.next()),
          mie: BigInt(numbers.next()),
          mstatus: BigInt(numbers.next() & 0x7f_ffff),
          mcounteren: BigInt(numbers.below(8)),
          menvcfg: BigInt(numbers.below(2)) << 63n,
          stvec: BigInt(inCode() + numbers.below(2)),
          mtvec: BigInt(inCode() + numbers.below(2)),
        },
      },
      hart.id,
    );
    for (let index = 1; index < 32; index++) hart.setX(index, randomValue(numbers));
    if (!isTame) continue;
    for (const index of POINTERS) hart.setX(index, BigInt(RAM + (8 + numbers.below(16)) * PAGE + numbers.below(2) * 2));
    hart.setX(RA, BigInt(inCode()));
  }
  return numbers;
}

/** Runs the harts in turns, with interrupts and host writes in between; gives all that can be seen. */
function play(options: RigOptions, seed: number): unknown {
  const rig = new MachineRig({ ...options, hartCount: 2, memoryBytes: MEMORY_BYTES });
  const numbers = prepare(rig, seed);
  const { machine } = rig;
  const stops: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const hart = turn % 2;
    const until = machine.clock.cycle + numbers.pick([1, 50, 700, 3_000]);
    for (let count = 0; count < 50; count++) {
      const stop = machine.run(hart, until);
      stops.push(stop);
      if (stop === STOP.mmio) machine.performAccess();
      else if (stop === STOP.supervisorCall) machine.retireCall(hart);
      else if (stop === STOP.timerChanged) machine.updateTimers();
      else if (stop !== STOP.interruptTaken && stop !== STOP.tohost && stop !== STOP.wfi) break;
    }
    machine.setPending(numbers.below(2), numbers.pick([1, 3, 7, 9, 11]), numbers.below(2) === 0);
    if (numbers.below(6) === 0)
      machine.memory.writeBytes(RAM + numbers.below(CODE_PAGES * PAGE - 8), randomCode(numbers, 8));
    if (numbers.below(8) === 0) stops.push(Number(machine.memoryDigest() & 0xffffn));
    machine.updateTimers();
  }
  const { cycle, icount } = machine.clock;
  return {
    stops,
    cycle,
    icount,
    digest: machine.memoryDigest(),
    harts: machine.harts.map((each) => plainStateOf(each)),
  };
}

const CONFIGURATIONS: readonly RigOptions[] = [
  {},
  { misaligned: 'trap', adUpdate: 'fault' },
  { supervisorCallsStop: true },
];

describe('random programs', () => {
  it('never make the engine fail, do the same again, and the same on both tiers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.constantFrom(...CONFIGURATIONS), (seed, options) => {
        const interpreted = play({ ...options, ...TIERS.interpreter }, seed);
        expect(play({ ...options, ...TIERS.translator }, seed)).toEqual(interpreted);
      }),
      { numRuns: Number(process.env.PARATRACE_RUNS ?? 40), endOnFailure: true },
    );
  });

  it('reach far enough to be worth running', () => {
    const icounts = Array.from({ length: 10 }, (_, seed) => play({}, seed) as { icount: number }).map(
      (each) => each.icount,
    );
    expect(icounts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(20_000);
  });
});
