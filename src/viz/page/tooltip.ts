/** The note beside the pointer. */
import { describeEventsIn, summarizeEvent } from '../describe.ts';
import type { EventTable } from '../event-table.ts';
import { formatCycles, groupDigits } from '../format.ts';
import type { Hit } from '../hit-test.ts';
import type { Lane } from '../timeline.ts';
import { make } from './dom.ts';
import { shareWords } from './paint-lanes.ts';

const OFFSET_PIXELS = 14;

/** What a hit says, line by line; none for nothing. */
export function tooltipLines(table: EventTable, lane: Lane, hit: Hit): readonly string[] {
  switch (hit.kind) {
    case 'nothing':
      return [];
    case 'event':
      return summarizeEvent(table, hit.event);
    case 'many':
      return [
        `${groupDigits(hit.count)} events in ${formatCycles(hit.to - hit.from)}`,
        ...describeEventsIn(table, lane.events, hit.first, hit.count),
        `from cycle ${groupDigits(hit.from)}`,
      ];
    case 'state':
      return [`${lane.label}: ${hit.state}`, formatCycles(hit.to - hit.from), `from cycle ${groupDigits(hit.from)}`];
    case 'shares':
      return [
        `${lane.label}: ${formatCycles(hit.to - hit.from)}`,
        shareWords(hit.cycles),
        ...(hit.first === undefined ? [] : describeEventsIn(table, lane.events, hit.first, hit.count)),
      ];
    case 'level':
      return [
        `${lane.label}: ${hit.inFlight} in flight, ${hit.waiting} waiting`,
        ...(hit.first === undefined ? [] : describeEventsIn(table, lane.events, hit.first, hit.count)),
        `cycle ${groupDigits(hit.from)}`,
      ];
  }
}

export function showTooltip(tooltip: HTMLElement, lines: readonly string[], clientX: number, clientY: number): void {
  if (lines.length === 0) {
    tooltip.hidden = true;
    return;
  }
  tooltip.replaceChildren(...lines.map((line) => make('p', line)));
  tooltip.hidden = false;
  const { width, height } = tooltip.getBoundingClientRect();
  const left =
    clientX + OFFSET_PIXELS + width > window.innerWidth ? clientX - OFFSET_PIXELS - width : clientX + OFFSET_PIXELS;
  const top =
    clientY + OFFSET_PIXELS + height > window.innerHeight ? clientY - OFFSET_PIXELS - height : clientY + OFFSET_PIXELS;
  tooltip.style.left = `${Math.max(0, left)}px`;
  tooltip.style.top = `${Math.max(0, top)}px`;
}
