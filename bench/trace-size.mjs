/**
 * How large traces are: every bundled guest in every mode that it has, every workload of mini-os with the iterations that it has by default, and a
 * session of U-Boot; and what QEMU records of the same guest, and of a guest that the same keys are typed into. Writes the tables of docs/trace-size.md.
 *
 * Run: `npm run build && node bench/trace-size.mjs [guests|uboot|keys]`. Needs U-Boot, QEMU and mtools as `scripts/install-tools.sh` installs them.
 * Also the compiler for its guests. Two minutes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hosts } from './hosts.mjs';
import { median, table } from './numbers.mjs';
import { run } from './programs.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const COMMAND = join(ROOT, 'dist/cli/paratrace.js');
const DOCUMENT = join(ROOT, 'docs/trace-size.md');
const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';
const MODES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh', 'pv'];
const WORKLOADS =
  'syscall ctxsw fork mmap pagefault tick pipe console disk-read disk-write net-rr net-stream compute mix'.split(' ');
const TOURS = { 'ring-tour': ['native', 'full', 'hvm', 'hvm-pv', 'pvh'], 'machine-tour': ['native'] };
/** What the tests type. */
const TYPED = JSON.parse(readFileSync(join(ROOT, 'test/support/uboot-commands.json'), 'utf8'));
const QEMU_MS_MAX = 60_000;
const BYTES_PER_EVENT_AIM = 2;
const BYTES_PER_EVENT_WORST = 4;

const scratch = mkdtempSync(join(tmpdir(), 'paratrace-size-'));
const path = (name) => join(scratch, name);

function paratrace(...args) {
  return execFileSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Bytes of a trace by kind of chunk, frames included. */
function sizesOf(file) {
  const { chunks, totals, sizeBytes } = JSON.parse(paratrace('fsck', file, '--json'));
  const bytes = { header: 0, image: 0, inputs: 0, events: 0, digests: 0, counters: 0, end: 0 };
  for (const { kind, storedBytes } of chunks) bytes[kind] += 22 + storedBytes;
  return { bytes, totals, sizeBytes, withoutImages: sizeBytes - bytes.image };
}

function record(name, args) {
  const file = path(`${name}.pvt`);
  paratrace('record', ...args, '--stdin', '/dev/null', '--quiet', '-o', file);
  const sizes = sizesOf(file);
  rmSync(file);
  return { name, events: sizes.totals.events, perEvent: sizes.bytes.events / sizes.totals.events };
}

function measureGuests() {
  const rows = [];
  for (const [guest, modes] of Object.entries(TOURS)) {
    for (const mode of modes) {
      // Without rings where the mode has none.
      const plain = guest === 'ring-tour' && (mode === 'full' || mode === 'hvm') ? ['--append', 'no-rings'] : [];
      rows.push({ guest, mode, ...record(`${guest}-${mode}`, [guest, '--mode', mode, ...plain]) });
    }
  }
  for (const workload of WORKLOADS) {
    for (const mode of MODES) {
      const net = workload.startsWith('net-') ? ['--net', 'peer'] : [];
      const args = ['mini-os', '--mode', mode, '--workload', workload, ...net];
      rows.push({ guest: workload, mode, ...record(`${workload}-${mode}`, args) });
    }
  }
  return rows;
}

function guestTable(rows) {
  const cell = (guest, mode) => {
    const row = rows.find((one) => one.guest === guest && one.mode === mode);
    return row === undefined ? '' : `${row.perEvent.toFixed(2)} of ${row.events.toLocaleString('en-US')}`;
  };
  const guests = [...new Set(rows.map(({ guest }) => guest))];
  return table(
    ['guest or workload', ...MODES],
    guests.map((guest) => [`\`${guest}\``, ...MODES.map((mode) => cell(guest, mode))]),
  );
}

function summaryOf(rows) {
  const perEvent = rows.map((row) => row.perEvent);
  const above = rows.filter((row) => row.perEvent > BYTES_PER_EVENT_WORST);
  const worst = rows.reduce((a, b) => (a.perEvent > b.perEvent ? a : b));
  const longest = Math.max(0, ...above.map(({ events }) => events));
  const lines = [
    `Median of these ${rows.length} recordings: ${median(perEvent).toFixed(2)} bytes per event (the aim is ${BYTES_PER_EVENT_AIM.toFixed(1)}).`,
    `Most: ${worst.perEvent.toFixed(2)} (\`${worst.guest}\` in mode \`${worst.mode}\`, ${worst.events} events).`,
    above.length === 0
      ? `None takes more than ${BYTES_PER_EVENT_WORST}.`
      : `${above.length} take more than ${BYTES_PER_EVENT_WORST}, the aim for the worst case; all of them have at most ${longest} events.`,
  ];
  return lines.join('\n');
}

/**
 * Bytes that QEMU has logged of the same guest when it begins to count down to its automatic boot, before anything was typed. Through a shell, because its
 * console wants pipes, and Node's are sockets.
 */
async function qemuLogBytes(disk) {
  const file = path('qemu.rr');
  const args = ['-M', 'virt', '-m', '128M', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-net', 'none'];
  args.push('-icount', `shift=0,rr=record,rrfile=${file}`, '-kernel', UBOOT);
  args.push('-drive', `file=${disk},if=none,format=raw,snapshot=on,id=direct`);
  args.push('-drive', 'driver=blkreplay,if=none,image=direct,id=replay', '-device', 'virtio-blk-device,drive=replay');
  const child = spawn('sh', ['-c', 'cat | qemu-system-riscv64 "$@" 2>/dev/null | cat', 'sh', ...args], {
    detached: true,
  });
  const isThere = await new Promise((resolve) => {
    let seen = '';
    const timer = setTimeout(() => resolve(false), QEMU_MS_MAX);
    child.stdout.on('data', (part) => {
      seen += part;
      if (!seen.includes('Hit any key')) return;
      clearTimeout(timer);
      resolve(true);
    });
  });
  process.kill(-child.pid);
  if (!isThere) throw new Error('QEMU did not come to the countdown');
  return statSync(file).size;
}

async function measureUboot() {
  const disk = path('disk.img');
  execFileSync(join(ROOT, 'scripts/make-uboot-disk.sh'), [disk], { stdio: 'ignore' });
  const input = path('typed.txt');
  writeFileSync(input, `\n${TYPED.join('\n')}\n`);
  const rows = [];
  for (const mode of MODES.filter((name) => name !== 'pv')) {
    const [all, inputs] = [path(`u-${mode}.pvt`), path(`i-${mode}.pvt`)];
    paratrace('record', UBOOT, '--mode', mode, '--drive', disk, '--stdin', input, '--quiet', '-o', all);
    paratrace('trim', all, '--inputs-only', '-o', inputs);
    const [whole, trimmed] = [sizesOf(all), sizesOf(inputs)];
    rows.push([
      `\`${mode}\``,
      whole.totals.events.toLocaleString('en-US'),
      (whole.bytes.events / whole.totals.events).toFixed(2),
      whole.withoutImages.toLocaleString('en-US'),
      trimmed.withoutImages.toLocaleString('en-US'),
      trimmed.bytes.inputs.toLocaleString('en-US'),
      String(trimmed.totals.inputs),
    ]);
  }
  const head = ['mode', 'events', 'bytes per event', 'trace', 'inputs only', 'inputs stream', 'inputs'];
  const qemuBytes = await qemuLogBytes(disk);
  return `${table(head, rows)}\n\n\`rrfile\` of QEMU, of the same guest and disk, before anything was typed: at least ${qemuBytes.toLocaleString('en-US')} bytes.`;
}

/** The guest of `bench/guests/keys.c`, which prints each key: the commands typed into it, key by key, under QEMU's recording and ours. */
async function measureKeys() {
  execFileSync('make', ['-C', join(ROOT, 'bench/guests'), `OUT=${scratch}`, path('keys.elf')], { stdio: 'ignore' });
  const image = new Hosts(ROOT, scratch).image('keys', TYPED.length);
  const answers = TYPED.flatMap((line, number) =>
    Array.from(`${line}\n`, (text, at) => ({
      prompt: at === 0 ? `line ${number}: ` : `${line.charCodeAt(at - 1).toString(16)} `,
      text,
    })),
  );
  const [log, all, inputs] = [path('keys.rr'), path('keys.pvt'), path('keys-inputs.pvt')];
  const machine = ['-M', 'virt', '-m', '128M', '-display', 'none', '-serial', 'stdio', '-monitor', 'none'];
  const recorded = ['-net', 'none', '-bios', 'none', '-icount', `shift=0,rr=record,rrfile=${log}`, '-kernel', image];
  const options = { folder: scratch, answers };
  const qemu = await run('qemu-system-riscv64', [...machine, ...recorded], options);
  const ours = await run(
    process.execPath,
    [COMMAND, 'record', image, '--mode', 'native', '--entry', 'm', '-o', all],
    options,
  );
  // How often the guest woke up without a key, and so its instructions, depend on who types.
  const said = ({ stdout }) => stdout.replaceAll('\r', '').replace(/ instructions \d+/, '');
  if (said(qemu) !== said(ours)) throw new Error(`the guest printed:\n${qemu.stdout}\nand:\n${ours.stdout}`);
  paratrace('trim', all, '--inputs-only', '-o', inputs);
  const { bytes, totals, withoutImages } = sizesOf(inputs);
  const head = ['keys', 'QEMU `rrfile`', 'inputs stream', 'inputs only'];
  const cells = [totals.inputs, statSync(log).size, bytes.inputs, withoutImages];
  return table(head, [cells.map((cell) => cell.toLocaleString('en-US'))]);
}

function fill(name, text) {
  const document = readFileSync(DOCUMENT, 'utf8');
  const marks = [`<!-- measured: ${name} -->`, '<!-- end -->'];
  const start = document.indexOf(marks[0]) + marks[0].length;
  const end = document.indexOf(marks[1], start);
  writeFileSync(DOCUMENT, `${document.slice(0, start)}\n\n${text}\n\n${document.slice(end)}`);
}

try {
  const wanted = process.argv[2];
  if (wanted === undefined || wanted === 'guests') {
    const rows = measureGuests();
    fill('guests', `${guestTable(rows)}\n\n${summaryOf(rows)}`);
  }
  if (wanted === undefined || wanted === 'uboot') fill('uboot', await measureUboot());
  if (wanted === undefined || wanted === 'keys') fill('keys', await measureKeys());
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
