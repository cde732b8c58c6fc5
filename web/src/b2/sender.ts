/** Writes frames within the peer's windows, in turn where several streams have data waiting (docs/spec/b2.md §4). */
import { concat, type Bytes } from './bytes';
import { writeExtensions } from './extensions';
import { Flag, FrameType, writeFrame, type FrameParts } from './frame';
import type { ReceiveWindow, SendWindow } from './limits';
import { frameTypeOf, type Outgoing, type Stream } from './stream';

const kFairBytes = 16 * 1024; // of a frame while others wait
const kLeastPart = 1024; // bytes; the connection's window cuts off no part that is smaller

export class Sender {
  private out: Bytes[] = [];
  private turn: Stream[] = []; // streams with something to send, the next first

  /** @param ours  the window of the connection we give the peer; its credit rides on every frame */
  constructor(private readonly ours: ReceiveWindow) {}

  /** All bytes written since the last time. */
  take(): Bytes {
    const bytes = concat(this.out);
    this.out = [];
    return bytes;
  }

  raw(bytes: Bytes): void {
    this.out.push(bytes);
  }

  /** A frame that no window holds back. */
  control(type: number, parts: FrameParts = {}): void {
    this.out.push(writeFrame(type, { ...parts, credit: this.ours.grant() }));
  }

  wants(stream: Stream): void {
    if (!this.turn.includes(stream)) this.turn.push(stream);
  }

  forget(stream: Stream): void {
    this.turn = this.turn.filter((other) => other !== stream);
  }

  /**
   * Sends what the windows allow. CALLs leave in the order of their numbers, as they must grow.
   * @param mayOpen  whether the peer takes one more stream
   * @param done     called when a message of ours that was the last on its stream has left
   */
  pump(window: SendWindow, frameBytes: number, now: number, mayOpen: () => boolean, done: (stream: Stream) => void): void {
    let idle = 0; // streams seen since the last one that could send
    while (this.turn.length > 0 && idle < this.turn.length) {
      const stream = this.turn.shift()!;
      const blocked = !stream.sent && (!mayOpen() || this.turn.some((other) => !other.sent && other.id < stream.id));
      const limit = this.turn.length > 0 ? Math.min(frameBytes, kFairBytes) : frameBytes;
      if (blocked || !this.part(stream, stream.outgoing[0]!, window, limit, now)) {
        this.turn.push(stream);
        ++idle;
        continue;
      }
      idle = 0;
      const message = stream.outgoing[0]!;
      if (message.at === message.payload.length) {
        stream.outgoing.shift();
        if (message.end) done(stream);
      }
      if (stream.outgoing.length > 0) this.turn.push(stream);
    }
  }

  /** Sends the next part of `message`; false when the windows have no room for it. */
  private part(stream: Stream, message: Outgoing, window: SendWindow, limit: number, now: number): boolean {
    const left = message.payload.length - message.at;
    const bytes = Math.min(left, limit, window.left, stream.sendWindow.left);
    if (bytes < Math.min(left, kLeastPart) && bytes === window.left) return false;
    if (left > 0 && (bytes <= 0 || (message.at === 0 && bytes < message.whole))) return false;
    const isLast = bytes === left;
    const first = message.at === 0;
    const isCall = message.type === FrameType.call && first;
    const parts: FrameParts = {
      stream: stream.id,
      flags: (isLast ? 0 : Flag.more) | (endsHere(message, isLast) ? Flag.end : 0) | (first && message.whole > 0 ? Flag.meta : 0),
      code: isCall ? stream.method : isLast ? message.code : 0,
      payload: message.payload.subarray(message.at, message.at + bytes),
    };
    const type = frameTypeOf(message, isLast);
    this.control(type, isCall ? { ...parts, extensions: callExtensions(stream, now) } : parts);
    stream.sent = true;
    message.at += bytes;
    window.left -= bytes;
    stream.sendWindow.left -= bytes;
    return true;
  }
}

/** END on the last part of a request says that it is whole, on RESP that there is no message. */
function endsHere(message: Outgoing, isLast: boolean): boolean {
  return message.type === FrameType.resp ? message.empty : isLast && message.end;
}

const kRounding = 1e-6; // ms: (now + 200) - now may be 200.00000000000003

function callExtensions(stream: Stream, now: number): Bytes {
  return writeExtensions({
    ...(stream.deadline === Infinity ? {} : { timeoutMs: Math.max(0, Math.min(0xffffffff, Math.ceil(stream.deadline - now - kRounding))) }),
    ...(stream.idempotencyKey === undefined ? {} : { idempotencyKey: stream.idempotencyKey }),
    ...(stream.epoch === undefined ? {} : { epoch: stream.epoch }),
  });
}
