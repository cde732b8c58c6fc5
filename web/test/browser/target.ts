/**
 * What the browser tests are run against: a fake host, or the real one when GHOST_CONSOLE_LINK has the link it printed
 * (http://127.0.0.1:2203/#t=…). Tests that must stop the server or make trouble for it need the fake.
 */
import { join } from 'node:path';
import { FakeServer } from '../fake/server';

export const realLink = process.env['GHOST_CONSOLE_LINK'];
export const needsFake = realLink === undefined ? {} : { skip: 'needs a server that can be made to fail' };

export interface Target {
  readonly link: string;
  readonly url: string; // without the token
  readonly fake: FakeServer; // only where needsFake let the test run
  close(): Promise<void>;
}

export async function openTarget(): Promise<Target> {
  const fake = new FakeServer(join(process.cwd(), 'dist'));
  if (realLink !== undefined) return { link: realLink, url: realLink.replace(/#.*/, ''), fake, close: () => Promise.resolve() };
  await fake.start();
  const work = setInterval(() => fake.node.advance(250), 250);
  return {
    link: fake.link,
    url: fake.url,
    fake,
    async close() {
      clearInterval(work);
      await fake.stop();
    },
  };
}
