import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CycleView } from '../../src/viz/cycle-view.ts';
import { countMarks, neighbours, sampleMarks, sampleSlot } from '../../src/viz/lod.ts';

const gaps = fc.array(fc.nat(50), { minLength: 1, maxLength: 300 });

function rising(steps: readonly number[]): Float64Array {
  let sum = 0;
  return Float64Array.from(steps, (step) => {
    sum += step;
    return sum;
  });
}

describe('sampleMarks', () => {
  it('draws each visible event once, at its pixel, in at most one mark a pixel', () => {
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 8, max: 400 }),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        (steps, width, part) => {
          const cycles = rising(steps);
          const events = Uint32Array.from(cycles, (_, i) => i).filter((i) => i % 3 !== 1);
          const total = (cycles[cycles.length - 1] ?? 0) + 1;
          const view = CycleView.of(total, part * total, total, width);
          const drawn: number[] = [];
          const columns = new Set<number>();
          sampleMarks(
            events,
            cycles,
            () => 0,
            view,
            (x, _width, first, count) => {
              expect(columns.has(Math.floor(x))).toBe(false);
              columns.add(Math.floor(x));
              for (let i = first; i < first + count; i += 1) {
                drawn.push(i);
                expect(Math.abs(view.x(cycles[events[i] ?? 0] ?? 0) - x)).toBeLessThanOrEqual(1 + 1e-6);
              }
            },
          );
          const visible = Array.from(events.keys()).filter((i) => (cycles[events[i] ?? 0] ?? 0) >= view.from);
          expect(drawn).toEqual(visible);
        },
      ),
    );
  });

  it('draws an exit that began before the window', () => {
    const seen: number[] = [];
    const view = CycleView.of(1000, 500, 600, 100);
    sampleMarks(
      Uint32Array.of(0, 1),
      Float64Array.of(450, 700),
      () => 100,
      view,
      (x, width, first) => seen.push(x, width, first),
    );
    expect(seen).toEqual([-50, 100, 0]);
  });
});

describe('sampleSlot', () => {
  it('draws a bounded number of chains a pixel, and every chain that is wide', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 8, max: 200 }), (steps, width) => {
        const edges = rising(steps);
        const starts = edges.filter((_, i) => i % 2 === 0);
        const ends = starts.map((start, i) => edges[i * 2 + 1] ?? start);
        const slot = Uint32Array.from(starts, (_, i) => i);
        const view = CycleView.whole((edges[edges.length - 1] ?? 0) + 1, width);
        const drawn = new Set<number>();
        let last = Number.NEGATIVE_INFINITY;
        sampleSlot(slot, starts, ends, view, (chain, x) => {
          expect(x).toBeGreaterThanOrEqual(last);
          last = x;
          drawn.add(chain);
        });
        expect(drawn.size).toBeLessThanOrEqual(2 * (width + 2));
        for (const chain of slot) {
          const pixels = ((ends[chain] ?? 0) - (starts[chain] ?? 0)) * view.pixelsPerCycle;
          if (pixels > 2) expect(drawn.has(chain)).toBe(true);
        }
      }),
    );
  });
});

describe('countMarks and neighbours', () => {
  it('count half-open ranges', () => {
    const cycles = Float64Array.of(1, 5, 5, 9);
    expect(countMarks(Uint32Array.of(0, 1, 2, 3), cycles, 5, 9)).toEqual({ first: 1, count: 2 });
    expect(countMarks(Uint32Array.of(0, 3), cycles, 2, 9)).toEqual({ first: 1, count: 0 });
  });

  it('step from an event that the lane does not hold', () => {
    expect(neighbours(Uint32Array.of(2, 4, 8), 5)).toEqual({ previous: 1, next: 2 });
    expect(neighbours(Uint32Array.of(2, 4, 8), 4)).toEqual({ previous: 0, next: 2 });
    expect(neighbours(Uint32Array.of(2, 4, 8), 8)).toEqual({ previous: 1, next: 3 });
  });
});
