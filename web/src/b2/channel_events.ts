/** What a Channel tells its owner, and what it is asked with. */
import type { Hello } from '../gen/b2/v1/hello';
import type { Bytes } from './bytes';
import type { Metadata } from './metadata';
import type { Status } from './status';

export type Role = 'dialer' | 'acceptor';

/** A call of the peer. Its handler ends it by Channel.respond(), once. Where the method takes a stream there is no request: events 'message' and 'requestEnd' follow. */
export interface CallEvent {
  readonly kind: 'call';
  readonly stream: number;
  readonly method: number;
  readonly request: Bytes;
  readonly takesStream: boolean;
  readonly metadata: Metadata;
  readonly deadline: number; // on the channel's clock; Infinity for none
  readonly idempotencyKey: Bytes | undefined;
}

/** The end of a call of ours. */
export interface AnswerEvent {
  readonly kind: 'answer';
  readonly stream: number;
  readonly status: Status;
  readonly payload: Bytes; // the answer, or a sentence when status is not 0
  readonly empty: boolean; // status 0 and no answer, not even one of no bytes
  readonly metadata: Metadata;
  readonly safeToRetry: boolean; // it certainly was not handled
}

export type ChannelEvent =
  | { readonly kind: 'open'; readonly hello: Hello }
  | { readonly kind: 'services' } // the peer's services changed; see methods
  | CallEvent
  | { readonly kind: 'message'; readonly stream: number; readonly message: Bytes } // of a stream, whoever called
  | { readonly kind: 'requestEnd'; readonly stream: number } // the caller has said END: no message follows
  | AnswerEvent
  | { readonly kind: 'cancelled'; readonly stream: number; readonly status: Status } // to the handler; it still has to respond()
  | { readonly kind: 'goaway'; readonly status: Status; readonly message: string }
  | { readonly kind: 'closed'; readonly status: Status; readonly message: string };

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly metadata?: Metadata;
  readonly idempotencyKey?: Bytes; // 16 bytes
  readonly epoch?: bigint; // boot epoch of the callee it is meant for: of a call that was sent before
}
