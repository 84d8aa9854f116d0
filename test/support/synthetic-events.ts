/**
 * A made-up but plausible run for tests of analysis and report: a boot loader that polls its serial port, timer ticks, block
 * requests with up to 16 chains in flight, idle time, and with several harts turns and hart starts. Same seed, same events.
 */
import seedrandom from 'seedrandom';
import type { EventKind, VmEvent } from '../../src/hypervisor/events.ts';
import type { ReportFacts } from '../../src/viz/timeline-model.ts';

export interface SyntheticOptions {
  readonly seed: string;
  /** Number of events to make, counting the last `end`. */
  readonly eventCount: number;
  /** 1 to 4. */
  readonly hartCount: number;
}

const EID_BASE = 0x10n;
const EID_TIME = 0x54494d45n;
const EID_DBCN = 0x4442434en;
const EID_HSM = 0x48534dn;
const RAM = 0x8000_0000n;
const QUANTUM_CYCLES = 200_000;

const SBI_NAMES: Readonly<Record<string, string>> = {
  '16:0': 'base get spec version',
  '16:3': 'base probe extension',
  '1414090053:0': 'time set timer',
  '1145193294:0': 'debug console write',
  '4739917:0': 'hart start',
};

/** Names as the report is given them. */
export const SYNTHETIC_NAMES = {
  sbiFunction: (eid: bigint, fid: bigint): string => SBI_NAMES[`${eid}:${fid}`] ?? `unknown ${eid}:${fid}`,
  sbiError: (error: bigint): string => (error === 0n ? 'SBI_SUCCESS' : 'SBI_ERR_NOT_SUPPORTED'),
  sbiArguments: (eid: bigint): readonly string[] => (eid === EID_DBCN ? ['length', 'base_low', 'base_high'] : []),
};

/** Facts for the header of a report of these events. */
export function syntheticFacts(events: readonly VmEvent[], hartCount: number): ReportFacts {
  const last = events[events.length - 1];
  return {
    guest: 'synthetic.elf',
    mode: 'pvh',
    costs: 'synthetic',
    core: 'rocket',
    hartCount,
    clockHz: 1_000_000_000,
    cycles: last?.cycle ?? 0,
    icount: last?.icount ?? 0,
    end: { reason: 'poweroff', status: 0, message: 'The guest powered the machine off.' },
    ringRoles: { 'virtio-blk0 queue 0': 'block' },
    unpriced: undefined,
    truncated: undefined,
  };
}

export function syntheticEvents(options: SyntheticOptions): VmEvent[] {
  return new SyntheticRun(options).run();
}

type Fields = Readonly<Record<string, number | bigint | boolean | string>>;

class SyntheticRun {
  readonly #options: SyntheticOptions;
  readonly #random: () => number;
  readonly #events: VmEvent[] = [];
  #cycle = 1000;
  #icount = 700;
  #hart = 0;
  readonly #started = new Set([0]);
  #turnEnd = QUANTUM_CYCLES;
  #availIndex = 0;
  #usedIndex = 0;

  constructor(options: SyntheticOptions) {
    this.#options = options;
    this.#random = seedrandom(options.seed);
  }

  run(): VmEvent[] {
    this.#boot();
    const phases = [() => this.#console(), () => this.#blockIo(), () => this.#waitForTimer(), () => this.#compute()];
    while (this.#events.length < this.#options.eventCount) {
      const phase = phases[this.#below(phases.length)] ?? phases[0];
      const repeats = 1 + this.#below(6);
      for (let i = 0; i < repeats && this.#events.length < this.#options.eventCount; i += 1) {
        phase?.();
        this.#nextTurn();
      }
    }
    this.#events.length = this.#options.eventCount - 1;
    const last = this.#events[this.#events.length - 1];
    this.#cycle = Math.max(this.#cycle, (last?.cycle ?? 0) + 5000);
    this.#emit('end', { reason: 'poweroff', status: 0 });
    return this.#events;
  }

  #boot(): void {
    for (let extension = 0; extension < 8; extension += 1) {
      this.#guest(200, 600);
      this.#hypercall(EID_BASE, 3n, [EID_TIME, 0n], extension % 3 === 2 ? -2n : 0n);
    }
    for (let hart = 1; hart < this.#options.hartCount; hart += 1) {
      this.#guest(20_000, 90_000);
      this.#hypercall(EID_HSM, 0n, [BigInt(hart), RAM], 0n);
    }
  }

  /** A polled serial port: status read, then a byte. */
  #console(): void {
    const length = 8 + this.#below(60);
    for (let i = 0; i < length; i += 1) {
      this.#guest(60, 160);
      this.#mmio('uart0', 'LSR', 0x1000_0005, 1, false, 0x60n);
      this.#guest(20, 60);
      this.#mmio('uart0', 'THR', 0x1000_0000, 1, true, BigInt(32 + this.#below(90)));
    }
    this.#guest(1000, 5000);
    this.#hypercall(EID_DBCN, 0n, [BigInt(length), RAM + 0x1000n], 0n);
  }

  /** A batch of chains, one doorbell, completions out of order while the guest goes on, one interrupt. */
  #blockIo(): void {
    const batch = 1 + this.#below(16);
    const ring = { device: 'virtio-blk0', queue: 0 };
    this.#guest(3000, 20_000);
    this.#availIndex = (this.#availIndex + batch) & 0xffff;
    const exit = this.#mmio('virtio-blk0', 'QueueNotify', 0x1000_1050, 4, true, 0n);
    // The rest happens while the exit is served: after entry and handling, before the return.
    this.#cycle -= exit.returnCycles;
    this.#emit('notify', { ...ring, availIndex: this.#availIndex, waiting: batch });
    const inFlight: number[] = [];
    for (let i = 0; i < batch; i += 1) {
      inFlight.push(i * 3);
      this.#emit('take', {
        ...ring,
        head: i * 3,
        descriptors: 3,
        indirect: this.#below(4) === 0,
        readableBytes: 16,
        writableBytes: 512 * (1 + this.#below(16)) + 1,
        inFlight: inFlight.length,
      });
    }
    const published = { operation: 'ring-publish', ...ring, line: 0, count: batch - 1 };
    if (batch > 1) this.#emit('avoidedExit', published);
    if (batch > 3) this.#emit('mark', { by: 'guest', label: `batch of ${batch}`, value: BigInt(batch) });
    this.#cycle += exit.returnCycles;
    while (inFlight.length > 0) {
      this.#guest(800, 9000);
      const [head] = inFlight.splice(this.#below(Math.min(4, inFlight.length)), 1);
      this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
      this.#emit('complete', {
        ...ring,
        head: head ?? 0,
        writtenBytes: 513,
        usedIndex: this.#usedIndex,
        inFlight: inFlight.length,
      });
      this.#emit('used', { ...ring, usedIndex: this.#usedIndex, delivered: inFlight.length === 0 });
    }
    this.#exit('external');
    this.#priced('inject', { source: 'virtio-blk0', line: 1 }, 200);
    this.#emit('interrupt', { cause: 9 });
    this.#guest(100, 300);
    this.#mmio('virtio-blk0', 'InterruptStatus', 0x1000_1060, 4, false, 1n);
    this.#guest(50, 80);
    this.#mmio('virtio-blk0', 'InterruptACK', 0x1000_1064, 4, true, 1n);
  }

  #waitForTimer(): void {
    this.#guest(500, 2000);
    this.#hypercall(EID_TIME, 0n, [BigInt(this.#cycle + 40_000)], 0n);
    this.#guest(500, 1000);
    this.#exit('wfi');
    this.#emit('idle', {});
    this.#cycle += 10_000 + this.#below(90_000);
    this.#priced('inject', { source: 'timer', line: 5 }, 200);
    this.#emit('wake', {});
    this.#emit('interrupt', { cause: 5 });
    if (this.#below(8) === 0) this.#emit('input', { port: 'uart0', lengthBytes: 1 + this.#below(16) });
  }

  #compute(): void {
    this.#guest(20_000, 160_000);
    this.#priced('inject', { source: 'timer', line: 5 }, 200);
    this.#emit('interrupt', { cause: 5 });
  }

  #nextTurn(): void {
    if (this.#options.hartCount === 1 || this.#cycle < this.#turnEnd) return;
    this.#exit('preempt');
    const from = this.#hart;
    this.#hart = (this.#hart + 1) % this.#options.hartCount;
    this.#turnEnd = this.#cycle + QUANTUM_CYCLES;
    this.#emit('turn', { from });
    if (this.#started.has(this.#hart)) return;
    this.#started.add(this.#hart);
    this.#emit('hartState', { target: this.#hart, state: 'started' });
  }

  #hypercall(eid: bigint, fid: bigint, args: readonly bigint[], error: bigint): void {
    const fields: Record<string, number | bigint> = {
      eid,
      fid,
      error,
      value: 0n,
      tableWrites: 0,
      rootLoads: 0,
      flushes: 0,
    };
    for (let i = 0; i < 6; i += 1) fields[`arg${i}`] = args[i] ?? 0n;
    this.#priced('hypercall', fields, 300);
  }

  #mmio(device: string, register: string, gpa: number, sizeBytes: number, write: boolean, value: bigint) {
    return this.#priced('mmio', { device, register, gpa, sizeBytes, write, value }, 700);
  }

  #exit(reason: string): void {
    this.#priced('exit', { reason }, 250);
  }

  #priced(kind: EventKind, fields: Fields, handling: number): { readonly returnCycles: number } {
    const cost = { entryCycles: 411, handlingCycles: handling + this.#below(handling), returnCycles: 396 };
    this.#emit(kind, { ...fields, ...cost });
    this.#cycle += cost.entryCycles + cost.handlingCycles + cost.returnCycles;
    return cost;
  }

  #emit(kind: EventKind, fields: Fields): void {
    const pc = RAM + BigInt(0x200 + this.#below(64) * 2);
    const event = { kind, cycle: this.#cycle, icount: this.#icount, hart: this.#hart, pc, ...fields };
    this.#events.push(event as unknown as VmEvent);
  }

  #guest(least: number, most: number): void {
    const cycles = least + this.#below(most - least);
    this.#cycle += cycles;
    this.#icount += Math.floor(cycles * 0.7);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
