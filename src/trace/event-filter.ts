/** Which events of a trace are wanted, and which rows of a chunk they are. */
import type { EventKind, VmEvent } from '../hypervisor/events.ts';
import type { ChunkInfo } from './chunk-list.ts';
import type { EventChunk } from './event-chunk.ts';

/** Which events to read. Ranges are half-open; all that is given must hold. */
export interface EventFilter {
  readonly fromCycle?: number;
  readonly toCycle?: number;
  readonly fromIcount?: number;
  readonly toIcount?: number;
  /** Numbers of events, from 0. */
  readonly fromEvent?: number;
  readonly toEvent?: number;
  readonly kinds?: readonly EventKind[];
  readonly harts?: readonly number[];
}

/** A filter as a reader uses it. */
export class EventSelection {
  /** Undefined: all. */
  readonly kinds: ReadonlySet<EventKind> | undefined;
  readonly #harts: ReadonlySet<number> | undefined;
  readonly #range: Required<Omit<EventFilter, 'kinds' | 'harts'>>;

  constructor({ kinds, harts, ...range }: EventFilter) {
    this.kinds = kinds === undefined ? undefined : new Set(kinds);
    this.#harts = harts === undefined ? undefined : new Set(harts);
    this.#range = {
      ...{ fromCycle: 0, fromIcount: 0, fromEvent: 0 },
      ...{ toCycle: Infinity, toIcount: Infinity, toEvent: Infinity },
      ...range,
    };
  }

  /** Whether all that is wanted lies behind a chunk, by the index. */
  isAfter({ first, count, lastCycle }: ChunkInfo): boolean {
    const { fromEvent, fromCycle } = this.#range;
    return first + count <= fromEvent || lastCycle < fromCycle;
  }

  /** Whether all that is wanted lies before a chunk, by the index. */
  isBefore({ first, firstCycle }: ChunkInfo): boolean {
    const { toEvent, toCycle } = this.#range;
    return first >= toEvent || firstCycle >= toCycle;
  }

  /** The rows of a chunk that are in the ranges. */
  rows({ first, cycles, icounts }: EventChunk): { readonly start: number; readonly end: number } {
    const { fromCycle, toCycle, fromIcount, toIcount, fromEvent, toEvent } = this.#range;
    const start = Math.max(fromEvent - first, lowerBound(cycles, fromCycle), lowerBound(icounts, fromIcount));
    const end = Math.min(toEvent - first, lowerBound(cycles, toCycle), lowerBound(icounts, toIcount));
    return { start, end };
  }

  /** Whether nothing that is wanted lies behind a chunk. */
  endsIn(chunk: EventChunk): boolean {
    return this.rows(chunk).end < chunk.count;
  }

  /** Whether all events of wanted kinds and rows are wanted. */
  get wantsAllHarts(): boolean {
    return this.#harts === undefined;
  }

  /** Whether an event of a wanted kind and row is wanted. */
  wants({ hart }: VmEvent): boolean {
    return this.#harts === undefined || this.#harts.has(hart);
  }
}

/** Position of the first value that is not less. */
export function lowerBound(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
