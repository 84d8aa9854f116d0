/** What is drawn over the lanes: highlighted events, the selected event and its flow through the rings, the pointer's cycle. */
import { sampleMarks } from '../lod.ts';
import type { Flow, RingLanes } from '../ring-lanes.ts';
import { upperBound } from '../sorted.ts';
import type { LaneRow } from './layout.ts';
import { type Brush, slotPlace } from './paint-lanes.ts';

const HIGHLIGHT_HEIGHT = 4;
const ARROW = 5;

/** Marks the events of a highlighted category at the upper edge of every lane that holds them. */
export function paintHighlight(brush: Brush, row: LaneRow, highlighted: Uint32Array): void {
  const { context, palette, view, table } = brush;
  context.fillStyle = palette.select;
  sampleMarks(
    highlighted,
    table.cycle,
    () => 0,
    view,
    (x) => context.fillRect(x - 0.5, row.top, 2, HIGHLIGHT_HEIGHT),
  );
}

/** Whether a lane shows an event. */
export function holds(row: LaneRow, event: number): boolean {
  const { events } = row.lane;
  return events[upperBound(events, event) - 1] === event;
}

/** A line through all lanes at the selected event, and a frame around it where it is drawn. */
export function paintSelected(brush: Brush, rows: readonly LaneRow[], event: number, bottom: number): void {
  const { context, palette, view, table } = brush;
  const x = view.x(table.cycle[event] ?? 0);
  const width = (table.cost[event] ?? 0) * view.pixelsPerCycle;
  context.strokeStyle = palette.select;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, 0);
  context.lineTo(Math.round(x) + 0.5, bottom);
  context.stroke();
  context.setLineDash([]);
  context.lineWidth = 2;
  for (const row of rows) {
    if (!holds(row, event)) continue;
    const { lane } = row;
    if (lane.type === 'chains') frameChain(brush, row, lane.ring, upperBound(lane.ring.chains.takes, event) - 1);
    else context.strokeRect(x - 2, row.top + 1, Math.max(4, width + 3), row.height - 2);
  }
}

function frameChain(brush: Brush, row: LaneRow, ring: RingLanes, chain: number): void {
  const { context, view } = brush;
  const { top, height } = slotPlace(ring, chain, row.height);
  const left = view.x(ring.chains.starts[chain] ?? 0);
  const right = view.x(ring.chains.ends[chain] ?? 0);
  context.strokeRect(left - 1, row.top + top - 1, Math.max(3, right - left + 2), height + 2);
}

/** Where a step of a flow is drawn: its chain's bar, or the most particular visible lane that holds it. */
function place(
  brush: Brush,
  rows: readonly LaneRow[],
  flow: Flow,
  event: number,
): { readonly x: number; readonly y: number } | undefined {
  const x = brush.view.x(brush.table.cycle[event] ?? 0);
  if (event === flow.take || event === flow.complete) {
    const row = rows.find(({ lane }) => lane.type === 'chains' && lane.ring === flow.ring);
    if (row !== undefined) {
      const { top, height } = slotPlace(flow.ring, flow.chain, row.height);
      return { x, y: row.top + top + height / 2 };
    }
  }
  let best: LaneRow | undefined;
  for (const row of rows) {
    if (holds(row, event) && (best === undefined || best.lane.type === 'state' || row.isChild)) best = row;
  }
  return best === undefined ? undefined : { x, y: best.top + best.height / 2 };
}

/** Arrows from doorbell to take to completion to interrupt. */
export function paintFlow(brush: Brush, rows: readonly LaneRow[], flow: Flow): void {
  const { context, palette, view } = brush;
  const steps = [flow.doorbell ?? flow.notify, flow.take, flow.complete, flow.used, flow.inject, flow.interrupt];
  const points = steps.flatMap((event) => (event === undefined ? [] : (place(brush, rows, flow, event) ?? [])));
  context.strokeStyle = palette.accent;
  context.fillStyle = palette.accent;
  context.lineWidth = 1.5;
  points.forEach((to, index) => {
    const from = points[index - 1];
    if (from === undefined || (from.x === to.x && from.y === to.y)) return;
    // Far outside the window a line is the same as one that ends just outside it.
    const x0 = clamp(from.x, view.width);
    const x1 = clamp(to.x, view.width);
    const bend = Math.min(60, Math.abs(x1 - x0) / 2);
    context.beginPath();
    context.moveTo(x0, from.y);
    context.bezierCurveTo(x0 + bend, from.y, x1 - bend, to.y, x1, to.y);
    context.stroke();
    arrowHead(context, x1, to.y, bend > 2 ? 0 : Math.sign(to.y - from.y));
  });
}

/** @param down 1 for an arrow downwards, -1 upwards, 0 to the right */
function arrowHead(context: CanvasRenderingContext2D, x: number, y: number, down: number): void {
  context.beginPath();
  context.moveTo(x, y);
  if (down === 0) {
    context.lineTo(x - ARROW, y - ARROW * 0.7);
    context.lineTo(x - ARROW, y + ARROW * 0.7);
  } else {
    context.lineTo(x - ARROW * 0.7, y - ARROW * down);
    context.lineTo(x + ARROW * 0.7, y - ARROW * down);
  }
  context.fill();
}

function clamp(x: number, width: number): number {
  return Math.min(width + 2000, Math.max(-2000, x));
}
