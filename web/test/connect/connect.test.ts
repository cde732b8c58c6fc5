// An existing Connect client against a host as it is built: connect-node, told of the services by the host's own Describe.
// GHOST_BIN names the folder of the programs.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFileRegistry, fromBinary, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Client, type Interceptor } from '@connectrpc/connect';
import { compressionGzip, createConnectTransport } from '@connectrpc/connect-node';

const kPatience = 60_000;
const codecs = [
  ['JSON', false],
  ['protobuf', true],
] as const;

let host: ChildProcess;
let folder: string;
let url: string;
let token: string;
let services: ReturnType<typeof createFileRegistry>;

before(async () => {
  const bin = process.env['GHOST_BIN'];
  assert.ok(bin, 'GHOST_BIN names the folder of the programs, build/dev/bin');
  folder = mkdtempSync(join(tmpdir(), 'ghost-connect-'));
  const ready = join(folder, 'ready');
  host = spawn(join(bin, 'ghostlight'), ['up', '--state', join(folder, 'state'), '--listen', '127.0.0.1:0', '--free-ports', '--log', 'error', '--ready-file', ready], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const end = Date.now() + kPatience; !existsSync(ready); await sleep(50)) {
    assert.ok(host.exitCode === null && Date.now() < end, 'the host did not come up');
  }
  const told = new URL(readFileSync(ready, 'utf8').trim());
  url = told.origin;
  token = told.hash.slice('#t='.length);
  const response = await fetch(`${url}/b2.v1.Core/Describe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ descriptors: true }),
  });
  assert.equal(response.status, 200);
  const { fileDescriptorSet } = (await response.json()) as { fileDescriptorSet: string };
  services = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(fileDescriptorSet, 'base64')));
});

after(async () => {
  if (host.exitCode === null) {
    const ended = new Promise((resolve) => host.once('exit', resolve));
    host.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** The messages are known at run time only. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;

interface Wish {
  binary: boolean;
  bearer?: string;
  gzip?: boolean;
}

function client(service: string, { binary, bearer, gzip }: Wish): Any {
  const descriptor = services.getService(service);
  assert.ok(descriptor, `${service} is described`);
  const identify: Interceptor = (next) => (request) => {
    if (bearer !== undefined) request.header.set('authorization', `Bearer ${bearer}`);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: '1.1',
    useBinaryFormat: binary,
    interceptors: [identify],
    ...(gzip === true ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {}),
  });
  return createClient(descriptor, transport) as Client<DescService>;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error;
  }
  assert.fail('the call should have failed');
}

for (const [name, binary] of codecs) {
  test(`Connect by ${name}: Core/Health answers anyone`, async () => {
    const answer = await client('b2.v1.Core', { binary }).health({});
    assert.equal(typeof answer.health, 'number');
    const one = await client('b2.v1.Core', { binary }).health({ service: 'b2.v1.Core' });
    assert.equal(one.health, 2, 'serving');
  });

  test(`Connect by ${name}: the token opens what strangers may not call`, async () => {
    const stats = await client('b2.v1.Core', { binary, bearer: token }).stats({});
    assert.ok(stats.methods.some((method: Any) => method.service === 'b2.v1.Core' && method.method === 'Describe' && method.calls > 0n));
    const stranger = await failure(client('b2.v1.Core', { binary }).stats({}));
    assert.equal(stranger.code, Code.Unauthenticated);
    assert.match(stranger.rawMessage, /ghostlight status/);
    const wrong = await failure(client('b2.v1.Core', { binary, bearer: 'wrong' }).stats({}));
    assert.equal(wrong.code, Code.Unauthenticated);
  });

  test(`Connect by ${name}: errors come with their code and sentence`, async () => {
    const missing = await failure(client('b2.v1.Core', { binary }).health({ service: 'no.such.Service' }));
    assert.equal(missing.code, Code.NotFound);
    assert.match(missing.rawMessage, /no\.such\.Service/);
    const nobody = await failure(client('b2.v1.Host', { binary, bearer: token }).restart({ name: 'nobody' }));
    assert.equal(nobody.code, Code.NotFound);
    assert.match(nobody.rawMessage, /nobody/);
  });

  test(`Connect by ${name}: a deadline that has passed is told as one`, async () => {
    const late = await failure(client('b2.v1.Core', { binary }).health({}, { headers: { 'connect-timeout-ms': '0' } }));
    assert.equal(late.code, Code.DeadlineExceeded);
  });

  test(`Connect by ${name}: a compressed request is refused by name`, async () => {
    const zipped = await failure(client('b2.v1.Core', { binary, gzip: true }).health({ service: 'b2.v1.Core' }));
    assert.equal(zipped.code, Code.Unimplemented);
    assert.match(zipped.rawMessage, /gzip.*identity/);
  });

  test(`Connect by ${name}: a stream says that it is none of Connect's`, async () => {
    const watch = client('b2.v1.Host', { binary, bearer: token }).watch({});
    const refused = await failure(watch[Symbol.asyncIterator]().next());
    assert.equal(refused.code, Code.Unimplemented);
    assert.match(refused.rawMessage, /WebSocket/);
  });
}

test('Connect: a method that is not there is unimplemented', async () => {
  const response = await fetch(`${url}/b2.v1.Core/Nothing`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(response.status, 404);
  assert.equal(((await response.json()) as { code: string }).code, 'unimplemented');
});
