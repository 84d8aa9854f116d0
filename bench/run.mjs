/**
 * Measures Paratrace against QEMU on the same ELF in the same run, how fast it starts, and what recording costs. Runs alternate
 * between the two, so that a change of the machine's load hits both; medians are printed with the spread.
 *
 *   npm run bench                 everything, 5 rounds
 *   npm run bench -- --short      2 rounds, fewer iterations: for CI
 *   npm run bench -- --rounds 9
 *
 * Needs QEMU, the cross compiler, and U-Boot (scripts/install-tools.sh).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build/bench');
const command = join(root, 'dist/cli/paratrace.js');
const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';
const UBOOT_INPUT =
  '\nversion\nbdinfo\nvirtio scan\npart list virtio 0\nload virtio 0:2 0x84000000 data/numbers.txt\npoweroff\n';
const START_LIMIT_MS = 250;

const { values: options } = parseArgs({
  options: { short: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const rounds = Number(options.rounds ?? (options.short ? 2 : 5));
if (!Number.isInteger(rounds) || rounds < 1) stop(`--rounds wants a positive number, not ${options.rounds}`);

mkdirSync(folder, { recursive: true });
run('make', ['--silent', '-B', '-C', join(root, 'bench/guests'), `ITERATIONS=${options.short ? 8000 : 20000}`]);
console.log(`${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}, ${rounds} rounds`);
speed();
startUp();
recording();

/** Instructions per second: what the long run takes beyond the empty one. */
function speed() {
  const hosts = {
    paratrace: (guest) => paratrace(['run', guest, '--mode', 'native', '--entry', 'm']),
    'qemu -icount shift=0': (guest) =>
      run('qemu-system-riscv64', [
        ...['-M', 'virt', '-bios', 'none', '-icount', 'shift=0', '-display', 'none', '-monitor', 'none'],
        ...['-serial', 'stdio', '-kernel', guest],
      ]),
  };
  const seconds = Object.fromEntries(Object.keys(hosts).map((name) => [name, []]));
  const answers = new Set();
  for (let round = 0; round < rounds; round++) {
    for (const [name, host] of Object.entries(hosts)) {
      const empty = host(join(folder, 'workload-empty.elf'));
      const full = host(join(folder, 'workload.elf'));
      answers.add(/crc [0-9a-f]+ instructions \d+/.exec(full.stdout)?.[0]);
      seconds[name].push(full.seconds - empty.seconds);
    }
  }
  const [answer] = answers;
  if (answers.size !== 1 || answer === undefined) stop(`the hosts disagree: ${[...answers].join(' / ')}`);
  const instructions = Number(/\d+$/.exec(answer)?.[0]);
  console.log(`\nspeed, ${(instructions / 1e6).toFixed(0)} million instructions (${answer}):`);
  for (const [name, times] of Object.entries(seconds)) {
    const mips = times.map((time) => instructions / time / 1e6);
    console.log(`  ${name.padEnd(22)} ${spread(mips, 'MIPS')}`);
  }
  const ratios = seconds.paratrace.map((time, round) => seconds['qemu -icount shift=0'][round] / time);
  console.log(`  ratio                  ${spread(ratios, 'x', 2)}`);
}

/** From the start of the process to the first guest instruction, as the command line itself measures it, and to the end of the process. */
function startUp() {
  const guest = join(root, 'guests/bin/tohost-pass.elf');
  const begins = [];
  const ends = [];
  for (let round = 0; round < rounds * 3; round++) {
    const { stderr, seconds } = paratrace(['run', guest, '--mode', 'native', '--entry', 'm', '--verbose']);
    const begin = /begins (\d+) ms after/.exec(stderr)?.[1];
    if (begin === undefined) stop(`no start-up time in:\n${stderr}`);
    begins.push(Number(begin));
    ends.push(seconds * 1000);
  }
  console.log(`\nstart of a guest of a few dozen instructions (limit ${START_LIMIT_MS} ms):`);
  console.log(`  first instruction      ${spread(begins, 'ms')}`);
  console.log(`  end of the process     ${spread(ends, 'ms')}`);
}

/** The same U-Boot boot with and without a trace. */
function recording() {
  if (!existsSync(UBOOT)) stop(`no U-Boot at ${UBOOT}: run scripts/install-tools.sh`);
  const disk = join(folder, 'uboot.img');
  const input = join(folder, 'uboot.txt');
  const trace = join(folder, 'uboot.pvt');
  run(join(root, 'scripts/make-uboot-disk.sh'), [disk]);
  writeFileSync(input, UBOOT_INPUT);
  const machine = [UBOOT, '--mode', 'pvh', '--drive', disk, '--stdin', input];
  const times = { run: [], record: [] };
  for (let round = 0; round < rounds; round++) {
    times.run.push(paratrace(['run', ...machine]).seconds);
    times.record.push(paratrace(['record', ...machine, '-o', trace]).seconds);
  }
  console.log('\nU-Boot from power-on to power-off with six commands:');
  console.log(`  run                    ${spread(times.run, 's', 2)}`);
  console.log(`  record                 ${spread(times.record, 's', 2)}`);
  const costs = times.record.map((time, round) => (time / times.run[round] - 1) * 100);
  console.log(`  cost of recording      ${spread(costs, '%', 1)}`);
  console.log(`  trace                  ${(statSync(trace).size / 1024).toFixed(0)} KiB`);
}

function paratrace(args) {
  return run(process.execPath, [command, ...args]);
}

/** Runs a program to its end; answers what it printed and how long it took. */
function run(program, args) {
  const started = process.hrtime.bigint();
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input: '' });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (error !== undefined) stop(`${program}: ${error.message}`);
  if (status !== 0) stop(`${program} ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return { stdout, stderr, seconds };
}

function spread(values, unit, digits = 0) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  return `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function stop(text) {
  console.error(`bench failed: ${text}`);
  process.exit(1);
}
