/**
 * The register face of an Intel 82540EM (SDM): what a driver reads and writes, interrupt causes and their throttling, EEPROM, filters and
 * counters. Rings and the wire are behind it ({@link E1000Engine}); where it lies is a bus's affair (`mmio-window.ts`, one day PCI).
 *
 * Registers answer 32-bit accesses only (SDM 13.1). Left out: everything that offloads, VLANs, flow control, wake-up, flash; the delay
 * timers RDTR, RADV, TIDV and TADV are kept and delay nothing.
 */

import { assert } from '../../../assert.ts';
import type { IrqLine } from '../../bus.ts';
import type { Stateful, StateSink } from '../../state-sink.ts';
import {
  CTRL,
  E1000,
  E1000_TABLES,
  type E1000Register,
  type E1000Table,
  EECD,
  EERD,
  e1000RegisterName,
  e1000TableAt,
  ICR,
  ICR_MASK,
  ITR_UNIT_NANOSECONDS,
  RAH_AV,
  RING_BASE_MASK,
  RING_LENGTH_MASK,
  STATUS,
} from './e1000-registers.ts';
import { eepromWords } from './eeprom.ts';
import { mdiTransfer } from './phy.ts';
import { acceptsFrame } from './receive-filter.ts';

/** What is behind the registers. */
export interface E1000Engine extends Stateful {
  /** Nanoseconds of model time. */
  readonly nowNanoseconds: number;
  /** A tail pointer was written (`doorbell`), or a direction enabled: look at its ring. */
  lookTransmit(doorbell: boolean): void;
  lookReceive(doorbell: boolean): void;
  /** Calls {@link E1000Controller.throttleExpired} once, in that many nanoseconds. */
  throttle(nanoseconds: number): void;
  /** Everything under way is forgotten, the throttle too. */
  reset(): void;
}

/** Counters: a read clears them (SDM 13.7). */
const COUNTERS = ['MPC', 'GPRC', 'BPRC', 'MPRC', 'GPTC', 'RNBC', 'TPR', 'TPT'] as const;
export type E1000Counter = (typeof COUNTERS)[number];
const COUNTER_OFFSETS: ReadonlySet<number> = new Set(COUNTERS.map((name) => E1000[name]));

/** Offsets of the halves of the octet counters. */
const OCTET_COUNTERS = { GORC: [E1000.GORCL, E1000.GORCH], GOTC: [E1000.GOTCL, E1000.GOTCH] } as const;
const REGISTERS = Object.entries(E1000) as readonly [E1000Register, number][];
/** First offset after all registers. */
const VALUES_END = Math.max(...REGISTERS.map(([, offset]) => offset)) + 4;

/** Bits that software can write, where not all. Registers of 0 cannot be written, or not in this way. */
const WRITABLE: ReadonlyMap<number, number> = new Map<number, number>([
  [E1000.STATUS, 0],
  [E1000.RXCW, 0],
  [E1000.ITR, 0xffff],
  [E1000.RDBAL, RING_BASE_MASK],
  [E1000.TDBAL, RING_BASE_MASK],
  [E1000.RDLEN, RING_LENGTH_MASK],
  [E1000.TDLEN, RING_LENGTH_MASK],
  [E1000.RDH, 0xffff],
  [E1000.RDT, 0xffff],
  [E1000.TDH, 0xffff],
  [E1000.TDT, 0xffff],
  [E1000.GORCL, 0],
  [E1000.GORCH, 0],
  [E1000.GOTCL, 0],
  [E1000.GOTCH, 0],
  ...COUNTERS.map((name) => [E1000[name], 0] as const),
]);
const U32_MAX = 0xffff_ffff;
/** 48 KiB of the packet buffer receive (SDM 13.4, PBA). */
const PBA_RESET = 0x30;

const OFFSETS: ReadonlySet<number> = new Set(Object.values(E1000));

export class E1000Controller {
  readonly #irq: IrqLine;
  readonly #engine: E1000Engine;
  readonly #mac: readonly number[];
  readonly #eeprom: Uint16Array;
  /** Single registers by offset / 4. */
  readonly #values = new Uint32Array(VALUES_END / 4);
  readonly #tables: Readonly<Record<E1000Table, Uint32Array>>;
  /** The same as bytes. */
  readonly #tableBytes: Readonly<Record<E1000Table, Uint8Array>>;
  #line = false;
  /** When the line rose last; throttling counts from there. */
  #roseNanoseconds = Number.NEGATIVE_INFINITY;
  #throttled = false;

  /** @param mac address of 6 bytes */
  constructor(options: { readonly irq: IrqLine; readonly engine: E1000Engine; readonly mac: readonly number[] }) {
    assert(options.mac.length === 6, 'an Ethernet address has 6 bytes');
    this.#irq = options.irq;
    this.#engine = options.engine;
    this.#mac = options.mac;
    this.#eeprom = eepromWords(options.mac);
    const table = (name: E1000Table) => new Uint32Array(E1000_TABLES[name].words);
    this.#tables = { MTA: table('MTA'), RA: table('RA'), VFTA: table('VFTA') };
    const bytes = (name: E1000Table) => new Uint8Array(this.#tables[name].buffer);
    this.#tableBytes = { MTA: bytes('MTA'), RA: bytes('RA'), VFTA: bytes('VFTA') };
    this.#setInitialValues();
  }

  read(offset: number, size: 1 | 2 | 4): number {
    if (size !== 4) return 0;
    const place = e1000TableAt(offset);
    if (place !== undefined) return this.#tables[place.table][place.index] ?? 0;
    const value = this.#value(offset);
    switch (offset) {
      case E1000.ICR:
        // SDM 13.4.17: a read clears all causes.
        this.#setCauses(0);
        return value;
      case E1000.STATUS:
        return STATUS.FD | STATUS.SPEED_1000 | (this.#isLinkUp ? STATUS.LU : 0);
      case E1000.EECD:
        return value | EECD.PRES | ((value & EECD.REQ) !== 0 ? EECD.GNT : 0);
      case E1000.ICS:
      case E1000.IMC:
        return 0;
      case E1000.GORCH:
      case E1000.GOTCH:
        // SDM 13.7.31, 13.7.32: reading the upper half clears both.
        this.#setValue(offset, 0);
        this.#setValue(offset - 4, 0);
        return value;
      default:
        if (COUNTER_OFFSETS.has(offset)) this.#setValue(offset, 0);
        return value;
    }
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    if (size !== 4) return;
    const place = e1000TableAt(offset);
    if (place !== undefined) {
      this.#tables[place.table][place.index] = value;
      return;
    }
    if (!OFFSETS.has(offset)) return;
    switch (offset) {
      case E1000.CTRL:
        this.#writeControl(value);
        break;
      case E1000.EERD:
        this.#setValue(offset, this.#readEeprom(value));
        break;
      case E1000.MDIC:
        this.#setValue(offset, mdiTransfer(value));
        break;
      case E1000.ICR:
        // SDM 13.4.17: writing 1 clears a cause.
        this.#setCauses(this.get('ICR') & ~value);
        break;
      case E1000.ICS:
        this.#setCauses((this.get('ICR') | value) & ICR_MASK);
        break;
      case E1000.IMS:
        this.#setMask((this.get('IMS') | value) & ICR_MASK);
        break;
      case E1000.IMC:
        this.#setMask(this.get('IMS') & ~value);
        break;
      default:
        this.#setValue(offset, (value & (WRITABLE.get(offset) ?? U32_MAX)) >>> 0);
        this.#written(offset);
    }
  }

  registerName(offset: number): string | undefined {
    return e1000RegisterName(offset);
  }

  /** A register as the engine sees it: no effect of reading. */
  get(register: E1000Register): number {
    return this.#value(E1000[register]);
  }

  /** Moves a head pointer. */
  setHead(register: 'RDH' | 'TDH', value: number): void {
    this.#setValue(E1000[register], value & 0xffff);
  }

  /** Whether the address filters let a frame of at least 6 bytes in. */
  accepts(frame: Uint8Array): boolean {
    return acceptsFrame(frame, this.get('RCTL'), this.#tables.RA, this.#tables.MTA);
  }

  /** Counters stick at their largest value (SDM 13.7). */
  count(counter: E1000Counter): void {
    this.#setValue(E1000[counter], Math.min(U32_MAX, this.get(counter) + 1));
  }

  /** Adds to one of the octet counters of 64 bits. */
  countOctets(direction: keyof typeof OCTET_COUNTERS, octets: number): void {
    const [lowOffset, highOffset] = OCTET_COUNTERS[direction];
    const low = this.#value(lowOffset) + octets;
    this.#setValue(lowOffset, low % 2 ** 32);
    if (low > U32_MAX) this.#setValue(highOffset, Math.min(U32_MAX, this.#value(highOffset) + 1));
  }

  /** Sets interrupt causes. Returns whether they interrupt the driver now: enabled, and not held back. */
  raise(causes: number): boolean {
    this.#setCauses(this.get('ICR') | causes);
    return this.#line && (this.get('IMS') & causes) !== 0;
  }

  throttleExpired(): void {
    this.#throttled = false;
    this.#driveLine();
  }

  writeState(sink: StateSink): void {
    sink.begin('registers');
    for (const [name, offset] of REGISTERS) sink.value(name, this.#value(offset));
    sink.end();
    sink.value('mta', this.#tableBytes.MTA);
    sink.value('ra', this.#tableBytes.RA);
    sink.value('vfta', this.#tableBytes.VFTA);
    sink.value('line', this.#line);
    sink.value('roseNanoseconds', this.#roseNanoseconds);
    sink.value('throttled', this.#throttled);
    sink.state('engine', this.#engine);
  }

  #value(offset: number): number {
    return this.#values[offset >>> 2] ?? 0;
  }

  #setValue(offset: number, value: number): void {
    this.#values[offset >>> 2] = value;
  }

  /** A copper link comes up when the driver sets it up: the partner is always there. */
  get #isLinkUp(): boolean {
    return (this.get('CTRL') & CTRL.SLU) !== 0;
  }

  #writeControl(value: number): void {
    if ((value & CTRL.RST) !== 0) {
      this.#reset();
      return;
    }
    const wasUp = this.#isLinkUp;
    this.#setValue(E1000.CTRL, (value & ~CTRL.PHY_RST) >>> 0);
    if (this.#isLinkUp !== wasUp) this.raise(ICR.LSC);
  }

  /** What a written register sets going. */
  #written(offset: number): void {
    switch (offset) {
      case E1000.TDT:
      case E1000.TCTL:
        this.#engine.lookTransmit(offset === E1000.TDT);
        break;
      case E1000.RDT:
      case E1000.RCTL:
        this.#engine.lookReceive(offset === E1000.RDT);
        break;
      case E1000.ITR:
        this.#driveLine();
        break;
    }
  }

  #readEeprom(value: number): number {
    if ((value & EERD.START) === 0) return value & (0xff << EERD.addressShift);
    const address = (value >>> EERD.addressShift) & 0xff;
    const word = this.#eeprom[address] ?? 0xffff;
    return ((address << EERD.addressShift) | EERD.DONE | (word << EERD.dataShift)) >>> 0;
  }

  #setCauses(causes: number): void {
    this.#setValue(E1000.ICR, causes >>> 0);
    this.#driveLine();
  }

  #setMask(mask: number): void {
    this.#setValue(E1000.IMS, mask >>> 0);
    this.#driveLine();
  }

  /** The line is up while an enabled cause is there; it rises no sooner than ITR allows (SDM 13.4.18). */
  #driveLine(): void {
    const wanted = (this.get('ICR') & this.get('IMS')) !== 0;
    if (wanted && !this.#line) {
      const now = this.#engine.nowNanoseconds;
      const earliest = this.#roseNanoseconds + this.get('ITR') * ITR_UNIT_NANOSECONDS;
      if (now < earliest) {
        if (!this.#throttled) this.#engine.throttle(earliest - now);
        this.#throttled = true;
        return;
      }
      this.#roseNanoseconds = now;
    }
    this.#line = wanted;
    this.#irq.set(wanted);
  }

  #reset(): void {
    this.#engine.reset();
    this.#throttled = false;
    this.#setInitialValues();
    this.#driveLine();
  }

  /** SDM 13: what registers hold after a reset; the address comes from the EEPROM. */
  #setInitialValues(): void {
    this.#values.fill(0);
    for (const table of Object.values(this.#tables)) table.fill(0);
    this.#setValue(E1000.CTRL, CTRL.FD);
    this.#setValue(E1000.PBA, PBA_RESET);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = this.#mac;
    this.#tables.RA[0] = a | (b << 8) | (c << 16) | (d << 24);
    this.#tables.RA[1] = RAH_AV + (e | (f << 8));
  }
}
