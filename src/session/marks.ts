/** Marks that the user asked for beforehand, added to any input. */
import type { InputPort, InputSource, Position } from './ports.ts';

/** A place that is to get a name: the first at which the guest can be stopped, from this cycle on. */
export interface WantedMark {
  readonly label: string;
  readonly cycle: number;
}

/** An input source with marks. What the guest is given, and when, is that of the source. */
export class MarkedInput implements InputSource {
  readonly #source: InputSource;
  /** In order of their cycles. */
  readonly #marks: readonly WantedMark[];
  #next = 0;

  constructor(source: InputSource, marks: readonly WantedMark[]) {
    this.#source = source;
    this.#marks = [...marks].sort((a, b) => a.cycle - b.cycle);
  }

  pull(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#source.pull(port, now, maxBytes);
  }

  nextPushCycle(now: Position): number {
    const mark = this.#marks[this.#next];
    const cycle = this.#source.nextPushCycle(now);
    return mark === undefined ? cycle : Math.min(cycle, Math.max(mark.cycle, now.cycle + 1));
  }

  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#source.push(port, now, maxBytes);
  }

  hasEnded(now: Position): boolean {
    return this.#source.hasEnded(now);
  }

  mark(now: Position): string | undefined {
    const mark = this.#marks[this.#next];
    if (mark === undefined || mark.cycle > now.cycle) return this.#source.mark?.(now);
    this.#next += 1;
    return mark.label;
  }
}
