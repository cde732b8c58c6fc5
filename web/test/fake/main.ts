/** `npm run fake`: the console with a made-up node behind it, for working on the pages. */
import { ChildState } from '../../src/gen/b2/v1/host';
import { FakeServer } from './server';

const server = new FakeServer(process.argv[2] ?? 'dist');
await server.start(Number(process.argv[3] ?? 0));
setInterval(() => server.node.advance(1000), 1000);
if (process.argv.includes('--trouble')) {
  server.node.crash('audiojuggler', ChildState.backing_off, 'killed by signal 11 (SIGSEGV)');
  server.node.crash('portlight', ChildState.failed, 'exit status 1: /var/lib/ghostlight/portlight.db: disk image is malformed');
}
console.log(server.link);
