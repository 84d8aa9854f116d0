/**
 * The Goldfish real-time clock (Android "Goldfish virtual hardware", goldfish RTC): nanoseconds since 1970 in two registers and
 * one alarm. It follows the guest's own clock from a configured start, never the host's, so that a run repeats itself.
 *
 * The alarm compares with the clock as it stands: setting the clock forward past a running alarm fires it.
 */

import type { Clock, IrqLine, MmioDevice } from '../bus.ts';
import { MEMORY_MAP, NANOSECONDS_PER_TICK } from '../platform/memory-map.ts';
import type { StateSink } from '../state-sink.ts';

/** Register offsets. */
export const RTC = {
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
} as const;

const REGISTER_NAMES = new Map<number, string>(Object.entries(RTC).map(([name, offset]) => [offset, name]));

const LOW_MASK = 0xffff_ffffn;

export interface GoldfishRtcOptions {
  readonly clock: Clock;
  readonly irq: IrqLine;
  /** Cycle at which the clock's `mtime` first reaches `ticks`; Infinity if never. */
  readonly cycleOfMtime: (ticks: bigint) => number;
  /** What the clock shows at reset, in seconds since 1970: a safe non-negative integer. */
  readonly epochSeconds: number;
}

export class GoldfishRtc implements MmioDevice {
  readonly name = 'rtc';
  readonly base = MEMORY_MAP.rtc.base;
  readonly sizeBytes = MEMORY_MAP.rtc.sizeBytes;

  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #cycleOfMtime: (ticks: bigint) => number;
  /** Nanoseconds to add to guest time, modulo 2^64: the start and every later setting of the clock. */
  #offsetNanoseconds: bigint;
  /** Upper half of the time as of the last read of TIME_LOW. */
  #latchedHigh = 0;
  #alarmNanoseconds = 0n;
  #alarmRunning = false;
  #irqPending = false;
  #irqEnabled = false;

  constructor(options: GoldfishRtcOptions) {
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#cycleOfMtime = options.cycleOfMtime;
    this.#offsetNanoseconds = BigInt(options.epochSeconds) * 1_000_000_000n;
  }

  /** Nanoseconds since 1970 as the guest would read them now. */
  get nowNanoseconds(): bigint {
    return BigInt.asUintN(64, this.#clock.mtime * NANOSECONDS_PER_TICK + this.#offsetNanoseconds);
  }

  /** The cycle at which {@link update} must be called next for the alarm; Infinity if none runs. */
  nextAlarmCycle(): number {
    if (!this.#alarmRunning) return Infinity;
    const waitNanoseconds = this.#alarmNanoseconds - this.nowNanoseconds;
    if (waitNanoseconds <= 0n) return this.#clock.cycle;
    const waitTicks = (waitNanoseconds + NANOSECONDS_PER_TICK - 1n) / NANOSECONDS_PER_TICK;
    return this.#cycleOfMtime(this.#clock.mtime + waitTicks);
  }

  /** Fires the alarm if it is due. */
  update(): void {
    if (!this.#alarmRunning || this.nowNanoseconds < this.#alarmNanoseconds) return;
    this.#alarmRunning = false;
    this.#irqPending = true;
    this.#drive();
  }

  read(offset: number, size: 1 | 2 | 4): number {
    if (size !== 4) return 0;
    switch (offset) {
      case RTC.TIME_LOW: {
        const now = this.nowNanoseconds;
        this.#latchedHigh = Number(now >> 32n);
        return Number(now & LOW_MASK);
      }
      case RTC.TIME_HIGH:
        return this.#latchedHigh;
      case RTC.ALARM_LOW:
        return Number(this.#alarmNanoseconds & LOW_MASK);
      case RTC.ALARM_HIGH:
        return Number(this.#alarmNanoseconds >> 32n);
      case RTC.IRQ_ENABLED:
        return this.#irqEnabled ? 1 : 0;
      case RTC.ALARM_STATUS:
        return this.#alarmRunning ? 1 : 0;
      default:
        return 0;
    }
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    if (size !== 4) return;
    switch (offset) {
      case RTC.TIME_LOW:
        this.#setTime(withLow(this.nowNanoseconds, value));
        break;
      case RTC.TIME_HIGH:
        this.#setTime(withHigh(this.nowNanoseconds, value));
        break;
      case RTC.ALARM_LOW:
        this.#alarmNanoseconds = withLow(this.#alarmNanoseconds, value);
        this.#alarmRunning = true;
        this.update();
        break;
      case RTC.ALARM_HIGH:
        this.#alarmNanoseconds = withHigh(this.#alarmNanoseconds, value);
        break;
      case RTC.IRQ_ENABLED:
        this.#irqEnabled = (value & 1) !== 0;
        this.#drive();
        break;
      case RTC.CLEAR_ALARM:
        this.#alarmRunning = false;
        break;
      case RTC.CLEAR_INTERRUPT:
        this.#irqPending = false;
        this.#drive();
        break;
    }
  }

  registerName(offset: number): string | undefined {
    return REGISTER_NAMES.get(offset & ~3);
  }

  writeState(sink: StateSink): void {
    sink.value('offsetNanoseconds', this.#offsetNanoseconds);
    sink.value('latchedHigh', this.#latchedHigh);
    sink.value('alarmNanoseconds', this.#alarmNanoseconds);
    sink.value('alarmRunning', this.#alarmRunning);
    sink.value('irqPending', this.#irqPending);
    sink.value('irqEnabled', this.#irqEnabled);
  }

  #setTime(nanoseconds: bigint): void {
    this.#offsetNanoseconds = BigInt.asUintN(64, nanoseconds - this.#clock.mtime * NANOSECONDS_PER_TICK);
    this.update();
  }

  #drive(): void {
    this.#irq.set(this.#irqPending && this.#irqEnabled);
  }
}

function withLow(whole: bigint, low: number): bigint {
  return (whole & ~LOW_MASK) | BigInt(low);
}

function withHigh(whole: bigint, high: number): bigint {
  return (whole & LOW_MASK) | (BigInt(high) << 32n);
}
