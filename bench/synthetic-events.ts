/**
 * A made-up run with the rhythm of a real one: a boot loader that polls a 16550, reads blocks through a ring, prints through the
 * SBI and now and then waits. Deterministic: the same count and seed give the same events.
 */
import type { VmEvent } from '../src/hypervisor/events.ts';

const TEXT =
  'U-Boot 2025.01 (Jan 01 2025 - 00:00:00 +0000)\r\n\r\nDRAM:  128 MiB\r\nCore:  28 devices, 13 uclasses\r\n=> ';
const UART_BASE = 0x1000_0000;
const BLOCK_BASE = 0x1000_1000;
const HOUSEKEEPING_SHARE = 64;

/** A stream of events in order of their stamps. */
export function* syntheticEvents(count: number, seed = 1): Generator<VmEvent, void, undefined> {
  const run = new SyntheticRun(seed);
  let made = 0;
  while (made < count) {
    for (const event of run.step()) {
      if (made === count) return;
      made += 1;
      yield event;
    }
  }
}

/** xorshift32: enough for made-up noise. */
function makeNoise(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

class SyntheticRun {
  readonly #noise: (below: number) => number;
  #cycle = 0;
  #icount = 0;
  #text = 0;
  #avail = 0;

  constructor(seed: number) {
    this.#noise = makeNoise(seed);
  }

  *step(): Generator<VmEvent, void, undefined> {
    const choice = this.#noise(HOUSEKEEPING_SHARE);
    if (choice === 0) yield* this.#readBlock();
    else if (choice === 1) yield* this.#wait();
    else if (choice < 4) yield this.#print();
    else yield* this.#putCharacter();
  }

  /** Poll LSR until the transmitter is empty, then write THR. */
  *#putCharacter(): Generator<VmEvent, void, undefined> {
    yield this.#mmio(11 + this.#noise(3), 'uart0', 'LSR', UART_BASE + 5, false, 0x60n, 0x8020_3b4an, 1);
    const character = BigInt(TEXT.charCodeAt(this.#text));
    this.#text = (this.#text + 1) % TEXT.length;
    yield this.#mmio(9, 'uart0', 'THR', UART_BASE, true, character, 0x8020_3b66n, 1);
  }

  #print(): VmEvent {
    this.#run(200 + this.#noise(400));
    const event: VmEvent = {
      kind: 'hypercall',
      ...this.#stamp(0x8021_0444n),
      entryCycles: 212,
      handlingCycles: 18,
      returnCycles: 388,
      eid: 0x4442434en,
      fid: 0n,
      arg0: BigInt(1 + this.#noise(60)),
      arg1: 0x8060_0000n + BigInt(this.#noise(4096)),
      arg2: 0n,
      arg3: 0n,
      arg4: 0n,
      arg5: 0n,
      error: 0n,
      value: BigInt(1 + this.#noise(60)),
      tableWrites: 0,
      rootLoads: 0,
      flushes: 0,
    };
    this.#cycle += 618;
    return event;
  }

  *#readBlock(): Generator<VmEvent, void, undefined> {
    this.#run(900 + this.#noise(500));
    this.#avail = (this.#avail + 1) & 0xffff;
    const index = this.#avail;
    const ring = { device: 'virtio1', queue: 0 } as const;
    const head = (index * 3) & 127;
    yield this.#mmio(5, 'virtio1', 'QueueNotify', BLOCK_BASE + 0x50, true, 0n, 0x8022_1108n, 4);
    const stamp = this.#stamp(0x8022_1108n);
    yield { kind: 'notify', ...stamp, ...ring, availIndex: index, waiting: 1 };
    const taken = { head, descriptors: 3, indirect: false, readableBytes: 16, writableBytes: 4097, inFlight: 1 };
    yield { kind: 'take', ...stamp, ...ring, ...taken };
    yield { kind: 'complete', ...stamp, ...ring, head, writtenBytes: 4097, usedIndex: index, inFlight: 0 };
    yield { kind: 'used', ...stamp, ...ring, usedIndex: index, delivered: false };
  }

  *#wait(): Generator<VmEvent, void, undefined> {
    this.#run(300 + this.#noise(100));
    const costs = { entryCycles: 212, handlingCycles: 18, returnCycles: 388 };
    yield { kind: 'exit', ...this.#stamp(0x8020_0f00n), ...costs, reason: 'wfi' };
    this.#cycle += 618;
    yield { kind: 'idle', ...this.#stamp(0x8020_0f04n) };
    this.#cycle += 10_000 - (this.#cycle % 10_000);
    const source = { source: 'timer', line: 5, entryCycles: 0, handlingCycles: 120, returnCycles: 0 };
    yield { kind: 'inject', ...this.#stamp(0x8020_0f04n), ...source };
    this.#cycle += 120;
    yield { kind: 'wake', ...this.#stamp(0x8020_0f04n) };
    yield { kind: 'interrupt', ...this.#stamp(0x8020_0040n), cause: 5 };
  }

  #mmio(
    instructions: number,
    device: string,
    register: string,
    gpa: number,
    write: boolean,
    value: bigint,
    pc: bigint,
    sizeBytes: number,
  ): VmEvent {
    this.#run(instructions);
    const costs = { entryCycles: 212, handlingCycles: 640, returnCycles: 388 };
    const stamp = this.#stamp(pc);
    this.#cycle += 1240;
    return { kind: 'mmio', ...stamp, ...costs, device, register, gpa, sizeBytes, write, value };
  }

  #run(instructions: number): void {
    this.#icount += instructions;
    this.#cycle += instructions + (instructions >> 2) + (this.#noise(16) === 0 ? 72 : 0);
  }

  #stamp(pc: bigint): { cycle: number; icount: number; hart: number; pc: bigint } {
    return { cycle: this.#cycle, icount: this.#icount, hart: 0, pc };
  }
}
