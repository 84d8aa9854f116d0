/** The axis of cycles above the lanes. */
import { axisTop, scaleLinear, select } from 'd3';
import type { CycleView } from '../cycle-view.ts';
import { formatSi, groupDigits, tickLabels } from '../format.ts';

const PIXELS_PER_TICK = 110;
const EDGE_PIXELS = 24;

/** Cycles at which the axis has ticks; also where the grid lines are. */
export function ticksOf(view: CycleView): readonly number[] {
  const scale = scaleLinear([view.from, view.to], [0, view.width]);
  // A fraction of a cycle is no place in a run.
  return scale.ticks(Math.max(2, view.width / PIXELS_PER_TICK)).filter((tick) => Number.isInteger(tick));
}

export function drawAxis(svg: SVGSVGElement, base: HTMLElement, view: CycleView): void {
  const height = svg.clientHeight;
  const scale = scaleLinear([view.from, view.to], [0, view.width]);
  const ticks = ticksOf(view);
  const step = ticks.length > 1 ? (ticks[1] ?? 0) - (ticks[0] ?? 0) : view.span;
  const labels = tickLabels(view.from, view.to, step);
  const axis = axisTop<number>(scale)
    .tickValues([...ticks])
    .tickFormat((tick) => labels.label(Number(tick)))
    .tickSizeOuter(0);
  const group = select(svg)
    .selectAll<SVGGElement, null>('g.axis')
    .data([null])
    .join('g')
    .attr('class', 'axis')
    .attr('transform', `translate(0,${height - 1})`);
  group.call(axis);
  // The scale rounds; marks are drawn by the view, so that both agree to the pixel.
  group.selectAll<SVGGElement, number>('g.tick').attr('transform', (tick) => `translate(${view.x(Number(tick))},0)`);
  group
    .selectAll<SVGTextElement, number>('g.tick text')
    .attr('text-anchor', (tick) => anchorAt(view.x(Number(tick)), view.width));
  base.textContent = labels.base === undefined ? 'cycle' : `cycle ${groupDigits(labels.base)}`;
}

/** Labels at the edges grow inwards. */
function anchorAt(x: number, width: number): string {
  if (x < EDGE_PIXELS) return 'start';
  return x > width - EDGE_PIXELS ? 'end' : 'middle';
}

/** The visible window in words. */
export function windowText(view: CycleView): string {
  return `${formatSi(view.span)} of ${formatSi(view.totalCycles)} cycles`;
}
