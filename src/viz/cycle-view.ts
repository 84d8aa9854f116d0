/**
 * The visible window of the run and the only place where cycles become pixels and pixels cycles. Immutable: navigation makes a
 * new one.
 */

/** Closest zoom: this many cycles across the whole width. */
const SPAN_CYCLES_MIN = 8;

export class CycleView {
  /** Length of the run. */
  readonly totalCycles: number;
  /** First visible cycle, fractional. */
  readonly from: number;
  /** End of the visible range. */
  readonly to: number;
  /** Width in CSS pixels. */
  readonly width: number;

  private constructor(totalCycles: number, from: number, to: number, width: number) {
    this.totalCycles = totalCycles;
    this.from = from;
    this.to = to;
    this.width = width;
  }

  /** The window `[from, to)` as far as it fits the run: moved and widened where needed. */
  static of(totalCycles: number, from: number, to: number, width: number): CycleView {
    const total = Math.max(totalCycles, SPAN_CYCLES_MIN);
    const span = Math.min(total, Math.max(SPAN_CYCLES_MIN, to - from));
    const middle = (from + to) / 2;
    // A window that only moves keeps its edges exactly; one that had to change its width keeps its middle.
    const wanted = span === to - from ? from : middle - span / 2;
    const start = Math.min(Math.max(0, wanted), total - span);
    return new CycleView(total, start, start + span, Math.max(1, width));
  }

  static whole(totalCycles: number, width: number): CycleView {
    return CycleView.of(totalCycles, 0, Math.max(totalCycles, SPAN_CYCLES_MIN), width);
  }

  get span(): number {
    return this.to - this.from;
  }

  get pixelsPerCycle(): number {
    return this.width / this.span;
  }

  /** How many times closer than the whole run. */
  get zoom(): number {
    return this.totalCycles / this.span;
  }

  /** Greatest zoom of this run. */
  get zoomMax(): number {
    return this.totalCycles / SPAN_CYCLES_MIN;
  }

  x(cycle: number): number {
    return (cycle - this.from) * this.pixelsPerCycle;
  }

  cycle(x: number): number {
    return this.from + x / this.pixelsPerCycle;
  }

  /** Closer by `factor` (> 1) with the cycle under pixel `x` staying where it is. */
  zoomAround(x: number, factor: number): CycleView {
    const span = Math.min(this.totalCycles, Math.max(SPAN_CYCLES_MIN, this.span / factor));
    const from = this.cycle(x) - (x / this.width) * span;
    return CycleView.of(this.totalCycles, from, from + span, this.width);
  }

  /** Moved later by a number of pixels. */
  pan(pixels: number): CycleView {
    const cycles = pixels / this.pixelsPerCycle;
    return CycleView.of(this.totalCycles, this.from + cycles, this.to + cycles, this.width);
  }

  resize(width: number): CycleView {
    return CycleView.of(this.totalCycles, this.from, this.to, width);
  }

  /** Same zoom unless `[from, to)` would be invisibly small or too large for it, with the range in the middle. */
  reveal(from: number, to: number): CycleView {
    const length = to - from;
    const span = length > this.span ? length * 3 : this.span;
    const middle = (from + to) / 2;
    return CycleView.of(this.totalCycles, middle - span / 2, middle + span / 2, this.width);
  }
}
