/** b2spec (apps/b2spec) on this implementation as a callee: docs/spec/conformance, profile ws. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocketServer, type RawData } from 'ws';
import { Drill } from '../gen/b2/spec/v1/drill';
import { Core } from '../gen/b2/v1/core';
import { Health, MethodKind, type ServiceEntry } from '../gen/b2/v1/hello';
import { Endpoint, requestsOf, type IncomingCall } from './endpoint';
import { ourHello } from './link';
import type { Init, Method } from './proto';
import { Status, statusOf } from './status';

type Served<Q, A> = (call: IncomingCall, method: Method<Q, A>) => void | Promise<void>;

interface Handler {
  readonly method: Method<never, never>;
  readonly handle: (call: IncomingCall) => void | Promise<void>;
}

const kFirst = 7; // index of the first method
const handlers: Handler[] = [];
const on = <Q, A>(method: Method<Q, A>, serve: Served<Q, A>) => void handlers.push({ method: method as never, handle: (call) => serve(call, method) });

/** A unary method whose answer is made of the request. */
function unary<Q, A>(method: Method<Q, A>, answer: (request: Q) => Init<A>): void {
  on(method, (call) => {
    let request: Q;
    try {
      request = method.request.decode(call.request);
    } catch (error) {
      return call.fail(Status.malformed, (error as Error).message);
    }
    call.finish(method.response.encode(answer(request)));
  });
}

let tally = 0;
const stranger = (name: string) => (call: IncomingCall) => call.fail(Status.unauthenticated, `${name} needs a member; you are a stranger: show a token`);
const limits = ourHello('').limits!;

unary(Core.describe, () => ({ nodeName: 'spec', services: services() }));
unary(Core.health, () => ({ health: Health.serving }));
on(Core.stats, stranger('b2.v1.Core/Stats'));
unary(Core.limits, () => ({ limits, connections: 100 }));
unary(Drill.echo, (piece) => piece);
on(Drill.count, async (call, { request, response }) => {
  const { count, size } = request.decode(call.request);
  for (let i = 0; i < count && !call.signal.aborted; ++i) await call.write(response.encode({ payload: new Uint8Array(size).fill(0x78) }));
  call.finish();
});
on(Drill.sum, async (call, method) => {
  const total = { messages: 0, bytes: 0n };
  for await (const { payload } of requestsOf(method, call)) {
    total.messages += 1;
    total.bytes += BigInt(payload.length);
  }
  call.finish(method.response.encode(total));
});
on(Drill.chat, async (call, method) => {
  for await (const piece of requestsOf(method, call)) await call.write(method.response.encode(piece));
  call.finish();
});
const hold = (call: IncomingCall) => call.signal.addEventListener('abort', () => call.fail(Status.cancelled, 'given up'));
on(Drill.hold, hold);
on(Drill.holdStream, hold);
on(Drill.fail, (call, { request }) => call.fail(statusOf(request.decode(call.request).status), 'asked to fail'));
unary(Drill.tally, () => ({ messages: ++tally }));
on(Drill.guarded, stranger('b2.spec.v1.Drill/Guarded'));

/** What HELLO tells of the handlers. */
function services(): ServiceEntry[] {
  const entries: ServiceEntry[] = [];
  handlers.forEach(({ method: { service, name, kind, needs, idempotent } }, i) => {
    if (entries.at(-1)?.name !== service)
      entries.push({ name: service, version: '1', descriptorHash: new Uint8Array(0), firstMethod: kFirst + i, methodCount: 0, health: Health.serving, methods: [] });
    const entry = entries.at(-1)!;
    entry.methods.push({ name, kind: MethodKind[kind], needs, idempotent });
    entry.methodCount += 1;
  });
  return entries;
}

/** What the HTTP side of a server sees to (docs/spec/b2.md §10): the status of a refusal, or nothing. */
function refusal({ headers }: IncomingMessage): number | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '')) return 421;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) return 403;
  if (offered.some((each) => each.startsWith('b2.bearer.'))) return 401; // nobody has the token
  return offered.includes('b2.1') ? undefined : 400;
}

/** Gives the address. */
async function listen(server: WebSocketServer): Promise<string> {
  const hello = { ...ourHello('spec'), services: services() };
  server.on('connection', (socket) => {
    socket.binaryType = 'arraybuffer';
    const endpoint = new Endpoint(
      'acceptor',
      hello,
      { send: (bytes) => socket.readyState === socket.OPEN && socket.send(bytes), close: () => socket.close() },
      {
        call: (call) => handlers[call.method - kFirst]!.handle(call),
      },
    );
    socket.on('message', (data: RawData, isBinary) => {
      if (isBinary) return endpoint.receive(new Uint8Array(data as ArrayBuffer));
      socket.close(1003, 'b2 has binary messages');
      endpoint.transportClosed('text');
    });
    socket.on('close', () => endpoint.transportClosed('the connection was lost'));
    socket.on('error', () => undefined);
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the callee holds to every rule b2spec has for servers by WebSocket', async () => {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    verifyClient: ({ req }, done) => done(refusal(req) === undefined, refusal(req)),
    handleProtocols: () => 'b2.1',
  });
  const address = await listen(server);
  const program = join(process.cwd(), '../apps/b2spec/b2spec');
  const spec = spawn('python3', [program, 'ws', address, '--quick', '--strict', '--verbose', '--patience', '20'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let report = '';
  spec.stdout.on('data', (data: Buffer) => (report += data.toString()));
  const [code] = (await once(spec, 'close')) as [number];
  for (const client of server.clients) client.terminate();
  server.close();
  assert.equal(code, 0, report);
  const reasons = new Set(report.split('\n').flatMap((line) => line.split(' # SKIP ').slice(1)));
  const optional = ['it does not announce the feature keys', 'it does not announce the feature zstd', 'it ends the server, which b2spec has not started: say -- COMMAND'];
  assert.deepEqual([...reasons].sort(), optional);
});
