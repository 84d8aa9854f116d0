/**
 * The lines from devices: each goes to its source at the interrupt controller, unless the guest has asked for it elsewhere. Where a line goes is
 * decided here, so that neither device nor controller knows.
 */
import { assert, must } from '../assert.ts';
import type { IrqLine } from '../machine/bus.ts';
import type { PirqLines } from './pv/event-channels.ts';

interface Line {
  readonly device: string;
  readonly controller: IrqLine;
  isHigh: boolean;
  /** Called when it rises; undefined: it goes to the controller. */
  diverted: (() => void) | undefined;
}

export class IrqLines implements PirqLines {
  readonly #lines = new Map<number, Line>();
  readonly #raised: (device: string, source: number) => void;

  /** @param raised a line into the interrupt controller rose */
  constructor(raised: (device: string, source: number) => void) {
    this.#raised = raised;
  }

  /** The end of a line that its device holds. Once for each source. */
  connect(device: string, source: number, controller: IrqLine): IrqLine {
    assert(!this.#lines.has(source), `source ${source} has one line`);
    const line: Line = { device, controller, isHigh: false, diverted: undefined };
    this.#lines.set(source, line);
    return { set: (level) => this.#set(line, source, level) };
  }

  deviceOf(source: number): string | undefined {
    return this.#lines.get(source)?.device;
  }

  isHigh(source: number): boolean {
    return this.#line(source).isHigh;
  }

  divert(source: number, rose: () => void): void {
    const line = this.#line(source);
    line.diverted = rose;
    line.controller.set(false);
  }

  giveBack(source: number): void {
    const line = this.#line(source);
    line.diverted = undefined;
    if (!line.isHigh) return;
    line.controller.set(true);
    this.#raised(line.device, source);
  }

  #set(line: Line, source: number, level: boolean): void {
    const rises = level && !line.isHigh;
    line.isHigh = level;
    if (line.diverted === undefined) {
      line.controller.set(level);
      if (rises) this.#raised(line.device, source);
    } else if (rises) line.diverted();
  }

  #line(source: number): Line {
    return must(this.#lines.get(source), 'a source with a line');
  }
}
