/** Steal time as guests see it: small kernels that ask for it, and what the turns of their traces say it must be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { EventOf, VmEvent } from '../../src/hypervisor/events.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { paratrace, Scratch } from '../cli/fake-host.ts';
import { assemble } from '../support/assembler.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const LOAD_ADDRESS = 0x8020_0000;
/** In a page of its own. */
const RECORD = 0x8040_0040;
const MODES = ['full', 'hvm', 'hvm-pv', 'pvh', 'pv'] as const;
const STA = 0x535441;

const sbi = (eid: number, fid: number) => `li a7, ${eid}\n li a6, ${fid}\n ecall\n`;
const setRecord = (low: number | string, high = 0, flags = 0) =>
  `li a0, ${low}\n li a1, ${high}\n li a2, ${flags}\n ${sbi(STA, 0)}`;
/** Tells a number as a mark. */
const tell = (register: string) =>
  `addi a3, ${register}, 0\n li a0, 110\n li a1, 0\n li a2, 0\n ${sbi(0x0850_564d, 0)}`;
const START_SECOND = `li a0, 1\n la a1, second\n li a2, 0\n ${sbi(0x48_534d, 0)}`;
const SHUTDOWN = `li a0, 0\n li a1, 0\n ${sbi(0x5352_5354, 0)}`;

async function run(mode: string, body: string, second = 'spin: j spin', ...options: readonly string[]) {
  const file = scratch.path('kernel.bin');
  const trace = scratch.path('kernel.pvt');
  writeFileSync(
    file,
    assemble(`${body} ${SHUTDOWN}\n second: ${second}\n .align 8\n root: .dword 0\n`, LOAD_ADDRESS).bytes,
  );
  const fixed = ['--mode', mode, '--memory', '8M', '--engine', 'both', '--max-cycles', '20M', '--stdin', '/dev/null'];
  const { code, stderr } = await paratrace(['record', file, ...fixed, '--quantum', '10000', ...options, '-o', trace]);
  expect(code, stderr).toBe(0);
  const again = await paratrace(['replay', trace]);
  expect(again.code, again.stderr).toBe(0);
  const events = [...openTrace(readFileSync(trace)).events()];
  const marks = events.filter((event): event is EventOf<'mark'> => event.kind === 'mark');
  return { events, told: marks.map(({ value }) => value) };
}

/** Cycles between the turns of another hart and the hart's own, up to an event. */
function stolenCycles(events: readonly VmEvent[], hart: number, before: VmEvent): number {
  let sum = 0;
  let since: number | undefined;
  for (const event of events.slice(0, events.indexOf(before))) {
    if (event.kind !== 'turn') continue;
    if (event.hart !== hart) since ??= event.cycle;
    else if (since !== undefined) {
      sum += event.cycle - since;
      since = undefined;
    }
  }
  return sum;
}

describe.each(MODES)('mode %s', (mode) => {
  it('counts what the other hart had the processor for', async () => {
    const { events, told } = await run(
      mode,
      `
      ${setRecord(RECORD)}
      ${tell('a0')}
      ${START_SECOND}
      li s2, ${RECORD}
      li s3, 40000
      turns: addi s3, s3, -1
      bne s3, x0, turns
      lwu s4, 0(s2)
      ld s5, 8(s2)
      lbu s6, 16(s2)
      ${tell('s4')}
      ${tell('s5')}
      ${tell('s6')}
    `,
      'spin: j spin',
      '--harts',
      '2',
    );
    const [error, sequence = 1n, steal, preempted] = told;
    const asked = events.filter((event) => event.kind === 'mark')[2];
    if (asked === undefined) throw new Error('a mark');
    expect([error, sequence % 2n, preempted]).toEqual([0n, 0n, 0n]);
    expect(sequence).toBeGreaterThan(4n);
    // A nanosecond is a cycle at 1 GHz.
    expect(steal).toBe(BigInt(stolenCycles(events, 0, asked)));
    expect(steal).toBeGreaterThan(10_000n);
  });

  it('refuses what it cannot write, and stops when it is told to', async () => {
    const { told } = await run(
      mode,
      `
      ${setRecord(RECORD + 8)} ${tell('a0')}
      ${setRecord(RECORD, 0, 1)} ${tell('a0')}
      ${setRecord(RECORD, 1)} ${tell('a0')}
      ${setRecord(0x1000_0000)} ${tell('a0')}
      ${setRecord(-1, -1)} ${tell('a0')}
      ${setRecord(RECORD)} ${setRecord(-1, -1)} ${tell('a0')}
      li a0, ${STA}\n ${sbi(0x10, 3)} ${tell('a1')}
    `,
    );
    expect(told.map((value) => BigInt.asIntN(64, value))).toEqual([-3n, -3n, -5n, -5n, 0n, 0n, 1n]);
  });
});

it('is not offered by firmware', async () => {
  const { told } = await run(
    'native',
    `${setRecord(RECORD)} ${tell('a0')} li a0, ${STA}\n ${sbi(0x10, 3)} ${tell('a1')}`,
  );
  expect(told.map((value) => BigInt.asIntN(64, value))).toEqual([-2n, 0n]);
});

describe('a paravirtual guest', () => {
  const PV = 0x0850_5654;
  /** Pins a frame as a table of level 1. */
  const pin = `la a0, request\n li t0, 0\n sd t0, 0(a0)\n li t0, ${RECORD - 64}\n sd t0, 8(a0)\n li a1, 1\n ${sbi(PV, 26)}`;
  const REQUEST = '.align 8\n request: .dword 0\n .dword 0\n .dword 0\n';
  /** Its mapping in the initial tables is made read-only first. */
  const readOnly = `li a0, ${RECORD - 64}\n li a1, ${((RECORD - 64) / 4096) * 1024 + 0xdb}\n li a2, 2\n ${sbi(PV, 14)}`;

  it('cannot have its page tables written to', async () => {
    const { told } = await run(
      'pv',
      `${readOnly} ${tell('a0')} ${pin} ${tell('a0')} ${setRecord(RECORD)} ${tell('a0')}`,
      `j second\n ${REQUEST}`,
    );
    expect(told.map((value) => BigInt.asIntN(64, value))).toEqual([0n, 0n, -5n]);
  });

  it('can make no table of the page while it is written to', async () => {
    const { told } = await run(
      'pv',
      `${setRecord(RECORD)} ${readOnly} ${pin} ${tell('a0')} ${setRecord(-1, -1)} ${pin} ${tell('a0')}`,
      `j second\n ${REQUEST}`,
    );
    expect(told.map((value) => BigInt.asIntN(64, value))).toEqual([-16n, 0n]);
  });
});
