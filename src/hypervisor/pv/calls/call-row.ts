/** The shape of a call of the paravirtual interface: its row in the table has its name, what its arguments are called, its price, and who serves it. */
import type { Machine } from '../../../machine/machine-types.ts';
import type { CostPrimitive } from '../../costs.ts';
import type { SbiHost } from '../../sbi/sbi-types.ts';
import type { EventChannels } from '../event-channels.ts';
import type { GuestBuffers } from '../guest-buffers.ts';
import type { PvCall } from '../pv-call.ts';
import { PV_ERROR, type PvError } from '../pv-errors.ts';
import type { SharedInfo } from '../shared-info.ts';

/** Most operations of a batch (docs/abi.md, "Calls"). */
export const BATCH_MAX = 2048;

/** What calls act on that every guest of the interface has, whichever mode it runs in. */
export interface CallDomain {
  readonly machine: Machine;
  readonly sbi: SbiHost;
  readonly shared: SharedInfo;
  readonly buffers: GuestBuffers;
  readonly events: EventChannels;
  /** Charges a call for so much work beyond its exit. */
  charge(call: PvCall, primitive: CostPrimitive, count?: number): void;
  /** Serves an entry of a multicall, by the number of its call. The value of the entry, or its error. */
  serveEntry(vcpu: number, number: number, call: PvCall): number;
}

/**
 * Serves a call. One that fails has changed nothing, but for operations of a batch before the one that failed.
 * @param call its arguments; takes its value and the cycles of its work
 * @returns 0 or an error
 */
export type CallHandler<D extends CallDomain = CallDomain> = (domain: D, vcpu: number, call: PvCall) => PvError | 0;

export interface CallRow<D extends CallDomain = CallDomain> {
  readonly name: string;
  /** Names of the arguments from a0 on, for reports. */
  readonly args: readonly string[];
  /** The exit that it is charged as; work comes on top. */
  readonly exit: CostPrimitive | ((call: PvCall) => CostPrimitive);
  /** Whether an entry of a multicall may be this call. */
  readonly inBatch?: (call: PvCall) => boolean;
  readonly handler: CallHandler<D>;
}

/** Calls by Xen's numbers. */
export type CallTable<D extends CallDomain = CallDomain> = Readonly<Record<number, CallRow<D>>>;

export function callRow<D extends CallDomain>(table: CallTable<D>, number: number): CallRow<D> | undefined {
  return Object.hasOwn(table, number) ? table[number] : undefined;
}

/** Serves one call. Whatever the guest asks for, it ends with a result or an error. */
export function serveCall<D extends CallDomain>(
  domain: D,
  vcpu: number,
  row: CallRow<D> | undefined,
  call: PvCall,
): PvError | 0 {
  call.start();
  return row === undefined ? PV_ERROR.ENOSYS : row.handler(domain, vcpu, call);
}

/** Serves an entry of a multicall by a table: its value, or its error. */
export function serveTableEntry<D extends CallDomain>(
  table: CallTable<D>,
  domain: D,
  vcpu: number,
  number: number,
  call: PvCall,
): number {
  const row = callRow(table, number);
  call.start();
  if (row?.inBatch !== undefined && !row.inBatch(call)) return PV_ERROR.EINVAL;
  const error = serveCall(domain, vcpu, row, call);
  return error === 0 ? call.value : error;
}
