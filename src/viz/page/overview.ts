/** The strip above the axis: the whole run at once, with the visible window in it. */
import { type D3DragEvent, drag, select } from 'd3';
import { CycleView } from '../cycle-view.ts';
import type { EventTable } from '../event-table.ts';
import type { StateLane } from '../state-lane.ts';
import { sizeCanvas } from './dom.ts';
import { paintStates } from './paint-lanes.ts';
import type { Palette } from './palette.ts';

const WINDOW_PIXELS_MIN = 3;

export class Overview {
  readonly #canvas: HTMLCanvasElement;
  readonly #table: EventTable;
  readonly #states: StateLane;
  /** The strip without its window, as it was drawn last. */
  #strip: HTMLCanvasElement | undefined;

  /** @param onMove is told the cycle that shall be in the middle of the window */
  constructor(canvas: HTMLCanvasElement, table: EventTable, states: StateLane, onMove: (middle: number) => void) {
    this.#canvas = canvas;
    this.#table = table;
    this.#states = states;
    const move = ({ x }: { readonly x: number }): void => onMove(this.#whole().cycle(x));
    const dragging = drag<HTMLCanvasElement, unknown>()
      .on('start', (event: D3DragEvent<HTMLCanvasElement, unknown, unknown>) => move(event))
      .on('drag', (event: D3DragEvent<HTMLCanvasElement, unknown, unknown>) => move(event));
    select(canvas).call(dragging);
  }

  /** Forgets the strip: size or colours changed. */
  invalidate(): void {
    this.#strip = undefined;
  }

  draw(view: CycleView, palette: Palette): void {
    const width = this.#canvas.clientWidth;
    const height = this.#canvas.clientHeight;
    const context = sizeCanvas(this.#canvas, width, height);
    this.#strip ??= this.#drawStrip(width, height, palette);
    context.drawImage(this.#strip, 0, 0, width, height);
    const whole = this.#whole();
    const left = whole.x(view.from);
    const size = Math.max(WINDOW_PIXELS_MIN, whole.x(view.to) - left);
    context.globalAlpha = 0.62;
    context.fillStyle = palette.page;
    context.fillRect(0, 0, left, height);
    context.fillRect(left + size, 0, width, height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    context.lineWidth = 2;
    context.strokeRect(left + 1, 1, Math.max(1, size - 2), height - 2);
  }

  #drawStrip(width: number, height: number, palette: Palette): HTMLCanvasElement {
    const strip = document.createElement('canvas');
    const context = sizeCanvas(strip, width, height);
    const view = CycleView.whole(this.#table.model.facts.cycles, width);
    context.textBaseline = 'middle';
    paintStates({ context, palette, view, table: this.#table }, this.#states, height);
    return strip;
  }

  #whole(): CycleView {
    return CycleView.whole(this.#table.model.facts.cycles, this.#canvas.clientWidth);
  }
}
