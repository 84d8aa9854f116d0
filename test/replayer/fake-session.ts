/**
 * A stand-in for the run loop: a guest that polls a serial port, prints what it gets, and is interrupted by what comes by itself. What
 * it does follows from its seed and its inputs alone, as in the real loop.
 */
import seedrandom from 'seedrandom';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import type { InputPort, InputSource, Observer, Position, RunEnd } from '../../src/session/ports.ts';

const STEP_CYCLES = 50;
const POLL_BYTES = 4;

export interface FakeOptions {
  readonly steps: number;
  /** Changes what the guest computes, as a changed model would, from this step on. */
  readonly changedFrom?: number;
  /** Step at which a byte of memory differs without any event showing it. */
  readonly damagedFrom?: number;
}

/** Runs the guest to its end. */
export function runFake(input: InputSource, observer: Observer, options: FakeOptions): RunEnd {
  const guest = new FakeGuest(input, observer, options);
  for (let step = 0; step < options.steps; step += 1) guest.step(step);
  return guest.finish();
}

class FakeGuest {
  readonly #input: InputSource;
  readonly #observer: Observer;
  readonly #options: FakeOptions;
  readonly #random = seedrandom('fake guest');
  #cycle = 0;
  #icount = 0;
  #sum = 0n;
  #ended = false;

  constructor(input: InputSource, observer: Observer, options: FakeOptions) {
    this.#input = input;
    this.#observer = observer;
    this.#options = options;
  }

  step(step: number): void {
    this.#advanceTo(this.#cycle + 1 + Math.floor(this.#random() * STEP_CYCLES));
    if (step === this.#options.changedFrom) this.#sum += 1n;
    if (step % 3 === 0) this.#poll(step);
    else this.#call();
    if (step % 10 === 9) this.#digest(step);
  }

  finish(): RunEnd {
    const end: RunEnd = { ...this.#now(), reason: 'poweroff', status: 0, message: `sum ${this.#sum}` };
    this.#observer.end(end);
    return end;
  }

  /** Time passes; the loop stops where the source says that something comes by itself. */
  #advanceTo(target: number): void {
    while (this.#cycle < target) {
      const stop = Math.min(target, this.#input.nextPushCycle(this.#now()));
      this.#icount += stop - this.#cycle;
      this.#cycle = stop;
      const bytes = this.#input.push('virtio-console', this.#now(), POLL_BYTES);
      if (bytes !== undefined) this.#take('virtio-console', 'push', bytes);
      if (!this.#ended && this.#input.hasEnded(this.#now())) {
        this.#ended = true;
        this.#take('uart0', 'push', new Uint8Array());
      }
    }
  }

  #poll(step: number): void {
    const bytes = this.#input.pull('uart0', this.#now(), POLL_BYTES);
    if (bytes !== undefined) this.#take('uart0', 'pull', bytes);
    this.#emit({
      kind: 'mmio',
      ...this.#costs(),
      device: 'uart0',
      register: 'LSR',
      gpa: 0x1000_0005,
      sizeBytes: 1,
      write: false,
      value: BigInt(step & 1),
    });
  }

  #call(): void {
    const arg0 = this.#sum;
    const zero = { arg1: 0n, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n, tableWrites: 0, rootLoads: 0, flushes: 0 };
    this.#emit({ kind: 'hypercall', ...this.#costs(), eid: 0x4442434en, fid: 2n, arg0, ...zero, error: 0n, value: 0n });
  }

  #take(port: InputPort, via: 'pull' | 'push', bytes: Uint8Array): void {
    for (const byte of bytes) this.#sum = (this.#sum * 31n + BigInt(byte)) % 2n ** 64n;
    this.#observer.input({ ...this.#now(), port, via, bytes });
    this.#emit({ kind: 'input', port, lengthBytes: bytes.length });
  }

  #digest(step: number): void {
    const memory = step >= (this.#options.damagedFrom ?? Infinity) ? this.#sum ^ 1n : this.#sum;
    this.#observer.digest({ ...this.#now(), memory, harts: BigInt(this.#icount), devices: 0n });
  }

  #emit(event: Record<string, unknown>): void {
    this.#observer.event({ ...event, ...this.#now(), hart: 0, pc: 0x8020_0000n } as unknown as VmEvent);
  }

  #costs(): { entryCycles: number; handlingCycles: number; returnCycles: number } {
    return { entryCycles: 212, handlingCycles: 18, returnCycles: 388 };
  }

  #now(): Position {
    return { cycle: this.#cycle, icount: this.#icount };
  }
}

/** A live host: bytes become available, and come by themselves, at times that the guest does not know. */
export class FakeHost implements InputSource {
  readonly #random: () => number;
  #left: number;
  #asked = -1;

  constructor(seed: string, bytes: number) {
    this.#random = seedrandom(seed);
    this.#left = bytes;
  }

  pull(_port: InputPort, _now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#random() < 0.4 ? this.#some(maxBytes) : undefined;
  }

  nextPushCycle(): number {
    return Infinity;
  }

  push(_port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    if (now.cycle === this.#asked) return undefined;
    this.#asked = now.cycle;
    return this.#random() < 0.2 ? this.#some(maxBytes) : undefined;
  }

  hasEnded(): boolean {
    return this.#left === 0;
  }

  #some(maxBytes: number): Uint8Array | undefined {
    const count = Math.min(this.#left, 1 + Math.floor(this.#random() * maxBytes));
    this.#left -= count;
    return count === 0 ? undefined : Uint8Array.from({ length: count }, () => Math.floor(this.#random() * 256));
  }
}
