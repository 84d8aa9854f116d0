/**
 * A disk image that is never changed: the base is read-only, writes go to an overlay of 4 KiB blocks, copied on first write.
 * The image ends on a sector boundary: a last part sector is filled up with zeros.
 */

import { assert } from '../../assert.ts';
import { ascending, type StateSink } from '../../machine/state-sink.ts';

export const SECTOR_BYTES = 512;
const BLOCK_BYTES = 4096;

export class OverlayDisk {
  readonly #base: Uint8Array;
  readonly #overlay = new Map<number, Uint8Array>();
  /** Size in sectors of 512 bytes. */
  readonly capacitySectors: number;

  /** @param base the image. It is not copied; nobody may change it while the disk is in use. */
  constructor(base: Uint8Array) {
    this.#base = base;
    this.capacitySectors = Math.ceil(base.length / SECTOR_BYTES);
  }

  get sizeBytes(): number {
    return this.capacitySectors * SECTOR_BYTES;
  }

  /** A copy of `[offset, offset + lengthBytes)`, which lies on the disk. */
  read(offset: number, lengthBytes: number): Uint8Array {
    this.#check(offset, lengthBytes);
    const bytes = new Uint8Array(lengthBytes);
    forEachBlock(offset, lengthBytes, (block, from, to, position) => {
      const written = this.#overlay.get(block);
      const source = written === undefined ? this.#baseBytes(block, from, to) : written.subarray(from, to);
      bytes.set(source, position);
    });
    return bytes;
  }

  /** Writes bytes at `offset`; they fit the disk. */
  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    forEachBlock(offset, bytes.length, (block, from, to, position) => {
      this.#writable(block).set(bytes.subarray(position, position + to - from), from);
    });
  }

  /** The blocks written, by number. The base is not part of it: a run names it by digest. */
  writeState(sink: StateSink): void {
    sink.value('blockBytes', BLOCK_BYTES);
    sink.beginList('blocks');
    for (const [block, bytes] of ascending(this.#overlay)) sink.value(undefined, { block, bytes });
    sink.end();
  }

  #writable(block: number): Uint8Array {
    const known = this.#overlay.get(block);
    if (known !== undefined) return known;
    const copy = new Uint8Array(BLOCK_BYTES);
    copy.set(this.#baseBytes(block, 0, BLOCK_BYTES));
    this.#overlay.set(block, copy);
    return copy;
  }

  /** Shorter where the image ends. */
  #baseBytes(block: number, from: number, to: number): Uint8Array {
    return this.#base.subarray(block * BLOCK_BYTES + from, block * BLOCK_BYTES + to);
  }

  #check(offset: number, lengthBytes: number): void {
    const inside = offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= this.sizeBytes;
    assert(inside, `disk access of ${lengthBytes} bytes at ${offset} past ${this.sizeBytes}`);
  }
}

/** Calls `visit(block, from, to, position)` for the part `[from, to)` of each block that a range touches. */
function forEachBlock(
  offset: number,
  lengthBytes: number,
  visit: (block: number, from: number, to: number, position: number) => void,
): void {
  for (let position = 0; position < lengthBytes; ) {
    const at = offset + position;
    const from = at % BLOCK_BYTES;
    const to = Math.min(BLOCK_BYTES, from + lengthBytes - position);
    visit((at - from) / BLOCK_BYTES, from, to, position);
    position += to - from;
  }
}
