/** One hart as the host sees it: registers, pc, CSRs, by views on the engine's memory. */
import { assert, must } from '../assert.ts';
import type { Clock } from './bus.ts';
import { csrIndexOfName } from './engine/csrs.ts';
import type { Engine } from './engine/engine.ts';
import { CSR_SLOTS, HART, hartBase, NO_RESERVATION } from './engine/layout.ts';
import { REGISTER_NAMES } from './isa/registers.ts';
import { type Hart, type HartCounters, MISS_KINDS, type MissKind, type Privilege } from './machine-types.ts';
import type { StateSink } from './state-sink.ts';
import { VIRTUALIZATION } from './virtualization-types.ts';

const slotOf = (name: string): number => must(CSR_SLOTS.get(name), 'a CSR with storage');
const MIE = slotOf('mie');
const MIP = slotOf('mip');
/** STCE, which turns Sstc on, is its sign. */
const MENVCFG = slotOf('menvcfg');
const STIMECMP = slotOf('stimecmp');

const NO_MISSES = Object.fromEntries(MISS_KINDS.map((kind) => [kind, 0])) as Readonly<Record<MissKind, number>>;

export class EngineHart implements Hart {
  readonly id: number;
  /** Base of the hart in linear memory. */
  readonly base: number;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #view: DataView;
  readonly #afterCsrWrite: (hart: EngineHart) => void;

  constructor(id: number, engine: Engine, clock: Clock, afterCsrWrite: (hart: EngineHart) => void) {
    this.id = id;
    this.base = hartBase(id);
    this.#engine = engine;
    this.#clock = clock;
    this.#view = new DataView(engine.memory.buffer);
    this.#afterCsrWrite = afterCsrWrite;
  }

  x(index: number): bigint {
    return this.#view.getBigUint64(this.base + HART.regs + index * 8, true);
  }

  setX(index: number, value: bigint): void {
    if (index !== 0) this.#view.setBigUint64(this.base + HART.regs + index * 8, BigInt.asUintN(64, value), true);
  }

  xLow(index: number): number {
    return this.#view.getUint32(this.base + HART.regs + index * 8, true);
  }

  xHigh(index: number): number {
    return this.#view.getUint32(this.base + HART.regs + index * 8 + 4, true);
  }

  setXHalves(index: number, low: number, high: number): void {
    if (index === 0) return;
    this.#view.setInt32(this.base + HART.regs + index * 8, low, true);
    this.#view.setInt32(this.base + HART.regs + index * 8 + 4, high, true);
  }

  get pc(): bigint {
    return this.get64('pc');
  }

  get pcLow(): number {
    return this.#view.getUint32(this.base + HART.pc, true);
  }

  get pcHigh(): number {
    return this.#view.getUint32(this.base + HART.pc + 4, true);
  }

  set pc(value: bigint) {
    this.set64('pc', value);
  }

  setPcHalves(low: number, high: number): void {
    this.#view.setInt32(this.base + HART.pc, low, true);
    this.#view.setInt32(this.base + HART.pc + 4, high, true);
  }

  get privilege(): Privilege {
    const level = this.#view.getUint32(this.base + HART.privilege, true);
    assert(level === 0 || level === 1 || level === 3, `privilege ${level}`);
    return level;
  }

  set privilege(level: Privilege) {
    this.#view.setInt32(this.base + HART.privilege, level, true);
    this.#engine.call.updateContext(this.base);
  }

  get retired(): number {
    return readCounter(this.#view, this.base + HART.retired);
  }

  /** Counts an instruction that the host has completed. */
  retireOne(): void {
    const at = this.base + HART.retired;
    const low = this.#view.getUint32(at, true);
    if (low === 0xffff_ffff) writeCounter(this.#view, at, this.retired + 1);
    else this.#view.setUint32(at, low + 1, true);
  }

  /** Ends a reservation of LR. */
  endReservation(): void {
    this.#view.setInt32(this.base + HART.reservation, NO_RESERVATION, true);
  }

  /** Interrupts that are pending, by bit of `mip`. */
  get pending(): number {
    return this.#view.getInt32(this.base + MIP, true) | this.#view.getInt32(this.base + HART.wires, true);
  }

  /** Interrupts that are enabled in `mie`, by bit: none has a number from 32 up. */
  get enabled(): number {
    return this.#view.getInt32(this.base + MIE, true);
  }

  /** Those that are enabled and pending. */
  get pendingEnabled(): number {
    return this.enabled & this.pending;
  }

  /** Sets or clears bits of `mip` that software cannot change. */
  setWires(mask: number, level: boolean): void {
    const wires = this.#view.getUint32(this.base + HART.wires, true);
    this.#view.setInt32(this.base + HART.wires, level ? wires | mask : wires & ~mask, true);
  }

  /** `stimecmp` in ticks, where it is used (Sstc). Exact up to 2^53: `mtime` never gets further. Infinity where it is not. */
  get comparatorTicks(): number {
    if (this.#view.getInt32(this.base + MENVCFG + 4, true) >= 0) return Number.POSITIVE_INFINITY;
    const high = this.#view.getUint32(this.base + STIMECMP + 4, true);
    return high * 0x1_0000_0000 + this.#view.getUint32(this.base + STIMECMP, true);
  }

  csr(name: string): bigint {
    writeCounter(this.#view, this.base + HART.now, this.#clock.cycle);
    writeCounter(this.#view, this.base + HART.nowRetired, this.retired);
    return BigInt.asUintN(64, this.#engine.call.csrRead(this.base, this.#csrIndex(name)));
  }

  setCsr(name: string, value: bigint): void {
    // A guest's write to `minstret` counts the instructions before its own; the host's has none.
    writeCounter(this.#view, this.base + HART.now, this.#clock.cycle);
    this.set64('nowRetired', this.get64('retired') - 1n);
    this.#engine.call.csrWrite(this.base, this.#csrIndex(name), BigInt.asIntN(64, value));
    this.#afterCsrWrite(this);
  }

  writeState(sink: StateSink): void {
    sink.value('id', this.id);
    this.#write64(sink, 'pc');
    sink.value('privilege', this.privilege);
    sink.value('retired', this.retired);
    this.#write32(sink, 'reservation');
    this.#write32(sink, 'wires');
    sink.words('x', this.#view, this.base + HART.regs, REGISTER_NAMES.length);
    sink.words('csrs', this.#view, this.base + HART.csrs, CSR_SLOTS.size);
    this.#write64(sink, 'fetchPage');
    sink.value('tlb', this.tlbDigest);
    sink.begin('counters');
    this.#writeCounters(sink);
    sink.end();
    if (this.get32('virtualization') === VIRTUALIZATION.none) return;
    sink.begin('virtualization');
    this.#writeVirtualization(sink);
    sink.end();
  }

  /** Of what the modelled TLBs hold, unsigned. */
  get tlbDigest(): bigint {
    return BigInt.asUintN(64, this.#engine.call.tlbDigest(this.base));
  }

  /** Has the TLBs read again for the next digest. */
  forgetTlbDigest(): void {
    this.set32('hasTlbDigest', 0);
  }

  #writeCounters(sink: StateSink): void {
    sink.value('tlbMisses', this.counter('tlbMisses'));
    sink.value('walkReferences', this.counter('walkReferences'));
    for (let index = 0; index < MISS_KINDS.length; index++) {
      sink.value(MISS_KINDS[index], this.counter('missesByKind', index));
    }
    sink.value('userFirstUses', this.counter('firstUses'));
    sink.value('kernelFirstUses', this.counter('firstUses', 1));
  }

  /** How the hart is virtualized: what the host has set. */
  #writeVirtualization(sink: StateSink): void {
    sink.value('kind', this.get32('virtualization'));
    this.#write64(sink, 'hgatp');
    this.#write64(sink, 'userRoot');
    this.#write64(sink, 'supervisorRoot');
    this.#write32(sink, 'userSpace');
    this.#write32(sink, 'supervisorSpace');
    this.#write32(sink, 'directCounters');
  }

  #write32(sink: StateSink, field: keyof typeof HART): void {
    sink.value(field, this.get32(field));
  }

  #write64(sink: StateSink, field: keyof typeof HART): void {
    const at = this.base + HART[field];
    sink.word(field, this.#view.getInt32(at, true), this.#view.getInt32(at + 4, true));
  }

  /** A field of the hart's memory. */
  get32(field: keyof typeof HART): number {
    return this.#view.getUint32(this.base + HART[field], true);
  }

  set32(field: keyof typeof HART, value: number): void {
    this.#view.setInt32(this.base + HART[field], value, true);
  }

  get64(field: keyof typeof HART): bigint {
    return this.#view.getBigUint64(this.base + HART[field], true);
  }

  set64(field: keyof typeof HART, value: bigint): void {
    this.#view.setBigUint64(this.base + HART[field], BigInt.asUintN(64, value), true);
  }

  /** Moves pc on, as a number pair: a BigInt would cost more than the rest of retiring an instruction. */
  advancePc(lengthBytes: number): void {
    const low = this.#view.getUint32(this.base + HART.pc, true) + lengthBytes;
    this.#view.setUint32(this.base + HART.pc, low >>> 0, true);
    if (low <= 0xffff_ffff) return;
    this.#view.setUint32(
      this.base + HART.pc + 4,
      (this.#view.getUint32(this.base + HART.pc + 4, true) + 1) >>> 0,
      true,
    );
  }

  /** A counter as a safe integer. */
  counter(field: 'retired' | 'tlbMisses' | 'walkReferences' | 'missesByKind' | 'firstUses', index = 0): number {
    return readCounter(this.#view, this.base + HART[field] + 8 * index);
  }

  counters(): HartCounters {
    const missesByKind = { ...NO_MISSES };
    for (let index = 0; index < MISS_KINDS.length; index++) {
      missesByKind[MISS_KINDS[index] as MissKind] = this.counter('missesByKind', index);
    }
    return {
      tlbMisses: this.counter('tlbMisses'),
      walkReferences: this.counter('walkReferences'),
      missesByKind,
      userFirstUses: this.counter('firstUses'),
      kernelFirstUses: this.counter('firstUses', 1),
    };
  }

  /** Raw storage of a CSR, where `csr` would derive its value. */
  rawCsr(name: string): bigint {
    return this.#view.getBigUint64(this.base + slotOf(name), true);
  }

  setRawCsr(name: string, value: bigint): void {
    this.#view.setBigUint64(this.base + slotOf(name), BigInt.asUintN(64, value), true);
  }

  #csrIndex(name: string): number {
    return must(csrIndexOfName(name), 'a CSR of the machine');
  }
}

/** An i64 counter of linear memory as a number: always below 2^53, by assertion. */
export function readCounter(view: DataView, address: number): number {
  const high = view.getUint32(address + 4, true);
  assert(high < 0x20_0000, 'a counter has left the safe integers');
  return high * 0x1_0000_0000 + view.getUint32(address, true);
}

export function writeCounter(view: DataView, address: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a counter has left the safe integers');
  // Both conversions are exact: the low word by ToUint32, the high one because dividing by a power of two is.
  view.setUint32(address, value >>> 0, true);
  view.setUint32(address + 4, (value / 0x1_0000_0000) | 0, true);
}
