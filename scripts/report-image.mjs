/**
 * Makes the picture of a report in the README: records the tour on two harts, opens its report in headless Chromium, zooms into the
 * block requests and selects one. Needs Chromium (scripts/install-tools.sh) and a build.
 *
 *   node scripts/report-image.mjs
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build/report-image');
const trace = join(folder, 'ring-tour.pvt');
const report = join(folder, 'ring-tour.html');
const picture = join(root, 'docs/images/report.png');

mkdirSync(folder, { recursive: true });
mkdirSync(dirname(picture), { recursive: true });
paratrace(['record', 'ring-tour', '--harts', '2', '--quiet', '-o', trace]);
paratrace(['report', trace, '-o', report]);

const executablePath = process.env.PARATRACE_CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 860 }, colorScheme: 'light' });
await page.goto(pathToFileURL(report).href);
await page.waitForSelector('html[data-ready][data-window]', { state: 'attached' });
// Room for the block ring: its neighbours fold up, and it unfolds. Then zoom in where its first requests are, and select one.
for (const lane of ['ring/virtio6 queue 1', 'ring/virtio7 queue 0', 'processor', 'ring/virtio0 queue 0']) {
  await page.locator(`[data-lane="${lane}"] button`).click();
}
const plot = await page.locator('#timeline').boundingBox();
await page.mouse.move(plot.x + plot.width * 0.4935, plot.y + 20);
for (let step = 0; step < 7; step++) await page.mouse.wheel(0, -240);
await settle();
const chains = await page.locator('[data-lane="ring/virtio0 queue 0/chains"]').boundingBox();
await page.mouse.click(plot.x + plot.width * 0.5, chains.y + chains.height / 2);
await settle();
await page.screenshot({ path: picture });
await browser.close();

function settle() {
  return page.waitForTimeout(300);
}

function paratrace(args) {
  const options = { stdio: ['ignore', 'ignore', 'inherit'] };
  const { status } = spawnSync(process.execPath, [join(root, 'dist/cli/paratrace.js'), ...args], options);
  if (status !== 0) throw new Error(`paratrace ${args[0]} ended with exit code ${status}`);
}
