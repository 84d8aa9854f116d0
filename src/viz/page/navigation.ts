/**
 * Moving through the run: d3's zoom behaviour turns wheel, drag and touch into a transform; the transform becomes a
 * {@link CycleView}, and every other way to move (keys, buttons, overview) sets the transform, so that there is one truth.
 */
import { type D3ZoomEvent, type Selection, select, type ZoomBehavior, zoom, zoomIdentity } from 'd3';
import { CycleView } from '../cycle-view.ts';

/** A drag shorter than this is a click. */
const CLICK_PIXELS = 4;
const LINE_PIXELS = 16;

export class Navigation {
  readonly #selection: Selection<HTMLCanvasElement, unknown, null, undefined>;
  readonly #zoom: ZoomBehavior<HTMLCanvasElement, unknown>;
  readonly #totalCycles: number;
  readonly #onChange: () => void;
  #view: CycleView;

  /** @param onDragY is told how far a drag went downwards, to scroll the lanes */
  constructor(canvas: HTMLCanvasElement, totalCycles: number, onChange: () => void, onDragY: (pixels: number) => void) {
    this.#totalCycles = totalCycles;
    this.#onChange = onChange;
    this.#view = CycleView.whole(totalCycles, 1);
    this.#selection = select(canvas);
    this.#zoom = zoom<HTMLCanvasElement, unknown>()
      .clickDistance(CLICK_PIXELS)
      .filter((event: MouseEvent | WheelEvent) => (event.type === 'wheel' ? !isSideways(event) : event.button === 0))
      .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.#zoomed(event, onDragY));
    this.#selection.call(this.#zoom).on('dblclick.zoom', null);
    canvas.addEventListener('wheel', (event) => this.#wheelSideways(event), { passive: false });
  }

  get view(): CycleView {
    return this.#view;
  }

  /** Moves to a view of the same run. */
  show(view: CycleView): void {
    const transform = zoomIdentity.translate(-view.from * view.pixelsPerCycle, 0).scale(view.zoom);
    this.#selection.call(this.#zoom.transform, transform);
  }

  /** Keeps the visible cycles in a canvas of another size. */
  resize(width: number, height: number): void {
    const wanted = this.#view.resize(width);
    this.#zoom
      .extent([
        [0, 0],
        [width, height],
      ])
      .translateExtent([
        [0, Number.NEGATIVE_INFINITY],
        [width, Number.POSITIVE_INFINITY],
      ])
      .scaleExtent([1, wanted.zoomMax]);
    this.#view = wanted;
    this.show(wanted);
  }

  #zoomed(event: D3ZoomEvent<HTMLCanvasElement, unknown>, onDragY: (pixels: number) => void): void {
    const { width } = this.#view;
    const { k, x } = event.transform;
    const pixelsPerCycle = (k * width) / CycleView.whole(this.#totalCycles, width).totalCycles;
    const from = -x / pixelsPerCycle;
    this.#view = CycleView.of(this.#totalCycles, from, from + width / pixelsPerCycle, width);
    const source: unknown = event.sourceEvent;
    if (source instanceof MouseEvent && source.type === 'mousemove') onDragY(source.movementY);
    this.#onChange();
  }

  #wheelSideways(event: WheelEvent): void {
    if (!isSideways(event)) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
    const amount = event.deltaX !== 0 ? event.deltaX : event.deltaY;
    this.show(this.#view.pan(amount * lines));
  }
}

function isSideways(event: MouseEvent | WheelEvent): boolean {
  return event instanceof WheelEvent && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY));
}
