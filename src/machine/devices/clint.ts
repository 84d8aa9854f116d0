/**
 * The core-local interruptor in the layout that SiFive's CLINT and the RISC-V ACLINT (MSWI at 0, MTIMER at 0x4000) share:
 * software interrupts between harts, one timer compare register per hart, and `mtime`.
 *
 * Accesses of 4 and 8 bytes are decoded; narrower ones reach no register, as on QEMU's board. `mtimecmp` is all ones at reset
 * (ACLINT leaves it open), so that no timer is pending before a guest sets one.
 */

import { assert } from '../../assert.ts';
import { type Clock, type InterruptPins, IRQ, type MmioDevice } from '../bus.ts';
import { HART_COUNT_MAX, MEMORY_MAP } from '../platform/memory-map.ts';
import type { StateSink } from '../state-sink.ts';

/** Register offsets (SiFive CLINT; ACLINT, "MTIMER" and "MSWI"). */
export const CLINT = { msip: 0x0000, mtimecmp: 0x4000, mtime: 0xbff8 } as const;

const U64_MAX = (1n << 64n) - 1n;
const LOW_MASK = 0xffff_ffffn;

export interface ClintOptions {
  readonly pins: InterruptPins;
  readonly clock: Clock;
  /** Cycle at which the clock's `mtime` first reaches `ticks`; Infinity if never. */
  readonly cycleOfMtime: (ticks: bigint) => number;
}

type Register =
  | { readonly kind: 'msip'; readonly hart: number }
  | { readonly kind: 'mtimecmp'; readonly hart: number; readonly high: boolean }
  | { readonly kind: 'mtime'; readonly high: boolean };

export class Clint implements MmioDevice {
  readonly name = 'clint';
  readonly base = MEMORY_MAP.clint.base;
  readonly sizeBytes = MEMORY_MAP.clint.sizeBytes;

  readonly #pins: InterruptPins;
  readonly #clock: Clock;
  readonly #cycleOfMtime: (ticks: bigint) => number;
  readonly #msip: boolean[];
  readonly #mtimecmp: bigint[];
  /** MTIP as it was last driven: where it is not as it should be, {@link update} is due. */
  readonly #mtip: boolean[];
  /** What a guest's write to `mtime` added to the clock, modulo 2^64. */
  #mtimeOffset = 0n;

  constructor(options: ClintOptions) {
    const { hartCount } = options.pins;
    assert(hartCount >= 1 && hartCount <= HART_COUNT_MAX, `CLINT for ${hartCount} harts`);
    this.#pins = options.pins;
    this.#clock = options.clock;
    this.#cycleOfMtime = options.cycleOfMtime;
    this.#msip = new Array<boolean>(hartCount).fill(false);
    this.#mtimecmp = new Array<bigint>(hartCount).fill(U64_MAX);
    this.#mtip = new Array<boolean>(hartCount).fill(false);
  }

  /** `mtime` as the guest reads it now: the clock plus what the guest has set. */
  get mtime(): bigint {
    return BigInt.asUintN(64, this.#clock.mtime + this.#mtimeOffset);
  }

  /** The cycle at which a timer-pending bit changes, so that {@link update} must be called: now if one is due; Infinity if none. */
  nextTimerCycle(): number {
    const now = this.mtime;
    let wait: bigint | undefined;
    for (const [hart, compare] of this.#mtimecmp.entries()) {
      if (now >= compare !== this.#mtip[hart]) return this.#clock.cycle;
      // A pending timer stays pending until mtime wraps below its compare value.
      const change = compare > now ? compare - now : U64_MAX + 1n - now;
      if (wait === undefined || change < wait) wait = change;
    }
    return wait === undefined ? Infinity : this.#cycleOfMtime(this.#clock.mtime + wait);
  }

  /** Sets MTIP of every hart: pending while `mtime >= mtimecmp` (Privileged ISA 3.2.1). */
  update(): void {
    const now = this.mtime;
    for (const [hart, compare] of this.#mtimecmp.entries()) this.#drive(hart, now >= compare);
  }

  read(offset: number, size: 1 | 2 | 4): number {
    const register = size === 4 ? this.#decode(offset) : undefined;
    switch (register?.kind) {
      case 'msip':
        return this.#msip[register.hart] ? 1 : 0;
      case 'mtimecmp':
        return half(this.#compareOf(register.hart), register.high);
      case 'mtime':
        return half(this.mtime, register.high);
      default:
        return 0;
    }
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    const register = size === 4 ? this.#decode(offset) : undefined;
    switch (register?.kind) {
      case 'msip':
        this.#setMsip(register.hart, value);
        break;
      case 'mtimecmp':
        this.#setCompare(register.hart, withHalf(this.#compareOf(register.hart), register.high, value));
        break;
      case 'mtime':
        this.#setMtime(withHalf(this.mtime, register.high, value));
        break;
    }
  }

  /** Both halves at one instant. An 8-byte access to `msip` reaches the two registers that lie there. */
  read64(offset: number): bigint {
    const register = offset % 8 === 0 ? this.#decode(offset) : undefined;
    if (register?.kind === 'mtimecmp') return this.#compareOf(register.hart);
    if (register?.kind === 'mtime') return this.mtime;
    return BigInt(this.read(offset, 4)) | (BigInt(this.read(offset + 4, 4)) << 32n);
  }

  write64(offset: number, value: bigint): void {
    const register = offset % 8 === 0 ? this.#decode(offset) : undefined;
    if (register?.kind === 'mtimecmp') {
      this.#setCompare(register.hart, value);
    } else if (register?.kind === 'mtime') {
      this.#setMtime(value);
    } else {
      this.write(offset, 4, half(value, false));
      this.write(offset + 4, 4, half(value, true));
    }
  }

  registerName(offset: number): string | undefined {
    const register = this.#decode(offset & ~3);
    if (register === undefined) return undefined;
    return register.kind === 'mtime' ? 'mtime' : `${register.kind}[${register.hart}]`;
  }

  writeState(sink: StateSink): void {
    sink.value('msip', this.#msip);
    sink.value('mtimecmp', this.#mtimecmp);
    sink.value('mtimeOffset', this.#mtimeOffset);
  }

  /** The register whose first byte, or whose upper half, lies at `offset`. */
  #decode(offset: number): Register | undefined {
    const { hartCount } = this.#pins;
    if (offset % 4 !== 0) return undefined;
    if (offset < CLINT.msip + 4 * hartCount) return { kind: 'msip', hart: (offset - CLINT.msip) / 4 };
    const high = offset % 8 === 4;
    if (offset >= CLINT.mtimecmp && offset < CLINT.mtimecmp + 8 * hartCount) {
      return { kind: 'mtimecmp', hart: Math.floor((offset - CLINT.mtimecmp) / 8), high };
    }
    if (offset === CLINT.mtime || offset === CLINT.mtime + 4) return { kind: 'mtime', high };
    return undefined;
  }

  #compareOf(hart: number): bigint {
    return this.#mtimecmp[hart] ?? U64_MAX;
  }

  #setCompare(hart: number, value: bigint): void {
    this.#mtimecmp[hart] = value;
    this.#drive(hart, this.mtime >= value);
  }

  #drive(hart: number, pending: boolean): void {
    this.#mtip[hart] = pending;
    this.#pins.setPending(hart, IRQ.MTIP, pending);
  }

  #setMtime(value: bigint): void {
    this.#mtimeOffset = BigInt.asUintN(64, value - this.#clock.mtime);
    this.update();
  }

  /** Only bit 0 exists (ACLINT, "MSWI"). */
  #setMsip(hart: number, value: number): void {
    const level = (value & 1) !== 0;
    this.#msip[hart] = level;
    this.#pins.setPending(hart, IRQ.MSIP, level);
  }
}

function half(value: bigint, high: boolean): number {
  return Number(high ? value >> 32n : value & LOW_MASK);
}

function withHalf(whole: bigint, high: boolean, value: number): bigint {
  return high ? (whole & LOW_MASK) | (BigInt(value) << 32n) : (whole & ~LOW_MASK) | BigInt(value);
}
