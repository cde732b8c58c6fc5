import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { FakeStage } from '../fake/stage_state';
import { assertAccessible, assertFits } from './accessible';
import { kDesktop, kLooks, kPhone, launch, live, until, withPage as withPageOf, type Watched } from './browser';
import { needsFake, openTarget, type Target } from './target';

const kRequest = { source: '/srv/discs/recital.cue', into: '', titles: '', receivers: 3, interfaces: [], rate: 0n };
const Grab = 0, Describe = 1, Distribute = 2, Verify = 3, Done = 5;

const step = (page: Page, name: string) => page.locator('.step', { has: page.getByRole('heading', { name, exact: true }) });
const track = (page: Page, number: number) => page.locator('.tracks li').nth(number - 1);
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const says = (text: string) => ({ hasText: text });

describe('the Stage page in Chromium', { timeout: 300_000 }, () => {
  let browser: Browser;
  let target: Target;
  let stage: FakeStage;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    target = await openTarget();
    stage = target.fake.stage;
  });
  afterEach(() => target.close());

  /** The page on the stage as it is set up. */
  const onStage = (options: BrowserContextOptions, use: (watched: Watched) => Promise<void>, mayComplain = false) =>
    withPageOf(
      browser,
      options,
      target.link,
      async (watched) => {
        await live(watched.page).waitFor();
        await use(watched);
      },
      mayComplain,
    );
  const startAt = (at: number, share = 0) => {
    stage.start(kRequest);
    stage.advanceTo(at, share);
  };

  test('is the first page, and its tab names it', () =>
    onStage(kDesktop, async ({ page }) => {
      const pages = page.getByRole('navigation', { name: 'Pages' });
      assert.deepEqual(await pages.getByRole('link').allInnerTexts(), ['Stage', 'Catalogue', 'Review', 'Nodes']);
      assert.equal(await pages.locator('[aria-current=page]').innerText(), 'Stage');
      await pages.getByRole('link', { name: 'Nodes' }).click();
      await page.getByRole('heading', { name: 'Programs' }).waitFor();
      await page.goBack();
      assert.equal(await pages.locator('[aria-current=page]').innerText(), 'Stage');
    }));

  test('a node without a stage opens with its Nodes page', needsFake, () => {
    target.fake.hasStage = false;
    return onStage(kDesktop, async ({ page }) => {
      await page.getByRole('heading', { name: 'Programs' }).waitFor();
      assert.deepEqual(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts(), ['Catalogue', 'Review', 'Nodes']);
    });
  });

  test('an empty stage tells how to start a job, and starts one from its form by keyboard', needsFake, () =>
    onStage(kDesktop, async ({ page }) => {
      await page.getByRole('heading', { name: 'The stage is empty' }).waitFor();
      assert.match(await page.locator('main').innerText(), /ghostlight start FILE\.cue/);
      const source = page.getByLabel('Image, folder or drive');
      await source.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter(says('Give the path')).waitFor();
      await source.fill('discs/recital.cue');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter(says('is not a whole path')).waitFor();
      await source.fill('/srv/discs/recital.cue');
      await page.getByLabel('Receivers').fill('many');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter(says('are a number')).waitFor();
      await page.getByLabel('Receivers').fill('3');
      await page.getByLabel('File with its titles').fill('/srv/titles.txt');
      assert.equal(stage.asked, undefined);
      await page.keyboard.press('Enter');
      await step(page, 'grab').locator('.step-state', says('running')).waitFor();
      assert.deepEqual(stage.asked, { ...kRequest, titles: '/srv/titles.txt' });
    }));

  test('a start that is refused says why, and what to do', needsFake, () => {
    stage.refuse = 'only an admin may start the job';
    return onStage(kDesktop, async ({ page }) => {
      await page.getByLabel('Image, folder or drive').fill('/srv/discs/recital.cue');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByRole('alert').filter(says('only an admin may start the job. Start it in a terminal instead')).waitFor();
      await assertAccessible(page);
    });
  });

  test('the job is shown live from its first sector to the last port', needsFake, () => {
    startAt(Grab, 0.305);
    return onStage(kDesktop, async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Recital: Bach, Mozart, Beethoven' }).waitFor();
      await page.getByRole('progressbar', { name: 'Progress of grab' }).waitFor();
      await page.getByRole('progressbar', { name: /^Grabbing track \d$/ }).waitFor();
      assert.match(await page.title(), /^grab 30 % – Ghostlight$/);
      assert.equal(await page.locator('.step[aria-current=step]').count(), 1);

      stage.advanceTo(Describe, 0.5);
      await track(page, 1).locator('s', says('BACH - PRELUDE IN C')).waitFor();
      assert.match(await track(page, 1).innerText(), /Johann Sebastian Bach:[\s\S]*The Well-Tempered Clavier, Book I[\s\S]*C major[\s\S]*BWV 846[\s\S]*Clara Weidmann, piano[\s\S]*named 95 %[\s\S]*bit for bit/);
      assert.match(await track(page, 4).innerText(), /3 in doubt/);
      assert.doesNotMatch(await track(page, 9).innerText(), /named|review|kept/);

      stage.advanceTo(Distribute, 0.7);
      const transfer = section(page, 'Transfer');
      await transfer.getByText('0 of 3 verified').waitFor();
      assert.match(await transfer.innerText(), /streaming[\s\S]*3 receiving[\s\S]*1\.090 ×[\s\S]*4\.1 %[\s\S]*412 Mbit\/s/);
      assert.equal(await transfer.getByRole('option').count(), 3);

      stage.advanceTo(Done);
      await transfer.getByText('3 of 3 verified').waitFor();
      for (const name of ['grab', 'describe', 'distribute', 'verify', 'account']) await step(page, name).locator('.step-state', says('done')).waitFor();
      await page.getByText('every port accounted for.').waitFor();
      assert.equal(await page.title(), 'Ghostlight');
      const live = await page.locator('[aria-live=polite]').innerText();
      assert.equal(live, 'grab done, describe done, distribute done, verify done, account done');
    });
  });

  test('a track opens by keyboard to its whole waveform and why each field is what it is', needsFake, () => {
    startAt(Verify);
    return onStage(kDesktop, async ({ page }) => {
      await track(page, 8).locator('summary').focus();
      await page.keyboard.press('Enter');
      const fields = page.getByRole('table', { name: 'Fields of track 8' });
      await fields.waitFor();
      assert.deepEqual(await fields.getByRole('rowheader').allInnerTexts(), ['composer', 'work', 'movement', 'key', 'catalogue', 'performers']);
      assert.match(await fields.getByRole('row', { name: /^work/ }).innerText(), /Moonlight[\s\S]*62 %[\s\S]*one work of 2,104 has it/);
      assert.equal(await track(page, 8).locator('.track-before').innerText(), 'no title on the disc');
      await page.getByRole('img', { name: 'Waveform of track 8, in full' }).waitFor();
      assert.match(await track(page, 8).innerText(), /CRC32\s+[0-9a-f]{8}/);
      stage.advanceTo(Done);
      await page.getByText('every port accounted for.').waitFor();
      assert.equal(await fields.isVisible(), true);
      await page.keyboard.press('Enter');
      await fields.waitFor({ state: 'detached' });
    });
  });

  test('three receivers have their names; each is told of in full when pointed at', needsFake, () => {
    startAt(Done);
    return onStage(kDesktop, async ({ page }) => {
      const cells = page.getByRole('listbox', { name: 'Receivers' });
      assert.deepEqual(await cells.getByRole('option').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))), ['receiver-1 verified, 100 %', 'receiver-2 verified, 100 %', 'receiver-3 verified, 100 %']);
      await cells.getByRole('option').nth(1).hover();
      assert.match(await page.locator('.receiver-detail').innerText(), /receiver-2[\s\S]*10\.9\.0\.3[\s\S]*cedar-violet-heron-two[\s\S]*9c41 1001 77ad/);
      await page.mouse.move(0, 0);
      assert.match(await page.locator('.receiver-detail').innerText(), /receiver-1/);
    });
  });

  for (const [what, options] of [['desktop', kDesktop], ['phone', kPhone]] as const)
    test(`a thousand receivers fit, stay live, and are walked by arrow keys: ${what}`, needsFake, () => {
      stage.script = { receivers: 1000, silent: new Set([2, 230, 555]) };
      startAt(Distribute, 0.7);
      return onStage(options, async ({ page }) => {
        const cells = page.getByRole('listbox', { name: 'Receivers' });
        assert.equal(await cells.getByRole('option').count(), 1000);
        await assertFits(page);
        await page.locator('.counts').getByText('3 missing').waitFor();
        await page.locator('.missing', says('receiver-231 has')).waitFor();
        await cells.focus();
        for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
        const columns = await cells.evaluate((list) => getComputedStyle(list).gridTemplateColumns.split(' ').length);
        const chosen = (await cells.getAttribute('aria-activedescendant'))!;
        assert.equal(chosen, `receiver-${2 * columns + 1}`);
        assert.equal(await page.locator(`#${chosen}`).getAttribute('aria-selected'), 'true');
        assert.match(await page.locator('.receiver-detail').innerText(), new RegExp(`receiver-${2 * columns + 2}\\b`));
        await page.keyboard.press('End');
        assert.match(await page.locator('.receiver-detail').innerText(), /receiver-1000/);
        for (let share = 0.1; share <= 1; share += 0.05) stage.advanceTo(Verify, share);
        stage.advanceTo(Done);
        await page.getByText('997 of 1,000 verified').waitFor();
      });
    });

  test('ports are listed ours first, with what could not be seen', needsFake, () => {
    startAt(Done);
    return onStage(kDesktop, async ({ page }) => {
      const ports = section(page, 'Ports');
      const rows = ports.locator('tbody tr');
      await rows.first().waitFor();
      assert.equal(await rows.count(), 8 + 8);
      assert.match(await rows.first().innerText(), /1117\/tcp[\s\S]*ardus-mtrns[\s\S]*confirmed[\s\S]*ok[\s\S]*pid 4121[\s\S]*certificate/);
      assert.match(await rows.nth(8).innerText(), /31337\/tcp[\s\S]*unassigned[\s\S]*alert[\s\S]*deleted/);
      assert.match(await ports.innerText(), /239\.17\.17\.1 in receiver-1/);
      assert.match(await ports.innerText(), /What could not be seen[\s\S]*Owners of 4 sockets/);
      const group = rows.filter({ hasText: '1835/udp' });
      assert.match(await group.innerText(), /receiver-1[\s\S]*and 2 more/);
      await group.locator('summary').click();
      assert.match(await group.innerText(), /receiver-2[\s\S]*receiver-3/);
      await ports.getByRole('button', { name: 'Show all 21' }).click();
      assert.equal(await rows.count(), 21);
    });
  });

  test('a step that failed says why, and the job is resumed', needsFake, () => {
    stage.script.fails = { step: Distribute, why: 'receiver-2: no space left on /srv/music' };
    startAt(Distribute, 0.9);
    return onStage(kDesktop, async ({ page }) => {
      await step(page, 'distribute').locator('.step-state', says('failed')).waitFor();
      assert.match(await step(page, 'distribute').innerText(), /no space left on/);
      await page.locator('.message-bad', says('no space left on')).waitFor();
      await assertAccessible(page);
      const resume = page.getByRole('button', { name: 'Resume' });
      stage.refuse = 'the sender is being upgraded';
      await resume.click();
      await page.getByRole('alert').filter(says('It was not resumed: the sender is being upgraded')).waitFor();
      stage.refuse = '';
      await resume.click();
      await step(page, 'distribute').locator('.step-state', says('running')).waitFor();
      assert.equal(await resume.count(), 0);
      assert.equal(await page.getByRole('alert').count(), 0);
    });
  });

  test('a job that runs is cancelled after asking', needsFake, () => {
    startAt(Grab, 0.5);
    return onStage(kDesktop, async ({ page }) => {
      await page.getByRole('button', { name: 'Cancel the job' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Let it run' }).click();
      assert.equal(stage.running, true);
      await page.getByRole('button', { name: 'Cancel the job' }).click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page);
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      await page.getByText('Start another job').click();
      await page.getByLabel('Image, folder or drive').fill('/srv/discs/next.cue');
      await page.keyboard.press('Enter');
      await page.getByText('Job 2').waitFor();
      assert.equal(stage.asked?.source, '/srv/discs/next.cue');
    });
  });

  test("a disc's titles are text and nothing else", needsFake, () => {
    const title = '<img src=x onerror="document.title=1"><b>Aria</b> \u202egnp.exe';
    stage.script.firstTitle = title;
    startAt(Grab, 0.9);
    return onStage(kDesktop, async ({ page }) => {
      assert.equal(await track(page, 1).locator('strong').textContent(), title);
      assert.equal(await page.locator('main img, main b:has-text("Aria")').count(), 0);
      stage.advanceTo(Done);
      await track(page, 1).locator('s', says('<b>Aria</b>')).waitFor();
      await track(page, 1).locator('summary').click();
      await page.locator('.track-detail code', says('<b>Aria<')).waitFor();
      assert.equal(await page.locator('main img').count(), 0);
      await assertFits(page);
    });
  });

  for (const [what, options] of Object.entries(kLooks))
    test(`axe finds nothing, and nothing is wider than the screen, at any time of the job: ${what}`, needsFake, () =>
      onStage(options, async ({ page }) => {
        await assertAccessible(page);
        await assertFits(page);
        stage.script.silent = new Set([1]);
        startAt(Distribute, 0.6);
        await section(page, 'Transfer').getByText('1 missing').waitFor();
        await assertAccessible(page);
        stage.advanceTo(Done);
        await page.getByText('What could not be seen').waitFor();
        for (const number of [4, 9]) await track(page, number).locator('summary').click();
        await page.getByRole('table', { name: 'Fields of track 9' }).waitFor();
        await assertAccessible(page);
        await assertFits(page);
      }));

  test('nothing moves for those who do not want it', needsFake, () => {
    startAt(Grab, 0.3);
    return onStage({ ...kDesktop, reducedMotion: 'reduce' }, async ({ page }) => {
      const moving = () => page.evaluate(() => document.getAnimations().length);
      assert.equal(await moving(), 0);
      stage.advanceTo(Distribute, 0.5);
      await section(page, 'Transfer').waitFor();
      assert.equal(await moving(), 0);
    });
  });

  for (const [what, options] of [['desktop', kDesktop], ['phone', { ...kPhone, colorScheme: 'dark' }]] as const)
    test(`a lost server is told, the stage dimmed and its buttons off, and it comes back by itself: ${what}`, needsFake, () => {
      startAt(Distribute, 0.6);
      return onStage(
        options,
        async ({ page }) => {
          await section(page, 'Transfer').waitFor();
          await target.fake.stop();
          await page.locator('.stage.stale').waitFor();
          await page.locator('.pulse-lost').waitFor();
          assert.match(await page.getByRole('status').innerText(), /cannot be reached|was lost/);
          assert.equal(await page.getByRole('button', { name: 'Cancel the job' }).isDisabled(), true);
          const stopped = await page.locator('.elapsed').innerText();
          await assertAccessible(page);
          await assertFits(page);
          assert.equal(await page.locator('.elapsed').innerText(), stopped);
          stage.advanceTo(Done);
          await target.fake.start();
          await live(page).waitFor();
          await page.getByText('3 of 3 verified').waitFor();
          assert.equal(await page.locator('.stale').count(), 0);
        },
        true,
      );
    });

  test('a stage where nothing happens is live all the same; a server that falls silent is not', needsFake, () => {
    startAt(Done);
    return onStage(kDesktop, async ({ page }) => {
      await new Promise((resolve) => setTimeout(resolve, 5000));
      assert.equal(await live(page).count(), 1);
      target.fake.silent = true;
      await page.locator('.banner', says('Nothing new has come for')).waitFor();
      await page.locator('.stage.stale').waitFor();
      target.fake.silent = false;
      await live(page).waitFor();
    });
  });

  test('a page that is closed leaves no stream behind', needsFake, async () => {
    await onStage(kDesktop, () => until('both states are watched', () => target.fake.streams === 2));
    await until('the server has no connection', () => target.fake.connections === 0 && target.fake.streams === 0);
  });
});
