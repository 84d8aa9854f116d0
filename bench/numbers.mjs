/** Medians, spreads and Markdown tables. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Median with the least and the greatest value, such as `1.23 (1.20 to 1.31)`. */
export function spread(values, digits = 2) {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) return '-';
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${low} to ${high})`;
}

/** Item by item: both lists come from the same rounds. */
export function ratios(over, under) {
  return over.map((value, round) => value / under[round]);
}

export function table(titles, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
