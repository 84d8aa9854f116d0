/**
 * Guest RAM for tests: a plain array behind the `GuestMemory` contract, little-endian, without harts, pages or digests.
 * An access outside the range throws an `AssertionError`, as in the machine: a device or loader under test has to check first.
 */
import { assert } from '../../src/assert.ts';
import type { GuestMemory } from '../../src/machine/bus.ts';

export class ArrayMemory implements GuestMemory {
  readonly base: number;
  readonly sizeBytes: number;
  /** The bytes themselves, from `base`, for a test to look at. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** @param sizeBytes of RAM @param base first guest physical address; the `virt` board's by default. */
  constructor(sizeBytes: number, base = 0x8000_0000) {
    this.base = base;
    this.sizeBytes = sizeBytes;
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  contains(pa: number, lengthBytes: number): boolean {
    if (!Number.isSafeInteger(pa) || !Number.isSafeInteger(lengthBytes) || lengthBytes < 0) return false;
    return pa >= this.base && pa - this.base + lengthBytes <= this.sizeBytes;
  }

  read8(pa: number): number {
    return this.#view.getUint8(this.#offset(pa, 1));
  }

  read16(pa: number): number {
    return this.#view.getUint16(this.#offset(pa, 2), true);
  }

  read32(pa: number): number {
    return this.#view.getUint32(this.#offset(pa, 4), true);
  }

  read64(pa: number): bigint {
    return this.#view.getBigUint64(this.#offset(pa, 8), true);
  }

  write8(pa: number, value: number): void {
    this.#view.setUint8(this.#offset(pa, 1), value);
  }

  write16(pa: number, value: number): void {
    this.#view.setUint16(this.#offset(pa, 2), value, true);
  }

  write32(pa: number, value: number): void {
    this.#view.setUint32(this.#offset(pa, 4), value, true);
  }

  write64(pa: number, value: bigint): void {
    this.#view.setBigUint64(this.#offset(pa, 8), value, true);
  }

  writeHalves(pa: number, low: number, high: number): void {
    const offset = this.#offset(pa, 8);
    this.#view.setInt32(offset, low, true);
    this.#view.setInt32(offset + 4, high, true);
  }

  readBytes(pa: number, lengthBytes: number): Uint8Array {
    const offset = this.#offset(pa, lengthBytes);
    return this.bytes.slice(offset, offset + lengthBytes);
  }

  writeBytes(pa: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#offset(pa, bytes.length));
  }

  #offset(pa: number, lengthBytes: number): number {
    assert(this.contains(pa, lengthBytes), `access of ${lengthBytes} bytes at 0x${pa.toString(16)} outside RAM`);
    return pa - this.base;
  }
}
