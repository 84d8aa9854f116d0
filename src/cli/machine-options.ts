/**
 * The options that say what machine a guest runs on, shared by `run` and `record`, and the run configuration that they make with the
 * files that they name.
 */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { ParatraceError } from '../errors.ts';
import { SECTOR_BYTES } from '../hypervisor/backends/overlay-disk.ts';
import type { CostProfile } from '../hypervisor/costs.ts';
import { NET_LATENCY_MAX } from '../hypervisor/vm-config.ts';
import { CORE_PROFILES } from '../machine/core-profiles.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../machine/create-machine.ts';
import { HART_COUNT_MAX } from '../machine/platform/memory-map.ts';
import {
  type ImageRef,
  MODE_NAMES,
  type ModeName,
  type NetConfig,
  type RunConfig,
  type RunImages,
} from '../session/config.ts';
import { NET_LATENCY_DEFAULT, RUN_DEFAULTS } from '../session/run-defaults.ts';
import { COSTS_ABOUT, isCostsFile, resolveCosts } from './costs-option.ts';
import { type BundledGuest, bundledGuests, readBundledGuest } from './guests.ts';
import { isPlainFile, readFile, sha256 } from './host/files.ts';
import { patternDisk } from './pattern-disk.ts';
import { formatSize, parseCount, parseSize } from './quantities.ts';

/** What commander makes of the machine options. */
export interface MachineOptions {
  readonly mode?: ModeName;
  readonly costs: string;
  readonly core: string;
  readonly harts: number;
  readonly memory: number;
  readonly append: string;
  readonly workload?: string;
  readonly iterations?: number;
  readonly initrd?: string;
  readonly drive: readonly string[];
  readonly net?: NetConfig;
  readonly seed: string;
  readonly stdin?: string;
  readonly maxCycles: number;
  readonly entry?: 'm' | 's';
  readonly engine: EngineChoice;
  readonly quantum: number;
  readonly digests: number;
  readonly rtc: number;
  readonly misaligned: 'hardware' | 'trap';
  readonly adUpdate: 'hardware' | 'fault';
}

/** Tier that executes instructions unless another is asked for. It shows in wall time only. */
export const ENGINE_DEFAULT: EngineChoice = 'translator';

/** A run with everything that it reads. */
export interface PreparedRun {
  readonly config: RunConfig;
  /** What `config.costs` names. */
  readonly costs: CostProfile;
  readonly images: RunImages;
  readonly engine: EngineChoice;
  /** Files that are read, which an output may not overwrite. */
  readonly inputFiles: readonly string[];
}

/** What nine digits say, which is how far guests read. */
const ITERATIONS_MAX = 999_999_999;

export const GUEST_ARGUMENT = 'a bundled guest (see `paratrace guests`), an ELF file, or a raw image';

/** Adds the machine options to a verb. */
export function addMachineOptions(command: Command): Command {
  return addModelessOptions(command.addOption(modeOption()));
}

/** All of them but `--mode`, for a verb that has more than one. */
export function addModelessOptions(command: Command): Command {
  for (const option of machineOptions()) command.addOption(option);
  return command;
}

/**
 * Reads the files of a run.
 * @throws ParatraceError for a guest that is not there, a file that cannot be read, or an image that cannot be used.
 */
export function prepareRun(guest: string, options: MachineOptions): PreparedRun {
  const bundled = bundledGuests().find(({ name }) => name === guest);
  const costs = resolveCosts(options.costs);
  const entry = options.entry ?? bundled?.entry ?? RUN_DEFAULTS.entry;
  const mode = options.mode ?? bundled?.mode ?? (entry === 'm' ? 'native' : RUN_DEFAULTS.mode);
  const program = bundled ? bundledImage(bundled, mode) : fileImage(checkGuest(guest));
  const initrd = options.initrd === undefined ? undefined : fileImage(options.initrd);
  const drives = drivesOf(options, bundled);
  const net = options.net ?? (bundled?.network ? { latencyCycles: NET_LATENCY_DEFAULT } : undefined);
  const config: RunConfig = {
    mode,
    costs: costs.name,
    core: options.core,
    hartCount: options.harts,
    memoryBytes: options.memory,
    append: bootArguments(guest, options, bundled),
    entry,
    seed: options.seed,
    quantumCycles: options.quantum,
    digestIntervalCycles: options.digests,
    maxCycles: options.maxCycles,
    rtcEpochSeconds: options.rtc,
    misaligned: options.misaligned,
    adUpdate: options.adUpdate,
    ...(net && { net }),
    guest: program.ref,
    initrd: initrd?.ref,
    drives: drives.map(({ ref }) => ref),
  };
  const images = { guest: program.bytes, initrd: initrd?.bytes, drives: drives.map(({ bytes }) => bytes) };
  return { config, costs, images, engine: options.engine, inputFiles: filesOf(bundled ? undefined : guest, options) };
}

/** `--engine`, which `replay` has too: any tier replays what another recorded. */
export function engineOption(): Option {
  return new Option(
    '--engine <engine>',
    'how instructions are executed; never visible in a run; both: compare the two, and stop where they differ',
  )
    .choices(ENGINE_CHOICES)
    .default(ENGINE_DEFAULT);
}

interface Image {
  readonly ref: ImageRef;
  readonly bytes: Uint8Array;
}

function modeOption(): Option {
  return new Option(
    '--mode <mode>',
    'what the guest runs under (default: what the guest is for, else pvh; native with --entry m)',
  ).choices(MODE_NAMES);
}

function machineOptions(): Option[] {
  const defaults = RUN_DEFAULTS;
  const count = (flags: string, about: string, least: number, most?: number) => {
    const name = flags.split(' ')[0] ?? flags;
    return new Option(flags, about).argParser((text) =>
      parseCount(name, text, most === undefined ? { least } : { least, most }),
    );
  };
  return [
    new Option('--costs <profile>', COSTS_ABOUT).default(defaults.costs),
    new Option('--core <profile>', 'what instructions and page walks cost')
      .choices(Object.keys(CORE_PROFILES))
      .default(defaults.core),
    count('--harts <n>', `harts, 1 to ${HART_COUNT_MAX}, in turns on one clock`, 1, HART_COUNT_MAX).default(
      defaults.hartCount,
    ),
    new Option('--memory <size>', 'RAM in bytes; K, M, G are powers of 1,024')
      .argParser((text) => parseSize('--memory', text))
      .default(defaults.memoryBytes, formatSize(defaults.memoryBytes)),
    new Option('--append <args>', 'kernel command line (/chosen/bootargs)').default(defaults.append, 'empty'),
    new Option('--workload <name>', 'what a guest with workloads runs: short for --append workload=<name>'),
    count('--iterations <n>', 'how often the workload does it: short for --append iterations=<n>', 1, ITERATIONS_MAX),
    new Option('--initrd <file>', 'initial RAM disk'),
    new Option(
      '--drive <file>',
      `block device from an image of whole ${SECTOR_BYTES}-byte sectors; writes go to memory, never to the file; can be repeated`,
    )
      .argParser((file: string, before: string[] = []) => [...before, file])
      .default([], 'none'),
    new Option(
      '--net [network]',
      'a network controller, and a peer that answers it: peer, or peer,latency=CYCLES (k, M are powers of 1,000)',
    )
      .preset('peer')
      .argParser(parseNetwork),
    new Option('--seed <text>', 'seed of everything random: the entropy device, the seed in the device tree').default(
      defaults.seed,
    ),
    new Option(
      '--stdin <file>',
      'console input, fed as the guest asks for it; `-` reads standard input to its end first (default: standard input as it comes)',
    ),
    count('--max-cycles <n>', 'end the run here; 0 is no limit; k, M, G, T are powers of 1,000', 0).default(
      defaults.maxCycles,
      'no limit',
    ),
    new Option(
      '--entry <privilege>',
      'privilege that the guest starts in: m is bare metal and needs --mode native (default: what the guest is for, else s)',
    ).choices(['m', 's']),
    engineOption(),
    count('--quantum <cycles>', 'length of a turn when several harts run', 1).default(defaults.quantumCycles),
    count('--digests <cycles>', 'cycles between digests of the whole machine state', 1).default(
      defaults.digestIntervalCycles,
    ),
    count('--rtc <seconds>', 'real-time clock at reset, in seconds since 1970', 0).default(
      defaults.rtcEpochSeconds,
      `${defaults.rtcEpochSeconds}: 2026-01-01`,
    ),
    new Option('--misaligned <how>', 'misaligned loads and stores')
      .choices(['hardware', 'trap'])
      .default(defaults.misaligned),
    new Option(
      '--ad-update <how>',
      'accessed and dirty bits of page tables: set by hardware (Svadu) or page fault (Svade)',
    )
      .choices(['hardware', 'fault'])
      .default(defaults.adUpdate),
  ];
}

const NET_LATENCY_RANGE = { least: 1, most: NET_LATENCY_MAX };

/** `peer[,latency=N]`. */
function parseNetwork(text: string): NetConfig {
  const [, latency] = /^peer(?:,latency=(.+))?$/.exec(text) ?? [text];
  if (!/^peer(,|$)/.test(text) || (text !== 'peer' && latency === undefined)) {
    const message = `unknown network '${text}' for --net; write peer, or peer,latency=CYCLES, before the guest`;
    throw new ParatraceError('usage.option', message);
  }
  return {
    latencyCycles: latency === undefined ? NET_LATENCY_DEFAULT : parseCount('--net', latency, NET_LATENCY_RANGE),
  };
}

function checkGuest(guest: string): string {
  if (isPlainFile(guest)) return guest;
  const names = bundledGuests().map(({ name }) => name);
  // A path, or a file that is there but cannot be used: the error of reading it says more.
  if (basename(guest) !== guest) return guest;
  const message = `'${guest}' is neither a bundled guest (${names.join(', ')}) nor a file here`;
  throw new ParatraceError('usage.guest-unknown', message);
}

/** The kernel command line: the workload in front of what `--append` says. */
function bootArguments(guest: string, options: MachineOptions, bundled: BundledGuest | undefined): string {
  const { workload, iterations, append } = options;
  if (workload === undefined) {
    if (iterations === undefined) return append;
    throw new ParatraceError('usage.option', '--iterations needs --workload');
  }
  const known = bundled?.workloads;
  if (known === undefined) throw new ParatraceError('usage.option', `--workload: ${guest} has no workloads`);
  if (!known.includes(workload)) {
    throw new ParatraceError('usage.option', `--workload: '${workload}' is none of ${known.join(', ')}`);
  }
  const count = iterations === undefined ? '' : `iterations=${iterations}`;
  return [`workload=${workload}`, count, append].filter((part) => part !== '').join(' ');
}

function drivesOf(options: MachineOptions, bundled: BundledGuest | undefined): Image[] {
  const sizeBytes = bundled?.patternDriveBytes;
  if (options.drive.length === 0 && sizeBytes !== undefined)
    return [image(`pattern-disk-${sizeBytes}`, patternDisk(sizeBytes))];
  return options.drive.map((file) => {
    const drive = fileImage(file);
    const { sizeBytes: bytes } = drive.ref;
    if (bytes > 0 && bytes % SECTOR_BYTES === 0) return drive;
    const message = `a drive must hold whole sectors of ${SECTOR_BYTES} bytes; this file has ${bytes} bytes`;
    throw new ParatraceError('image.drive', message, { file });
  });
}

function bundledImage(guest: BundledGuest, mode: ModeName): Image {
  return image(guest.name, readBundledGuest(guest, mode));
}

function fileImage(file: string): Image {
  return image(file, readFile(file));
}

function image(name: string, bytes: Uint8Array): Image {
  return { ref: { name, sizeBytes: bytes.length, sha256: sha256(bytes) }, bytes };
}

function filesOf(guest: string | undefined, { initrd, stdin, drive, costs }: MachineOptions): string[] {
  return [guest, initrd, stdin, isCostsFile(costs) ? costs : undefined, ...drive].filter((file) => file !== undefined);
}
