import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { ChildState } from '../../src/gen/b2/v1/host';
import { Health } from '../../src/gen/b2/v1/hello';
import { assertAccessible, assertFits } from './accessible';
import { kDesktop, kLooks, kPhone, launch, live, openPage, until, withPage as withPageOf, type Watched } from './browser';
import { needsFake, openTarget, type Target } from './target';

const program = (page: Page, name: string) => page.locator('.program', { has: page.getByRole('heading', { name, exact: true }) });
const total = (page: Page, name: string) => page.locator('.totals > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd');
const numbers = (texts: readonly string[]) => texts.map((text) => Number(text.replaceAll(',', '')));
const calls = async (page: Page) => numbers([await total(page, 'Calls').innerText()])[0]!;

describe('the Nodes page in Chromium', { timeout: 300_000 }, () => {
  let browser: Browser;
  let target: Target;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    target = await openTarget();
  });
  afterEach(() => target.close());

  const withPage = (options: BrowserContextOptions, url: string, use: (watched: Watched) => Promise<void>, mayComplain = false) => withPageOf(browser, options, url, use, mayComplain);
  /** The link to this page, which is not the first. */
  const nodes = () => target.link.replace('#', '#/nodes&');

  test('shows the node, its programs, services and methods', () =>
    withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      assert.notEqual(await page.getByRole('heading', { level: 1 }).innerText(), '');
      assert.equal(await page.getByRole('navigation', { name: 'Pages' }).locator('[aria-current=page]').innerText(), 'Nodes');
      for (const name of ['ardus', 'ariascribe', 'audiojuggler', 'portlight']) {
        const card = program(page, name);
        await card.locator('.state.tone-good', { hasText: 'ready' }).waitFor();
        await card.locator('.service', { hasText: 'b2.v1.Core' }).first().waitFor();
      }
      const headers = await page.getByRole('columnheader').allInnerTexts();
      assert.deepEqual(headers.map((text) => text.replace(/[↑↓]/, '').trim()), ['Method', 'Program', 'Per s', 'Calls', 'Failed', 'Open', 'Mean', 'p99']);
      await until('methods are listed', async () => (await page.getByRole('row').count()) > 2);
    }));

  test('takes the token out of the address bar and keeps it for this tab', () =>
    withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      assert.doesNotMatch(page.url(), /t=/);
      await page.reload();
      await live(page).waitFor();
      assert.deepEqual(await page.context().cookies(), []);
    }));

  test('figures, chart and legend move by themselves', () =>
    withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      const first = await calls(page);
      await until('the count of calls grows', async () => (await calls(page)) > first);
      await until('the total is a number', async () => /^[\d.,<]+$/.test(await page.locator('.legend-value').first().innerText()));
      const longest = async () => Math.max(...(await page.locator('.plot-line').evaluateAll((lines) => lines.map((line) => line.getAttribute('d')!.split('L').length))));
      await until('the lines are drawn', async () => (await longest()) >= 3);
    }));

  for (const [what, options] of Object.entries(kLooks))
    test(`axe finds nothing, and nothing is wider than the screen: ${what}`, () =>
      withPage(options, nodes(), async ({ page }) => {
        await live(page).waitFor();
        await assertAccessible(page);
        await assertFits(page);
      }));

  for (const colorScheme of ['light', 'dark'] as const)
    test(`trouble is shown, and axe finds nothing in it: ${colorScheme}`, needsFake, () => {
      const { node } = target.fake;
      node.crash('audiojuggler', ChildState.backing_off, 'killed by signal 11 (SIGSEGV)');
      node.crash('portlight', ChildState.failed, 'exit status 1: no such table: ports');
      node.child('ariascribe')!.health = Health.not_serving;
      return withPage({ ...kDesktop, colorScheme }, nodes(), async ({ page }) => {
        await program(page, 'portlight').locator('.state', { hasText: 'failed' }).waitFor();
        assert.match(await program(page, 'audiojuggler').innerText(), /starts again in 1\.6 s[\s\S]*killed by signal 11/);
        assert.match(await program(page, 'ariascribe').innerText(), /not serving/);
        await program(page, 'portlight').getByText('Log', { exact: true }).click();
        assert.match(await program(page, 'portlight').locator('pre').innerText(), /no such table/);
        await assertAccessible(page);
        await page.getByRole('button', { name: 'Restart portlight' }).click();
        await page.getByRole('dialog').waitFor();
        await assertAccessible(page);
      });
    });

  test('restarts a program after asking, by keyboard alone', needsFake, () => {
    target.fake.node.crash('portlight', ChildState.failed, 'exit status 1');
    return withPage(kDesktop, nodes(), async ({ page }) => {
      const restarts = () => target.fake.node.child('portlight')!.restarts;
      await program(page, 'portlight').locator('.state', { hasText: 'failed' }).waitFor();
      const button = page.getByRole('button', { name: 'Restart portlight' });
      await button.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(restarts(), 0);
      await button.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByRole('button', { name: 'Restart portlight' }).focus();
      await page.keyboard.press('Enter');
      await program(page, 'portlight').locator('.state', { hasText: 'ready' }).waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(restarts(), 1);
    });
  });

  test('a restart that is refused says why', needsFake, () => {
    target.fake.refuseRestart = 'it is being upgraded';
    return withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      await page.getByRole('button', { name: 'Restart ardus' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restart ardus' }).click();
      await page.getByRole('alert').filter({ hasText: 'it is being upgraded' }).waitFor();
    });
  });

  test('methods are sorted by any column, and those never called can be hidden', () =>
    withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      const column = async (name: string) => numbers(await page.locator(`td.col-${name}`).allInnerTexts());
      const header = page.getByRole('columnheader', { name: 'Calls' });
      await header.getByRole('button').click();
      assert.equal(await header.getAttribute('aria-sort'), 'descending');
      const shown = await column('calls');
      assert.deepEqual(shown, [...shown].sort((a, b) => b - a));
      assert.ok(shown.every((value) => value > 0));
      await page.getByLabel('called only').uncheck();
      const all = await column('calls');
      assert.ok(all.length > shown.length && all.includes(0));
    }));

  test("the theme goes from the system's to light, to dark and back, and is remembered", () =>
    withPage({ ...kDesktop, colorScheme: 'dark' }, nodes(), async ({ page }) => {
      await live(page).waitFor();
      const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const dark = await paper();
      const button = page.getByRole('button', { name: /^Colours/ });
      await button.click();
      const light = await paper();
      assert.notEqual(light, dark);
      await page.reload();
      await live(page).waitFor();
      assert.equal(await paper(), light);
      await button.click();
      assert.equal(await paper(), dark);
      await button.click();
      assert.match((await button.getAttribute('aria-label')) ?? '', /as the system/);
    }));

  test('without a token the page tells how to get the link, and takes one that is pasted', () =>
    withPage(kDesktop, target.url, async ({ page }) => {
      await page.getByRole('heading', { name: 'This console opens with a link' }).waitFor();
      assert.match(await page.locator('main').innerText(), /ghostlight status/);
      await assertAccessible(page);
      await page.getByLabel('Link or token').fill('not a token');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      await assertAccessible(page);
      await page.getByLabel('Link or token').fill(target.link);
      await page.keyboard.press('Enter');
      await live(page).waitFor();
    }));

  test("a wrong token is refused with the server's reason, and the right one still works", () =>
    withPage(
      kPhone,
      `${target.url}#t=wrong`,
      async ({ page }) => {
        await page.getByRole('heading', { name: 'The server did not take this link' }).waitFor();
        assert.notEqual(await page.locator('.gate-refusal').innerText(), '');
        await assertAccessible(page);
        await assertFits(page);
        await page.getByLabel('Link or token').fill(target.link);
        await page.keyboard.press('Enter');
        await live(page).waitFor();
      },
      true,
    ));

  for (const tabs of [2, 9])
    test(`${tabs} tabs are all live at once`, async () => {
      const context = await browser.newContext(kDesktop);
      const pages: Watched[] = [];
      for (let i = 0; i < tabs; ++i) pages.push(await openPage(context, nodes()));
      for (const { page } of pages) {
        await live(page).waitFor();
        const first = await calls(page);
        await until('the tab goes on', async () => (await calls(page)) > first);
      }
      for (const { complaints } of pages) assert.deepEqual(complaints, []);
      await context.close();
    });

  for (const [what, options] of [['desktop', kDesktop], ['phone', { ...kPhone, colorScheme: 'dark' }]] as const)
    test(`a lost server is told, its last state dimmed with its time, and it comes back by itself: ${what}`, needsFake, () =>
      withPage(
        options,
        nodes(),
        async ({ page }) => {
          await live(page).waitFor();
          await target.fake.stop();
          await page.locator('.node.stale').waitFor();
          await page.locator('.pulse-lost').waitFor();
          const told = /Reconnecting in \d+ s\..*Shown as of \d\d:\d\d:\d\d, \d+ s ago\./;
          await until('the banner counts down', async () => told.test((await page.locator('.banner').innerText()).replace(/\s+/g, ' ')));
          assert.equal(await page.getByRole('button', { name: 'Restart ardus' }).isDisabled(), true);
          assert.match(await page.getByRole('status').innerText(), /cannot be reached|was lost/);
          await assertAccessible(page);
          await assertFits(page);
          await target.fake.start();
          await live(page).waitFor();
          assert.equal(await page.locator('.banner').count(), 0);
          assert.equal(await page.locator('.node.stale').count(), 0);
        },
        true,
      ));

  test('a server that falls silent is not shown as live', needsFake, () =>
    withPage(kDesktop, nodes(), async ({ page }) => {
      await live(page).waitFor();
      target.fake.silent = true;
      await page.locator('.banner', { hasText: 'Nothing new has come for' }).waitFor();
      await page.locator('.node.stale').waitFor();
      target.fake.silent = false;
      await live(page).waitFor();
    }));

  test('a page that is closed leaves no stream behind', needsFake, async () => {
    const context = await browser.newContext(kDesktop);
    const { page } = await openPage(context, nodes());
    await live(page).waitFor();
    assert.equal(target.fake.connections, 1);
    await context.close();
    await until('the server has no connection', () => target.fake.connections === 0 && target.fake.streams === 0);
  });
});
