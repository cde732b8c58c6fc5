/** Streams of the caller through an Endpoint; the peer is the test itself. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { encodeHello, MethodKind } from '../gen/b2/v1/hello';
import { fromUtf8, toUtf8, u32, type Bytes } from './bytes';
import { Endpoint, requestsOf, type IncomingCall } from './endpoint';
import { Flag, FrameReader, FrameType, kMaxFrameBytes, kPreface, writeFrame, type Frame, type FrameParts } from './frame';
import type { Codec, Method } from './proto';
import { kOurLimits } from './limits';
import { Status } from './status';
import { Echo, kEchoService, openChannel, framesIn, testHello } from './testing';

const text: Codec<string> = { name: 'text', encode: (message: string) => toUtf8(message), decode: fromUtf8 } as unknown as Codec<string>;
const collect: Method<string, string> = { service: 'test.Flow', name: 'Collect', kind: 'client_stream', idempotent: false, needs: '', request: text, response: text };
const mirror: Method<string, string> = { ...collect, name: 'Mirror', kind: 'bidirectional' };
const method = (name: string, kind: MethodKind) => ({ name, kind, needs: '', idempotent: false });
const flow = { ...kEchoService, name: 'test.Flow', firstMethod: 0, methods: [method('Collect', MethodKind.client_stream), method('Mirror', MethodKind.bidirectional)] };

const open: Endpoint[] = []; // whose timers would keep the process
afterEach(() => open.splice(0).forEach((endpoint) => endpoint.transportClosed('the test is over')));

/** A dialer whose peer has said HELLO, and what it has said since. */
class Dialled {
  readonly endpoint: Endpoint;
  readonly said: Frame[] = [];
  private readonly reader = new FrameReader(kMaxFrameBytes);
  private preface = false;

  constructor() {
    this.endpoint = new Endpoint('dialer', testHello({ services: [] }), { send: (bytes) => this.hear(bytes), close: () => undefined });
    open.push(this.endpoint);
    this.endpoint.receive(kPreface);
    this.say(FrameType.hello, { payload: encodeHello({ version: 1, services: [flow] }) });
    this.said.length = 0;
  }

  say(type: number, parts: FrameParts): void {
    this.endpoint.receive(writeFrame(type, parts));
  }

  /** Type, flags and text of what was said since the last time. */
  take(): [number, number, string][] {
    return this.said.splice(0).map(({ type, flags, payload }) => [type, flags, fromUtf8(payload)]);
  }

  private hear(bytes: Bytes): void {
    this.reader.push(this.preface ? bytes : bytes.subarray(kPreface.length));
    this.preface = true;
    for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) this.said.push(frame);
  }
}

describe('streams of the caller', () => {
  test('messages follow CALL, END stands alone, the answer comes as a promise', async () => {
    const dialled = new Dialled();
    const upload = dialled.endpoint.upload(collect);
    await upload.write('one');
    await upload.write('');
    upload.finish();
    upload.finish();
    await upload.write('never sent');
    assert.deepEqual(dialled.take(), [
      [FrameType.call, 0, ''],
      [FrameType.data, 0, 'one'],
      [FrameType.data, 0, ''],
      [FrameType.data, Flag.end, ''],
    ]);
    dialled.say(FrameType.resp, { stream: 1, payload: toUtf8('two messages') });
    assert.equal(await upload.answer, 'two messages');
  });

  test('a write waits for the peer to take what was written', async () => {
    const dialled = new Dialled();
    const upload = dialled.endpoint.upload(collect);
    let written = false;
    const writing = upload.write('x'.repeat(100_000)).then(() => (written = true));
    await Promise.resolve();
    assert.equal(written, false);
    dialled.say(FrameType.credit, { stream: 1, payload: u32(100_000), credit: 100_000 });
    await writing;
    assert.equal(dialled.take().reduce((sum, [, , payload]) => sum + payload.length, 0), 100_000);
  });

  test('an early answer ends what is being written', async () => {
    const dialled = new Dialled();
    const upload = dialled.endpoint.upload(collect);
    const writing = upload.write('x'.repeat(100_000));
    dialled.say(FrameType.resp, { stream: 1, code: Status.exhausted, payload: toUtf8('enough') });
    await writing;
    await assert.rejects(upload.answer, /enough/);
  });

  test('a conversation goes both ways; leaving it cancels it', async () => {
    const dialled = new Dialled();
    const talk = dialled.endpoint.converse(mirror);
    await talk.write('ping');
    dialled.say(FrameType.data, { stream: 1, payload: toUtf8('pong') });
    for await (const message of talk.messages) {
      assert.equal(message, 'pong');
      break;
    }
    assert.deepEqual(dialled.take().map(([type]) => type), [FrameType.call, FrameType.data, FrameType.cancel]);
  });

  test('a method that the peer does not serve is told at once', async () => {
    const dialled = new Dialled();
    const upload = dialled.endpoint.upload({ ...collect, name: 'Nothing' });
    await upload.write('one');
    await assert.rejects(upload.answer, /does not serve/);
  });

  test('a request without its end is refused, at once or with its last part', () => {
    const side = openChannel('acceptor', {}, encodeHello({ version: 1 }));
    side.channel.receive(writeFrame(FrameType.call, { stream: 1, code: Echo.unary, payload: toUtf8('x') }), 1000);
    side.channel.receive(writeFrame(FrameType.call, { stream: 3, code: Echo.unary, flags: Flag.more, payload: toUtf8('x') }), 1000);
    side.channel.receive(writeFrame(FrameType.data, { stream: 3, payload: toUtf8('y') }), 1000);
    side.collect();
    assert.equal(side.all('call').length, 0);
    assert.deepEqual(
      framesIn(side.channel.take()).filter(({ type }) => type === FrameType.resp).map(({ code }) => code),
      [Status.unsupported, Status.unsupported],
    );
  });
});

/** An acceptor whose peer, the test, has said HELLO; its handler is `serve`. */
class Serving {
  readonly said: Frame[] = [];
  private readonly endpoint: Endpoint;
  private readonly reader = new FrameReader(kMaxFrameBytes);
  private preface = false;

  constructor(serve: (call: IncomingCall) => void | Promise<void>) {
    const transport = { send: (bytes: Bytes) => this.hear(bytes), close: () => undefined };
    this.endpoint = new Endpoint('acceptor', testHello({ services: [flow] }), transport, { call: serve });
    open.push(this.endpoint);
    this.endpoint.receive(kPreface);
    this.say(FrameType.hello, { payload: encodeHello({ version: 1 }) });
    this.said.length = 0;
  }

  say(type: number, parts: FrameParts): void {
    this.endpoint.receive(writeFrame(type, parts));
  }

  /** Status, flags and text of what was said on streams since the last time, when nothing more comes by itself. */
  async take(): Promise<[number, number, string][]> {
    for (let i = 0; i < 20; ++i) await Promise.resolve();
    const answers = this.said.splice(0).filter(({ type }) => type === FrameType.data || type === FrameType.resp);
    return answers.map(({ code, flags, payload }) => [code, flags, fromUtf8(payload)]);
  }

  private hear(bytes: Bytes): void {
    this.reader.push(this.preface ? bytes : bytes.subarray(kPreface.length));
    this.preface = true;
    for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) this.said.push(frame);
  }
}

const join = async (call: IncomingCall): Promise<void> => {
  const words: string[] = [];
  for await (const word of requestsOf(collect, call)) words.push(word);
  call.finish(toUtf8(words.join(' ')));
};

describe('streams of a caller to this side', () => {
  test('messages come whole and in order, then the end, then the answer goes', async () => {
    const serving = new Serving(join);
    serving.say(FrameType.call, { stream: 1, code: 0 });
    serving.say(FrameType.data, { stream: 1, flags: Flag.more, payload: toUtf8('o') });
    serving.say(FrameType.data, { stream: 1, payload: toUtf8('ne') });
    serving.say(FrameType.data, { stream: 1 });
    assert.deepEqual(await serving.take(), []);
    serving.say(FrameType.data, { stream: 1, flags: Flag.end, payload: toUtf8('last') });
    assert.deepEqual(await serving.take(), [[0, 0, 'one  last']]);
  });

  test('a call may end as it begins', async () => {
    const serving = new Serving(join);
    serving.say(FrameType.call, { stream: 1, code: 0, flags: Flag.end });
    assert.deepEqual(await serving.take(), [[0, 0, '']]);
  });

  test('both sides go on together, and the answer to the end is none', async () => {
    const serving = new Serving(async (call) => {
      for await (const word of requestsOf(mirror, call)) await call.write(toUtf8(word));
      call.finish();
    });
    serving.say(FrameType.call, { stream: 1, code: 1 });
    serving.say(FrameType.data, { stream: 1, payload: toUtf8('there') });
    assert.deepEqual(await serving.take(), [[0, 0, 'there']]);
    serving.say(FrameType.data, { stream: 1, flags: Flag.end });
    assert.deepEqual(await serving.take(), [[0, Flag.end, '']]);
  });

  test('a message in CALL is refused, and the connection goes on', async () => {
    const serving = new Serving(join);
    serving.say(FrameType.call, { stream: 1, code: 0, flags: Flag.end, payload: toUtf8('x') });
    serving.say(FrameType.call, { stream: 3, code: 0, flags: Flag.more });
    serving.say(FrameType.call, { stream: 5, code: 0, flags: Flag.end });
    const answers = await serving.take();
    assert.deepEqual(answers.map(([status]) => status), [Status.malformed, Status.malformed, Status.ok]);
  });

  test('an answer before the end: what comes after it is skipped', async () => {
    const serving = new Serving(async (call) => {
      for await (const word of requestsOf(collect, call)) return call.finish(toUtf8(word));
    });
    serving.say(FrameType.call, { stream: 1, code: 0 });
    serving.say(FrameType.data, { stream: 1, payload: toUtf8('enough') });
    assert.deepEqual(await serving.take(), [[0, 0, 'enough']]);
    serving.say(FrameType.data, { stream: 1, payload: toUtf8('more') });
    serving.say(FrameType.data, { stream: 1, flags: Flag.end });
    serving.say(FrameType.call, { stream: 3, code: 0, flags: Flag.end });
    assert.equal((await serving.take()).length, 0, 'a handler that reads nothing has nothing to say');
  });

  test('who reads slowly is sent no more than the window', async () => {
    let release: () => void = () => undefined;
    const serving = new Serving(async (call) => {
      await new Promise<void>((resolve) => (release = resolve));
      await join(call);
    });
    const half = new Uint8Array(kOurLimits.streamWindow / 2).fill(0x78);
    serving.say(FrameType.call, { stream: 1, code: 0 });
    for (let i = 0; i < 8; ++i) serving.say(FrameType.data, { stream: 1, payload: half.subarray(0, half.length / 4) });
    const credit = () => serving.said.filter(({ type, stream }) => type === FrameType.credit && stream === 1);
    assert.equal(credit().length, 0, 'nothing was used');
    release();
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.ok(credit().length > 0, 'what is used is given back');
  });

  test('a caller that gives up ends the reading, and is not answered', async () => {
    let why: unknown;
    const serving = new Serving(async (call) => join(call).catch((error: unknown) => ((why = error), call.fail(Status.cancelled, 'given up'))));
    serving.say(FrameType.call, { stream: 1, code: 0 });
    serving.say(FrameType.cancel, { stream: 1, code: Status.cancelled });
    assert.deepEqual(await serving.take(), []);
    assert.equal((why as { status: Status }).status, Status.cancelled);
  });

  test('DATA after END ends the connection', async () => {
    const side = openChannel('acceptor', { services: [flow] }, encodeHello({ version: 1 }));
    for (const frame of [
      { type: FrameType.call, parts: { stream: 1, code: 0, flags: Flag.end } },
      { type: FrameType.data, parts: { stream: 1, flags: Flag.end } },
    ])
      side.channel.receive(writeFrame(frame.type, frame.parts), 1000);
    side.collect();
    assert.equal(side.one('closed').status, Status.malformed);
  });
});
