/**
 * One side of one live connection: a Channel with a transport and real timers, its calls as promises and iterators, and
 * handlers for the calls that come in. Method and message types are those generated from proto/.
 */
import type { Hello, ServiceEntry } from '../gen/b2/v1/hello';
import { fromUtf8, kNoBytes, toUtf8, type Bytes } from './bytes';
import { Channel } from './channel';
import type { CallOptions, ChannelEvent, Role } from './channel_events';
import type { Metadata } from './metadata';
import type { Init, Method } from './proto';
import { B2Error, Status } from './status';

export interface Transport {
  send(bytes: Bytes): void;
  /** Ends it; what has been sent still leaves. */
  close(): void;
}

/** A call that came in. The handler ends it by finish() or fail(), once. */
export interface IncomingCall {
  readonly method: number;
  readonly request: Bytes; // none where the method takes a stream
  /** What its caller streams; without any where the method takes one request. Throws B2Error when the call ends before it does. */
  readonly messages: AsyncGenerator<Bytes, void, void>;
  readonly metadata: Metadata;
  /** Aborted when the caller gave up, the deadline passed or the connection ended. */
  readonly signal: AbortSignal;
  /** A message of a server stream; gives the bytes that wait because the caller's windows are full. */
  send(message: Bytes): number;
  /** The same; resolves when there is room for the next, or the call has ended. */
  write(message: Bytes): Promise<void>;
  /** Without an answer it ends a stream whose last message has been sent. */
  finish(answer?: Bytes): void;
  fail(status: Status, message: string): void;
}

export interface EndpointEvents {
  open?(hello: Hello): void;
  services?(): void;
  /** The other side takes no more calls; those that are open go on. */
  leaving?(message: string): void;
  closed?(status: Status, message: string): void;
  /** Answers a call. What it throws, or its promise rejects with, fails the call if it has not ended. */
  call?(call: IncomingCall): unknown;
}

export interface CallControl extends CallOptions {
  readonly signal?: AbortSignal;
}

/** A call whose request is a stream. */
export interface Upload<Q> {
  /** One message more; resolves when there is room for the next, or the call has ended. */
  write(message: Init<Q>): Promise<void>;
  /** Nothing more will be written. The answer may come before or after it. */
  finish(): void;
}

interface Waiting {
  readonly keeps: boolean; // messages stay unread for a while; whoever reads them tells the channel
  message(bytes: Bytes): void;
  end(status: Status, payload: Bytes, empty: boolean): void;
}

/** What a handler of `method` is sent, as messages. One that is malformed ends the call, with status 3. */
export async function* requestsOf<Q, A>(method: Method<Q, A>, call: IncomingCall): AsyncGenerator<Q, void, void> {
  for await (const bytes of call.messages) {
    let message: Q;
    try {
      message = method.request.decode(bytes);
    } catch (error) {
      return call.fail(Status.malformed, (error as Error).message);
    }
    yield message;
  }
}

/** One answer, for whoever awaits it. */
function answerTo<Q, A>(method: Method<Q, A>, resolve: (answer: A) => void, reject: (error: unknown) => void): Waiting {
  return {
    keeps: false,
    message: () => undefined, // one answer has none before it
    end: (status, payload) => {
      if (status !== Status.ok) return reject(new B2Error(status, fromUtf8(payload)));
      try {
        resolve(method.response.decode(payload));
      } catch (error) {
        reject(error);
      }
    },
  };
}

/** Messages that have come and are not read yet. */
class Arrivals implements Waiting {
  readonly keeps = true;
  readonly messages: Bytes[] = [];
  ended: { readonly status: Status; readonly payload: Bytes } | undefined;
  private wake: () => void = () => undefined;

  message(bytes: Bytes): void {
    this.messages.push(bytes);
    this.wake();
  }

  end(status: Status, payload: Bytes, empty: boolean): void {
    if (status === Status.ok && !empty) this.messages.push(payload);
    this.ended = { status, payload };
    this.wake();
  }

  /** Resolves when something has come. */
  next(): Promise<void> {
    return new Promise<void>((resolve) => (this.wake = resolve));
  }
}

const now = (): number => performance.now();

export class Endpoint {
  private readonly channel: Channel;
  private readonly waiting = new Map<number, Waiting>();
  private readonly handlers = new Map<number, AbortController>();
  private readonly incoming = new Map<number, Arrivals>(); // streams of callers
  private drains: { readonly id: number; readonly resolve: () => void }[] = []; // writers that wait for room
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerAt = Infinity;
  private busy = false;

  constructor(
    role: Role,
    hello: Hello,
    private readonly transport: Transport,
    private readonly on: EndpointEvents = {},
  ) {
    this.channel = new Channel(role, hello, now());
    this.settle();
  }

  get isOpen(): boolean {
    return this.channel.isOpen;
  }

  /** What the other side serves. */
  services(): ServiceEntry[] {
    return this.channel.methods.list();
  }

  receive(bytes: Bytes): void {
    this.channel.receive(bytes, now());
    this.settle();
  }

  transportClosed(reason: string): void {
    this.channel.transportClosed(reason);
    this.settle();
  }

  goAway(message: string): void {
    this.channel.goAway(message, now());
    this.settle();
  }

  /** One request, one answer. Rejects with B2Error. */
  call<Q, A>(method: Method<Q, A>, request: Init<Q>, control: CallControl = {}): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      this.start(method, request, control, answerTo(method, resolve, reject));
    });
  }

  /** The messages of a server stream. Leaving the loop early cancels it; a failure is thrown as B2Error. */
  async *stream<Q, A>(method: Method<Q, A>, request: Init<Q>, control: CallControl = {}): AsyncGenerator<A, void, void> {
    const arrivals = new Arrivals();
    yield* this.arriving(method, this.start(method, request, control, arrivals), arrivals);
  }

  /** A stream of messages there, one answer back; it rejects with B2Error, also while messages are still being written. */
  upload<Q, A>(method: Method<Q, A>, control: CallControl = {}): Upload<Q> & { readonly answer: Promise<A> } {
    let id = -1;
    const answer = new Promise<A>((resolve, reject) => {
      id = this.start(method, undefined, control, answerTo(method, resolve, reject));
    });
    answer.catch(() => undefined); // it is heard of where the answer is awaited, which may be after the last write
    return { ...this.writing(method, id), answer };
  }

  /** Streams both ways; the messages back are those of stream(). */
  converse<Q, A>(method: Method<Q, A>, control: CallControl = {}): Upload<Q> & { readonly messages: AsyncGenerator<A, void, void> } {
    const arrivals = new Arrivals();
    const id = this.start(method, undefined, control, arrivals);
    return { ...this.writing(method, id), messages: this.arriving(method, id, arrivals) };
  }

  private writing<Q, A>(method: Method<Q, A>, id: number): Upload<Q> {
    return {
      write: (message) => {
        this.channel.send(id, method.request.encode(message), now());
        const room = new Promise<void>((resolve) => this.drains.push({ id, resolve }));
        this.settle();
        return room;
      },
      finish: () => {
        this.channel.finish(id, now());
        this.settle();
      },
    };
  }

  private async *arriving<Q, A>(method: Method<Q, A>, id: number, arrivals: Arrivals): AsyncGenerator<A, void, void> {
    try {
      for await (const bytes of this.bytesOf(id, arrivals)) yield method.response.decode(bytes);
    } finally {
      this.abandon(id);
    }
  }

  /** What arrives, each message given back to its window when it is taken; what is not, when nobody takes any more. */
  private async *bytesOf(id: number, arrivals: Arrivals): AsyncGenerator<Bytes, void, void> {
    try {
      for (;;) {
        const bytes = arrivals.messages.shift();
        if (bytes !== undefined) {
          this.channel.consumed(id, bytes.length, now());
          this.settle();
          yield bytes;
        } else if (arrivals.ended !== undefined) {
          const { status, payload } = arrivals.ended;
          if (status !== Status.ok) throw new B2Error(status, fromUtf8(payload));
          return;
        } else {
          await arrivals.next();
        }
      }
    } finally {
      for (const bytes of arrivals.messages.splice(0)) this.channel.consumed(id, bytes.length, now());
      this.settle();
    }
  }

  /** @param request  nothing for a method that takes a stream */
  private start<Q, A>(method: Method<Q, A>, request: Init<Q> | undefined, control: CallControl, waiting: Waiting): number {
    const index = this.channel.methods.index(method.service, method.name);
    if (index === undefined) {
      waiting.end(Status.unsupported, toUtf8(`the other side does not serve ${method.service}/${method.name}`), false);
      return -1;
    }
    if (control.signal?.aborted) {
      waiting.end(Status.cancelled, toUtf8('cancelled before it was sent'), false);
      return -1;
    }
    const id = this.channel.call(index, request === undefined ? undefined : method.request.encode(request), control, now());
    this.waiting.set(id, waiting);
    control.signal?.addEventListener('abort', () => {
      if (this.abandon(id)) waiting.end(Status.cancelled, toUtf8('cancelled'), false);
    });
    this.settle();
    return id;
  }

  /** False when the call has ended already. */
  private abandon(id: number): boolean {
    if (!this.waiting.delete(id)) return false;
    this.channel.cancel(id, now());
    this.settle();
    return true;
  }

  /** Carries out what the channel wants: bytes to send, events to tell, a time to be woken at. */
  private settle(): void {
    if (this.busy) return; // an event's handler made a call; the loop below goes on
    this.busy = true;
    try {
      while (this.carryOut());
    } finally {
      this.busy = false;
      this.arm();
      this.drain();
    }
  }

  /** Lets those write on whose messages have left, or are of no use any more. */
  private drain(): void {
    if (this.drains.length === 0) return;
    const done = this.drains.filter(({ id }) => this.channel.waiting(id) === 0);
    this.drains = this.drains.filter((drain) => !done.includes(drain));
    for (const { resolve } of done) resolve();
  }

  /** False when there was nothing to carry out. */
  private carryOut(): boolean {
    const bytes = this.channel.take();
    if (bytes.length > 0) this.transport.send(bytes);
    const events = this.channel.takeEvents();
    for (const event of events) this.tell(event);
    return bytes.length > 0 || events.length > 0;
  }

  private tell(event: ChannelEvent): void {
    switch (event.kind) {
      case 'open':
        return this.on.open?.(event.hello);
      case 'services':
        return this.on.services?.();
      case 'call':
        return this.onCall(event);
      case 'message': {
        const waiting = this.waiting.get(event.stream) ?? this.incoming.get(event.stream);
        if (waiting === undefined) this.channel.consumed(event.stream, event.message.length, now()); // nobody waits any more
        return waiting?.message(event.message);
      }
      case 'answer': {
        const { stream, status, payload, empty } = event;
        const waiting = this.waiting.get(stream);
        this.waiting.delete(stream);
        if (!waiting?.keeps || status !== Status.ok || empty) this.channel.consumed(stream, payload.length, now());
        return waiting?.end(status, payload, empty);
      }
      case 'requestEnd':
        return this.incoming.get(event.stream)?.end(Status.ok, kNoBytes, true);
      case 'cancelled':
        this.incoming.get(event.stream)?.end(event.status, toUtf8('the caller gave up, or the deadline passed'), true);
        return this.handlers.get(event.stream)?.abort();
      case 'goaway':
        return event.status === Status.ok ? this.on.leaving?.(event.message) : undefined;
      case 'closed':
        this.transport.close();
        return this.on.closed?.(event.status, event.message);
    }
  }

  private onCall(event: ChannelEvent & { kind: 'call' }): void {
    const { stream, method, request, metadata } = event;
    const controller = new AbortController();
    this.handlers.set(stream, controller);
    this.channel.consumed(stream, request.length, now());
    const arrivals = new Arrivals();
    if (event.takesStream) this.incoming.set(stream, arrivals);
    else arrivals.end(Status.ok, kNoBytes, true);
    const finish = (status: Status, payload: Bytes | undefined) => {
      if (!this.handlers.delete(stream)) return;
      this.incoming.delete(stream);
      for (const bytes of arrivals.messages.splice(0)) this.channel.consumed(stream, bytes.length, now());
      this.channel.respond(stream, status, payload, now());
      this.settle();
    };
    const call: IncomingCall = {
      method,
      request,
      messages: this.bytesOf(stream, arrivals),
      metadata,
      signal: controller.signal,
      send: (message) => {
        this.channel.send(stream, message, now());
        this.settle();
        return this.channel.waiting(stream);
      },
      write: (message) => {
        this.channel.send(stream, message, now());
        const room = new Promise<void>((resolve) => this.drains.push({ id: stream, resolve }));
        this.settle();
        return room;
      },
      finish: (answer) => finish(Status.ok, answer),
      fail: (status, message) => finish(status, toUtf8(message)),
    };
    this.handle(call).catch((error: unknown) => call.fail(error instanceof B2Error ? error.status : Status.unknown, String((error as Error).message)));
  }

  private async handle(call: IncomingCall): Promise<void> {
    if (this.on.call === undefined) call.fail(Status.unsupported, 'this side answers no calls');
    else await this.on.call(call);
  }

  private arm(): void {
    const at = this.channel.nextWakeup();
    if (at === this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    if (at === Infinity) return;
    this.timer = setTimeout(
      () => {
        this.timerAt = Infinity;
        this.channel.onTime(now());
        this.settle();
      },
      Math.max(0, Math.ceil(at - now())),
    );
  }
}
