/** How a paravirtual guest gets in and out of the hypervisor: small kernels that print a character for what they are entered for. */
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { paratrace, Scratch } from '../../cli/fake-host.ts';
import { assemble } from '../../support/assembler.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const LOAD_ADDRESS = 0x8020_0000;
const PV = 0x0850_5654;
const DBCN = 0x4442_434e;
const SRST = 0x5352_5354;

/** A hypercall; arguments are in their registers. */
const call = (number: number) => `li a7, ${PV}\n li a6, ${number}\n ecall\n`;
/** Prints the character in a0. */
const PRINT = `li a7, ${DBCN}\n li a6, 2\n ecall\n`;
const SHUTDOWN = `li a7, ${SRST}\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n`;
const CALLBACKS = `la a0, event\n la a1, trap\n la a2, syscall\n ${call(4)}`;
const IRET = call(23);

/** A kernel: s0 is the start-info page, s1 the shared-info page, s2 the record of the vCPU; the callbacks print why they were entered. */
function kernel(body: string): string {
  return `
    addi s0, a1, 0
    ld s1, 0x28(s0)
    li t0, 0x800
    add s2, s1, t0
    ${body}
    ${SHUTDOWN}
  event:
    li a0, 101
    ${PRINT} ${SHUTDOWN}
  syscall:
    addi a0, sp, 49
    ${PRINT}
    j report
  trap:
  report:
    ld a0, 24(s2)
    addi a0, a0, 48
    ${PRINT}
    ld a0, 40(s2)
    addi a0, a0, 65
    ${PRINT}
    ld t1, 8(s2)
    addi t1, t1, 4
    sd t1, 8(s2)
    ${IRET}
    .align 8
  data: .dword 0
    .dword 0
    .dword 0
  `;
}

/** Runs it on both tiers at once; answers what it printed and how it ended. */
async function run(body: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = scratch.path('kernel.bin');
  writeFileSync(file, assemble(kernel(body), LOAD_ADDRESS).bytes);
  const options = ['--mode', 'pv', '--memory', '8M', '--engine', 'both', '--max-cycles', '10M', '--stdin', '/dev/null'];
  return paratrace(['run', file, ...options]);
}

it('delivers what takes privilege to the trap callback, in kernel mode, masked', async () => {
  const { stdout, code } = await run(`${CALLBACKS} csrrw x0, sscratch, x0\n wfi\n sret\n sfence.vma x0, x0\n`);
  // Cause 2; status: kernel, and masked as at the start.
  expect(stdout.trim()).toBe('2D2D2D2D');
  expect(code).toBe(0);
});

it('delivers page faults, and says where', async () => {
  const { stdout } = await run(`${CALLBACKS} li t3, 0x1000\n ld t4, 0(t3)\n ld a0, 32(s2)\n srli a0, a0, 6\n ${PRINT}`);
  // Cause 13 is ':' + 3, the address 0x1000 comes as 0x40.
  expect(stdout.trim()).toBe('=D@');
});

it('lets counters be read without an exit', async () => {
  const { stdout, code } = await run(`csrrs a1, time, x0\n csrrs a2, cycle, x0\n csrrs a3, instret, x0\n`);
  expect([stdout.trim(), code]).toEqual(['', 0]);
});

it('changes to user mode by iret, and to the syscall callback and its stack by ecall', async () => {
  const { stdout } = await run(`
    ${CALLBACKS}
    la a0, data
    li t0, 15
    sd t0, 0(a0)
    ld t0, 0x30(s0)
    sd t0, 8(a0)
    li a1, 1
    ${call(26)}
    li t0, 66
    sd t0, 0(s2)
    la t0, user
    sd t0, 8(s2)
    sd x0, 40(s2)
    li t0, 77
    sd t0, 16(s2)
    ${IRET}
  user:
    ecall
  spin: j spin
  `);
  // The kernel's stack (66 + 49 is 's'), cause 8, from user mode with events let in.
  expect(stdout.trim()).toBe('s8A');
});

it('enters the event callback of a kernel that spins and lets events in', async () => {
  const body = `
    ${CALLBACKS}
    la a1, data
    li a0, 1
    ${call(32)}
    csrrs a0, time, x0
    addi a0, a0, 100
    ${call(15)}
    sb x0, 1(s1)
  spin: j spin
  `;
  expect((await run(body)).stdout.trim()).toBe('e');
});

it('wakes one that blocks with events masked, and does not enter it', async () => {
  const body = `
    ${CALLBACKS}
    la a1, data
    li a0, 1
    ${call(32)}
    csrrs a0, time, x0
    addi a0, a0, 100
    ${call(15)}
    li a0, 1
    ${call(29)}
    lbu a0, 0(s1)
    addi a0, a0, 48
    ${PRINT}
  `;
  expect((await run(body)).stdout.trim()).toBe('1');
});

it('refuses an SBI call that would write to a page table', async () => {
  const body = `li a0, 8\n ld a1, 0x30(s0)\n li a2, 0\n li a7, ${DBCN}\n li a6, 1\n ecall\n sub a0, x0, a0\n addi a0, a0, 48\n ${PRINT}`;
  expect((await run(body)).stdout.trim()).toBe('3');
});

it.each([
  ['has set no callback', 'wfi\n', /has set no trap callback, and needs it for cause 2/],
  [
    'cannot fetch its callback',
    `li a0, 0\n li a1, 0x1000\n li a2, 0\n ${call(4)} wfi\n`,
    /cannot fetch its trap callback 0x1000/,
  ],
  ['blocks with nothing to come', `li a0, 1\n ${call(29)}`, /no timer, device or input is set up/],
])('ends a run whose kernel %s, and says so', async (_name, body, message) => {
  const { code, stderr } = await run(body);
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
});
