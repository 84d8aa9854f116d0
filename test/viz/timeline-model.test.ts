import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import { costOf, EVENT_KINDS, isPriced } from '../../src/hypervisor/events.ts';
import { openEventTable } from '../../src/viz/event-table.ts';
import { buildTimelineModel, type TimelineModel } from '../../src/viz/timeline-model.ts';
import { SYNTHETIC_NAMES, syntheticEvents, syntheticFacts } from '../support/synthetic-events.ts';

function modelOf(seed: string, eventCount: number, hartCount: number) {
  const events = syntheticEvents({ seed, eventCount, hartCount });
  return { events, model: buildTimelineModel(events, syntheticFacts(events, hartCount), SYNTHETIC_NAMES) };
}

describe('buildTimelineModel', () => {
  it('keeps every field of every event through JSON', () => {
    const { events, model } = modelOf('round-trip', 3000, 3);
    const table = openEventTable(JSON.parse(JSON.stringify(model)) as TimelineModel);
    expect(table.count).toBe(events.length);
    expect(new Set(events.map(({ kind }) => kind)).size).toBe(Object.keys(EVENT_KINDS).length - 1);
    for (let i = 0; i < events.length; i += 1) expect(table.event(i)).toEqual(events[i]);
  });

  it('is the same for the same events', () => {
    expect(JSON.stringify(modelOf('same', 2000, 2).model)).toBe(JSON.stringify(modelOf('same', 2000, 2).model));
    expect(JSON.stringify(modelOf('same', 2000, 2).model)).not.toBe(JSON.stringify(modelOf('other', 2000, 2).model));
  });

  it('sums the cost of each sort of exit', () => {
    const { events, model } = modelOf('sums', 4000, 1);
    const priced = events.filter(isPriced);
    const total = priced.reduce((sum, event) => sum + costOf(event), 0);
    expect(model.categories.reduce((sum, { totalCycles }) => sum + totalCycles, 0)).toBe(total);
    expect(model.categories.reduce((sum, { count }) => sum + count, 0)).toBe(events.length);
    const reads = priced.filter((event) => event.kind === 'mmio' && event.register === 'LSR').map(costOf);
    const category = model.categories.find(({ label }) => label === 'uart0 LSR read');
    expect(category).toEqual({
      kind: 'mmio',
      label: 'uart0 LSR read',
      group: 'uart0',
      count: reads.length,
      argumentNames: [],
      totalCycles: reads.reduce((sum, cost) => sum + cost, 0),
      minCycles: Math.min(...reads),
      maxCycles: Math.max(...reads),
    });
  });

  it('splits the run into guest, hypervisor and idle', () => {
    const { events, model } = modelOf('shares', 4000, 1);
    const { guest, hypervisor, idle } = model.shares;
    expect(guest + hypervisor + idle).toBe(model.facts.cycles);
    expect(hypervisor).toBe(events.filter(isPriced).reduce((sum, event) => sum + costOf(event), 0));
    let idleCycles = 0;
    let since = 0;
    for (const event of events) {
      if (event.kind === 'idle') since = event.cycle;
      // The wire that wakes the hart is raised by the hypervisor: that is not idle time.
      if (event.kind === 'inject') since += costOf(event);
      if (event.kind === 'wake') idleCycles += event.cycle - since;
    }
    expect(idle).toBe(idleCycles);
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
    expect(model.shares).toEqual({ guest: 500, hypervisor: 0, idle: 0 });
  });
});
