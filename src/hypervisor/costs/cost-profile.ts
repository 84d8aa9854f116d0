/**
 * Cost profiles as the hypervisor charges them: every primitive, from the published facts of one profile and, where nothing was
 * published, by rules that say so. Two x86 profiles are never combined. Costs are in cycles of the profile's machine and are charged
 * as model cycles.
 */
import { ParatraceError } from '../../errors.ts';
import { type CostStatus, type ExitCost, statusOf } from './cost-fact.ts';
import { fillBounces, fillSensitive, fillShadow, fillStages } from './fill-deprivileged.ts';
import { fillCalls, fillDevices, fillInterrupts, fillNative } from './fill-exits.ts';
import { fillParavirtual } from './fill-paravirtual.ts';
import { COST_PRIMITIVE_NAMES, type CostPrimitive } from './primitives.ts';
import { PUBLISHED_PROFILES, type PublishedProfile } from './published.ts';
import { partsOfRoundTrip, roundTripOf } from './round-trip.ts';
import { type Basis, REFERENCE_PROFILE } from './rules.ts';

export interface CostProfile {
  readonly name: string;
  /** What a user says about the own profile. */
  readonly about?: string;
  /** Name of the profile that a user's profile started from. */
  readonly extends?: string;
  readonly isa: string;
  /** Clock of the machine that was measured; null where it is not stated. */
  readonly clockMhz: number | null;
  readonly primitives: Readonly<Record<CostPrimitive, ExitCost>>;
  /** The published facts behind it, null where nothing was published. */
  readonly published: PublishedProfile['facts'];
}

/** `published` as they stand in the cited work, `derived` from such numbers, `given` by the user, filled by a `rule`. */
export interface SourceCounts {
  readonly published: number;
  readonly derived: number;
  readonly given: number;
  readonly rule: number;
}

export const DEFAULT_COST_PROFILE = REFERENCE_PROFILE;

/** Names of the profiles that come with the package. */
export const COST_PROFILE_NAMES: readonly string[] = Object.keys(PUBLISHED_PROFILES);

/**
 * The filled profile of that name.
 * @throws ParatraceError `usage.option` for a name that is not in {@link COST_PROFILE_NAMES}.
 */
export function costProfile(name: string): CostProfile {
  const published = Object.hasOwn(PUBLISHED_PROFILES, name) ? PUBLISHED_PROFILES[name] : undefined;
  if (!published) {
    throw new ParatraceError(
      'usage.option',
      `unknown cost profile '${name}'; the profiles are ${COST_PROFILE_NAMES.join(', ')}`,
    );
  }
  const { isa, clockMhz, facts } = published;
  return { name, isa, clockMhz, primitives: fillPrimitives(published), published: facts };
}

/** How many prices of a profile come from where. */
export function countBySource({ primitives }: CostProfile): SourceCounts {
  const counts = { published: 0, derived: 0, given: 0, rule: 0 };
  for (const cost of Object.values(primitives)) counts[SOURCE_OF_STATUS[statusOf(cost)]] += 1;
  return counts;
}

const SOURCE_OF_STATUS = {
  V: 'published',
  Q: 'published',
  M: 'published',
  D: 'derived',
  U: 'given',
  R: 'rule',
} as const satisfies Record<CostStatus, keyof SourceCounts>;

function fillPrimitives(profile: PublishedProfile): Record<CostPrimitive, ExitCost> {
  const { facts, technique, baseline } = profile;
  const native = (baseline === undefined ? undefined : PUBLISHED_PROFILES[baseline]?.facts) ?? {};
  const roundTrip = roundTripOf(profile, native);
  const basis: Basis = { facts, native, technique, roundTrip, call: partsOfRoundTrip(facts, roundTrip) };
  const primitives: Record<CostPrimitive, ExitCost> = {
    ...fillCalls(basis),
    ...fillSensitive(basis),
    ...fillBounces(basis),
    ...fillShadow(basis),
    ...fillStages(basis),
    ...fillDevices(basis),
    ...fillInterrupts(basis),
    ...fillParavirtual(basis),
    ...fillNative(basis),
  };
  // In the order of the table, which is also the order in a trace.
  return Object.fromEntries(COST_PRIMITIVE_NAMES.map((name) => [name, primitives[name]])) as typeof primitives;
}
