import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRingLanes, FlowFinder } from '../../src/viz/ring-lanes.ts';
import { MaxTree, StepLaneBuilder } from '../../src/viz/step-lane.ts';
import { eventAt, tableOf } from '../support/event-script.ts';

const ring = { device: 'virtio-blk0', queue: 0 };

/** Two chains from one doorbell, completed out of order, one interrupt; then a chain found without a doorbell. */
function batch() {
  return tableOf(
    [
      eventAt(90, 'mmio', { device: 'virtio-blk0', register: 'QueueNotify', write: true, entryCycles: 20 }),
      eventAt(100, 'notify', { ...ring, waiting: 2, availIndex: 2 }),
      eventAt(100, 'take', { ...ring, head: 0, inFlight: 1 }),
      eventAt(100, 'take', { ...ring, head: 3, inFlight: 2 }),
      eventAt(300, 'complete', { ...ring, head: 3, inFlight: 1 }),
      eventAt(300, 'used', { ...ring, delivered: false }),
      eventAt(400, 'complete', { ...ring, head: 0, inFlight: 0 }),
      eventAt(400, 'used', { ...ring, delivered: true }),
      eventAt(400, 'inject', { source: 'virtio-blk0', line: 1 }),
      eventAt(410, 'interrupt', { cause: 5 }),
      eventAt(420, 'interrupt', { cause: 9 }),
      eventAt(500, 'take', { ...ring, head: 0, inFlight: 1 }),
    ],
    { cycles: 600 },
  );
}

describe('buildRingLanes', () => {
  it('joins take and completion of each chain by its head', () => {
    const { rings } = buildRingLanes(batch());
    expect(rings.map(({ name }) => name)).toEqual(['virtio-blk0 queue 0']);
    const chains = rings[0]?.chains;
    expect(Array.from(chains?.takes ?? [])).toEqual([2, 3, 11]);
    expect(Array.from(chains?.completes ?? [])).toEqual([6, 4, -1]);
    expect(Array.from(chains?.notifies ?? [])).toEqual([1, 1, -1]);
    expect(Array.from(chains?.ends ?? [])).toEqual([400, 300, 600]);
    expect(rings[0]?.slots.map((slot) => Array.from(slot))).toEqual([[0, 2], [1]]);
  });

  it('knows how many chains are in flight and waiting at any cycle', () => {
    const occupancy = buildRingLanes(batch()).rings[0]?.occupancy;
    expect(occupancy?.maxIn(0, 100)).toEqual({ inFlight: 0, waiting: 0 });
    expect(occupancy?.maxIn(100, 101)).toEqual({ inFlight: 2, waiting: 0 });
    expect(occupancy?.maxIn(350, 360)).toEqual({ inFlight: 1, waiting: 0 });
    expect(occupancy?.maxIn(0, 600)).toEqual({ inFlight: 2, waiting: 2 });
    expect(occupancy?.maxIn(450, 460)).toEqual({ inFlight: 0, waiting: 0 });
  });

  it('links doorbell, chain, completion and interrupt, from any of them', () => {
    const table = batch();
    const { rings } = buildRingLanes(table);
    const finder = new FlowFinder(table, rings);
    const first = { doorbell: 0, notify: 1, take: 2, complete: 6, used: 7, inject: 8, interrupt: 10 };
    for (const event of [0, 1, 2, 6, 7, 8, 10]) expect(finder.of(event), `event ${event}`).toMatchObject(first);
    // The second chain's own completion was silent: the driver learnt of it by the interrupt of the first.
    expect(finder.of(3)).toMatchObject({ take: 3, complete: 4, used: 7, interrupt: 10 });
    expect(finder.of(4)).toMatchObject({ take: 3, complete: 4 });
    expect(finder.of(9)).toBeUndefined();
    expect(finder.of(11)).toMatchObject({ doorbell: undefined, notify: undefined, take: 11, complete: undefined });
  });

  it('does not credit a later interrupt with what a driver found by itself', () => {
    const events = [100, 5000].flatMap((cycle) => [
      eventAt(cycle, 'take', { ...ring, inFlight: 1 }),
      eventAt(cycle + 50, 'complete', { ...ring, inFlight: 0 }),
      eventAt(cycle + 50, 'used', { ...ring, delivered: cycle > 100 }),
    ]);
    const table = tableOf(events);
    const { rings } = buildRingLanes(table);
    const finder = new FlowFinder(table, rings);
    expect(finder.of(0)).toMatchObject({ complete: 1, used: 2, inject: undefined });
    expect(finder.of(3)).toMatchObject({ complete: 4, used: 5 });
  });

  it('survives a ring that breaks, completes what was never taken and reuses heads', () => {
    const table = tableOf(
      [
        eventAt(1, 'complete', { ...ring, head: 9 }),
        eventAt(2, 'take', { ...ring, head: 1, inFlight: 1 }),
        eventAt(3, 'take', { ...ring, head: 1, inFlight: 2 }),
        eventAt(4, 'broken', { ...ring, what: 'descriptor loop', offending: 7n }),
      ],
      { cycles: 10 },
    );
    const { rings } = buildRingLanes(table);
    expect(Array.from(rings[0]?.chains.ends ?? [])).toEqual([3, 10]);
    expect(new FlowFinder(table, rings).of(2)).toMatchObject({ take: 2, complete: undefined });
    expect(rings[0]?.occupancy.maxIn(5, 6)).toEqual({ inFlight: 0, waiting: 0 });
  });

  it('bounds lanes and slots, whatever a guest does', () => {
    const many = Array.from({ length: 200 }, (_, i) =>
      eventAt(i, 'take', { device: 'd', queue: i, head: 1, inFlight: 1 }),
    );
    const { rings, leftOut } = buildRingLanes(tableOf(many));
    expect(rings.length + leftOut).toBe(200);
    expect(rings.length).toBe(64);
    const deep = Array.from({ length: 200 }, (_, i) => eventAt(i, 'take', { ...ring, head: i, inFlight: i + 1 }));
    const [one] = buildRingLanes(tableOf(deep)).rings;
    expect(one?.slots.length).toBe(32);
    expect(one?.occupancy.inFlight.top).toBe(200);
  });
});

describe('MaxTree', () => {
  it('gives the greatest value of any range', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60_000), { maxLength: 700 }), fc.nat(), fc.nat(), (values, a, b) => {
        const [from = 0, to = 0] = [a % (values.length + 1), b % (values.length + 1)].sort((x, y) => x - y);
        expect(new MaxTree(Uint16Array.from(values)).max(from, to)).toBe(Math.max(0, ...values.slice(from, to)));
      }),
    );
  });

  it('is asked through steps of any length', () => {
    const builder = new StepLaneBuilder();
    builder.set(10, 3, undefined);
    builder.set(20, 1, 5);
    builder.set(20, 2, undefined);
    const lane = builder.build(100);
    expect(lane.maxIn(0, 10)).toEqual({ inFlight: 0, waiting: 0 });
    expect(lane.maxIn(5, 11)).toEqual({ inFlight: 3, waiting: 0 });
    expect(lane.maxIn(20, 21)).toEqual({ inFlight: 2, waiting: 5 });
    expect(lane.maxIn(19, 21)).toEqual({ inFlight: 3, waiting: 5 });
  });
});
