/** Exits that a paravirtual guest is spared: small kernels, and what the trace of each says that they did. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import type { EventOf } from '../../../src/hypervisor/events.ts';
import { openTrace } from '../../../src/trace/reader.ts';
import { paratrace, Scratch } from '../../cli/fake-host.ts';
import { assemble } from '../../support/assembler.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const LOAD_ADDRESS = 0x8020_0000;
const call = (number: number) => `li a7, ${0x0850_5654}\n li a6, ${number}\n ecall\n`;
const SHUTDOWN = `li a7, ${0x5352_5354}\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n`;

/** Runs a kernel on both tiers in step: s0 is the start-info page, s1 the shared-info page. */
async function traceOf(body: string) {
  const file = scratch.path('kernel.bin');
  const trace = scratch.path('kernel.pvt');
  const source = `
    addi s0, a1, 0
    ld s1, 0x28(s0)
    ${body}
    ${SHUTDOWN}
    .align 8
  data: ${Array(32).fill('.dword 0').join('\n')}
  `;
  writeFileSync(file, assemble(source, LOAD_ADDRESS).bytes);
  const options = ['--mode', 'pv', '--memory', '8M', '--engine', 'both', '--max-cycles', '10M', '--stdin', '/dev/null'];
  const { code, stderr } = await paratrace(['record', file, ...options, '-o', trace]);
  expect(code, stderr).toBe(0);
  const events = [...openTrace(readFileSync(trace)).events()];
  const avoided = events.filter((event): event is EventOf<'avoidedExit'> => event.kind === 'avoidedExit');
  return { events, avoided, told: avoided.map(({ operation, count }) => `${operation} ${count}`) };
}

it('tells of each store to the mask, at the cycle after it', async () => {
  const { avoided, told, events } = await traceOf('sb x0, 1(s1)\n addi t0, x0, 1\n sb t0, 1(s1)\n sb t0, 1(s1)\n');
  expect(told).toEqual(['interrupt-unmask 1', 'interrupt-mask 1', 'interrupt-mask 1']);
  expect(events.filter(({ kind }) => kind === 'exit')).toEqual([]);
  const [first, second, third] = avoided;
  expect((second?.icount ?? 0) - (first?.icount ?? 0)).toBe(2);
  expect((third?.icount ?? 0) - (second?.icount ?? 0)).toBe(1);
  expect(third?.pc).toBe((second?.pc ?? 0n) + 4n);
});

it('takes a wider store for masking only if it changes the mask', async () => {
  const { told } = await traceOf(
    'li t0, 0x100\n sh t0, 0(s1)\n sh x0, 0(s1)\n sd x0, 0(s1)\n sd x0, 8(s1)\n sb x0, 0(s1)\n',
  );
  expect(told).toEqual(['interrupt-unmask 1']);
});

it('tells whose interrupt was acknowledged, and by which port', async () => {
  const { avoided } = await traceOf(`
    la a1, data
    li a0, 1
    ${call(32)}
    csrrs a0, time, x0
    ${call(15)}
    li a0, 1
    ${call(29)}
    addi s2, s1, 0x200
    li t0, -3
    amoand.d t1, t0, (s2)
    li t0, 256
    sd t0, 0(s2)
    sd x0, 0(s2)
  `);
  // Port 8 is nobody's: the guest has set its bit itself.
  expect(avoided).toMatchObject([{ operation: 'interrupt-acknowledge', line: 1, device: 'timer', count: 1 }]);
});

it('counts of a batch what goes beyond the exit of the call', async () => {
  // Loads the root that is loaded, twice, and flushes twice; then once.
  const { events, told } = await traceOf(`
    la a0, data
    ld t1, 0x30(s0)
    li t0, 5
    sd t0, 0(a0)
    sd t1, 8(a0)
    li t0, 6
    sd t0, 24(a0)
    sd t0, 48(a0)
    li t0, 5
    sd t0, 72(a0)
    sd t1, 80(a0)
    li a1, 4
    ${call(26)}
    la a0, data
    addi a0, a0, 24
    li a1, 1
    ${call(26)}
  `);
  expect(told).toEqual(['address-space-switch 1', 'translation-flush 2']);
  expect(events.filter(({ kind }) => kind === 'hypercall').slice(0, 2)).toMatchObject([
    { tableWrites: 0, rootLoads: 2, flushes: 2 },
    { tableWrites: 0, rootLoads: 0, flushes: 1 },
  ]);
});
