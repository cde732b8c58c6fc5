/**
 * One b2 connection without its transport (docs/spec/b2.md): bytes and the time come in, bytes and events leave. Both roles,
 * both directions of calls. Whoever owns it calls take() and takeEvents() after every call, and onTime() at nextWakeup().
 */
import { encodeHello, type Hello, type Limits } from '../gen/b2/v1/hello';
import { concat, fromUtf8, kNoBytes, readU32, toUtf8, u32, type Bytes } from './bytes';
import { judgeCall, readHello } from './admission';
import type { CallOptions, ChannelEvent, Role } from './channel_events';
import { readExtensions, type ReadExtensions } from './extensions';
import { Flag, FrameReader, FrameType, kPreface, type Frame } from './frame';
import { kReceiveBudget, limitsOf, ReceiveWindow, SendWindow, TokenBucket } from './limits';
import { readMetadata, writeMetadata, type Metadata } from './metadata';
import { MethodTable } from './method_table';
import { Sender } from './sender';
import { B2Error, Status, statusOf } from './status';
import { Stream } from './stream';

/** Timers, in milliseconds (docs/spec/b2.md §1, §6). */
export const kHelloTimeout = 10_000;
export const kPingAfter = 15_000; // of silence
export const kDeadAfter = 10_000; // of silence after the PING

const kMaxReason = 8192; // bytes of a failure's message

export class Channel {
  private readonly ours: ReceiveWindow;
  private readonly limits: Limits;
  private readonly reader: FrameReader;
  private readonly sender: Sender;
  private readonly abuse: TokenBucket;
  private readonly streams = new Map<number, Stream>();
  private events: ChannelEvent[] = [];
  private state: 'preface' | 'hello' | 'open' | 'closed' = 'preface';
  private preface: Bytes = kNoBytes;
  private peer: Limits | undefined;
  private window = new SendWindow(0);
  private nextStream: number;
  private lastOfPeer = 0;
  private callsOfPeer = 0; // streams the peer opened whose handler has not returned
  private budgetUsed = 0;
  private going: 'no' | 'we' | 'peer' = 'no'; // who sent GOAWAY with status 0
  private heardAt: number;
  private pingedAt: number | undefined;
  private readonly openedAt: number;
  private keepAliveMs = 1000;

  /** The methods of the peer; empty until it said HELLO. */
  readonly methods = new MethodTable();
  private readonly served: MethodTable;

  /** @param now  milliseconds on any clock that only goes forward; the same clock in every call */
  constructor(
    readonly role: Role,
    private readonly hello: Hello,
    now: number,
  ) {
    this.limits = limitsOf(hello.limits);
    this.reader = new FrameReader(this.limits.frameBytes);
    this.ours = new ReceiveWindow(this.limits.connectionWindow);
    this.sender = new Sender(this.ours);
    this.abuse = new TokenBucket(1000, 33, now);
    this.served = new MethodTable(hello.services);
    this.nextStream = role === 'dialer' ? 1 : 2;
    this.heardAt = this.openedAt = now;
    if (role === 'dialer') this.sayHello();
  }

  get isOpen(): boolean {
    return this.state === 'open' && this.going === 'no';
  }

  /** Bytes for the transport, everything since the last time. */
  take(): Bytes {
    return this.sender.take();
  }

  takeEvents(): ChannelEvent[] {
    const events = this.events;
    this.events = [];
    return events;
  }

  // ---- time ----

  /** When onTime() has something to do; Infinity when never. */
  nextWakeup(): number {
    if (this.state === 'closed') return Infinity;
    if (this.state !== 'open') return this.openedAt + kHelloTimeout;
    let at = this.pingedAt === undefined ? this.heardAt + this.pingAfter : this.pingedAt + kDeadAfter;
    for (const stream of this.streams.values()) if (!stream.answered) at = Math.min(at, stream.deadline);
    return at;
  }

  onTime(now: number): void {
    if (this.state === 'closed') return;
    if (this.state !== 'open') {
      if (now >= this.openedAt + kHelloTimeout) this.fail(Status.timedOut, `no HELLO came within ${kHelloTimeout / 1000} s`);
      return;
    }
    for (const stream of [...this.streams.values()]) if (now >= stream.deadline && !stream.answered) this.passDeadline(stream);
    if (this.pingedAt !== undefined && now >= this.pingedAt + kDeadAfter)
      return this.fail(Status.busy, `nothing was heard for ${(kDeadAfter + this.pingAfter) / 1000} s`);
    if (this.pingedAt === undefined && now >= this.heardAt + this.pingAfter) {
      this.pingedAt = now;
      this.sender.control(FrameType.ping, { payload: new Uint8Array(8) });
    }
    this.pump(now);
  }

  private get pingAfter(): number {
    return Math.max(kPingAfter, this.keepAliveMs);
  }

  // ---- calls we make ----

  /**
   * Opens a call; its messages and its answer come as events. On a channel that takes none the answer comes at once.
   * @param request  nothing for a method that takes a stream: its messages follow by send(), its end by finish()
   */
  call(method: number, request: Bytes | undefined, options: CallOptions, now: number): number {
    const id = this.nextStream;
    this.nextStream += 2;
    if (!this.isOpen) {
      this.answer(id, Status.busy, toUtf8('the connection takes no calls'), true);
      return id;
    }
    if (options.timeoutMs !== undefined && options.timeoutMs <= 0) {
      this.answer(id, Status.timedOut, toUtf8('the deadline passed before the call was sent'), true);
      return id;
    }
    const metadata = options.metadata?.length ? writeMetadata(options.metadata) : kNoBytes;
    const stream = new Stream(id, method, this.peer!.streamWindow, this.limits.streamWindow);
    if (options.timeoutMs !== undefined) stream.deadline = now + options.timeoutMs;
    stream.idempotencyKey = options.idempotencyKey;
    stream.epoch = options.epoch;
    stream.outgoing.push({ type: FrameType.call, payload: concat([metadata, request ?? kNoBytes]), empty: false, whole: metadata.length, code: 0, end: request !== undefined, at: 0 });
    stream.requestDone = request !== undefined;
    this.streams.set(id, stream);
    this.sender.wants(stream);
    this.pump(now);
    return id;
  }

  /** Gives a call up. No answer will come as an event. */
  cancel(id: number, now: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined || !this.isMine(id) || this.state === 'closed') return;
    this.abandon(stream, Status.cancelled);
    this.pump(now);
  }

  /** The program has used a message or answer of `bytes` bytes that came as an event: the peer may send more. */
  consumed(id: number, bytes: number, now: number): void {
    const stream = this.streams.get(id);
    this.budgetUsed = Math.max(0, this.budgetUsed - bytes);
    if (stream === undefined || this.state === 'closed') return;
    stream.receiveWindow.release(bytes);
    this.pump(now);
  }

  /** Nothing more will be sent on a call of ours that streams its request. */
  finish(id: number, now: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined || !this.isMine(id) || stream.requestDone) return;
    stream.requestDone = true;
    stream.outgoing.push({ type: FrameType.data, payload: kNoBytes, empty: false, whole: 0, code: 0, end: true, at: 0 });
    this.sender.wants(stream);
    this.pump(now);
  }

  /** One message of a stream of ours, whichever side called. Skipped when the call has ended. */
  send(id: number, message: Bytes, now: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.answered || (this.isMine(id) && stream.requestDone)) return;
    stream.outgoing.push({ type: FrameType.data, payload: message, empty: false, whole: 0, code: 0, end: false, at: 0 });
    this.sender.wants(stream);
    this.pump(now);
  }

  /** Bytes handed to send() that the peer's windows have not let through yet. */
  waiting(id: number): number {
    return this.streams.get(id)?.outgoing.reduce((sum, message) => sum + message.payload.length - message.at, 0) ?? 0;
  }

  // ---- calls we answer ----

  /**
   * Ends a call we answer, with no answer when `payload` is absent. Each handler does it exactly once, also after `cancelled`: only
   * then is the stream's slot free.
   */
  respond(id: number, status: Status, payload: Bytes | undefined, now: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined || this.isMine(id)) return;
    if (stream.answered) this.release(stream);
    else this.sayAnswer(stream, status, payload);
    this.pump(now);
  }

  /** Takes no more calls; open ones go on, then the channel closes. */
  goAway(message: string, now: number): void {
    if (this.state !== 'open' || this.going === 'we') return;
    this.going = 'we';
    this.sayGoAway(Status.ok, message);
    this.pump(now);
  }

  /** The transport has ended, for the reason told. */
  transportClosed(reason: string): void {
    this.close(Status.busy, reason);
  }

  // ---- bytes come in ----

  receive(bytes: Bytes, now: number): void {
    if (this.state === 'closed') return;
    this.heardAt = now;
    this.pingedAt = undefined;
    try {
      const rest = this.state === 'preface' ? this.readPreface(bytes) : bytes;
      this.reader.push(rest);
      for (let frame = this.nextFrame(); frame !== undefined; frame = this.nextFrame()) this.onFrame(frame, now);
    } catch (error) {
      if (!(error instanceof B2Error)) throw error;
      this.fail(error.status, error.message);
    }
    this.pump(now);
  }

  private nextFrame(): Frame | undefined {
    return this.state === 'closed' || this.state === 'preface' ? undefined : this.reader.next();
  }

  private readPreface(bytes: Bytes): Bytes {
    const all = concat([this.preface, bytes]);
    const seen = Math.min(all.length, kPreface.length);
    for (let i = 0; i < seen; ++i)
      if (all[i] !== kPreface[i]) throw new B2Error(Status.malformed, `the peer does not speak b2; it said "${fromUtf8(all.subarray(0, 80)).trim()}"`);
    if (seen < kPreface.length) {
      this.preface = all.slice();
      return kNoBytes;
    }
    this.state = 'hello';
    return all.subarray(kPreface.length);
  }

  private onFrame(frame: Frame, now: number): void {
    if (this.state === 'hello') return this.onHello(frame);
    this.window.grow(frame.credit);
    switch (frame.type) {
      case FrameType.helloUpdate:
        this.needsStream0(frame);
        this.methods.update(readHello(frame.payload).services);
        this.events.push({ kind: 'services' });
        return;
      case FrameType.call:
        return this.onCall(frame, now);
      case FrameType.data:
      case FrameType.resp:
        return this.onPayload(frame, now);
      case FrameType.credit:
        if (frame.stream !== 0) this.known(frame)?.sendWindow.grow(readU32(frame.payload));
        return;
      case FrameType.cancel:
        return this.onCancel(frame, now);
      case FrameType.ping:
        this.needsStream0(frame);
        this.spend(now, 'PING');
        return this.sender.control(FrameType.pong, { payload: frame.payload });
      case FrameType.pong:
        return this.needsStream0(frame);
      case FrameType.goaway:
        this.needsStream0(frame);
        return this.onGoAway(frame);
      case FrameType.hello:
        throw new B2Error(Status.malformed, 'a second HELLO came');
      default:
        if (frame.type >= 0x80) throw new B2Error(Status.unsupported, `frame type ${frame.type} must be understood and is not`);
    }
  }

  private onHello(frame: Frame): void {
    // One that goes no further says GOAWAY instead of HELLO.
    if (frame.type === FrameType.goaway && frame.stream === 0) return this.onGoAway(frame);
    if (frame.type !== FrameType.hello || frame.stream !== 0) throw new B2Error(Status.malformed, `the first frame was of type ${frame.type}, not HELLO`);
    const hello = readHello(frame.payload);
    if (hello.version !== 1) throw new B2Error(Status.unsupported, `the peer speaks version ${hello.version} of b2; this side speaks 1`);
    this.peer = limitsOf(hello.limits);
    this.window = new SendWindow(this.peer.connectionWindow);
    this.window.grow(frame.credit);
    this.keepAliveMs = hello.keepAliveMs || 1000;
    this.methods.update(hello.services);
    this.state = 'open';
    if (this.role === 'acceptor') this.sayHello();
    this.events.push({ kind: 'open', hello });
  }

  private onCall(frame: Frame, now: number): void {
    const id = frame.stream;
    if (id === 0 || this.isMine(id)) throw new B2Error(Status.malformed, `stream ${id} is not the peer's to open`);
    if (id <= this.lastOfPeer) throw new B2Error(Status.malformed, `stream ${id} was opened after stream ${this.lastOfPeer}`);
    const extensions = readExtensions(frame.extensions);
    const { known } = extensions;
    this.takeFromConnection(frame);
    if (this.going === 'we') return; // beyond GOAWAY's last stream: the peer knows that it was not handled
    this.lastOfPeer = id;
    const stream = new Stream(id, frame.code, this.peer!.streamWindow, this.limits.streamWindow);
    if (!stream.receiveWindow.take(frame.payload.length)) throw tooMuch('stream');
    const message = this.admit(stream, frame, extensions, now);
    if (message === undefined) return;
    stream.sent = true;
    this.streams.set(id, stream);
    this.callsOfPeer += 1;
    if (known.timeoutMs !== undefined) stream.deadline = now + known.timeoutMs;
    stream.idempotencyKey = known.idempotencyKey;
    if (this.served.takesStream(frame.code)) this.beginStream(stream, frame);
    else this.onRequestPart(stream, frame.flags, message);
  }

  /** The message part of a CALL that may be handled; nothing when it has been refused. */
  private admit(stream: Stream, frame: Frame, extensions: ReadExtensions, now: number): Bytes | undefined {
    const full = this.callsOfPeer >= this.limits.streams;
    try {
      const { metadata, message } = judgeCall(frame, extensions, { served: this.served, bootEpoch: this.hello.bootEpoch, full });
      stream.metadata = metadata;
      return message;
    } catch (error) {
      if (!(error instanceof B2Error)) throw error;
      this.sayRefusal(stream, error.status, error.message);
      this.spend(now, 'refused CALL');
      return undefined;
    }
  }

  private onPayload(frame: Frame, now: number): void {
    const stream = this.known(frame);
    this.takeFromConnection(frame);
    const endsStream = stream?.takesStream === true && (frame.flags & (Flag.end | Flag.more)) === Flag.end;
    if (frame.type === FrameType.data && frame.payload.length === 0 && !endsStream) this.spend(now, 'empty DATA');
    if (stream === undefined) return; // it has ended
    if (!stream.receiveWindow.take(frame.payload.length)) throw tooMuch('stream');
    const mine = this.isMine(frame.stream);
    if (frame.type === FrameType.resp && !mine) throw new B2Error(Status.malformed, `the peer answered its own call ${frame.stream}`);
    if (frame.flags & Flag.compressed) return this.breakOff(stream, Status.unsupported, 'a payload was compressed, which was not agreed on');
    if (!mine) {
      if (stream.peerDone) throw new B2Error(Status.malformed, `DATA came on stream ${frame.stream} after its END`);
      if (!stream.answered) this.onRequestPart(stream, frame.flags, frame.payload);
    } else if (frame.type === FrameType.resp) {
      this.onResp(stream, frame);
    } else if (frame.flags & Flag.more) {
      this.keepPart(stream, frame.payload);
    } else {
      this.hand(stream, frame.payload, (message) => ({ kind: 'message', stream: stream.id, message }));
    }
  }

  /** A call whose caller sends a stream: its handler begins before the first message. */
  private beginStream(stream: Stream, frame: Frame): void {
    const { id, method, metadata, deadline, idempotencyKey } = stream;
    stream.takesStream = stream.handled = true;
    stream.receiveWindow.release(frame.payload.length); // metadata alone
    this.events.push({ kind: 'call', stream: id, method, request: kNoBytes, takesStream: true, metadata, deadline, idempotencyKey });
    if (frame.flags & Flag.end) this.endStream(stream);
  }

  private endStream(stream: Stream): void {
    stream.peerDone = true;
    if (!stream.answered) this.events.push({ kind: 'requestEnd', stream: stream.id });
  }

  /** A message of the caller's stream or its end: a DATA with END carries one unless it is empty and completes none. */
  private onStreamPart(stream: Stream, flags: number, part: Bytes): void {
    if (flags & Flag.more) return this.keepPart(stream, part);
    const ends = (flags & Flag.end) !== 0;
    if (!ends || part.length > 0 || stream.assembling) this.hand(stream, part, (message) => ({ kind: 'message', stream: stream.id, message }));
    if (ends) this.endStream(stream);
  }

  private onRequestPart(stream: Stream, flags: number, part: Bytes): void {
    if (stream.takesStream) return this.onStreamPart(stream, flags, part);
    if (flags & Flag.more) return this.keepPart(stream, part);
    if ((flags & Flag.end) === 0) return this.breakOff(stream, Status.unsupported, 'the request must be complete: END is missing');
    if (flags & Flag.end) stream.peerDone = true;
    const { id: of, method, metadata, deadline, idempotencyKey } = stream;
    this.hand(stream, part, (message) => {
      stream.handled = true;
      return { kind: 'call', stream: of, method, request: message, takesStream: false, metadata, deadline, idempotencyKey };
    });
  }

  private onResp(stream: Stream, frame: Frame): void {
    const status = statusOf(frame.code);
    let payload = frame.payload;
    let metadata: Metadata = [];
    if (frame.flags & Flag.meta) {
      try {
        ({ metadata, message: payload } = readMetadata(payload));
      } catch (error) {
        return this.breakOff(stream, Status.malformed, (error as Error).message);
      }
    }
    if (stream.assembled + payload.length > this.limits.messageBytes) return this.breakOff(stream, Status.exhausted, 'the answer is longer than a message may be');
    if (status !== Status.ok) {
      this.budgetUsed -= stream.assembled;
      stream.drop();
    }
    this.budgetUsed += payload.length;
    this.end(stream);
    const empty = status === Status.ok && (frame.flags & Flag.end) !== 0;
    this.events.push({ kind: 'answer', stream: stream.id, status, payload: stream.complete(payload), empty, metadata, safeToRetry: false });
  }

  private onCancel(frame: Frame, now: number): void {
    const stream = this.known(frame);
    if (this.isMine(frame.stream)) throw new B2Error(Status.malformed, `the peer cancelled stream ${frame.stream}, which is not its own`);
    this.spend(now, 'CANCEL');
    if (stream === undefined) return;
    if (stream.answered) {
      if (stream.outgoing.length > 0) this.release(stream); // its answer still waited for credit
      return;
    }
    this.dismiss(stream, frame.code === Status.timedOut ? Status.timedOut : Status.cancelled);
  }

  private onGoAway(frame: Frame): void {
    const last = readU32(frame.payload);
    const status = statusOf(frame.code);
    const message = fromUtf8(frame.payload.subarray(4));
    this.events.push({ kind: 'goaway', status, message });
    for (const stream of [...this.streams.values()]) {
      if (!this.isMine(stream.id) || (stream.sent && stream.id <= last)) continue;
      this.end(stream);
      this.answer(stream.id, Status.busy, toUtf8(`the other side takes no more calls: ${message}`), true);
    }
    if (status !== Status.ok || this.state !== 'open') this.close(status, message);
    else this.going = 'peer';
  }

  // ---- pieces ----

  /** A part that another follows: it leaves the windows at once and counts against the budget instead. */
  private keepPart(stream: Stream, part: Bytes): void {
    if (stream.assembled + part.length > this.limits.messageBytes)
      return this.breakOff(stream, Status.exhausted, `a message is longer than ${this.limits.messageBytes} bytes`);
    if (this.budgetUsed + part.length > kReceiveBudget) return this.breakOff(stream, Status.exhausted, 'the receive budget is used up');
    this.budgetUsed += part.length;
    stream.keep(part);
    stream.receiveWindow.release(part.length);
  }

  /** Completes a message and gives it to the program, which tells by consumed() when it has used it. */
  private hand(stream: Stream, last: Bytes, event: (message: Bytes) => ChannelEvent): void {
    if (stream.assembled + last.length > this.limits.messageBytes)
      return this.breakOff(stream, Status.exhausted, `a message is longer than ${this.limits.messageBytes} bytes`);
    this.budgetUsed += last.length;
    // What was assembled has had its credit; so that consumed() can give back the whole length, it is taken once more.
    stream.receiveWindow.release(-stream.assembled);
    this.events.push(event(stream.complete(last)));
  }

  /** The stream a frame names; nothing when it has ended. One that never was ends the connection. */
  private known(frame: Frame): Stream | undefined {
    const stream = this.streams.get(frame.stream);
    const neverOpened = frame.stream === 0 || (this.isMine(frame.stream) ? frame.stream >= this.nextStream || stream?.sent === false : frame.stream > this.lastOfPeer);
    if (neverOpened) throw new B2Error(Status.malformed, `frame of type ${frame.type} on stream ${frame.stream}, which was never opened`);
    return stream;
  }

  private needsStream0(frame: Frame): void {
    if (frame.stream !== 0) throw new B2Error(Status.malformed, `frame of type ${frame.type} on stream ${frame.stream} instead of 0`);
  }

  private takeFromConnection(frame: Frame): void {
    if (!this.ours.take(frame.payload.length)) throw tooMuch('connection');
    this.ours.release(frame.payload.length);
  }

  private spend(now: number, what: string): void {
    if (!this.abuse.take(now)) throw new B2Error(Status.exhausted, `too many frames that only cost: the last was a ${what}`);
  }

  private isMine(id: number): boolean {
    return (id % 2 === 1) === (this.role === 'dialer');
  }

  private passDeadline(stream: Stream): void {
    if (this.isMine(stream.id)) {
      this.abandon(stream, Status.timedOut);
      this.answer(stream.id, Status.timedOut, toUtf8('the deadline passed'), false);
    } else {
      this.sayRefusal(stream, Status.timedOut, 'the deadline passed');
      this.dismiss(stream, Status.timedOut);
    }
  }

  /** Our own call is not wanted any more. */
  private abandon(stream: Stream, status: Status): void {
    const { sent } = stream;
    this.budgetUsed -= stream.assembled;
    this.end(stream);
    if (sent) this.sender.control(FrameType.cancel, { stream: stream.id, code: status });
  }

  /** The peer's call needs no answer any more. Its handler, when it has begun, still has to return. */
  private dismiss(stream: Stream, status: Status): void {
    this.budgetUsed -= stream.assembled;
    stream.drop();
    stream.answered = true;
    stream.outgoing.length = 0;
    this.sender.forget(stream);
    if (stream.handled) this.events.push({ kind: 'cancelled', stream: stream.id, status });
    else this.release(stream);
  }

  /** The stream cannot go on; the connection can. */
  private breakOff(stream: Stream, status: Status, why: string): void {
    if (this.isMine(stream.id)) {
      this.abandon(stream, Status.cancelled);
      this.answer(stream.id, status, toUtf8(why), false);
    } else if (!stream.answered) {
      this.sayRefusal(stream, status, why);
      this.dismiss(stream, status);
    }
  }

  private release(stream: Stream): void {
    this.callsOfPeer -= 1;
    this.end(stream);
  }

  private end(stream: Stream): void {
    this.streams.delete(stream.id);
    this.sender.forget(stream);
  }

  /** The end of our call as this side tells it. */
  private answer(stream: number, status: Status, payload: Bytes, safeToRetry: boolean): void {
    this.events.push({ kind: 'answer', stream, status, payload, empty: false, metadata: [], safeToRetry });
  }

  // ---- what we say ----

  private sayHello(): void {
    this.sender.raw(kPreface);
    this.sender.control(FrameType.hello, { payload: encodeHello(this.hello) });
  }

  private sayAnswer(stream: Stream, status: Status, payload: Bytes | undefined): void {
    const cut = status === Status.ok ? payload : payload?.subarray(0, kMaxReason);
    if (status !== Status.ok) stream.outgoing.length = 0;
    stream.answered = true;
    stream.outgoing.push({ type: FrameType.resp, payload: cut ?? kNoBytes, empty: cut === undefined, whole: 0, code: status, end: true, at: 0 });
    this.sender.wants(stream);
  }

  /** Answers outside the windows, with a sentence short enough to fit the smallest one once. */
  private sayRefusal(stream: Stream, status: Status, why: string): void {
    const room = Math.max(0, Math.min(this.window.left, stream.sendWindow.left));
    const payload = toUtf8(why).subarray(0, room);
    this.window.left -= payload.length;
    this.sender.control(FrameType.resp, { stream: stream.id, code: status, payload });
  }

  private sayGoAway(status: Status, message: string): void {
    const room = (this.peer?.frameBytes ?? 4096) - 4;
    this.sender.control(FrameType.goaway, { code: status, payload: concat([u32(this.lastOfPeer), toUtf8(message).subarray(0, room)]) });
  }

  /** We cannot go on with this peer: it is told why, then the connection ends. */
  private fail(status: Status, message: string): void {
    if (this.state === 'closed') return;
    if (this.role === 'acceptor' && this.state === 'preface') {
      this.sender.raw(toUtf8(`b2: ${message}\n`)); // to someone who may not speak b2 at all
    } else {
      if (this.role === 'acceptor' && this.state === 'hello') this.sender.raw(kPreface);
      this.sayGoAway(status, message);
    }
    this.close(status, message);
  }

  private close(status: Status, message: string): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const stream of [...this.streams.values()]) {
      this.end(stream);
      if (!this.isMine(stream.id)) {
        if (stream.handled && !stream.answered) this.events.push({ kind: 'cancelled', stream: stream.id, status: Status.cancelled });
      } else if (stream.sent) {
        this.answer(stream.id, Status.unknown, toUtf8(`the connection ended before the answer came: ${message}`), false);
      } else {
        this.answer(stream.id, Status.busy, toUtf8(`the connection ended before the call was sent: ${message}`), true);
      }
    }
    this.events.push({ kind: 'closed', status, message });
  }

  private pump(now: number): void {
    if (this.state !== 'open') return;
    const peer = this.peer!;
    const mayOpen = () => {
      let open = 0;
      for (const stream of this.streams.values()) if (stream.sent && this.isMine(stream.id)) ++open;
      return open < peer.streams;
    };
    this.sender.pump(this.window, peer.frameBytes, now, mayOpen, (stream) => {
      if (!this.isMine(stream.id)) this.release(stream);
    });
    for (const stream of this.streams.values())
      if (stream.sent && !stream.peerDone && !stream.answered && stream.receiveWindow.due)
        this.sender.control(FrameType.credit, { stream: stream.id, payload: u32(stream.receiveWindow.grant()) });
    if (this.ours.due) this.sender.control(FrameType.credit);
    if (this.going === 'we' && this.streams.size === 0) this.close(Status.ok, 'all calls have ended');
  }
}

const tooMuch = (which: 'connection' | 'stream') => new B2Error(Status.exhausted, `the peer sent more than the window of the ${which} allows`);
