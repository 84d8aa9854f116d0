/** mini-os under a mode, to be executed instruction by instruction. */
import { must } from '../../src/assert.ts';
import { prepareRun } from '../../src/cli/machine-options.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import { parseElf } from '../../src/machine/platform/elf.ts';
import { NoInput } from '../../src/session/inputs.ts';
import { RUN_DEFAULTS } from '../../src/session/run-defaults.ts';
import { Session } from '../../src/session/session.ts';

/** How each build of it runs: the paravirtual one, and the unmodified one with drivers for registers and for rings. */
export type Build = 'pv' | 'registers' | 'rings';
export const BUILDS: Readonly<Record<Build, readonly [mode: string, append: string]>> = {
  pv: ['pv', ''],
  registers: ['native', 'drivers=uart16550,ata,e1000'],
  rings: ['native', ''],
};

export interface SteppedOptions {
  readonly mode: string;
  readonly append: string;
  readonly workload: string;
  readonly iterations: number;
  readonly onEvent?: (event: VmEvent) => void;
}

export function steppedMiniOs({ mode, append, workload, iterations, onEvent = () => {} }: SteppedOptions) {
  const run = prepareRun('mini-os', {
    ...{ mode, workload, iterations, costs: 'rocket-kvm-2023', core: 'rocket', harts: 1, engine: 'interpreter' },
    ...{ memory: 128 * 2 ** 20, append, drive: [], digests: 1e15, maxCycles: 0 },
    ...{ seed: RUN_DEFAULTS.seed, quantum: RUN_DEFAULTS.quantumCycles },
    ...{ rtc: RUN_DEFAULTS.rtcEpochSeconds, misaligned: 'hardware', adUpdate: 'hardware' },
  } as unknown as Parameters<typeof prepareRun>[1]);
  const observer = { event: onEvent, input() {}, digest() {}, end() {} };
  const ports = { input: new NoInput(), observer, console: { write() {} } };
  const create = (config: Parameters<typeof createMachine>[0]) => createMachine(config, 'interpreter');
  const session = new Session(run.config, run.images, ports, create, run.costs);
  const { symbols } = parseElf(run.images.guest, 'mini-os');
  const { machine } = session.vm;
  return { session, machine, hart: must(machine.harts[0], 'a hart'), symbols };
}
