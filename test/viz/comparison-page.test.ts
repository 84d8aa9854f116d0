import { describe, expect, it } from 'vitest';
import { CAUSE_NAMES, CAUSES } from '../../src/analysis/causes.ts';
import type { Comparison, ModeColumn } from '../../src/analysis/comparison.ts';
import { renderComparison } from '../../src/viz/comparison-page.ts';
import { comparisonRows } from '../../src/viz/comparison-rows.ts';

function column(mode: string, given: Partial<ModeColumn> = {}): ModeColumn {
  const none = { exits: 0, cycles: 0, share: 0 };
  const byCause = Object.fromEntries([...CAUSE_NAMES, 'other'].map((cause) => [cause, none])) as ModeColumn['byCause'];
  return {
    mode,
    end: { reason: 'poweroff', status: 0, message: 'off' },
    guestChanged: null,
    instructions: 800,
    cycles: { all: 1000, guest: 1000, platform: 0, hypervisor: 0, idle: 0 },
    busyCycles: 1000,
    exits: 0,
    exitsPerThousandInstructions: 0,
    exitsAvoided: 0,
    hypervisorShare: 0,
    byCause,
    handlers: 0,
    tlb: { misses: 1, walkReferences: 3, extraReferences: 0, extraCycles: 0 },
    throughput: { unit: 'instructions', count: 800, perMillionCycles: 800_000 },
    overhead: 1,
    predicted: null,
    ...given,
  };
}

const busy = column('full', {
  cycles: { all: 5000, guest: 1400, platform: 0, hypervisor: 3000, idle: 600 },
  busyCycles: 4400,
  byCause: { ...column('').byCause, shadow: { exits: 30, cycles: 3000, share: 3000 / 4400 } },
  tlb: { misses: 10, walkReferences: 20, extraReferences: 17, extraCycles: 408 },
  overhead: 4.4,
  guestChanged: { lines: 10, linesOf: 100, functions: 1, functionsOf: 20 },
});

function comparison(given: Partial<Comparison> = {}): Comparison {
  const what = { guest: 'a<b>.elf', append: 'x="&"', costs: 'c', core: 'rocket', hartCount: 1, memoryBytes: 2 ** 27 };
  return { version: 1, ...what, outputIsSame: true, difference: null, modes: [column('native'), busy], ...given };
}

/** Width of each part of the bar of a mode, by its class. */
function widths(html: string, mode: string): Record<string, number> {
  const rects = html.matchAll(/<rect class="part-(\w+)" x="[\d.]+" y="[\d.]+" width="([\d.]+)"[^>]*><title>(\w+):/g);
  return Object.fromEntries([...rects].filter((rect) => rect[3] === mode).map((rect) => [rect[1], Number(rect[2])]));
}

describe('the page of a comparison', () => {
  it('has bars as long as the busy cycles of their parts, on one scale', () => {
    const html = renderComparison(comparison());
    const perCycle = (widths(html, 'native').guest ?? 0) / 1000;
    const full = widths(html, 'full');
    expect(Object.keys(full)).toEqual(['guest', 'walks', 'shadow']);
    expect(full.guest).toBeCloseTo((1400 - 408) * perCycle, 1);
    expect(full.walks).toBeCloseTo(408 * perCycle, 1);
    expect(full.shadow).toBeCloseTo(3000 * perCycle, 1);
    expect(html).toContain('4.40 x');
  });

  it('names in its legend what the bars have, and nothing else', () => {
    const legend = /<ul class="legend">(.*?)<\/ul>/.exec(renderComparison(comparison()))?.[1] ?? '';
    expect([...legend.matchAll(/<\/i>([^<]+)/g)].map(([, name]) => name)).toEqual([
      'guest',
      'page walks beyond native',
      CAUSES.shadow,
    ]);
  });

  it('holds no program, and no markup of anybody else', () => {
    const html = renderComparison(comparison());
    expect(html).not.toMatch(/<script|<b>|https?:/);
    expect(html).toContain('a&lt;b&gt;.elf <small>x=&quot;&amp;&quot;</small>');
  });

  it('says that something is wrong', () => {
    const difference = { modes: ['native', 'full'], line: 3, texts: ['<i>', null] } as const;
    const failed = column('full', { end: { reason: 'stuck', status: 1, message: 'nowhere <to> go' } });
    const html = renderComparison(comparison({ outputIsSame: false, difference, modes: [column('native'), failed] }));
    expect(html).toContain('The guest failed under full: nowhere &lt;to&gt; go');
    expect(html).toContain(
      'Line 3 of what the guest printed is &quot;&lt;i&gt;&quot; under native, nothing more under full.',
    );
  });

  it('can be drawn for a run of no cycles', () => {
    const nothing = { cycles: { all: 0, guest: 0, platform: 0, hypervisor: 0, idle: 0 }, busyCycles: 0 };
    expect(renderComparison(comparison({ modes: [column('native', nothing)] }))).not.toMatch(/NaN|Infinity/);
  });
});

describe('the rows of a comparison', () => {
  const cellsOf = (rows: ReturnType<typeof comparisonRows>) => new Map(rows.map(({ label, cells }) => [label, cells]));

  it('leave out causes that no mode has, and parts of cycles that are nothing', () => {
    const labels = comparisonRows(comparison()).map(({ label }) => label);
    expect(labels).toContain(CAUSES.shadow);
    expect(labels).not.toContain(CAUSES.calls);
    expect(labels).not.toContain('firmware and bus');
    expect(labels).toContain('idle');
  });

  it('show what was changed of the guest only where a mode has a build of its own', () => {
    expect(cellsOf(comparisonRows(comparison())).get('lines of the guest changed')).toEqual(['-', '10 of 100']);
    const same = comparison({ modes: [column('native'), column('hvm')] });
    expect(cellsOf(comparisonRows(same)).has('lines of the guest changed')).toBe(false);
  });

  it('leave out what is relative to a mode that was not run', () => {
    const tlb = { misses: 1, walkReferences: 3, extraReferences: null, extraCycles: null };
    const rows = cellsOf(comparisonRows(comparison({ modes: [column('hvm', { overhead: null, tlb })] })));
    expect(rows.has('overhead over native')).toBe(false);
    expect(rows.has('beyond native')).toBe(false);
  });
});
