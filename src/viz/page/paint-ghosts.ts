/**
 * Draws what events stand for under emulation: for each pixel a translucent bar, as long as the emulation of what begins there would have
 * taken. Bars lie over each other where emulation would have taken longer than the run did, so that darker means more of it.
 */
import { sampleMarks } from '../lod.ts';
import { type LaneBrush, PADDING, paintText } from './paint-lanes.ts';

const OPACITY = 0.35;
/** Of the lane's height: a bar shorter than a pixel is still seen. */
const HEIGHT_MIN = 0.15;

export function paintGhosts(brush: LaneBrush, events: Uint32Array, height: number): void {
  const { context, palette, view, table, target } = brush;
  const emulated = table.emulated(target);
  const sums = table.emulatedSums(events, target);
  const full = height - 2 * PADDING;
  // Nothing, as an interrupt mask is to hardware that has one, is not drawn.
  const lengthOf = (position: number): number => emulated[events[position] ?? 0] ?? 0;
  sampleMarks(events, table.cycle, lengthOf, view, (x, _width, first, count) => {
    const cycles = (sums[first + count] ?? 0) - (sums[first] ?? 0);
    if (cycles === 0) return;
    const width = cycles * view.pixelsPerCycle;
    const size = full * Math.min(1, Math.max(HEIGHT_MIN, width));
    context.globalAlpha = OPACITY;
    context.fillStyle = palette.ghost;
    context.fillRect(x, PADDING + full - size, Math.max(1, width), size);
    context.globalAlpha = 1;
    if (count > 1) return;
    const next = events[first + 1];
    const room = next === undefined ? width : Math.min(width, view.x(table.cycle[next] ?? 0) - x);
    paintText(brush, table.categoryOf(events[first] ?? 0).label, x, room, PADDING, full, palette.text);
  });
}
