/**
 * The mechanisms of VM exits: stamping, charging and emitting. Modes decide which of them an exit uses and at what price.
 *
 * An exit is stamped before it is charged. Entry and handling are charged before the work is done, so that what the work sees of the
 * clock comes after them; the return is charged when the work is done.
 */
import { assert, must } from '../assert.ts';
import type { Hart, Machine } from '../machine/machine-types.ts';
import type { AvoidedExits, CallWork } from './avoided-exits.ts';
import type { CostProfile, ExitCost } from './costs.ts';
import { type EventRow, fieldPlaces, ROW_KINDS } from './event-row.ts';
import type { EventStream } from './event-stream.ts';
import type { CallOutcome, CallPrice, ExitHost } from './modes/mode.ts';
import { findSbiFunction, isLegacyCall } from './sbi/sbi.ts';
import { failure, type SbiErrorName, type SbiFunction, type SbiHost, type SbiOutcome } from './sbi/sbi-types.ts';

/** Numbers of the argument registers and of those that select a call (RISC-V calling convention; SBI 2.0 §3). */
const A0 = 10;
const A1 = 11;
const A6 = 16;
const A7 = 17;
const SBI_ARGUMENT_COUNT = 6;

/** Places of fields in event rows. */
const CALL = fieldPlaces('hypercall');
const ACCESS = fieldPlaces('mmio');
const EXIT = fieldPlaces('exit');
const INJECT = fieldPlaces('inject');
const INTERRUPT = fieldPlaces('interrupt');
const MMIO = ROW_KINDS.mmio;
const WORK_PLACES = [CALL.tableWrites, CALL.rootLoads, CALL.flushes];
const NO_WORK: CallWork = { tableWrites: 0, rootLoads: 0, flushes: 0 };
for (const kind of ['hypercall', 'mmio', 'exit', 'inject'] as const) {
  const first = ROW_KINDS[kind].fields.slice(0, 3).map(({ name }) => name);
  assert(first.join() === 'entryCycles,handlingCycles,returnCycles', 'priced events begin with their parts');
}

const NOT_SUPPORTED = failure('NOT_SUPPORTED');

export interface ExitsOptions {
  readonly machine: Machine;
  readonly costs: CostProfile;
  readonly events: EventStream;
  readonly avoided: AvoidedExits;
  /** What SBI handlers act on. */
  readonly sbi: SbiHost;
  /** The hart that has the processor: whose stamp an event of no hart in particular carries. */
  readonly currentHart: () => number;
  readonly wait: (hart: number) => void;
  readonly yieldTurn: () => void;
  readonly supervisorCall: (hart: number) => void;
  readonly deviceAccess: (hart: number) => void;
  readonly timerChanged: () => void;
  readonly timerExpired: (hart: number) => void;
  readonly stuck: (hart: number) => void;
}

export class Exits implements ExitHost {
  readonly costs: CostProfile;
  readonly #machine: Machine;
  readonly #events: EventStream;
  readonly #avoided: AvoidedExits;
  readonly #options: ExitsOptions;
  /** Of the call that is being served: functions take what they need before they return. */
  readonly #arguments: [bigint, bigint, bigint, bigint, bigint, bigint] = [0n, 0n, 0n, 0n, 0n, 0n];
  readonly #outcome: CallOutcome = { error: 0, value: 0, moreCycles: 0, setsRegisters: true, work: NO_WORK };
  /** Other harts reached by the call that is being served. */
  #reached = 0;
  /** The hart whose guest something of the host would interrupt now. Undefined while an exit is handled or no guest runs. */
  #inGuest: number | undefined;

  constructor(options: ExitsOptions) {
    this.#options = options;
    this.costs = options.costs;
    this.#machine = options.machine;
    this.#events = options.events;
    this.#avoided = options.avoided;
    for (const { entry, handling, return: back } of Object.values(options.costs.primitives)) {
      const isWhole = [entry, handling, back].every(({ cycles }) => cycles >>> 0 === cycles);
      assert(isWhole, 'a price is of whole cycles in 32 bits');
    }
  }

  serveCall(hart: number, priceOf: CallPrice, remote: ExitCost): void {
    const registers = this.#hart(hart);
    const eid = registerNumber(registers, A7);
    const called = findSbiFunction(eid, registerNumber(registers, A6));
    const cost = priceOf(called, this.costs.primitives);
    const row = this.#openCall(hart, cost, called?.args.length);
    try {
      this.#serveOpenCall(hart, called, eid, row, cost, remote);
    } catch (error) {
      this.#events.abandon();
      throw error;
    }
    this.#events.close();
  }

  serveHypercall(
    hart: number,
    cost: ExitCost,
    argumentCount: number | undefined,
    serve: (outcome: CallOutcome) => void,
  ): void {
    const registers = this.#hart(hart);
    const row = this.#openCall(hart, cost, argumentCount);
    this.#machine.charge(cost.entry.cycles + cost.handling.cycles);
    const outcome = this.#outcome;
    try {
      serve(outcome);
    } catch (error) {
      this.#events.abandon();
      throw error;
    }
    row.setNumber(CALL.handlingCycles, cost.handling.cycles + outcome.moreCycles);
    row.setHalves(CALL.error, outcome.error >>> 0, outcome.error < 0 ? 0xffff_ffff : 0);
    row.setNumber(CALL.value, outcome.value);
    const { work } = outcome;
    row.setNumber(CALL.tableWrites, work.tableWrites);
    row.setNumber(CALL.rootLoads, work.rootLoads);
    row.setNumber(CALL.flushes, work.flushes);
    this.#avoided.addBatch(hart, work);
    if (outcome.setsRegisters) {
      registers.setXHalves(A0, row.low(CALL.error), row.high(CALL.error));
      registers.setXHalves(A1, row.low(CALL.value), row.high(CALL.value));
    }
    this.#machine.retireCall(hart);
    this.#machine.charge(outcome.moreCycles + cost.return.cycles);
    this.#events.close();
  }

  refuseCall(hart: number, error: Exclude<SbiErrorName, 'SUCCESS'>): void {
    const registers = this.#hart(hart);
    const called = findSbiFunction(registerNumber(registers, A7), registerNumber(registers, A6));
    this.serveHypercall(hart, this.costs.primitives.hypercallKernel, called?.args.length, (outcome) => {
      outcome.error = Number(failure(error).error);
      outcome.value = 0;
      outcome.moreCycles = 0;
      outcome.setsRegisters = true;
      outcome.work = NO_WORK;
    });
  }

  serveAccess(hart: number, register: string | undefined, cost: ExitCost): void {
    const machine = this.#machine;
    const { access } = machine;
    const { device, gpa } = access;
    const row = this.#events.open(MMIO, hart);
    setParts(row, cost);
    row.setText(ACCESS.device, device.name);
    row.setText(ACCESS.register, register ?? `+0x${(gpa - device.base).toString(16)}`);
    row.setHalves(ACCESS.gpa, gpa, gpa / 0x1_0000_0000);
    row.setHalves(ACCESS.sizeBytes, access.size, 0);
    row.setHalves(ACCESS.write, access.write ? 1 : 0, 0);
    machine.charge(cost.entry.cycles + cost.handling.cycles);
    try {
      machine.performAccess();
    } catch (error) {
      this.#events.abandon();
      throw error;
    }
    machine.charge(cost.return.cycles);
    row.setHalves(ACCESS.value, access.low, access.high);
    this.#events.close();
  }

  exit(hart: number, reason: string, cost: ExitCost): void {
    const row = this.#events.row(ROW_KINDS.exit, hart);
    setParts(row, cost);
    row.setText(EXIT.reason, reason);
    this.#events.send(row);
    this.#charge(cost);
  }

  exitWith(hart: number, reason: string, cost: ExitCost, work: () => number): void {
    const row = this.#events.open(ROW_KINDS.exit, hart);
    setParts(row, cost);
    row.setText(EXIT.reason, reason);
    this.#machine.charge(cost.entry.cycles + cost.handling.cycles);
    try {
      const moreCycles = work();
      row.setNumber(EXIT.handlingCycles, cost.handling.cycles + moreCycles);
      this.#machine.charge(moreCycles + cost.return.cycles);
    } catch (error) {
      this.#events.abandon();
      throw error;
    }
    this.#events.close();
  }

  leaveGuest(reason: string, cost: ExitCost): void {
    const hart = this.#inGuest;
    if (hart === undefined) return;
    this.#inGuest = undefined;
    this.exit(hart, reason, cost);
  }

  inject(source: string, line: number, cost: ExitCost): void {
    const row = this.#events.row(ROW_KINDS.inject, this.#options.currentHart());
    setParts(row, cost);
    row.setText(INJECT.source, source);
    row.setNumber(INJECT.line, line);
    this.#events.send(row);
    this.#charge(cost);
  }

  waitForInterrupt(hart: number): void {
    if (!this.#machine.wakePending(hart)) this.#options.wait(hart);
  }

  yieldTurn(): void {
    this.#options.yieldTurn();
  }

  interrupted(hart: number, cause: number): void {
    const row = this.#events.row(ROW_KINDS.interrupt, hart);
    row.setNumber(INTERRUPT.cause, cause);
    this.#events.send(row);
  }

  supervisorCall(hart: number): void {
    this.#options.supervisorCall(hart);
  }

  deviceAccess(hart: number): void {
    this.#options.deviceAccess(hart);
  }

  timerChanged(): void {
    this.#options.timerChanged();
  }

  timerExpired(hart: number): void {
    this.#options.timerExpired(hart);
  }

  stuck(hart: number): void {
    this.#options.stuck(hart);
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

  /**
   * Begins the event of a call: what was asked for. Registers after its arguments are no part of it: they hold whatever the guest last
   * used them for.
   */
  #openCall(hart: number, cost: ExitCost, argumentCount = SBI_ARGUMENT_COUNT): EventRow {
    const registers = this.#hart(hart);
    const row = this.#events.open(ROW_KINDS.hypercall, hart);
    setParts(row, cost);
    row.setHalves(CALL.eid, registers.xLow(A7), registers.xHigh(A7));
    row.setHalves(CALL.fid, registers.xLow(A6), registers.xHigh(A6));
    for (let index = 0; index < argumentCount; index++) {
      row.setHalves(CALL.arg0 + index, registers.xLow(A0 + index), registers.xHigh(A0 + index));
    }
    for (let index = argumentCount; index < SBI_ARGUMENT_COUNT; index++) row.setHalves(CALL.arg0 + index, 0, 0);
    for (const place of WORK_PLACES) row.setHalves(place, 0, 0);
    return row;
  }

  /** The part of a call between its charges. */
  #serveOpenCall(
    hart: number,
    called: SbiFunction | undefined,
    eid: number,
    row: EventRow,
    cost: ExitCost,
    remote: ExitCost,
  ): void {
    this.#reached = 0;
    this.#machine.charge(cost.entry.cycles + cost.handling.cycles);
    const outcome = this.#callSbi(hart, called);
    const remoteCycles = this.#reached * remote.handling.cycles;
    row.setNumber(CALL.handlingCycles, cost.handling.cycles + remoteCycles);
    if (outcome === 'no-return') {
      row.setNumber(CALL.returnCycles, 0);
      row.setHalves(CALL.error, 0, 0);
      row.setHalves(CALL.value, 0, 0);
      this.#machine.charge(remoteCycles);
      return;
    }
    row.setWord(CALL.error, outcome.error);
    row.setWord(CALL.value, outcome.value);
    const registers = this.#hart(hart);
    registers.setXHalves(A0, row.low(CALL.error), row.high(CALL.error));
    if (!isLegacyCall(eid)) registers.setXHalves(A1, row.low(CALL.value), row.high(CALL.value));
    this.#machine.retireCall(hart);
    this.#machine.charge(remoteCycles + cost.return.cycles);
  }

  /** Anything unknown is `SBI_ERR_NOT_SUPPORTED` (§3). Only the registers that the function takes are read. */
  #callSbi(hart: number, called: SbiFunction | undefined): SbiOutcome {
    if (called === undefined) return NOT_SUPPORTED;
    const count = called.args.length;
    const registers = this.#hart(hart);
    for (let index = 0; index < SBI_ARGUMENT_COUNT; index++) {
      this.#arguments[index] = index < count ? registers.x(A0 + index) : 0n;
    }
    return called.handler(this.#options.sbi, hart, this.#arguments);
  }

  #hart(hart: number): Hart {
    return must(this.#machine.harts[hart], 'a hart of the machine');
  }
}

/** Sets what a priced event cost. The three parts are the first fields of every kind that has them. */
function setParts(row: EventRow, cost: ExitCost): void {
  row.setParts(cost.entry.cycles, cost.handling.cycles, cost.return.cycles);
}

/** A register as a number, for comparing with ids: exact up to 2^53, and beyond that equal to none. */
function registerNumber(registers: Hart, index: number): number {
  return registers.xHigh(index) * 0x1_0000_0000 + registers.xLow(index);
}
