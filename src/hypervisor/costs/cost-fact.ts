/** A number of cycles that says where it comes from, and the three such numbers that an exit is charged. */
import { must } from '../../assert.ts';

/**
 * How sure a number is. `V` read in the cited work or its raw data; `Q` quoted by another document; `D` derived by arithmetic from V or Q;
 * `M` from memory, unchecked; `U` given by the user's own profile; `R` filled by a rule of this project because nothing was published.
 */
export const COST_STATUSES = ['V', 'Q', 'D', 'M', 'U', 'R'] as const;
export type CostStatus = (typeof COST_STATUSES)[number];

/** A cost and where it comes from. */
export interface CostFact {
  readonly cycles: number;
  readonly status: CostStatus;
  /** The cited work, or the rule. */
  readonly source: string;
}

/** What the hypervisor charges, in three parts: getting out of the guest, the work, getting back in. */
export interface ExitCost {
  readonly entry: CostFact;
  readonly handling: CostFact;
  readonly return: CostFact;
  /** The three together as one number, where that is what is known and the parts are a division of it. */
  readonly whole?: CostFact;
}

/** All three parts together. */
export function totalCycles(cost: ExitCost): number {
  return cost.entry.cycles + cost.handling.cycles + cost.return.cycles;
}

/** Status of the total: that of the whole, or else the least sure of the work and of the transitions that cost something. */
export function statusOf({ entry, handling, return: back, whole }: ExitCost): CostStatus {
  if (whole) return whole.status;
  const parts = [handling, ...[entry, back].filter(({ cycles }) => cycles > 0)];
  const leastSure = Math.max(...parts.map(({ status }) => SURENESS.indexOf(status)));
  return must(SURENESS[leastSure], 'a status');
}

/** Where the total comes from: the whole, or else the work. */
export function sourceOf({ whole, handling }: ExitCost): string {
  return (whole ?? handling).source;
}

/** From sure to unsure. What a user says about the own machine is as good as published. */
const SURENESS: readonly CostStatus[] = ['V', 'U', 'Q', 'D', 'M', 'R'];
