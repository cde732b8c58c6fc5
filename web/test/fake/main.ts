/**
 * `npm run fake`: the console with a made-up node and job behind it, for working on the pages.
 *   fake DIST PORT [--trouble] [--receivers N] [--no-job] [--no-stage] [--fail STEP] [--at STEP] [--hold]
 * STEP is 0 (grab) to 4 (account); --at begins in the middle of it, or with 5 at the end; --hold stops time there.
 */
import { ChildState } from '../../src/gen/b2/v1/host';
import { FakeServer } from './server';

const server = new FakeServer(process.argv[2] ?? 'dist');
await server.start(Number(process.argv[3] ?? 0));
setInterval(() => server.node.advance(1000), 1000);
if (process.argv.includes('--trouble')) {
  server.node.crash('audiojuggler', ChildState.backing_off, 'killed by signal 11 (SIGSEGV)');
  server.node.crash('portlight', ChildState.failed, 'exit status 1: /var/lib/ghostlight/portlight.db: disk image is malformed');
}
const option = (name: string): number | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : Number(process.argv[at + 1]);
};
const { stage } = server;
server.hasStage = !process.argv.includes('--no-stage');
stage.script.receivers = option('--receivers') ?? 3;
if (process.argv.includes('--trouble')) stage.script.silent = new Set([2, 17, 230, 231, 555, 700, 812, 813, 990].filter((i) => i < stage.script.receivers));
const fails = option('--fail');
if (fails !== undefined) stage.script.fails = { step: fails, why: 'receiver-2: no space left on /srv/music: 118 MiB are missing' };
if (!process.argv.includes('--no-job')) stage.start({ source: '', into: '', titles: '', receivers: stage.script.receivers, interfaces: [], rate: 0n });
stage.advanceTo(option('--at') ?? 0, 0.6);
if (!process.argv.includes('--hold')) setInterval(() => stage.advance(100), 100);
console.log(server.link);
