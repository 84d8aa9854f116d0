import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import { EVENT_KINDS } from '../../src/hypervisor/events.ts';
import { openEventTable } from '../../src/viz/event-table.ts';
import { buildHartLanes } from '../../src/viz/hart-lanes.ts';
import { HART_STATES, STATE_CODE } from '../../src/viz/state-lane.ts';
import { buildTimelineModel, type TimelineModel } from '../../src/viz/timeline-model.ts';
import { SYNTHETIC_NAMES, syntheticEvents, syntheticFacts } from '../support/synthetic-events.ts';

function modelOf(seed: string, eventCount: number, hartCount: number) {
  const events = syntheticEvents({ seed, eventCount, hartCount });
  return { events, model: buildTimelineModel(events, syntheticFacts(events, hartCount), SYNTHETIC_NAMES) };
}

describe('buildTimelineModel', () => {
  it('keeps every field of every event through JSON', () => {
    const { events, model } = modelOf('round-trip', 9000, 3);
    const table = openEventTable(JSON.parse(JSON.stringify(model)) as TimelineModel);
    expect(table.count).toBe(events.length);
    const kinds = new Set<string>(events.map(({ kind }) => kind));
    // What goes wrong is not made up here.
    expect(Object.keys(EVENT_KINDS).filter((kind) => !kinds.has(kind))).toEqual(['broken', 'drop']);
    for (let i = 0; i < events.length; i += 1) expect(table.event(i)).toEqual(events[i]);
  });

  it('is the same for the same events', () => {
    expect(JSON.stringify(modelOf('same', 2000, 2).model)).toBe(JSON.stringify(modelOf('same', 2000, 2).model));
    expect(JSON.stringify(modelOf('same', 2000, 2).model)).not.toBe(JSON.stringify(modelOf('other', 2000, 2).model));
  });

  it('sorts events into categories that carry the names of the statistics', () => {
    const { events, model } = modelOf('sums', 4000, 1);
    expect(model.categories.reduce((sum, { count }) => sum + count, 0)).toBe(events.length);
    for (const { kind, reason, count } of model.statistics.reasons) {
      const category = model.categories.find((candidate) => candidate.kind === kind && candidate.label === reason);
      expect(category?.count, `${kind} ${reason}`).toBe(count);
    }
    const reads = events.filter((event) => event.kind === 'mmio' && event.register === 'LSR').length;
    expect(model.categories).toContainEqual({
      kind: 'mmio',
      label: 'uart0.LSR read',
      group: 'uart0',
      count: reads,
      argumentNames: [],
    });
  });

  it.each([1, 3])('draws as much of guest, hypervisor and idle as the statistics say, %d harts', (hartCount) => {
    const { model } = modelOf('shares', 6000, hartCount);
    const { processor } = buildHartLanes(openEventTable(model));
    const cycles = new Float64Array(HART_STATES.length);
    processor.addCycles(0, processor.endCycle, cycles);
    const { guestCycles, hypervisorCycles, idleCycles } = model.statistics;
    expect(idleCycles).toBeGreaterThan(0);
    expect(cycles[STATE_CODE.guest]).toBe(guestCycles);
    expect(cycles[STATE_CODE.hypervisor]).toBe(hypervisorCycles);
    expect(cycles[STATE_CODE.idle]).toBe(idleCycles);
  });

  it('bounds the number of categories, whatever a guest does', () => {
    const [sample] = syntheticEvents({ seed: 'bound', eventCount: 2, hartCount: 1 });
    if (sample?.kind !== 'hypercall') throw new Error('the first synthetic event is a hypercall');
    const events = Array.from({ length: 10_000 }, (_, i) => ({ ...sample, eid: BigInt(i) }));
    const model = buildTimelineModel(events, syntheticFacts(events, 1), SYNTHETIC_NAMES);
    expect(model.categories.length).toBeLessThanOrEqual(4096);
    expect(model.categories.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    expect(model.categories[model.categories.length - 1]?.label).toBe('other');
  });

  it('refuses events that go back', () => {
    const events = syntheticEvents({ seed: 'back', eventCount: 10, hartCount: 1 }).reverse();
    expect(() => buildTimelineModel(events, syntheticFacts(events, 1), SYNTHETIC_NAMES)).toThrow(ParatraceError);
  });

  it('holds a run without events', () => {
    const model = buildTimelineModel([], { ...syntheticFacts([], 1), cycles: 500 }, SYNTHETIC_NAMES);
    expect(model.statistics).toMatchObject({ guestCycles: 500, hypervisorCycles: 0, idleCycles: 0 });
  });
});
