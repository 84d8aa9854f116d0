import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CycleView } from '../../src/viz/cycle-view.ts';
import { sampleStates } from '../../src/viz/lod.ts';
import { HART_STATES, StateLaneBuilder } from '../../src/viz/state-lane.ts';

const changes = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(...HART_STATES)), {
  maxLength: 200,
});

function build(steps: readonly (readonly [number, (typeof HART_STATES)[number]])[]) {
  const builder = new StateLaneBuilder();
  const slow: number[] = [];
  let cycle = 0;
  let state: number = HART_STATES.indexOf('stopped');
  builder.set(0, 'stopped', -1);
  for (const [length, next] of steps) {
    for (let i = 0; i < length; i += 1) slow.push(state);
    cycle += length;
    builder.set(cycle, next, -1);
    state = HART_STATES.indexOf(next);
  }
  for (let i = 0; i < 10; i += 1) slow.push(state);
  return { lane: builder.build(cycle + 10), slow };
}

describe('StateLane', () => {
  it('sums the cycles of each state in any range', () => {
    fc.assert(
      fc.property(changes, fc.nat(), fc.nat(), (steps, a, b) => {
        const { lane, slow } = build(steps);
        const [from = 0, to = 0] = [a % (slow.length + 1), b % (slow.length + 1)].sort((x, y) => x - y);
        const cycles = new Float64Array(HART_STATES.length);
        lane.addCycles(from, to, cycles);
        const expected = HART_STATES.map((_, code) => slow.slice(from, to).filter((state) => state === code).length);
        expect(Array.from(cycles)).toEqual(expected);
      }),
    );
  });

  it('is drawn without gaps, in at most one piece a pixel', () => {
    fc.assert(
      fc.property(
        changes,
        fc.integer({ min: 10, max: 300 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (steps, width, part) => {
          const { lane, slow } = build(steps);
          const view = CycleView.of(slow.length, part * slow.length, slow.length, width);
          let x = 0;
          let pieces = 0;
          sampleStates(lane, view, {
            span: (span, at, size) => {
              expect(at).toBeCloseTo(x, 6);
              expect(lane.starts[span]).toBeLessThanOrEqual(view.cycle(at) + 1e-6);
              x = at + size;
              pieces += 1;
            },
            column: (at) => {
              expect(at).toBeCloseTo(x, 6);
              x = at + 1;
              pieces += 1;
            },
          });
          expect(x).toBeGreaterThanOrEqual(Math.min(width, view.x(lane.endCycle)) - 1e-6);
          expect(pieces).toBeLessThanOrEqual(width + 1);
        },
      ),
    );
  });
});
