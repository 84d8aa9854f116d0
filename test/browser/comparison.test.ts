/** The page of a comparison as a reader meets it: opened from disk in a browser, in light and dark. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/analysis/comparison.ts';
import { renderComparison } from '../../src/viz/comparison-page.ts';
import { paratrace } from '../cli/fake-host.ts';
import { picture, ReportBrowser } from '../support/report-browser.ts';

let browser: ReportBrowser;
let html: string;

beforeAll(async () => {
  const options = ['--workload', 'fork', '--iterations', '20', '--json', '--quiet'];
  const [opened, outcome] = await Promise.all([ReportBrowser.launch(), paratrace(['compare', 'mini-os', ...options])]);
  browser = opened;
  html = renderComparison(JSON.parse(outcome.stdout) as Comparison);
});
afterAll(() => browser.close());

describe.each(['light', 'dark'] as const)('the page of a comparison, %s', (colorScheme) => {
  it('shows bars in one row for each mode, inside the chart, and a table', async () => {
    const { page, complaints, requests } = await browser.openStatic(html, { colorScheme });
    const chart = await page.locator('svg').boundingBox();
    const bars = await page.locator('rect').evaluateAll((rects) =>
      rects.map((rect) => {
        const { left, right, top, bottom } = rect.getBoundingClientRect();
        return { left, right, top, bottom, colour: getComputedStyle(rect).fill };
      }),
    );
    const modes = await page.locator('svg .mode').allTextContents();
    expect(new Set(bars.map(({ top }) => top)).size).toBe(modes.length);
    for (const { left, right, bottom } of bars) {
      expect(left).toBeGreaterThanOrEqual(chart?.x ?? Number.NaN);
      expect(right).toBeLessThanOrEqual((chart?.x ?? 0) + (chart?.width ?? 0));
      expect(bottom).toBeLessThanOrEqual((chart?.y ?? 0) + (chart?.height ?? 0));
    }
    expect(new Set(bars.map(({ colour }) => colour)).size).toBeGreaterThan(4);
    expect(await page.locator('thead th').allTextContents()).toEqual(['', ...modes]);
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(15);
    expect([complaints, requests]).toEqual([[], []]);
    await picture(page, `comparison-${colorScheme}`);
  });
});
