/**
 * The recipes of `guest-paths.ts`, counted again, to the cycle: both builds of mini-os are executed instruction by instruction, under `pv` and `native`,
 * and the cycles of each function are added up, without page walks, waiting, and what a hypervisor charges. What a workload does once is left
 * out by taking the difference of two runs that differ in their iterations.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { BOOT_CYCLES, GUEST_PATHS, type GuestPath } from '../../src/analysis/whatif/guest-paths.ts';
import { must } from '../../src/assert.ts';
import { costOf, isPriced, type VmEvent } from '../../src/hypervisor/events.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { BUILDS, type Build, steppedMiniOs } from '../support/stepped-mini-os.ts';

interface Sum {
  calls: number;
  cycles: number;
}
interface Profile {
  readonly functions: ReadonlyMap<string, Sum>;
  /** Up to the first instruction of a process. */
  readonly bootCycles: number;
}

/** Processes lie below RAM; their instructions are one function. */
const RAM_BASE = 0x8000_0000n;
const PROCESSES = 'processes';

/** Executes a workload to its end, or to its first process. */
function profile(mode: string, append: string, workload: string, iterations: number, onlyBoot = false): Profile {
  let besides = 0;
  let idleSince = 0;
  const onEvent = (event: VmEvent) => {
    if (isPriced(event)) besides += costOf(event);
    if (event.kind === 'idle') idleSince = event.cycle;
    if (event.kind === 'wake') besides += event.cycle - idleSince;
  };
  const { session, machine, hart, symbols } = steppedMiniOs({ mode, append, workload, iterations, onEvent });
  const { walkReferenceCycles } = must(CORE_PROFILES.rocket, 'a core');
  const own = () => machine.clock.cycle - besides - machine.counters(0).walkReferences * walkReferenceCycles;
  const functions = new Map<string, Sum>();
  let bootCycles = 0;
  while (session.end === undefined) {
    const { pc } = hart;
    const before = own();
    if (pc < RAM_BASE && bootCycles === 0) bootCycles = before;
    if (onlyBoot && bootCycles > 0) break;
    session.run(1);
    const symbol = pc < RAM_BASE ? { name: PROCESSES, offset: 1n } : symbols.symbolAt(pc);
    if (symbol === undefined) continue;
    const sum = functions.get(symbol.name) ?? { calls: 0, cycles: 0 };
    functions.set(symbol.name, sum);
    if (symbol.offset === 0n) sum.calls++;
    sum.cycles += own() - before;
  }
  return { functions, bootCycles };
}

/** Iterations of the two runs. */
const WORKLOADS = {
  syscall: [10, 20],
  ctxsw: [10, 20],
  fork: [4, 8],
  mmap: [2, 6],
  tick: [2, 4],
  console: [2, 6],
  'disk-read': [1, 2],
  'net-rr': [8, 24],
  'net-stream': [16, 48],
} as const satisfies Record<string, readonly [number, number]>;
type Workload = keyof typeof WORKLOADS;

/** By build and workload: what the second run has more. */
const more = {} as Record<Build, Record<Workload, ReadonlyMap<string, Sum>>>;

function difference(build: Build, workload: Workload): ReadonlyMap<string, Sum> {
  const [first, second] = WORKLOADS[workload].map((iterations) => profile(...BUILDS[build], workload, iterations));
  const before = must(first, 'a run').functions;
  return new Map(
    [...must(second, 'a run').functions].map(([name, { calls, cycles }]) => {
      const less = before.get(name) ?? { calls: 0, cycles: 0 };
      return [name, { calls: calls - less.calls, cycles: cycles - less.cycles }];
    }),
  );
}

const sumOf = (build: Build, workload: Workload, name: string): Sum =>
  must(more[build][workload].get(name), `${name} in ${workload}`);

/** Cycles of one call, the same for each. */
function each(build: Build, workload: Workload, ...names: readonly string[]): number {
  return names.reduce((all, name) => {
    const { calls, cycles } = sumOf(build, workload, name);
    expect(calls, `calls of ${name}`).toBeGreaterThan(0);
    expect(cycles % calls, `${name}, ${build}, ${workload}: ${cycles} cycles in ${calls} calls`).toBe(0);
    return all + cycles / calls;
  }, 0);
}

beforeAll(() => {
  for (const build of Object.keys(BUILDS) as Build[]) {
    const rows = (Object.keys(WORKLOADS) as Workload[]).map((workload) => [workload, difference(build, workload)]);
    more[build] = Object.fromEntries(rows) as Record<Workload, ReadonlyMap<string, Sum>>;
  }
}, 400_000);

const pv = (workload: Workload, ...names: readonly string[]) => each('pv', workload, ...names);
const native = (workload: Workload, ...names: readonly string[]) => each('registers', workload, ...names);

/** What a native trap takes besides its handler: the instruction that traps does, and not where a hypervisor is charged for it. */
const ofTrap = () => {
  const { calls } = sumOf('registers', 'syscall', 'native_trap');
  const cycles = sumOf('registers', 'syscall', PROCESSES).cycles - sumOf('pv', 'syscall', PROCESSES).cycles;
  return cycles / calls;
};

/** Cycles of what interrupts of a workload add to functions that exceptions go through as well. */
function ofInterrupt(build: Build, workload: Workload, name: string, perException: number, interrupts: number): number {
  const { calls, cycles } = sumOf(build, workload, name);
  const exceptions = sumOf(build, workload, 'trap_exception').calls;
  expect([exceptions, exceptions + interrupts]).toContain(calls);
  return (cycles - perException * exceptions) / interrupts;
}
const interruptsOf = (workload: Workload) => sumOf('pv', workload, 'pv_event').calls;

type Recount = Partial<Record<Build, () => number>>;
const kernel = (paravirtual: () => number, unmodified: () => number): Recount => ({
  pv: paravirtual,
  registers: unmodified,
  rings: unmodified,
});

const RECOUNTS: Partial<Record<GuestPath, Recount>> = {
  mask: kernel(
    () => pv('ctxsw', 'pv_irq_save') + 4,
    () => native('ctxsw', 'native_irq_save', 'native_irq_restore'),
  ),
  exceptionEntry: kernel(
    () =>
      pv('syscall', 'pv_trap_entry', 'pv_trap', 'pv_is_user', 'pv_irq_enable', 'pv_irq_disable') -
      (GUEST_PATHS.mask.pv + GUEST_PATHS.unmask.pv),
    () =>
      ofTrap() +
      native(
        'syscall',
        'native_trap_entry',
        'native_trap',
        'native_is_user',
        'native_irq_enable',
        'native_irq_disable',
      ) -
      GUEST_PATHS.mask.registers,
  ),
  interruptEntry: kernel(
    () => {
      const entry = ofInterrupt('pv', 'disk-read', 'pv_trap_entry', 56, interruptsOf('disk-read'));
      return pv('disk-read', 'pv_event_entry', 'pv_event') + entry;
    },
    () => {
      const parts = { native_trap_entry: 63, native_trap: 23, native_enter_user: 86 };
      const own = Object.entries(parts).map(([name, exception]) =>
        ofInterrupt('registers', 'disk-read', name, exception, interruptsOf('disk-read')),
      );
      return own.reduce((all, cycles) => all + cycles, 0) - GUEST_PATHS.trapReturn.registers;
    },
  ),
  trapReturn: kernel(
    () => pv('syscall', 'pv_enter_user'),
    () => native('syscall', 'native_enter_user'),
  ),
  idle: kernel(
    () => pv('disk-read', 'pv_idle') + pv('fork', 'pv_must') - (GUEST_PATHS.mask.pv + GUEST_PATHS.unmask.pv),
    () => native('disk-read', 'native_idle') - GUEST_PATHS.mask.registers,
  ),
  deadline: kernel(
    () => pv('tick', 'pv_set_deadline') + pv('fork', 'pv_must'),
    () => native('tick', 'native_set_deadline'),
  ),
  activate: kernel(
    () => pv('ctxsw', 'pv_activate', 'pv_must'),
    () => native('ctxsw', 'native_activate'),
  ),
  flush: kernel(
    () => pv('mmap', 'pv_flush_all', 'pv_must'),
    () => native('mmap', 'native_flush_all'),
  ),
  entryNow: kernel(
    () => pv('mmap', 'pv_set_entry_now', 'pv_must'),
    () => native('mmap', 'native_set_entry_now'),
  ),
  entryInBatch: kernel(
    () => pv('mmap', 'pv_set_entry'),
    () => native('mmap', 'native_set_entry'),
  ),
  batch: kernel(
    () => pv('mmap', 'pv_lazy_begin', 'pv_lazy_end', 'pv_must'),
    () => native('mmap', 'native_lazy_begin', 'native_lazy_end'),
  ),
  rootReady: kernel(
    () => {
      const zeroed = ['page_get_zeroed', 'memset'].map(
        (name) => sumOf('pv', 'fork', name).cycles - sumOf('registers', 'fork', name).cycles,
      );
      const spaces = sumOf('pv', 'fork', 'pv_root_create').calls;
      const secondRoot = zeroed.reduce((all, cycles) => all + cycles, 0) / spaces;
      return pv('fork', 'pv_root_create', 'pv_root_ready', 'pv_must') + secondRoot;
    },
    () => native('fork', 'native_root_create', 'native_root_ready'),
  ),
  rootDestroyed: kernel(
    () => {
      const given = sumOf('pv', 'fork', 'page_put').cycles - sumOf('registers', 'fork', 'page_put').cycles;
      return pv('fork', 'pv_root_destroy', 'pv_must') + given / sumOf('pv', 'fork', 'pv_root_destroy').calls;
    },
    () => native('fork', 'native_root_destroy'),
  ),
  netService: {
    pv: () => {
      const { cycles } = sumOf('pv', 'net-rr', 'pv_claim');
      return cycles / interruptsOf('net-rr') + pv('net-rr', 'pv_complete');
    },
    registers: () => 2 * native('net-rr', 'plic_claim') + native('net-rr', 'plic_complete', 'interrupt'),
    rings: () => {
      const own = each('rings', 'net-rr', 'plic_complete', 'interrupt', 'virtio_acknowledge');
      return 2 * each('rings', 'net-rr', 'plic_claim') + own;
    },
  },
  diskService: kernel(
    () => sumOf('pv', 'disk-read', 'pv_claim').cycles / interruptsOf('disk-read') + pv('disk-read', 'pv_complete'),
    () => 2 * native('disk-read', 'plic_claim') + native('disk-read', 'plic_complete'),
  ),
};

describe('recipes of guest paths', () => {
  it.each(Object.keys(RECOUNTS) as GuestPath[])('%s takes what its functions take', (path) => {
    for (const [build, recount] of Object.entries(must(RECOUNTS[path], 'a recount')) as [Build, () => number][]) {
      expect(recount(), `${path}, ${build}`).toBe(GUEST_PATHS[path][build]);
    }
  });

  it('tells a return that lets events in from one that does not', () => {
    for (const workload of ['ctxsw', 'fork', 'net-rr', 'tick'] as const) {
      const { calls, cycles } = sumOf('pv', workload, 'pv_irq_restore');
      const lettingIn = (cycles - 4 * calls) / GUEST_PATHS.unmask.pv;
      expect(Number.isInteger(lettingIn) && lettingIn >= 0 && lettingIn <= calls, workload).toBe(true);
    }
  });

  it('has all that tables of an address space take', () => {
    // Each has two roots, a table above those of entries, and three of these; twelve entries are made before it is handed over.
    const spaces = sumOf('pv', 'fork', 'pv_root_ready').calls;
    const per = (name: string) => sumOf('pv', 'fork', name).cycles / spaces;
    const { pageOver, pageBack, handOver, tablesOfSome, tablesOfEach, tableBefore, tableBeforeInRoots } = GUEST_PATHS;
    const mustCycles = pv('fork', 'pv_must');
    expect(per('hand_over') + per('run_calls')).toBe(6 * (pageOver.pv + pageBack.pv) + 2 * (handOver.pv - mustCycles));
    expect(per('hand_over_all')).toBe(2 * (tablesOfSome.pv + 3 * tablesOfEach.pv));
    expect(per('pv_set_table')).toBe(4 * tableBefore.pv + tableBeforeInRoots.pv);
    expect(per('pv_set_entry')).toBe(12 * GUEST_PATHS.entryBefore.pv + 9 * GUEST_PATHS.entryInBatch.pv);
    expect(native('fork', 'native_set_table')).toBe(tableBefore.registers);
  });

  const sumsOf = (build: Build, workload: Workload, ...names: readonly string[]) =>
    names.reduce((all, name) => all + sumOf(build, workload, name).cycles, 0);

  it('has all that a request of the disk for one page takes', () => {
    const own = ['submit', 'sectors', 'interrupt'];
    const rings = ['virtq_add', 'virtq_publish', 'virtq_take', 'virtq_interrupt_after', 'virtio_config32'];
    const parts: Record<Build, readonly string[]> = {
      pv: [...own, 'grant_change', 'pv_send'],
      registers: own,
      rings: [...own, ...rings, 'virtio_acknowledge'],
    };
    const { diskRequest, diskPage } = GUEST_PATHS;
    for (const build of Object.keys(BUILDS) as Build[]) {
      const requests = sumOf(build, 'disk-read', 'submit').calls;
      expect(requests).toBe(1);
      const cycles = sumsOf(build, 'disk-read', ...parts[build]) + (build === 'pv' ? pv('fork', 'pv_must') : 0);
      expect(cycles, build).toBe(diskRequest[build] + diskPage[build]);
    }
  });

  it('has all that frames received take, and buffers that are given back', () => {
    const { frameReceived, refill, frameSent, frameSentReturn } = GUEST_PATHS;
    const frames = sumOf('pv', 'net-rr', 'transmit').calls;
    const looks = 2 * frames;
    const refills = sumOf('pv', 'net-rr', 'pv_send').calls - frames;
    expect({ frames, refills }).toEqual({ frames: 16, refills: 2 });
    for (const build of Object.keys(BUILDS) as Build[]) expect(sumOf(build, 'net-rr', 'receive').calls).toBe(looks);
    const pvSend = pv('net-rr', 'pv_send') + pv('fork', 'pv_must');
    expect(sumsOf('pv', 'net-rr', 'receive') + refills * pvSend).toBe(frames * frameReceived.pv + refills * refill.pv);
    expect(sumsOf('registers', 'net-rr', 'receive')).toBe(
      frames * frameReceived.registers + refills * refill.registers,
    );
    const shared = ['transmit', 'virtq_add', 'virtq_publish', 'virtq_take', 'virtq_interrupt_after'];
    expect(sumsOf('rings', 'net-rr', 'receive', ...shared)).toBe(
      frames * (frameReceived.rings + frameSent.rings + frameSentReturn.rings) + refills * refill.rings,
    );
  });

  it('has all that text takes', () => {
    const { textWritten, byteWritten, wordCopied, byteCopied } = GUEST_PATHS;
    const texts = sumOf('pv', 'console', 'write').calls;
    const bytes = (native('console', 'write') - textWritten.registers) / byteWritten.registers;
    expect(Number.isInteger(bytes)).toBe(true);
    const taken = (build: 'pv' | 'rings') =>
      textWritten[build] + Math.floor(bytes / 8) * wordCopied[build] + (bytes % 8) * byteCopied[build];
    // What the kernel copies to have it at all is the same in each build.
    const copied = (build: Build) => sumsOf(build, 'console', 'memcpy') - sumsOf('registers', 'console', 'memcpy');
    expect(sumsOf('pv', 'console', 'write') + copied('pv')).toBe(texts * taken('pv'));
    // How often it looks in vain for buffers that are done is a matter of time: not of the path.
    const takes = sumOf('rings', 'console', 'virtq_take');
    const inVain = 14 * (takes.calls - texts);
    const rings = sumsOf('rings', 'console', 'write', 'virtq_add', 'virtq_publish') + takes.cycles - inVain;
    expect(rings + copied('rings')).toBe(texts * taken('rings'));
  });

  it('has all that sixteen frames sent take', () => {
    const { frameSent, frameSentReturn } = GUEST_PATHS;
    const sum = (build: Build, ...names: string[]) => sumsOf(build, 'net-stream', ...names);
    const frames = sumOf('pv', 'net-stream', 'transmit').calls;
    const paravirtual = sum('pv', 'transmit', 'pv_send', 'take_back_transmitted') + frames * pv('fork', 'pv_must');
    expect(paravirtual / frames).toBe(frameSent.pv + frameSentReturn.pv);
    // Others than those that the receiver makes: each of its frames takes one, and two that find nothing.
    const received = sumOf('rings', 'net-stream', 'receive').calls / 2;
    const rings = sum('rings', 'transmit', 'virtq_add', 'virtq_publish', 'virtq_take') - received * (79 + 55 + 2 * 14);
    expect(rings / frames).toBe(frameSent.rings + frameSentReturn.rings);
  });

  it.each(Object.entries({ emulated: 'hvm', both: 'native', rings: 'pvh' } as const))(
    'starts a board with devices that are %s in as many cycles',
    (deviceSet, mode) => {
      const cycles = (of: string) => profile(of, '', 'syscall', 1, true).bootCycles;
      expect(cycles('pv')).toBe(BOOT_CYCLES.calls);
      expect(cycles(mode)).toBe(BOOT_CYCLES[deviceSet as keyof typeof BOOT_CYCLES]);
    },
    60_000,
  );
});
