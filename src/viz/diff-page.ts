/**
 * The page of a comparison of two traces: what differs in sentences, where the cycles of either run went, the events around the first
 * difference, tables by kind and ring, and the places. One HTML file without programs; the same bytes for the same comparison.
 */
import { type DiffWords, differenceLines, diffSentences, eventLine } from '../analysis/diff/diff-text.ts';
import type { FirstDifference, Place } from '../analysis/diff/difference-collector.ts';
import type { KindRow } from '../analysis/diff/kind-rows.ts';
import type { TraceDiff } from '../analysis/diff/trace-diff.ts';
import { DIFF_STYLE } from './diff-style.ts';
import { formatShare, formatSi, groupDigits } from './format.ts';
import { escapeHtml, htmlPage } from './html-page.ts';

const PARTS = [
  { key: 'guest', label: 'guest' },
  { key: 'hypervisor', label: 'hypervisor' },
  { key: 'idle', label: 'idle' },
] as const;

const BAR = { height: 26, gap: 12, left: 4, width: 900, right: 90, top: 4 };

/** One self-contained HTML file. */
export function renderDiff(diff: TraceDiff, words: DiffWords): string {
  const [left, right] = words.sides;
  const sentences = diffSentences(diff, words).map((sentence) => `<li>${escapeHtml(sentence)}</li>`);
  const body = `<h1><span class="left">${escapeHtml(left)}</span> <small>and</small> <span class="right">${escapeHtml(right)}</span></h1>
<p class="facts">${escapeHtml(factsOf(diff))}</p>
${diff.same ? '<p class="verdict same">Nothing differs.</p>' : `<ul class="sentences">${sentences.join('')}</ul>`}
${chart(diff, words)}
${diff.first === null ? '' : firstSection(diff.first, words)}
${kindTable(diff, words)}
${placesSection(diff, words)}`;
  return htmlPage({ title: `${left} and ${right}`, style: DIFF_STYLE, body });
}

function factsOf({ guest, ignored, events }: TraceDiff): string {
  const guests = guest[0] === guest[1] ? guest[0] : guest.join(' and ');
  const level = ignored.length === 0 ? 'exact' : `without ${ignored.join(', ')}`;
  const { same, later, changed, onlyLeft, onlyRight } = events;
  const counts = [
    [same, 'events the same'],
    [later, 'at other clocks'],
    [changed, 'changed'],
    [onlyLeft, 'missing'],
    [onlyRight, 'new'],
  ] as const;
  const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${groupDigits(count)} ${what}`);
  return `${guests}, ${level}: ${parts.join(', ')}`;
}

/** A bar for each run on one scale. */
function chart({ time }: TraceDiff, { sides }: DiffWords): string {
  const most = Math.max(1, ...time.cycles);
  const rows = sides.map((name, side) => {
    const top = BAR.top + side * (BAR.height + BAR.gap);
    let sum = 0;
    const rects = PARTS.map(({ key, label }) => {
      const cycles = time[key][side as 0 | 1];
      const from = BAR.left + (sum / most) * BAR.width;
      sum += cycles;
      if (cycles === 0) return '';
      const title = `${name}: ${label}, ${groupDigits(cycles)} cycles, ${formatShare(cycles, time.cycles[side as 0 | 1])}`;
      return `<rect class="part-${key}" x="${coordinate(from)}" y="${top}" width="${coordinate((cycles / most) * BAR.width)}" height="${BAR.height}"><title>${escapeHtml(title)}</title></rect>`;
    });
    const end = BAR.left + (sum / most) * BAR.width;
    return `${rects.join('')}<text class="${side === 0 ? 'left' : 'right'}" x="${coordinate(end + 8)}" y="${top + BAR.height / 2}" dy="0.35em">${formatSi(sum, 4)}</text>`;
  });
  const height = BAR.top + 2 * (BAR.height + BAR.gap);
  const legend = PARTS.map(({ key, label }) => `<li><i class="key part-${key}"></i>${label}</li>`).join('');
  return `<figure><figcaption>Cycles by what they went to: ${escapeHtml(sides[0])} above, ${escapeHtml(sides[1])} below</figcaption>
<svg viewBox="0 0 ${BAR.left + BAR.width + BAR.right} ${height}" role="img" aria-label="Cycles of guest, hypervisor and idle in either run">${rows.join('')}</svg>
<ul class="legend">${legend}</ul></figure>`;
}

function firstSection(first: FirstDifference, words: DiffWords): string {
  const context = first.before.map(({ event }) => `<span>  ${escapeHtml(eventLine(event, 0, words))}</span>`);
  const follows = first.after.map((events, side) => {
    const lines = events.map((event) => `<span>  ${escapeHtml(eventLine(event, side as 0 | 1, words))}</span>`);
    const shown = lines.length === 0 ? '<span>  (nothing more)</span>' : lines.join('\n');
    return `<h3 class="${side === 0 ? 'left' : 'right'}">${escapeHtml(words.sides[side as 0 | 1])} goes on</h3><pre>${shown}</pre>`;
  });
  return `<section id="first"><h2>The first difference</h2>
<pre>${[...context, ...differenceLines(first, words).map(lineOf)].join('\n')}</pre>
${follows.join('\n')}</section>`;
}

/** A line of a difference, by its sign. */
function lineOf(line: string): string {
  const sign = line.trimStart()[0];
  const side = sign === '-' ? 'left' : sign === '+' ? 'right' : 'change';
  return `<span class="${side}">${escapeHtml(line)}</span>`;
}

function kindTable({ kinds }: TraceDiff, { sides }: DiffWords): string {
  if (kinds.length === 0) return '';
  const head = [
    'kind',
    'what',
    sides[0],
    sides[1],
    'missing',
    'new',
    'cycles',
    'cycles',
    'more',
    'fields that changed',
  ];
  return `<h2>By kind</h2>
<table id="kinds"><thead><tr>${head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')}</tr></thead>
<tbody>${kinds.map(kindRow).join('\n')}</tbody></table>`;
}

function kindRow({ kind, what, fields, ...row }: KindRow): string {
  const numbers = [
    ...[row.left, row.right, row.onlyLeft, row.onlyRight, row.leftCycles, row.rightCycles],
    row.rightCycles - row.leftCycles,
  ];
  const changed = fields.map(
    ({ field, count, by }) => `${field}${by === null ? '' : ` ${by > 0 ? '+' : ''}${by}`} (${count})`,
  );
  const cells = numbers.map((value) => `<td>${value === 0 ? '' : groupDigits(value)}</td>`).join('');
  return `<tr><th scope="row">${escapeHtml(kind)}</th><td class="text">${escapeHtml(what)}</td>${cells}<td class="text">${escapeHtml(changed.join(', '))}</td></tr>`;
}

function placesSection({ places, placesTotal }: TraceDiff, words: DiffWords): string {
  if (placesTotal <= 1) return '';
  const items = places.map((place, index) => placeItem(place, index, words));
  const rest = placesTotal - places.length;
  const more = rest > 0 ? `<p class="note">and ${groupDigits(rest)} more places</p>` : '';
  return `<h2>Places where something new differs: ${groupDigits(placesTotal)}</h2>\n${items.join('\n')}${more}`;
}

function placeItem({ entries, more }: Place, index: number, words: DiffWords): string {
  const [first] = entries;
  const event = (first?.left ?? first?.right)?.event;
  const where = event === undefined ? '' : `cycle ${groupDigits(event.cycle)}, hart ${event.hart}, ${event.kind}`;
  const lines = entries.flatMap((entry) => differenceLines(entry, words).map(lineOf));
  const rest = more > 0 ? `\n<span>    and ${groupDigits(more)} more here</span>` : '';
  return `<details${index < 3 ? ' open' : ''}><summary>${index + 1}. ${escapeHtml(where)}</summary><pre>${lines.join('\n')}${rest}</pre></details>`;
}

/** Hundredths are finer than any screen. */
function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}
