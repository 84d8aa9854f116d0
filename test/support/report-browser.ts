/** Opens reports in a headless Chromium, watching for what a report must never do: fail, complain or reach for the network. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env.PARATRACE_CHROMIUM ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Pictures for people to look at; ignored by git. */
const PICTURES = fileURLToPath(new URL('../../build/pictures/', import.meta.url));

export interface OpenReport {
  readonly page: Page;
  /** Errors and warnings of the console and uncaught exceptions. */
  readonly complaints: string[];
  /** Addresses asked for besides the file itself. */
  readonly requests: string[];
  /** From the start of navigation until the page said it is ready. */
  readonly loadMs: number;
}

export class ReportBrowser {
  readonly #browser: Browser;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'paratrace-report-'));
  #files = 0;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<ReportBrowser> {
    // Playwright gives each launch a new, empty profile.
    return new ReportBrowser(await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS }));
  }

  /** A report, when its program is ready. */
  async open(html: string, options: BrowserContextOptions = {}): Promise<OpenReport> {
    const start = performance.now();
    const opened = await this.openStatic(html, options);
    await opened.page.waitForSelector('html[data-ready][data-window]', { state: 'attached' });
    return { ...opened, loadMs: performance.now() - start };
  }

  /** A page without a program. */
  async openStatic(html: string, options: BrowserContextOptions = {}): Promise<Omit<OpenReport, 'loadMs'>> {
    const file = path.join(this.#folder, `report-${this.#files}.html`);
    this.#files += 1;
    writeFileSync(file, html);
    const context = await this.#browser.newContext({ viewport: { width: 1500, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    const url = pathToFileURL(file).href;
    page.on('request', (request) => {
      if (request.url() !== url) requests.push(request.url());
    });
    await page.goto(url);
    return { page, complaints, requests };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Keeps a picture of the page for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
}

/** The visible window in cycles. */
export async function windowOf(page: Page): Promise<{ readonly from: number; readonly to: number }> {
  await settle(page);
  const text = (await page.locator('html').getAttribute('data-window')) ?? '';
  const [from, to] = text.split(' ').map(Number);
  return { from: from ?? Number.NaN, to: to ?? Number.NaN };
}

/** Waits until what was asked for has been drawn. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
  );
}
