/** Guest RAM for loaders, devices and back ends: a window of the engine's linear memory that tells it of every write. */
import { assert } from '../assert.ts';
import type { GuestMemory } from './bus.ts';
import type { Engine } from './engine/engine.ts';
import { PAGE_BYTES, PAGE_FLAG, RAM_BASE } from './engine/layout.ts';

const PAGE_SHIFT = 12;

export class EngineMemory implements GuestMemory {
  readonly base = RAM_BASE;
  readonly sizeBytes: number;
  readonly #engine: Engine;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** One byte for each page of RAM: `PAGE_FLAG`. */
  readonly #pageFlags: Uint8Array;
  readonly #onWrite: () => void;
  #watcher: ((pa: number, lengthBytes: number) => void) | undefined;

  /** @param onWrite called at each write: reservations of LR end */
  constructor(engine: Engine, onWrite: () => void) {
    this.#engine = engine;
    this.sizeBytes = engine.plan.ramBytes;
    this.#bytes = new Uint8Array(engine.memory.buffer, engine.plan.ram, this.sizeBytes);
    this.#view = new DataView(engine.memory.buffer, engine.plan.ram, this.sizeBytes);
    this.#pageFlags = new Uint8Array(engine.memory.buffer, engine.plan.pageFlags, this.sizeBytes / PAGE_BYTES);
    this.#onWrite = onWrite;
  }

  /** See `Machine.watchMemory`. */
  watch(wrote: (pa: number, lengthBytes: number) => void): void {
    assert(this.#watcher === undefined, 'memory is watched by one');
    this.#watcher = wrote;
  }

  contains(pa: number, lengthBytes: number): boolean {
    // What is between the two ends of RAM is exact: a sum that is rounded lies far behind them.
    return (
      pa >= RAM_BASE &&
      lengthBytes >= 0 &&
      pa + lengthBytes <= RAM_BASE + this.sizeBytes &&
      Math.floor(pa) === pa &&
      Math.floor(lengthBytes) === lengthBytes
    );
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
    this.#view.setUint8(this.#changing(pa, 1), value);
  }

  write16(pa: number, value: number): void {
    this.#view.setUint16(this.#changing(pa, 2), value, true);
  }

  write32(pa: number, value: number): void {
    this.#view.setUint32(this.#changing(pa, 4), value, true);
  }

  write64(pa: number, value: bigint): void {
    this.#view.setBigUint64(this.#changing(pa, 8), value, true);
  }

  writeHalves(pa: number, low: number, high: number): void {
    const offset = this.#changing(pa, 8);
    this.#view.setInt32(offset, low, true);
    this.#view.setInt32(offset + 4, high, true);
  }

  readBytes(pa: number, lengthBytes: number): Uint8Array {
    const offset = this.#offset(pa, lengthBytes);
    return this.#bytes.slice(offset, offset + lengthBytes);
  }

  writeBytes(pa: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#bytes.set(bytes, this.#changing(pa, bytes.length));
  }

  #offset(pa: number, lengthBytes: number): number {
    assert(this.contains(pa, lengthBytes), 'a host access to guest memory lies in RAM');
    return pa - RAM_BASE;
  }

  #changing(pa: number, lengthBytes: number): number {
    const offset = this.#offset(pa, lengthBytes);
    const end = offset + lengthBytes;
    this.#onWrite();
    this.#watcher?.(pa, lengthBytes);
    // Most often there is nothing to note: the page has changed already, and holds no code.
    const isInPage = offset >>> PAGE_SHIFT === (end - 1) >>> PAGE_SHIFT;
    if (isInPage && this.#pageFlags[offset >>> PAGE_SHIFT] === PAGE_FLAG.dirty) return offset;
    for (let at = offset; at < end; ) {
      const next = Math.min(end, (Math.floor(at / PAGE_BYTES) + 1) * PAGE_BYTES);
      this.#engine.call.noteWrite(at, next - at);
      at = next;
    }
    return offset;
  }
}
