/** Small kernels in assembly for mode `pvh`, which place the shared-info page and print characters. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { paratrace, type Scratch } from '../cli/fake-host.ts';
import { assemble } from './assembler.ts';

const LOAD_ADDRESS = 0x8020_0000;
export const CALL = { memory: 12, sched: 29, channel: 32, physdev: 33 } as const;
export const CHANNEL = {
  bindVirq: 1,
  bindPirq: 2,
  close: 3,
  send: 4,
  status: 5,
  bindIpi: 7,
  bindVcpu: 8,
  unmask: 9,
} as const;

export const call = (number: number) => `li a7, ${0x0850_5654}\n li a6, ${number}\n ecall\n`;
export const sbi = (eid: number, fid: number) => `li a7, ${eid}\n li a6, ${fid}\n ecall\n`;
export const print = (character: string) => `li a0, ${character.charCodeAt(0)}\n ${sbi(0x4442_434e, 2)}`;
export const printDigit = (register: string) => `addi a0, ${register}, 48\n ${sbi(0x4442_434e, 2)}`;
export const SHUTDOWN = `li a0, 0\n li a1, 0\n ${sbi(0x5352_5354, 0)}`;
export const START_SECOND = `li a0, 1\n la a1, second\n li a2, 0\n ${sbi(0x48_534d, 0)}`;

/** An operation of a call whose structure at `data` has these words of 32 bits. */
export const operation = (number: number, code: number, ...words: readonly number[]) => `
  la a1, data
  ${words.map((word, index) => `li t0, ${word}\n sw t0, ${4 * index}(a1)`).join('\n')}
  li a0, ${code}
  ${call(number)}
`;
export const channel = (code: number, ...words: readonly number[]) => operation(CALL.channel, code, ...words);

/** Places the shared-info page at the label `shared`. */
export const PLACE = `
  la a1, data
  li t0, 0x7ff0
  sd t0, 0(a1)
  sd x0, 8(a1)
  srli t0, s1, 12
  sd t0, 16(a1)
  li a0, 7
  ${call(CALL.memory)}
`;

export interface KernelRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly VmEvent[];
}

/**
 * Runs a kernel on both tiers in step, records it, and replays it.
 * @param body with s1 at the page `shared`, as `second` has it on a hart that the body starts
 */
export async function runPvhKernel(
  scratch: Scratch,
  body: string,
  second = 'spin: j spin',
  ...options: readonly string[]
): Promise<KernelRun> {
  const [file, trace] = [scratch.path('kernel.bin'), scratch.path('kernel.pvt')];
  const source = `
    la s1, shared
    ${body}
    ${SHUTDOWN}
  second:
    la s1, shared
    ${second}
    .align 8
  data: ${Array(8).fill('.dword 0').join('\n')}
  flag: .dword 0
    .align 4096
  shared: .dword 0
    .align 4096
    .dword 0
  `;
  writeFileSync(file, assemble(source, LOAD_ADDRESS).bytes);
  const fixed = ['--mode', 'pvh', '--memory', '8M', '--engine', 'both', '--max-cycles', '20M', '--stdin', '/dev/null'];
  const { code, stdout, stderr } = await paratrace(['record', file, ...fixed, ...options, '-o', trace]);
  const again = await paratrace(['replay', trace]);
  if (again.code !== 0) throw new Error(again.stderr);
  return { code, stdout: stdout.trim(), stderr, events: [...openTrace(readFileSync(trace)).events()] };
}
