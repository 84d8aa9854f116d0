/** What a run is gone through once more with, and what is counted on the way. */
import type { DeviceRecipes } from './device-recipes.ts';
import type { BOOT_CYCLES } from './guest-paths.ts';
import type { Ledger } from './items.ts';
import type { DriverKind } from './predicted-clock.ts';

export interface RetimeOptions {
  readonly ledger: Ledger;
  readonly drivers: DeviceRecipes;
  readonly driverKind: DriverKind;
  /** What the unmodified kernel finds in its device tree. */
  readonly deviceSet: keyof typeof BOOT_CYCLES;
  /** Of the access that tells a device of work: what comes after it. */
  readonly doorbellReturnCycles: number;
  /** What is known as a sum only: most of it is for pages touched for the first time. */
  readonly startCycles: number;
  /** Of a page walk for each access to a register. */
  readonly accessWalkCycles: number;
  /** Page walks more for each cycle of the guest. */
  readonly extraPerGuestCycle: number;
}

/** What the prediction counts besides priced items. */
export interface RetimedCounts {
  addressSpaces: number;
  destroyedTables: number;
  /** Pages whose view changes as they become tables, or are none any more: each change drops a translation. */
  handedOver: number;
  loads: number;
  flushes: number;
  faults: number;
  tableStores: number;
}
