/** For tests: two channels wired to each other on a clock of their own. */
import { MethodKind, type Hello, type ServiceEntry } from '../gen/b2/v1/hello';
import { fromUtf8, kNoBytes, toUtf8, type Bytes } from './bytes';
import { Channel } from './channel';
import type { ChannelEvent } from './channel_events';
import { FrameReader, kMaxFrameBytes, kPreface, writeFrame, type Frame } from './frame';
import { kOurLimits } from './limits';

export const Echo = { unary: 10, stream: 11 } as const; // indexes of the methods that testHello() announces

const method = (name: string, kind: MethodKind) => ({ name, kind, needs: '', idempotent: false });

export const kEchoService: ServiceEntry = {
  name: 'test.Echo',
  version: '1',
  descriptorHash: kNoBytes,
  firstMethod: Echo.unary,
  methodCount: 2,
  health: 0,
  methods: [method('Unary', MethodKind.unary), method('Stream', MethodKind.server_stream)],
};

export function testHello(more: Partial<Hello> = {}): Hello {
  return { version: 1, nodeId: kNoBytes, name: 'test', bootEpoch: 5n, features: [], limits: kOurLimits, keepAliveMs: 1000, services: [kEchoService], house: '', houseId: kNoBytes, revocations: 0n, ...more };
}

type Of<K extends ChannelEvent['kind']> = Extract<ChannelEvent, { kind: K }>;

/** One side under test: its events as they come, and the bytes it wants to send. */
export class Side {
  readonly events: ChannelEvent[] = [];
  /** Called for each event, to answer calls. */
  onEvent: (event: ChannelEvent) => void = () => undefined;

  constructor(readonly channel: Channel) {}

  collect(): void {
    for (const event of this.channel.takeEvents()) {
      this.events.push(event);
      this.onEvent(event);
    }
  }

  all<K extends ChannelEvent['kind']>(kind: K): Of<K>[] {
    return this.events.filter((event): event is Of<K> => event.kind === kind);
  }

  /** The only event of that kind. */
  one<K extends ChannelEvent['kind']>(kind: K): Of<K> {
    const found = this.all(kind);
    if (found.length !== 1) throw new Error(`${found.length} events "${kind}" in ${JSON.stringify(this.events.map((event) => event.kind))}`);
    return found[0]!;
  }
}

/** A dialer and an acceptor, joined. */
export class Pair {
  now = 1000;
  readonly dialer: Side;
  readonly acceptor: Side;
  /** Frames each side has sent, after its preface. */
  readonly fromDialer: Frame[] = [];
  readonly fromAcceptor: Frame[] = [];
  private readonly readers = [new FrameReader(kMaxFrameBytes), new FrameReader(kMaxFrameBytes)] as const;
  private prefaces = [0, 0];

  /** @param piece  bytes are carried in pieces of at most this size */
  constructor(
    private readonly piece = Infinity,
    dialer: Partial<Hello> = {},
    acceptor: Partial<Hello> = {},
  ) {
    this.dialer = new Side(new Channel('dialer', testHello(dialer), this.now));
    this.acceptor = new Side(new Channel('acceptor', testHello(acceptor), this.now));
    this.run();
  }

  /** Carries bytes both ways until neither side has any. */
  run(): void {
    for (let quiet = false; !quiet; ) {
      this.dialer.collect();
      this.acceptor.collect();
      const there = this.carry(0, this.dialer, this.acceptor, this.fromDialer);
      const back = this.carry(1, this.acceptor, this.dialer, this.fromAcceptor);
      quiet = !there && !back;
    }
  }

  /** Lets time pass, waking both sides whenever they asked for it. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const at = Math.min(this.dialer.channel.nextWakeup(), this.acceptor.channel.nextWakeup());
      this.now = Math.min(end, Math.max(this.now, at));
      if (at > end) break;
      this.dialer.channel.onTime(this.now);
      this.acceptor.channel.onTime(this.now);
      this.run();
    }
    this.now = end;
  }

  private carry(which: 0 | 1, from: Side, to: Side, log: Frame[]): boolean {
    const bytes = from.channel.take();
    if (bytes.length === 0) return false;
    const reader = this.readers[which];
    const skip = Math.min(bytes.length, kPreface.length - this.prefaces[which]!);
    this.prefaces[which]! += skip;
    reader.push(bytes.subarray(skip));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) log.push(frame);
    for (let at = 0; at < bytes.length; at += this.piece) to.channel.receive(bytes.subarray(at, at + this.piece), this.now);
    return true;
  }
}

/** Answers unary calls with their request, and streams with its words, one message each. */
export function echo(side: Side, now: () => number): void {
  side.onEvent = (event) => {
    if (event.kind !== 'call') return;
    side.channel.consumed(event.stream, event.request.length, now());
    if (event.method === Echo.unary) return side.channel.respond(event.stream, 0, event.request, now());
    for (const word of fromUtf8(event.request).split(' ')) side.channel.send(event.stream, toUtf8(word), now());
    side.channel.respond(event.stream, 0, undefined, now());
  };
}

/** A channel that has said and heard HELLO, its peer being the test itself; or one that refused the HELLO. */
export function openChannel(role: 'dialer' | 'acceptor', ours: Partial<Hello>, peerHello: Bytes): Side {
  const side = new Side(new Channel(role, testHello(ours), 1000));
  side.channel.receive(kPreface, 1000);
  side.channel.take();
  side.channel.receive(writeFrame(0x01, { payload: peerHello }), 1000);
  if (side.channel.isOpen) side.channel.take(); // an acceptor's HELLO; what a channel says at its end is left to be looked at
  side.collect();
  return side;
}

/** The frames in `bytes`. */
export function framesIn(bytes: Bytes): Frame[] {
  const reader = new FrameReader(kMaxFrameBytes);
  reader.push(bytes);
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  return frames;
}
