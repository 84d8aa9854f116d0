/** The details panel: everything known about the selected event, and the way to its neighbours. */
import type { EmulationTarget } from '../../analysis/emulation-steps.ts';
import { describeEmulation, describeEvent, describeFlow, type Fact } from '../describe.ts';
import type { EventTable } from '../event-table.ts';
import { groupDigits } from '../format.ts';
import type { Timeline } from '../timeline.ts';
import { button, make } from './dom.ts';

export interface DetailsActions {
  readonly select: (event: number) => void;
  /** Next (+1) or previous (-1) event of the same sort. */
  readonly stepSort: (direction: 1 | -1) => void;
  readonly zoom: () => void;
}

export function drawDetails(
  into: HTMLElement,
  timeline: Timeline,
  selected: number | undefined,
  target: EmulationTarget,
  actions: DetailsActions,
): void {
  if (selected === undefined) {
    into.replaceChildren(
      make('h2', 'Nothing selected'),
      make('p', 'Click an event on the timeline, or a row of the table. Press ? for all keys.'),
    );
    return;
  }
  const { table } = timeline;
  const description = describeEvent(table, selected);
  const columns = make('div', '', 'columns');
  for (const facts of [description.facts, description.costs, description.place]) {
    if (facts.length > 0) columns.append(list(facts));
  }
  const category = table.categoryOf(selected);
  const steps = make('div', '', 'steps');
  steps.append(
    button('Previous', `Previous ${category.label}`, () => actions.stepSort(-1)),
    button('Next', `Next ${category.label}`, () => actions.stepSort(1)),
    button('Zoom to it', 'Zoom to this event (z)', actions.zoom),
    make('span', `one of ${groupDigits(category.count)} "${category.label}"`),
  );
  into.replaceChildren(make('h2', description.title), make('p', description.about), steps);
  into.append(...flow(timeline, selected, actions), columns, ...emulation(table, selected, target));
}

/** The steps that the event stands for. */
function emulation(table: EventTable, selected: number, target: EmulationTarget): readonly HTMLElement[] {
  const facts = describeEmulation(table, selected, target);
  if (facts.length === 0) return [];
  return [make('h3', `What it stands for under emulation, as in ${target}`), list(facts)];
}

function list(facts: readonly Fact[]): HTMLElement {
  const made = make('dl');
  for (const { label, value } of facts) {
    const row = make('div');
    row.append(make('dt', label), make('dd', value));
    made.append(row);
  }
  return made;
}

/** From doorbell to interrupt, each step a button. */
function flow(timeline: Timeline, selected: number, actions: DetailsActions): readonly HTMLElement[] {
  const found = timeline.flows.of(selected);
  if (found === undefined) return [];
  const made = make('ul', '', 'flow');
  for (const { name, event, sinceCycles } of describeFlow(timeline.table, found)) {
    const item = make('li');
    if (sinceCycles !== undefined) item.append(make('span', `+${groupDigits(sinceCycles)} `));
    const step = button(name, `Select: ${name}`, () => actions.select(event));
    if (event === selected) step.setAttribute('aria-current', 'true');
    item.append(step);
    made.append(item);
  }
  return [make('h3', `Chain ${found.chain + 1} of ${found.ring.name}, cycles between its steps`), made];
}
