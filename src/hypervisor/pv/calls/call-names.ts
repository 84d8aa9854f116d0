/** The names of calls, for reports: those of every mode that has the interface. A number means one call, whatever the mode. */
import { PVH_CALLS } from '../../pvh/pvh-calls.ts';
import { pvErrorName } from '../pv-errors.ts';
import { PV_CALLS } from './calls.ts';

type Named = { readonly name: string; readonly args: readonly string[] };
const NAMED: Readonly<Record<number, Named>> = { ...PVH_CALLS, ...PV_CALLS };

function named(number: bigint): Named | undefined {
  return Object.hasOwn(NAMED, Number(number)) ? NAMED[Number(number)] : undefined;
}

/** `mmu_update`; for what is not served, its number. */
export function pvCallName(number: bigint): string {
  return named(number)?.name ?? number.toString();
}

export function pvArgumentNames(number: bigint): readonly string[] {
  return named(number)?.args ?? [];
}

/** `okay` for 0, `-EINVAL`. */
export function pvOutcomeName(error: bigint): string {
  if (error === 0n) return 'okay';
  const name = pvErrorName(Number(error));
  return name === undefined ? `error ${error}` : `-${name}`;
}
