/** A comparison as text for a terminal. */
import type { Comparison } from '../analysis/comparison.ts';
import { comparisonRows } from '../viz/comparison-rows.ts';
import { formatTable } from './table.ts';

export function comparisonText(comparison: Comparison): string {
  const { guest, append, costs, core, hartCount, modes } = comparison;
  const what = [guest, ...(append === '' ? [] : [append]), costs, core, `harts ${hartCount}`].join(', ');
  const rows = comparisonRows(comparison).map(({ label, depth, cells }) => [`${'  '.repeat(depth)}${label}`, ...cells]);
  return `${what}\n\n${formatTable(['', ...modes.map(({ mode }) => mode)], rows)}\n`;
}
