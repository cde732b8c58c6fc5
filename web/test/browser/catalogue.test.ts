import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { FakeCatalogue } from '../fake/catalogue_state';
import { assertAccessible, assertFits } from './accessible';
import { kDesktop, kLooks, kPhone, launch, live, until, withPage as withPageOf, type Watched } from './browser';
import { needsFake, openTarget, type Target } from './target';

const field = (page: Page) => page.getByRole('combobox', { name: /^Work, composer/ });
const results = (page: Page) => page.getByRole('option');
const workTitle = (page: Page, name: string) => page.getByRole('heading', { level: 2, name });
const fragment = (page: Page) => new URL(page.url()).hash;

describe('the Catalogue page in Chromium', { timeout: 300_000, ...needsFake }, () => {
  let browser: Browser;
  let target: Target;
  let catalogue: FakeCatalogue;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    target = await openTarget();
    catalogue = target.fake.catalogue;
  });
  afterEach(() => target.close());

  const onPage = (options: BrowserContextOptions, said: string, use: (watched: Watched) => Promise<void>, mayComplain = false) =>
    withPageOf(
      browser,
      options,
      target.link.replace('#', `#/catalogue${said}&`),
      async (watched) => {
        await live(watched.page).waitFor();
        await use(watched);
      },
      mayComplain,
    );

  test('finds works as one types, and is told in words how many', () =>
    onPage(kDesktop, '', async ({ page }) => {
      assert.equal(await page.getByRole('navigation', { name: 'Pages' }).locator('[aria-current=page]').innerText(), 'Catalogue');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'search');
      await page.keyboard.type('beethoven sonata');
      await page.getByRole('status').filter({ hasText: '2 works' }).waitFor();
      assert.match(await results(page).first().innerText(), /Ludwig van Beethoven\s+Piano Sonata No\. 14\s+Op\. 27\/2\s+C♯ minor\s+1801\s+3 movements/);
      await field(page).fill('HAYDN xvi 50');
      await results(page).filter({ hasText: 'Hob. XVI:50' }).waitFor();
      assert.equal(fragment(page), '#/catalogue?q=HAYDN+xvi+50');
      await field(page).fill('no such work');
      await page.getByText('Nothing fits “no such work”').waitFor();
      assert.equal(await results(page).count(), 0);
      await field(page).fill('scarlatti');
      await page.getByRole('status').filter({ hasText: 'The first 50 works' }).waitFor();
      assert.equal(await results(page).count(), 50);
    }));

  test('is used by keyboard alone: arrows go through what was found, Enter opens, Escape empties', () =>
    onPage(kDesktop, '?q=sonata+piano', async ({ page }) => {
      await field(page).focus();
      await results(page).nth(3).waitFor();
      const chosen = () => page.locator('[role=option][aria-selected=true]');
      assert.equal(await chosen().count(), 0);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      assert.match(await chosen().innerText(), /Piano Sonata No\. 8/);
      assert.equal(await field(page).getAttribute('aria-activedescendant'), await chosen().getAttribute('id'));
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      assert.equal(await chosen().getAttribute('id'), await results(page).last().getAttribute('id'));
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await workTitle(page, 'Piano Sonata No. 14').waitFor();
      assert.equal(fragment(page), '#/catalogue?q=sonata+piano&work=beethoven%2Fop-27-2');
      assert.equal(await page.title(), 'Piano Sonata No. 14 – Ghostlight');
      await page.keyboard.press('Escape');
      assert.equal(await field(page).inputValue(), '');
      await until('the list is gone', async () => (await results(page).count()) === 0);
      await workTitle(page, 'Piano Sonata No. 14').waitFor();
    }));

  test('a work is a tree: its composer, itself, its movements; a click on the composer finds the others', () =>
    onPage(kDesktop, '?q=moonlight', async ({ page }) => {
      await results(page).first().click();
      const tree = page.getByRole('list', { name: 'Composer, work and movements' });
      assert.match(await tree.innerText(), /Ludwig van Beethoven\s+Piano Sonata No\. 14[\s\S]*Op\. 27\/2[\s\S]*C♯ minor[\s\S]*1801[\s\S]*Moonlight · Mondscheinsonate[\s\S]*月光/);
      const movements = tree.getByRole('list', { name: '3 movements' }).getByRole('listitem');
      assert.deepEqual((await movements.allInnerTexts()).map((text) => text.split(/\s*\n\s*/)), [['I', 'Adagio sostenuto', 'C♯ minor'], ['II', 'Allegretto', 'D♭ major'], ['III', 'Presto agitato', 'C♯ minor']]);
      await page.getByRole('button', { name: 'Ludwig van Beethoven' }).click();
      await page.getByRole('status').filter({ hasText: '3 works' }).waitFor();
      assert.equal(await field(page).inputValue(), 'Ludwig van Beethoven');
      await page.goBack();
      await workTitle(page, 'Piano Sonata No. 14').waitFor();
      assert.equal(await field(page).inputValue(), 'moonlight');
    }));

  test('the address leads to a work, also after a look at another page', () =>
    onPage(kDesktop, '?q=satie&work=mozart%2Fk-545', async ({ page }) => {
      await workTitle(page, 'Piano Sonata No. 16').waitFor();
      await results(page).filter({ hasText: 'Gymnopédies' }).waitFor();
      const pages = page.getByRole('navigation', { name: 'Pages' });
      await pages.getByRole('link', { name: 'Nodes' }).click();
      await page.getByRole('heading', { name: 'Programs' }).waitFor();
      assert.equal(await page.title(), 'Ghostlight');
      await pages.getByRole('link', { name: 'Catalogue' }).click();
      await workTitle(page, 'Piano Sonata No. 16').waitFor();
      assert.equal(await field(page).inputValue(), 'satie');
      await page.reload();
      await workTitle(page, 'Piano Sonata No. 16').waitFor();
    }));

  test('what is typed on overtakes what was asked before: it is given up, and its answer not shown', () =>
    onPage(kDesktop, '', async ({ page }) => {
      catalogue.hangs = true;
      await field(page).fill('haydn');
      await until('it was asked', () => catalogue.searched.includes('haydn'));
      await page.getByRole('status').filter({ hasText: 'Searching…' }).waitFor();
      await field(page).fill('mozart');
      await until('the first is given up', () => catalogue.cancelled > 0);
      await until('the second was asked', () => catalogue.searched.includes('mozart'));
      catalogue.hangs = false;
      await results(page).filter({ hasText: 'Mozart' }).waitFor();
      assert.equal(await results(page).filter({ hasText: 'Haydn' }).count(), 0);
    }));

  test('a catalogue that does not answer is told with its reason, and asked again', () => {
    catalogue.failure = 'ariascribe is starting';
    return onPage(kDesktop, '?q=satie&work=mozart%2Fk-545', async ({ page }) => {
      await page.getByRole('alert').filter({ hasText: 'The catalogue does not answer: ariascribe is starting' }).waitFor();
      await page.getByRole('alert').filter({ hasText: 'mozart/k-545 cannot be shown' }).waitFor();
      await assertAccessible(page);
      catalogue.failure = '';
      await page.locator('.catalogue-search').getByRole('button', { name: 'Try again' }).click();
      await results(page).filter({ hasText: 'Gymnopédies' }).waitFor();
      await page.getByRole('region', { name: 'Work' }).getByRole('button', { name: 'Try again' }).click();
      await workTitle(page, 'Piano Sonata No. 16').waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
    });
  });

  test('what strangers wrote is text and nothing else', () =>
    onPage(kPhone, '?q=stranger&work=stranger%2F1', async ({ page }) => {
      await page.locator('.movement-title').last().waitFor();
      const inside = await page.locator('main').evaluate((main) => main.querySelectorAll('img, script, u, i, b, h1 ~ h1, main svg:not(.icon)').length);
      assert.equal(inside, 0);
      assert.match(await page.locator('main').innerText(), /<img src=x onerror=[\s\S]*<\/ul><h1>loud<\/h1>/);
      assert.match(await page.title(), / – Ghostlight$/);
      await assertFits(page);
      await page.getByRole('button', { name: '‹ Results' }).click();
      await results(page).first().waitFor();
      await assertFits(page);
    }));

  test('a phone shows the results or the work, and leads back', () =>
    onPage(kPhone, '?q=sonata', async ({ page }) => {
      await results(page).filter({ hasText: 'K. 545' }).tap();
      await workTitle(page, 'Piano Sonata No. 16').waitFor();
      assert.equal(await field(page).isVisible(), false);
      await page.getByRole('button', { name: '‹ Results' }).tap();
      await results(page).filter({ hasText: 'K. 545' }).waitFor();
    }));

  test('a lost server is told, and what was typed meanwhile is looked up when it is back', () =>
    onPage(
      kDesktop,
      '?q=satie',
      async ({ page }) => {
        await results(page).first().waitFor();
        await target.fake.stop();
        await page.locator('.pulse-lost').waitFor();
        await field(page).fill('haydn');
        await target.fake.start();
        await results(page).filter({ hasText: 'Hob. XVI:50' }).waitFor();
      },
      true,
    ));

  for (const [what, options] of Object.entries(kLooks))
    test(`axe finds nothing, and nothing is wider than the screen: ${what}`, () =>
      onPage({ ...options, reducedMotion: 'reduce' }, '', async ({ page }) => {
        await page.getByText('For example').waitFor();
        await assertAccessible(page);
        await assertFits(page);
        await field(page).fill('sonata');
        await results(page).first().waitFor();
        await page.keyboard.press('ArrowDown');
        await assertAccessible(page);
        await page.keyboard.press('Enter');
        await page.locator('.movement-title').first().waitFor();
        await assertAccessible(page);
        await assertFits(page);
      }));

  test('a node without Ariascribe has no such page, and its address leads to the first', () => {
    target.fake.hasCatalogue = false;
    return onPage(kDesktop, '', async ({ page }) => {
      await page.getByRole('heading', { name: 'The stage is empty' }).waitFor();
      assert.deepEqual(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts(), ['Stage', 'Nodes']);
    });
  });
});
