import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/hypervisor/turns.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';

const all = () => true;
const only =
  (...harts: number[]) =>
  (hart: number) =>
    harts.includes(hart);

describe('Turns', () => {
  it('goes round in ascending order, a quantum each', () => {
    const turns = new Turns(3, 100);
    const order = [0, 100, 200, 300].map((cycle) => turns.choose(cycle, all)?.hart);
    expect(order).toEqual([0, 1, 2, 0]);
  });

  it('leaves a hart alone while nobody else wants the processor, and serves a newcomer at once', () => {
    const turns = new Turns(2, 100);
    expect(turns.choose(0, only(0))?.hart).toBe(0);
    expect(turns.deadline(only(0))).toBe(Number.POSITIVE_INFINITY);
    expect(turns.choose(5000, only(0))).toMatchObject({ hart: 0, changed: false });
    expect(turns.choose(5001, all)).toMatchObject({ hart: 1, from: 0, changed: true, preempted: true });
    expect(turns.deadline(all)).toBe(5101);
  });

  it('does not preempt a hart that had given up the processor', () => {
    const turns = new Turns(2, 100);
    turns.choose(0, all);
    expect(turns.choose(10, only())).toBeUndefined();
    expect(turns.choose(300, all)).toMatchObject({ hart: 1, preempted: false });
  });

  it('passes over harts that wait', () => {
    const turns = new Turns(4, 100);
    expect(turns.choose(100, only(0, 3))).toMatchObject({ hart: 3, preempted: false });
    expect(turns.choose(200, only(0, 3))).toMatchObject({ hart: 0, preempted: true });
  });

  it('is in the same state whether or not it was asked after the only hart had given up its turn', () => {
    const [asked, unasked] = [new Turns(1, 100), new Turns(1, 100)];
    for (const turns of [asked, unasked]) {
      turns.choose(0, all);
      turns.giveUp(40);
    }
    asked.choose(50, all);
    expect(plainStateOf(asked)).toEqual(plainStateOf(unasked));
  });

  it('decides the same however often it is asked', () => {
    const often = new Turns(3, 100);
    const seldom = new Turns(3, 100);
    for (let cycle = 0; cycle < 1000; cycle += 100) {
      seldom.choose(cycle, all);
      for (let step = 0; step < 100; step += 7) often.choose(cycle + step, all);
      expect(plainStateOf(often)).toEqual(plainStateOf(seldom));
    }
  });
});
