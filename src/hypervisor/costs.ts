/**
 * Cost profiles as the hypervisor charges them: every primitive it needs, filled from the published facts of one profile.
 *
 * A primitive that nobody published is filled by a rule that its `source` states, with status `R`, and only from facts of the same
 * profile or, where there are none, from the ratio or difference measured on `rocket-kvm-2023`, the one RISC-V profile whose parts
 * were all measured. Two x86 profiles are never combined. Costs are in cycles of the profile's machine and are charged as model cycles.
 */
import { ParatraceError } from '../errors.ts';
import { type CostFact, PUBLISHED_PROFILES, type PublishedProfile } from './cost-profiles.ts';

/** What the hypervisor charges, in three parts: getting out of the guest, the work, getting back in. */
export interface ExitCost {
  readonly entry: CostFact;
  readonly handling: CostFact;
  readonly return: CostFact;
}

/** The primitives: one row of a profile each. */
export const COST_PRIMITIVES = {
  hypercallKernel: 'An SBI call that the hypervisor serves itself',
  hypercallUser: 'An SBI call that a user-space device model serves (console, reset, suspend)',
  remoteHart: 'Reaching another hart from inside a hypercall: an IPI or a remote fence, per target',
  mmioKernel: 'A device-register access that the hypervisor serves itself (a ring notification)',
  mmioUser: 'A device-register access that a user-space device model serves',
  wfi: 'wfi leaving the guest; waiting itself is idle time',
  preempt: 'The end of a turn: another hart gets the processor',
  external: 'An interrupt of the host that arrives while the guest runs',
  inject: 'Raising an interrupt in the guest once the hypervisor runs',
  nativeCall: 'An SBI call served by firmware, without a hypervisor',
  nativeAccess: 'A device-register access without a hypervisor',
} as const;
export type CostPrimitive = keyof typeof COST_PRIMITIVES;

export interface CostProfile {
  readonly name: string;
  readonly isa: string;
  /** Clock of the machine that was measured; null where it is not stated. */
  readonly clockMhz: number | null;
  readonly primitives: Readonly<Record<CostPrimitive, ExitCost>>;
  /** The published facts behind it, null where nothing was published. */
  readonly published: PublishedProfile['facts'];
}

export const DEFAULT_COST_PROFILE = 'rocket-kvm-2023';

const FREE: CostFact = { cycles: 0, status: 'R', source: 'rule: nothing to pay at this point' };

/** The profile whose parts were all measured; its shares and differences fill the others. */
const SPLIT = { exit: 212, handle: 18, enter: 388, hypercall: 618, userDetour: 4758 - 618 } as const;

/** Names that `--costs` takes: profiles under two-stage translation with a published hypercall round trip. */
export const COST_PROFILE_NAMES: readonly string[] = Object.entries(PUBLISHED_PROFILES)
  .filter(([, profile]) => profile.paging === 'two-stage' && profile.facts.hypercall)
  .map(([name]) => name);

/**
 * The filled profile of that name.
 * @throws ParatraceError `usage.option` for a name that is not in {@link COST_PROFILE_NAMES}.
 */
export function costProfile(name: string): CostProfile {
  const published = COST_PROFILE_NAMES.includes(name) ? PUBLISHED_PROFILES[name] : undefined;
  const hypercall = published?.facts.hypercall;
  if (!published || !hypercall) {
    throw new ParatraceError(
      'usage.option',
      `unknown cost profile '${name}'; the profiles are ${COST_PROFILE_NAMES.join(', ')}`,
    );
  }
  return {
    name,
    isa: published.isa,
    clockMhz: published.clockMhz,
    primitives: fillPrimitives(published.facts, hypercall),
    published: published.facts,
  };
}

/** All three parts together. */
export function totalCycles(cost: ExitCost): number {
  return cost.entry.cycles + cost.handling.cycles + cost.return.cycles;
}

type Facts = PublishedProfile['facts'];

function fillPrimitives(facts: Facts, hypercall: CostFact): Record<CostPrimitive, ExitCost> {
  const hypercallKernel = nullHypercall(facts, hypercall);
  const exitAndEnter = hypercallKernel.entry.cycles + hypercallKernel.return.cycles;
  /** The transitions of a hypercall around the handling that is left of a whole round trip. */
  const around = (roundTrip: CostFact): ExitCost => ({
    ...hypercallKernel,
    handling: {
      ...roundTrip,
      cycles: Math.max(0, roundTrip.cycles - exitAndEnter),
      source: `${roundTrip.source}: ${roundTrip.cycles} in all, less exit and enter`,
    },
  });
  const mmioUser = around(userAccess(facts, hypercall));
  return {
    hypercallKernel,
    hypercallUser: {
      ...mmioUser,
      handling: filled(
        mmioUser.handling.cycles,
        `rule: as a register access in user space (${mmioUser.handling.source})`,
      ),
    },
    remoteHart: workOnly(remoteHart(facts, hypercall)),
    mmioKernel: around(
      facts.mmio_kernel ??
        filled(hypercall.cycles, 'rule: as a null hypercall, a lower bound: no decoding of the access'),
    ),
    mmioUser,
    wfi: { ...hypercallKernel, handling: filled(hypercallKernel.handling.cycles, 'rule: as a null hypercall') },
    preempt: preemption(facts, hypercallKernel),
    external: { ...hypercallKernel, handling: { ...FREE, source: 'rule: the work is the injection, charged there' } },
    inject: workOnly(injection(facts, hypercall, exitAndEnter)),
    nativeCall: workOnly(
      filled(256, 'rule: as a native interrupt entry on Rocket, 256 cycles (First Look, derived from 80 ns)'),
    ),
    nativeAccess: workOnly(
      filled(24, 'rule: one reference past the first-level cache, as an L2 hit of Rocket (Keystone Table 2)'),
    ),
  };
}

function filled(cycles: number, rule: string): CostFact {
  return { cycles, status: 'R', source: rule };
}

function workOnly(handling: CostFact): ExitCost {
  return { entry: FREE, handling, return: FREE };
}

/** The parts of the round trip: published, or the remainder, or by the shares of the profile whose parts were measured. */
function nullHypercall(facts: Facts, hypercall: CostFact): ExitCost {
  const { exit, enter, handle_null: handle } = facts;
  if (exit && enter) {
    const rest = hypercall.cycles - exit.cycles - enter.cycles;
    return {
      entry: exit,
      handling: handle ?? {
        cycles: rest,
        status: 'D',
        source: `${hypercall.cycles} - ${exit.cycles} - ${enter.cycles}`,
      },
      return: enter,
    };
  }
  const share = (part: number) => Math.round((hypercall.cycles * part) / SPLIT.hypercall);
  const entry = share(SPLIT.exit);
  const handling = share(SPLIT.handle);
  const rule = (part: string) =>
    `rule: share of ${part} in the round trip of ${DEFAULT_COST_PROFILE}; ${hypercall.source}`;
  return {
    entry: filled(entry, rule('exit')),
    handling: filled(handling, rule('the null handler')),
    return: filled(hypercall.cycles - entry - handling, rule('enter')),
  };
}

function userAccess(facts: Facts, hypercall: CostFact): CostFact {
  if (facts.mmio_user) return facts.mmio_user;
  const { pio_in_user: portIn, pio_out_user: portOut } = facts;
  if (portIn && portOut) {
    const mean = Math.round((portIn.cycles + portOut.cycles) / 2);
    return filled(mean, `rule: mean of a port read and a port write in user space (${portIn.source})`);
  }
  return filled(
    hypercall.cycles + SPLIT.userDetour,
    `rule: hypercall plus ${SPLIT.userDetour}, the detour to user space of ${DEFAULT_COST_PROFILE}`,
  );
}

/** An IPI round trip contains the sender's hypercall, which is charged as such. */
function remoteHart(facts: Facts, hypercall: CostFact): CostFact {
  const { ipi } = facts;
  if (!ipi) return filled(hypercall.cycles, 'rule: as a null hypercall: the target leaves its guest and returns');
  return {
    cycles: Math.max(0, ipi.cycles - hypercall.cycles),
    status: ipi.status === 'V' ? 'D' : ipi.status,
    source: `${ipi.source}: ${ipi.cycles} in all, less the hypercall of the sender`,
  };
}

/** A delivery was measured with the exit it causes, which is charged as `external` (or is there already). */
function injection(facts: Facts, hypercall: CostFact, exitAndEnter: number): CostFact {
  const delivery = facts.irq_deliver;
  if (delivery) {
    return {
      cycles: Math.max(0, delivery.cycles - exitAndEnter),
      status: delivery.status === 'V' ? 'D' : delivery.status,
      source: `${delivery.source}: ${delivery.cycles} in all, less exit and enter`,
    };
  }
  const { ipi } = facts;
  if (!ipi) return filled(hypercall.cycles, 'rule: as a null hypercall');
  const rest = Math.max(0, ipi.cycles - hypercall.cycles - exitAndEnter);
  return filled(
    rest,
    `rule: the delivery part of an IPI (${ipi.source}): less the hypercall of the sender, exit and enter`,
  );
}

function preemption(facts: Facts, hypercallKernel: ExitCost): ExitCost {
  const { vm_switch: vmSwitch } = facts;
  if (!vmSwitch) {
    return { ...hypercallKernel, handling: filled(hypercallKernel.handling.cycles, 'rule: as a null hypercall') };
  }
  const transitions = hypercallKernel.entry.cycles + hypercallKernel.return.cycles;
  return {
    ...hypercallKernel,
    handling: { ...vmSwitch, cycles: Math.max(0, vmSwitch.cycles - transitions) },
  };
}
