/** Which tag the translations of a root have in the TLB. A root that is loaded again finds what is left of its own. */

import type { StateSink } from '../../machine/state-sink.ts';
import type { Virtualization } from '../../machine/virtualization-types.ts';
import { TLB_SPACE_COUNT } from '../../machine/virtualization-types.ts';

/** Space 0 is for having no root. */
const FIRST_SPACE = 1;

export class RootSpaces {
  readonly #virtualization: Virtualization;
  readonly #hartCount: number;
  readonly #spaces = new Map<number, number>();
  /** Roots by space. */
  readonly #roots: (number | undefined)[] = new Array(TLB_SPACE_COUNT.deprivileged).fill(undefined);
  #next = FIRST_SPACE;

  constructor(virtualization: Virtualization, hartCount: number) {
    this.#virtualization = virtualization;
    this.#hartCount = hartCount;
  }

  /**
   * The space of a root. If it has none, it gets the one that was given away longest ago.
   * @param isLoaded whether a root is in use: its space stays with it
   */
  of(root: number, isLoaded: (root: number) => boolean): number {
    const known = this.#spaces.get(root);
    if (known !== undefined) return known;
    for (;;) {
      const space = this.#next;
      this.#next = space + 1 < TLB_SPACE_COUNT.deprivileged ? space + 1 : FIRST_SPACE;
      const before = this.#roots[space];
      if (before !== undefined && isLoaded(before)) continue;
      if (before !== undefined) {
        this.#spaces.delete(before);
        for (let hart = 0; hart < this.#hartCount; hart++) this.#virtualization.flushSpace(hart, space);
      }
      this.#spaces.set(root, space);
      this.#roots[space] = root;
      return space;
    }
  }

  writeState(sink: StateSink): void {
    sink.value('next', this.#next);
    sink.beginList('roots');
    for (const root of this.#roots) sink.value(undefined, root ?? 0);
    sink.end();
  }
}
