import { describe, expect, it } from 'vitest';
import { IRQ } from '../../../src/machine/bus.ts';
import { CLINT, Clint } from '../../../src/machine/devices/clint.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { FakeClock, FakePins } from '../../support/fake-bus.ts';

const U64_MAX = 2n ** 64n - 1n;

function setUp(hartCount = 2) {
  const clock = new FakeClock();
  const pins = new FakePins(hartCount);
  return { clock, pins, clint: new Clint({ clock, pins, cycleOfMtime: clock.cycleOfMtime }) };
}

describe('CLINT', () => {
  it('raises and lowers a software interrupt of the hart that msip belongs to', () => {
    const { pins, clint } = setUp();
    clint.write(4, 4, 0xffff_ffff);
    expect([pins.isPending(0, IRQ.MSIP), pins.isPending(1, IRQ.MSIP)]).toEqual([false, true]);
    expect(clint.read(4, 4)).toBe(1);
    clint.write(4, 4, 2);
    expect(pins.isPending(1, IRQ.MSIP)).toBe(false);
  });

  it('reaches two msip registers with one double word', () => {
    const { pins, clint } = setUp();
    clint.write64(0, 1n | (1n << 32n));
    expect([pins.isPending(0, IRQ.MSIP), pins.isPending(1, IRQ.MSIP)]).toEqual([true, true]);
    expect(clint.read64(0)).toBe(1n | (1n << 32n));
  });

  it('has no timer pending at reset', () => {
    const { clock, pins, clint } = setUp();
    clock.cycle = Number.MAX_SAFE_INTEGER;
    clint.update();
    expect(pins.isPending(0, IRQ.MTIP)).toBe(false);
    expect(clint.read64(CLINT.mtimecmp)).toBe(U64_MAX);
    expect(clint.nextTimerCycle()).toBe(Infinity);
  });

  it('pends the timer from the tick that reaches mtimecmp until it is moved on', () => {
    const { clock, pins, clint } = setUp();
    clint.write64(CLINT.mtimecmp + 8, 10n);
    expect(clint.nextTimerCycle()).toBe(1_000);
    clock.cycle = 999;
    clint.update();
    expect(pins.isPending(1, IRQ.MTIP)).toBe(false);
    clock.cycle = 1_000;
    expect(clint.nextTimerCycle(), 'due now, until it has been served').toBe(1_000);
    clint.update();
    expect([pins.isPending(0, IRQ.MTIP), pins.isPending(1, IRQ.MTIP)]).toEqual([false, true]);
    clint.write64(CLINT.mtimecmp + 8, 11n);
    expect(pins.isPending(1, IRQ.MTIP)).toBe(false);
    clint.write64(CLINT.mtimecmp + 8, 0n);
    expect(pins.isPending(1, IRQ.MTIP)).toBe(true);
  });

  it('gives the nearest of several deadlines', () => {
    const { clint } = setUp();
    clint.write64(CLINT.mtimecmp, 70n);
    clint.write64(CLINT.mtimecmp + 8, 30n);
    expect(clint.nextTimerCycle()).toBe(3_000);
  });

  it('reads and writes halves as 32-bit drivers do', () => {
    const { clock, clint } = setUp();
    clint.write(CLINT.mtimecmp, 4, 0xffff_ffff);
    clint.write(CLINT.mtimecmp + 4, 4, 1);
    expect(clint.read64(CLINT.mtimecmp)).toBe(0x1_ffff_ffffn);
    expect(clint.read(CLINT.mtimecmp + 4, 4)).toBe(1);
    clock.cycle = 1_200;
    expect(clint.read(CLINT.mtime, 4)).toBe(12);
    expect(clint.read64(CLINT.mtime)).toBe(12n);
  });

  it('keeps an offset when the guest sets mtime, and counts on', () => {
    const { clock, pins, clint } = setUp();
    clock.cycle = 500;
    clint.write64(CLINT.mtimecmp, 1_005n);
    clint.write64(CLINT.mtime, 1_000n);
    expect(clint.nextTimerCycle()).toBe(1_000);
    clock.cycle = 1_000;
    expect(clint.read64(CLINT.mtime)).toBe(1_005n);
    clint.update();
    expect(pins.isPending(0, IRQ.MTIP)).toBe(true);
    clint.write(CLINT.mtime, 4, 3);
    expect(clint.mtime).toBe(3n);
    expect(pins.isPending(0, IRQ.MTIP)).toBe(false);
  });

  it('lets a pending timer fall when mtime wraps, at a known cycle', () => {
    const { clock, pins, clint } = setUp(1);
    clint.write64(CLINT.mtimecmp, U64_MAX - 5n);
    clint.write64(CLINT.mtime, U64_MAX - 2n);
    expect(pins.isPending(0, IRQ.MTIP)).toBe(true);
    expect(clint.nextTimerCycle()).toBe(300);
    clock.cycle = 300;
    clint.update();
    expect(clint.mtime).toBe(0n);
    expect(pins.isPending(0, IRQ.MTIP)).toBe(false);
  });

  it('has nothing for harts that do not exist, narrow accesses and gaps', () => {
    const { clint } = setUp(1);
    clint.write(4, 4, 1);
    clint.write(0, 1, 1);
    clint.write64(CLINT.mtimecmp + 8, 1n);
    expect([clint.read(4, 4), clint.read(0, 4), clint.read64(CLINT.mtimecmp + 8), clint.read(0x8000, 4)]).toEqual([
      0,
      0,
      0n,
      0,
    ]);
    expect(plainStateOf(clint)).toEqual({ msip: [false], mtimecmp: [U64_MAX], mtimeOffset: 0n });
  });

  it('names its registers', () => {
    const { clint } = setUp();
    expect([4, 0x400c, 0xbff8, 0xbffd, 8, 0xfff8].map((offset) => clint.registerName(offset))).toEqual([
      'msip[1]',
      'mtimecmp[1]',
      'mtime',
      'mtime',
      undefined,
      undefined,
    ]);
  });
});
