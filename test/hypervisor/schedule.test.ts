import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/assert.ts';
import { Schedule } from '../../src/hypervisor/schedule.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';

function setUp() {
  const clock = { cycle: 100 };
  const schedule = new Schedule(clock);
  const log: string[] = [];
  for (const target of ['a', 'b']) {
    schedule.register(target, (payload) => log.push(`${target}${String(payload.n)}@${clock.cycle}`));
  }
  return { clock, schedule, log };
}

describe('Schedule', () => {
  it('runs tasks by due cycle, then in the order they were scheduled', () => {
    const { clock, schedule, log } = setUp();
    schedule.after(20, 'a', { n: 1 });
    schedule.after(10, 'b', { n: 2 });
    schedule.after(20, 'b', { n: 3 });
    schedule.after(10, 'a', { n: 4 });
    expect(schedule.next()).toBe(110);
    expect(schedule.runDue()).toBe(0);
    clock.cycle = 119;
    expect(schedule.runDue()).toBe(2);
    clock.cycle = 120;
    schedule.runDue();
    expect(log).toEqual(['b2@119', 'a4@119', 'a1@120', 'b3@120']);
    expect(schedule.next()).toBe(Number.POSITIVE_INFINITY);
  });

  it('comes to an end even if a task schedules itself again', () => {
    const clock = { cycle: 0 };
    const schedule = new Schedule(clock);
    schedule.register('again', () => schedule.after(1, 'again', {}));
    schedule.after(1, 'again', {});
    clock.cycle = 1000;
    expect(schedule.runDue()).toBe(1);
    expect(schedule.next()).toBe(1001);
  });

  it('drops the tasks of a target', () => {
    const { clock, schedule, log } = setUp();
    schedule.after(1, 'a', { n: 1 });
    schedule.after(1, 'b', { n: 2 });
    schedule.cancel('a');
    clock.cycle = 200;
    schedule.runDue();
    expect(log).toEqual(['b2@200']);
  });

  it('shows what is pending as plain data', () => {
    const { schedule } = setUp();
    schedule.after(5, 'b', { n: 1 });
    expect(plainStateOf(schedule)).toEqual({
      sequence: 1,
      tasks: [{ dueCycle: 105, sequence: 0, target: 'b', payload: { n: 1 } }],
    });
  });

  it.each([0, -1, 0.5, Number.NaN])('refuses a delay of %s cycles', (cycles) => {
    const { schedule } = setUp();
    expect(() => schedule.after(cycles, 'a', {})).toThrow(AssertionError);
  });
});
