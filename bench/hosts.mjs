/** What runs a guest: Paratrace in its ways and QEMU in its, each as a column of the tables. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError, run } from './programs.mjs';

/** What bench/guests/main.c holds where the number of iterations goes. */
const ITERATIONS_MARK = Buffer.from('noitaret', 'latin1');

const QEMU = 'qemu-system-riscv64';
const QEMU_MACHINE = [
  ...['-M', 'virt', '-m', '128M', '-global', 'virtio-mmio.force-legacy=false', '-net', 'none'],
  ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
];
/** What mini-os prints in the end. */
const MINI_OS_ANSWER = /^\S+: iterations \d+ checksum ([0-9a-f]+)/m;
const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';
const UBOOT_COMMANDS = [
  'version',
  'bdinfo',
  'virtio scan',
  'part list virtio 0',
  'load virtio 0:2 0x84000000 data/numbers.txt',
  'poweroff',
];
const UBOOT_COUNTDOWN = 'Hit any key';
const UBOOT_SIGN = '20480 bytes read';

/** In the order in which they are run and shown. */
export const COLUMNS = [
  { id: 'qemu', title: 'QEMU', qemu: 'plain' },
  { id: 'icount', title: 'QEMU icount', qemu: 'icount' },
  { id: 'rr', title: 'QEMU record', qemu: 'rr' },
  { id: 'run', title: 'run', verb: 'run', engine: 'translator' },
  { id: 'record', title: 'record', verb: 'record', engine: 'translator' },
  { id: 'replay', title: 'replay', verb: 'replay', engine: 'translator' },
  { id: 'recordInterpreter', title: 'record, interpreter', verb: 'record', engine: 'interpreter' },
];

export class Hosts {
  #root;
  #folder;

  constructor(root, folder) {
    this.#root = root;
    this.#folder = folder;
  }

  /** The image of a guest with its number of iterations. */
  image(name, iterations) {
    const bytes = readFileSync(this.#file(`${name}.elf`));
    const at = bytes.indexOf(ITERATIONS_MARK);
    if (at < 0) throw new BenchError(`${name}.elf has no place for the number of iterations`);
    bytes.writeBigUInt64LE(BigInt(iterations), at);
    const path = this.#file(`${name}-${iterations}.elf`);
    writeFileSync(path, bytes);
    return path;
  }

  /** Runs a guest in a column; `replay` wants the trace that `record` of the same guest and length left. */
  async guest(column, workload, iterations, { memory = false } = {}) {
    const image = this.image(workload.name, iterations);
    const trace = this.#file(`${workload.name}-${iterations}-${column.engine}.pvt`);
    const { seconds, stdout, stderr, peakMiB } = await this.#run(
      ...this.#guestCommand(column, workload, image, trace),
      {
        memory,
      },
    );
    const answer = /^(\S+) checksum ([0-9a-f]+) instructions (\d+)/m.exec(stdout);
    if (answer?.[1] !== workload.name) throw new BenchError(`${workload.name} in ${column.id} printed: ${stdout}`);
    return {
      seconds,
      peakMiB,
      checksum: answer[2],
      instructions: Number(answer[3]),
      traceBytes: column.verb === 'record' ? statSync(trace).size : undefined,
      beginMs: Number(/begins (\d+) ms/.exec(stderr)?.[1] ?? Number.NaN),
    };
  }

  #guestCommand(column, { entry, qemu = [] }, image, trace) {
    if (column.qemu !== undefined) {
      const firmware = entry === 'm' ? ['-bios', 'none'] : [];
      return [QEMU, [...QEMU_MACHINE, ...firmware, ...qemu, ...this.#clock(column.qemu), '-kernel', image]];
    }
    if (column.verb === 'replay') return this.#paratrace(['replay', trace, '--console', '--engine', column.engine]);
    const mode = entry === 'm' ? ['--mode', 'native', '--entry', 'm'] : ['--mode', 'pvh'];
    const output = column.verb === 'record' ? ['-o', trace] : [];
    return this.#paratrace([column.verb, image, ...mode, '--verbose', '--engine', column.engine, ...output]);
  }

  /** Runs or records a workload of the bundled mini-os. */
  async miniOs(verb, workload, mode, iterations) {
    const trace = this.#file(`mini-os-${workload}-${mode}.pvt`);
    const guest = ['mini-os', '--workload', workload, '--iterations', String(iterations), '--mode', mode];
    const output = verb === 'record' ? ['-o', trace] : [];
    const { seconds, stdout } = await this.#run(...this.#paratrace([verb, ...guest, ...output]));
    const checksum = MINI_OS_ANSWER.exec(stdout)?.[1];
    if (checksum === undefined) throw new BenchError(`mini-os ${workload} in ${mode} printed: ${stdout.slice(-500)}`);
    return { seconds, checksum, trace };
  }

  /** What `stat` says of a trace. */
  async statistics(trace) {
    return JSON.parse((await this.#run(...this.#paratrace(['stat', trace, '--json']))).stdout);
  }

  /** U-Boot from power-on until it offers its prompt: seconds. */
  async ubootPrompt(column) {
    const [program, args] = this.#ubootCommand(column);
    return (await this.#run(program, args, { until: UBOOT_COUNTDOWN })).seconds;
  }

  /** U-Boot from power-on to power-off, with six commands and a disk. */
  async ubootSession(column) {
    const { stdout, seconds } = await this.#run(...this.#ubootCommand(column));
    if (!stdout.includes(UBOOT_SIGN)) throw new BenchError(`U-Boot in ${column.id} printed: ${stdout.slice(-1000)}`);
    const traceBytes = column.verb === 'record' ? statSync(this.#ubootTrace(column)).size : undefined;
    return { seconds, traceBytes };
  }

  #ubootTrace({ engine }) {
    return this.#file(`uboot-${engine}.pvt`);
  }

  #ubootCommand(column) {
    const disk = this.#file('uboot.img');
    const trace = this.#ubootTrace(column);
    if (column.verb === 'replay') {
      return this.#paratrace(['replay', trace, '--console', '--image', disk, '--engine', column.engine]);
    }
    if (column.verb !== undefined) {
      const input = this.#file('uboot.txt');
      writeFileSync(input, `\n${UBOOT_COMMANDS.join('\n')}\n`);
      const output = column.verb === 'record' ? ['-o', trace] : [];
      const machine = ['--mode', 'pvh', '--drive', disk, '--stdin', input, '--engine', column.engine];
      return this.#paratrace([column.verb, UBOOT, ...machine, ...output]);
    }
    const image = `file=${disk},format=raw,if=none,snapshot=on,id=`;
    const drive =
      column.qemu === 'rr'
        ? ['-drive', `${image}image`, '-drive', 'driver=blkreplay,if=none,image=image,id=drive0']
        : ['-drive', `${image}drive0`];
    const device = ['-device', 'virtio-blk-device,drive=drive0'];
    // QEMU's serial port loses what is typed before U-Boot has set it up, so it is talked to.
    const answers = [
      { prompt: UBOOT_COUNTDOWN, text: '\n' },
      ...UBOOT_COMMANDS.map((command) => ({ prompt: '=> ', text: `${command}\n` })),
    ];
    return [QEMU, [...QEMU_MACHINE, ...drive, ...device, ...this.#clock(column.qemu), '-kernel', UBOOT], { answers }];
  }

  /** Bytes that QEMU's last recording wrote: nothing would mean that it did not record. */
  qemuRecordBytes() {
    return statSync(this.#file('qemu.rr')).size;
  }

  #clock(kind) {
    if (kind === 'plain') return [];
    return ['-icount', kind === 'rr' ? `shift=0,rr=record,rrfile=${this.#file('qemu.rr')}` : 'shift=0'];
  }

  #paratrace(args) {
    return [process.execPath, [join(this.#root, 'dist/cli/paratrace.js'), ...args]];
  }

  #run(program, args, options = {}, more = {}) {
    return run(program, args, { folder: this.#folder, ...options, ...more });
  }

  #file(name) {
    return join(this.#folder, name);
  }
}
