/**
 * What a paravirtual guest finds when it starts (docs/abi.md, "Start of day"), at the end of its RAM: the shared-info page, the start-info
 * page, and tables that map all of RAM one to one.
 */
import { assert } from '../../assert.ts';
import { ParatraceError } from '../../errors.ts';
import type { GuestMemory } from '../../machine/bus.ts';
import { PAGE_BYTES, PTE, TABLE_ENTRIES } from '../shadow/guest-tables.ts';
import {
  COMMAND_LINE_BYTES,
  PV_VERSION,
  SHARED_INFO,
  START_DEVICE,
  START_DEVICES_MAX,
  START_INFO,
  START_MAGIC,
  VCPU_INFO,
  VCPU_TIME,
  WALL_CLOCK,
} from './pv-layout.ts';

/** A ring device that a guest can connect to. */
export interface PvDeviceInfo {
  readonly type: number;
  readonly index: number;
  /** Sectors of 512 bytes; 0 for a network. */
  readonly capacity: number;
  /** The MAC; empty for a disk. */
  readonly address: Uint8Array;
}

export interface StartOfDay {
  readonly sharedInfo: number;
  readonly startInfo: number;
  /** Physical address of the root of the initial tables. */
  readonly root: number;
}

export interface ClockFacts {
  readonly timebaseHz: number;
  /** Wall clock when the machine was switched on, in seconds since 1970-01-01 UTC. */
  readonly epochSeconds: number;
}

export interface StartFacts extends ClockFacts {
  readonly vcpuCount: number;
  readonly deviceTree: number;
  readonly commandLine: string;
  readonly devices: readonly PvDeviceInfo[];
}

/** Even: the fields are not being written. */
const CLOCK_VERSION = 2;
const VCPU_RECORDS = 8;
/** Pages that are neither tables nor free: shared-info, start-info. */
const INFO_PAGES = 2;
const MEGAPAGE_BYTES = PAGE_BYTES * TABLE_ENTRIES;
const GIGAPAGE_BYTES = MEGAPAGE_BYTES * TABLE_ENTRIES;
const PAGE_OF_KERNEL = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U | PTE.A | PTE.D;
const READ_ONLY = PTE.V | PTE.R | PTE.X | PTE.U | PTE.A;

/** Bytes at the end of RAM that are taken at the start. RAM begins at a multiple of 1 GiB. */
export function startOfDayBytes(memoryBytes: number): number {
  const tables = Math.ceil(memoryBytes / MEGAPAGE_BYTES) + Math.ceil(memoryBytes / GIGAPAGE_BYTES) + 1;
  return (INFO_PAGES + tables) * PAGE_BYTES;
}

/**
 * Writes it.
 * @throws ParatraceError `usage.option` for a command line that is too long.
 */
export function writeStartOfDay(memory: GuestMemory, facts: StartFacts): StartOfDay {
  const usableEnd = memory.base + memory.sizeBytes - startOfDayBytes(memory.sizeBytes);
  const sharedInfo = usableEnd;
  const startInfo = sharedInfo + PAGE_BYTES;
  const root = writeTables(memory, startInfo);
  memory.writeBytes(sharedInfo, sharedInfoPage(facts));
  memory.writeBytes(startInfo, startInfoPage(memory, facts, { usableEnd, sharedInfo, root }));
  return { sharedInfo, startInfo, root };
}

/** The root first, then tables of level 2, then those of level 1. Returns the root. */
function writeTables(memory: GuestMemory, startInfo: number): number {
  assert(memory.base % GIGAPAGE_BYTES === 0, 'RAM begins at a multiple of 1 GiB');
  const root = startInfo + PAGE_BYTES;
  const middles = root + PAGE_BYTES;
  const leaves = middles + Math.ceil(memory.sizeBytes / GIGAPAGE_BYTES) * PAGE_BYTES;
  const end = memory.base + memory.sizeBytes;
  memory.writeBytes(root, new Uint8Array(end - root));
  const write = (table: number, index: number, pa: number, flags: number) => {
    const page = pa / PAGE_BYTES;
    memory.write32(table + index * 8, ((page << 10) | flags) >>> 0);
    memory.write32(table + index * 8 + 4, Math.floor(page / 2 ** 22));
  };
  for (let pa = memory.base, count = 0; pa < end; pa += GIGAPAGE_BYTES, count++) {
    write(root, pa / GIGAPAGE_BYTES, middles + count * PAGE_BYTES, PTE.V);
  }
  for (let pa = memory.base, count = 0; pa < end; pa += MEGAPAGE_BYTES, count++) {
    write(middles, count, leaves + count * PAGE_BYTES, PTE.V);
  }
  for (let pa = memory.base, count = 0; pa < end; pa += PAGE_BYTES, count++) {
    write(leaves, count, pa, pa >= startInfo ? READ_ONLY : PAGE_OF_KERNEL);
  }
  return root;
}

/** A shared-info page at its start: clocks only. They never change: `time` counts from 0 at a constant rate. */
export function sharedInfoPage({ timebaseHz, epochSeconds }: ClockFacts): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  const view = new DataView(page.buffer);
  view.setUint32(SHARED_INFO.wallClock + WALL_CLOCK.version, CLOCK_VERSION, true);
  view.setUint32(SHARED_INFO.wallClock + WALL_CLOCK.seconds, epochSeconds % 2 ** 32, true);
  const { multiplier, shift } = nanosecondScale(timebaseHz);
  for (let vcpu = 0; vcpu < VCPU_RECORDS; vcpu++) {
    const at = SHARED_INFO.vcpuInfo + vcpu * SHARED_INFO.vcpuInfoBytes + VCPU_INFO.time;
    view.setUint32(at + VCPU_TIME.version, CLOCK_VERSION, true);
    view.setUint32(at + VCPU_TIME.multiplier, multiplier, true);
    view.setInt8(at + VCPU_TIME.shift, shift);
  }
  return page;
}

/** By which `ticks << shift` must be multiplied, in units of 2^-32, to be nanoseconds: the largest multiplier of 32 bits. */
export function nanosecondScale(timebaseHz: number): { readonly multiplier: number; readonly shift: number } {
  const nanoseconds = 1e9 / timebaseHz;
  const shift = Math.floor(Math.log2(nanoseconds)) + 1;
  return { multiplier: Math.floor((nanoseconds / 2 ** shift) * 2 ** 32), shift };
}

function startInfoPage(
  memory: GuestMemory,
  { vcpuCount, deviceTree, timebaseHz, commandLine, devices }: StartFacts,
  { usableEnd, sharedInfo, root }: { usableEnd: number; sharedInfo: number; root: number },
): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  const view = new DataView(page.buffer);
  const text = new TextEncoder().encode(commandLine);
  if (text.length >= COMMAND_LINE_BYTES) {
    const limit = COMMAND_LINE_BYTES - 1;
    throw new ParatraceError(
      'usage.option',
      `a command line of ${text.length} bytes; a paravirtual guest can be given ${limit}`,
    );
  }
  const listed = devices.slice(0, START_DEVICES_MAX);
  const words: readonly (readonly [number, bigint])[] = [
    [START_INFO.magic, START_MAGIC],
    [START_INFO.ramBase, BigInt(memory.base)],
    [START_INFO.ramBytes, BigInt(memory.sizeBytes)],
    [START_INFO.usableEnd, BigInt(usableEnd)],
    [START_INFO.sharedInfo, BigInt(sharedInfo)],
    [START_INFO.initialRoot, BigInt(root)],
    [START_INFO.deviceTree, BigInt(deviceTree)],
    [START_INFO.timebaseHz, BigInt(timebaseHz)],
  ];
  for (const [offset, value] of words) view.setBigUint64(offset, value, true);
  view.setUint32(START_INFO.version, PV_VERSION, true);
  view.setUint32(START_INFO.vcpuCount, vcpuCount, true);
  view.setUint32(START_INFO.deviceCount, listed.length, true);
  listed.forEach(({ type, index, capacity, address }, place) => {
    const at = START_INFO.devices + place * START_DEVICE.sizeBytes;
    view.setUint32(at + START_DEVICE.type, type, true);
    view.setUint32(at + START_DEVICE.index, index, true);
    view.setBigUint64(at + START_DEVICE.capacity, BigInt(capacity), true);
    page.set(address, at + START_DEVICE.address);
  });
  page.set(text, START_INFO.commandLine);
  return page;
}
