// Made by protoc-gen-b2 from b2/v1/topics.proto: change that, not this.
import * as b2 from '../../../b2/proto';

/** What happens to a message for which a subscription's queue has no room. */
export enum TopicPolicy {
  /** the oldest that waits makes room */
  drop_oldest = 0,
  /** it is dropped itself */
  drop_newest = 1,
  /** its publisher waits */
  block = 2,
  /** the subscription ends */
  disconnect = 3,
}

export interface PublishRequest {
  /** without wildcards, at most 255 bytes */
  subject: string;
  /** at most 1 MiB */
  data: Uint8Array;
}
export const PublishRequestCodec: b2.Codec<PublishRequest> = b2.codec('b2.v1.PublishRequest', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'data', 'bytes'),
]);
export const encodePublishRequest = (message: b2.Init<PublishRequest>): Uint8Array => PublishRequestCodec.encode(message);
export const decodePublishRequest = (bytes: Uint8Array): PublishRequest => PublishRequestCodec.decode(bytes);

export interface PublishResponse {
  /** of the message in its subject */
  sequence: bigint;
  /** subscriptions in whose queues it stands */
  delivered: number;
  /** sequence numbers are of this life of the node */
  epoch: bigint;
}
export const PublishResponseCodec: b2.Codec<PublishResponse> = b2.codec('b2.v1.PublishResponse', [
  b2.plain(1, 'sequence', 'uint64'),
  b2.plain(2, 'delivered', 'uint32'),
  b2.plain(3, 'epoch', 'uint64'),
]);
export const encodePublishResponse = (message: b2.Init<PublishResponse>): Uint8Array => PublishResponseCodec.encode(message);
export const decodePublishResponse = (bytes: Uint8Array): PublishResponse => PublishResponseCodec.decode(bytes);

export interface TopicPosition {
  subject: string;
  from: bigint;
}
export const TopicPositionCodec: b2.Codec<TopicPosition> = b2.codec('b2.v1.TopicPosition', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'from', 'uint64'),
]);
export const encodeTopicPosition = (message: b2.Init<TopicPosition>): Uint8Array => TopicPositionCodec.encode(message);
export const decodeTopicPosition = (bytes: Uint8Array): TopicPosition => TopicPositionCodec.decode(bytes);

export interface SubscribeRequest {
  /** at least one, at most 64; a message that fits several comes once */
  patterns: string[];
  /** of the subscriptions of one group, each message goes to one */
  group: string;
  policy: TopicPolicy;
  /** first the last message of each subject */
  last: boolean;
  /** first what is kept of each subject from this sequence number on; 0 for nothing */
  from: bigint;
  /** the same for single subjects, before `from`; at most 256 */
  positions: TopicPosition[];
  /** the life of the node that `from` and `positions` are of; 0 for this one */
  epoch: bigint;
}
export const SubscribeRequestCodec: b2.Codec<SubscribeRequest> = b2.codec('b2.v1.SubscribeRequest', [
  b2.list(1, 'patterns', 'string'),
  b2.plain(2, 'group', 'string'),
  b2.plain(3, 'policy', 'enum'),
  b2.plain(4, 'last', 'bool'),
  b2.plain(5, 'from', 'uint64'),
  b2.list(6, 'positions', () => TopicPositionCodec),
  b2.plain(7, 'epoch', 'uint64'),
]);
export const encodeSubscribeRequest = (message: b2.Init<SubscribeRequest>): Uint8Array => SubscribeRequestCodec.encode(message);
export const decodeSubscribeRequest = (bytes: Uint8Array): SubscribeRequest => SubscribeRequestCodec.decode(bytes);

export interface SubscribeAck {
  /** another than the one asked for: what is kept comes from its beginning */
  epoch: bigint;
  /** messages of before that follow */
  kept: number;
  /** messages asked for that are not kept any more */
  missed: bigint;
  /** past one machine: nodes, or the broker, that did not say in time that their messages come */
  unconfirmed: string[];
}
export const SubscribeAckCodec: b2.Codec<SubscribeAck> = b2.codec('b2.v1.SubscribeAck', [
  b2.plain(1, 'epoch', 'uint64'),
  b2.plain(2, 'kept', 'uint32'),
  b2.plain(3, 'missed', 'uint64'),
  b2.list(4, 'unconfirmed', 'string'),
]);
export const encodeSubscribeAck = (message: b2.Init<SubscribeAck>): Uint8Array => SubscribeAckCodec.encode(message);
export const decodeSubscribeAck = (bytes: Uint8Array): SubscribeAck => SubscribeAckCodec.decode(bytes);

/** Where a message was published, when that was another node (docs/spec/b2.md §15). */
export interface TopicOrigin {
  node: Uint8Array;
  /** the life of that node */
  epoch: bigint;
  /** in its subject, of those published there: with the same epoch and run each next one is one more */
  sequence: bigint;
  /** numbers start again at 1 in each run, whose numbers grow */
  run: bigint;
}
export const TopicOriginCodec: b2.Codec<TopicOrigin> = b2.codec('b2.v1.TopicOrigin', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'epoch', 'uint64'),
  b2.plain(3, 'sequence', 'uint64'),
  b2.plain(4, 'run', 'uint64'),
]);
export const encodeTopicOrigin = (message: b2.Init<TopicOrigin>): Uint8Array => TopicOriginCodec.encode(message);
export const decodeTopicOrigin = (bytes: Uint8Array): TopicOrigin => TopicOriginCodec.decode(bytes);

export interface TopicMessage {
  subject: string;
  /** in its subject: the first is 1, each next one more; 0 for one that a group got from another node */
  sequence: bigint;
  data: Uint8Array;
  /** of a message from another node */
  origin?: TopicOrigin | undefined;
}
export const TopicMessageCodec: b2.Codec<TopicMessage> = b2.codec('b2.v1.TopicMessage', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'sequence', 'uint64'),
  b2.plain(3, 'data', 'bytes'),
  b2.optional(4, 'origin', () => TopicOriginCodec),
]);
export const encodeTopicMessage = (message: b2.Init<TopicMessage>): Uint8Array => TopicMessageCodec.encode(message);
export const decodeTopicMessage = (bytes: Uint8Array): TopicMessage => TopicMessageCodec.decode(bytes);

export interface TopicDropped {
  /** messages that stood here */
  count: bigint;
  /** since the subscription began */
  total: bigint;
  /** and perhaps more, which cannot be counted: another node ended, went silent, or was not known before */
  uncounted: boolean;
}
export const TopicDroppedCodec: b2.Codec<TopicDropped> = b2.codec('b2.v1.TopicDropped', [
  b2.plain(1, 'count', 'uint64'),
  b2.plain(2, 'total', 'uint64'),
  b2.plain(3, 'uncounted', 'bool'),
]);
export const encodeTopicDropped = (message: b2.Init<TopicDropped>): Uint8Array => TopicDroppedCodec.encode(message);
export const decodeTopicDropped = (bytes: Uint8Array): TopicDropped => TopicDroppedCodec.decode(bytes);

export interface TopicEvent {
  /** At most one of the members of `event` is there. */
  ack?: SubscribeAck | undefined;
  /** At most one of the members of `event` is there. */
  message?: TopicMessage | undefined;
  /** At most one of the members of `event` is there. */
  dropped?: TopicDropped | undefined;
}
export const TopicEventCodec: b2.Codec<TopicEvent> = b2.codec('b2.v1.TopicEvent', [
  b2.choice('event', 1, 'ack', () => SubscribeAckCodec),
  b2.choice('event', 2, 'message', () => TopicMessageCodec),
  b2.choice('event', 3, 'dropped', () => TopicDroppedCodec),
]);
export const encodeTopicEvent = (message: b2.Init<TopicEvent>): Uint8Array => TopicEventCodec.encode(message);
export const decodeTopicEvent = (bytes: Uint8Array): TopicEvent => TopicEventCodec.decode(bytes);

/**
 * Messages by subject, from whoever may publish to whoever subscribed (docs/spec/b2.md §12). Subjects are NATS's: tokens between dots,
 * "archive.disc.42"; in a pattern "*" stands for one token and a last ">" for one or more.
 */
export const Topics = {
  /**
   * Gives one message to all who subscribed to its subject. Answered once it has its sequence number and its place in every queue;
   * while a subscription that blocks has no room, it waits for that until the call's deadline.
   */
  publish: {
    service: 'b2.v1.Topics', name: 'Publish', kind: 'unary', idempotent: false, needs: '',
    request: PublishRequestCodec, response: PublishResponseCodec,
  } satisfies b2.Method<PublishRequest, PublishResponse>,
  /** The first event is the acknowledgement: whatever is published after it was sent reaches the subscriber, or is told as dropped. */
  subscribe: {
    service: 'b2.v1.Topics', name: 'Subscribe', kind: 'server_stream', idempotent: false, needs: '',
    request: SubscribeRequestCodec, response: TopicEventCodec,
  } satisfies b2.Method<SubscribeRequest, TopicEvent>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.PublishRequest': PublishRequestCodec,
  'b2.v1.PublishResponse': PublishResponseCodec,
  'b2.v1.TopicPosition': TopicPositionCodec,
  'b2.v1.SubscribeRequest': SubscribeRequestCodec,
  'b2.v1.SubscribeAck': SubscribeAckCodec,
  'b2.v1.TopicOrigin': TopicOriginCodec,
  'b2.v1.TopicMessage': TopicMessageCodec,
  'b2.v1.TopicDropped': TopicDroppedCodec,
  'b2.v1.TopicEvent': TopicEventCodec,
};
