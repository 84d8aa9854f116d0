import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CycleView } from '../../src/viz/cycle-view.ts';

describe('CycleView', () => {
  it('keeps the cycle under the pointer while it zooms', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1e12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 1.01, max: 1000, noNaN: true }),
        (total, part, factor) => {
          const view = CycleView.whole(total, 1200);
          const x = part * 1200;
          const closer = view.zoomAround(x, factor);
          expect(closer.cycle(x)).toBeCloseTo(view.cycle(x), -Math.log10(total * 1e-9));
          expect(closer.from).toBeGreaterThanOrEqual(0);
          expect(closer.to).toBeLessThanOrEqual(total * (1 + 1e-12));
        },
      ),
    );
  });

  it('goes down to single cycles at the end of a run of 10^12 cycles, and no further', () => {
    let view = CycleView.whole(1e12, 1000);
    for (let i = 0; i < 200; i += 1) view = view.zoomAround(999, 2);
    expect(view.span).toBeCloseTo(8, 3);
    expect(view.x(Math.ceil(view.from) + 1) - view.x(Math.ceil(view.from))).toBeCloseTo(125, 1);
  });

  it('stays within the run', () => {
    const view = CycleView.of(1000, 100, 200, 100);
    expect(view.pan(-1e6).from).toBe(0);
    expect(view.pan(1e6).to).toBe(1000);
    expect(view.zoomAround(50, 1e-9).span).toBe(1000);
    expect(CycleView.of(1000, -500, -400, 100)).toMatchObject({ from: 0, to: 100 });
    expect(CycleView.whole(0, 100).span).toBeGreaterThan(0);
  });

  it('reveals a range at the same zoom if that fits', () => {
    const view = CycleView.of(1e6, 0, 1000, 100);
    expect(view.reveal(500_000, 500_100)).toMatchObject({ from: 499_550, to: 500_550 });
    expect(view.reveal(500_000, 510_000).span).toBe(30_000);
  });
});
