/** Calls of mode `pvh` with bad arguments: each gets its error and changes nothing. And 100,000 of a guest that asks for anything. */

import { describe, expect, it } from 'vitest';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { PAGE } from '../../support/direct-calls.ts';
import { mulberry } from '../../support/mulberry.ts';
import { PvhGuest, SOURCES } from '../../support/pvh-guest.ts';

const CHANNEL_OP = 32;

describe('the shared-info page', () => {
  it.each([
    ['below RAM, where devices are', 0x1000_0000],
    ['at the interrupt controller', 0x0c00_0000],
    ['behind RAM', 0x8010_0000],
    ['where nothing is', 0],
    ['beyond what an address can be', 2n ** 63n],
    ['at the last frame number', -1n],
  ])('is refused %s', (_, pa) => {
    const guest = new PvhGuest();
    expect(guest.place(pa)).toBe('EINVAL');
    expect(guest.domain.shared.place).toBeUndefined();
    expect(guest.placed).toEqual([]);
  });

  it('is refused for another domain, another space, another index', () => {
    const guest = new PvhGuest();
    expect(guest.place(guest.page(1), 2)).toBe('EPERM');
    expect(guest.place(guest.page(1), 1, 1)).toBe('EINVAL');
    expect(guest.place(guest.page(1), 1, 0, 1n)).toBe('EINVAL');
    expect(guest.call(12, 7, guest.page(1) + 4)).toBe('EFAULT');
    expect(guest.call(12, 8, guest.page(1))).toBe('ENOSYS');
    expect(guest.place(guest.page(1))).toBe(0);
    expect(guest.place(guest.page(2))).toBe('EEXIST');
    expect(guest.placed).toEqual([guest.page(1)]);
  });

  it('may lie over anything of the guest, its own page tables and the request too', () => {
    const guest = new PvhGuest();
    expect(guest.place(guest.page(0))).toBe(0);
    expect(guest.operation(CHANNEL_OP, 7, 1, 0)).toBe(0);
  });
});

describe('calls for what the guest has hardware for', () => {
  it.each([
    ['mmu_update', 1],
    ['set_callbacks', 4],
    ['update_va_mapping', 14],
    ['set_timer_op', 15],
    ['grant_table_op', 20],
    ['iret', 23],
    ['mmuext_op', 26],
    ['device_op', 48],
  ])('%s is not served, alone or in a multicall', (_, number) => {
    const guest = new PvhGuest();
    expect(guest.call(number, 0, 0, 0)).toBe('ENOSYS');
    guest.write32(guest.page(1), number);
    expect(guest.call(13, guest.page(1), 1)).toBe(0);
    expect(guest.machine.memory.read32(guest.page(1) + 8) | 0).toBe(-38);
  });

  it('refuses a poll, and the virtual interrupt of a timer', () => {
    const guest = new PvhGuest();
    guest.place(guest.page(1));
    expect(guest.call(29, 3, guest.page(0))).toBe('ENOSYS');
    expect(guest.operation(CHANNEL_OP, 1, 0, 0, 0)).toBe('EINVAL');
    expect(guest.operation(CHANNEL_OP, 1, 2, 0, 0)).toBe(0);
  });
});

describe('ports', () => {
  it('that nothing is bound to, of another domain or for another vCPU are refused', () => {
    const guest = new PvhGuest();
    expect(guest.operation(CHANNEL_OP, 7, 0, 0)).toBe('ENOENT');
    guest.place(guest.page(1));
    for (const port of [0, 1, 4095, 4096, 2 ** 32 - 1]) {
      for (const operation of [3, 4, 9]) expect(guest.operation(CHANNEL_OP, operation, port)).toBe('ENOENT');
    }
    expect(guest.operation(CHANNEL_OP, 5, 2, 1, 0, 0)).toBe('EPERM');
    expect(guest.operation(CHANNEL_OP, 0, 0, 1, 0)).toBe('EPERM');
    expect(guest.operation(CHANNEL_OP, 6, 0, 0, 0)).toBe('EPERM');
    expect(guest.operation(CHANNEL_OP, 7, 2, 0)).toBe('ENOENT');
    expect(guest.operation(CHANNEL_OP, 2, 1, 2, 0)).toBe('EINVAL');
    expect(guest.operation(CHANNEL_OP, 2, 4, 0, 0)).toBe('ENOENT');
    expect(guest.operation(33, 12, 1)).toBe('ENOENT');
    expect(plainStateOf(guest.domain)).toEqual({ sharedInfo: guest.page(1), events: { ports: [] } });
  });

  it('of lines and of the other end may go to another vCPU, those that are bound for one may not', () => {
    const guest = new PvhGuest();
    guest.place(guest.page(1));
    expect(guest.operation(CHANNEL_OP, 2, 1, 0, 0)).toBe(0);
    expect(guest.operation(CHANNEL_OP, 7, 0, 0)).toBe(0);
    expect(guest.operation(CHANNEL_OP, 1, 2, 0, 0)).toBe(0);
    expect(guest.operation(CHANNEL_OP, 8, 1, 2)).toBe('ENOENT');
    expect(guest.operation(CHANNEL_OP, 8, 9, 0)).toBe('ENOENT');
    expect(guest.operation(CHANNEL_OP, 8, 2, 1)).toBe('EINVAL');
    expect(guest.operation(CHANNEL_OP, 8, 3, 1)).toBe('EINVAL');
    guest.devices.get(1)?.set(true);
    expect(guest.operation(CHANNEL_OP, 8, 1, 1)).toBe(0);
    // It is pending already: no vCPU is told again before the guest has looked.
    guest.machine.memory.write8(guest.page(1) + 0x200, 0);
    guest.devices.get(1)?.set(false);
    guest.devices.get(1)?.set(true);
    expect(guest.kicked).toEqual([0, 1]);
  });

  it('run out, and come back', () => {
    const guest = new PvhGuest();
    guest.place(guest.page(1));
    for (let port = 1; port <= 4095; port++) expect(guest.operation(CHANNEL_OP, 7, 1, 0)).toBe(0);
    expect(guest.operation(CHANNEL_OP, 2, 1, 0, 0)).toBe('ENOSPC');
    guest.devices.get(1)?.set(true);
    expect(guest.controller.get(1)).toBe(true);
    expect(guest.operation(CHANNEL_OP, 3, 77)).toBe(0);
    expect(guest.operation(CHANNEL_OP, 2, 1, 0, 0)).toBe(0);
    expect(guest.machine.memory.read32(guest.page(0) + 8)).toBe(77);
    expect(guest.controller.get(1)).toBe(false);
  });
});

const CALLS = 100_000;
const CALLS_PER_GUEST = 5_000;
const SEED = 0x5eed_0002;
const PAGES = 16;
const NUMBERS = [1, 12, 13, 17, 18, 20, 26, 29, 32, 32, 32, 32, 33, 48, 99] as const;

class Fuzz {
  readonly guest = new PvhGuest();
  readonly #draw: () => number;

  constructor(draw: () => number) {
    this.#draw = draw;
  }

  below(limit: number): number {
    return Math.floor(this.#draw() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  address(): number | bigint {
    if (this.below(8) === 0) return this.pick([0, 1, -1, 0x1000_0000, 2 ** 52, 0x8010_0000, 2n ** 63n]);
    return this.guest.page(this.below(PAGES)) + this.pick([0, 0, 0, 8, 64, 0x200, 4092, 4088]);
  }

  word(): number {
    return this.below(4) === 0 ? this.below(2 ** 32) : this.pick([0, 1, 2, 3, 4, 5, 7, 12, 0x7ff0, 64, 4095, 4096]);
  }

  call(): string | 0 {
    const { guest } = this;
    const pa = guest.page(this.below(PAGES)) + 8 * this.below(8);
    guest.write32(pa, ...Array.from({ length: this.below(16) }, () => this.word()));
    for (const line of guest.devices.values()) if (this.below(6) === 0) line.set(this.below(2) === 0);
    if (this.below(1000) === 0) return guest.place(guest.page(this.below(PAGES)));
    const number = this.pick(NUMBERS);
    const argument = this.below(4) === 0 ? this.address() : pa;
    return number === 13
      ? guest.call(13, pa, this.below(5))
      : guest.call(number, this.below(13), argument, this.word());
  }

  /** What is wrong. */
  check(): string[] {
    const { domain, devices, controller } = this.guest;
    const wrong: string[] = [];
    const { events } = plainStateOf(domain) as { events: { ports: { port: number; kind: string; source?: number }[] } };
    const diverted = events.ports.flatMap(({ source }) => (source === undefined ? [] : [source]));
    if (new Set(diverted).size !== diverted.length) wrong.push('a line goes to two ports');
    for (const source of SOURCES) {
      const line = devices.get(source);
      line?.set(false);
      line?.set(true);
      if (controller.get(source) !== !diverted.includes(source)) wrong.push(`line ${source} goes nowhere, or twice`);
    }
    const { place } = domain.shared;
    if (place !== undefined && (place % PAGE !== 0 || !this.guest.machine.memory.contains(place, PAGE)))
      wrong.push('the shared-info page is not in RAM');
    return wrong;
  }
}

it(`serves ${CALLS} calls of a guest that asks for anything (seed 0x${SEED.toString(16)})`, () => {
  const draw = mulberry(SEED);
  const outcomes = new Map<string | 0, number>();
  for (let done = 0; done < CALLS; done += CALLS_PER_GUEST) {
    const fuzz = new Fuzz(draw);
    for (let count = 0; count < CALLS_PER_GUEST; count++) {
      const outcome = fuzz.call();
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (count % 250 === 0) expect(fuzz.check()).toEqual([]);
    }
  }
  // It asks for things that are granted, and for each way to be refused.
  const refusals = ['EPERM', 'ENOENT', 'EFAULT', 'EEXIST', 'EINVAL', 'ENOSYS'];
  for (const outcome of [0, ...refusals])
    expect(outcomes.get(outcome as string | 0) ?? 0, `${outcome}`).toBeGreaterThan(20);
});
