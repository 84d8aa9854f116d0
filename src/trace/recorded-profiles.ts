/** The profiles of a run as the header of its trace keeps them: all numbers, none of the texts that say where these come from. */
import { type CostProfile, costProfile, toRecordedCosts } from '../hypervisor/costs.ts';
import { CORE_PROFILES } from '../machine/core-profiles.ts';
import type { RunConfig } from '../session/config.ts';
import { toHeaderObject } from './messagepack.ts';
import type { TraceHeader } from './schema.ts';

/**
 * @param costs the profile of that name, if it is not one of the package
 * @throws ParatraceError `usage.option` for a cost profile that is not known
 */
export function recordedProfiles(
  { costs: name, core }: Pick<RunConfig, 'costs' | 'core'>,
  costs: CostProfile = costProfile(name),
): Pick<TraceHeader, 'costProfile' | 'coreProfile'> {
  return { costProfile: toHeaderObject(toRecordedCosts(costs)), coreProfile: recordedCore(core) ?? {} };
}

/** The core profile of this version that has the name; undefined if none has. */
export function recordedCore(name: string): TraceHeader['coreProfile'] | undefined {
  const profile = Object.hasOwn(CORE_PROFILES, name) ? CORE_PROFILES[name] : undefined;
  if (profile === undefined) return undefined;
  const { about: _about, sources: _sources, ...numbers } = profile;
  return toHeaderObject(numbers);
}
