/** Clock, interrupt wires and lines for tests of devices: plain values that a test sets and reads. */
import type { Clock, InterruptPins, IrqLine } from '../../src/machine/bus.ts';

/** A clock that stands still until it is set. One `mtime` tick is 100 cycles. */
export class FakeClock implements Clock {
  static readonly cyclesPerTick = 100;
  cycle = 0;
  icount = 0;

  get mtime(): bigint {
    return BigInt(Math.floor(this.cycle / FakeClock.cyclesPerTick));
  }

  /** As the machine's: Infinity beyond what a safe integer holds. */
  readonly cycleOfMtime = (ticks: bigint): number => {
    const cycle = ticks * BigInt(FakeClock.cyclesPerTick);
    return cycle > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(cycle);
  };
}

/** The wires into `mip` of each hart. */
export class FakePins implements InterruptPins {
  readonly hartCount: number;
  readonly #wires: Set<number>[];

  constructor(hartCount = 1) {
    this.hartCount = hartCount;
    this.#wires = Array.from({ length: hartCount }, () => new Set<number>());
  }

  setPending(hart: number, bit: number, level: boolean): void {
    const wires = this.#wires[hart];
    if (wires === undefined) throw new Error(`no hart ${hart}`);
    if (level) wires.add(bit);
    else wires.delete(bit);
  }

  isPending(hart: number, bit: number): boolean {
    return this.#wires[hart]?.has(bit) ?? false;
  }
}

export class FakeLine implements IrqLine {
  level = false;

  set(level: boolean): void {
    this.level = level;
  }
}
