import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Endpoint, type IncomingCall } from './endpoint';
import { Link, ourHello, retryDelay, type LinkState } from './link';
import { kEchoService, testHello } from './testing';

/** As much of a browser's WebSocket as Link uses, the server's end in the test's hands. */
class FakeSocket {
  readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  onopen: () => void = () => undefined;
  onclose: () => void = () => undefined;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  server: Endpoint | undefined;
  readonly calls: IncomingCall[] = []; // which the test answers
  private accepted = false;
  private readonly sent: Uint8Array[] = [];

  constructor(readonly subprotocols: string[]) {}

  /** The server takes the upgrade and speaks b2. */
  accept(): void {
    this.readyState = 1;
    this.onopen();
    for (const bytes of this.sent.splice(0)) this.serve(bytes);
    this.accepted = true;
  }

  send(bytes: Uint8Array): void {
    if (this.accepted) this.serve(bytes);
    else this.sent.push(bytes); // a browser, too, answers only after onopen has returned
  }

  private serve(bytes: Uint8Array): void {
    this.server ??= new Endpoint('acceptor', testHello(), { send: (back) => this.onmessage({ data: back.slice().buffer }), close: () => this.drop() }, { call: (call) => this.calls.push(call) });
    this.server.receive(bytes);
  }

  close(): void {
    this.drop();
  }

  /** The connection ends, whoever wanted it. */
  drop(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.server?.transportClosed('test');
    this.onclose();
  }
}

function setUp(context: TestContext, refused?: string) {
  const sockets: FakeSocket[] = [];
  const states: LinkState[] = [];
  let timer: { left: number; run: () => void } | undefined;
  const world = {
    openSocket: (subprotocols: string[]) => {
      const socket = new FakeSocket(subprotocols);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    whyRefused: () => Promise.resolve(refused),
    random: () => 0,
    after: (left: number, run: () => void) => {
      const own = (timer = { left, run });
      return () => {
        if (timer === own) timer = undefined;
      };
    },
  };
  const link = new Link(world, 'token');
  link.watch((state) => states.push(state));
  const tick = (ms: number) => {
    if (timer === undefined || (timer.left -= ms) > 0) return;
    const { run } = timer;
    timer = undefined;
    run();
  };
  context.after(() => link.stop());
  return { link, sockets, states, tick, kinds: () => states.map(({ kind }) => kind) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('the delay doubles from 0.25 s to 10 s, and chance only shortens it', () => {
  assert.deepEqual([1, 2, 3, 6, 7, 50].map((attempt) => retryDelay(attempt, 0)), [250, 500, 1000, 8000, 10_000, 10_000]);
  assert.equal(retryDelay(50, 1), 7500);
});

test('the token goes as a second subprotocol, and the state is told', async (context) => {
  const { link, sockets, kinds } = setUp(context);
  link.start();
  assert.deepEqual(sockets[0]?.subprotocols, ['b2.1', 'b2.bearer.token']);
  sockets[0]!.accept();
  assert.deepEqual(kinds(), ['stopped', 'connecting', 'open']);
  link.stop();
  await settle();
  assert.equal(kinds().at(-1), 'stopped');
});

test('a lost server is tried again with growing delays until it is back', async (context) => {
  const { link, sockets, states, tick, kinds } = setUp(context);
  link.start();
  sockets[0]!.accept();
  sockets[0]!.drop();
  assert.equal(kinds().at(-1), 'waiting');
  tick(249);
  assert.equal(sockets.length, 1);
  for (const delay of [1, 250, 500, 1000, 2000]) {
    tick(delay);
    const last = states.at(-1);
    assert.equal(last?.kind, 'connecting');
    sockets.at(-1)!.drop();
    await settle();
    assert.equal(states.at(-1)?.kind, 'waiting');
  }
  tick(4000);
  sockets.at(-1)!.accept();
  assert.equal(kinds().at(-1), 'open');
  sockets.at(-1)!.drop();
  tick(250);
  assert.equal(kinds().at(-1), 'connecting', 'after a good connection the delays start again');
});

test('a refusal is told and not tried again', async (context) => {
  const { link, sockets, states } = setUp(context, 'The token is wrong.');
  link.start();
  sockets[0]!.drop();
  await settle();
  assert.deepEqual(states.at(-1), { kind: 'refused', reason: 'The token is wrong.' });
  assert.equal(sockets.length, 1);
});

test('a person who will not wait is not made to', (context) => {
  const { link, sockets } = setUp(context);
  link.start();
  sockets[0]!.accept();
  sockets[0]!.drop();
  link.retryNow();
  assert.equal(sockets.length, 2);
});

test('text instead of bytes ends the connection', (context) => {
  const { link, sockets, states } = setUp(context);
  link.start();
  sockets[0]!.accept();
  sockets[0]!.onmessage({ data: 'hello' });
  const last = states.at(-1);
  assert.equal(last?.kind, 'waiting');
});

test('calls and streams of an open link end with it', async (context) => {
  const { link, sockets } = setUp(context);
  link.start();
  sockets[0]!.accept();
  const { state } = link;
  assert.equal(state.kind, 'open');
  if (state.kind !== 'open') return;
  const bytes = { name: 'bytes', fields: [], encode: (value: unknown) => value as Uint8Array, decode: (value: Uint8Array) => value };
  const unary = { service: kEchoService.name, name: 'Unary', kind: 'unary', idempotent: false, needs: '', request: bytes, response: bytes } as const;
  const pending = state.endpoint.call(unary, new Uint8Array(3));
  const stream = state.endpoint.stream({ ...unary, name: 'Stream', kind: 'server_stream' }, new Uint8Array(3));
  const next = stream.next();
  const unknown = state.endpoint.call({ ...unary, name: 'Other' }, new Uint8Array(0));
  await assert.rejects(unknown, /does not serve test\.Echo\/Other/);
  sockets[0]!.drop();
  await assert.rejects(pending, /connection ended|answers no calls/);
  await assert.rejects(next, /connection ended|answers no calls/);
});

test('a server that leaves is dialled again while it finishes what it took', async (context) => {
  const { link, sockets, kinds, tick } = setUp(context);
  link.start();
  sockets[0]!.accept();
  const { state } = link;
  assert.equal(state.kind, 'open');
  if (state.kind !== 'open') return;
  const bytes = { name: 'bytes', fields: [], encode: (value: unknown) => value as Uint8Array, decode: (value: Uint8Array) => value };
  const unary = { service: kEchoService.name, name: 'Unary', kind: 'unary', idempotent: false, needs: '', request: bytes, response: bytes } as const;
  const pending = state.endpoint.call(unary, new Uint8Array(3));
  sockets[0]!.server!.goAway('it restarts');
  assert.equal(kinds().at(-1), 'waiting');
  tick(250);
  sockets[1]!.accept();
  assert.equal(kinds().at(-1), 'open');
  assert.equal(sockets[0]!.readyState, 1, 'the call that it took is still open there');
  sockets[0]!.calls[0]!.finish(new Uint8Array(5));
  assert.equal((await pending).length, 5);
  assert.equal(sockets[0]!.readyState, 3, 'then it is closed');
  assert.equal(kinds().at(-1), 'open', 'which is nothing to the connection that calls go by');
});

test('a page announces itself without services', () => {
  const hello = ourHello('console');
  assert.deepEqual([hello.version, hello.services, hello.nodeId.length], [1, [], 0]);
});
