/** Streams of the caller through an Endpoint; the peer is the test itself. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeHello, MethodKind } from '../gen/b2/v1/hello';
import { fromUtf8, kNoBytes, toUtf8, u32, type Bytes } from './bytes';
import { Endpoint } from './endpoint';
import { Flag, FrameReader, FrameType, kMaxFrameBytes, kPreface, writeFrame, type Frame, type FrameParts } from './frame';
import type { Codec, Method } from './proto';
import { Status } from './status';
import { Echo, kEchoService, openChannel, framesIn, testHello } from './testing';

const text: Codec<string> = { name: 'text', encode: (message: string) => toUtf8(message), decode: fromUtf8 } as unknown as Codec<string>;
const collect: Method<string, string> = { service: 'test.Flow', name: 'Collect', kind: 'client_stream', idempotent: false, needs: '', request: text, response: text };
const mirror: Method<string, string> = { ...collect, name: 'Mirror', kind: 'bidirectional' };
const method = (name: string, kind: MethodKind) => ({ name, kind, needs: '', idempotent: false });
const flow = { ...kEchoService, name: 'test.Flow', firstMethod: 0, methods: [method('Collect', MethodKind.client_stream), method('Mirror', MethodKind.bidirectional)] };

/** A dialer whose peer has said HELLO, and what it has said since. */
class Dialled {
  readonly endpoint: Endpoint;
  readonly said: Frame[] = [];
  private readonly reader = new FrameReader(kMaxFrameBytes);
  private preface = false;

  constructor() {
    this.endpoint = new Endpoint('dialer', testHello({ services: [] }), { send: (bytes) => this.hear(bytes), close: () => undefined });
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

  test('calls that stream to this side are refused, and so is a request without its end', () => {
    const side = openChannel('acceptor', { services: [{ ...flow, firstMethod: 0 }, kEchoService] }, encodeHello({ version: 1 }));
    side.channel.receive(writeFrame(FrameType.call, { stream: 1, code: 0, payload: kNoBytes }), 1000);
    side.channel.receive(writeFrame(FrameType.call, { stream: 3, code: Echo.unary, payload: toUtf8('x') }), 1000);
    side.collect();
    assert.equal(side.all('call').length, 0);
    assert.deepEqual(
      framesIn(side.channel.take()).filter(({ type }) => type === FrameType.resp).map(({ code }) => code),
      [Status.unsupported, Status.unsupported],
    );
  });
});
