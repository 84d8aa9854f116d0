/**
 * A machine whose harts execute scripts instead of instructions: generators that yield what a guest does. It keeps the `Machine`
 * contract (exact deadlines, one clock, stops before an access or call is performed), so the hypervisor cannot tell the difference.
 */

import { assert, must } from '../../src/assert.ts';
import { type Clock, IRQ, type MmioDevice } from '../../src/machine/bus.ts';
import {
  type Hart,
  type HartCounters,
  type Machine,
  type MachineConfig,
  PRIVILEGE,
  type Privilege,
  STOP,
  type StopReason,
} from '../../src/machine/machine-types.ts';
import { DeviceAccess } from '../../src/machine/pending-access.ts';
import type { StateSink } from '../../src/machine/state-sink.ts';
import type { HostMemory, Virtualization } from '../../src/machine/virtualization-types.ts';
import { ArrayMemory } from './array-memory.ts';
import { xxh64 } from './xxhash64.ts';

/** Where a table would stand. */
const SECOND_STAGE_ROOT = 0x9000_0000;

/** What a script does next. A load gives its value back from `yield`, a call leaves its results in a0 and a1. */
export type Step =
  | { readonly op: 'work'; readonly cycles: number }
  | { readonly op: 'call'; readonly eid: bigint; readonly fid: bigint; readonly args?: readonly bigint[] }
  | { readonly op: 'load'; readonly gpa: number; readonly size: 1 | 2 | 4 | 8 }
  | { readonly op: 'store'; readonly gpa: number; readonly size: 1 | 2 | 4 | 8; readonly value: bigint }
  | { readonly op: 'wfi' }
  | { readonly op: 'spin' }
  | { readonly op: 'tohost'; readonly value: bigint }
  | { readonly op: 'stimecmp'; readonly value: bigint };

export type Script = Generator<Step, void, bigint>;

export interface Scripts {
  /** What a hart does from a start address. */
  readonly main: (hart: ScriptedHart) => Script;
  /** What its trap handler does; interrupts are off in it. */
  readonly interrupt?: (hart: ScriptedHart, cause: number) => Script;
}

const SIE = 1n << 1n;
const NEVER = 0xffff_ffff_ffff_ffffn;

export class ScriptedHart implements Hart {
  readonly id: number;
  #pc = 0n;
  privilege: Privilege = PRIVILEGE.M;
  retired = 0;
  readonly #x = new BigUint64Array(32);
  readonly #csrs = new Map<string, bigint>([['stimecmp', NEVER]]);
  /** Scripts being executed, the innermost last. */
  stack: Script[] = [];
  step: Step | undefined;
  /** Cycles left of a step of work. */
  left = 0;

  constructor(id: number) {
    this.id = id;
  }

  get pc(): bigint {
    return this.#pc;
  }

  /** Set from outside, the hart goes on elsewhere: with its main script from the start, which sees the new pc. */
  set pc(value: bigint) {
    this.#pc = value;
    this.stack = [];
    this.step = undefined;
  }

  advance(bytes: bigint): void {
    this.#pc += bytes;
  }

  x(index: number): bigint {
    return this.#x[index] ?? 0n;
  }

  setX(index: number, value: bigint): void {
    if (index > 0) this.#x[index] = value;
  }

  xLow(index: number): number {
    return Number(BigInt.asUintN(32, this.x(index)));
  }

  xHigh(index: number): number {
    return Number(BigInt.asUintN(32, this.x(index) >> 32n));
  }

  setXHalves(index: number, low: number, high: number): void {
    this.setX(index, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  get pcLow(): number {
    return Number(BigInt.asUintN(32, this.pc));
  }

  get pcHigh(): number {
    return Number(BigInt.asUintN(32, this.pc >> 32n));
  }

  setPcHalves(low: number, high: number): void {
    this.pc = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  csr(name: string): bigint {
    return this.#csrs.get(alias(name)) ?? 0n;
  }

  setCsr(name: string, value: bigint): void {
    this.#csrs.set(alias(name), value);
  }

  writeState(sink: StateSink): void {
    sink.value('x', [...this.#x]);
    sink.value('pc', this.pc);
    sink.value('privilege', this.privilege);
    sink.value('retired', this.retired);
    sink.value('left', this.left);
    sink.value('csrs', Object.fromEntries([...this.#csrs].sort(([a], [b]) => (a < b ? -1 : 1))));
  }
}

export class ScriptedMachine implements Machine {
  readonly config: MachineConfig;
  readonly harts: readonly ScriptedHart[];
  readonly memory: ArrayMemory;
  readonly devices: MmioDevice[] = [];
  readonly clock: Clock;
  /** Harts whose translations were flushed, in order. */
  readonly flushed: number[] = [];
  readonly access = new DeviceAccess();
  tohost = 0n;
  lastInterruptCause = 0;
  #cycle = 0;
  #icount = 0;
  readonly #scripts: Scripts;
  #performing: ScriptedHart | undefined;
  #answer = 0n;

  constructor(config: MachineConfig, scripts: Scripts) {
    this.config = config;
    this.#scripts = scripts;
    this.harts = Array.from({ length: config.hartCount }, (_, id) => new ScriptedHart(id));
    this.memory = new ArrayMemory(config.memoryBytes);
    const machine = this;
    this.clock = {
      get cycle() {
        return machine.#cycle;
      },
      get icount() {
        return machine.#icount;
      },
      get mtime() {
        return BigInt(Math.floor(machine.#cycle / config.core.cyclesPerTick));
      },
    };
  }

  /** Scripts touch no memory, so nobody walks the tables of a second stage: they are only asked for. */
  readonly hostMemory = { allocate: () => SECOND_STAGE_ROOT } as unknown as HostMemory;
  readonly virtualization = { start: () => {}, setSecondStage: () => {} } as unknown as Virtualization;

  get hartCount(): number {
    return this.harts.length;
  }

  attach(device: MmioDevice): void {
    this.devices.push(device);
  }

  /** Nobody shadows tables here. */
  watchMemory(): void {}

  reset(id: number, start: { pc: bigint; a0: bigint; a1: bigint; privilege: Privilege }): void {
    const hart = this.#hart(id);
    for (let index = 1; index < 32; index++) hart.setX(index, 0n);
    hart.setX(10, start.a0);
    hart.setX(11, start.a1);
    hart.pc = start.pc;
    hart.privilege = start.privilege;
    for (const name of ['mie', 'satp', 'mstatus']) hart.setCsr(name, 0n);
  }

  watchTohost(): void {}

  watchStores(): void {}

  run(id: number, untilCycle: number): StopReason {
    const hart = this.#hart(id);
    if (hart.stack.length === 0) hart.stack.push(this.#scripts.main(hart));
    for (;;) {
      if (this.#takesInterrupt(hart)) return STOP.interruptTaken;
      if (this.#cycle >= untilCycle) return STOP.deadline;
      const step = this.#next(hart);
      // What scripts do between steps takes no time, and may turn interrupts on.
      if (this.#takesInterrupt(hart)) return STOP.interruptTaken;
      switch (step.op) {
        case 'work': {
          const cycles = Math.min(hart.left, untilCycle - this.#cycle);
          this.#retire(hart, cycles, cycles);
          hart.left -= cycles;
          if (hart.left === 0) hart.step = undefined;
          break;
        }
        case 'spin':
          this.#retire(hart, untilCycle - this.#cycle, untilCycle - this.#cycle, 0n);
          return STOP.deadline;
        case 'wfi':
          this.#done(hart);
          return STOP.wfi;
        case 'call':
          hart.setX(17, step.eid);
          hart.setX(16, step.fid);
          for (let index = 0; index < 6; index++) hart.setX(10 + index, step.args?.[index] ?? 0n);
          return STOP.supervisorCall;
        case 'load':
        case 'store':
          this.#performing = hart;
          this.#prepareAccess(step);
          return STOP.mmio;
        case 'stimecmp':
          hart.setCsr('stimecmp', step.value);
          this.#done(hart);
          return STOP.timerChanged;
        case 'tohost':
          this.tohost = step.value;
          this.#done(hart);
          return STOP.tohost;
      }
    }
  }

  performAccess(): void {
    const hart = must(this.#performing, 'an access waits');
    assert(this.access.size !== 8, 'scripts make accesses of up to 4 bytes');
    this.access.perform();
    this.#answer = this.access.value;
    this.#performing = undefined;
    this.#done(hart);
  }

  retireCall(id: number): void {
    this.#done(this.#hart(id));
  }

  flushTranslations(id: number): void {
    this.flushed.push(id);
  }

  charge(cycles: number): void {
    assert(Number.isSafeInteger(cycles) && cycles >= 0, `a charge of ${cycles} cycles`);
    this.#cycle += cycles;
  }

  setPending(id: number, bit: number, level: boolean): void {
    const hart = this.#hart(id);
    const mask = 1n << BigInt(bit);
    hart.setCsr('mip', level ? hart.csr('mip') | mask : hart.csr('mip') & ~mask);
  }

  updateTimers(): void {
    for (const hart of this.harts) this.setPending(hart.id, IRQ.STIP, this.clock.mtime >= hart.csr('stimecmp'));
  }

  nextTimerCycle(): number {
    const due = this.harts.map((hart) => this.cycleOfMtime(hart.csr('stimecmp')));
    return Math.min(...due.filter((cycle) => cycle > this.#cycle), Number.POSITIVE_INFINITY);
  }

  cycleOfMtime(ticks: bigint): number {
    const cycle = Number(ticks) * this.config.core.cyclesPerTick;
    return Number.isSafeInteger(cycle) ? cycle : Number.POSITIVE_INFINITY;
  }

  isPending(id: number, bit: number): boolean {
    return ((this.#hart(id).csr('mip') >> BigInt(bit)) & 1n) !== 0n;
  }

  wakePending(id: number): boolean {
    const hart = this.#hart(id);
    return (hart.csr('mie') & hart.csr('mip')) !== 0n;
  }

  canWake(id: number): boolean {
    return this.#hart(id).csr('mie') !== 0n;
  }

  counters(): HartCounters {
    const missesByKind = { userLoad: 0, userStore: 0, userFetch: 0, kernelLoad: 0, kernelStore: 0, kernelFetch: 0 };
    return { tlbMisses: 0, walkReferences: 0, missesByKind, userFirstUses: 0, kernelFirstUses: 0 };
  }

  /** Cheaper than the real one: tests take many. */
  memoryDigest(): bigint {
    let hash = 0;
    for (const word of new Uint32Array(this.memory.bytes.buffer)) hash = Math.imul(hash ^ word, 0x01000193);
    return BigInt(hash >>> 0);
  }

  hash(bytes: Uint8Array): bigint {
    return xxh64(bytes);
  }

  #hart(id: number): ScriptedHart {
    return must(this.harts[id], `hart ${id}`);
  }

  #next(hart: ScriptedHart): Step {
    while (hart.step === undefined) {
      const script = must(hart.stack.at(-1), 'a hart that runs has a script');
      const { done, value } = script.next(this.#answer);
      if (!done) {
        hart.step = value;
        if (value.op === 'work') hart.left = value.cycles;
      } else if (hart.stack.length === 1) {
        hart.step = { op: 'spin' };
      } else {
        hart.stack.pop();
        hart.setCsr('mstatus', hart.csr('mstatus') | SIE);
      }
    }
    return hart.step;
  }

  /** Scripts return from their handler with interrupts on. */
  #takesInterrupt(hart: ScriptedHart): boolean {
    const pending = hart.csr('mie') & hart.csr('mip');
    const { interrupt } = this.#scripts;
    if (pending === 0n || (hart.csr('mstatus') & SIE) === 0n || interrupt === undefined) return false;
    const cause = [IRQ.SEIP, IRQ.SSIP, IRQ.STIP].find((bit) => ((pending >> BigInt(bit)) & 1n) !== 0n);
    if (cause === undefined) return false;
    this.lastInterruptCause = cause;
    hart.setCsr('mstatus', hart.csr('mstatus') & ~SIE);
    hart.stack.push(interrupted(hart, interrupt(hart, cause)));
    hart.step = undefined;
    hart.left = 0;
    return true;
  }

  #prepareAccess(step: Extract<Step, { op: 'load' | 'store' }>): void {
    const { gpa, size } = step;
    const device = this.devices.find((entry) => gpa >= entry.base && gpa < entry.base + entry.sizeBytes);
    assert(device !== undefined, `no device at 0x${gpa.toString(16)}`);
    this.access.begin(device, gpa, size, step.op === 'store');
    if (step.op === 'store') this.access.setValue(Number(step.value), 0);
  }

  #done(hart: ScriptedHart): void {
    hart.step = undefined;
    this.#retire(hart, 1, 1);
  }

  #retire(hart: ScriptedHart, instructions: number, cycles: number, bytes = BigInt(4 * instructions)): void {
    hart.retired += instructions;
    hart.advance(bytes);
    this.#icount += instructions;
    this.#cycle += cycles;
  }
}

/** Runs a handler, then what the hart was doing when it was interrupted. */
function* interrupted(hart: ScriptedHart, handler: Script): Script {
  const { step, left } = hart;
  let answer = 0n;
  for (;;) {
    const { done, value } = handler.next(answer);
    if (done) break;
    answer = yield value;
  }
  if (step !== undefined) yield step.op === 'work' ? { op: 'work', cycles: Math.max(1, left) } : step;
}

function alias(name: string): string {
  return { sstatus: 'mstatus', sie: 'mie', sip: 'mip' }[name] ?? name;
}
