import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IRQ } from '../../../src/machine/bus.ts';
import { PLIC, Plic } from '../../../src/machine/devices/plic.ts';
import { plicContext } from '../../../src/machine/platform/memory-map.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { FakePins } from '../../support/fake-bus.ts';

const UART = 10;

const claimAt = (context: number) => PLIC.context + context * PLIC.contextStride + PLIC.claim;
const thresholdAt = (context: number) => PLIC.context + context * PLIC.contextStride + PLIC.threshold;
const enableAt = (context: number, source: number) =>
  PLIC.enable + context * PLIC.enableStride + 4 * Math.floor(source / 32);

function setUp(hartCount = 2) {
  const pins = new FakePins(hartCount);
  const plic = new Plic(pins);
  const enable = (context: number, source: number, priority = 1) => {
    plic.write(PLIC.priority + 4 * source, 4, priority);
    const at = enableAt(context, source);
    plic.write(at, 4, (plic.read(at, 4) | (1 << (source % 32))) >>> 0);
  };
  const isPending = (source: number) => ((plic.read(PLIC.pending + 4 * (source >>> 5), 4) >>> (source % 32)) & 1) === 1;
  return { pins, plic, enable, isPending };
}

describe('PLIC', () => {
  it('drives the wire of the context that a source is enabled for, and no other', () => {
    const { pins, plic, enable } = setUp();
    enable(plicContext(1, 's'), UART);
    plic.line(UART).set(true);
    expect([0, 1].map((hart) => [pins.isPending(hart, IRQ.MEIP), pins.isPending(hart, IRQ.SEIP)])).toEqual([
      [false, false],
      [false, true],
    ]);
  });

  it('drives MEIP for the machine-mode context', () => {
    const { pins, plic, enable } = setUp(1);
    enable(plicContext(0, 'm'), UART);
    plic.line(UART).set(true);
    expect(pins.isPending(0, IRQ.MEIP)).toBe(true);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(false);
  });

  it('claims, holds the gateway, and pends again at completion while the line is high', () => {
    const { pins, plic, enable, isPending } = setUp();
    const line = plic.line(UART);
    enable(1, UART);
    line.set(true);
    expect(plic.read(claimAt(1), 4)).toBe(UART);
    expect(isPending(UART)).toBe(false);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(false);
    line.set(false);
    line.set(true);
    expect(isPending(UART)).toBe(false);
    plic.write(claimAt(1), 4, UART);
    expect(isPending(UART)).toBe(true);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(true);
    expect(plic.read(claimAt(1), 4)).toBe(UART);
    line.set(false);
    plic.write(claimAt(1), 4, UART);
    expect(isPending(UART)).toBe(false);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(false);
  });

  it('keeps a request whose line fell before it was claimed', () => {
    const { plic, enable } = setUp();
    enable(1, UART);
    plic.line(UART).set(true);
    plic.line(UART).set(false);
    expect(plic.read(claimAt(1), 4)).toBe(UART);
    expect(plic.read(claimAt(1), 4)).toBe(0);
  });

  it('gives a source to one of two contexts', () => {
    const { pins, plic, enable } = setUp();
    enable(1, UART);
    enable(3, UART);
    plic.line(UART).set(true);
    expect([pins.isPending(0, IRQ.SEIP), pins.isPending(1, IRQ.SEIP)]).toEqual([true, true]);
    expect(plic.read(claimAt(3), 4)).toBe(UART);
    expect([pins.isPending(0, IRQ.SEIP), pins.isPending(1, IRQ.SEIP)]).toEqual([false, false]);
    expect(plic.read(claimAt(1), 4)).toBe(0);
  });

  it('claims by priority, then by the lowest number', () => {
    const { plic, enable } = setUp();
    enable(1, 1, 2);
    enable(1, 8, 7);
    enable(1, 95, 7);
    enable(1, 40, 7);
    for (const source of [95, 40, 8, 1]) plic.line(source).set(true);
    expect([1, 2, 3, 4, 5].map(() => plic.read(claimAt(1), 4))).toEqual([8, 40, 95, 1, 0]);
  });

  it('masks at or below the threshold the notification, not the claim', () => {
    const { pins, plic, enable } = setUp();
    enable(1, UART, 3);
    plic.write(thresholdAt(1), 4, 3);
    plic.line(UART).set(true);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(false);
    plic.write(thresholdAt(1), 4, 2);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(true);
    plic.write(thresholdAt(1), 4, 7);
    expect(plic.read(claimAt(1), 4)).toBe(UART);
  });

  it('never interrupts for priority 0', () => {
    const { pins, plic, enable, isPending } = setUp();
    enable(1, UART, 0);
    plic.line(UART).set(true);
    expect(isPending(UART)).toBe(true);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(false);
    expect(plic.read(claimAt(1), 4)).toBe(0);
    plic.write(PLIC.priority + 4 * UART, 4, 1);
    expect(pins.isPending(0, IRQ.SEIP)).toBe(true);
  });

  it('ignores a completion of a source that is not enabled for the context, or does not exist', () => {
    const { plic, enable, isPending } = setUp();
    enable(1, UART);
    plic.line(UART).set(true);
    plic.read(claimAt(1), 4);
    for (const [context, source] of [
      [3, UART],
      [1, 0],
      [1, 96],
      [1, 0xffff_ffff],
    ] as const) {
      plic.write(claimAt(context), 4, source);
      expect(isPending(UART)).toBe(false);
    }
  });

  it('has fields of their real width: 3 priority bits, no source 0, no source 96', () => {
    const { plic } = setUp();
    plic.write(PLIC.priority, 4, 5);
    plic.write(PLIC.priority + 4 * UART, 4, 0xff);
    plic.write(PLIC.priority + 4 * 96, 4, 5);
    plic.write(thresholdAt(0), 4, 0xffff_ffff);
    plic.write(PLIC.enable, 4, 0xffff_ffff);
    plic.write(PLIC.enable + 12, 4, 0xffff_ffff);
    plic.write(PLIC.pending, 4, 0xffff_ffff);
    const read = (offset: number) => plic.read(offset, 4);
    expect([PLIC.priority, PLIC.priority + 40, PLIC.priority + 384, thresholdAt(0)].map(read)).toEqual([0, 7, 0, 7]);
    expect([PLIC.enable, PLIC.enable + 12, PLIC.pending].map(read)).toEqual([0xffff_fffe, 0, 0]);
  });

  it('has no contexts beyond its harts and no narrow registers', () => {
    const { plic } = setUp(1);
    plic.write(thresholdAt(2), 4, 1);
    plic.write(enableAt(2, UART), 4, 0xff);
    plic.write(thresholdAt(1), 1, 1);
    expect([plic.read(thresholdAt(2), 4), plic.read(enableAt(2, UART), 4), plic.read(thresholdAt(1), 4)]).toEqual([
      0, 0, 0,
    ]);
  });

  it('names its registers', () => {
    const { plic } = setUp();
    expect(
      [PLIC.priority + 40, PLIC.pending + 4, PLIC.enable + 0x84, thresholdAt(1), claimAt(3), claimAt(4), 0x3000].map(
        (offset) => plic.registerName(offset),
      ),
    ).toEqual(['priority[10]', 'pending[1]', 'enable[1][1]', 'threshold[1]', 'claim[3]', undefined, undefined]);
  });

  it('has plain state', () => {
    const { plic, enable } = setUp(1);
    enable(1, UART);
    plic.line(UART).set(true);
    expect(plainStateOf(plic)).toMatchObject({
      pending: [1 << UART, 0, 0],
      levels: [1 << UART, 0, 0],
      claimed: [0, 0, 0],
    });
  });

  it('raises a wire exactly while a claim above the threshold would find something (property)', () => {
    const action = fc.record({
      kind: fc.constantFrom('line', 'enable', 'priority', 'threshold', 'claim', 'complete'),
      context: fc.nat(3),
      source: fc.integer({ min: 1, max: 95 }),
      value: fc.nat(7),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { pins, plic } = setUp();
        for (const { kind, context, source, value } of actions) {
          if (kind === 'line') plic.line(source).set(value % 2 === 1);
          else if (kind === 'enable') plic.write(enableAt(context, source), 4, (-1 >>> value) >>> 0);
          else if (kind === 'priority') plic.write(PLIC.priority + 4 * source, 4, value);
          else if (kind === 'threshold') plic.write(thresholdAt(context), 4, value);
          else if (kind === 'claim') plic.read(claimAt(context), 4);
          else plic.write(claimAt(context), 4, source);
        }
        for (const context of [0, 1, 2, 3]) {
          const wire = pins.isPending(context >>> 1, context % 2 === 0 ? IRQ.MEIP : IRQ.SEIP);
          const threshold = plic.read(thresholdAt(context), 4);
          const eligible = Array.from({ length: 95 }, (_, index) => index + 1).some(
            (source) =>
              ((plic.read(PLIC.pending + 4 * (source >>> 5), 4) >>> (source % 32)) & 1) === 1 &&
              ((plic.read(enableAt(context, source), 4) >>> (source % 32)) & 1) === 1 &&
              plic.read(PLIC.priority + 4 * source, 4) > threshold,
          );
          expect(wire).toBe(eligible);
        }
      }),
      { numRuns: 300 },
    );
  });
});
