/**
 * Holds predictions to account: records each workload of mini-os in mode `pv`, prices the trace under the other modes, really runs these, and writes
 * docs/accuracy.md with every error. Runs are deterministic, so the page is the same on every host.
 *
 *   node scripts/accuracy.mjs                   writes docs/accuracy.md; needs a build
 *   node scripts/accuracy.mjs --check PROFILE   compares what it says of one profile, and fails if that differs or a bound is not met
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const command = join(root, 'dist/cli/paratrace.js');
const page = join(root, 'docs/accuracy.md');
const PROFILES = ['rocket-kvm-2023', 'kvm-ept-ivb-2019', 'xen-pv-2003', 'vmware-ws-2003'];
const MODES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh'];
/** What is accepted, in percent: of each workload, and of the median of a mode. */
const BOUND = { each: 5, median: 2 };

const guests = JSON.parse(readFileSync(join(root, 'guests/guests.json'), 'utf8'));
const workloads = (guests.guests ?? guests).find(({ name }) => name === 'mini-os').workloads;
const scratch = mkdtempSync(join(tmpdir(), 'paratrace-accuracy-'));
const checked = process.argv[2] === '--check' ? process.argv[3] : undefined;
try {
  const profiles = checked === undefined ? PROFILES : [checked];
  const tables = profiles.map((profile) => ({ profile, rows: workloads.flatMap((name) => measure(name, profile)) }));
  if (checked === undefined) writeFileSync(page, render(tables));
  else check(tables, readFileSync(page, 'utf8'));
} finally {
  rmSync(scratch, { recursive: true });
}

/** Whether the page has these tables, and lines of the summary. */
function check(tables, text) {
  const parts = [...tables.map(({ rows }) => rowsTable(rows)), ...summaryLines(tables)];
  if (!parts.every((part) => text.includes(part))) {
    fail('docs/accuracy.md is not what `node scripts/accuracy.mjs` writes now');
  }
}

/** Predicts and really runs one workload under one profile. */
function measure(workload, costs) {
  const trace = join(scratch, `${workload}.pvt`);
  const what = ['mini-os', '--workload', workload, '--costs', costs, '--quiet'];
  paratrace(['record', ...what, '--mode', 'pv', '-o', trace]);
  const real = JSON.parse(paratrace(['compare', ...what, '--modes', MODES.join(','), '--json']));
  return MODES.map((mode) => {
    const predicted = JSON.parse(paratrace(['whatif', trace, '--as', mode, '--json']));
    const column = real.modes.find((candidate) => candidate.mode === mode);
    return { workload, mode, predicted, real: column };
  });
}

function paratrace(args) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [command, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`paratrace ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function render(tables) {
  return `# How far off predictions are

Each workload of mini-os, with its default iterations, was recorded once in mode \`pv\`. \`whatif\` priced the trace under ${MODES.map((mode) => `\`${mode}\``).join(', ')},
and these were really run with the same cost profile. \`native\` and \`hvm-pv\` offer rings beside registers, and mini-os takes the rings. This page has every error; \`node scripts/accuracy.mjs\` writes it, and a test of the \`guests\` project checks that it is
what comes out. [pricing.md](pricing.md) says how a prediction is made, and what it does not know.

\`error\` is of all cycles, waiting included; \`busy\` of those that are not idle. \`largest part\` is the part of the run whose error is largest, in percent of
the real cycles: the guest's own instructions, page walks and pages included, a cause of exits, or waiting.

${summary(tables)}

Accepted: ${BOUND.each} % for each workload, and a median below ${BOUND.median} %.
${tables.map(({ profile, rows }) => `\n## \`${profile}\`\n\n${rowsTable(rows)}\n`).join('')}`;
}

function summary(tables) {
  const head =
    '| profile | mode | median error | largest | median busy | largest busy |\n| --- | --- | --- | --- | --- | --- |';
  return `${head}\n${summaryLines(tables).join('\n')}`;
}

function summaryLines(tables) {
  return tables.flatMap(({ profile, rows }) =>
    MODES.map((mode) => {
      const errors = rows.filter((row) => row.mode === mode).map((row) => Math.abs(errorOf(row)));
      const busy = rows.filter((row) => row.mode === mode).map((row) => Math.abs(busyErrorOf(row)));
      const [middle, most] = [median(errors), Math.max(...errors)];
      if (most > BOUND.each || middle >= BOUND.median) {
        process.exitCode = 1;
        console.error(`${profile}, ${mode}: median ${middle.toFixed(2)} %, largest ${most.toFixed(2)} %`);
      }
      const texts = [middle, most, median(busy), Math.max(...busy)].map((value) => `${value.toFixed(2)} %`);
      return `| \`${profile}\` | \`${mode}\` | ${texts.join(' | ')} |`;
    }),
  );
}

function rowsTable(rows) {
  const lines = rows.map((row) => {
    const { workload, mode, predicted, real } = row;
    const cells = [workload, `\`${mode}\``, digits(predicted.cycles), digits(real.cycles.all)];
    return `| ${[...cells, percent(errorOf(row)), percent(busyErrorOf(row)), largestPart(row)].join(' | ')} |`;
  });
  const head =
    '| workload | mode | predicted cycles | real cycles | error | busy | largest part |\n| --- | --- | --- | --- | --- | --- | --- |';
  return `${head}\n${lines.join('\n')}`;
}

function largestPart({ predicted, real }) {
  const parts = [
    ['guest', predicted.guestCycles - real.cycles.guest],
    ['waiting', predicted.idleCycles - real.cycles.idle],
    ...Object.entries(predicted.byCause).map(([cause, { cycles }]) => [cause, cycles - real.byCause[cause].cycles]),
  ];
  const [name, cycles] = parts.reduce((most, part) => (Math.abs(part[1]) > Math.abs(most[1]) ? part : most));
  return `${name} ${percent((100 * cycles) / real.cycles.all)}`;
}

function errorOf({ predicted, real }) {
  return 100 * (predicted.cycles / real.cycles.all - 1);
}

function busyErrorOf({ predicted, real }) {
  return 100 * ((predicted.cycles - predicted.idleCycles) / real.busyCycles - 1);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

function percent(value) {
  const text = value.toFixed(2);
  return `${text.startsWith('-') || Number(text) === 0 ? text.replace('-0.00', '0.00') : `+${text}`} %`;
}

function digits(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function fail(text) {
  console.error(text);
  process.exitCode = 1;
}
