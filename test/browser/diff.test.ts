/** The page that compares two traces as a reader meets it: opened from disk in a browser, in light and dark. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paratrace, Scratch } from '../cli/fake-host.ts';
import { picture, ReportBrowser } from '../support/report-browser.ts';

const scratch = new Scratch();
let browser: ReportBrowser;
let html: string;

beforeAll(async () => {
  browser = await ReportBrowser.launch();
  const [a, b, page] = ['a.pvt', 'b.pvt', 'page.html'].map((name) => scratch.path(name)) as [string, string, string];
  await paratrace(['record', 'ring-tour', '--quiet', '-o', a]);
  await paratrace(['record', 'ring-tour', '--quiet', '--harts', '2', '-o', b]);
  expect((await paratrace(['diff', a, b, '--html', page])).code).toBe(1);
  html = readFileSync(page, 'utf8');
});
afterAll(async () => {
  await browser.close();
  scratch.remove();
});

describe.each(['light', 'dark'] as const)('the page that compares two traces, %s', (colorScheme) => {
  it('has sentences, bars inside the chart, the first difference, and never scrolls sideways', async () => {
    const { page, complaints, requests } = await browser.openStatic(html, { colorScheme });
    const chart = await page.locator('svg').boundingBox();
    for (const box of await page.locator('rect').all()) {
      const bar = await box.boundingBox();
      expect((bar?.x ?? 0) + (bar?.width ?? 0)).toBeLessThanOrEqual((chart?.x ?? 0) + (chart?.width ?? 0));
    }
    expect(await page.locator('.sentences li').count()).toBeGreaterThan(5);
    expect(await page.locator('#first pre .left').count()).toBe(1);
    expect(await page.locator('#first pre .right').count()).toBe(1);
    expect(await page.locator('details').count()).toBeGreaterThan(3);
    // Long lines scroll in their own boxes, never the page.
    const { content, shown } = await page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      shown: document.documentElement.clientWidth,
    }));
    expect(content).toBeLessThanOrEqual(shown);
    expect([complaints, requests]).toEqual([[], []]);
    await picture(page, `diff-${colorScheme}`);
  });
});
