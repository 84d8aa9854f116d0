import { expect, it } from 'vitest';
import { newSection, Stopwatch } from '../../../src/cli/profile/stopwatch.ts';

/** A clock that stands still unless it is put forward. */
class HandClock {
  ms = 100;

  readonly nowMs = () => this.ms;
}

const clockwork = () => {
  const clock = new HandClock();
  const [first, second, third] = ['first', 'second', 'third'].map(newSection) as [Section, Section, Section];
  return { clock, first, second, third, stopwatch: new Stopwatch(clock.nowMs, first, 90) };
};
type Section = ReturnType<typeof newSection>;

it('gives each moment to the innermost section', () => {
  const { clock, first, second, third, stopwatch } = clockwork();
  stopwatch.enter(second);
  clock.ms += 5;
  stopwatch.enter(third);
  clock.ms += 7;
  stopwatch.leave();
  clock.ms += 2;
  stopwatch.leave();
  clock.ms += 1;
  stopwatch.stop();
  expect(first).toEqual({ name: 'first', ms: 11, count: 0 });
  expect(second).toEqual({ name: 'second', ms: 7, count: 1 });
  expect(third).toEqual({ name: 'third', ms: 7, count: 1 });
});

it('lets a section take the place of the one around', () => {
  const { clock, first, second, third, stopwatch } = clockwork();
  const outer = newSection('outer');
  stopwatch.enter(outer);
  clock.ms += 1;
  stopwatch.enter(second);
  clock.ms += 10;
  stopwatch.leaveTo(third);
  clock.ms += 100;
  stopwatch.leave();
  clock.ms += 1000;
  stopwatch.stop();
  expect([first.ms, outer.ms, second.ms, third.ms]).toEqual([1010, 1, 10, 100]);
  expect(third.count).toBe(1);
});

it('turns from one section to the next without counting it', () => {
  const { clock, first, second, stopwatch } = clockwork();
  stopwatch.turnTo(second);
  clock.ms += 3;
  stopwatch.stop();
  expect(first.ms).toBe(10);
  expect(second).toEqual({ name: 'second', ms: 3, count: 0 });
});
