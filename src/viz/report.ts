/**
 * The report: one HTML file that holds the model, the page's program and its style. Nothing is fetched, and a content security
 * policy in the file says so. Everything that is not of this program's making - names of images, devices, guest values - goes in
 * escaped.
 */
import { EMULATION_TARGETS } from '../analysis/emulation-steps.ts';
import { ringName } from '../analysis/names.ts';
import { isPricedKind } from './event-table.ts';
import { formatGuestTime, formatShare, formatSi, groupDigits } from './format.ts';
import { escapeHtml, htmlPage } from './html-page.ts';
import { REPORT_STYLE } from './report-style.ts';
import type { Category, ReportFacts, TimelineModel } from './timeline-model.ts';

/** Rows of each table; the rest is summed up in one line. */
const TABLE_ROWS_MAX = 300;

export interface ReportOptions {
  /** The page's program, as `scripts/build-report.mjs` bundles it. */
  readonly script: string;
  /** Title of the page: usually the name of the trace. */
  readonly title: string;
}

/** One self-contained HTML file: the same text for the same model, script and title. */
export function renderReport(model: TimelineModel, options: ReportOptions): string {
  const body = `${header(model, options.title)}
${banners(model)}
${BODY}
${dock(model)}
${HELP}
<script type="application/json" id="model">${escapeJson(JSON.stringify(model))}</script>
<script>${escapeScript(options.script)}</script>`;
  return htmlPage({ title: options.title, style: REPORT_STYLE, body, hasScripts: true });
}

/** JSON that cannot end the script element that holds it. */
function escapeJson(json: string): string {
  return json.replaceAll('<', '\\u003c');
}

/** A program that cannot end the script element that holds it; in strings and regular expressions the meaning stays. */
function escapeScript(script: string): string {
  return script.replaceAll(/<(?=\/script|!--|script)/gi, '\\x3c');
}

function header(model: TimelineModel, title: string): string {
  const { facts, statistics } = model;
  const parts = [
    ['guest', 'Guest', statistics.guestCycles],
    ['hypervisor', 'Hypervisor', statistics.hypervisorCycles],
    ['idle', 'Idle', statistics.idleCycles],
  ] as const;
  const bar = parts.map(([id, , cycles]) => `<i class="fill-${id}" style="flex-grow:${cycles}"></i>`).join('');
  const legend = parts
    .map(
      ([id, name, cycles]) =>
        `<span><i class="key fill-${id}"></i>${name} <b>${formatShare(cycles, statistics.cycles)}</b></span>`,
    )
    .join('');
  const list = headerFacts(facts, model.eventCount)
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`)
    .join('');
  return `<header>
<div class="heading"><h1>${escapeHtml(facts.guest)}</h1><p>${escapeHtml(title)}</p></div>
<dl class="facts">${list}</dl>
<div class="shares"><div class="bar" aria-hidden="true">${bar}</div><p>${legend}</p></div>
</header>`;
}

function headerFacts(facts: ReportFacts, eventCount: number): readonly (readonly [string, string])[] {
  return [
    ['mode', facts.mode],
    ['costs', facts.costs],
    ['core', `${facts.core}, ${plural(facts.hartCount, 'hart')}`],
    ['cycles', `${formatSi(facts.cycles)} (${formatGuestTime(facts.cycles, facts.clockHz)})`],
    ['instructions', formatSi(facts.icount)],
    ['events', groupDigits(eventCount)],
    ['end', facts.end === undefined ? 'not recorded' : `${facts.end.reason}, status ${facts.end.status}`],
  ];
}

function banners(model: TimelineModel): string {
  const { truncated } = model.facts;
  const broken = model.categories.filter(({ kind }) => kind === 'broken').reduce((sum, { count }) => sum + count, 0);
  const lines = [
    truncated === undefined ? undefined : `<b>The trace is not whole.</b> ${escapeHtml(truncated)}`,
    model.facts.unpriced === undefined
      ? undefined
      : `<b>What emulation would have cost is not shown.</b> ${escapeHtml(model.facts.unpriced)}`,
    broken === 0 ? undefined : `<b>${plural(broken, 'ring')} broke.</b> See the marks on the ring lanes.`,
  ];
  return lines
    .filter((line) => line !== undefined)
    .map((line) => `<p class="banner" role="alert">${line}</p>`)
    .join('\n');
}

const LEGEND = [
  ['guest', 'guest'],
  ['entry', 'exit: entry'],
  ['handling', 'handling'],
  ['return', 'return'],
  ['idle', 'idle'],
  ['waiting', 'awaiting turn'],
  ['hypercall', 'hypercall'],
  ['mmio', 'register access'],
  ['inject', 'wire raised'],
  ['interrupt', 'interrupt'],
  ['flight', 'chains in flight'],
  ['queued', 'queued'],
  ['signal', 'doorbell'],
  ['input', 'input'],
  ['broken', 'broken ring, lost frame'],
  ['avoided', 'exit avoided'],
  ['ghost', 'emulated instead'],
] as const;

const BODY = `<main id="app">
<div class="toolbar">
<ul class="legend" aria-label="Legend">${LEGEND.map(([id, text]) => `<li><i class="key fill-${id}"></i>${text}</li>`).join('')}</ul>
<label class="choice" id="emulation-choice" title="The mode whose emulation the translucent bars show (e)">emulation as in <select id="emulation">${EMULATION_TARGETS.map((target) => `<option>${target}</option>`).join('')}</select></label>
<div class="buttons">
<button type="button" id="zoom-out" title="Zoom out (s or -)">-</button>
<button type="button" id="zoom-in" title="Zoom in (w or +)">+</button>
<button type="button" id="fit" title="Whole run (0 or f)">Fit</button>
<button type="button" id="help-open" title="Keys and mouse (?)">?</button>
</div>
</div>
<div class="row"><div class="side" id="window-text" aria-live="polite"></div><canvas id="overview" aria-label="Overview of the whole run; drag to move the visible window"></canvas></div>
<div class="row"><div class="side" id="axis-base"></div><svg id="axis" aria-hidden="true"></svg></div>
<div id="lanes"><div id="labels"></div><div id="plot"><canvas id="timeline" tabindex="0" role="img" aria-label="Timeline of the run in cycles. Up and down choose a lane, n and p step through its events, question mark lists all keys."></canvas></div></div>
</main>`;

function dock(model: TimelineModel): string {
  return `<div id="dock">
<section class="tables" aria-label="Summary">${exitTable(model)}${emulationTable(model)}${ringTable(model)}${otherTable(model)}</section>
<section id="details" aria-label="Details" aria-live="polite"></section>
</div>
<div id="tooltip" role="tooltip" hidden></div>`;
}

function exitTable(model: TimelineModel): string {
  const { reasons, cycles } = model.statistics;
  const ids = new Map(model.categories.map(({ kind, label }, id) => [`${kind} ${label}`, id]));
  const most = reasons[0]?.totalCycles ?? 0;
  const body = reasons.slice(0, TABLE_ROWS_MAX).map((row) => {
    const width = most === 0 ? 0 : Math.round((100 * row.totalCycles) / most);
    const cells = [
      groupDigits(row.count),
      groupDigits(row.totalCycles),
      `<i class="meter" style="width:${width}%"></i>${formatShare(row.totalCycles, cycles)}`,
      groupDigits(row.minCycles),
      groupDigits(row.meanCycles),
      groupDigits(row.maxCycles),
    ];
    const start = rowStart(ids.get(`${row.kind} ${row.reason}`), row.reason, row.kind);
    return `${start}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const count = reasons.reduce((sum, row) => sum + row.count, 0);
  const total = reasons.reduce((sum, row) => sum + row.totalCycles, 0);
  return `<table id="exits"><caption>Exits by reason <small>click a row to see them on the timeline</small></caption>
${headRow(['reason', 'kind', 'count', 'cycles', 'share of run', 'min', 'mean', 'max'])}
<tbody>${body.join('')}${leftOut(reasons.length, 8)}</tbody>
<tfoot><tr><th scope="row">all</th><td></td><td>${groupDigits(count)}</td><td>${groupDigits(total)}</td><td>${formatShare(total, cycles)}</td><td></td><td>${count === 0 ? '' : groupDigits(total / count)}</td><td></td></tr></tfoot>
</table>`;
}

/** Exits avoided, and whatever else stands for something under emulation. */
function emulationTable(model: TimelineModel): string {
  const rows = model.categories
    .map((category, id) => ({ id, category }))
    .filter(({ category: { kind, emulation } }) => kind === 'avoidedExit' || emulation !== undefined)
    .sort((a, b) => greatest(b.category) - greatest(a.category) || a.id - b.id);
  if (rows.length === 0) return '';
  const body = rows.slice(0, TABLE_ROWS_MAX).map(({ id, category }) => {
    const { label, kind, group, count, emulation } = category;
    const cycles = EMULATION_TARGETS.map(
      (target) => `<td>${groupDigits(emulation?.byTarget[target].cycles ?? 0)}</td>`,
    );
    const note = emulation?.isPartOfCall === true ? ' <small>in the call before</small>' : '';
    return `${rowStart(id, label, kind)}<td>${escapeHtml(group)}${note}</td><td>${groupDigits(count)}</td>${cycles.join('')}</tr>`;
  });
  const totals = EMULATION_TARGETS.map((target) => {
    const sum = rows.reduce((all, { category: { emulation } }) => {
      return emulation === undefined || emulation.isPartOfCall ? all : all + emulation.byTarget[target].cycles;
    }, 0);
    return `<td>${groupDigits(sum)}</td>`;
  });
  return `<table id="emulation-table"><caption>Exits avoided, and what else would have been emulated <small>cycles of the register accesses and traps that each stands for</small></caption>
${headRow(['event', 'kind', 'of', 'count', ...EMULATION_TARGETS.map((target) => `in ${target}`)])}
<tbody>${body.join('')}${leftOut(rows.length, 4 + EMULATION_TARGETS.length)}</tbody>
<tfoot><tr><th scope="row">all, once</th><td></td><td></td><td></td>${totals.join('')}</tr></tfoot></table>`;
}

function greatest({ emulation }: Category): number {
  return Math.max(0, ...EMULATION_TARGETS.map((target) => emulation?.byTarget[target].cycles ?? 0));
}

function ringTable(model: TimelineModel): string {
  const { rings } = model.statistics;
  if (rings.length === 0) return '';
  const body = rings.slice(0, TABLE_ROWS_MAX).map((row) => {
    const cells = [
      row.notifications,
      row.chainsTaken,
      row.chainsCompleted,
      row.inFlightMax,
      row.readableBytes,
      row.writtenBytes,
      row.interruptsDelivered,
      row.interruptsSuppressed,
    ];
    const name = escapeHtml(ringName(row.device, row.queue));
    return `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${groupDigits(cell)}</td>`).join('')}</tr>`;
  });
  const columns = ['ring', 'doorbells', 'taken', 'completed', 'most in flight', 'bytes read', 'bytes written'];
  return `<table id="rings"><caption>Rings</caption>
${headRow([...columns, 'interrupts', 'suppressed'])}<tbody>${body.join('')}${leftOut(rings.length, 9)}</tbody></table>`;
}

function otherTable(model: TimelineModel): string {
  const rows = model.categories
    .map((category, id) => ({ id, category }))
    .filter(({ category }) => !isPricedKind(category.kind) && category.kind !== 'avoidedExit');
  const body = rows.slice(0, TABLE_ROWS_MAX).map(({ id, category }) => {
    const start = rowStart(id, category.label, category.kind);
    return `${start}<td>${escapeHtml(category.group)}</td><td>${groupDigits(category.count)}</td></tr>`;
  });
  return `<table id="others"><caption>Events without a cost</caption>
${headRow(['event', 'kind', 'of', 'count'])}<tbody>${body.join('')}${leftOut(rows.length, 4)}</tbody></table>`;
}

function headRow(names: readonly string[]): string {
  return `<thead><tr>${names.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>`;
}

/** @param category number of the category that the row stands for; undefined for a row of many. */
function rowStart(category: number | undefined, label: string, kind: string): string {
  const attributes = category === undefined ? '' : ` data-category="${category}" tabindex="0"`;
  return `<tr${attributes}><th scope="row">${escapeHtml(label)}</th><td>${kind}</td>`;
}

function leftOut(rowCount: number, columns: number): string {
  const count = rowCount - TABLE_ROWS_MAX;
  return count > 0 ? `<tr><td colspan="${columns}">and ${groupDigits(count)} more</td></tr>` : '';
}

const KEYS = [
  ['wheel', 'zoom at the pointer'],
  ['shift + wheel, sideways wheel, drag', 'pan'],
  ['w s, + -', 'zoom in, out'],
  ['a d, left right', 'pan'],
  ['up down', 'choose the lane above, below'],
  ['n p', 'next, previous event of the chosen lane'],
  ['z, double click', 'zoom to the selected event'],
  ['e', 'the other mode to compare with'],
  ['0 f', 'the whole run'],
  ['Esc', 'clear selection and highlight'],
  ['?', 'this list'],
] as const;

const HELP = `<dialog id="help" aria-label="Keys and mouse"><h2>Keys and mouse</h2><dl>${KEYS.map(([keys, what]) => `<div><dt>${keys}</dt><dd>${what}</dd></div>`).join('')}</dl>
<p>The axis counts model cycles: the one clock of the run, which all harts share. Where a pixel holds more than one thing, a hart lane shows the share of each state and an event lane how many events there are.</p>
<form method="dialog"><button>Close</button></form></dialog>`;

function plural(count: number, noun: string): string {
  return `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`;
}
