/**
 * Why cycles went to the hypervisor: exits grouped by the operation of the guest that they were for. Which event is for which
 * operation is what the mode says of itself (`hypervisor/modes/operations.ts`).
 */
import type { PricedEvent } from '../hypervisor/events.ts';
import type { Mode } from '../hypervisor/modes/mode.ts';
import {
  CAUSES,
  type Cause,
  type Handling,
  isEmitted,
  OPERATIONS,
  type OperationName,
} from '../hypervisor/modes/operations.ts';
import type { ReasonRow } from './stat.ts';

export { CAUSES, type Cause };
export const CAUSE_NAMES = Object.keys(CAUSES) as readonly Cause[];

/** What an event of a run was for. */
export interface Purpose {
  readonly operation: OperationName;
  /** Undefined for work of hardware and firmware: no hypervisor has part in it. */
  readonly cause: Cause | undefined;
}

/** The operation that an event of that kind and reason is for; undefined if the mode names none. */
export function purposeOf(mode: Mode, kind: PricedEvent['kind'], reason: string): Purpose | undefined {
  for (const [operation, { by, events }] of handlingsOf(mode)) {
    if (!events.some((event) => isEmitted(event, kind, reason))) continue;
    return { operation, cause: by === 'hypervisor' ? OPERATIONS[operation].cause : undefined };
  }
  return undefined;
}

/** What becomes of each operation, in the order of `OPERATIONS`. */
export function handlingsOf({
  privileged,
  interrupts,
  devices,
}: Mode): readonly (readonly [OperationName, Handling])[] {
  const all: Readonly<Record<OperationName, Handling>> = {
    ...privileged.handlings,
    ...interrupts.handlings,
    ...devices.handlings,
  };
  return OPERATION_NAMES.map((name) => [name, all[name]] as const);
}

const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

export interface CauseTotals {
  /** Exits; interrupts that are raised are none. */
  readonly exits: number;
  readonly cycles: number;
}

export interface CauseSums {
  readonly byCause: Readonly<Record<Cause, CauseTotals>>;
  /** Work of the hypervisor that its mode gives no operation for. 0 unless a guest found more reasons than are counted apart. */
  readonly other: CauseTotals;
  /** Work of firmware and of the bus, in cycles: charged as exits are, but to no hypervisor. */
  readonly platformCycles: number;
  /** Distinct reasons for which the hypervisor had work. */
  readonly handlers: number;
}

/** Sums the exits of a run by cause. */
export function sumByCause(mode: Mode, reasons: readonly ReasonRow[]): CauseSums {
  const byCause = Object.fromEntries(CAUSE_NAMES.map((cause) => [cause, { exits: 0, cycles: 0 }])) as Record<
    Cause,
    { exits: number; cycles: number }
  >;
  const other = { exits: 0, cycles: 0 };
  let platformCycles = 0;
  let handlers = 0;
  for (const { kind, reason, count, totalCycles } of reasons) {
    const purpose = purposeOf(mode, kind, reason);
    if (purpose !== undefined && purpose.cause === undefined) {
      platformCycles += totalCycles;
      continue;
    }
    const sums = purpose?.cause === undefined ? other : byCause[purpose.cause];
    handlers += 1;
    sums.cycles += totalCycles;
    if (kind !== 'inject') sums.exits += count;
  }
  return { byCause, other, platformCycles, handlers };
}
