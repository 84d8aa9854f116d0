/** Runs generated programs natively and virtualized: nothing that the guest can see may differ, not even time. */

import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { LockstepMachine } from '../../src/machine/lockstep-machine.ts';
import type { Machine } from '../../src/machine/machine-types.ts';
import { PRIVILEGE } from '../../src/machine/machine-types.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { createRandom } from '../oracle/differential/random.ts';
import { GUEST } from './program-generator.ts';
import { countingDevice, randomConfig, runGenerated } from './program-runner.ts';
import { HOST_KINDS, type Host, type HostKind, hostFor } from './virtual-hosts.ts';

/** Tables of four harts, and room. */
const HOST_BYTES = 4 << 20;

/** What a guest can see of its machine: all but TLBs, and what was spent on them. */
function visibleState(machine: Machine): unknown {
  return {
    cycle: machine.clock.cycle,
    harts: machine.harts.map((hart) => {
      const { tlb, counters, fetchPage, virtualization, ...rest } = plainStateOf(hart);
      return rest;
    }),
    memory: createHash('sha256').update(machine.memory.readBytes(GUEST.code, GUEST.memoryBytes)).digest('hex'),
  };
}

/**
 * @param hostKinds mechanisms to compare with a native run
 * @returns how many programs ran at all: those for machine mode do not
 */
export function virtualCheck(seed: string, programs: number, hartCounts: readonly number[]): number {
  const random = createRandom(seed);
  // Walks are free: only then does time pass alike where they differ.
  const chosen = randomConfig(random, random.pick(hartCounts));
  const config = { ...chosen, core: { ...chosen.core, walkReferenceCycles: 0 }, hostMemoryBytes: HOST_BYTES };
  const rigs = HOST_KINDS.map((kind): { kind: HostKind; machine: LockstepMachine; host: Host } => {
    const machine = new LockstepMachine(config);
    machine.attach(countingDevice());
    return { kind, machine, host: hostFor(kind, machine) };
  });
  let ran = 0;
  for (let index = 0; index < programs; index++) {
    let native: unknown;
    for (const { kind, machine, host } of rigs) {
      for (const { id } of machine.harts) machine.virtualization.start(id, VIRTUALIZATION.none);
      const name = `program ${index} of seed "${seed}", ${kind}`;
      try {
        const { privilege } = runGenerated(machine, createRandom(`${seed}/${index}`), { host, supervisorOnly: true });
        if (kind === 'none' && privilege !== PRIVILEGE.M) ran++;
      } catch (error) {
        throw new Error(`${name}: ${String(error)}`, { cause: error });
      }
      const state = visibleState(machine);
      if (kind === 'none') native = state;
      else expect(state, name).toEqual(native);
    }
  }
  return ran;
}
