/** Runs a test image: on QEMU, with guest RAM as a file on disk, and on Paratrace's machine. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../../../src/assert.ts';
import { IRQ } from '../../../src/machine/bus.ts';
import { CORE_PROFILES } from '../../../src/machine/core-profiles.ts';
import { EngineMachine } from '../../../src/machine/machine.ts';
import type { EngineName, StopReason } from '../../../src/machine/machine-types.ts';
import { PRIVILEGE, STOP } from '../../../src/machine/machine-types.ts';
import { AT, harnessDefinitions, RAM_BASE, RAM_BYTES } from './layout.ts';

const QEMU_TIMEOUT_MS = 120_000;

const CYCLES_MAX = 2_000_000_000;
const STOPS_MAX = 1_000_000;
const GOES_ON: ReadonlySet<StopReason> = new Set([STOP.wfi, STOP.interruptTaken, STOP.timerChanged]);

/** The extensions that Paratrace has and no others, so that `misa`, `mstatus` and illegal encodings agree. */
export const QEMU_CPU = [
  'rv64',
  ...['f', 'd', 'h', 'debug', 'zbc', 'Zihintpause'].map((name) => `${name}=false`),
  ...['zba', 'zbb', 'zbs', 'sstc', 'mmu', 'pmp'].map((name) => `${name}=true`),
  'pmu-num=29',
  'mvendorid=0',
  'marchid=0',
  'mimpid=0',
].join(',');

/** Assembles `harness.S`. Answers its bytes and the address of its trap handler. */
export function assembleHarness(source: string): { code: Uint8Array; trapVector: bigint } {
  return inScratch((folder) => {
    const elf = join(folder, 'harness.elf');
    const image = join(folder, 'harness.bin');
    tool('riscv64-unknown-elf-gcc', [
      '-march=rv64ima_zicsr_zifencei',
      '-mabi=lp64',
      '-nostdlib',
      '-static',
      '-Wl,--build-id=none',
      `-Wl,-Ttext=0x${AT.harness.toString(16)}`,
      ...harnessDefinitions(),
      '-o',
      elf,
      source,
    ]);
    tool('riscv64-unknown-elf-objcopy', ['-O', 'binary', '-j', '.text', elf, image]);
    const symbols = tool('riscv64-unknown-elf-nm', [elf]);
    const trap = /^([0-9a-f]+) t trap$/m.exec(symbols)?.[1];
    if (trap === undefined) throw new Error('the harness has no symbol "trap"');
    return { code: new Uint8Array(readFileSync(image)), trapVector: BigInt(`0x${trap}`) };
  });
}

/** Guest RAM, from `RAM_BASE`, after QEMU has run the image to its end. */
export function runOnQemu(image: Uint8Array): Uint8Array {
  return inScratch((folder) => {
    const ram = join(folder, 'ram');
    const file = openSync(ram, 'w');
    ftruncateSync(file, RAM_BYTES);
    writeSync(file, image);
    closeSync(file);
    tool('qemu-system-riscv64', [
      ...['-M', 'virt,memory-backend=ram', '-cpu', QEMU_CPU, '-bios', 'none', '-m', `${RAM_BYTES >> 20}M`],
      ...['-object', `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ram},share=on`],
      ...['-display', 'none', '-monitor', 'none', '-serial', 'none'],
    ]);
    return new Uint8Array(readFileSync(ram)).subarray(0, AT.recordsEnd - RAM_BASE);
  });
}

/** The same on Paratrace's machine, bare: no hypervisor and no devices. */
export function runOnParatrace(image: Uint8Array, engine: EngineName): Uint8Array {
  const machine = new EngineMachine({
    hartCount: 1,
    memoryBytes: RAM_BYTES,
    core: must(CORE_PROFILES.rocket, 'the profile'),
    misaligned: 'hardware',
    adUpdate: 'hardware',
    supervisorCallsStop: false,
    engine,
  });
  machine.memory.writeBytes(RAM_BASE, image);
  machine.reset(0, { pc: BigInt(AT.harness), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
  machine.watchTohost(AT.tohost);
  // The timer of QEMU's board is due from reset on, because mtimecmp is 0.
  machine.setPending(0, IRQ.MTIP, true);
  for (let stops = 0; stops < STOPS_MAX; stops++) {
    const stop = machine.run(0, CYCLES_MAX);
    if (stop === STOP.tohost) return machine.memory.readBytes(RAM_BASE, AT.recordsEnd - RAM_BASE);
    if (!GOES_ON.has(stop)) {
      throw new Error(`the machine stopped with ${stop} at pc 0x${must(machine.harts[0], 'hart 0').pc.toString(16)}`);
    }
    machine.updateTimers();
  }
  throw new Error('the machine stopped too often');
}

function tool(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: QEMU_TIMEOUT_MS, input: '' });
  if (result.error !== undefined) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} ended with ${result.status}:\n${result.stderr}`);
  return result.stdout;
}

function inScratch<T>(action: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'paratrace-oracle-'));
  try {
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
