/**
 * The page: holds what is chosen and visible, and draws it. Every change goes through `#invalidate`; one frame draws all.
 */
import { EMULATION_TARGETS, type EmulationTarget } from '../../analysis/emulation-steps.ts';
import { must } from '../../assert.ts';
import { CycleView } from '../cycle-view.ts';
import { type Hit, hitTest } from '../hit-test.ts';
import { neighbours } from '../lod.ts';
import { lowerBound } from '../sorted.ts';
import type { Timeline } from '../timeline.ts';
import { drawAxis, ticksOf, windowText } from './axis.ts';
import { drawDetails } from './details.ts';
import { byId, sizeCanvas } from './dom.ts';
import { listenToKeys } from './keyboard.ts';
import { drawLabels } from './labels.ts';
import { heightOfAll, type LaneRow, layOut, rowAt } from './layout.ts';
import { Navigation } from './navigation.ts';
import { Overview } from './overview.ts';
import { type Brush, type LaneBrush, paintLane } from './paint-lanes.ts';
import { paintFlow, paintHighlight, paintSelected } from './paint-marks.ts';
import { type Palette, readPalette } from './palette.ts';
import { SummaryTable } from './summary-table.ts';
import { showTooltip, tooltipLines } from './tooltip.ts';

const FONT = '11px system-ui, "Liberation Sans", sans-serif';
const BUTTON_ZOOM = 2;
/** A selected event is shown with this many times its length around it. */
const ZOOM_TO_EVENT = 8;
/** An event without length is shown in a window of this many cycles. */
const ZOOM_TO_INSTANT_CYCLES = 2000;

export class ReportPage {
  readonly #timeline: Timeline;
  readonly #canvas = byId('timeline', HTMLCanvasElement);
  readonly #scroller = byId('lanes', HTMLDivElement);
  readonly #plot = byId('plot', HTMLDivElement);
  readonly #emulation = byId('emulation', HTMLSelectElement);
  readonly #tooltip = byId('tooltip', HTMLDivElement);
  readonly #navigation: Navigation;
  readonly #overview: Overview;
  readonly #tables: SummaryTable;
  readonly #open: Set<string>;
  #palette: Palette = readPalette();
  #rows: readonly LaneRow[] = [];
  #chosenLane: string | undefined;
  #selected: number | undefined;
  #target: EmulationTarget = 'full';
  #highlight: number | undefined;
  #highlighted = new Map<string, Uint32Array>();
  /** Where the mouse is: in the canvas and in the browser's window; `isIdle` while it presses nothing. */
  #pointer:
    | { readonly x: number; readonly y: number; readonly client: readonly [number, number]; readonly isIdle: boolean }
    | undefined;
  #frame: number | undefined;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    const { cycles } = timeline.table.model.facts;
    this.#open = new Set(timeline.openAtFirst);
    this.#navigation = new Navigation(
      this.#canvas,
      cycles,
      () => this.#invalidate(),
      (pixels) => this.#scroller.scrollBy(0, -pixels),
    );
    this.#overview = new Overview(byId('overview', HTMLCanvasElement), timeline.table, timeline.processor, (middle) => {
      const { span } = this.#navigation.view;
      this.#showRange(middle - span / 2, middle + span / 2);
    });
    this.#tables = new SummaryTable(document, (category) => this.#chooseCategory(category));
    this.#listen();
    this.#rowsChanged();
    this.#drawDetails();
    this.#resize();
  }

  #listen(): void {
    const hasEmulation = this.#timeline.groups.some(({ main }) => main.type === 'ghosts');
    new ResizeObserver(() => this.#resize()).observe(this.#scroller);
    const scheme = window.matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', () => {
      this.#palette = readPalette();
      this.#overview.invalidate();
      this.#invalidate();
    });
    this.#scroller.addEventListener('scroll', () => this.#invalidate());
    this.#canvas.addEventListener('mousemove', (event) => this.#pointAt(event));
    this.#canvas.addEventListener('mouseleave', () => this.#leave());
    this.#canvas.addEventListener('click', (event) => this.#click(event));
    this.#canvas.addEventListener('dblclick', () => this.#zoomToSelected());
    byId('zoom-in', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(BUTTON_ZOOM));
    byId('zoom-out', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(1 / BUTTON_ZOOM));
    byId('fit', HTMLButtonElement).addEventListener('click', () => this.#showAll());
    byId('emulation-choice', HTMLLabelElement).hidden = !hasEmulation;
    this.#emulation.addEventListener('change', () => {
      this.#emulateAs(must(EMULATION_TARGETS[this.#emulation.selectedIndex], 'a target'));
    });
    byId('help-open', HTMLButtonElement).addEventListener('click', () => this.#help());
    listenToKeys({
      zoom: (factor) => this.#zoomBy(factor, this.#pointer?.x),
      pan: (windows) => this.#navigation.show(this.#navigation.view.pan(windows * this.#navigation.view.width)),
      showAll: () => this.#showAll(),
      stepLane: (direction) => this.#stepLane(direction),
      stepEvent: (direction) => this.#stepEvent(direction),
      zoomToSelected: () => this.#zoomToSelected(),
      nextTarget: () => this.#nextTarget(),
      clear: () => this.#clear(),
      help: () => this.#help(),
    });
  }

  #resize(): void {
    const width = this.#plot.clientWidth;
    const height = this.#scroller.clientHeight;
    // Overview and axis end where the lanes do: left of the scroll bar.
    document.documentElement.style.setProperty('--plot-width', `${width}px`);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    this.#overview.invalidate();
    this.#navigation.resize(width, height);
    this.#invalidate();
  }

  /** Asks for one drawing of everything, at the next frame. */
  #invalidate(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#draw();
    });
  }

  #draw(): void {
    const { view } = this.#navigation;
    const height = this.#scroller.clientHeight;
    const scroll = this.#scroller.scrollTop;
    const context = sizeCanvas(this.#canvas, view.width, height);
    context.font = FONT;
    context.textBaseline = 'middle';
    const brush: LaneBrush = {
      context,
      palette: this.#palette,
      view,
      table: this.#timeline.table,
      target: this.#target,
    };
    context.save();
    context.translate(0, -scroll);
    this.#drawGrid(brush, scroll, height);
    for (const row of this.#rows) {
      if (row.top + row.height < scroll || row.top > scroll + height) continue;
      context.save();
      context.translate(0, row.top);
      context.beginPath();
      context.rect(0, 0, view.width, row.height);
      context.clip();
      paintLane(brush, row.lane, row.height);
      context.restore();
      const highlighted = this.#highlightedIn(row);
      if (highlighted !== undefined) paintHighlight(brush, row, highlighted);
    }
    this.#drawSelection(brush, scroll + height);
    context.restore();
    drawAxis(byId('axis', SVGSVGElement), byId('axis-base', HTMLDivElement), view);
    this.#overview.draw(view, this.#palette);
    byId('window-text', HTMLDivElement).textContent = windowText(view);
    this.#showTooltip();
    document.documentElement.dataset.window = `${view.from} ${view.to}`;
  }

  #drawGrid(brush: Brush, scroll: number, height: number): void {
    const { context, palette, view } = brush;
    context.fillStyle = palette.grid;
    for (const tick of ticksOf(view)) context.fillRect(Math.round(view.x(tick)), scroll, 1, height);
    for (const row of this.#rows) {
      if (row.lane.id === this.#chosenLane) {
        context.fillStyle = palette.panel;
        context.fillRect(0, row.top, view.width, row.height);
        context.fillStyle = palette.grid;
      }
      context.fillRect(0, row.top + row.height - 1, view.width, 1);
    }
  }

  #drawSelection(brush: Brush, bottom: number): void {
    const { context, palette } = brush;
    if (this.#selected !== undefined) {
      paintSelected(brush, this.#rows, this.#selected, bottom);
      const flow = this.#timeline.flows.of(this.#selected);
      if (flow !== undefined) paintFlow(brush, this.#rows, flow);
    }
    if (this.#pointer !== undefined) {
      context.fillStyle = palette.soft;
      context.fillRect(Math.round(this.#pointer.x), 0, 1, bottom);
    }
  }

  #drawDetails(): void {
    drawDetails(byId('details', HTMLElement), this.#timeline, this.#selected, this.#target, {
      select: (event) => this.#select(event),
      stepSort: (direction) => this.#stepSort(direction),
      zoom: () => this.#zoomToSelected(),
    });
  }

  #rowsChanged(): void {
    this.#rows = layOut(this.#timeline, this.#open);
    // The canvas sticks to the window that scrolls; the column beside it has the height of all lanes.
    this.#plot.style.height = `${Math.max(heightOfAll(this.#rows), 1)}px`;
    drawLabels(byId('labels', HTMLDivElement), this.#rows, this.#open, this.#chosenLane, {
      choose: (lane) => this.#chooseLane(lane),
      toggle: (group) => {
        if (!this.#open.delete(group)) this.#open.add(group);
        this.#rowsChanged();
      },
    });
    this.#invalidate();
  }

  /** @param target of the emulation that is shown from now on */
  #emulateAs(target: EmulationTarget): void {
    this.#target = target;
    this.#emulation.value = target;
    this.#drawDetails();
    this.#invalidate();
  }

  #nextTarget(): void {
    const at = EMULATION_TARGETS.indexOf(this.#target);
    this.#emulateAs(must(EMULATION_TARGETS[(at + 1) % EMULATION_TARGETS.length], 'a target'));
  }

  #chooseLane(lane: string | undefined): void {
    this.#chosenLane = lane;
    this.#rowsChanged();
    const row = this.#rows.find((candidate) => candidate.lane.id === lane);
    if (row === undefined) return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (row.top < scrollTop) this.#scroller.scrollTop = row.top;
    else if (row.top + row.height > scrollTop + clientHeight) {
      this.#scroller.scrollTop = row.top + row.height - clientHeight;
    }
  }

  #stepLane(direction: 1 | -1): void {
    const at = this.#rows.findIndex(({ lane }) => lane.id === this.#chosenLane);
    const next = at < 0 ? 0 : Math.min(this.#rows.length - 1, Math.max(0, at + direction));
    this.#chooseLane(this.#rows[next]?.lane.id);
  }

  /** The next or previous event of the chosen lane; without a selection the first in the window. */
  #stepEvent(direction: 1 | -1): void {
    const row = this.#rows.find(({ lane }) => lane.id === this.#chosenLane) ?? this.#rows[0];
    if (row === undefined) return;
    if (this.#chosenLane === undefined) this.#chooseLane(row.lane.id);
    this.#stepIn(row.lane.events, direction);
  }

  #stepSort(direction: 1 | -1): void {
    if (this.#selected === undefined) return;
    const sort = this.#timeline.table.category[this.#selected];
    this.#stepIn(
      this.#timeline.table.select((_, id) => id === sort),
      direction,
    );
  }

  #stepIn(events: Uint32Array, direction: 1 | -1): void {
    const from = this.#selected ?? this.#firstInWindow() - 1;
    const { previous, next } = neighbours(events, from);
    const event = events[direction === 1 ? next : previous];
    if (event !== undefined) this.#select(event);
  }

  #firstInWindow(): number {
    return lowerBound(this.#timeline.table.cycle, this.#navigation.view.from);
  }

  #select(event: number | undefined): void {
    this.#selected = event;
    this.#drawDetails();
    this.#invalidate();
    if (event === undefined) return;
    const { table } = this.#timeline;
    const { view } = this.#navigation;
    const from = must(table.cycle[event], 'the selected event exists');
    const to = table.endCycle(event);
    if (from < view.from || to > view.to) this.#navigation.show(view.reveal(from, to));
  }

  #chooseCategory(category: number): void {
    const same = this.#highlight === category;
    this.#highlight = same ? undefined : category;
    this.#highlighted = new Map();
    this.#tables.show(this.#highlight);
    if (!same) this.#select(this.#timeline.table.select((_, id) => id === category)[0]);
    this.#invalidate();
  }

  /** The highlighted events of a lane; undefined if it has none. */
  #highlightedIn(row: LaneRow): Uint32Array | undefined {
    if (this.#highlight === undefined) return undefined;
    let events = this.#highlighted.get(row.lane.id);
    if (events === undefined) {
      const { category } = this.#timeline.table;
      events = row.lane.events.filter((event) => category[event] === this.#highlight);
      this.#highlighted.set(row.lane.id, events);
    }
    return events.length === 0 ? undefined : events;
  }

  #zoomBy(factor: number, x?: number): void {
    const { view } = this.#navigation;
    this.#navigation.show(view.zoomAround(x ?? view.width / 2, factor));
  }

  #showAll(): void {
    const { view } = this.#navigation;
    this.#navigation.show(CycleView.whole(view.totalCycles, view.width));
  }

  #showRange(from: number, to: number): void {
    const { view } = this.#navigation;
    this.#navigation.show(CycleView.of(view.totalCycles, from, to, view.width));
  }

  #zoomToSelected(): void {
    if (this.#selected === undefined) return;
    const { table, flows } = this.#timeline;
    const flow = flows.of(this.#selected);
    const from = table.cycle[flow?.doorbell ?? flow?.take ?? this.#selected] ?? 0;
    const to = Math.max(
      table.endCycle(flow?.interrupt ?? flow?.complete ?? this.#selected),
      table.endCycle(this.#selected),
    );
    const length = to - from;
    const margin = length === 0 ? ZOOM_TO_INSTANT_CYCLES / 2 : (length * (flow === undefined ? ZOOM_TO_EVENT : 1)) / 2;
    this.#showRange(Math.min(from, table.cycle[this.#selected] ?? from) - margin, to + margin);
  }

  #clear(): void {
    const dialog = byId('help', HTMLDialogElement);
    if (dialog.open) dialog.close();
    this.#highlight = undefined;
    this.#tables.show(undefined);
    this.#select(undefined);
    this.#chooseLane(undefined);
  }

  #help(): void {
    const dialog = byId('help', HTMLDialogElement);
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  #pointAt(event: MouseEvent): void {
    this.#pointer = {
      x: event.offsetX,
      y: event.offsetY,
      client: [event.clientX, event.clientY],
      isIdle: event.buttons === 0,
    };
    this.#invalidate();
  }

  /** What is under the pointer now: called when that moves, and when the timeline moves under it. */
  #showTooltip(): void {
    if (this.#pointer === undefined) return;
    const { x, y, client, isIdle } = this.#pointer;
    const found = isIdle ? this.#hitAt(x, y) : undefined;
    const lines =
      found === undefined ? [] : tooltipLines(this.#timeline.table, found.row.lane, found.hit, this.#target);
    showTooltip(this.#tooltip, lines, ...client);
  }

  #leave(): void {
    this.#pointer = undefined;
    this.#tooltip.hidden = true;
    this.#invalidate();
  }

  #click(event: MouseEvent): void {
    const found = this.#hitAt(event.offsetX, event.offsetY);
    if (found === undefined) return;
    this.#chooseLane(found.row.lane.id);
    const { hit } = found;
    if (hit.kind === 'event') this.#select(hit.event);
    else if (hit.kind === 'many' || hit.kind === 'shares' || hit.kind === 'level') this.#select(hit.first);
    else this.#select(undefined);
  }

  #hitAt(x: number, y: number): { readonly row: LaneRow; readonly hit: Hit } | undefined {
    const laneY = y + this.#scroller.scrollTop;
    const row = rowAt(this.#rows, laneY);
    if (row === undefined) return undefined;
    const depth = (laneY - row.top) / row.height;
    return { row, hit: hitTest(this.#timeline.table, row.lane, this.#navigation.view, x, depth, this.#target) };
  }
}
