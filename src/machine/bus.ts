/**
 * What devices, memory and clock look like to each other. Register faces of devices live in `devices/`; they know guest
 * physical addresses and interrupt lines, never a hart's registers and never the hypervisor.
 */
import type { Stateful, StateSink } from './state-sink.ts';

/** Access width of a device register in bytes. */
export type AccessSize = 1 | 2 | 4 | 8;

/** A device's state as plain data: what digests hash, checkpoints save, and restore validates. Keys in a fixed order. */
export type PlainState = { readonly [key: string]: PlainValue };
export type PlainValue = number | bigint | boolean | string | Uint8Array | readonly PlainValue[] | PlainState;

/** A device's registers in guest physical space. Offsets are from `base`, always inside `[0, sizeBytes)`. */
export interface MmioDevice extends Stateful {
  /** Name in events and reports, such as `uart0`, `plic`, `virtio3`. */
  readonly name: string;
  /** First guest physical address. */
  readonly base: number;
  readonly sizeBytes: number;
  /**
   * Reads a register; the result is unsigned and below `2 ** (8 * size)`. A register that does not exist reads 0.
   * An 8-byte access reaches the device as two 4-byte ones, low half first, unless it has `read64`.
   */
  read(offset: number, size: 1 | 2 | 4): number;
  /** Writes a register. `value` is unsigned. A register that does not exist ignores it. */
  write(offset: number, size: 1 | 2 | 4, value: number): void;
  read64?(offset: number): bigint;
  write64?(offset: number, value: bigint): void;
  /** Name of the register at `offset`, for events and reports: `LSR`, `QueueNotify`, `claim[1]`. Undefined if there is none. */
  registerName(offset: number): string | undefined;
  /** All guest-visible and pending state. */
  writeState(sink: StateSink): void;
}

/** A level-triggered interrupt line from a device into an interrupt controller. */
export interface IrqLine {
  set(level: boolean): void;
}

/** The machine's one clock. */
export interface Clock {
  /** Model cycles since reset: a safe integer. */
  readonly cycle: number;
  /** Instructions retired by all harts since reset: a safe integer. */
  readonly icount: number;
  /** Guest timer ticks, `floor(cycle / cyclesPerTick)`. */
  readonly mtime: bigint;
}

/** Machine-level interrupt bits in `mip` (Privileged ISA 3.1.9). */
export const IRQ = { SSIP: 1, MSIP: 3, STIP: 5, MTIP: 7, SEIP: 9, MEIP: 11 } as const;

/** How devices drive a hart's interrupt-pending bits. */
export interface InterruptPins {
  readonly hartCount: number;
  /** Sets or clears the wire of bit `bit` of `mip` of hart `hart`. */
  setPending(hart: number, bit: number, level: boolean): void;
}

/**
 * Guest RAM by guest physical address, for loaders, devices and back ends. Every write drops stale predecoded code, breaks
 * LR/SC reservations and marks the page as changed for digests.
 * An access outside `[base, base + sizeBytes)` is a bug of the caller: check with `contains` first.
 */
export interface GuestMemory {
  readonly base: number;
  readonly sizeBytes: number;
  /** Whether `[pa, pa + lengthBytes)` lies in RAM. False for anything that is not a safe non-negative integer. */
  contains(pa: number, lengthBytes: number): boolean;
  read8(pa: number): number;
  read16(pa: number): number;
  read32(pa: number): number;
  read64(pa: number): bigint;
  write8(pa: number, value: number): void;
  write16(pa: number, value: number): void;
  write32(pa: number, value: number): void;
  write64(pa: number, value: bigint): void;
  /** The same by its halves, which are taken modulo 2^32: much cheaper than the whole. */
  writeHalves(pa: number, low: number, high: number): void;
  /** A copy: later guest writes do not change it (copy once, validate the copy, use the copy). */
  readBytes(pa: number, lengthBytes: number): Uint8Array;
  writeBytes(pa: number, bytes: Uint8Array): void;
}
