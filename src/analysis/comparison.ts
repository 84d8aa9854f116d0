/**
 * One guest under several modes, side by side: what each run took, and where its cycles went. A pure function of what was measured; the
 * order of modes is the caller's. All cycles are model cycles.
 */
import { modeByName } from '../hypervisor/modes/modes.ts';
import type { RunConfig } from '../session/config.ts';
import type { RunEnd } from '../session/ports.ts';
import { CAUSE_NAMES, type Cause, type CauseTotals, sumByCause } from './causes.ts';
import type { RunStatistics } from './stat.ts';
import type { Prediction } from './whatif/whatif.ts';

/** Version of the shape of {@link Comparison}: fields may be added without a new one. */
export const COMPARISON_VERSION = 1;

/** A run that has ended. */
export interface MeasuredRun {
  readonly config: RunConfig;
  readonly end: RunEnd;
  readonly statistics: RunStatistics;
  /** Of all harts, since reset. */
  readonly tlbMisses: number;
  readonly walkReferences: number;
  /** Cycles of one page-table reference of a walk. */
  readonly walkReferenceCycles: number;
  /** All that the guest printed, on whichever console. */
  readonly output: string;
  /** What was predicted for it from the run of mode `pv`; undefined where that was not run, or it is that. */
  readonly predicted?: Prediction | undefined;
  /** What the mode's build of the guest has that the unmodified one has not; undefined where it is the same build. */
  readonly guestChanged: GuestChange | undefined;
}

/** Lines with code and functions of a build: its own, and in all. */
export interface GuestChange {
  readonly lines: number;
  readonly linesOf: number;
  readonly functions: number;
  readonly functionsOf: number;
}

export interface Comparison {
  readonly version: typeof COMPARISON_VERSION;
  readonly guest: string;
  /** Boot arguments. */
  readonly append: string;
  readonly costs: string;
  readonly core: string;
  readonly hartCount: number;
  readonly memoryBytes: number;
  /** Whether the guest printed the same in every mode. */
  readonly outputIsSame: boolean;
  /** The first mode whose output is not that of the first one. */
  readonly difference: OutputDifference | null;
  readonly modes: readonly ModeColumn[];
}

export interface OutputDifference {
  readonly modes: readonly [string, string];
  /** Number of the first line that differs, from 1, and what it is in either; null: the output ends before it. */
  readonly line: number;
  readonly texts: readonly [string | null, string | null];
}

export interface ModeColumn {
  readonly mode: string;
  readonly end: { readonly reason: string; readonly status: number; readonly message: string };
  readonly guestChanged: GuestChange | null;
  readonly instructions: number;
  /** `all` is the sum of the others. `platform`: firmware and bus, where there is no hypervisor. */
  readonly cycles: Readonly<Record<'all' | 'guest' | 'platform' | 'hypervisor' | 'idle', number>>;
  /** Cycles that are not idle: the whole of all shares. */
  readonly busyCycles: number;
  readonly exits: number;
  readonly exitsPerThousandInstructions: number;
  /** Exits that the mode spared the guest: `hypervisor/avoided-exits.ts`. */
  readonly exitsAvoided: number;
  /** Of the busy cycles, 0 to 1. */
  readonly hypervisorShare: number;
  readonly byCause: Readonly<Record<Cause | 'other', CauseTotals & { readonly share: number }>>;
  /** Distinct reasons for which the hypervisor had work. */
  readonly handlers: number;
  readonly tlb: TlbColumn;
  readonly throughput: Throughput;
  /** Busy cycles as a multiple of those of mode `native`; null if that was not run. */
  readonly overhead: number | null;
  /** What `whatif` says from the run of mode `pv`; null if that was not run, or it is that. */
  readonly predicted: PredictedColumn | null;
}

/** A prediction beside what it predicts. */
export interface PredictedColumn {
  readonly cycles: number;
  readonly busyCycles: number;
  readonly exits: number;
  /** Predicted over real cycles, less 1. */
  readonly error: number;
}

export interface TlbColumn {
  readonly misses: number;
  readonly walkReferences: number;
  /** References beyond those of mode `native`, and their cycles, which are among those of the guest; null if that was not run. */
  readonly extraReferences: number | null;
  readonly extraCycles: number | null;
}

/** Work done in a million busy cycles. */
export interface Throughput {
  /** `iterations` of a workload that says how many it did, else instructions. */
  readonly unit: 'iterations' | 'instructions';
  readonly count: number;
  readonly perMillionCycles: number;
}

/** @param runs at least one; all of one guest with the same options. */
export function compareRuns(runs: readonly [MeasuredRun, ...MeasuredRun[]]): Comparison {
  const [{ config }] = runs;
  const native = runs.find((run) => run.config.mode === 'native');
  const difference = firstDifference(runs);
  return {
    version: COMPARISON_VERSION,
    guest: config.guest.name,
    append: config.append,
    costs: config.costs,
    core: config.core,
    hartCount: config.hartCount,
    memoryBytes: config.memoryBytes,
    outputIsSame: difference === null,
    difference,
    modes: runs.map((run) => columnOf(run, native)),
  };
}

function columnOf(run: MeasuredRun, native: MeasuredRun | undefined): ModeColumn {
  const { config, end, statistics } = run;
  const { icount, cycles, guestCycles, hypervisorCycles, idleCycles, reasons } = statistics;
  const { byCause, other, platformCycles, handlers } = sumByCause(modeByName(config.mode, config.entry), reasons);
  const busy = busyOf(statistics);
  const causes = [...CAUSE_NAMES.map((cause) => [cause, byCause[cause]] as const), ['other', other] as const];
  const shares = causes.map(([cause, sums]) => [cause, { ...sums, share: ratio(sums.cycles, busy) }] as const);
  const exits = shares.reduce((sum, [, row]) => sum + row.exits, 0);
  return {
    mode: config.mode,
    end: { reason: end.reason, status: end.status, message: end.message },
    guestChanged: run.guestChanged ?? null,
    instructions: icount,
    cycles: {
      all: cycles,
      guest: guestCycles,
      platform: platformCycles,
      hypervisor: hypervisorCycles - platformCycles,
      idle: idleCycles,
    },
    busyCycles: busy,
    exits,
    exitsPerThousandInstructions: 1000 * ratio(exits, icount),
    exitsAvoided: statistics.avoided.reduce((sum, { count }) => sum + count, 0),
    hypervisorShare: ratio(hypervisorCycles - platformCycles, busy),
    byCause: Object.fromEntries(shares) as ModeColumn['byCause'],
    handlers,
    tlb: tlbOf(run, native),
    throughput: throughputOf(run.output, icount, busy),
    overhead: native === undefined ? null : ratio(busy, busyOf(native.statistics)),
    predicted: run.predicted === undefined ? null : predictedOf(run.predicted, cycles),
  };
}

function predictedOf({ cycles, idleCycles, exits }: Prediction, realCycles: number): PredictedColumn {
  return { cycles, busyCycles: cycles - idleCycles, exits, error: ratio(cycles, realCycles) - 1 };
}

function tlbOf(run: MeasuredRun, native: MeasuredRun | undefined): TlbColumn {
  const { tlbMisses, walkReferences, walkReferenceCycles } = run;
  const extra = native === undefined ? null : walkReferences - native.walkReferences;
  return {
    misses: tlbMisses,
    walkReferences,
    extraReferences: extra,
    extraCycles: extra === null ? null : extra * walkReferenceCycles,
  };
}

/** What guests with workloads print at their end. */
const RESULT = /^\S+: iterations (\d+) checksum [0-9a-f]+$/m;

function throughputOf(output: string, icount: number, busy: number): Throughput {
  const [, iterations] = RESULT.exec(output) ?? [];
  const count = iterations === undefined ? icount : Number(iterations);
  const unit = iterations === undefined ? 'instructions' : 'iterations';
  return { unit, count, perMillionCycles: 1e6 * ratio(count, busy) };
}

function busyOf({ cycles, idleCycles }: RunStatistics): number {
  return cycles - idleCycles;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Looks for a run that printed something else than the first one. */
function firstDifference(runs: readonly [MeasuredRun, ...MeasuredRun[]]): OutputDifference | null {
  const [first] = runs;
  const other = runs.find(({ output }) => output !== first.output);
  if (other === undefined) return null;
  const [left, right] = [first.output.split('\n'), other.output.split('\n')];
  const index = left.findIndex((line, at) => line !== right[at]);
  const at = index < 0 ? left.length : index;
  return {
    modes: [first.config.mode, other.config.mode],
    line: at + 1,
    texts: [left[at] ?? null, right[at] ?? null],
  };
}
