/** The note beside the pointer. */
import type { EmulationTarget } from '../../analysis/emulation-steps.ts';
import { describeEmulation, describeEventsIn, summarizeEvent } from '../describe.ts';
import type { EventTable } from '../event-table.ts';
import { formatCycles, groupDigits } from '../format.ts';
import type { Hit } from '../hit-test.ts';
import { lowerBound } from '../sorted.ts';
import type { Lane } from '../timeline.ts';
import { make } from './dom.ts';
import { shareWords } from './paint-lanes.ts';

const OFFSET_PIXELS = 14;

/** What a hit says, line by line; none for nothing. */
export function tooltipLines(table: EventTable, lane: Lane, hit: Hit, target: EmulationTarget): readonly string[] {
  switch (hit.kind) {
    case 'nothing':
      return [];
    case 'event':
      return [...summarizeEvent(table, hit.event), ...emulationLines(table, hit.event, target)];
    case 'many':
      return [
        `${groupDigits(hit.count)} events in ${formatCycles(hit.to - hit.from)}`,
        ...describeEventsIn(table, lane.events, hit.first, hit.count),
        ...(lane.type === 'ghosts' ? [emulatedIn(table, lane.events, hit, target)] : []),
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

/** `as in full: CSR accesses of the trap entry 6 × 618 cycles; in all 3,708 cycles`. */
function emulationLines(table: EventTable, event: number, target: EmulationTarget): readonly string[] {
  const facts = describeEmulation(table, event, target);
  if (facts.length === 0) return [];
  return [`emulated as in ${target}: ${facts.map(({ label, value }) => `${label} ${value}`).join('; ')}`];
}

function emulatedIn(
  table: EventTable,
  events: Uint32Array,
  { first, count }: Hit & { kind: 'many' },
  target: EmulationTarget,
): string {
  const sums = table.emulatedSums(events, target);
  const start = lowerBound(events, first);
  return `emulated as in ${target}: ${formatCycles((sums[start + count] ?? 0) - (sums[start] ?? 0))}`;
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
