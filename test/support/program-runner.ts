/** Runs generated programs on a machine, with everything happening to it from outside that a hypervisor could do. */
import { must } from '../../src/assert.ts';
import type { MmioDevice } from '../../src/machine/bus.ts';
import { IRQ } from '../../src/machine/bus.ts';
import type { RegionWriter } from '../../src/machine/engine/regions/region-emitter.ts';
import { encodeInsn } from '../../src/machine/isa/encode.ts';
import { insnNamed } from '../../src/machine/isa/table.ts';
import { LockstepMachine } from '../../src/machine/lockstep-machine.ts';
import type { Machine, MachineConfig } from '../../src/machine/machine-types.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import type { RegionCounts } from '../../src/machine/region-cache.ts';
import { createRandom, type Random } from '../oracle/differential/random.ts';
import { TEST_CORE } from './machine-rig.ts';
import { type GeneratedProgram, GUEST, generateProgram, writePageTables } from './program-generator.ts';
import { type Host, hostFor } from './virtual-hosts.ts';

/** Every head is hot at its second visit and compiled at once: a short program is translated whole. */
export const EAGER = { hotCount: 2, batchInsns: 0 } as const;
/** One hart with little memory, whose code is translated at once. */
export const EAGER_CONFIG: MachineConfig = {
  hartCount: 1,
  memoryBytes: 1 << 20,
  core: TEST_CORE,
  misaligned: 'hardware',
  adUpdate: 'hardware',
  supervisorCallsStop: false,
  translator: EAGER,
};
/** Most cycles of one program. */
const CYCLES_MAX = 100_000;
const SUPERVISOR_WIRES = [IRQ.SEIP, IRQ.SSIP] as const;
/** Everything that can be delegated is: no trap leads to machine mode. */
const ALL_DELEGATED = { medeleg: 0xb3ffn, mideleg: 0x222n, mie: 0x222n } as const;
const WIRES = [IRQ.MSIP, IRQ.MTIP, IRQ.MEIP, IRQ.SEIP, IRQ.SSIP] as const;

/** A configuration that a seed picks. */
export function randomConfig(random: Random, hartCount: number): MachineConfig {
  return {
    hartCount,
    memoryBytes: GUEST.memoryBytes,
    core: { ...TEST_CORE, tlbEntries: random.pick([2, 4, 16, 64]), walkReferenceCycles: random.pick([1, 5, 100]) },
    misaligned: random.pick(['hardware', 'trap']),
    adUpdate: random.pick(['hardware', 'fault']),
    supervisorCallsStop: false,
    translator: EAGER,
  };
}

/** Each read gives another value: who reads twice is found out. */
export function countingDevice(): MmioDevice {
  let reads = 0;
  return {
    name: 'counter',
    base: GUEST.device,
    sizeBytes: 4096,
    read: (_offset, size) => (++reads * 0x0101_0101) % 2 ** (8 * size),
    write: () => {},
    registerName: () => undefined,
    writeState: (sink) => sink.value('reads', reads),
  };
}

/** How generated programs are run. */
export interface RunOptions {
  /** What runs them; harts are virtualized after their reset. */
  readonly host?: Host;
  /** Programs that never need machine mode: those that start there do nothing. */
  readonly supervisorOnly?: boolean;
}

/** Loads and runs one generated program to its end or its last cycle; everything that happens follows from `random`. */
export function runGenerated(machine: Machine, random: Random, options: RunOptions = {}): GeneratedProgram {
  const { supervisorOnly = false, host = hostFor('none', machine) } = options;
  const program = generateProgram(random);
  const generated = supervisorOnly ? { ...program, csrs: { ...program.csrs, ...ALL_DELEGATED } } : program;
  const wires = supervisorOnly ? SUPERVISOR_WIRES : WIRES;
  load(machine, generated, random);
  if (supervisorOnly && generated.privilege === PRIVILEGE.M) return generated;
  host.start();
  // Regions need room: the short turns are for what happens around them.
  const quantum = random.pick([2, 30, 300, 1000, 2500, 10_000]);
  const untilCycle = machine.clock.cycle + Math.min(CYCLES_MAX, quantum * 8000);
  const events = random.chance(3) ? 0 : random.pick([3, 20]);
  const end = BigInt(generated.program.address('end'));
  const isAtEnd = ({ pc }: { readonly pc: bigint }) => pc === end || pc === end + 4n;
  for (let turn = 0; machine.clock.cycle < untilCycle; turn++) {
    const hart = turn % machine.harts.length;
    runTurn(machine, host, hart, machine.clock.cycle + 1 + random.below(2 * quantum));
    if (events > 0 && random.chance(events)) disturb(machine, host, generated, random, wires);
    if (machine.harts.every(isAtEnd)) break;
    machine.charge(1);
  }
  machine.memoryDigest();
  return generated;
}

function load(machine: Machine, generated: GeneratedProgram, random: Random): void {
  machine.memory.writeBytes(GUEST.code, new Uint8Array(GUEST.memoryBytes));
  const values = Uint32Array.from({ length: (GUEST.dataPages * 4096) / 4 }, () => random.bits32());
  machine.memory.writeBytes(GUEST.data, new Uint8Array(values.buffer));
  for (const { base, bytes } of [generated.program, ...generated.handlers]) machine.memory.writeBytes(base, bytes);
  writePageTables(machine.memory, generated.privilege === PRIVILEGE.U, random);
  for (const hart of machine.harts) {
    const pc = BigInt(generated.program.address('start'));
    machine.reset(hart.id, { pc, a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
    for (const [index, value] of generated.registers) hart.setX(index, value);
    hart.setX(2, BigInt(GUEST.stacks + 0x1000 + 0x800 * hart.id));
    for (const bit of WIRES) machine.setPending(hart.id, bit, false);
    for (const [name, value] of Object.entries(generated.csrs)) hart.setCsr(name, value);
    hart.privilege = generated.privilege;
  }
}

function runTurn(machine: Machine, host: Host, hart: number, untilCycle: number): void {
  while (machine.clock.cycle < untilCycle) {
    machine.updateTimers();
    const stop = host.run(hart, Math.min(untilCycle, machine.nextTimerCycle()));
    switch (stop) {
      case STOP.mmio:
        machine.performAccess();
        break;
      case STOP.interruptTaken:
        for (const bit of WIRES) machine.setPending(hart, bit, false);
        // The guest does not move its timer on.
        must(machine.harts[hart], 'hart').setCsr('stimecmp', 2n ** 64n - 1n);
        break;
      case STOP.wfi:
      case STOP.stuck:
        machine.charge(5);
        return;
    }
  }
}

/** What comes from outside: interrupts, another hart's fence, a device that writes data or code. */
function disturb(
  machine: Machine,
  host: Host,
  { patches }: GeneratedProgram,
  random: Random,
  wires: readonly number[],
): void {
  const hart = random.below(machine.harts.length);
  switch (random.below(5)) {
    case 0:
    case 1:
      machine.setPending(hart, random.pick(wires), true);
      return;
    case 2:
      host.fence(hart);
      return;
    case 3:
      machine.memory.write32(GUEST.data + 4 * random.below(4096), random.bits32());
      return;
    case 4: {
      const patch = patches[random.below(Math.max(1, patches.length))];
      if (patch === undefined) return;
      const rd = random.pick([10, 11, 5]);
      const word = encodeInsn(must(insnNamed('addi'), 'addi'), { rd, rs1: rd, imm: random.below(2000) });
      machine.memory.write32(patch, word >>> 0);
      return;
    }
  }
}

/**
 * Runs programs on both tiers in step. Fails with the seed of the program where they differ.
 * @param writeRegion the translator's code generator, as for {@link LockstepMachine}
 * @returns what the translator has made
 */
export function crossCheck(
  seed: string,
  programs: number,
  hartCounts: readonly number[],
  writeRegion?: RegionWriter,
): RegionCounts {
  const random = createRandom(seed);
  const machine = new LockstepMachine(randomConfig(random, random.pick(hartCounts)), writeRegion);
  machine.attach(countingDevice());
  for (let index = 0; index < programs; index++) {
    try {
      runGenerated(machine, createRandom(`${seed}/${index}`));
    } catch (error) {
      throw new Error(`program ${index} of seed "${seed}": ${String(error)}`, { cause: error });
    }
  }
  return machine.regionCounts;
}
