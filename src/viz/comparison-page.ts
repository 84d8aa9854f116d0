/**
 * The page of a comparison: a table and a chart of where the cycles went under each mode. One HTML file without programs; the chart is
 * drawn here, so that the same comparison gives the same bytes.
 */
import { CAUSE_NAMES, CAUSES } from '../analysis/causes.ts';
import type { Comparison, ModeColumn } from '../analysis/comparison.ts';
import { must } from '../assert.ts';
import { comparisonRows } from './comparison-rows.ts';
import { formatShare, formatSi, groupDigits } from './format.ts';
import { escapeHtml, htmlPage } from './html-page.ts';

/** Parts of a bar, from the axis on: what the guest would do anyway first. */
const PARTS = [
  { key: 'guest', label: 'guest' },
  { key: 'walks', label: 'page walks beyond native' },
  { key: 'platform', label: 'firmware and bus' },
  ...CAUSE_NAMES.map((cause) => ({ key: cause, label: CAUSES[cause] })),
  { key: 'other', label: 'other work of the hypervisor' },
] as const;
type PartKey = (typeof PARTS)[number]['key'];

const BAR = { height: 30, gap: 16, left: 70, width: 780, right: 80, top: 26, bottom: 8 };
const TICKS_MAX = 7;

/** One self-contained HTML file: the same text for the same comparison. */
export function renderComparison(comparison: Comparison): string {
  const { guest, append } = comparison;
  const body = `<h1>${escapeHtml(guest)}${append === '' ? '' : ` <small>${escapeHtml(append)}</small>`}</h1>
<p class="facts">${escapeHtml(factsOf(comparison))}</p>
${banner(comparison)}
${chart(comparison.modes)}
${table(comparison)}
<p class="note">Shares, throughput and overhead are of the cycles that are not idle. The cycles of the hypervisor are charged by the cost profile; those of the guest are executed.</p>`;
  return htmlPage({ title: `${guest} under ${comparison.modes.length} modes`, style: STYLE, body });
}

function factsOf({ costs, core, hartCount, memoryBytes }: Comparison): string {
  return `costs ${costs}, core ${core}, ${hartCount} ${hartCount === 1 ? 'hart' : 'harts'}, ${memoryBytes / 2 ** 20} MiB`;
}

function banner({ difference, modes }: Comparison): string {
  const lines = modes
    .filter(({ end }) => end.status !== 0)
    .map(({ mode, end }) => `The guest failed under ${mode}: ${end.message}`);
  if (difference !== null) {
    const [left, right] = difference.modes;
    const texts = difference.texts.map((text) => (text === null ? 'nothing more' : `"${text}"`));
    lines.push(
      `Line ${difference.line} of what the guest printed is ${texts[0]} under ${left}, ${texts[1]} under ${right}.`,
    );
  }
  return lines.map((line) => `<p class="banner" role="alert">${escapeHtml(line)}</p>`).join('\n');
}

/** Cycles of each part. A guest that walks less than natively has no walks beyond it. */
function partsOf({ cycles, byCause, tlb }: ModeColumn): Record<PartKey, number> {
  const walks = Math.min(cycles.guest, Math.max(0, tlb.extraCycles ?? 0));
  const causes = [...CAUSE_NAMES, 'other' as const].map((cause) => [cause, byCause[cause].cycles] as const);
  const fixed = { guest: cycles.guest - walks, walks, platform: cycles.platform };
  return { ...fixed, ...Object.fromEntries(causes) } as Record<PartKey, number>;
}

/**
 * Scales and stacks are a ratio and a running sum here: those of d3 would make the program of the command a third larger, which each of
 * its starts would read.
 */
function chart(modes: readonly ModeColumn[]): string {
  const most = Math.max(1, ...modes.map(({ busyCycles }) => busyCycles));
  const x = (cycles: number) => BAR.left + (cycles / most) * BAR.width;
  const height = BAR.top + modes.length * (BAR.height + BAR.gap) + BAR.bottom;
  const bars = modes.map((column, row) => bar(column, BAR.top + row * (BAR.height + BAR.gap) + BAR.gap / 2, x));
  const used = PARTS.filter(({ key }) => modes.some((column) => partsOf(column)[key] > 0));
  const legend = used.map(({ key, label }) => `<li><i class="key part-${key}"></i>${label}</li>`).join('');
  return `<figure><figcaption>Cycles that are not idle, by what they went to</figcaption>
<svg viewBox="0 0 ${BAR.left + BAR.width + BAR.right} ${height}" role="img" aria-label="Stacked bars of cycles by cause, one for each mode"><g class="grid">${grid(most, x, height)}</g>${bars.join('')}</svg>
<ul class="legend">${legend}</ul></figure>`;
}

/** A bar with its parts in order, the mode at its left and what it amounts to at its right. */
function bar(column: ModeColumn, top: number, x: (cycles: number) => number): string {
  const { mode, busyCycles, overhead } = column;
  const parts = partsOf(column);
  let sum = 0;
  const rects = PARTS.map(({ key, label }) => {
    const cycles = parts[key];
    if (cycles === 0) return '';
    const from = x(sum);
    sum += cycles;
    const title = `${mode}: ${label}, ${groupDigits(cycles)} cycles, ${formatShare(cycles, busyCycles)}`;
    return `<rect class="part-${key}" x="${coordinate(from)}" y="${top}" width="${coordinate(x(sum) - from)}" height="${BAR.height}"><title>${escapeHtml(title)}</title></rect>`;
  });
  const middle = `y="${top + BAR.height / 2}" dy="0.35em"`;
  const amount = overhead === null ? formatSi(busyCycles, 3) : `${overhead.toFixed(2)} x`;
  return `<text x="${BAR.left - 10}" ${middle} text-anchor="end" class="mode">${escapeHtml(mode)}</text>${rects.join('')}<text x="${coordinate(x(busyCycles) + 8)}" ${middle}>${amount}</text>`;
}

function grid(most: number, x: (cycles: number) => number, height: number): string {
  const step = tickStep(most);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
    .map((tick) => {
      const at = coordinate(x(tick));
      return `<line x1="${at}" x2="${at}" y1="${BAR.top}" y2="${height - BAR.bottom}"/><text x="${at}" y="${BAR.top - 8}" text-anchor="middle">${formatSi(tick)}</text>`;
    })
    .join('');
}

/** A step of 1, 2 or 5 times a power of ten, with at most {@link TICKS_MAX} ticks from 0 on. */
function tickStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const steps = [power / 10, power / 5, power / 2, power, 2 * power];
  return must(
    steps.find((step) => most / step < TICKS_MAX),
    'a step for a number below ten times its power of ten',
  );
}

/** Hundredths are finer than any screen. */
function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function table(comparison: Comparison): string {
  const head = ['', ...comparison.modes.map(({ mode }) => mode)].map(
    (name) => `<th scope="col">${escapeHtml(name)}</th>`,
  );
  const body = comparisonRows(comparison).map(({ label, about, depth, cells }) => {
    const note = about === undefined ? '' : ` <small>${escapeHtml(about)}</small>`;
    const values = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr class="depth-${depth}"><th scope="row">${escapeHtml(label)}${note}</th>${values}</tr>`;
  });
  return `<table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

/** Hues that are told apart with any common colour vision deficiency (Okabe and Ito 2008), light and dark. */
const STYLE = `
:root { --page: #ffffff; --panel: #f6f7f9; --line: #d8dce2; --grid: #e9ebef; --text: #1a1d21; --soft: #59616c; --broken: #c1121f;
  --guest: #b9d9ec; --walks: #5a9bc4; --platform: #c3c9d2; --sensitive: #d55e00; --bounces: #f0a83c; --shadow: #8c3b00; --secondStage: #0072b2;
  --devices: #b5558c; --notifications: #e3a6cb; --interrupts: #00896a; --calls: #d9b400; --other: #3b3f45; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --panel: #1b1f25; --line: #363c46; --grid: #252a31; --text: #e7eaee; --soft: #a3acb8; --broken: #ff6b6b;
    --guest: #2f5f80; --walks: #5aaee6; --platform: #4a525e; --sensitive: #f07c28; --bounces: #f3c27a; --shadow: #a85a2a; --secondStage: #8ab4f8;
    --devices: #dd8fbb; --notifications: #8f4f77; --interrupts: #2fbf98; --calls: #e6cf4a; --other: #d5dae1; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: 18px 20px 40px; background: var(--page); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; margin: 0; } h1 small { color: var(--soft); font-weight: 400; font-size: 15px; }
.facts, .note { color: var(--soft); margin: 2px 0 14px; }
.banner { padding: 6px 12px; background: var(--broken); color: var(--page); border-radius: 4px; }
figure { margin: 0 0 20px; } figcaption { font-weight: 600; margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 13px; fill: var(--text); } svg .mode { font-weight: 600; }
.grid line { stroke: var(--grid); } .grid text { fill: var(--soft); font-size: 12px; }
rect { stroke: var(--page); stroke-width: 0.5; } rect:hover { stroke: var(--text); stroke-width: 1.5; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 6px 0 0; padding: 0; color: var(--soft); }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
table { border-collapse: collapse; width: 100%; } th, td { padding: 2px 10px; text-align: right; white-space: nowrap; }
th[scope=row] { text-align: left; font-weight: 600; } .depth-1 th[scope=row] { padding-left: 28px; font-weight: 400; color: var(--soft); }
th small { color: var(--soft); font-weight: 400; } thead th { border-bottom: 1px solid var(--line); }
tr.depth-0 > * { border-top: 1px solid var(--grid); } tbody tr:hover { background: var(--panel); }
${PARTS.map(({ key }) => `.part-${key} { fill: var(--${key}); background: var(--${key}); }`).join('\n')}
`;
