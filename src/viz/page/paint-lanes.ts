/** Draws one lane into a canvas whose coordinates begin at the lane's upper left corner. */
import type { EmulationTarget } from '../../analysis/emulation-steps.ts';
import { must } from '../../assert.ts';
import type { CycleView } from '../cycle-view.ts';
import type { EventTable } from '../event-table.ts';
import { formatShare } from '../format.ts';
import { sampleMarks, sampleSlot, sampleStates } from '../lod.ts';
import type { RingLanes } from '../ring-lanes.ts';
import { HART_STATES, STATE_CODE, type StateLane } from '../state-lane.ts';
import type { Lane } from '../timeline.ts';
import { paintGhosts } from './paint-ghosts.ts';
import { kindColour, type Palette } from './palette.ts';

/** What drawing a lane needs to know. */
export interface Brush {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly view: CycleView;
  readonly table: EventTable;
}

export interface LaneBrush extends Brush {
  /** The mode whose emulation bars show. */
  readonly target: EmulationTarget;
}

export const PADDING = 3;
/** Narrowest span that carries text, and narrowest exit that shows its parts. */
const TEXT_PIXELS_MIN = 46;
const PARTS_PIXELS_MIN = 6;
const CHARACTER_PIXELS = 6.4;
const TEXT_HEIGHT_MIN = 11;
/** Height of the bar of a single event beside pixels that hold many. */
const SINGLE_MARK_HEIGHT = 0.4;
/** With no more events than this in any pixel, bars would say nothing: all marks have full height. */
const SPARSE_EVENTS = 4;
/** States from the bottom of a column to its top. */
const STACK = ['hypervisor', 'guest', 'waiting', 'idle', 'stopped'] as const;

export function paintLane(brush: LaneBrush, lane: Lane, height: number): void {
  switch (lane.type) {
    case 'state':
      paintStates(brush, lane.states, height);
      return;
    case 'marks':
      paintMarks(brush, lane.events, height);
      return;
    case 'ghosts':
      paintGhosts(brush, lane.events, height);
      return;
    case 'occupancy':
      paintOccupancy(brush, lane.ring, height);
      return;
    case 'chains':
      paintChains(brush, lane.ring, height);
      return;
  }
}

export function paintStates(brush: Brush, states: StateLane, height: number): void {
  const { context, palette, view } = brush;
  const top = PADDING;
  const full = height - 2 * PADDING;
  sampleStates(states, view, {
    span: (span, x, width) => {
      const state = states.state(span);
      const event = states.events[span] ?? -1;
      if (state === 'hypervisor' && event >= 0 && width >= PARTS_PIXELS_MIN) {
        paintExit(brush, event, x, width, top, full);
        return;
      }
      context.fillStyle = palette[state];
      if (state === 'stopped') context.fillRect(x, top + full / 2, width, 1);
      else context.fillRect(x, top, width, full);
      if (state !== 'guest' && state !== 'stopped') paintText(brush, state, x, width, top, full, palette.text);
    },
    column: (x, cycles) => {
      let whole = 0;
      for (const length of cycles) whole += length;
      let bottom = top + full;
      for (const state of STACK) {
        const length = cycles[STATE_CODE[state]] ?? 0;
        if (length <= 0 || whole <= 0) continue;
        // A state that is there at all is seen, however short.
        const size = Math.min(bottom - top, Math.max(1, (length / whole) * full));
        context.fillStyle = palette[state];
        context.fillRect(x, bottom - size, 1, size);
        bottom -= size;
      }
    },
  });
}

/** One exit, wide enough to show entry, handling and return. */
function paintExit(brush: Brush, event: number, x: number, width: number, top: number, full: number): void {
  const { context, palette, view, table } = brush;
  const kind = table.kindOf(event);
  const row = table.row[event] ?? 0;
  let from = view.x(table.cycle[event] ?? 0);
  const right = x + width;
  for (const part of ['entry', 'handling', 'return'] as const) {
    const cycles = table.numbers(kind, `${part}Cycles`)[row] ?? 0;
    const to = from + cycles * view.pixelsPerCycle;
    const left = Math.max(x, from);
    const size = Math.min(right, to) - left;
    context.fillStyle = palette[part];
    if (size > 0) context.fillRect(left, top, size, full);
    from = to;
  }
  context.fillStyle = palette.page;
  context.fillRect(x, top, 1, full);
  const { label } = table.categoryOf(event);
  paintText(brush, label, x, width, top, full, '#111111');
}

export function paintText(
  brush: Brush,
  text: string,
  x: number,
  width: number,
  top: number,
  full: number,
  colour: string,
): void {
  const left = Math.max(0, x);
  const room = Math.min(brush.view.width, x + width) - left;
  if (room < TEXT_PIXELS_MIN) return;
  const letters = Math.floor((room - 8) / CHARACTER_PIXELS);
  const shown = text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
  brush.context.fillStyle = colour;
  brush.context.fillText(shown, left + 4, top + full / 2 + 0.5);
}

/** Greatest number of events in one pixel of a lane: the full height of its bars. */
function densest(brush: Brush, events: Uint32Array): number {
  let most = 1;
  sampleMarks(
    events,
    brush.table.cycle,
    () => 0,
    brush.view,
    (_x, _width, _first, count) => {
      most = Math.max(most, count);
    },
  );
  return most;
}

export function paintMarks(brush: Brush, events: Uint32Array, height: number): void {
  const { context, palette, view, table } = brush;
  const { cost } = table;
  const full = height - 2 * PADDING;
  const most = densest(brush, events);
  const scale = most <= SPARSE_EVENTS ? 0 : Math.log2(1 + most);
  const lengthOf = (position: number): number => cost[events[position] ?? 0] ?? 0;
  sampleMarks(events, table.cycle, lengthOf, view, (x, width, first, count) => {
    const event = must(events[first], 'a mark has an event');
    const kind = table.kindOf(event);
    context.fillStyle = kindColour(palette, kind);
    if (kind === 'broken' || kind === 'drop') {
      paintCross(context, x, PADDING, full);
      return;
    }
    const share =
      scale === 0 ? 1 : SINGLE_MARK_HEIGHT + ((1 - SINGLE_MARK_HEIGHT) * (Math.log2(1 + count) - 1)) / (scale - 1);
    if (kind === 'avoidedExit' && count === 1 && scale === 0) {
      paintDiamond(context, x, PADDING + full / 2, full);
      return;
    }
    const size = width > 1 ? full : Math.max(2, full * share);
    context.fillRect(x, PADDING + full - size, Math.max(1, width), size);
    if (width > TEXT_PIXELS_MIN) paintText(brush, table.categoryOf(event).label, x, width, PADDING, full, palette.page);
  });
}

/** Hollow: nothing happened here that took any time. */
function paintDiamond(context: CanvasRenderingContext2D, x: number, middle: number, full: number): void {
  const size = Math.min(full, 10) / 2;
  context.strokeStyle = context.fillStyle;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, middle - size);
  context.lineTo(x + size, middle);
  context.lineTo(x, middle + size);
  context.lineTo(x - size, middle);
  context.closePath();
  context.stroke();
}

function paintCross(context: CanvasRenderingContext2D, x: number, top: number, full: number): void {
  const size = Math.min(full, 12) / 2;
  const middle = top + full / 2;
  context.strokeStyle = context.fillStyle;
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(x - size, middle - size);
  context.lineTo(x + size, middle + size);
  context.moveTo(x + size, middle - size);
  context.lineTo(x - size, middle + size);
  context.stroke();
}

/** Chains in flight as an area, chains that wait above it, doorbells and interrupts as small triangles at the edges. */
function paintOccupancy(brush: Brush, ring: RingLanes, height: number): void {
  const { context, palette, view, table } = brush;
  const edge = 5;
  const full = height - 2 * edge;
  const bottom = height - edge;
  const { occupancy } = ring;
  const top = Math.max(1, occupancy.inFlight.top, occupancy.waiting.top);
  const end = Math.min(view.width, view.x(occupancy.endCycle));
  for (let x = 0; x < end; x += 1) {
    const { inFlight, waiting } = occupancy.maxIn(view.cycle(x), view.cycle(x + 1));
    if (inFlight === 0 && waiting === 0) continue;
    const flightHeight = (inFlight / top) * full;
    context.fillStyle = palette.flight;
    context.fillRect(x, bottom - flightHeight, 1, flightHeight);
    const queuedTop = Math.min(full, ((inFlight + waiting) / top) * full);
    context.fillStyle = palette.queued;
    if (queuedTop > flightHeight) context.fillRect(x, bottom - queuedTop, 1, queuedTop - flightHeight);
  }
  context.fillStyle = palette.line;
  context.fillRect(0, bottom, view.width, 1);
  sampleMarks(
    ring.events,
    table.cycle,
    () => 0,
    view,
    (x, _width, first) => {
      const event = ring.events[first] ?? 0;
      const kind = table.kindOf(event);
      context.fillStyle = kindColour(palette, kind);
      if (kind === 'notify') triangle(context, x, bottom + edge, -edge);
      else if (kind === 'broken' || kind === 'drop') paintCross(context, x, edge, full);
    },
  );
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.beginPath();
  context.moveTo(x, y + size);
  context.lineTo(x + 3.5, y);
  context.lineTo(x - 3.5, y);
  context.fill();
}

/** A chain that the device still has at the end is no fault: buffers for what may yet come are handed out ahead. */
const NEVER_RETURNED_ALPHA = 0.35;

function paintChains(brush: Brush, ring: RingLanes, height: number): void {
  const { context, palette, view, table } = brush;
  for (const slot of ring.slots) {
    const { top, height: size } = slotPlace(ring, slot[0] ?? 0, height);
    sampleSlot(slot, ring.chains.starts, ring.chains.ends, view, (chain, x, width) => {
      const isReturned = (ring.chains.completes[chain] ?? -1) >= 0;
      context.fillStyle = palette.flight;
      context.globalAlpha = isReturned ? 1 : NEVER_RETURNED_ALPHA;
      context.fillRect(x, top, width > 3 ? width - 0.5 : width, size);
      context.globalAlpha = 1;
      if (size < TEXT_HEIGHT_MIN || width < TEXT_PIXELS_MIN) return;
      const take = ring.chains.takes[chain] ?? 0;
      const head = table.numbers('take', 'head')[table.row[take] ?? 0] ?? 0;
      paintText(brush, `head ${head}`, x, width, top, size, palette.page);
    });
  }
}

/** Where the bar of a chain is in a lane of chains, from the lane's top. */
export function slotPlace(
  ring: RingLanes,
  chain: number,
  laneHeight: number,
): { readonly top: number; readonly height: number } {
  const rowHeight = (laneHeight - 2 * PADDING) / Math.max(1, ring.slots.length);
  // A chain without a slot of its own is pointed at where the slots end.
  const slot = Math.min(ring.chains.slots[chain] ?? 0, ring.slots.length);
  return { top: PADDING + slot * rowHeight, height: Math.max(1, rowHeight - 1) };
}

/** Shares of the states in words, largest first. */
export function shareWords(cycles: Readonly<Record<string, number>>): string {
  const whole = HART_STATES.reduce((sum, state) => sum + (cycles[state] ?? 0), 0);
  return HART_STATES.filter((state) => (cycles[state] ?? 0) > 0)
    .map((state) => ({ state, length: cycles[state] ?? 0 }))
    .sort((a, b) => b.length - a.length)
    .map(({ state, length }) => `${state} ${formatShare(length, whole)}`)
    .join(' · ');
}
