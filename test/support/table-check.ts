/** Runs table programs natively and on the processors of the modes, and compares all that the guest can see. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { TrapAndEmulate } from '../../src/hypervisor/modes/trap-and-emulate.ts';
import { TwoStageProcessor } from '../../src/hypervisor/modes/two-stage.ts';
import { EngineMachine } from '../../src/machine/machine.ts';
import { type MachineConfig, PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { createRandom } from '../oracle/differential/random.ts';
import { PAGE, PTE, RAM, TEST_CORE, TIERS } from './machine-rig.ts';
import { ProcessorHost } from './processor-host.ts';
import { MEMORY_BYTES, type TableProgram, TableProgramMaker } from './table-programs.ts';

export const TABLE_HOSTS = ['native', 'full', 'full, short of memory', 'hvm'] as const;
export type TableHost = (typeof TABLE_HOSTS)[number];

const CYCLES_MAX = 400_000;
const TURN_CYCLES = 500;
/** What four harts need to go on at all, and hardly more. */
const SCARCE_PAGES = 40;

function machineFor(host: TableHost, config: Partial<MachineConfig>): EngineMachine {
  const hostPages = { native: 0, full: 1024, 'full, short of memory': SCARCE_PAGES, hvm: 64 }[host];
  return new EngineMachine({
    hartCount: 1,
    memoryBytes: MEMORY_BYTES,
    core: { ...TEST_CORE, walkReferenceCycles: 0 },
    misaligned: 'hardware',
    adUpdate: 'hardware',
    supervisorCallsStop: false,
    ...TIERS.interpreter,
    hostMemoryBytes: hostPages * PAGE,
    ...config,
  });
}

function processorFor(host: TableHost, machine: EngineMachine) {
  switch (host) {
    case 'native':
      return undefined;
    case 'full':
      return new TrapAndEmulate(machine);
    case 'full, short of memory':
      return new TrapAndEmulate(machine, { rootsMax: 2 * machine.harts.length + 1 });
    case 'hvm':
      return new TwoStageProcessor(machine);
  }
}

/** Everything that the guest can see at the end. */
function runOne(machine: EngineMachine, host: TableHost, program: TableProgram) {
  const processor = processorFor(host, machine);
  const runner = processor && new ProcessorHost(machine, processor);
  const end = BigInt(program.program.address('end'));
  for (const { id } of machine.harts) {
    machine.reset(id, { pc: BigInt(program.program.address(`start${id}`)), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
    const hart = machine.harts[id];
    if (hart === undefined) continue;
    hart.setCsr('pmpaddr0', (1n << 54n) - 1n);
    hart.setCsr('pmpcfg0', 0x1fn);
    hart.setCsr('medeleg', 0xb3ffn);
    hart.setCsr('stvec', BigInt(program.program.address('handler')));
    hart.setCsr('satp', program.satps[id] ?? 0n);
    hart.privilege = PRIVILEGE.S;
    processor?.start(id);
  }
  const stuck = new Set<number>();
  for (let turn = 0; machine.clock.cycle < CYCLES_MAX; turn++) {
    const { id, pc } = machine.harts[turn % machine.harts.length] ?? { id: 0, pc: 0n };
    if (pc !== end && !stuck.has(id)) {
      const until = machine.clock.cycle + TURN_CYCLES;
      const stop = runner ? runner.run(id, until) : machine.run(id, until);
      if (stop === STOP.stuck) stuck.add(id);
      else if (stop !== STOP.deadline) throw new Error(`stop ${stop} of hart ${id}`);
    }
    if (machine.harts.every((hart) => hart.pc === end || stuck.has(hart.id))) break;
  }
  const registers = machine.harts.map((hart) => ({
    x: Array.from({ length: 32 }, (_, index) => hart.x(index)),
    pc: hart.pc,
    csrs: ['satp', 'sstatus', 'sepc', 'scause', 'stval'].map((name) => hart.csr(name)),
    privilege: hart.privilege,
  }));
  const bytes = machine.memory.readBytes(RAM, MEMORY_BYTES);
  const memory = createHash('sha256').update(bytes).digest('hex');
  for (let at = 0; at < bytes.length; at += 8) bytes[at] = (bytes[at] ?? 0) & ~(PTE.A | PTE.D);
  const unmarked = createHash('sha256').update(bytes).digest('hex');
  const log = Array.from({ length: 512 * 4 }, (_, index) => machine.memory.read64(RAM + 10 * PAGE + 8 * index));
  return { visible: { registers, stuck: [...stuck], log, unmarked }, memory, runner, time: machine.clock.cycle };
}

/** @returns how often each exit occurred, over all programs and hosts */
export function tableCheck(
  seed: string,
  programs: number,
  hosts: readonly TableHost[] = TABLE_HOSTS,
): ReadonlyMap<string, number> {
  const exits = new Map<string, number>();
  const random = createRandom(seed);
  for (let index = 0; index < programs; index++) {
    const config = {
      hartCount: random.pick([1, 1, 2, 3]),
      adUpdate: random.pick(['hardware', 'fault'] as const),
      ...(random.chance(4) ? TIERS.translator : TIERS.interpreter),
    };
    let native: ReturnType<typeof runOne> | undefined;
    for (const host of hosts) {
      const machine = machineFor(host, config);
      const program = new TableProgramMaker(createRandom(`${seed}/${index}`)).load(machine.memory, config.hartCount);
      const name = `program ${index} of seed "${seed}", ${host}`;
      let result: ReturnType<typeof runOne>;
      try {
        result = runOne(machine, host, program);
      } catch (error) {
        throw new Error(`${name}: ${String(error)}`, { cause: error });
      }
      for (const [reason, count] of result.runner?.exits ?? []) exits.set(reason, (exits.get(reason) ?? 0) + count);
      native ??= result;
      expect(result.visible, name).toEqual(native.visible);
      // A and D of entries that lead to memory that does not exist: natively the walk sets them before the access fails; a second stage has
      // no such page, and the walk ends before.
      if (host !== 'hvm') expect(result.memory, name).toBe(native.memory);
    }
  }
  return exits;
}
