/** One call as the channel keeps it: what waits to be sent, what has come in, its windows and its deadline. */
import { concat, type Bytes } from './bytes';
import { FrameType } from './frame';
import { ReceiveWindow, SendWindow } from './limits';
import type { Metadata } from './metadata';

/** A message on its way out, cut into frames as the windows allow. */
export interface Outgoing {
  readonly type: number; // CALL, DATA or RESP; a cut CALL goes on in DATA, a cut answer starts in DATA and ends in RESP
  readonly payload: Bytes;
  readonly empty: boolean; // RESP: there is no message, not even one of no bytes
  readonly whole: number; // bytes at the start that must stand in the first frame: the metadata
  readonly code: number;
  readonly end: boolean; // nothing of ours follows on this stream
  at: number; // bytes sent
}

export class Stream {
  readonly outgoing: Outgoing[] = [];
  sent = false; // the CALL has left (caller), or came in (callee)
  deadline = Infinity; // on the clock the channel is told, ms
  handled = false; // callee: the request has been handed to the handler
  answered = false; // callee: RESP is on its way, or was not wanted any more
  takesStream = false; // callee: the caller sends messages, not one request
  peerDone = false; // callee: END has come
  requestDone = true; // caller: END has been handed over
  metadata: Metadata = [];
  idempotencyKey: Bytes | undefined;
  epoch: bigint | undefined; // of a call of ours
  readonly sendWindow: SendWindow;
  readonly receiveWindow: ReceiveWindow;
  private parts: Bytes[] = [];
  private length = 0;

  constructor(
    readonly id: number,
    readonly method: number,
    sendWindow: number,
    receiveWindow: number,
  ) {
    this.sendWindow = new SendWindow(sendWindow);
    this.receiveWindow = new ReceiveWindow(receiveWindow);
  }

  /** Bytes of the message that is being put together. */
  get assembled(): number {
    return this.length;
  }

  /** Whether a message is being put together, if only of empty parts so far. */
  get assembling(): boolean {
    return this.parts.length > 0;
  }

  keep(part: Bytes): void {
    this.parts.push(part);
    this.length += part.length;
  }

  /** The message that `last` completes. */
  complete(last: Bytes): Bytes {
    const message = this.parts.length === 0 ? last : concat([...this.parts, last]);
    this.drop();
    return message;
  }

  drop(): void {
    this.parts = [];
    this.length = 0;
  }
}

/** The type of the frame that carries `message` from byte `at` on. */
export function frameTypeOf(message: Outgoing, isLast: boolean): number {
  if (message.type === FrameType.call) return message.at === 0 ? FrameType.call : FrameType.data;
  if (message.type === FrameType.resp) return isLast ? FrameType.resp : FrameType.data;
  return message.type;
}
