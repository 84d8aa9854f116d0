/**
 * Measures Paratrace against QEMU: the same images, whole processes, interleaved in one run so that a change of the machine's load
 * hits every column. Prints medians with their spread, and checks that all columns compute the same.
 *
 *   npm run bench                            everything, 3 rounds, 16 minutes; writes the tables of docs/performance.md
 *   npm run bench -- --short                 fewer iterations and columns, for CI; writes nothing
 *   npm run bench -- --only workload,modes   some guests, U-Boot (uboot), mini-os by mode (modes), start and memory (extras); writes nothing
 *   npm run bench -- --rounds 9
 *
 * Needs QEMU, the cross compiler, and U-Boot (scripts/install-tools.sh).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { GuestResults } from './guest-results.mjs';
import { COLUMNS, Hosts } from './hosts.mjs';
import { measureModes } from './modes.mjs';
import { BenchError, run } from './programs.mjs';
import { Progress } from './progress.mjs';
import { renderResults } from './render.mjs';
import {
  CURVE_GUESTS,
  FEW_PART,
  hasLongRun,
  LONG_MARGIN,
  LONG_ROUNDS_MAX,
  LONG_SECONDS,
  WORKLOADS,
} from './workloads.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build/bench');
const PAGE = join(root, 'docs/performance.md');
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->'];
/** Above this, something else is at work on the machine. */
const QUIET_LOAD_MAX = 1.5;
const CURVE_MS = [100, 250, 500, 1000, 2000, 5000];
/** Of a short run, which has no steady rate either. */
const SHORT_COLUMNS = ['rr', 'record', 'replay'];
/** Of long runs: what they are for is the ratio to QEMU's recording. */
const LONG_COLUMNS = ['rr', 'record'];
/** Enough for the longest curve on the fastest tier. */
const CURVE_ITERATIONS = 2 ** 40;
const MEMORY_GUEST = 'chase';
const MEMORY_COLUMNS = ['icount', 'rr', 'record', 'recordInterpreter', 'replay'];

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const names = options.only?.split(',');
const progress = new Progress();
const settings = {
  progress,
  short: options.short,
  rounds: Number(options.rounds ?? 3),
  workloads: WORKLOADS.filter(({ name }) => names === undefined || names.includes(name)),
  columns: options.short ? COLUMNS.filter(({ id }) => SHORT_COLUMNS.includes(id)) : COLUMNS,
  uboot: names === undefined || names.includes('uboot'),
  modes: names === undefined || names.includes('modes'),
  extras: names === undefined || names.includes('extras'),
};

try {
  if (!Number.isInteger(settings.rounds) || settings.rounds < 1) {
    throw new BenchError(`--rounds wants a positive number, not ${options.rounds}`);
  }
  await main();
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(`bench failed: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  await prepare();
  const hosts = new Hosts(root, folder);
  const results = { facts: facts(), columns: settings.columns, guests: [] };
  for (const workload of settings.workloads) {
    results.guests.push(await measureGuest(hosts, workload));
    save(results);
  }
  if (settings.uboot) results.uboot = await progress.measure('U-Boot', 'all columns', () => measureUboot(hosts));
  if (settings.modes) results.modes = await measureModes(hosts, settings);
  if (settings.extras) {
    results.start = await progress.measure('start', 'all columns', () => measureStart(hosts));
    results.memory = await progress.measure('memory', MEMORY_GUEST, () => measureMemory(hosts));
    if (!settings.short) {
      results.curves = await progress.measure('warm-up', CURVE_GUESTS.join(' and '), () => measureCurves(hosts));
    }
  }
  results.facts.loadAfter = loadavg()[0];
  results.facts.minutes = progress.totalMinutes();
  results.facts.parts = progress.minutes;
  save(results);
  const text = renderResults(results);
  console.log(`\n${text}`);
  if (!settings.short && names === undefined) writePage(text);
}

async function prepare() {
  mkdirSync(folder, { recursive: true });
  await buildTranslation();
  command('make', ['--silent', '-C', join(root, 'bench/guests')]);
  if (settings.uboot) command(join(root, 'scripts/make-uboot-disk.sh'), [join(folder, 'uboot.img')]);
}

/** What bench/warm-up.mjs takes of the command line. */
function buildTranslation() {
  const contents = `export { WorkerCompiler } from './worker-compiler.ts'; export { readBranchHints } from './compiler-flags.ts';`;
  return build({
    stdin: { contents, resolveDir: join(root, 'src/cli/host') },
    outfile: join(folder, 'translate.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}

function facts() {
  const [cpu] = cpus();
  const load = loadavg()[0];
  if (load > QUIET_LOAD_MAX)
    console.error(`bench: the machine is busy (load ${load.toFixed(1)}): do not trust the numbers`);
  return {
    cpu: `${cpus().length} x ${cpu?.model.trim()}`,
    node: process.version,
    qemu: /version (\S+)/.exec(command('qemu-system-riscv64', ['--version']))?.[1],
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    rounds: settings.rounds,
    longRounds: longRounds(),
    short: settings.short,
    loadBefore: load,
  };
}

/** All columns with many and with few iterations; in a full run also those that are compared with far more. */
async function measureGuest(hosts, workload) {
  const many = settings.short ? workload.short : workload.iterations;
  const lengths = settings.short ? { many } : { few: Math.floor(many / FEW_PART), many };
  const measured = new GuestResults(workload, settings.columns);
  await progress.measure('short runs', workload.name, () => measureRounds(hosts, measured, workload, lengths));
  if (!settings.short && hasLongRun(workload)) {
    lengths.long = many * longFactor(measured.columns.rr);
    await progress.measure('long runs', workload.name, () => measureLong(hosts, measured, workload, lengths.long));
  }
  return { ...workload, ...lengths, ...measured.checked() };
}

async function measureRounds(hosts, measured, workload, lengths) {
  for (let round = 0; round < settings.rounds; round++) {
    for (const column of settings.columns) {
      for (const [length, iterations] of Object.entries(lengths)) {
        measured.add(column, length, await hosts.guest(column, workload, iterations));
      }
      if (column.qemu === 'rr') measured.recordBytes = hosts.qemuRecordBytes();
    }
  }
}

async function measureLong(hosts, measured, workload, iterations) {
  for (let round = 0; round < longRounds(); round++) {
    for (const column of settings.columns.filter(({ id }) => LONG_COLUMNS.includes(id))) {
      measured.add(column, 'long', await hosts.guest(column, workload, iterations));
    }
  }
}

function longRounds() {
  return Math.min(settings.rounds, LONG_ROUNDS_MAX);
}

/**
 * How many short runs make a long one, by what iterations take without the start. Of each length it is the fastest run that counts: a
 * difference of runs of one round is mostly noise where the machine has other work, and a long run several times too long.
 */
function longFactor({ few, many }) {
  const secondsOfMany = (Math.min(...many) - Math.min(...few)) * (FEW_PART / (FEW_PART - 1));
  return Math.ceil((LONG_SECONDS * LONG_MARGIN) / secondsOfMany);
}

/**
 * Until the prompt in every column; and a session with a disk and six commands in all but QEMU's recording, which does not get through
 * it (docs/performance.md).
 */
async function measureUboot(hosts) {
  const prompt = Object.fromEntries(settings.columns.map(({ id }) => [id, []]));
  const session = Object.fromEntries(settings.columns.map(({ id }) => [id, []]));
  let traceBytes = 0;
  for (let round = 0; round < settings.rounds; round++) {
    for (const column of settings.columns) {
      if (column.verb !== 'replay') prompt[column.id].push(await hosts.ubootPrompt(column));
      if (column.qemu === 'rr') continue;
      const result = await hosts.ubootSession(column);
      session[column.id].push(result.seconds);
      traceBytes = result.traceBytes ?? traceBytes;
    }
  }
  return { prompt, session, traceBytes };
}

/** A guest with nothing to do: until its first instruction, and until the process has ended. */
async function measureStart(hosts) {
  const [workload] = WORKLOADS;
  const columns = Object.fromEntries(settings.columns.map(({ id }) => [id, { beginMs: [], endMs: [] }]));
  for (let round = 0; round < settings.rounds; round++) {
    for (const column of settings.columns) {
      const { seconds, beginMs } = await hosts.guest(column, workload, 0);
      columns[column.id].endMs.push(seconds * 1000);
      columns[column.id].beginMs.push(beginMs);
    }
  }
  return columns;
}

async function measureMemory(hosts) {
  const workload = WORKLOADS.find(({ name }) => name === MEMORY_GUEST);
  const iterations = settings.short ? workload.short : workload.iterations;
  const peaks = [];
  for (const column of settings.columns.filter(({ id }) => MEMORY_COLUMNS.includes(id))) {
    const { peakMiB } = await hosts.guest(column, workload, iterations, { memory: true });
    peaks.push({ title: column.title, peakMiB });
  }
  return { guest: MEMORY_GUEST, peaks };
}

/** Both engines by turns, round by round. */
async function measureCurves(hosts) {
  const curves = CURVE_GUESTS.flatMap((guest) =>
    ['interpreter', 'translator'].map((engine) => ({ guest, engine, rounds: [] })),
  );
  for (let round = 0; round < settings.rounds; round++) {
    for (const { guest, engine, rounds } of curves) {
      const image = hosts.image(guest, CURVE_ITERATIONS);
      const args = [join(root, 'bench/warm-up.mjs'), engine, image, ...CURVE_MS.map(String)];
      const { stdout } = await run(process.execPath, args, { folder });
      rounds.push(JSON.parse(stdout));
    }
  }
  return { times: CURVE_MS, curves };
}

/** What has been measured so far, for whoever wants more than medians. */
function save(results) {
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, undefined, 1)}\n`);
}

function writePage(text) {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new BenchError(`${PAGE} has no place for the tables`);
  writeFileSync(PAGE, `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`);
}

function command(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new BenchError(`${program}: ${error.message}`);
  if (status !== 0) throw new BenchError(`${program} ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}
