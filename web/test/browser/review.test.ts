import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { kFolder, type FakeLibrary } from '../fake/library_state';
import { kDisc } from '../fake/stage_disc';
import { assertAccessible, assertFits } from './accessible';
import { kDesktop, kLooks, kPhone, launch, live, until, withPage as withPageOf, type Watched } from './browser';
import { needsFake, openTarget, type Target } from './target';

const folder = (page: Page) => page.getByLabel('Folder or file, on the machine where Ghostlight runs');
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const file = (page: Page, name: string) => page.locator('.proposed li', { hasText: name });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const confirm = (page: Page) => page.getByRole('dialog').getByRole('button', { name: 'Write', exact: true }).click();

describe('the Review page in Chromium', { timeout: 300_000, ...needsFake }, () => {
  let browser: Browser;
  let target: Target;
  let library: FakeLibrary;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    target = await openTarget();
    library = target.fake.library;
  });
  afterEach(() => target.close());

  const onPage = (options: BrowserContextOptions, use: (watched: Watched) => Promise<void>, mayComplain = false) =>
    withPageOf(
      browser,
      options,
      target.link.replace('#', `#/review?path=${encodeURIComponent(kFolder)}&`),
      async (watched) => {
        await live(watched.page).waitFor();
        await use(watched);
      },
      mayComplain,
    );
  /** The page with the folder looked at. */
  const looked = (options: BrowserContextOptions, use: (page: Page) => Promise<void>, mayComplain = false) =>
    onPage(
      options,
      async ({ page }) => {
        await button(page, 'Look').click();
        await page.locator('.proposed').first().waitFor();
        await use(page);
      },
      mayComplain,
    );

  test('a folder in the address is looked at only when asked to, and what is no path is told', () =>
    onPage(kDesktop, async ({ page }) => {
      assert.equal(await folder(page).inputValue(), kFolder);
      for (const [path, why] of [['', 'Give the path'], ['music', 'is not a whole path']] as const) {
        await folder(page).fill(path);
        await page.keyboard.press('Enter');
        await page.getByRole('alert').filter({ hasText: why }).waitFor();
      }
      assert.deepEqual(library.asked, []);
      await folder(page).fill('/nowhere');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: '/nowhere: No such file or directory.' }).waitFor();
      assert.deepEqual(library.asked, [['/nowhere']]);
      await folder(page).fill('/srv/empty');
      await page.keyboard.press('Enter');
      await page.getByText('There is no file with tags in /srv/empty.').waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
      await assertAccessible(page);
    }));

  test('shows files by band, each with what it is, how sure and why, and its tags before and after', () =>
    looked(kDesktop, async (page) => {
      assert.deepEqual(await page.locator('.proposed h2').allInnerTexts(), ['Sure', 'To review', 'Not read', 'Left']);
      assert.match(await section(page, 'What would be written').innerText(), /10 files in \/srv\/music\/recital: 31 tags in 8 files would change/);
      assert.match(await section(page, 'Not read').innerText(), /its FLAC header is cut off at byte 42: copy the file again/);
      const fourth = file(page, '04.flac');
      assert.match(await fourth.innerText(), /Mozart Sonata K545 2\.mov\s+Wolfgang Amadeus Mozart: Piano Sonata No\. 16 II\. Andante G major K\. 545[\s\S]*4 tags[\s\S]*sure 9\d %/);
      await fourth.locator('summary').focus();
      await page.keyboard.press('Enter');
      const tags = page.getByRole('table', { name: `Tags of ${kFolder}/04.flac` });
      const title = tags.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'TITLE', exact: true }) });
      assert.equal(await title.locator('del').innerText(), '− Mozart Sonata K545 2.mov');
      assert.equal(await title.locator('ins').innerText(), '+ Piano Sonata No. 16: Andante');
      assert.match(await title.innerText(), /98 %[\s\S]*work and movement/);
      const fields = page.getByRole('table', { name: `Fields of ${kFolder}/04.flac` });
      assert.match(await fields.innerText(), /composer[\s\S]*Wolfgang Amadeus Mozart[\s\S]*99 %[\s\S]*one composer has that name[\s\S]*Clara Weidmann, piano/);
      await assertAccessible(page);
      assert.equal(library.written.size, 0);
    }));

  test('what is sure is written after asking, told, and taken back', () =>
    looked(kDesktop, async (page) => {
      await button(page, 'Apply the 7 that are sure').click();
      await page.getByRole('dialog', { name: 'Write 28 tags into 7 files?' }).waitFor();
      await assertAccessible(page);
      await button(page, 'Write nothing').click();
      assert.equal(library.written.size, 0);
      await button(page, 'Apply the 7 that are sure').click();
      await confirm(page);
      const written = section(page, 'Written from here');
      await written.getByText('7 files written.').waitFor();
      assert.equal(library.written.size, 7);
      await section(page, 'Nothing to change').getByText('7 files;').waitFor();
      assert.equal(await section(page, 'Sure').count(), 0);
      await section(page, 'To review').waitFor();
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Nodes' }).click();
      await page.getByRole('heading', { name: 'Programs' }).waitFor();
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Review' }).click();
      await button(page, /^Undo 2026/).click();
      await written.getByText('7 files put back as they were, byte for byte.').waitFor();
      await section(page, 'Sure').waitFor();
      assert.equal(library.written.size, 0);
      assert.equal(await button(page, /^Undo/).count(), 0);
    }));

  test('all is written when all is asked for; files that are passed by are told', () => {
    library.passedBy.add(`${kFolder}/02.flac`);
    return looked(kDesktop, async (page) => {
      await button(page, 'Apply all 8').click();
      await confirm(page);
      await page.getByText('7 files written. 1 file passed by').waitFor();
      await section(page, 'Written from here').getByText('an MP4 in fragments has no room for these tags').waitFor();
      await assertAccessible(page);
      await until('the one is still listed', async () => (await section(page, 'Sure').getByRole('listitem').count()) === 1);
      assert.ok(library.written.has(`${kFolder}/08.flac`));
    });
  });

  test('one file is written as its album made it known, and the others are left', () =>
    looked(kDesktop, async (page) => {
      for (const name of ['08.flac', '02.flac']) {
        await file(page, name).locator('summary').click();
        await button(page, 'Apply to this file').click();
        await until(`${name} is written`, async () => library.written.has(`${kFolder}/${name}`));
        await button(page, /^Undo/).first().waitFor();
      }
      assert.deepEqual([...library.written].sort(), [`${kFolder}/02.flac`, `${kFolder}/08.flac`]);
      assert.equal(await page.getByText('1 file written.').count(), 2);
      await section(page, 'Nothing to change').getByText('2 files;').waitFor();
      assert.equal(library.asked.every(([path]) => path === kFolder), true, 'the folder is asked for, never a file without its album');
    }));

  test('files that changed since they were shown are not written, but shown again', () =>
    looked(kDesktop, async (page) => {
      library.titleSuffix = ' (remaster)';
      await button(page, 'Apply the 7 that are sure').click();
      await confirm(page);
      await page.getByRole('alert').filter({ hasText: 'the file has changed since its tags were read; propose again.' }).waitFor();
      await file(page, '04.flac').getByText('Mozart Sonata K545 2.mov (remaster)').waitFor();
      assert.equal(library.written.size, 0);
    }));

  test('what fails is told with its reason', () =>
    looked(kDesktop, async (page) => {
      library.commitFailure = '/srv/music/recital/03.flac: not as it was read';
      await button(page, 'Apply all 8').click();
      await confirm(page);
      await page.getByRole('alert').filter({ hasText: '03.flac: not as it was read.' }).waitFor();
      library.commitFailure = '';
      await button(page, 'Apply all 8').click();
      await confirm(page);
      await page.getByText('8 files written.').waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
      library.undoFailure = '/srv/music/recital/05.flac: was changed since';
      await button(page, /^Undo/).click();
      await page.getByRole('alert').filter({ hasText: '05.flac: was changed since.' }).waitFor();
      assert.equal(library.written.size, 8);
    }));

  test('a work leads to the catalogue, and back to the same review', () =>
    looked(kDesktop, async (page) => {
      await file(page, '06.flac').locator('summary').click();
      await page.getByRole('link', { name: 'The work in the catalogue' }).click();
      await page.getByRole('heading', { level: 2, name: 'Piano Sonata No. 14' }).waitFor();
      await page.goBack();
      await file(page, '06.flac').waitFor();
      assert.equal(await folder(page).inputValue(), kFolder);
    }));

  test('of a large folder a part is shown, and more when asked for', () => {
    library.tracks = Array.from({ length: 250 }, (_, i) => kDisc[i % 7]!);
    return looked(kPhone, async (page) => {
      assert.equal(await section(page, 'Sure').getByRole('listitem').count(), 100);
      await button(page, 'Show more of the 150 others').tap();
      await until('all are shown', async () => (await section(page, 'Sure').getByRole('listitem').count()) === 250);
      await assertFits(page);
    });
  });

  test('a lost server is told, and nothing can be written meanwhile', () =>
    looked(
      kDesktop,
      async (page) => {
        await target.fake.stop();
        await page.locator('.pulse-lost').waitFor();
        await until('the buttons are off', () => button(page, 'Apply all 8').isDisabled());
        await target.fake.start();
        await live(page).waitFor();
        await until('they are on again', () => button(page, 'Apply all 8').isEnabled());
      },
      true,
    ));

  for (const [what, options] of Object.entries(kLooks))
    test(`axe finds nothing, nothing is wider than the screen, and a stranger's file name is text: ${what}`, () =>
      looked({ ...options, reducedMotion: 'reduce' }, async (page) => {
        await button(page, 'Apply all 8').click();
        await confirm(page);
        await page.getByText('8 files written.').waitFor();
        await button(page, /^Undo/).click();
        await page.getByText('8 files put back').waitFor();
        await file(page, '08.flac').locator('summary').click();
        await page.getByRole('table').first().waitFor();
        assert.match(await section(page, 'Not read').innerText(), /<img src=x onerror=[\s\S]*<script>/);
        assert.equal(await page.locator('main :is(img, script)').count(), 0);
        await assertAccessible(page);
        await assertFits(page);
      }));
});
