/** Harts on the processors of the hypervisor's modes, served at no cost: a guest on them sees the same as natively, even the same time. */
import { must } from '../../src/assert.ts';
import { costProfile, DEFAULT_COST_PROFILE } from '../../src/hypervisor/costs.ts';
import type { ExitHost } from '../../src/hypervisor/modes/mode.ts';
import type { VirtualProcessor } from '../../src/hypervisor/modes/virtual-processor.ts';
import type { Machine, StopReason } from '../../src/machine/machine-types.ts';
import { STOP } from '../../src/machine/machine-types.ts';

/** Stops at one instruction without anything else happening: more than any access can need. */
const STOPS_MAX = 64;

export class ProcessorHost implements ExitHost {
  readonly costs = costProfile(DEFAULT_COST_PROFILE);
  /** Exits by reason. */
  readonly exits = new Map<string, number>();
  readonly #machine: Machine;
  readonly #processor: VirtualProcessor;
  #isStuck = false;
  #last = '';

  constructor(machine: Machine, processor: VirtualProcessor) {
    this.#machine = machine;
    this.#processor = processor;
  }

  /** Runs a hart to its last cycle, or to where the guest can never go on. */
  run(hart: number, untilCycle: number): StopReason {
    const { clock } = this.#machine;
    let stops = 0;
    let cycle = clock.cycle;
    while (clock.cycle < untilCycle) {
      const stop = this.#machine.run(hart, untilCycle);
      if (clock.cycle !== cycle) stops = 0;
      if (++stops > STOPS_MAX) {
        const { cause, tval, insn } = this.#machine.virtualization.guestTrap;
        const hex = (value: bigint | number) => `0x${value.toString(16)}`;
        throw new Error(
          `hart ${hart} stays at ${hex(insn)}: stop ${stop}, cause ${cause}, tval ${hex(tval)}, ${this.#last}`,
        );
      }
      cycle = clock.cycle;
      if (!this.#serve(hart, stop)) return stop;
      if (this.#isStuck) return STOP.stuck;
    }
    return STOP.deadline;
  }

  #serve(hart: number, stop: StopReason): boolean {
    switch (stop) {
      case STOP.guestTrap:
        this.#processor.guestTrap(this, hart);
        return true;
      case STOP.guestInterrupt:
        this.#processor.guestInterrupt(this, hart);
        return true;
      case STOP.secondStageFault:
        this.#processor.secondStageFault(this, hart);
        return true;
      default:
        return false;
    }
  }

  exit(_hart: number, reason: string): void {
    this.#last = reason;
    this.exits.set(reason, (this.exits.get(reason) ?? 0) + 1);
  }

  exitWith(hart: number, reason: string, _cost: unknown, work: () => number): void {
    this.exit(hart, reason);
    must(work() >= 0 ? true : undefined, 'cycles of work');
  }

  yieldTurn(): void {}

  supervisorCall(hart: number): void {
    this.#machine.virtualization.reflectTrap(hart);
  }

  deviceAccess(): void {
    this.#machine.performAccess();
  }

  stuck(): void {
    this.#isStuck = true;
  }

  serveCall(): void {}
  serveAccess(): void {}
  leaveGuest(): void {}
  inject(): void {}
  waitForInterrupt(): void {}
  interrupted(): void {}
  timerChanged(): void {}
  serveHypercall(): void {}
  refuseCall(): void {}
  timerExpired(): void {}
}
