/** Harts and RAM of two machines in step: what is asked is asked of the first, what is done is done to both. */

import type { GuestMemory } from './bus.ts';
import type { EngineHart } from './hart-state.ts';
import type { Hart, Privilege } from './machine-types.ts';
import type { StateSink } from './state-sink.ts';

/** A hart whose every change is made to two. */
export class MirroredHart implements Hart {
  readonly id: number;
  readonly #first: EngineHart;
  readonly #second: EngineHart;

  constructor(first: EngineHart, second: EngineHart) {
    this.id = first.id;
    this.#first = first;
    this.#second = second;
  }

  x(index: number): bigint {
    return this.#first.x(index);
  }

  xLow(index: number): number {
    return this.#first.xLow(index);
  }

  xHigh(index: number): number {
    return this.#first.xHigh(index);
  }

  setXHalves(index: number, low: number, high: number): void {
    this.#first.setXHalves(index, low, high);
    this.#second.setXHalves(index, low, high);
  }

  get pcLow(): number {
    return this.#first.pcLow;
  }

  get pcHigh(): number {
    return this.#first.pcHigh;
  }

  setX(index: number, value: bigint): void {
    this.#first.setX(index, value);
    this.#second.setX(index, value);
  }

  get pc(): bigint {
    return this.#first.pc;
  }

  set pc(value: bigint) {
    this.#first.pc = value;
    this.#second.pc = value;
  }

  setPcHalves(low: number, high: number): void {
    this.#first.setPcHalves(low, high);
    this.#second.setPcHalves(low, high);
  }

  get privilege(): Privilege {
    return this.#first.privilege;
  }

  set privilege(level: Privilege) {
    this.#first.privilege = level;
    this.#second.privilege = level;
  }

  get retired(): number {
    return this.#first.retired;
  }

  csr(name: string): bigint {
    return this.#first.csr(name);
  }

  setCsr(name: string, value: bigint): void {
    this.#first.setCsr(name, value);
    this.#second.setCsr(name, value);
  }

  writeState(sink: StateSink): void {
    this.#first.writeState(sink);
  }
}

/** RAM that is read from one machine and written in two. */
export class MirroredMemory implements GuestMemory {
  readonly base: number;
  readonly sizeBytes: number;
  readonly #first: GuestMemory;
  readonly #second: GuestMemory;

  constructor(first: GuestMemory, second: GuestMemory) {
    this.base = first.base;
    this.sizeBytes = first.sizeBytes;
    this.#first = first;
    this.#second = second;
  }

  contains(pa: number, lengthBytes: number): boolean {
    return this.#first.contains(pa, lengthBytes);
  }

  read8(pa: number): number {
    return this.#first.read8(pa);
  }

  read16(pa: number): number {
    return this.#first.read16(pa);
  }

  read32(pa: number): number {
    return this.#first.read32(pa);
  }

  read64(pa: number): bigint {
    return this.#first.read64(pa);
  }

  readBytes(pa: number, lengthBytes: number): Uint8Array {
    return this.#first.readBytes(pa, lengthBytes);
  }

  write8(pa: number, value: number): void {
    this.#first.write8(pa, value);
    this.#second.write8(pa, value);
  }

  write16(pa: number, value: number): void {
    this.#first.write16(pa, value);
    this.#second.write16(pa, value);
  }

  write32(pa: number, value: number): void {
    this.#first.write32(pa, value);
    this.#second.write32(pa, value);
  }

  write64(pa: number, value: bigint): void {
    this.#first.write64(pa, value);
    this.#second.write64(pa, value);
  }

  writeHalves(pa: number, low: number, high: number): void {
    this.#first.writeHalves(pa, low, high);
    this.#second.writeHalves(pa, low, high);
  }

  writeBytes(pa: number, bytes: Uint8Array): void {
    this.#first.writeBytes(pa, bytes);
    this.#second.writeBytes(pa, bytes);
  }
}
