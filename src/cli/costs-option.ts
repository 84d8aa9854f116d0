/** The value of `--costs`: the name of a profile of the package, or a file of the user's own. */
import { type CostProfile, costProfile, parseUserProfile } from '../hypervisor/costs.ts';
import { readFile } from './host/files.ts';

export const COSTS_ABOUT =
  'what exits cost: a profile of `paratrace costs`, or a JSON file of your own (a name with `/` or ending in `.json`)';

/** Whether the value names a file: names of profiles have no `/` and do not end so. */
export function isCostsFile(value: string): boolean {
  return value.includes('/') || value.endsWith('.json');
}

/**
 * The profile that a value of `--costs` stands for.
 * @throws ParatraceError `usage.option` for an unknown name, `costs.profile` for a file that is not a profile, or an error of reading it.
 */
export function resolveCosts(value: string): CostProfile {
  if (!isCostsFile(value)) return costProfile(value);
  return parseUserProfile(new TextDecoder().decode(readFile(value)), value);
}
