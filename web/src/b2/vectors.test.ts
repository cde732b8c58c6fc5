/** docs/spec/vectors: the frames read and written, the exchanges replayed with this side as dialer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeHello, decodeHello } from '../gen/b2/v1/hello';
import { concat, fromHex, kNoBytes, toHex, toUtf8, type Bytes } from './bytes';
import { Channel } from './channel';
import { readExtensions, writeExtensions, type Extensions } from './extensions';
import { FrameReader, FrameType, kHeaderBytes, kMaxFrameBytes, kPreface, writeFrame, type Frame } from './frame';
import { readMetadata, writeMetadata, type Metadata } from './metadata';
import { framesIn, openChannel, Side } from './testing';
import exchanges from '../../../docs/spec/vectors/exchanges.json';
import frames from '../../../docs/spec/vectors/frames.json';

interface FrameVector {
  readonly name: string;
  readonly hex: string;
  readonly header: { readonly length: number; readonly type: number; readonly stream: number; readonly flags: number; readonly ext: number; readonly code: number; readonly credit: number };
  readonly extensions?: { readonly timeout_ms?: number; readonly traceparent?: string; readonly idempotency_key?: string; readonly priority?: number; readonly encoding?: number; readonly epoch?: string; readonly unknown_critical?: number };
  readonly metadata?: readonly (readonly [key: string, value: string])[];
  readonly message?: string;
  readonly only_read?: boolean;
  readonly error?: 'connection' | 'call';
  readonly status?: number;
}

interface Step {
  readonly do?: string;
  readonly by?: string;
  readonly from?: string;
  readonly hex?: string;
  readonly call?: string;
  readonly method?: string;
  readonly streams?: boolean;
  readonly messages?: readonly (string | number)[];
  readonly request?: string;
  readonly fill?: number;
  readonly timeout_ms?: number;
  readonly key?: string;
  readonly epoch?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly ms?: number;
}

interface Exchange {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly outcomes: Readonly<Record<string, { readonly messages: number; readonly bytes: number; readonly status: number | null }>>;
  readonly closed: { readonly dialer: number | null };
}

const kFrames = frames as unknown as readonly FrameVector[];
const kExchanges = exchanges as unknown as readonly Exchange[];
const kPeerHello = encodeHello({ version: 1 });
const testService = { name: 'test.v1.Test', version: 'v1', firstMethod: 0, methodCount: 1, methods: [{ name: 'Echo' }] };

/** The frame of a vector that holds all its bytes. */
function frameOf(vector: FrameVector): Frame {
  const reader = new FrameReader(kMaxFrameBytes);
  reader.push(fromHex(vector.hex));
  const frame = reader.next();
  assert.ok(frame, 'the frame is whole');
  return frame;
}

function extensionsOf(told: NonNullable<FrameVector['extensions']>): Extensions {
  return {
    ...(told.timeout_ms === undefined ? {} : { timeoutMs: told.timeout_ms }),
    ...(told.traceparent === undefined ? {} : { traceparent: fromHex(told.traceparent) }),
    ...(told.idempotency_key === undefined ? {} : { idempotencyKey: fromHex(told.idempotency_key) }),
    ...(told.priority === undefined ? {} : { priority: told.priority }),
    ...(told.encoding === undefined ? {} : { encoding: told.encoding }),
    ...(told.epoch === undefined ? {} : { epoch: BigInt(told.epoch) }),
  };
}

describe('frame vectors', () => {
  for (const vector of kFrames) {
    if (vector.error === 'connection') continue;
    test(vector.name, () => {
      const frame = frameOf(vector);
      const { length, ext, ...header } = vector.header;
      assert.deepEqual({ type: frame.type, stream: frame.stream, flags: frame.flags, code: frame.code, credit: frame.credit }, header);
      assert.deepEqual([frame.payload.length, frame.extensions.length], [length, 4 * ext]);
      assert.equal(toHex(writeFrame(frame.type, frame)), vector.hex);
      if (vector.extensions !== undefined) {
        const told = extensionsOf(vector.extensions);
        const { known, critical } = readExtensions(frame.extensions);
        assert.deepEqual(JSON.parse(show(known)), JSON.parse(show(told)));
        assert.equal(critical, vector.extensions.unknown_critical);
        if (!vector.only_read) assert.equal(toHex(writeExtensions(told)), toHex(frame.extensions));
      }
      if (vector.metadata !== undefined) {
        const told: Metadata = vector.metadata.map(([key, value]) => [key, fromHex(value)]);
        const { metadata, message } = readMetadata(frame.payload);
        assert.deepEqual(metadata, told);
        assert.equal(toHex(message), vector.message);
        assert.equal(toHex(concat([writeMetadata(told), message])), toHex(frame.payload));
      }
    });
  }
});

/** As text that does not tell a view of bytes from a copy. */
function show(extensions: Extensions): string {
  return JSON.stringify(Object.entries(extensions), (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? `${value}` : value));
}

describe('broken frame vectors', () => {
  for (const vector of kFrames) {
    if (vector.error === undefined) continue;
    test(`${vector.name}: the ${vector.error} ends`, () => {
      const ours = { bootEpoch: 0x2222n, limits: undefined, services: [decodeHello(encodeHello({ services: [testService] })).services[0]!] };
      const side = openChannel('acceptor', ours, kPeerHello);
      side.channel.receive(fromHex(vector.hex), 1000);
      side.collect();
      assert.equal(side.all('closed').length, vector.error === 'connection' ? 1 : 0);
      if (vector.error === 'connection') return;
      const answer = framesIn(side.channel.take()).find(({ type }) => type === FrameType.resp);
      assert.equal(answer?.code, vector.status);
    });
  }
});

/** What must be the same whichever side says it: all but credit, which is the receiver's choice within the windows. */
const compared = (bytes: Bytes): string[] =>
  framesIn(bytes)
    .filter(({ type }) => type !== FrameType.credit)
    .map((frame) => toHex(writeFrame(frame.type, { ...frame, credit: 0 })));

/** Plays the dialer of an exchange, hearing what the acceptor said when it was recorded. */
class Replay {
  readonly side: Side;
  private now = 1000;
  private readonly calls = new Map<string, number>();
  private expected: Bytes[] = [];
  private heard: Bytes[] = [];
  private broken = false; // this side would not say what the recorded dialer says

  constructor(private readonly exchange: Exchange) {
    const first = exchange.steps.find(({ from, hex }) => from === 'dialer' && hex !== toHex(kPreface));
    this.side = new Side(new Channel('dialer', decodeHello(fromHex(first!.hex!).subarray(kHeaderBytes)), this.now));
    this.side.onEvent = (event) => {
      if (event.kind === 'message') this.side.channel.consumed(event.stream, event.message.length, this.now);
      if (event.kind === 'answer') this.side.channel.consumed(event.stream, event.payload.length, this.now);
    };
  }

  run(): void {
    const preface = this.exchange.steps[0]!.hex!;
    assert.equal(preface, toHex(kPreface));
    const said = this.side.channel.take();
    const [hello] = this.exchange.steps.slice(1);
    assert.equal(toHex(said), preface + hello!.hex!, 'preface and HELLO');
    for (const step of this.exchange.steps.slice(2)) {
      if (step.from !== 'acceptor') this.hear();
      if (step.from === 'dialer') this.expected.push(fromHex(step.hex!));
      else if (step.from === 'acceptor') this.listen(fromHex(step.hex!));
      else this.act(step);
    }
    this.hear();
    this.compare();
    this.checkOutcomes();
  }

  /** What the acceptor says is heard in one piece with what it says next; before it, the two dialers have said the same. */
  private listen(bytes: Bytes): void {
    if (this.heard.length === 0) this.compare();
    this.heard.push(bytes);
  }

  private hear(): void {
    for (const bytes of this.heard.splice(0)) {
      this.side.channel.receive(bytes, this.now);
      this.side.collect();
    }
  }

  private compare(): void {
    const said = this.side.channel.take();
    const expected = concat([kNoBytes, ...this.expected.splice(0)]);
    if (!this.broken) assert.deepEqual(compared(said), compared(expected));
    this.broken = false;
  }

  private act(step: Step): void {
    if (step.do === 'wait') {
      this.now += step.ms!;
      this.side.channel.onTime(this.now);
    } else if (step.by === 'acceptor') {
      return;
    } else if (step.do === 'call') {
      this.call(step);
    } else if (step.do === 'write') {
      for (const told of step.messages!) this.side.channel.send(this.calls.get(step.call!)!, typeof told === 'number' ? toUtf8('x'.repeat(told)) : fromHex(told), this.now);
    } else if (step.do === 'end') {
      this.side.channel.finish(this.calls.get(step.call!)!, this.now);
    } else if (step.do === 'cancel') {
      this.side.channel.cancel(this.calls.get(step.call!)!, this.now);
    } else {
      assert.equal(step.do, 'say');
      this.compare();
      this.broken = true;
    }
    this.side.collect();
  }

  private call(step: Step): void {
    const request = step.streams ? undefined : step.fill === undefined ? fromHex(step.request!) : toUtf8('x'.repeat(step.fill));
    const metadata = Object.entries(step.metadata ?? {}).map(([key, value]) => [key, toUtf8(value)] as const);
    const index = this.side.channel.methods.index('test.v1.Test', step.method!)!;
    const options = {
      metadata,
      ...(step.timeout_ms === undefined ? {} : { timeoutMs: step.timeout_ms }),
      ...(step.key === undefined ? {} : { idempotencyKey: fromHex(step.key) }),
      ...(step.epoch === undefined ? {} : { epoch: BigInt(step.epoch) }),
    };
    this.calls.set(step.call!, this.side.channel.call(index, request, options, this.now));
  }

  private checkOutcomes(): void {
    for (const [name, told] of Object.entries(this.exchange.outcomes)) {
      const id = this.calls.get(name);
      const messages = this.side.all('message').filter(({ stream }) => stream === id).map(({ message }) => message.length);
      const answer = this.side.all('answer').find(({ stream }) => stream === id);
      if (answer?.status === 0 && !answer.empty) messages.push(answer.payload.length);
      assert.equal(messages.length, told.messages);
      assert.equal(messages.reduce((sum, bytes) => sum + bytes, 0), told.bytes);
      if (told.status !== 1) assert.equal(answer?.status ?? null, told.status); // one that we cancelled has no answer
    }
    assert.equal(this.side.all('closed')[0]?.status ?? null, this.exchange.closed.dialer);
  }
}

describe('exchange vectors', () => {
  for (const exchange of kExchanges) test(exchange.name, () => new Replay(exchange).run());
  test('there are some', () => assert.ok(kExchanges.length >= 12 && kFrames.length >= 60));
});
