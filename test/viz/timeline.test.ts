import { describe, expect, it } from 'vitest';
import { CycleView } from '../../src/viz/cycle-view.ts';
import { hitTest } from '../../src/viz/hit-test.ts';
import { heightOfAll, layOut, rowAt } from '../../src/viz/page/layout.ts';
import { buildTimeline, type Lane } from '../../src/viz/timeline.ts';
import { tableOf } from '../support/event-script.ts';
import { syntheticEvents } from '../support/synthetic-events.ts';

function synthetic(hartCount: number) {
  const events = syntheticEvents({ seed: 'timeline', eventCount: 5000, hartCount });
  return buildTimeline(tableOf(events, { hartCount }));
}

function laneOf(timeline: ReturnType<typeof synthetic>, id: string): Lane {
  const lanes = timeline.groups.flatMap(({ main, children }) => [main, ...children]);
  const lane = lanes.find((candidate) => candidate.id === id);
  if (lane === undefined) throw new Error(`no lane ${id} among ${lanes.map((candidate) => candidate.id).join(', ')}`);
  return lane;
}

describe('buildTimeline', () => {
  it('has a lane for each hart, hypercalls, devices, interrupts, avoided exits, marks, input and rings', () => {
    const timeline = synthetic(3);
    expect(timeline.groups.map(({ id }) => id)).toEqual([
      'harts',
      'hypercalls',
      'devices',
      'interrupts',
      'avoided',
      'marks',
      'input',
      'ring/virtio-blk0 queue 0',
    ]);
    expect(timeline.groups[0]?.children.map(({ label }) => label)).toEqual(['Hart 0', 'Hart 1', 'Hart 2']);
    expect(synthetic(1).groups[0]).toMatchObject({ main: { label: 'Hart 0' }, children: [] });
  });

  it('puts every event of a group in exactly one of its lanes', () => {
    for (const { id, main, children } of synthetic(1).groups) {
      if (!['hypercalls', 'devices', 'interrupts'].includes(id)) continue;
      const inChildren = children.flatMap(({ events }) => Array.from(events)).sort((a, b) => a - b);
      expect(inChildren).toEqual(Array.from(main.events));
    }
  });

  it('opens as many groups at first as fit a screen, rings before others', () => {
    const timeline = synthetic(2);
    expect(timeline.openAtFirst.has('harts')).toBe(true);
    expect(timeline.openAtFirst.has('ring/virtio-blk0 queue 0')).toBe(true);
    expect(timeline.openAtFirst.has('interrupts')).toBe(false);
    expect(layOut(timeline, timeline.openAtFirst).length).toBeLessThanOrEqual(16);
  });

  it('lays out the lanes of open groups one below the other', () => {
    const timeline = synthetic(2);
    const closed = layOut(timeline, new Set());
    const open = layOut(timeline, new Set(['harts', 'hypercalls']));
    expect(closed).toHaveLength(timeline.groups.length);
    expect(open.length).toBeGreaterThan(closed.length);
    for (const row of open) expect(rowAt(open, row.top + row.height / 2)).toBe(row);
    expect(rowAt(open, heightOfAll(open))).toBeUndefined();
  });
});

describe('hitTest', () => {
  const timeline = synthetic(1);
  const { table } = timeline;
  const { cycles } = table.model.facts;

  it('finds each exit of a hart where it is drawn', () => {
    const lane = laneOf(timeline, 'hart-0');
    for (const event of table.select(({ kind }) => kind === 'mmio').subarray(0, 50)) {
      const from = table.cycle[event] ?? 0;
      const view = CycleView.of(cycles, from - 2000, from + 4000, 1000);
      expect(hitTest(table, lane, view, view.x(from + 200), 0.5)).toEqual({ kind: 'event', event });
    }
  });

  it('sums what shares a pixel', () => {
    const hit = hitTest(table, laneOf(timeline, 'hart-0'), CycleView.whole(cycles, 20), 3.5, 0.5);
    if (hit.kind !== 'shares') throw new Error(`a hit of kind ${hit.kind}`);
    const sum = Object.values(hit.cycles).reduce((total, length) => total + length, 0);
    expect(sum).toBeCloseTo(cycles / 20, 3);
    expect(hit.count).toBeGreaterThan(1);
  });

  it('counts the events of a pixel and finds a mark beside the pointer', () => {
    const lane = laneOf(timeline, 'hypercalls');
    const many = hitTest(table, lane, CycleView.whole(cycles, 4), 0.5, 0.5);
    expect(many).toMatchObject({ kind: 'many', first: lane.events[0] });
    const event = lane.events[3] ?? 0;
    const from = table.cycle[event] ?? 0;
    const view = CycleView.of(cycles, from - 400, from + 400, 1000);
    expect(hitTest(table, lane, view, view.x(from) - 3, 0.5)).toEqual({ kind: 'event', event });
    expect(hitTest(table, lane, view, view.x(from) - 30, 0.5)).toEqual({ kind: 'nothing' });
  });

  it('tells the level of a ring, and the chain in a slot', () => {
    const ring = timeline.rings[0];
    if (ring === undefined) throw new Error('the synthetic run has a ring');
    const start = ring.chains.starts[0] ?? 0;
    const end = ring.chains.ends[0] ?? 0;
    const view = CycleView.of(cycles, start - 1000, end + 1000, 1000);
    const x = view.x(start + 700);
    expect(hitTest(table, laneOf(timeline, `ring/${ring.name}`), view, x, 0.5)).toMatchObject({
      kind: 'level',
      inFlight: ring.occupancy.maxIn(start, start + 700).inFlight,
    });
    const depth = 0.5 / ring.slots.length;
    expect(hitTest(table, laneOf(timeline, `ring/${ring.name}/chains`), view, x, depth)).toEqual({
      kind: 'event',
      event: ring.chains.takes[0],
    });
  });

  it('finds nothing outside the run', () => {
    const view = CycleView.whole(cycles, 100);
    expect(hitTest(table, laneOf(timeline, 'hart-0'), view, 100.5, 0.5)).toEqual({ kind: 'nothing' });
  });
});
