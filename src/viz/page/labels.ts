/** The column of lane names: choosing a lane, opening and closing a group. */
import { formatSi, groupDigits } from '../format.ts';
import { button, make } from './dom.ts';
import type { LaneRow } from './layout.ts';

export interface LabelActions {
  readonly choose: (laneId: string) => void;
  readonly toggle: (groupId: string) => void;
}

/** Writes the names of `rows` anew. */
export function drawLabels(
  into: HTMLElement,
  rows: readonly LaneRow[],
  open: ReadonlySet<string>,
  chosen: string | undefined,
  actions: LabelActions,
): void {
  const focused = document.activeElement?.getAttribute('data-group');
  into.replaceChildren(...rows.map((row) => label(row, open, chosen, actions)));
  if (focused === null || focused === undefined) return;
  // Opening a group must not take the focus from its button.
  for (const candidate of into.querySelectorAll('button')) {
    if (candidate.getAttribute('data-group') === focused) candidate.focus();
  }
}

function label(
  row: LaneRow,
  open: ReadonlySet<string>,
  chosen: string | undefined,
  actions: LabelActions,
): HTMLElement {
  const { lane, group, isChild, height } = row;
  const made = make('div', '', `lane${isChild ? ' child' : ''}${lane.id === chosen ? ' chosen' : ''}`);
  made.style.height = `${height}px`;
  made.title = `${lane.label}${lane.role ? ` (${lane.role})` : ''}: ${groupDigits(lane.events.length)} events`;
  made.dataset.lane = lane.id;
  if (!isChild)
    made.append(group.children.length > 0 ? toggle(group.id, lane.label, open, actions) : make('span', '', 'blank'));
  const name = make('span', lane.label, 'name');
  if (lane.role !== undefined && lane.role !== '') name.append(make('small', lane.role));
  made.append(name, make('span', countText(row), 'count'));
  made.addEventListener('click', () => actions.choose(lane.id));
  return made;
}

function toggle(groupId: string, name: string, open: ReadonlySet<string>, actions: LabelActions): HTMLButtonElement {
  const isOpen = open.has(groupId);
  const made = button(isOpen ? '▾' : '▸', `${isOpen ? 'Close' : 'Open'} ${name}`, () => actions.toggle(groupId));
  made.setAttribute('aria-expanded', String(isOpen));
  made.setAttribute('aria-label', `${isOpen ? 'Close' : 'Open'} ${name}`);
  made.dataset.group = groupId;
  made.addEventListener('click', (event) => event.stopPropagation());
  return made;
}

function countText({ lane }: LaneRow): string {
  if (lane.type === 'occupancy') return `max ${lane.ring.occupancy.inFlight.top}`;
  return formatSi(lane.events.length, 3);
}
