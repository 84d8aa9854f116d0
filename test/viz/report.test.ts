import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/viz/report.ts';
import { buildTimelineModel, type TimelineModel } from '../../src/viz/timeline-model.ts';
import { eventAt } from '../support/event-script.ts';
import { SYNTHETIC_NAMES, syntheticEvents, syntheticFacts } from '../support/synthetic-events.ts';

const HOSTILE = `</script><img src=x onerror=alert(1)>"'<!--&`;

function synthetic(seed: string): TimelineModel {
  const events = syntheticEvents({ seed, eventCount: 3000, hartCount: 2 });
  return buildTimelineModel(events, syntheticFacts(events, 2), SYNTHETIC_NAMES);
}

/** The parts of the file between its tags, by tag. */
function scripts(html: string): string[] {
  return Array.from(html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g), ([, text = '']) => text);
}

describe('renderReport', () => {
  it('writes the same bytes for the same trace', () => {
    const options = { script: 'void 0', title: 'a.pvt' };
    expect(renderReport(synthetic('one'), options)).toBe(renderReport(synthetic('one'), options));
    expect(renderReport(synthetic('one'), options)).not.toBe(renderReport(synthetic('two'), options));
  });

  it('refers to nothing outside itself', () => {
    const html = renderReport(synthetic('one'), { script: 'void 0', title: 'a.pvt' });
    expect(html).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\(/);
    expect(html).toContain("default-src 'none'");
  });

  it('lets no name or guest value become markup', () => {
    const events = [
      eventAt(1, 'mmio', { device: HOSTILE, register: HOSTILE, entryCycles: 5 }),
      eventAt(2, 'broken', { device: HOSTILE, what: HOSTILE }),
      eventAt(3, 'hypercall', { eid: 1n, entryCycles: 1 }),
    ];
    const facts = {
      ...syntheticFacts(events, 1),
      guest: HOSTILE,
      truncated: HOSTILE,
      end: { reason: HOSTILE, status: 1, message: HOSTILE },
    };
    const names = {
      sbiFunction: () => HOSTILE,
      sbiError: () => HOSTILE,
      sbiArguments: () => [HOSTILE],
    };
    const model = buildTimelineModel(events, facts, names);
    const html = renderReport(model, { script: `const text = "${'</script><script>'}";`, title: HOSTILE });
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<!--&');
    const [json = '', program = ''] = scripts(html);
    expect(scripts(html)).toHaveLength(2);
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(model)));
    // What the program means is unchanged.
    expect(new Function(`${program}; return text;`)()).toBe('</script><script>');
  });

  it('has a real table of exits, largest share first', () => {
    const model = synthetic('table');
    const html = renderReport(model, { script: '', title: 't' });
    const table = html.match(/<table id="exits">[\s\S]*?<\/table>/)?.[0] ?? '';
    const rows = Array.from(table.matchAll(/data-category="(\d+)"/g), ([, id]) => model.categories[Number(id)]);
    const { reasons } = model.statistics;
    expect(rows.map((row) => [row?.kind, row?.label])).toEqual(reasons.map(({ kind, reason }) => [kind, reason]));
    expect(reasons.length).toBeGreaterThan(8);
    expect(table).toContain('uart0.LSR read');
  });

  it('says clearly that a trace was cut off or a ring broke', () => {
    const events = [eventAt(5, 'broken', { device: 'virtio-blk0', what: 'descriptor loop' })];
    const facts = { ...syntheticFacts(events, 1), end: undefined, truncated: 'It ends at offset 4,096.' };
    const html = renderReport(buildTimelineModel(events, facts, SYNTHETIC_NAMES), { script: '', title: 't' });
    expect(html).toContain('The trace is not whole.');
    expect(html).toContain('It ends at offset 4,096.');
    expect(html).toContain('1 ring broke.');
    expect(renderReport(synthetic('whole'), { script: '', title: 't' })).not.toContain('role="alert"');
  });

  it('renders a run without events', () => {
    const model = buildTimelineModel([], { ...syntheticFacts([], 1), cycles: 10 }, SYNTHETIC_NAMES);
    expect(renderReport(model, { script: '', title: 't' })).not.toMatch(/NaN|undefined|Infinity/);
  });
});
