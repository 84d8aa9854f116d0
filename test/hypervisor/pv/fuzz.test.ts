/**
 * 100,000 calls of a guest that asks for anything, with whatever it likes in its memory and its rings. No call may throw or run away, every
 * count must stay right, no page table may be mapped writable, and nothing may lead outside the guest's RAM.
 */
import { expect, it } from 'vitest';
import { FRAME_USE } from '../../../src/hypervisor/pv/frame-types.ts';
import { PTE } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { PAGE } from '../../support/direct-calls.ts';
import { mulberry } from '../../support/mulberry.ts';
import { PvGuest } from '../../support/pv-guest.ts';

const CALLS = 100_000;
const CALLS_PER_GUEST = 5_000;
const CALLS_PER_CHECK = 250;
const SEED = 0x5eed_0001;
/** Pages that the guest plays with. */
const PAGES = 24;
const NUMBERS = [1, 4, 13, 14, 15, 17, 18, 20, 20, 26, 26, 26, 29, 32, 32, 48, 99] as const;
const FLAGS = [0, PTE.V, 0x53, 0xd7, 0xdf, 0x13, 0x17, 0x5b] as const;

class Fuzz {
  readonly guest = new PvGuest();
  readonly #draw: () => number;

  constructor(draw: () => number) {
    this.#draw = draw;
    const { guest } = this;
    // As a guest does that wants devices: a grant table, and pages that can become page tables.
    guest.write64(guest.page(0), 1, guest.page(0) + 64, 0);
    guest.write64(guest.page(0) + 64, guest.page(1));
    guest.call(20, 2, guest.page(0), 1);
    for (let index = 12; index < PAGES; index++) {
      guest.call(14, guest.page(index), guest.entry(guest.page(index), PTE.V | PTE.R | PTE.U), 2);
    }
  }

  below(limit: number): number {
    return Math.floor(this.#draw() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** An address that means something, most of the time. */
  address(): number | bigint {
    const { guest } = this;
    switch (this.below(12)) {
      case 0:
        return this.pick([0, 1, -1, 0x1000, 2 ** 52, guest.usableEnd - 8, 0x8000_0000_0000_0000n]);
      case 1:
        return this.pick([guest.start.root, guest.start.sharedInfo, guest.start.startInfo]);
      case 2:
        return guest.page(this.below(PAGES)) + this.below(PAGE);
      case 3:
        return guest.start.root + this.below(512) * 8;
      default:
        return guest.page(this.below(PAGES)) + this.pick([0, 0, 0, 8, 64, 4088]);
    }
  }

  word(): number | bigint {
    switch (this.below(6)) {
      case 0:
        return this.address();
      case 1:
        return this.guest.entry(this.guest.page(this.below(PAGES)), this.pick(FLAGS));
      case 2:
        return this.guest.entry(this.pick([this.guest.start.root, 0x1000]), this.pick(FLAGS));
      case 3:
        return this.below(2 ** 32);
      default:
        return this.below(20);
    }
  }

  /** What the guest may do without asking: write to a page that is no page table. */
  store(): void {
    const { guest } = this;
    const pa = guest.page(this.below(PAGES));
    const use = guest.use(pa);
    if (use !== FRAME_USE.none && use !== FRAME_USE.writable) return;
    const index = this.below(8) === 0 ? this.below(500) : this.below(8);
    const count = 1 + this.below(6);
    for (let word = 0; word < count; word++) guest.write64(pa + (index + word) * 8, this.word());
  }

  /** An entry of the grant table, most often one that grants. */
  grant(): void {
    const { guest } = this;
    const frame = this.below(8) === 0 ? this.below(2 ** 32) : guest.page(this.below(PAGES)) / PAGE;
    guest.write32(guest.page(1) + this.below(16) * 8, this.pick([1, 1, 5, 0, 2]) | (this.pick([0, 0, 1]) << 16), frame);
  }

  /** Connects a device or sends to ports, so that rings are looked at. */
  ring(): void {
    const { guest } = this;
    const page = guest.page(2);
    if (this.below(3) > 0) {
      guest.write32(page, this.below(12));
      guest.call(32, 4, page);
      return;
    }
    guest.write32(page, 1 + this.below(2), 0, this.below(16), this.below(16), 0, 0);
    guest.call(48, this.below(4) === 0 ? 1 : 0, page);
  }

  /** Builds a table as a guest does, or almost so, and has it pinned, loaded, changed or unpinned. */
  table(): string | 0 {
    const { guest } = this;
    const pa = guest.page(12 + this.below(PAGES - 12));
    if (guest.use(pa) === FRAME_USE.none) {
      guest.machine.memory.writeBytes(pa, new Uint8Array(PAGE));
      for (let count = this.below(4); count > 0; count--) {
        const target = this.below(20) === 0 ? guest.start.root : guest.page(this.below(PAGES));
        guest.write64(pa + this.below(512) * 8, guest.entry(target, this.pick(FLAGS)));
      }
    }
    if (this.below(3) === 0) {
      guest.write64(guest.page(2), pa + this.below(512) * 8, this.word());
      return guest.call(1, guest.page(2), 1);
    }
    guest.write64(guest.page(2), this.pick([0, 0, 1, 2, 4, 4, 15]), pa, 0);
    return guest.call(26, guest.page(2), 1);
  }

  /** Copies from and to grants and pages, or maps and unmaps a grant. */
  useGrant(): string | 0 {
    const { guest } = this;
    const at = guest.page(2);
    const side = () => {
      const isReference = this.below(2);
      const value = isReference === 1 ? this.below(16) : guest.page(this.below(PAGES)) / PAGE;
      return [value, 0, this.pick([1, 1, 1, 0, 0x7ff0]), this.below(4) | (isReference << 16)];
    };
    const operation = this.pick([0, 1, 5, 5]);
    if (operation === 5) guest.write32(at, ...side(), ...side(), this.below(4096));
    else {
      guest.write64(at, guest.page(this.below(PAGES)));
      guest.write32(at + 8, this.below(4), this.below(16), 1, 0, 0, 0);
    }
    return guest.call(20, operation, at, 1);
  }

  call(): string | 0 {
    if (this.below(4) === 0) return this.table();
    if (this.below(8) === 0) return this.useGrant();
    const number = this.pick(NUMBERS);
    if (number === 14) {
      const va = this.guest.page(this.below(PAGES));
      return this.guest.call(14, va, this.word(), this.below(4));
    }
    const takesArray = number === 1 || number === 13 || number === 26;
    const first = takesArray ? this.address() : this.below(8) === 0 ? this.word() : this.below(12);
    const second = takesArray ? this.pick([1, 1, 2, 3, 20, 512, 2048, 2049, -1]) : this.address();
    return this.guest.call(number, first, second, this.pick([1, 2, 40, 2048]), this.word());
  }
}

it(`survives ${CALLS} calls (seed ${SEED})`, { timeout: 120_000 }, () => {
  const draw = mulberry(SEED);
  const outcomes = new Map<string, number>();
  const kinds = new Set<string>();
  const uses = new Set<number>();
  let checks = 0;
  for (let done = 0; done < CALLS; ) {
    const fuzz = new Fuzz(draw);
    const { guest } = fuzz;
    for (let count = 0; count < CALLS_PER_GUEST; count++, done++) {
      fuzz.store();
      if (fuzz.below(3) === 0) fuzz.grant();
      if (fuzz.below(4) === 0) fuzz.ring();
      const outcome = String(fuzz.call());
      expect(guest.cycles).toBeLessThan(1e9);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (fuzz.below(16) === 0) guest.pass(fuzz.below(100_000));
      if (count % CALLS_PER_CHECK !== 0) continue;
      checks++;
      for (let page = 0; page < PAGES; page++) uses.add(guest.use(guest.page(page)));
      const wrong = guest.check();
      if (wrong.length > 0) throw new Error(`after ${done} calls: ${wrong.slice(0, 3).join('; ')}`);
    }
    for (const { kind } of guest.ringEvents) kinds.add(kind);
  }
  expect(checks).toBe(CALLS / CALLS_PER_CHECK);
  // It is no fuzzing if it does not get anywhere.
  for (const outcome of ['0', 'EPERM', 'EFAULT', 'EBUSY', 'EINVAL', 'ENOENT', 'EEXIST', 'E2BIG', 'ENOSYS']) {
    expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(20);
  }
  expect([...uses].sort()).toEqual([0, 1, 2, 3, 4]);
  for (const kind of ['notify', 'take', 'complete', 'broken']) expect([...kinds]).toContain(kind);
});
