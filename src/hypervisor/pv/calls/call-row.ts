/** The shape of a call of the paravirtual interface: its row in the table has its name, what its arguments are called, its price, and who serves it. */
import type { CostPrimitive } from '../../costs.ts';
import type { PvCall } from '../pv-call.ts';
import type { PvDomain } from '../pv-domain.ts';
import type { PvError } from '../pv-errors.ts';

/** Most operations of a batch (docs/abi.md, "Calls"). */
export const BATCH_MAX = 2048;

/**
 * Serves a call. One that fails has changed nothing, but for operations of a batch before the one that failed.
 * @param call its arguments; takes its value and the cycles of its work
 * @returns 0 or an error
 */
export type CallHandler = (domain: PvDomain, vcpu: number, call: PvCall) => PvError | 0;

export interface CallRow {
  readonly name: string;
  /** Names of the arguments from a0 on, for reports. */
  readonly args: readonly string[];
  /** The exit that it is charged as; work comes on top. */
  readonly exit: CostPrimitive | ((call: PvCall) => CostPrimitive);
  /** Whether an entry of a multicall may be this call. */
  readonly inBatch?: (call: PvCall) => boolean;
  readonly handler: CallHandler;
}
