/** Chromium for the browser tests: each page watched for errors, each run with a profile of its own. */
import assert from 'node:assert/strict';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

const kArguments = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** playwright launches with a fresh, temporary profile. */
export const launch = (): Promise<Browser> => chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: kArguments });

export interface Watched {
  readonly page: Page;
  /** What the page complained of: exceptions, console errors, refusals of the CSP. */
  readonly complaints: string[];
}

export async function openPage(context: BrowserContext, url: string): Promise<Watched> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Opens `url` in a profile of its own. @param mayComplain  where the browser itself logs a connection that failed */
export async function withPage(browser: Browser, options: BrowserContextOptions, url: string, use: (watched: Watched) => Promise<void>, mayComplain = false): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const watched = await openPage(context, url);
    await use(watched);
    if (!mayComplain) assert.deepEqual(watched.complaints, []);
  } finally {
    await context.close();
  }
}

/** Whether what the page shows is live. */
export const live = (page: Page) => page.locator('.pulse-live');

export const kDesktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
export const kPhone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** What a page must look right in. */
export const kLooks: Readonly<Record<string, BrowserContextOptions>> = {
  'desktop, light': { ...kDesktop, colorScheme: 'light' },
  'desktop, dark': { ...kDesktop, colorScheme: 'dark' },
  'phone, light': { ...kPhone, colorScheme: 'light' },
  'phone, dark': { ...kPhone, colorScheme: 'dark' },
};

/** Waits until `what` holds, asking the page again and again. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
