/**
 * A lane of two counts that change in steps: chains in flight and chains that wait in a ring. Drawing asks for the greatest value
 * in a range of cycles; a tree of maxima answers that in the same few steps for ten steps or ten million.
 */
import { lowerBound, upperBound } from './sorted.ts';

const FAN_OUT = 16;

/** Builds a {@link StepLane} from changes in order of cycle. */
export class StepLaneBuilder {
  readonly #cycles: number[] = [];
  readonly #inFlight: number[] = [];
  readonly #waiting: number[] = [];

  /** Undefined leaves a count as it was. */
  set(cycle: number, inFlight: number | undefined, waiting: number | undefined): void {
    const last = this.#cycles.length - 1;
    this.#cycles.push(cycle);
    this.#inFlight.push(inFlight ?? this.#inFlight[last] ?? 0);
    this.#waiting.push(waiting ?? this.#waiting[last] ?? 0);
  }

  build(endCycle: number): StepLane {
    return new StepLane(
      Float64Array.from(this.#cycles),
      Uint16Array.from(this.#inFlight),
      Uint16Array.from(this.#waiting),
      endCycle,
    );
  }
}

export class StepLane {
  readonly cycles: Float64Array;
  readonly endCycle: number;
  readonly inFlight: MaxTree;
  readonly waiting: MaxTree;

  constructor(cycles: Float64Array, inFlight: Uint16Array, waiting: Uint16Array, endCycle: number) {
    this.cycles = cycles;
    this.endCycle = endCycle;
    this.inFlight = new MaxTree(inFlight);
    this.waiting = new MaxTree(waiting);
  }

  /** Step in force at `cycle`, -1 before the first. */
  stepAt(cycle: number): number {
    return upperBound(this.cycles, cycle) - 1;
  }

  /** Greatest counts in `[from, to)`, counting the step in force at `from`. */
  maxIn(from: number, to: number): { readonly inFlight: number; readonly waiting: number } {
    const first = Math.max(0, this.stepAt(from));
    // The last step that begins before `to`.
    const end = Math.max(first + 1, lowerBound(this.cycles, to));
    if (this.cycles.length === 0 || (this.cycles[first] ?? 0) >= to) return { inFlight: 0, waiting: 0 };
    return { inFlight: this.inFlight.max(first, end), waiting: this.waiting.max(first, end) };
  }
}

/** Maxima over ranges of a fixed array. */
export class MaxTree {
  readonly values: Uint16Array;
  /** Each level holds the maxima of {@link FAN_OUT} entries of the one below. */
  readonly #levels: readonly Uint16Array[];

  constructor(values: Uint16Array) {
    this.values = values;
    const levels = [values];
    for (let below = values; below.length > FAN_OUT; ) {
      const level = new Uint16Array(Math.ceil(below.length / FAN_OUT));
      for (let i = 0; i < below.length; i += 1) {
        const at = Math.floor(i / FAN_OUT);
        level[at] = Math.max(level[at] ?? 0, below[i] ?? 0);
      }
      levels.push(level);
      below = level;
    }
    this.#levels = levels;
  }

  /** Greatest of all; 0 for an empty array. */
  get top(): number {
    return this.max(0, this.values.length);
  }

  /** Greatest value with an index in `[from, to)`; 0 for an empty range. */
  max(from: number, to: number): number {
    let greatest = 0;
    let low = from;
    let high = to;
    for (const level of this.#levels) {
      while (low < high && low % FAN_OUT !== 0) greatest = Math.max(greatest, level[low++] ?? 0);
      while (low < high && high % FAN_OUT !== 0) greatest = Math.max(greatest, level[--high] ?? 0);
      if (low >= high) return greatest;
      low /= FAN_OUT;
      high /= FAN_OUT;
    }
    // The topmost level has at most FAN_OUT entries: a range that is left over covers it whole.
    for (const value of this.#levels[this.#levels.length - 1] ?? []) greatest = Math.max(greatest, value);
    return greatest;
  }
}
