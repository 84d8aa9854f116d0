/**
 * Work that devices have yet to finish: a deterministic queue of (due cycle, sequence, target, payload). It holds plain data
 * and no closures, so that digests see it and checkpoints can save it; who does the work is looked up by the target's name.
 * Tasks of the same cycle run in the order in which they were scheduled.
 */

import { assert, must } from '../assert.ts';
import type { Clock, PlainState } from '../machine/bus.ts';
import type { StateSink } from '../machine/state-sink.ts';

export type ScheduledTask = {
  /** Model cycle at which it comes due: a safe integer. */
  readonly dueCycle: number;
  /** Running number: orders tasks of one cycle. */
  readonly sequence: number;
  /** Name under which the handler is registered. */
  readonly target: string;
  readonly payload: PlainState;
};

/** What a device sees of the schedule. */
export interface Scheduler {
  /** The current model cycle. */
  readonly now: number;
  /** Declares who serves `target`. Once per name. */
  register(target: string, handler: (payload: PlainState) => void): void;
  /** Schedules a task `cycles` (at least 1) after now. */
  after(cycles: number, target: string, payload: PlainState): void;
  /** Drops all tasks of `target`. */
  cancel(target: string): void;
}

export class Schedule implements Scheduler {
  readonly #clock: Pick<Clock, 'cycle'>;
  readonly #handlers = new Map<string, (payload: PlainState) => void>();
  /** Sorted by due cycle, then sequence. Short: a few tasks per ring. */
  #tasks: ScheduledTask[] = [];
  #sequence = 0;

  constructor(clock: Pick<Clock, 'cycle'>) {
    this.#clock = clock;
  }

  get now(): number {
    return this.#clock.cycle;
  }

  register(target: string, handler: (payload: PlainState) => void): void {
    assert(!this.#handlers.has(target), `schedule target ${target} is registered twice`);
    this.#handlers.set(target, handler);
  }

  after(cycles: number, target: string, payload: PlainState): void {
    const dueCycle = this.now + cycles;
    assert(cycles >= 1 && Number.isSafeInteger(dueCycle), 'a task lies at least one cycle ahead');
    assert(this.#handlers.has(target), 'a task has a registered target');
    const task = { dueCycle, sequence: this.#sequence++, target, payload };
    const tasks = this.#tasks;
    let place = tasks.push(task) - 1;
    for (; place > 0; place--) {
      const before = must(tasks[place - 1], 'a task that is scheduled');
      if (before.dueCycle <= dueCycle) break;
      tasks[place] = before;
    }
    tasks[place] = task;
  }

  cancel(target: string): void {
    this.#tasks = this.#tasks.filter((task) => task.target !== target);
  }

  /** Cycle of the next task; Infinity if there is none. */
  next(): number {
    return this.#tasks[0]?.dueCycle ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the next task that is due at `cycle`. */
  popDue(cycle: number): ScheduledTask | undefined {
    return this.next() <= cycle ? this.#tasks.shift() : undefined;
  }

  /**
   * Runs everything that is due now, in order; returns how many tasks that were. Ends, because a task can only schedule
   * others for a later cycle.
   */
  runDue(): number {
    const now = this.now;
    let count = 0;
    for (let task = this.popDue(now); task !== undefined; task = this.popDue(now)) {
      must(this.#handlers.get(task.target), 'a task has a registered target')(task.payload);
      count++;
    }
    return count;
  }

  /** Pending tasks in order and the running number. */
  writeState(sink: StateSink): void {
    sink.value('sequence', this.#sequence);
    sink.beginList('tasks');
    for (const task of this.#tasks) sink.constant(undefined, task);
    sink.end();
  }
}
