/**
 * A lane that is always in some state: spans without gaps from cycle 0 to the end of the run. Drawing asks for the share of each
 * state in a range of cycles, which takes a binary search and a bounded scan however many spans there are: block sums are made
 * once, when the lane is built.
 */
import { assert } from '../assert.ts';
import { upperBound } from './sorted.ts';

/** What a hart, or the processor that the harts share, is doing. */
export const HART_STATES = ['guest', 'hypervisor', 'idle', 'waiting', 'stopped'] as const;
export type HartState = (typeof HART_STATES)[number];

export const STATE_CODE = { guest: 0, hypervisor: 1, idle: 2, waiting: 3, stopped: 4 } as const satisfies Record<
  HartState,
  number
>;

const STATE_COUNT = HART_STATES.length;
const BLOCK_SPANS = 32;
const FIRST_CAPACITY = 256;

/** Builds a {@link StateLane} from state changes in order of cycle. */
export class StateLaneBuilder {
  #starts = new Float64Array(FIRST_CAPACITY);
  #states = new Uint8Array(FIRST_CAPACITY);
  #events = new Int32Array(FIRST_CAPACITY);
  #count = 0;

  /** From `cycle` on the lane is in `state`, because of `event` (-1: none). A cycle before the last change counts as that. */
  set(cycle: number, state: HartState, event: number): void {
    const code = STATE_CODE[state];
    const last = this.#count - 1;
    const lastStart = last >= 0 ? (this.#starts[last] ?? 0) : 0;
    const start = Math.max(cycle, lastStart);
    if (last >= 0 && start === lastStart) {
      this.#put(last, start, code, event);
      return;
    }
    if (last >= 0 && this.#states[last] === code && event === -1 && this.#events[last] === -1) return;
    if (this.#count === this.#starts.length) this.#grow();
    this.#put(this.#count, start, code, event);
    this.#count += 1;
  }

  build(endCycle: number): StateLane {
    if (this.#count === 0) this.set(0, 'stopped', -1);
    return new StateLane(
      this.#starts.slice(0, this.#count),
      this.#states.slice(0, this.#count),
      this.#events.slice(0, this.#count),
      endCycle,
    );
  }

  #put(index: number, start: number, code: number, event: number): void {
    this.#starts[index] = start;
    this.#states[index] = code;
    this.#events[index] = event;
  }

  #grow(): void {
    const capacity = this.#starts.length * 2;
    const starts = new Float64Array(capacity);
    const states = new Uint8Array(capacity);
    const events = new Int32Array(capacity);
    starts.set(this.#starts);
    states.set(this.#states);
    events.set(this.#events);
    this.#starts = starts;
    this.#states = states;
    this.#events = events;
  }
}

export class StateLane {
  /** First cycle of each span; the first is 0. */
  readonly starts: Float64Array;
  /** State of each span as a {@link STATE_CODE}. */
  readonly states: Uint8Array;
  /** Event behind each span, -1 for none. */
  readonly events: Int32Array;
  readonly endCycle: number;
  /** Cycles per state before each block of spans. */
  readonly #blockSums: Float64Array;

  constructor(starts: Float64Array, states: Uint8Array, events: Int32Array, endCycle: number) {
    assert(starts.length > 0, 'a state lane has a span');
    this.starts = starts;
    this.states = states;
    this.events = events;
    this.endCycle = Math.max(endCycle, starts[starts.length - 1] ?? 0);
    this.#blockSums = this.#sumBlocks();
  }

  get count(): number {
    return this.starts.length;
  }

  end(span: number): number {
    return span + 1 < this.starts.length ? (this.starts[span + 1] ?? 0) : this.endCycle;
  }

  state(span: number): HartState {
    return HART_STATES[this.states[span] ?? 0] ?? 'guest';
  }

  /** The span that holds `cycle`: the last that starts at or before it. */
  spanAt(cycle: number): number {
    return Math.max(0, upperBound(this.starts, cycle) - 1);
  }

  /** Adds to `into` the cycles that each state has in `[from, to)`, in the order of {@link HART_STATES}. */
  addCycles(from: number, to: number, into: Float64Array): void {
    this.#addPrefix(Math.min(to, this.endCycle), 1, into);
    this.#addPrefix(Math.min(from, this.endCycle), -1, into);
  }

  /** Adds `sign` times the cycles of each state in `[0, cycle)`. */
  #addPrefix(cycle: number, sign: number, into: Float64Array): void {
    if (cycle <= 0) return;
    const last = this.spanAt(cycle);
    const block = Math.floor(last / BLOCK_SPANS);
    for (let state = 0; state < STATE_COUNT; state += 1) {
      into[state] = (into[state] ?? 0) + sign * (this.#blockSums[block * STATE_COUNT + state] ?? 0);
    }
    for (let span = block * BLOCK_SPANS; span <= last; span += 1) {
      const length = Math.min(cycle, this.end(span)) - (this.starts[span] ?? 0);
      const state = this.states[span] ?? 0;
      into[state] = (into[state] ?? 0) + sign * length;
    }
  }

  #sumBlocks(): Float64Array {
    const blocks = Math.ceil(this.count / BLOCK_SPANS);
    const sums = new Float64Array((blocks + 1) * STATE_COUNT);
    const running = new Float64Array(STATE_COUNT);
    for (let span = 0; span < this.count; span += 1) {
      if (span % BLOCK_SPANS === 0) sums.set(running, (span / BLOCK_SPANS) * STATE_COUNT);
      const state = this.states[span] ?? 0;
      running[state] = (running[state] ?? 0) + this.end(span) - (this.starts[span] ?? 0);
    }
    return sums;
  }
}
