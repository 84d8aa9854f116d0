/**
 * The mechanisms of VM exits: stamping, charging and emitting. Modes decide which of them an exit uses and at what price.
 *
 * An exit is stamped before it is charged. Entry and handling are charged before the work is done, so that what the work sees of the
 * clock comes after them; the return is charged when the work is done.
 */
import { must } from '../assert.ts';
import type { Hart, Machine } from '../machine/machine-types.ts';
import type { CostProfile, ExitCost } from './costs.ts';
import type { EventStream } from './event-stream.ts';
import type { EventStamp } from './events.ts';
import type { ExitHost } from './modes/mode.ts';
import { callSbi, findSbiFunction, isLegacyCall } from './sbi/sbi.ts';
import type { SbiArguments, SbiFunction, SbiHost, SbiOutcome } from './sbi/sbi-types.ts';

/** Numbers of the argument registers and of those that select a call (RISC-V calling convention; SBI 2.0 §3). */
const A0 = 10;
const A1 = 11;
const A6 = 16;
const A7 = 17;

export interface ExitsOptions {
  readonly machine: Machine;
  readonly costs: CostProfile;
  readonly events: EventStream;
  /** What SBI handlers act on. */
  readonly sbi: SbiHost;
  /** The hart that has the processor: whose stamp an event of no hart in particular carries. */
  readonly currentHart: () => number;
  readonly wait: (hart: number) => void;
}

export class Exits implements ExitHost {
  readonly costs: CostProfile;
  readonly #machine: Machine;
  readonly #events: EventStream;
  readonly #options: ExitsOptions;
  /** Other harts reached by the call that is being served. */
  #reached = 0;
  /** The hart whose guest something of the host would interrupt now. Undefined while an exit is handled or no guest runs. */
  #inGuest: number | undefined;

  constructor(options: ExitsOptions) {
    this.#options = options;
    this.costs = options.costs;
    this.#machine = options.machine;
    this.#events = options.events;
  }

  stamp(hart: number): EventStamp {
    const { cycle, icount } = this.#machine.clock;
    return { cycle, icount, hart, pc: this.#hart(hart).pc };
  }

  serveCall(hart: number, priceOf: (called: SbiFunction | undefined) => ExitCost, remote: ExitCost): void {
    const registers = this.#hart(hart);
    const [eid, fid] = [registers.x(A7), registers.x(A6)];
    const arg = (index: number) => registers.x(A0 + index);
    const args: SbiArguments = [arg(0), arg(1), arg(2), arg(3), arg(4), arg(5)];
    const cost = priceOf(findSbiFunction(eid, fid));
    let handlingCycles = cost.handling.cycles;
    const serve = (): SbiOutcome => {
      this.#reached = 0;
      this.#machine.charge(cost.entry.cycles + cost.handling.cycles);
      const outcome = callSbi(this.#options.sbi, hart, eid, fid, args);
      const remoteCycles = this.#reached * remote.handling.cycles;
      handlingCycles += remoteCycles;
      if (outcome !== 'no-return') this.#returnFrom(hart, eid, outcome);
      this.#machine.charge(remoteCycles + (outcome === 'no-return' ? 0 : cost.return.cycles));
      return outcome;
    };
    const { cycle, icount } = this.#machine.clock;
    const { pc } = registers;
    this.#events.enclose(serve, (outcome) => ({
      kind: 'hypercall',
      cycle,
      icount,
      hart,
      pc,
      entryCycles: cost.entry.cycles,
      handlingCycles,
      returnCycles: outcome === 'no-return' ? 0 : cost.return.cycles,
      eid,
      fid,
      arg0: args[0],
      arg1: args[1],
      arg2: args[2],
      arg3: args[3],
      arg4: args[4],
      arg5: args[5],
      error: outcome === 'no-return' ? 0n : outcome.error,
      value: outcome === 'no-return' ? 0n : outcome.value,
    }));
  }

  serveAccess(hart: number, cost: ExitCost): void {
    const { device, gpa, size, write } = this.#machine.access;
    const offset = gpa - device.base;
    const register = device.registerName(offset) ?? `+0x${offset.toString(16)}`;
    const serve = (): bigint => {
      this.#machine.charge(cost.entry.cycles + cost.handling.cycles);
      const value = this.#machine.performAccess();
      this.#machine.charge(cost.return.cycles);
      return BigInt.asUintN(64, value);
    };
    const { cycle, icount } = this.#machine.clock;
    const { pc } = this.#hart(hart);
    this.#events.enclose(serve, (value) => ({
      kind: 'mmio',
      cycle,
      icount,
      hart,
      pc,
      entryCycles: cost.entry.cycles,
      handlingCycles: cost.handling.cycles,
      returnCycles: cost.return.cycles,
      device: device.name,
      register,
      gpa,
      sizeBytes: size,
      write,
      value,
    }));
  }

  exit(hart: number, reason: string, cost: ExitCost): void {
    const { cycle, icount } = this.#machine.clock;
    const { pc } = this.#hart(hart);
    this.#events.send({
      kind: 'exit',
      cycle,
      icount,
      hart,
      pc,
      entryCycles: cost.entry.cycles,
      handlingCycles: cost.handling.cycles,
      returnCycles: cost.return.cycles,
      reason,
    });
    this.#charge(cost);
  }

  leaveGuest(reason: string, cost: ExitCost): void {
    const hart = this.#inGuest;
    if (hart === undefined) return;
    this.#inGuest = undefined;
    this.exit(hart, reason, cost);
  }

  inject(source: string, line: number, cost: ExitCost): void {
    this.#events.emit('inject', this.stamp(this.#options.currentHart()), { ...partsOf(cost), source, line });
    this.#charge(cost);
  }

  waitForInterrupt(hart: number): void {
    if (!this.#machine.wakePending(hart)) this.#options.wait(hart);
  }

  /** Counts other harts that the call being served has reached: see `SbiHost.reachHarts`. */
  reachHarts(count: number): void {
    this.#reached += count;
  }

  /** Does work of the host that no exit asked for, while the guest of `hart` runs, or none if undefined. */
  asynchronously(hart: number | undefined, work: () => void): void {
    this.#inGuest = hart;
    try {
      work();
    } finally {
      this.#inGuest = undefined;
    }
  }

  #charge(cost: ExitCost): void {
    this.#machine.charge(cost.entry.cycles + cost.handling.cycles + cost.return.cycles);
  }

  #returnFrom(hart: number, eid: bigint, { error, value }: Exclude<SbiOutcome, 'no-return'>): void {
    const registers = this.#hart(hart);
    registers.setX(A0, BigInt.asUintN(64, error));
    if (!isLegacyCall(eid)) registers.setX(A1, BigInt.asUintN(64, value));
    this.#machine.retireCall(hart);
  }

  #hart(hart: number): Hart {
    return must(this.#machine.harts[hart], 'a hart of the machine');
  }
}

/** The fields that a priced event has. */
export function partsOf(cost: ExitCost): { entryCycles: number; handlingCycles: number; returnCycles: number } {
  return {
    entryCycles: cost.entry.cycles,
    handlingCycles: cost.handling.cycles,
    returnCycles: cost.return.cycles,
  };
}
