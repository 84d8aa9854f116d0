/**
 * What lies under a pixel of a lane: one event, many that share the pixel, a state of a hart, or the level of a ring.
 */
import type { EmulationTarget } from '../analysis/emulation-steps.ts';
import type { CycleView } from './cycle-view.ts';
import type { EventTable } from './event-table.ts';
import { countMarks } from './lod.ts';
import { lowerBoundBy } from './sorted.ts';
import { HART_STATES, type HartState } from './state-lane.ts';
import type { Lane } from './timeline.ts';

/** How far beside a mark the pointer may be. */
const REACH_PIXELS = 4;
/** A span narrower than this cannot be told from its neighbours. */
const SPAN_PIXELS_MIN = 2;

export type Hit =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'event'; readonly event: number }
  | {
      readonly kind: 'many';
      readonly first: number;
      readonly count: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'state'; readonly state: HartState; readonly from: number; readonly to: number }
  | {
      readonly kind: 'shares';
      readonly cycles: Readonly<Record<HartState, number>>;
      readonly from: number;
      readonly to: number;
      /** First event of the lane in the range, undefined if there is none. */
      readonly first: number | undefined;
      readonly count: number;
    }
  | {
      readonly kind: 'level';
      readonly inFlight: number;
      readonly waiting: number;
      readonly from: number;
      readonly to: number;
      readonly first: number | undefined;
      readonly count: number;
    };

const NOTHING: Hit = { kind: 'nothing' };

/**
 * @param x pixels within the view
 * @param depth where in the lane's height, 0 at the top to 1 at the bottom
 * @param target the mode whose emulation bars show
 */
export function hitTest(
  table: EventTable,
  lane: Lane,
  view: CycleView,
  x: number,
  depth: number,
  target: EmulationTarget = 'full',
): Hit {
  const cycle = view.cycle(x);
  if (cycle < 0 || cycle > table.model.facts.cycles) return NOTHING;
  switch (lane.type) {
    case 'state':
      return hitState(table, lane, view, x);
    case 'marks':
      return hitMarks(table, lane.events, table.cost, view, x);
    case 'ghosts':
      return hitMarks(table, lane.events, table.emulated(target), view, x);
    case 'occupancy':
      return hitLevel(table, lane, view, x);
    case 'chains':
      return hitChain(lane, view, x, depth);
  }
}

function hitState(table: EventTable, lane: Lane & { type: 'state' }, view: CycleView, x: number): Hit {
  const { states } = lane;
  const span = states.spanAt(view.cycle(x));
  const from = states.starts[span] ?? 0;
  const to = states.end(span);
  if ((to - from) * view.pixelsPerCycle >= SPAN_PIXELS_MIN) {
    const event = states.events[span] ?? -1;
    return event >= 0 ? { kind: 'event', event } : { kind: 'state', state: states.state(span), from, to };
  }
  const range = pixelRange(view, x, table.model.facts.cycles);
  const cycles = new Float64Array(HART_STATES.length);
  states.addCycles(range.from, range.to, cycles);
  const { first, count } = countMarks(lane.events, table.cycle, range.from, range.to);
  const byState = Object.fromEntries(HART_STATES.map((state, code) => [state, cycles[code] ?? 0]));
  return {
    kind: 'shares',
    cycles: byState as Record<HartState, number>,
    ...range,
    first: count > 0 ? lane.events[first] : undefined,
    count,
  };
}

/** @param lengths in cycles, by event */
function hitMarks(table: EventTable, events: Uint32Array, lengths: Float64Array, view: CycleView, x: number): Hit {
  const before = lowerBoundBy(events, table.cycle, view.cycle(Math.floor(x) + 1)) - 1;
  const under = events[before];
  const length = under === undefined ? 0 : (lengths[under] ?? 0);
  if (under !== undefined && length > 0 && view.x((table.cycle[under] ?? 0) + length) >= x) {
    if (length * view.pixelsPerCycle >= SPAN_PIXELS_MIN) return { kind: 'event', event: under };
  }
  for (let reach = 0; reach <= REACH_PIXELS; reach += 1) {
    for (const column of reach === 0 ? [Math.floor(x)] : [Math.floor(x) - reach, Math.floor(x) + reach]) {
      const { from, to } = pixelRange(view, column, Number.POSITIVE_INFINITY);
      const { first, count } = countMarks(events, table.cycle, from, to);
      const event = events[first];
      if (count === 0 || event === undefined) continue;
      return count === 1 ? { kind: 'event', event } : { kind: 'many', first: event, count, from, to };
    }
  }
  return NOTHING;
}

function hitLevel(table: EventTable, lane: Lane & { type: 'occupancy' }, view: CycleView, x: number): Hit {
  const range = pixelRange(view, x, table.model.facts.cycles);
  const { inFlight, waiting } = lane.ring.occupancy.maxIn(range.from, range.to);
  const near = hitMarks(table, lane.events, table.cost, view, x);
  if (near.kind === 'event') return { kind: 'level', inFlight, waiting, ...range, first: near.event, count: 1 };
  if (near.kind === 'many') return { kind: 'level', inFlight, waiting, ...range, first: near.first, count: near.count };
  return { kind: 'level', inFlight, waiting, ...range, first: undefined, count: 0 };
}

function hitChain(lane: Lane & { type: 'chains' }, view: CycleView, x: number, depth: number): Hit {
  const { slots, chains } = lane.ring;
  const row = Math.min(slots.length - 1, Math.max(0, Math.floor(depth * slots.length)));
  const slot = slots[row];
  if (slot === undefined) return NOTHING;
  // The last chain of the slot that begins at or before the pixel.
  const position = lowerBoundBy(slot, chains.starts, view.cycle(x + 1)) - 1;
  const chain = slot[position];
  if (chain === undefined) return NOTHING;
  const right = view.x(chains.ends[chain] ?? 0);
  return right >= x - REACH_PIXELS ? { kind: 'event', event: chains.takes[chain] ?? 0 } : NOTHING;
}

function pixelRange(view: CycleView, x: number, endCycle: number): { readonly from: number; readonly to: number } {
  const column = Math.floor(x);
  return { from: Math.max(0, view.cycle(column)), to: Math.min(endCycle, view.cycle(column + 1)) };
}
