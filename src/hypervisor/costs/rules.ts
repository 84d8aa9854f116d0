/**
 * The means by which a profile is filled where nothing was published. A number that one of these rules made has status `R`, and its
 * `source` says the rule. In order: another number of the same profile; a difference that was measured on {@link REFERENCE_PROFILE},
 * added to a number of the same profile; memory references counted and priced; the number of {@link REFERENCE_PROFILE}.
 */
import { must } from '../../assert.ts';
import type { CostFact, CostStatus, ExitCost } from './cost-fact.ts';
import { PUBLISHED_PROFILES, type PublishedProfile, type Technique } from './published.ts';

export type Facts = PublishedProfile['facts'];

/** The RISC-V profile whose parts were all measured. Its shares and differences fill others: it is no x86 profile. */
export const REFERENCE_PROFILE = 'rocket-kvm-2023';

/** Facts of {@link REFERENCE_PROFILE}, cycles. */
export const REFERENCE = {
  hypercall: reference('hypercall'),
  exit: reference('exit'),
  handleNull: reference('handle_null'),
  enter: reference('enter'),
  /** What a user-space device model takes beyond a null hypercall. */
  userDetour: reference('mmio_user') - reference('hypercall'),
  /** What giving the guest a page takes beyond a null hypercall. */
  pageGiven: reference('s2_fault') - reference('hypercall'),
} as const;

/** Of one reference past the first-level cache: an L2 hit of Rocket (Keystone Table 2), which is also what a page walk pays. */
const REFERENCE_CYCLES = 24;

/** What the rules of all groups start from. */
export interface Basis {
  readonly facts: Facts;
  /** The same machine without a hypervisor, where it was measured too. */
  readonly native: Facts;
  readonly technique: Technique;
  /** The round trip with a null handler, in one number and in parts. */
  readonly roundTrip: CostFact;
  readonly call: ExitCost;
}

export const NOTHING: CostFact = { cycles: 0, status: 'R', source: 'rule: nothing to pay at this point' };

export function filled(cycles: number, rule: string): CostFact {
  return { cycles, status: 'R', source: `rule: ${rule}` };
}

/** Work that reads or writes `count` words of memory, none of which is in the first-level cache: a lower bound. */
export function references(count: number, what: string): CostFact {
  return filled(count * REFERENCE_CYCLES, `${count} references x ${REFERENCE_CYCLES} cycles: ${what}`);
}

/** A work primitive. */
export function workOnly(handling: CostFact): ExitCost {
  return { entry: NOTHING, handling, return: NOTHING };
}

/** An exit with the transitions of a hypercall around work of its own. */
export function exitWith({ entry, return: back }: ExitCost, handling: CostFact): ExitCost {
  return { entry, handling, return: back };
}

/** An exit whose work is that of a null hypercall and something more. */
export function callPlus({ call }: Basis, more: CostFact): ExitCost {
  return exitWith(call, filled(call.handling.cycles + more.cycles, `as a null hypercall, and ${ruleOf(more)}`));
}

/** An exit that costs what a null hypercall does. */
export function asCall({ call }: Basis, why: string): ExitCost {
  return exitWith(call, filled(call.handling.cycles, `as a null hypercall: ${why}`));
}

/**
 * An exit that costs `total` in all: the transitions of a hypercall around what is left. What costs less than the transitions was
 * done without them, so it is work alone.
 */
export function whole(basis: Basis, total: CostFact): ExitCost {
  const transitions = transitionCycles(basis.call);
  if (total.cycles < transitions) {
    return workOnly({ ...total, source: `${total.source}; less than a transition, so done without one` });
  }
  const source = `${total.source}; ${total.cycles} in all, less exit and enter`;
  const handling = { ...total, cycles: total.cycles - transitions, source };
  return { ...exitWith(basis.call, handling), whole: total };
}

/** `cost` as it is, said to be used for something else. */
export function sameAs({ entry, handling, return: back }: ExitCost, rule: string): ExitCost {
  return { entry, handling: filled(handling.cycles, rule), return: back };
}

/** The source of a number without the mark of a rule, to be quoted in another. */
export function ruleOf({ source }: CostFact): string {
  return source.replace(/^rule: /, '');
}

export function transitionCycles(call: ExitCost): number {
  return call.entry.cycles + call.return.cycles;
}

/**
 * What `key` costs over native: published as such, or the difference to the baseline. Undefined where neither is known. 0 where the
 * hypervisor was found no slower than the bare machine.
 */
export function overNative({ facts, native }: Pick<Basis, 'facts' | 'native'>, key: string): CostFact | undefined {
  const extra = facts[`${key}_extra`];
  if (extra) return extra;
  const [measured, bare] = [facts[key], native[key]];
  if (!measured || !bare) return undefined;
  return {
    cycles: Math.max(0, measured.cycles - bare.cycles),
    status: worseOf(measured.status, bare.status),
    source: `${measured.source}: ${measured.cycles}, native ${bare.cycles}`,
  };
}

/** Status of what was computed from two facts. */
export function worseOf(a: CostStatus, b: CostStatus): CostStatus {
  for (const status of ['R', 'M'] as const) if (a === status || b === status) return status;
  return 'D';
}

function reference(key: string): number {
  return must(PUBLISHED_PROFILES[REFERENCE_PROFILE]?.facts[key], 'a measured part of the reference profile').cycles;
}
