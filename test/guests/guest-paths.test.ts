/**
 * The recipes of `guest-paths.ts`, counted again: both builds of mini-os are executed instruction by instruction, under `pv` and `native`, and the
 * cycles of each function of a platform are added up, without page walks and without what a hypervisor charges.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { GUEST_PATHS, type GuestPath, type PathPair } from '../../src/analysis/whatif/guest-paths.ts';
import { must } from '../../src/assert.ts';
import { prepareRun } from '../../src/cli/machine-options.ts';
import { costOf, isPriced, type VmEvent } from '../../src/hypervisor/events.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import { parseElf } from '../../src/machine/platform/elf.ts';
import { NoInput } from '../../src/session/inputs.ts';
import { RUN_DEFAULTS } from '../../src/session/run-defaults.ts';
import { Session } from '../../src/session/session.ts';

/** Cycles of a function per call. */
type Profile = ReadonlyMap<string, number>;

/** Executes a workload to its end. */
function profile(mode: 'pv' | 'native', workload: string, iterations: number): Profile {
  const run = prepareRun('mini-os', {
    ...{ mode, workload, iterations, costs: 'rocket-kvm-2023', core: 'rocket', harts: 1, engine: 'interpreter' },
    ...{ memory: 128 * 2 ** 20, append: mode === 'native' ? 'drivers=uart16550,ata,e1000' : '', drive: [] },
    ...{ seed: RUN_DEFAULTS.seed, quantum: RUN_DEFAULTS.quantumCycles, digests: 1e15, maxCycles: 0 },
    ...{ rtc: RUN_DEFAULTS.rtcEpochSeconds, misaligned: 'hardware', adUpdate: 'hardware' },
  } as unknown as Parameters<typeof prepareRun>[1]);
  let charged = 0;
  const observer = {
    event: (event: VmEvent) => {
      if (isPriced(event)) charged += costOf(event);
    },
    input() {},
    digest() {},
    end() {},
  };
  const ports = { input: new NoInput(), observer, console: { write() {} } };
  const session = new Session(
    run.config,
    run.images,
    ports,
    (config) => createMachine(config, 'interpreter'),
    run.costs,
  );
  const { symbols } = parseElf(run.images.guest, 'mini-os');
  const { machine } = session.vm;
  const hart = must(machine.harts[0], 'a hart');
  const walkCycles = () =>
    machine.counters(0).walkReferences * must(CORE_PROFILES.rocket, 'a core').walkReferenceCycles;
  const sums = new Map<string, { calls: number; cycles: number }>();
  while (session.end === undefined) {
    const { pc } = hart;
    const before = machine.clock.cycle - charged - walkCycles();
    session.run(1);
    const symbol = pc < 0x8000_0000n ? undefined : symbols.symbolAt(pc);
    if (symbol === undefined) continue;
    const sum = sums.get(symbol.name) ?? { calls: 0, cycles: 0 };
    sums.set(symbol.name, sum);
    if (symbol.offset === 0n) sum.calls++;
    sum.cycles += machine.clock.cycle - charged - walkCycles() - before;
  }
  return new Map([...sums].map(([name, { calls, cycles }]) => [name, cycles / Math.max(1, calls)]));
}

/** Functions that a path is made of, in both builds. Those that wait have no cycles of their own to count. */
const FUNCTIONS: Readonly<Partial<Record<GuestPath, { readonly [B in keyof PathPair]: readonly string[] }>>> = {
  exceptionEntry: {
    pv: ['pv_trap_entry', 'pv_trap', 'pv_is_user'],
    unmodified: ['native_trap_entry', 'native_trap', 'native_is_user'],
  },
  trapReturn: { pv: ['pv_enter_user'], unmodified: ['native_enter_user'] },
  mask: { pv: ['pv_irq_save', 'pv_irq_restore'], unmodified: ['native_irq_save', 'native_irq_restore'] },
  activate: { pv: ['pv_activate', 'pv_must'], unmodified: ['native_activate'] },
  entryNow: { pv: ['pv_set_entry_now', 'pv_must'], unmodified: ['native_set_entry_now'] },
  entryInBatch: { pv: ['pv_set_entry'], unmodified: ['native_set_entry'] },
};

/** What a path has that no function of its build shows: the trap itself; parts that the compiler has put into others. */
const BESIDES: Readonly<Partial<Record<GuestPath, Partial<PathPair>>>> = {
  exceptionEntry: { unmodified: 5 },
};

describe('recipes of guest paths', () => {
  const profiles: { [B in keyof PathPair]: Record<string, Profile> } = { pv: {}, unmodified: {} };
  const WORKLOADS = { syscall: 60, ctxsw: 20, mmap: 4 } as const;
  beforeAll(() => {
    for (const [workload, iterations] of Object.entries(WORKLOADS)) {
      profiles.pv[workload] = profile('pv', workload, iterations);
      profiles.unmodified[workload] = profile('native', workload, iterations);
    }
  }, 300_000);

  const workloadOf = (path: GuestPath) =>
    path === 'activate' || path === 'mask' ? 'ctxsw' : path.startsWith('entry') ? 'mmap' : 'syscall';

  it.each(Object.keys(FUNCTIONS) as GuestPath[])('%s takes what its functions take', (path) => {
    const functions = must(FUNCTIONS[path], 'a path of the table');
    for (const build of ['pv', 'unmodified'] as const) {
      const found = must(profiles[build][workloadOf(path)], 'a profile');
      const sum = functions[build].reduce((all, name) => all + (found.get(name) ?? 0), BESIDES[path]?.[build] ?? 0);
      // Loops and branches make calls differ by a few cycles.
      expect(Math.abs(sum - GUEST_PATHS[path][build]), `${path}, ${build}: ${sum} cycles`).toBeLessThanOrEqual(5);
    }
  });
});
