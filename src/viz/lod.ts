/**
 * Level of detail: what to draw in each pixel column, however many events fall into it. Work per lane is proportional to its
 * width in pixels (times a binary search), never to its events.
 */
import type { CycleView } from './cycle-view.ts';
import { lowerBound, lowerBoundBy, upperBound } from './sorted.ts';
import { HART_STATES, type StateLane } from './state-lane.ts';

const STATE_COUNT = HART_STATES.length;
/** A span at least this wide is drawn by itself. */
const OWN_SPAN_PIXELS = 1.5;

/** Receives what a state lane shows: spans that are wide enough, and columns of one pixel that hold several states. */
export interface StateSink {
  /** @param x,width in pixels within the view */
  span(span: number, x: number, width: number): void;
  /** @param cycles cycles of each state in the column; reused between calls */
  column(x: number, cycles: Float64Array): void;
}

export function sampleStates(lane: StateLane, view: CycleView, sink: StateSink): void {
  const cycles = new Float64Array(STATE_COUNT);
  const end = Math.min(view.width, view.x(lane.endCycle));
  let x = 0;
  while (x < end) {
    const span = lane.spanAt(view.cycle(x));
    const spanEnd = Math.min(end, view.x(lane.end(span)));
    if (spanEnd - x >= OWN_SPAN_PIXELS) {
      // Whole pixels, so that the columns after it begin at one.
      const next = spanEnd >= end ? spanEnd : Math.floor(spanEnd);
      sink.span(span, x, next - x);
      x = next;
      continue;
    }
    cycles.fill(0);
    lane.addCycles(view.cycle(x), Math.min(lane.endCycle, view.cycle(x + 1)), cycles);
    sink.column(x, cycles);
    x += 1;
  }
}

/**
 * Receives the marks of a lane: `count` events from position `first` on, that begin in pixel `x`, drawn `width` wide.
 */
export type MarkSink = (x: number, width: number, first: number, count: number) => void;

/**
 * @param events rising event numbers
 * @param cycles cycle by event number
 * @param lengthOf length in cycles of the event at a position
 */
export function sampleMarks(
  events: Uint32Array,
  cycles: Float64Array,
  lengthOf: (position: number) => number,
  view: CycleView,
  sink: MarkSink,
): void {
  let position = firstVisible(events, cycles, lengthOf, view);
  while (position < events.length) {
    const start = view.x(cycles[events[position] ?? 0] ?? 0);
    if (start >= view.width) return;
    const column = Math.floor(start);
    // At the closest zoom many events share a cycle: the search is by the next pixel's first cycle.
    const next = Math.max(position + 1, lowerBoundBy(events, cycles, view.cycle(column + 1)));
    const count = next - position;
    const length = lengthOf(position) * view.pixelsPerCycle;
    if (count === 1 && length >= 1) sink(start, length, position, 1);
    else sink(column, 1, position, count);
    position = next;
  }
}

/** The first mark in the window; the one before it too, if it reaches into the window. */
function firstVisible(
  events: Uint32Array,
  cycles: Float64Array,
  lengthOf: (position: number) => number,
  view: CycleView,
): number {
  const first = lowerBoundBy(events, cycles, view.from);
  if (first === 0) return 0;
  const reach = (cycles[events[first - 1] ?? 0] ?? 0) + lengthOf(first - 1);
  return reach > view.from ? first - 1 : first;
}

/**
 * Spans of chains in one slot: rising and without overlap. Each call of `sink` gets a chain and where it is drawn; chains that
 * fall into one pixel are drawn as the first of them.
 */
export function sampleSlot(
  slot: Uint32Array,
  starts: Float64Array,
  ends: Float64Array,
  view: CycleView,
  sink: (chain: number, x: number, width: number) => void,
): void {
  let position = firstByEnd(slot, ends, view.from);
  while (position < slot.length) {
    const chain = slot[position] ?? 0;
    const x = Math.max(-1, view.x(starts[chain] ?? 0));
    if (x >= view.width) return;
    const right = Math.min(view.width + 1, view.x(ends[chain] ?? 0));
    const width = Math.max(1, right - x);
    sink(chain, x, width);
    const after = firstByEnd(slot, ends, view.cycle(x + width));
    position = Math.max(position + 1, after);
  }
}

/** First position whose chain ends after `cycle`. */
function firstByEnd(slot: Uint32Array, ends: Float64Array, cycle: number): number {
  let low = 0;
  let high = slot.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[slot[middle] ?? 0] ?? 0) <= cycle) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Number of events in `[from, to)` and the position of the first. */
export function countMarks(
  events: Uint32Array,
  cycles: Float64Array,
  from: number,
  to: number,
): { readonly first: number; readonly count: number } {
  const first = lowerBoundBy(events, cycles, from);
  return { first, count: lowerBoundBy(events, cycles, to) - first };
}

/** Position of the event at or before `event`, and the one after: for stepping through a lane. -1 and length beyond the ends. */
export function neighbours(events: Uint32Array, event: number): { readonly previous: number; readonly next: number } {
  return { previous: lowerBound(events, event) - 1, next: upperBound(events, event) };
}
