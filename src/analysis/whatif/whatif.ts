/**
 * What a recorded paravirtual run would have cost in another mode: from its events and counters alone, without a second run. docs/pricing.md says how;
 * docs/accuracy.md compares predictions with real runs.
 */
import { ParatraceError } from '../../errors.ts';
import type { CostProfile } from '../../hypervisor/costs.ts';
import { modeByName } from '../../hypervisor/modes/modes.ts';
import { CORE_PROFILES } from '../../machine/core-profiles.ts';
import { MISS_KINDS } from '../../machine/machine-types.ts';
import { MODE_NAMES, type ModeName } from '../../session/config.ts';
import { CAUSE_NAMES, type Cause, type CauseTotals } from '../causes.ts';
import { EVENT_DRIVERS, REGISTER_DRIVERS, RING_DRIVERS } from './device-recipes.ts';
import { GUEST_PAGES } from './guest-paths.ts';
import { type Basis, Ledger, type PredictedItem } from './items.ts';
import { type PredictableTrace, type RecordedRun, readRun } from './recorded-run.ts';
import type { RetimeOptions } from './retime-options.ts';
import { RetimedRun } from './retimed-run.ts';

/** Version of the shape of {@link Prediction}: fields may be added without a new one. */
export const PREDICTION_VERSION = 1;

/** Modes that a run can be priced in. */
export type TargetMode = Exclude<ModeName, 'pv'>;
export const TARGET_MODES = MODE_NAMES.filter((name): name is TargetMode => name !== 'pv');

export interface Prediction {
  readonly version: typeof PREDICTION_VERSION;
  readonly mode: TargetMode;
  readonly costs: string;
  /** All model cycles of the predicted run, and its parts, which add up to them. */
  readonly cycles: number;
  readonly guestCycles: number;
  /** Page walks: among the guest's. */
  readonly walkCycles: number;
  readonly hypervisorCycles: number;
  /** Work of firmware and of the bus. */
  readonly platformCycles: number;
  readonly idleCycles: number;
  readonly exits: number;
  readonly byCause: Readonly<Record<Cause, CauseTotals>>;
  readonly items: readonly PredictedItem[];
  /** Shares of the hypervisor's and the platform's cycles by how their counts are known, 0 to 1. */
  readonly certainty: Readonly<Record<Basis, number>>;
}

/**
 * Prices a recorded run of mode `pv` in another mode.
 * @throws ParatraceError `whatif.trace` for a trace of another mode, without counters or without an end
 */
export function whatif(trace: PredictableTrace, mode: TargetMode, costs: CostProfile): Prediction {
  const { core: coreName, entry } = trace.header.config;
  const core = CORE_PROFILES[coreName];
  if (core === undefined) {
    throw new ParatraceError(
      'whatif.trace',
      `the trace was recorded with core '${coreName}', which this version has not`,
    );
  }
  const target = modeByName(mode, entry);
  const run = readRun(trace, core.cyclesPerTick);
  const { deviceSet } = target.devices;
  // Where there are both, a kernel takes rings.
  const hasRegisters = deviceSet === 'emulated';
  const driverKind = hasRegisters ? 'registers' : 'rings';
  const retime = (spread: Pick<RetimeOptions, 'startCycles' | 'accessWalkCycles' | 'extraPerGuestCycle'>) => {
    const ledger = new Ledger(target, costs);
    const rings = target.interrupts.send === undefined ? RING_DRIVERS : EVENT_DRIVERS;
    const drivers = hasRegisters ? REGISTER_DRIVERS : rings;
    const doorbellReturnCycles = ledger.returnCycles(hasRegisters ? 'register' : 'notification');
    const retimed = new RetimedRun(run, { ledger, drivers, driverKind, deviceSet, doorbellReturnCycles, ...spread });
    retimed.play();
    const sums = addSums(run, retimed, ledger);
    return { retimed, ledger, sums, walks: walkReferences(run, retimed, ledger, sums) };
  };
  // What is known as a sum only depends on what happens in the run: so it is gone through twice.
  const { sums, walks } = retime({ startCycles: 0, accessWalkCycles: 0, extraPerGuestCycle: 0 });
  const cyclesOf = (references: number) => references * core.walkReferenceCycles;
  const { retimed, ledger } = retime({
    startCycles: sums.startCycles,
    accessWalkCycles: cyclesOf(walks.perAccess),
    extraPerGuestCycle:
      (sums.spreadCycles + cyclesOf(walks.misses + walks.changes - run.counters.walkReferences)) /
      Math.max(1, run.guestCycles),
  });
  const walkCycles = cyclesOf(walks.misses + walks.changes + walks.perAccess * retimed.accesses);
  return summarize(
    mode,
    costs.name,
    { cycles: retimed.cycle, idleCycles: retimed.idleCycles, walkCycles },
    ledger.items(),
  );
}

interface Sums {
  /** Of pages of the kernel, most of which it touches before it does anything else. */
  readonly startCycles: number;
  /** Of pages of processes. */
  readonly spreadCycles: number;
  readonly fills: number;
  readonly drops: number;
  readonly secondStageFaults: number;
}

/** Items that counters tell of, for the run as a whole. */
function addSums({ counters }: RecordedRun, { counts }: RetimedRun, ledger: Ledger): Sums {
  const { userFirstUses } = counters;
  const kernelPages = Math.max(0, counters.kernelFirstUses - GUEST_PAGES.more);
  const kernelFills = kernelPages + GUEST_PAGES.retouched;
  const fills = userFirstUses + kernelFills;
  const refills = counts.addressSpaces + counts.destroyedTables;
  const startCycles = ledger.add('shadowFill', kernelFills) + ledger.add('secondStage', kernelPages);
  const spreadCycles =
    ledger.add('shadowFill', userFirstUses) +
    ledger.add('refill', refills) +
    ledger.add('drop', userFirstUses + refills);
  const isShadow = ledger.exits('shadowFill');
  return {
    startCycles,
    spreadCycles,
    fills: isShadow ? fills + refills : 0,
    drops: isShadow ? userFirstUses + refills : 0,
    secondStageFaults: ledger.exits('secondStage') ? kernelPages : 0,
  };
}

/** References of page walks in the target mode. */
interface Walks {
  /** Of the recorded misses, with as many levels as the mode has. */
  readonly misses: number;
  /** Of what changes tables or fills them. */
  readonly changes: number;
  /** Of each access to a device register, whose page no TLB holds. */
  readonly perAccess: number;
}

function walkReferences(run: RecordedRun, { counts }: RetimedRun, ledger: Ledger, sums: Sums): Walks {
  const { userLevels, kernelLevels, misses } = GUEST_PAGES;
  const count = (prefix: string) =>
    MISS_KINDS.filter((kind) => kind.startsWith(prefix)).reduce((sum, kind) => sum + run.counters[kind], 0);
  const user = count('user');
  const paravirtual = (counts.loads + counts.flushes) * misses + counts.handedOver;
  const kernel = Math.max(0, count('kernel') - paravirtual);
  if (ledger.exits('shadowFill')) {
    // Shadow tables have three levels everywhere. After an address space is loaded, the next instruction is fetched twice: before and after its fence.
    return {
      misses: 3 * (user + kernel + counts.loads),
      // A store to a table walks to find that it may not, a fill walks in vain first, and what is dropped is walked again.
      changes: 3 * (counts.tableStores + sums.fills + sums.drops),
      perAccess: 1,
    };
  }
  if (!ledger.exits('secondStage')) {
    return { misses: user * userLevels + kernel * kernelLevels, changes: 0, perAccess: 0 };
  }
  // Each entry of the guest's tables is reached through three levels of the second stage, and the page too.
  const through = (levels: number) => 4 * levels + 3;
  return {
    // A page fault ends before the page is reached.
    misses: user * through(userLevels) + kernel * through(kernelLevels) - 3 * counts.faults,
    changes: sums.secondStageFaults * through(kernelLevels),
    // The first reference of the second stage finds no page.
    perAccess: 4 * kernelLevels + 1,
  };
}

function summarize(
  mode: TargetMode,
  costs: string,
  { cycles, idleCycles, walkCycles }: Pick<Prediction, 'cycles' | 'idleCycles' | 'walkCycles'>,
  items: readonly PredictedItem[],
): Prediction {
  const byCause = Object.fromEntries(CAUSE_NAMES.map((cause) => [cause, { exits: 0, cycles: 0 }])) as Record<
    Cause,
    { exits: number; cycles: number }
  >;
  const certainty = { traced: 0, counted: 0, recipe: 0 };
  let platformCycles = 0;
  for (const { cause, isExit, count, cycles: itemCycles, basis } of items) {
    certainty[basis] += itemCycles;
    if (cause === undefined) platformCycles += itemCycles;
    else {
      byCause[cause].cycles += itemCycles;
      if (isExit) byCause[cause].exits += count;
    }
  }
  const sum = (of: (totals: CauseTotals) => number) => CAUSE_NAMES.reduce((all, cause) => all + of(byCause[cause]), 0);
  const hypervisorCycles = sum((totals) => totals.cycles);
  const charged = hypervisorCycles + platformCycles;
  const total = Math.round(cycles);
  const idle = Math.round(idleCycles);
  const share = (part: number) => (charged === 0 ? 0 : part / charged);
  return {
    version: PREDICTION_VERSION,
    mode,
    costs,
    cycles: total,
    guestCycles: total - idle - charged,
    walkCycles,
    hypervisorCycles,
    platformCycles,
    idleCycles: idle,
    exits: sum((totals) => totals.exits),
    byCause,
    items,
    certainty: {
      traced: share(certainty.traced),
      counted: share(certainty.counted),
      recipe: share(certainty.recipe),
    },
  };
}
