/**
 * The cost model, as the rest of the hypervisor and the layers above see it: primitives, profiles, and numbers that say where they come
 * from. The files of `costs/` hold the published facts and the rules that fill what nobody published.
 */
export {
  COST_STATUSES,
  type CostFact,
  type CostStatus,
  type ExitCost,
  sourceOf,
  statusOf,
  totalCycles,
} from './costs/cost-fact.ts';
export {
  COST_PROFILE_NAMES,
  type CostProfile,
  costProfile,
  countBySource,
  DEFAULT_COST_PROFILE,
  type SourceCounts,
} from './costs/cost-profile.ts';
export {
  COST_PRIMITIVE_NAMES,
  COST_PRIMITIVES,
  type CostPrimitive,
  PRIMITIVE_GROUPS,
  type PrimitiveGroup,
  type PrimitiveRow,
} from './costs/primitives.ts';
export { PUBLISHED_PROFILES, type PublishedProfile, type Technique } from './costs/published.ts';
export { type RecordedCosts, recordedProfile, toRecordedCosts } from './costs/recorded-profile.ts';
export { parseUserProfile } from './costs/user-profile.ts';
