import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeHello } from '../gen/b2/v1/hello';
import { fromHex, fromUtf8, toUtf8, u32, type Bytes } from './bytes';
import { Channel } from './channel';
import { writeExtensions } from './extensions';
import { Flag, FrameType, kPreface, writeFrame, type FrameParts } from './frame';
import { kOurLimits } from './limits';
import { Status } from './status';
import { Echo, echo, framesIn, kEchoService, openChannel, Pair, testHello, type Side } from './testing';

const peerHello = (more: Parameters<typeof testHello>[0] = {}): Bytes => encodeHello(testHello(more));
const send = (side: Side, type: number, parts: FrameParts = {}): void => {
  side.channel.receive(writeFrame(type, parts), 1000);
  side.collect();
};
const call = (side: Side, stream: number, more: FrameParts = {}): void => send(side, FrameType.call, { stream, flags: Flag.end, code: Echo.unary, ...more });

function assertClosed(side: Side, status: Status, words: RegExp): void {
  const { status: was, message } = side.one('closed');
  assert.equal(was, status, message);
  assert.match(message, words);
  const goaway = framesIn(side.channel.take()).find(({ type }) => type === FrameType.goaway);
  assert.equal(goaway?.code, status);
  assert.match(fromUtf8(goaway.payload.subarray(4)), words);
}

describe('HELLO', () => {
  test('the dialer speaks first, the acceptor answers, and both know the methods', () => {
    for (const piece of [1, 3, Infinity]) {
      const pair = new Pair(piece);
      assert.equal(pair.dialer.one('open').hello.name, 'test');
      assert.equal(pair.acceptor.one('open').hello.name, 'test');
      assert.equal(pair.dialer.channel.methods.index('test.Echo', 'Stream'), Echo.stream);
      assert.equal(pair.dialer.channel.methods.index('test.Echo', 'Other'), undefined);
    }
  });

  test('an acceptor says nothing before it has read HELLO', () => {
    const acceptor = new Channel('acceptor', testHello(), 0);
    acceptor.receive(kPreface, 0);
    assert.equal(acceptor.take().length, 0);
  });

  test('who does not speak b2 is told so in a line', () => {
    const acceptor = new Channel('acceptor', testHello(), 0);
    acceptor.receive(toUtf8('SSH-2.0-OpenSSH'), 0);
    assert.match(fromUtf8(acceptor.take()), /^b2: .*SSH-2\.0-OpenSSH.*\n$/);
  });

  test('another version is refused', () => assertClosed(openChannel('dialer', {}, peerHello({ version: 9 })), Status.unsupported, /version 9/));
  test('limits too small to work with are refused', () =>
    assertClosed(openChannel('dialer', {}, peerHello({ limits: { ...kOurLimits, frameBytes: 100 } })), Status.malformed, /100 bytes/));
  test('a HELLO that is no protobuf is refused', () => assertClosed(openChannel('dialer', {}, fromHex('0fff')), Status.malformed, /malformed HELLO/));
  test('limits left out are the defaults', () => {
    const side = openChannel('dialer', {}, peerHello({ limits: undefined }));
    side.channel.call(Echo.unary, new Uint8Array(70_000), {}, 1000);
    const sent = framesIn(side.channel.take());
    assert.equal(sent.reduce((sum, { payload }) => sum + payload.length, 0), 65_536);
  });

  test('a second HELLO ends the connection', () => {
    const side = openChannel('dialer', {}, peerHello());
    send(side, FrameType.hello, { payload: peerHello() });
    assertClosed(side, Status.malformed, /second HELLO/);
  });

  test('another frame before HELLO ends the connection', () => {
    const channel = new Channel('dialer', testHello(), 0);
    channel.receive(kPreface, 0);
    channel.receive(writeFrame(FrameType.ping, { payload: new Uint8Array(8) }), 0);
    assert.equal(channel.takeEvents()[0]?.kind, 'closed');
  });

  test('a GOAWAY instead of HELLO tells why', () => {
    const channel = new Channel('dialer', testHello(), 0);
    channel.receive(kPreface, 0);
    channel.receive(writeFrame(FrameType.goaway, { code: Status.exhausted, payload: Uint8Array.from([...u32(0), ...toUtf8('full')]) }), 0);
    const closed = channel.takeEvents().find(({ kind }) => kind === 'closed');
    assert.deepEqual(closed, { kind: 'closed', status: Status.exhausted, message: 'full' });
  });

  test('a peer that never says HELLO is given up after 10 s', () => {
    const channel = new Channel('dialer', testHello(), 0);
    assert.equal(channel.nextWakeup(), 10_000);
    channel.onTime(10_000);
    assert.match(JSON.stringify(channel.takeEvents()), /no HELLO/);
  });

  test('HELLO_UPDATE adds services, takes them away and never gives an index away again', () => {
    const side = openChannel('dialer', {}, peerHello());
    const other = { ...kEchoService, name: 'test.Other', firstMethod: 20 };
    send(side, FrameType.helloUpdate, { payload: encodeHello({ services: [other, { ...kEchoService, methodCount: 0 }] }) });
    assert.equal(side.channel.methods.index('test.Other', 'Unary'), 20);
    assert.equal(side.channel.methods.index('test.Echo', 'Unary'), undefined);
    send(side, FrameType.helloUpdate, { payload: encodeHello({ services: [{ ...kEchoService, name: 'test.Third' }] }) });
    assertClosed(side, Status.malformed, /cannot become/);
  });
});

describe('calls', () => {
  test('a unary call has its answer, in either direction', () => {
    for (const piece of [1, Infinity]) {
      const pair = new Pair(piece);
      echo(pair.acceptor, () => pair.now);
      echo(pair.dialer, () => pair.now);
      pair.dialer.channel.call(Echo.unary, toUtf8('there'), {}, pair.now);
      pair.acceptor.channel.call(Echo.unary, toUtf8('back'), {}, pair.now);
      pair.run();
      assert.equal(fromUtf8(pair.dialer.one('answer').payload), 'there');
      assert.equal(fromUtf8(pair.acceptor.one('answer').payload), 'back');
      assert.deepEqual([pair.dialer.one('answer').stream, pair.acceptor.one('answer').stream], [1, 2]);
    }
  });

  test('a stream has its messages in order, then an end without one', () => {
    const pair = new Pair();
    echo(pair.acceptor, () => pair.now);
    pair.dialer.channel.call(Echo.stream, toUtf8('a b c'), {}, pair.now);
    pair.run();
    assert.deepEqual(pair.dialer.all('message').map(({ message }) => fromUtf8(message)), ['a', 'b', 'c']);
    assert.equal(pair.dialer.one('answer').empty, true);
    assert.equal(pair.dialer.one('answer').status, Status.ok);
  });

  test('metadata and the idempotency key arrive with the call', () => {
    const pair = new Pair();
    const key = new Uint8Array(16).fill(3);
    pair.dialer.channel.call(Echo.unary, toUtf8('x'), { metadata: [['trace', fromHex('0102')]], idempotencyKey: key, timeoutMs: 500 }, pair.now);
    pair.run();
    const arrived = pair.acceptor.one('call');
    assert.deepEqual(arrived.metadata, [['trace', fromHex('0102')]]);
    assert.deepEqual(arrived.idempotencyKey, key);
    assert.equal(arrived.deadline, pair.now + 500);
    assert.equal(fromUtf8(arrived.request), 'x');
  });

  test('a failure comes with its status and sentence', () => {
    const pair = new Pair();
    pair.acceptor.onEvent = (event) => event.kind === 'call' && pair.acceptor.channel.respond(event.stream, Status.notFound, toUtf8('no such disc'), pair.now);
    pair.dialer.channel.call(Echo.unary, toUtf8('x'), {}, pair.now);
    pair.run();
    const { status, payload } = pair.dialer.one('answer');
    assert.deepEqual([status, fromUtf8(payload)], [Status.notFound, 'no such disc']);
  });

  test('a failure discards the parts of an answer that came before it', () => {
    const side = openChannel('dialer', {}, peerHello());
    const id = side.channel.call(Echo.unary, toUtf8('x'), {}, 1000);
    send(side, FrameType.data, { stream: id, flags: Flag.more, payload: toUtf8('half of') });
    send(side, FrameType.resp, { stream: id, code: Status.io, payload: toUtf8('the disc was taken out') });
    assert.equal(fromUtf8(side.one('answer').payload), 'the disc was taken out');
  });

  for (const [what, parts, status] of [
    ['an index that was not announced', { code: 99 }, Status.unsupported],
    ['a compressed payload', { flags: Flag.end | Flag.compressed }, Status.unsupported],
    ['an extension that must be understood', { extensions: fromHex('8100 0000') }, Status.unsupported],
    ['another epoch', { extensions: writeExtensions({ epoch: 77n }) }, Status.unknown],
    ['a deadline that has passed', { extensions: writeExtensions({ timeoutMs: 0 }) }, Status.timedOut],
    ['malformed metadata', { flags: Flag.end | Flag.meta, payload: fromHex('ff') }, Status.malformed],
  ] as const)
    test(`a call is refused and the connection goes on: ${what}`, () => {
      const side = openChannel('acceptor', {}, peerHello());
      call(side, 1, parts);
      const [answer] = framesIn(side.channel.take());
      assert.deepEqual([answer?.type, answer?.stream, answer?.code], [FrameType.resp, 1, status]);
      call(side, 3);
      assert.equal(side.one('call').stream, 3);
    });

  test('the slot of a cancelled call is free only when its handler has returned', () => {
    const side = openChannel('acceptor', { limits: { ...kOurLimits, streams: 1 } }, peerHello());
    call(side, 1);
    send(side, FrameType.cancel, { stream: 1, code: Status.cancelled });
    assert.equal(side.one('cancelled').status, Status.cancelled);
    call(side, 3);
    assert.equal(framesIn(side.channel.take())[0]?.code, Status.exhausted);
    side.channel.respond(1, Status.ok, toUtf8('too late'), 1000);
    assert.equal(side.channel.take().length, 0, 'a cancelled call is not answered');
    call(side, 5);
    assert.deepEqual(side.all('call').map(({ stream }) => stream), [1, 5]);
  });

  test('no more calls are opened than the peer takes; the others wait', () => {
    const pair = new Pair(Infinity, {}, { limits: { ...kOurLimits, streams: 2 } });
    for (let i = 0; i < 5; ++i) pair.dialer.channel.call(Echo.unary, toUtf8(String(i)), {}, pair.now);
    pair.run();
    assert.equal(pair.acceptor.all('call').length, 2);
    echo(pair.acceptor, () => pair.now);
    for (const { stream } of pair.acceptor.all('call')) pair.acceptor.channel.respond(stream, Status.ok, toUtf8('first'), pair.now);
    pair.run();
    assert.equal(pair.dialer.all('answer').length, 5);
    assert.ok(pair.dialer.all('answer').every(({ status }) => status === Status.ok));
  });
});

test('a request too long for the callee leaves no slot taken', () => {
  const limits = { ...kOurLimits, messageBytes: 100_000, streams: 1 };
  const pair = new Pair(Infinity, {}, { limits });
  echo(pair.acceptor, () => pair.now);
  for (const bytes of [100_001, 300_000, 5]) {
    pair.dialer.channel.call(Echo.unary, new Uint8Array(bytes), {}, pair.now);
    pair.run();
  }
  assert.deepEqual(pair.dialer.all('answer').map(({ status }) => status), [Status.exhausted, Status.exhausted, Status.ok]);
});

describe('deadlines and cancelling', () => {
  test('the caller ends a late call itself and tells the callee, who hears of it once', () => {
    const pair = new Pair();
    pair.dialer.channel.call(Echo.unary, toUtf8('x'), { timeoutMs: 200 }, pair.now);
    pair.run();
    pair.advance(199);
    assert.equal(pair.dialer.all('answer').length, 0);
    pair.advance(1);
    assert.equal(pair.dialer.one('answer').status, Status.timedOut);
    assert.equal(pair.acceptor.one('cancelled').status, Status.timedOut);
  });

  test('the callee is told no more than the caller was given, whatever the clock says', () => {
    const pair = new Pair();
    pair.now = 2042.4904668747338; // and 200 more, less itself, is more than 200
    pair.dialer.channel.call(Echo.unary, toUtf8('x'), { timeoutMs: 200 }, pair.now);
    pair.run();
    assert.ok(pair.acceptor.one('call').deadline < pair.now + 201);
  });

  test('the callee answers by itself when the deadline passes', () => {
    const side = openChannel('acceptor', {}, peerHello());
    call(side, 1, { extensions: writeExtensions({ timeoutMs: 200 }) });
    assert.equal(side.channel.nextWakeup(), 1200);
    side.channel.onTime(1200);
    side.collect();
    assert.equal(framesIn(side.channel.take())[0]?.code, Status.timedOut);
    assert.equal(side.one('cancelled').status, Status.timedOut);
  });

  test('a timeout of 0 never leaves', () => {
    const pair = new Pair();
    pair.dialer.channel.call(Echo.unary, toUtf8('x'), { timeoutMs: 0 }, pair.now);
    pair.run();
    assert.equal(pair.dialer.one('answer').status, Status.timedOut);
    assert.equal(pair.acceptor.all('call').length, 0);
  });

  test('cancel reaches the handler, and what still comes is skipped and credited', () => {
    const pair = new Pair();
    const id = pair.dialer.channel.call(Echo.stream, toUtf8('x'), {}, pair.now);
    pair.run();
    pair.acceptor.channel.send(id, new Uint8Array(600_000), pair.now);
    pair.dialer.channel.cancel(id, pair.now);
    pair.run();
    assert.equal(pair.acceptor.one('cancelled').status, Status.cancelled);
    assert.equal(pair.dialer.all('answer').length, 0);
    pair.acceptor.channel.respond(id, Status.ok, undefined, pair.now);
    echo(pair.acceptor, () => pair.now);
    for (let i = 0; i < 20; ++i) {
      pair.dialer.channel.call(Echo.unary, new Uint8Array(200_000), {}, pair.now);
      pair.run();
    }
    assert.equal(pair.dialer.all('answer').length, 20);
  });
});

describe('flow control', () => {
  const small = { limits: { ...kOurLimits, connectionWindow: 65_536, streamWindow: 16_384, frameBytes: 4096 } };

  test('a message longer than every window arrives, both ways', () => {
    const pair = new Pair(1000, small, small);
    echo(pair.acceptor, () => pair.now);
    const request = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
    pair.dialer.channel.call(Echo.unary, request, {}, pair.now);
    pair.run();
    assert.deepEqual(pair.dialer.one('answer').payload, request);
    assert.ok(pair.fromDialer.every(({ payload }) => payload.length <= 4096));
  });

  test('a stream nobody reads stops at its window, and goes on when it is read', () => {
    const pair = new Pair(Infinity, small, small);
    const id = pair.dialer.channel.call(Echo.stream, toUtf8('x'), {}, pair.now);
    pair.run();
    for (let i = 0; i < 40; ++i) pair.acceptor.channel.send(id, new Uint8Array(1024), pair.now);
    pair.run();
    assert.equal(pair.dialer.all('message').length, 16);
    assert.equal(pair.acceptor.channel.waiting(id), 24 * 1024);
    echo(pair.acceptor, () => pair.now);
    pair.dialer.channel.call(Echo.unary, toUtf8('others go on'), {}, pair.now);
    pair.run();
    assert.equal(pair.dialer.all('answer').length, 1);
    let read = 0;
    while (read < pair.dialer.all('message').length) {
      pair.dialer.channel.consumed(id, 1024, pair.now);
      ++read;
      pair.run();
    }
    assert.equal(read, 40);
  });

  test('streams with much to send take turns, at most 16 KiB each', () => {
    const side = openChannel('dialer', {}, peerHello());
    side.channel.call(Echo.unary, new Uint8Array(600_000), {}, 1000);
    side.channel.call(Echo.unary, new Uint8Array(600_000), {}, 1000);
    side.channel.take();
    send(side, FrameType.credit, { stream: 1, payload: u32(64_000), credit: 1_000_000 });
    send(side, FrameType.credit, { stream: 3, payload: u32(64_000) });
    const frames = framesIn(side.channel.take());
    assert.deepEqual([...new Set(frames.map(({ stream }) => stream))].sort(), [1, 3]);
    assert.ok(frames.filter(({ stream }) => stream === 3).every(({ payload }) => payload.length <= 16_384));
  });

  test('who sends more than the stream allows is cut off', () => {
    const side = openChannel('dialer', small, peerHello());
    const id = side.channel.call(Echo.stream, toUtf8('x'), {}, 1000);
    side.channel.take();
    for (let i = 0; i < 5; ++i) send(side, FrameType.data, { stream: id, payload: new Uint8Array(4096) });
    assertClosed(side, Status.exhausted, /window of the stream/);
  });

  test('who sends more than the connection allows is cut off', () => {
    const side = openChannel('acceptor', { limits: { ...kOurLimits, connectionWindow: 4096, streamWindow: 65_536 } }, peerHello());
    call(side, 1, { payload: new Uint8Array(5000) });
    assertClosed(side, Status.exhausted, /window of the connection/);
  });

  test('credit beyond 2^31 - 1 ends the connection', () => {
    const side = openChannel('dialer', {}, peerHello());
    send(side, FrameType.credit, { credit: 0x7fffffff });
    assertClosed(side, Status.malformed, /credit/);
  });

  test('a message beyond the limit ends its stream, not the connection', () => {
    const limits = { ...kOurLimits, messageBytes: 100_000 };
    const pair = new Pair(Infinity, { limits }, { limits });
    echo(pair.acceptor, () => pair.now);
    pair.dialer.channel.call(Echo.unary, new Uint8Array(300_000), {}, pair.now);
    pair.dialer.channel.call(Echo.unary, toUtf8('short'), {}, pair.now);
    pair.run();
    const statuses = new Map(pair.dialer.all('answer').map(({ stream, status }) => [stream, status]));
    assert.deepEqual([statuses.get(1), statuses.get(3)], [Status.exhausted, Status.ok]);
  });
});

describe('frames out of order', () => {
  for (const [what, type, parts, words] of [
    ['DATA on 0', FrameType.data, { stream: 0 }, /never opened/],
    ['DATA on a stream that never was', FrameType.data, { stream: 7 }, /never opened/],
    ['CREDIT on a stream that never was', FrameType.credit, { stream: 8, payload: u32(1) }, /never opened/],
    ['CALL of the wrong parity', FrameType.call, { stream: 1, code: Echo.unary }, /not the peer's/],
    ['CANCEL of a call of ours', FrameType.cancel, { stream: 1 }, /not its own/],
    ['an unknown frame with bit 7', 0x90, { stream: 0 }, /understood/],
    ['GOAWAY on a stream', FrameType.goaway, { stream: 2, payload: u32(0) }, /instead of 0/],
  ] as const)
    test(`ends the connection: ${what}`, () => {
      const side = openChannel('dialer', {}, peerHello());
      side.channel.call(Echo.unary, toUtf8('x'), {}, 1000);
      side.channel.take();
      send(side, type, parts);
      assert.match(side.one('closed').message, words);
    });

  test('a CALL with a smaller number ends the connection', () => {
    const side = openChannel('acceptor', {}, peerHello());
    call(side, 5);
    call(side, 3);
    assertClosed(side, Status.malformed, /opened after/);
  });

  test('an unknown frame without bit 7 is skipped, and its credit counts', () => {
    const side = openChannel('dialer', {}, peerHello({ limits: { ...kOurLimits, connectionWindow: 4096 } }));
    side.channel.call(Echo.unary, new Uint8Array(8192), {}, 1000);
    side.channel.take();
    send(side, 0x40, { stream: 99, credit: 4096, payload: toUtf8('what is this') });
    assert.equal(framesIn(side.channel.take())[0]?.payload.length, 4096);
  });

  test('random bytes after HELLO never throw and never go on for ever', () => {
    let seed = 1;
    const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
    for (let round = 0; round < 300; ++round) {
      const side = openChannel(round % 2 === 0 ? 'dialer' : 'acceptor', {}, peerHello());
      for (let i = 0; i < 20; ++i) {
        const bytes = Uint8Array.from({ length: random() + 1 }, random);
        if (i % 3 === 0) bytes.set([random() % 24, 0, 0, random() % 12, random() % 8, 0, 0, 0, random() & 15, 0].slice(0, bytes.length));
        side.channel.receive(bytes, 1000 + i);
        side.channel.onTime(1000 + i);
        side.channel.take();
        side.collect();
      }
      assert.ok(side.all('closed').length <= 1);
    }
  });
});

describe('PING and GOAWAY', () => {
  test('PING is answered with the same bytes', () => {
    const side = openChannel('dialer', {}, peerHello());
    send(side, FrameType.ping, { payload: fromHex('0102030405060708') });
    const [pong] = framesIn(side.channel.take());
    assert.deepEqual([pong?.type, pong?.payload], [FrameType.pong, fromHex('0102030405060708')]);
  });

  test('silence is asked about after 15 s and given up 10 s later', () => {
    const side = openChannel('dialer', {}, peerHello());
    side.channel.onTime(15_999);
    assert.equal(side.channel.take().length, 0);
    side.channel.onTime(16_000);
    assert.equal(framesIn(side.channel.take())[0]?.type, FrameType.ping);
    side.channel.onTime(26_000);
    side.collect();
    assert.match(side.one('closed').message, /nothing was heard/);
  });

  test('two quiet sides keep the connection up by themselves', () => {
    const pair = new Pair();
    pair.advance(600_000);
    assert.equal(pair.dialer.all('closed').length + pair.acceptor.all('closed').length, 0);
  });

  test('GOAWAY lets earlier calls end and gives later ones back to be tried again', () => {
    const side = openChannel('dialer', {}, peerHello());
    const first = side.channel.call(Echo.unary, toUtf8('a'), {}, 1000);
    const second = side.channel.call(Echo.unary, toUtf8('b'), {}, 1000);
    send(side, FrameType.goaway, { payload: Uint8Array.from([...u32(first), ...toUtf8('restarting')]) });
    const back = side.one('answer');
    assert.deepEqual([back.stream, back.status, back.safeToRetry], [second, Status.busy, true]);
    assert.equal(side.channel.isOpen, false);
    send(side, FrameType.resp, { stream: first, payload: toUtf8('done') });
    assert.equal(fromUtf8(side.all('answer')[1]!.payload), 'done');
    side.channel.call(Echo.unary, toUtf8('c'), {}, 1000);
    side.collect();
    assert.equal(side.all('answer')[2]?.safeToRetry, true);
  });

  test('a channel that goes away closes when its last call has ended', () => {
    const pair = new Pair();
    const id = pair.dialer.channel.call(Echo.unary, toUtf8('x'), {}, pair.now);
    pair.run();
    pair.acceptor.channel.goAway('upgrade', pair.now);
    pair.run();
    assert.equal(pair.acceptor.all('closed').length, 0);
    pair.acceptor.channel.respond(id, Status.ok, toUtf8('y'), pair.now);
    pair.run();
    assert.equal(pair.acceptor.one('closed').status, Status.ok);
    assert.equal(fromUtf8(pair.dialer.one('answer').payload), 'y');
  });

  test('what a lost connection leaves open cannot be told to have been done', () => {
    const side = openChannel('dialer', {}, peerHello());
    side.channel.call(Echo.unary, toUtf8('x'), {}, 1000);
    side.channel.transportClosed('cable');
    side.collect();
    const { status, safeToRetry, payload } = side.one('answer');
    assert.deepEqual([status, safeToRetry], [Status.unknown, false]);
    assert.match(fromUtf8(payload), /cable/);
  });

  test('frames that only cost end the connection after a thousand', () => {
    const side = openChannel('acceptor', {}, peerHello());
    for (let i = 0; i < 1001; ++i) {
      call(side, 2 * i + 1);
      send(side, FrameType.cancel, { stream: 2 * i + 1, code: Status.cancelled });
      side.channel.respond(2 * i + 1, Status.ok, undefined, 1000);
    }
    assertClosed(side, Status.exhausted, /only cost/);
  });
});
