/** Waiting, giving way and clocks of paravirtual guests, on one vCPU and on several: small kernels that print characters. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { nanosecondScale } from '../../../src/hypervisor/pv/start-of-day.ts';
import { openTrace } from '../../../src/trace/reader.ts';
import { paratrace, Scratch } from '../../cli/fake-host.ts';
import { assemble } from '../../support/assembler.ts';
import { PvGuest } from '../../support/pv-guest.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const LOAD_ADDRESS = 0x8020_0000;
const SCHED_OP = 29;
const EVENT_CHANNEL_OP = 32;
const [YIELD, BLOCK, POLL] = [0, 1, 3];

const call = (number: number) => `li a7, ${0x0850_5654}\n li a6, ${number}\n ecall\n`;
const sbi = (eid: number, fid: number) => `li a7, ${eid}\n li a6, ${fid}\n ecall\n`;
const print = (character: string) => `li a0, ${character.charCodeAt(0)}\n ${sbi(0x4442_434e, 2)}`;
const printDigit = (register: string) => `addi a0, ${register}, 48\n ${sbi(0x4442_434e, 2)}`;
const SHUTDOWN = `li a0, 0\n li a1, 0\n ${sbi(0x5352_5354, 0)}`;
/** An event channel operation whose structure at `data` has these words. */
const channel = (operation: number, ...words: readonly number[]) => `
  la a1, data
  ${words.map((word, index) => `li t0, ${word}\n sw t0, ${4 * index}(a1)`).join('\n')}
  li a0, ${operation}
  ${call(EVENT_CHANNEL_OP)}
`;
const schedule = (operation: number) => `li a0, ${operation}\n ${call(SCHED_OP)}`;
/** Polls port 1, for so many ticks; 0: for ever. */
const poll = (ticks: number) => `
  la a1, polled
  la t0, port
  sd t0, 0(a1)
  li t1, 1
  sw t1, 0(t0)
  sw t1, 8(a1)
  ${ticks === 0 ? 'sd x0, 16(a1)' : `csrrs t1, time, x0\n addi t1, t1, ${ticks}\n sd t1, 16(a1)`}
  ${schedule(POLL)}
`;
const START_SECOND = `li a0, 1\n la a1, second\n li a2, 0\n ${sbi(0x48_534d, 0)}`;

/** Runs a kernel on both tiers in step, with s1 at the shared-info page of either vCPU; what it printed, and its trace. */
async function run(body: string, second = 'spin: j spin', ...options: readonly string[]) {
  const file = scratch.path('kernel.bin');
  const trace = scratch.path('kernel.pvt');
  const source = `
    addi s0, a1, 0
    ld s1, 0x28(s0)
    la t0, shared
    sd s1, 0(t0)
    ${body}
    ${SHUTDOWN}
  second:
    la t0, shared
    ld s1, 0(t0)
    ${second}
    .align 8
  shared: .dword 0
  data: .dword 0
    .dword 0
  polled: .dword 0
    .dword 0
    .dword 0
  port: .dword 0
  flag: .dword 0
  `;
  writeFileSync(file, assemble(source, LOAD_ADDRESS).bytes);
  const fixed = ['--mode', 'pv', '--memory', '8M', '--engine', 'both', '--max-cycles', '20M', '--stdin', '/dev/null'];
  const { code, stdout, stderr } = await paratrace(['record', file, ...fixed, ...options, '-o', trace]);
  const bytes = readFileSync(trace);
  const again = await paratrace(['replay', trace]);
  expect(again.code, again.stderr).toBe(0);
  return { code, stdout: stdout.trim(), stderr, events: [...openTrace(bytes).events()] };
}

const TWO = ['--harts', '2'] as const;

describe('poll', () => {
  it('ends when a port is pending, though events are masked', async () => {
    const { stdout } = await run(`
      ${channel(1, 0, 0, 0)}
      csrrs a0, time, x0
      addi a0, a0, 200
      ${call(15)}
      ${poll(0)}
      ${print('p')}
      ld t0, 0x200(s1)
      ${printDigit('t0')}
    `);
    expect(stdout).toBe('p2');
  });

  it('ends at once if a port is pending already', async () => {
    const { stdout, events } = await run(`
      ${channel(1, 0, 0, 0)}
      csrrs a0, time, x0
      ${call(15)}
      ${schedule(BLOCK)}
      ${poll(0)}
      ${print('p')}
    `);
    expect(stdout).toBe('p');
    expect(events.filter(({ kind }) => kind === 'idle').length).toBeLessThan(2);
  });

  it('ends when its time is over, and not before', async () => {
    const { stdout } = await run(`
      ${channel(1, 0, 0, 0)}
      csrrs s2, time, x0
      ${poll(700)}
      csrrs s3, time, x0
      sub s3, s3, s2
      sltiu s3, s3, 700
      ${printDigit('s3')}
      ld t0, 0x200(s1)
      ${printDigit('t0')}
    `);
    expect(stdout).toBe('00');
  });

  it('waits for a port that its guest has masked', async () => {
    const { stdout } = await run(`
      ${channel(1, 0, 0, 0)}
      li t0, 2
      sd t0, 0x400(s1)
      csrrs a0, time, x0
      addi a0, a0, 200
      ${call(15)}
      ${poll(0)}
      ${print('m')}
      lbu t0, 0(s1)
      ${printDigit('t0')}
    `);
    expect(stdout).toBe('m0');
  });

  it('ends the run if nothing can ever come', async () => {
    const { code, stderr } = await run(`${channel(7, 0, 0)} ${poll(0)}`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no timer, device or input is set up/)]);
  });
});

describe('bad arguments of a poll', () => {
  const guest = new PvGuest();
  const structure = guest.page(0);
  const ports = guest.page(1);
  const pollWith = (list: bigint | number, count: number, timeout = 0n) => {
    guest.write64(structure, list, count, timeout);
    return guest.call(SCHED_OP, POLL, structure);
  };

  it.each([
    ['a structure outside RAM', () => guest.call(SCHED_OP, POLL, 0x1000), 'EFAULT'],
    ['one that is not aligned', () => guest.call(SCHED_OP, POLL, structure + 4), 'EFAULT'],
    ['ports outside RAM', () => pollWith(2n ** 63n, 1), 'EFAULT'],
    ['too many ports', () => pollWith(ports, 129), 'EINVAL'],
    ['a port that nothing is bound to', () => pollWith(ports, 1), 'EINVAL'],
  ])('%s: refused', (_, attempt, error) => {
    guest.write32(ports, 77);
    expect(attempt()).toBe(error);
    expect(guest.domain.vcpu(0).polled).toBeUndefined();
  });

  it('are refused in a batch', () => {
    guest.write64(structure, SCHED_OP, 0n, POLL, structure);
    expect(guest.call(13, structure, 1)).toBe(0);
    expect(BigInt.asIntN(64, guest.machine.memory.read64(structure + 8))).toBe(-22n);
  });
});

describe('two vCPUs', () => {
  it('take turns by yielding, without being preempted', async () => {
    const { stdout, events } = await run(
      `${START_SECOND} ${`${print('a')} ${schedule(YIELD)}`.repeat(4)} ${print('z')}`,
      `${`${print('b')} ${schedule(YIELD)}`.repeat(9)} spin: j spin`,
      ...TWO,
      '--quantum',
      '5000000',
    );
    expect(stdout).toBe('abababab' + 'z');
    expect(events.filter((event) => event.kind === 'exit' && event.reason === 'preempt')).toEqual([]);
  });

  it('goes on at once if nobody wants the processor', async () => {
    const { stdout, events } = await run(`${schedule(YIELD)} ${print('a')}`, 'spin: j spin', ...TWO);
    expect(stdout).toBe('a');
    expect(events.filter(({ kind }) => kind === 'turn')).toEqual([]);
  });

  it('wake each other by event channels', async () => {
    // Port 1 is an IPI to the second vCPU, port 2 one to the first. Each blocks until the other has sent.
    const { stdout, events } = await run(
      `
      ${channel(7, 1, 0)}
      ${channel(7, 0, 0)}
      ${START_SECOND}
      ${schedule(BLOCK)}
      ${print('2')}
      ${channel(4, 1)}
      sb x0, 0(s1)
      ${schedule(BLOCK)}
    `,
      `
      ${print('1')}
      ${channel(4, 2)}
      ${schedule(BLOCK)}
      ${print('3')}
      lbu t0, 64(s1)
      ${printDigit('t0')}
      ld t0, 0x200(s1)
      andi t0, t0, 2
      ${printDigit('t0')}
      ${SHUTDOWN}
    `,
      ...TWO,
    );
    expect(stdout).toBe('12312');
    expect(events.some(({ kind, hart }) => kind === 'idle' && hart === 1)).toBe(true);
  });

  it('have mask, callbacks and record of their own', async () => {
    // The second lets events in and is entered at its callback; the first keeps them masked throughout.
    const { stdout, events } = await run(
      `
      ${channel(7, 1, 0)}
      ${START_SECOND}
      la t2, flag
      wait: ld t0, 0(t2)
      beq t0, x0, wait
      ${channel(4, 1)}
      rest: j rest
    `,
      `
      la a0, callback
      li a1, 0
      li a2, 0
      ${call(4)}
      sb x0, 65(s1)
      la t2, flag
      li t0, 1
      sd t0, 0(t2)
      spin: j spin
      callback:
      lbu t0, 65(s1)
      ${printDigit('t0')}
      lbu t0, 1(s1)
      ${printDigit('t0')}
      li t1, 0x8a8
      add t1, t1, s1
      ld t0, 0(t1)
      ${printDigit('t0')}
      ${SHUTDOWN}
    `,
      ...TWO,
      '--quantum',
      '20000',
    );
    // Masked on entry; the first never was let in; kernel mode was interrupted, unmasked.
    expect(stdout).toBe('111');
    expect(events.filter((event) => event.kind === 'inject' && event.source === 'upcall')).toMatchObject([{ hart: 1 }]);
    const unmasked = events.filter((event) => event.kind === 'avoidedExit' && event.operation === 'interrupt-unmask');
    expect(unmasked).toMatchObject([{ hart: 1 }]);
  });
});

describe('clocks of the shared-info page', () => {
  it('turn `time` into nanoseconds, and start at the wall clock of the machine', async () => {
    const { stdout } = await run(`
      lw t0, 0x20(s1)
      ${printDigit('t0')}
      lwu t0, 0x38(s1)
      lb t1, 0x3c(s1)
      li t2, 123456789
      sll t2, t2, t1
      mulhu t3, t2, t0
      mul t2, t2, t0
      srli t2, t2, 32
      slli t3, t3, 32
      or t2, t2, t3
      li t3, 12345678900
      sub t2, t2, t3
      ${printDigit('t2')}
      lwu t0, 0x604(s1)
      li t1, 1767225600
      sub t0, t0, t1
      sltiu t0, t0, 1
      ${printDigit('t0')}
    `);
    expect(stdout).toBe('201');
  });

  it.each([1, 1000, 3_000_000, 10_000_000, 999_999_937, 4_000_000_000])('are exact to a billionth at %i Hz', (hz) => {
    const { multiplier, shift } = nanosecondScale(hz);
    expect(multiplier).toBeGreaterThanOrEqual(2 ** 31);
    expect(multiplier).toBeLessThan(2 ** 32);
    expect((multiplier * 2 ** shift) / 2 ** 32 / (1e9 / hz)).toBeCloseTo(1, 9);
  });
});

describe('console input', () => {
  const read = (count: number) => `li a0, 1\n li a1, ${count}\n la a2, data\n ${call(18)}\n addi s3, a1, 0\n`;
  const echo = `
    ${read(1)}
    beq s3, x0, done
    la t0, data
    lbu a0, 0(t0)
    ${sbi(0x4442_434e, 2)}
  `;
  const withInput = (text: string) => {
    const file = scratch.path('input.txt');
    writeFileSync(file, text);
    return ['--stdin', file];
  };

  it('comes as an event to a guest that has asked for it and waits', async () => {
    const { stdout, events } = await run(
      `
      ${channel(1, 2, 0, 0)}
      ${schedule(BLOCK)}
      ${print('!')}
      ${echo} ${echo} ${echo}
      done: lbu s4, 0(s1)
      ${printDigit('s4')}
      `,
      'spin: j spin',
      ...withInput('hi'),
    );
    expect(stdout).toBe('!hi1');
    expect(events.filter((event) => event.kind === 'inject' && event.source === 'pv-console').length).toBeGreaterThan(
      0,
    );
    expect(events.filter(({ kind }) => kind === 'input').length).toBeGreaterThan(0);
  });

  it('is left alone until it is asked for without the port', async () => {
    const { stdout, events } = await run(`${echo} ${echo} done: ${print('.')}`, 'spin: j spin', ...withInput('ab'));
    expect(stdout).toBe('ab.');
    expect(events.filter(({ kind }) => kind === 'inject')).toEqual([]);
  });

  it('comes no more when the port is closed', async () => {
    const { code, stderr } = await run(
      `${channel(1, 2, 0, 0)} ${channel(3, 1)} ${schedule(BLOCK)}`,
      'spin: j spin',
      ...withInput('ab'),
    );
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no timer, device or input is set up/)]);
  });
});
