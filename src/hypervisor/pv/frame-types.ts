/**
 * What each frame of a paravirtual guest is used for (docs/abi.md, "Page tables"): nothing, mapped writable, or a page table of one level.
 * A frame has one use at a time, counted, so that no page table is ever mapped writable. The bookkeeping alone: `direct-paging.ts` says
 * what the entries of a table count as.
 */
import { assert } from '../../assert.ts';

/** Uses. Levels of page tables are counted as Xen does: 1 holds leaves, 3 is a root. */
export const FRAME_USE = { none: 0, level1: 1, level2: 2, level3: 3, writable: 4 } as const;
export type FrameUse = (typeof FRAME_USE)[keyof typeof FRAME_USE];
export type TableLevel = 1 | 2 | 3;

/** Counts are 32 bits wide: a guest has fewer entries than that to count. */
export class FrameTypes {
  readonly #firstFrame: number;
  readonly #uses: Uint8Array;
  readonly #counts: Uint32Array;
  readonly #pinned: Uint8Array;

  /** @param firstFrame number of the first frame of RAM */
  constructor(firstFrame: number, frameCount: number) {
    this.#firstFrame = firstFrame;
    this.#uses = new Uint8Array(frameCount);
    this.#counts = new Uint32Array(frameCount);
    this.#pinned = new Uint8Array(frameCount);
  }

  /** Whether the frame is RAM of the guest. */
  owns(frame: number): boolean {
    const index = frame - this.#firstFrame;
    return index >= 0 && index < this.#uses.length;
  }

  useOf(frame: number): FrameUse {
    return this.#uses[this.#index(frame)] as FrameUse;
  }

  countOf(frame: number): number {
    return this.#counts[this.#index(frame)] as number;
  }

  /** Whether one more use of that kind is possible. */
  allows(frame: number, use: FrameUse): boolean {
    const index = this.#index(frame);
    return this.#counts[index] === 0 || this.#uses[index] === use;
  }

  /** Counts a use. Returns whether it is the first of its kind: a frame that becomes a table has then to be validated. */
  take(frame: number, use: FrameUse): boolean {
    const index = this.#index(frame);
    assert(this.allows(frame, use), 'a frame has one use at a time');
    const isFirst = this.#counts[index] === 0;
    this.#uses[index] = use;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    return isFirst;
  }

  /** Gives a use back. Returns whether it was the last one. */
  drop(frame: number): boolean {
    const index = this.#index(frame);
    const count = this.#counts[index] as number;
    assert(count > 0, 'a use that was counted');
    this.#counts[index] = count - 1;
    if (count > 1) return false;
    this.#uses[index] = FRAME_USE.none;
    return true;
  }

  isPinned(frame: number): boolean {
    return this.#pinned[this.#index(frame)] === 1;
  }

  setPinned(frame: number, pinned: boolean): void {
    this.#pinned[this.#index(frame)] = pinned ? 1 : 0;
  }

  #index(frame: number): number {
    assert(this.owns(frame), 'a frame of the guest');
    return frame - this.#firstFrame;
  }
}
