/**
 * What the modes cost in wall time: the workloads of mini-os under each, as whole processes. Exits are counted in a recording; their rate
 * is taken over the difference of a run of many iterations and one of an eighth of them, so that start and most of the warm-up drop out.
 */
import { median, ratios, spread, table } from './numbers.mjs';
import { BenchError } from './programs.mjs';
import { FEW_PART } from './workloads.mjs';

/** The exit rate that is asked of workloads that do little else. */
const GOAL_RATE = 500_000;
/** A workload exits much if it does so this often in a million instructions; below, its rate says how fast instructions are. */
const MUCH_PER_MILLION = 2_000;
/** Below this there are no exits to speak of. */
const ANY_PER_MILLION = 100;
/** How much longer than under `native` computing may take. */
const GOAL_COMPUTE = 1.1;
const EXIT_KINDS = new Set(['exit', 'mmio', 'hypercall']);
const COMPUTE_MODES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh', 'pv'];
const EXIT_MODES = ['full', 'hvm', 'pvh', 'pv'];

/** About a second in the slowest mode. Those without `short` are left out of a short run. */
export const MODE_WORKLOADS = [
  { name: 'syscall', iterations: 64_000, short: 8_000 },
  { name: 'ctxsw', iterations: 8_000, short: 800 },
  { name: 'fork', iterations: 640, short: 64 },
  { name: 'mmap', iterations: 1_600 },
  { name: 'pagefault', iterations: 16_000 },
  { name: 'pipe', iterations: 6_400 },
  { name: 'tick', iterations: 16_000 },
  { name: 'console', iterations: 4_000, short: 400 },
  { name: 'disk-read', iterations: 4_000 },
  { name: 'net-rr', iterations: 8_000 },
  { name: 'net-stream', iterations: 16_000 },
];
const COMPUTE = { name: 'compute', iterations: 16_000, short: 1_600 };

/** All of it, round by round. @param settings `short`, `rounds`, `progress` */
export async function measureModes(hosts, settings) {
  const results = [];
  const workloads = MODE_WORKLOADS.filter(({ short }) => !settings.short || short !== undefined);
  for (const workload of workloads) {
    await settings.progress.measure('modes', workload.name, async () => {
      for (const mode of EXIT_MODES) results.push(await measureExits(hosts, workload, mode, settings));
    });
  }
  const compute = await settings.progress.measure('modes', COMPUTE.name, () => measureCompute(hosts, settings));
  return { exits: results, compute };
}

async function measureExits(hosts, workload, mode, { short, rounds }) {
  const many = short ? workload.short : workload.iterations;
  const few = Math.floor(many / FEW_PART);
  const seconds = { many: [], few: [] };
  const answers = {
    many: await count(hosts, workload.name, mode, many),
    few: await count(hosts, workload.name, mode, few),
  };
  for (let round = 0; round < rounds; round++) {
    for (const [length, iterations] of Object.entries({ few, many })) {
      const result = await hosts.miniOs('run', workload.name, mode, iterations);
      if (result.checksum !== answers[length].checksum) {
        throw new BenchError(
          `mini-os ${workload.name} in ${mode}: ${result.checksum}, recorded ${answers[length].checksum}`,
        );
      }
      seconds[length].push(result.seconds);
    }
  }
  const { exits, instructions } = answers.many;
  return {
    workload: workload.name,
    mode,
    many,
    exits: exits - answers.few.exits,
    instructions: instructions - answers.few.instructions,
    seconds,
  };
}

/** Exits of a run, by its recording. */
async function count(hosts, workload, mode, iterations) {
  const { checksum, trace } = await hosts.miniOs('record', workload, mode, iterations);
  const statistics = await hosts.statistics(trace);
  const exits = statistics.reasons
    .filter(({ kind }) => EXIT_KINDS.has(kind))
    .reduce((sum, each) => sum + each.count, 0);
  return { checksum, exits, instructions: statistics.icount };
}

async function measureCompute(hosts, { short, rounds }) {
  const many = short ? COMPUTE.short : COMPUTE.iterations;
  const few = Math.floor(many / FEW_PART);
  const seconds = Object.fromEntries(COMPUTE_MODES.map((mode) => [mode, { many: [], few: [] }]));
  const checksums = new Set();
  for (let round = 0; round < rounds; round++) {
    for (const mode of COMPUTE_MODES) {
      for (const [length, iterations] of Object.entries({ few, many })) {
        const result = await hosts.miniOs('run', COMPUTE.name, mode, iterations);
        seconds[mode][length].push(result.seconds);
        checksums.add(`${length} ${result.checksum}`);
      }
    }
  }
  if (checksums.size !== 2) throw new BenchError(`mini-os compute: modes differ: ${[...checksums].join(', ')}`);
  return { many, seconds };
}

const added = ({ many, few }) => many.map((seconds, round) => seconds - few[round]);

export function renderModes({ exits, compute }, { short }) {
  return [exitTable(exits, short), computeTable(compute, short)].join('\n\n');
}

function exitTable(exits, short) {
  const rows = exits.map((result) => {
    const perMillion = (1e6 * result.exits) / result.instructions;
    const rates = added(result.seconds).map((seconds) => result.exits / seconds);
    const thousands = rates.map((rate) => rate / 1000);
    const isMuch = perMillion >= MUCH_PER_MILLION;
    const verdict = short || !isMuch ? '' : median(rates) >= GOAL_RATE ? 'met' : 'missed';
    return [
      result.workload,
      result.mode,
      result.exits.toLocaleString('en'),
      Math.round(perMillion).toLocaleString('en'),
      perMillion < ANY_PER_MILLION ? '-' : spread(thousands, 0),
      verdict,
    ];
  });
  return [
    '### Exits a second, by mode',
    `mini-os, \`run\` with the translator, without start-up. Asked for are ${(GOAL_RATE / 1000).toFixed(0)},000 exits a second where a guest does little else: here, where it exits ${MUCH_PER_MILLION.toLocaleString('en')} times and more in a million instructions. Elsewhere the rate is that of the instructions between exits.`,
    table(['workload', 'mode', 'exits', 'in a million instructions', 'thousand exits a second', 'goal'], rows),
  ].join('\n\n');
}

function computeTable({ seconds }, short) {
  const rows = COMPUTE_MODES.map((mode) => {
    const whole = ratios(seconds[mode].many, seconds.native.many);
    const steady = ratios(added(seconds[mode]), added(seconds.native));
    const verdict = short || mode === 'native' ? '' : median(whole) <= GOAL_COMPUTE ? 'met' : 'missed';
    return [mode, spread(seconds[mode].many), spread(whole), spread(steady), verdict];
  });
  return [
    '### Computing, by mode',
    `The workload \`compute\` of mini-os: seconds for the whole process, and how many times as long as under \`native\` in the same round, whole and without start-up; at most ${GOAL_COMPUTE.toFixed(1)} is asked for.`,
    table(['mode', 'seconds', 'whole', 'steady', 'goal'], rows),
  ].join('\n\n');
}
