import { describe, expect, it } from 'vitest';
import { buildHartLanes } from '../../src/viz/hart-lanes.ts';
import type { StateLane } from '../../src/viz/state-lane.ts';
import { eventAt, tableOf } from '../support/event-script.ts';

function words(lane: StateLane | undefined): string[] {
  if (lane === undefined) return [];
  return Array.from(lane.starts, (start, span) => `${start}-${lane.end(span)} ${lane.state(span)}`);
}

describe('buildHartLanes', () => {
  it('shows exits with their cost, and waiting for an interrupt', () => {
    const table = tableOf(
      [
        eventAt(100, 'mmio', { entryCycles: 10, handlingCycles: 20, returnCycles: 5 }),
        eventAt(200, 'exit', { reason: 'wfi', entryCycles: 10, returnCycles: 10 }),
        eventAt(220, 'idle'),
        eventAt(500, 'inject', { source: 'timer', handlingCycles: 30 }),
        eventAt(530, 'wake'),
      ],
      { cycles: 600 },
    );
    const { harts, processor } = buildHartLanes(table);
    const expected = [
      '0-100 guest',
      '100-135 hypervisor',
      '135-200 guest',
      '200-220 hypervisor',
      '220-500 idle',
      '500-530 hypervisor',
      '530-600 guest',
    ];
    expect(words(harts[0])).toEqual(expected);
    expect(words(processor)).toEqual(expected);
  });

  it('lets exits without a cost leave no gap', () => {
    const table = tableOf([eventAt(100, 'mmio'), eventAt(200, 'mmio')], { cycles: 300 });
    const [hart] = buildHartLanes(table).harts;
    expect(new Set(words(hart).map((word) => word.split(' ')[1]))).toEqual(new Set(['guest']));
  });

  it('gives harts turns: one has the processor, others wait, idle harts idle on', () => {
    const table = tableOf(
      [
        eventAt(50, 'hartState', { target: 1, state: 'started' }),
        eventAt(100, 'exit', { reason: 'preempt', entryCycles: 20 }),
        eventAt(120, 'turn', { hart: 1, from: 0 }),
        eventAt(200, 'exit', { hart: 1, reason: 'wfi', entryCycles: 10 }),
        eventAt(210, 'idle', { hart: 1 }),
        eventAt(210, 'turn', { hart: 0, from: 1 }),
        eventAt(300, 'wake', { hart: 1 }),
      ],
      { cycles: 400, hartCount: 2 },
    );
    const { harts, processor } = buildHartLanes(table);
    expect(words(harts[0])).toEqual(['0-100 guest', '100-120 hypervisor', '120-210 waiting', '210-400 guest']);
    expect(words(harts[1])).toEqual([
      '0-50 stopped',
      '50-120 waiting',
      '120-200 guest',
      '200-210 hypervisor',
      '210-300 idle',
      '300-400 waiting',
    ]);
    expect(words(processor).map((word) => word.split(' ')[1])).toEqual([
      'guest',
      'hypervisor',
      'guest',
      'hypervisor',
      'guest',
    ]);
  });

  it('adds the cost of a wire that is raised while an exit is served', () => {
    const table = tableOf(
      [
        eventAt(100, 'mmio', { entryCycles: 10, handlingCycles: 20, returnCycles: 10 }),
        eventAt(130, 'inject', { source: 'virtio0', handlingCycles: 5 }),
      ],
      { cycles: 200 },
    );
    const [hart] = buildHartLanes(table).harts;
    expect(words(hart)).toEqual(['0-100 guest', '100-140 hypervisor', '140-145 hypervisor', '145-200 guest']);
  });

  it('knows a hart that starts with its first turn from one that runs from reset', () => {
    const table = tableOf(
      [
        eventAt(10, 'turn', { hart: 1, from: 0 }),
        eventAt(10, 'hartState', { hart: 1, target: 1, state: 'started' }),
        eventAt(20, 'turn', { hart: 2, from: 1 }),
        eventAt(30, 'exit', { hart: 2, reason: 'preempt' }),
      ],
      { cycles: 40, hartCount: 3 },
    );
    const { harts } = buildHartLanes(table);
    expect(words(harts[1])[0]).toBe('0-10 stopped');
    expect(words(harts[2])[0]).toBe('0-20 waiting');
  });

  it('does not hand the processor to the hart that a wire is raised for', () => {
    const table = tableOf(
      [
        eventAt(10, 'hartState', { target: 1, state: 'started' }),
        eventAt(100, 'inject', { hart: 1, source: 'ipi', handlingCycles: 40 }),
      ],
      { cycles: 300, hartCount: 2 },
    );
    const { harts } = buildHartLanes(table);
    expect(words(harts[1])).toEqual(['0-10 stopped', '10-100 waiting', '100-140 hypervisor', '140-300 waiting']);
  });
});
