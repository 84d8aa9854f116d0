/** What a virtual machine is built from. A `RunConfig` with its images has all of it and more. */

import { ParatraceError } from '../errors.ts';
import type { CoreProfile } from '../machine/core-profiles.ts';
import { CORE_PROFILES } from '../machine/core-profiles.ts';
import type { MachineConfig } from '../machine/machine-types.ts';
import { HART_COUNT_MAX, VIRTIO_SLOT_COUNT } from '../machine/platform/memory-map.ts';
import { modeByName } from './modes/modes.ts';

export interface VmConfig {
  /** Name of a mode. */
  readonly mode: string;
  /** Name of a cost profile. */
  readonly costs: string;
  /** Name of a core profile. */
  readonly core: string;
  readonly hartCount: number;
  readonly memoryBytes: number;
  /** Kernel command line. */
  readonly append: string;
  readonly entry: 'm' | 's';
  readonly seed: string;
  readonly quantumCycles: number;
  readonly rtcEpochSeconds: number;
  readonly misaligned: 'hardware' | 'trap';
  readonly adUpdate: 'hardware' | 'fault';
  /** The network, if there is one. */
  readonly net?: NetConfig | undefined;
  /** Name of the guest image, for errors. */
  readonly guest: { readonly name: string };
}

/** The peer at the other end of each network controller's wire. */
export interface NetConfig {
  /** From the arrival of a frame at the peer to the departure of its answer, in cycles: 1 to {@link NET_LATENCY_MAX}. */
  readonly latencyCycles: number;
}
/** A quarter of an hour at 1 GHz. */
export const NET_LATENCY_MAX = 1e12;

export interface VmImages {
  readonly guest: Uint8Array;
  readonly initrd: Uint8Array | undefined;
  readonly drives: readonly Uint8Array[];
}

/**
 * Slots of the virtio-mmio transports, lowest address first. Drives come first, so that the first drive is the first block device
 * that a guest finds; network, console and entropy have the last ones always, so that drives do not move them.
 */
export const VIRTIO_PLACES = {
  firstDrive: 0,
  /** The slot of the last drive, where there is a network. */
  network: VIRTIO_SLOT_COUNT - 3,
  console: VIRTIO_SLOT_COUNT - 2,
  entropy: VIRTIO_SLOT_COUNT - 1,
} as const;
/** Drives of a machine without a network; with one there is room for one less. */
export const DRIVE_COUNT_MAX = VIRTIO_PLACES.console - VIRTIO_PLACES.firstDrive;

/** Memory sizes that a machine can have. */
const MEMORY_BYTES_MIN = 2 ** 22;
const MEMORY_BYTES_MAX = 3 * 2 ** 30;
const PAGE_BYTES = 4096;

/**
 * The machine of a configuration.
 * @throws ParatraceError `usage.option` for a value outside its range.
 */
export function machineConfig(config: Omit<VmConfig, 'guest' | 'initrd' | 'drives'>): MachineConfig {
  const { mode, entry, hartCount, memoryBytes, quantumCycles, misaligned, adUpdate } = config;
  check(isIn(hartCount, 1, HART_COUNT_MAX), `the number of harts is ${hartCount}; it can be 1 to ${HART_COUNT_MAX}`);
  check(
    isIn(memoryBytes, MEMORY_BYTES_MIN, MEMORY_BYTES_MAX) && memoryBytes % PAGE_BYTES === 0,
    `the memory is ${memoryBytes} bytes; it can be ${MEMORY_BYTES_MIN} to ${MEMORY_BYTES_MAX}, a multiple of ${PAGE_BYTES}`,
  );
  check(
    isIn(quantumCycles, 1, Number.MAX_SAFE_INTEGER),
    `the quantum is ${quantumCycles} cycles; it must be at least 1`,
  );
  return {
    hartCount,
    memoryBytes,
    hostMemoryBytes: modeByName(mode, entry).privileged.processor?.hostMemoryBytes(memoryBytes) ?? 0,
    core: coreProfile(config.core),
    misaligned,
    adUpdate,
    supervisorCallsStop: config.entry === 's',
  };
}

function coreProfile(name: string): CoreProfile {
  const profile = Object.hasOwn(CORE_PROFILES, name) ? CORE_PROFILES[name] : undefined;
  if (profile === undefined) {
    const names = Object.keys(CORE_PROFILES).join(', ');
    throw new ParatraceError('usage.option', `unknown core profile '${name}'; the profiles are ${names}`);
  }
  return profile;
}

function isIn(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new ParatraceError('usage.option', message);
}
