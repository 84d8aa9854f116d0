/** A comparison as rows of text, one column for each mode: what the command line prints and the page shows. */
import { CAUSE_NAMES, CAUSES } from '../analysis/causes.ts';
import type { Comparison, ModeColumn, PredictedColumn } from '../analysis/comparison.ts';
import { formatShare, groupDigits } from './format.ts';

export interface ComparisonRow {
  readonly label: string;
  /** What the label does not say. */
  readonly about?: string;
  /** A part of the row above that has `depth` less. */
  readonly depth: 0 | 1;
  readonly cells: readonly string[];
}

const NONE = '-';

/** Rows that are nothing in every mode are left out, except the first of each group. */
export function comparisonRows({ modes }: Comparison): readonly ComparisonRow[] {
  return [...guestRows(modes), ...cycleRows(modes), ...exitRows(modes), ...walkRows(modes), ...resultRows(modes)];
}

type CellOf = (column: ModeColumn) => string;

function row(modes: readonly ModeColumn[], depth: 0 | 1, label: string, cell: CellOf, about?: string): ComparisonRow {
  return { label, depth, cells: modes.map(cell), ...(about !== undefined && { about }) };
}

function guestRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  const ends = row(modes, 0, 'end', ({ end }) => (end.status === 0 ? end.reason : `${end.reason} ${end.status}`));
  if (modes.every(({ guestChanged }) => guestChanged === null)) return [ends];
  const part = (own: number, of: number) => `${groupDigits(own)} of ${groupDigits(of)}`;
  return [
    row(modes, 0, 'lines of the guest changed', ({ guestChanged: changed }) =>
      changed === null ? NONE : part(changed.lines, changed.linesOf),
    ),
    row(modes, 1, 'functions', ({ guestChanged: changed }) =>
      changed === null ? NONE : part(changed.functions, changed.functionsOf),
    ),
    ends,
  ];
}

function cycleRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  const parts = [
    ['guest', 'guest'],
    ['platform', 'firmware and bus'],
    ['hypervisor', 'hypervisor'],
    ['idle', 'idle'],
  ] as const;
  const used = parts.filter(([part]) => modes.some(({ cycles }) => cycles[part] !== 0));
  return [
    row(modes, 0, 'instructions', ({ instructions }) => groupDigits(instructions)),
    row(modes, 0, 'cycles', ({ cycles }) => groupDigits(cycles.all)),
    ...used.map(([part, label]) => row(modes, 1, label, ({ cycles }) => groupDigits(cycles[part]))),
    ...predictionRows(modes),
  ];
}

function predictionRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  if (modes.every(({ predicted }) => predicted === null)) return [];
  const cell =
    (text: (predicted: PredictedColumn) => string): CellOf =>
    ({ predicted }) =>
      predicted === null ? NONE : text(predicted);
  const signed = (error: number) => `${error > 0 ? '+' : ''}${(100 * error).toFixed(2)} %`;
  return [
    row(
      modes,
      0,
      'cycles predicted',
      cell(({ cycles }) => groupDigits(cycles)),
      'by whatif, from the run of mode pv',
    ),
    row(
      modes,
      1,
      'off by',
      cell(({ error }) => signed(error)),
    ),
    row(
      modes,
      1,
      'exits predicted',
      cell(({ exits }) => groupDigits(exits)),
    ),
  ];
}

function exitRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  const causes = [...CAUSE_NAMES.map((name) => [name, CAUSES[name]] as const), ['other', 'other'] as const];
  const used = causes.filter(([cause]) =>
    modes.some(({ byCause }) => byCause[cause].cycles + byCause[cause].exits > 0),
  );
  return [
    row(modes, 0, 'exits', ({ exits }) => groupDigits(exits)),
    row(modes, 1, 'per 1,000 instructions', (column) => formatRate(column.exitsPerThousandInstructions)),
    ...used.map(([cause, label]) => row(modes, 1, label, ({ byCause }) => groupDigits(byCause[cause].exits))),
    row(modes, 0, 'exits avoided', ({ exitsAvoided }) => groupDigits(exitsAvoided)),
    row(
      modes,
      0,
      'lost to the hypervisor',
      ({ hypervisorShare }) => formatShare(hypervisorShare, 1),
      'of the cycles that are not idle',
    ),
    ...used.map(([cause, label]) => row(modes, 1, label, ({ byCause }) => formatShare(byCause[cause].share, 1))),
    row(modes, 0, 'handlers exercised', ({ handlers }) => groupDigits(handlers), 'distinct reasons for work'),
  ];
}

function walkRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  const rows = [
    row(modes, 0, 'TLB misses', ({ tlb }) => groupDigits(tlb.misses)),
    row(modes, 1, 'page-table references', ({ tlb }) => groupDigits(tlb.walkReferences)),
  ];
  if (modes.some(({ tlb }) => tlb.extraReferences === null)) return rows;
  return [
    ...rows,
    row(modes, 1, 'beyond native', ({ tlb }) => groupDigits(tlb.extraReferences ?? 0)),
    row(modes, 1, 'their cycles', ({ tlb }) => groupDigits(tlb.extraCycles ?? 0), 'among those of the guest'),
  ];
}

function resultRows(modes: readonly ModeColumn[]): ComparisonRow[] {
  const unit = modes[0]?.throughput.unit ?? 'instructions';
  const rows = [
    row(
      modes,
      0,
      `${unit} per million cycles`,
      ({ throughput }) => formatRate(throughput.perMillionCycles),
      'that are not idle',
    ),
  ];
  if (modes.some(({ overhead }) => overhead === null)) return rows;
  return [
    ...rows,
    row(
      modes,
      0,
      'overhead over native',
      ({ overhead }) => `${(overhead ?? 0).toFixed(3)} x`,
      'cycles that are not idle',
    ),
  ];
}

/** Four significant digits. */
function formatRate(value: number): string {
  if (value >= 1000) return groupDigits(value);
  return String(Number(value.toPrecision(4)));
}
