// Made by protoc-gen-b2 from b2/v1/nats.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { ServiceEntryCodec, type ServiceEntry } from '../../b2/v1/hello';

export interface NatsInterest {
  pattern: string;
  /** "" for none */
  group: string;
}
export const NatsInterestCodec: b2.Codec<NatsInterest> = b2.codec('b2.v1.NatsInterest', [
  b2.plain(1, 'pattern', 'string'),
  b2.plain(2, 'group', 'string'),
]);
export const encodeNatsInterest = (message: b2.Init<NatsInterest>): Uint8Array => NatsInterestCodec.encode(message);
export const decodeNatsInterest = (bytes: Uint8Array): NatsInterest => NatsInterestCodec.decode(bytes);

export interface NatsHello {
  /** the node's, in DER */
  certificate: Uint8Array;
  name: string;
  program: string;
  /** how long its bridge has been there */
  upMs: bigint;
  /** the number of its last tide */
  tide: bigint;
  interests: NatsInterest[];
  addresses: string[];
  services: ServiceEntry[];
}
export const NatsHelloCodec: b2.Codec<NatsHello> = b2.codec('b2.v1.NatsHello', [
  b2.plain(1, 'certificate', 'bytes'),
  b2.plain(2, 'name', 'string'),
  b2.plain(3, 'program', 'string'),
  b2.plain(4, 'upMs', 'uint64'),
  b2.plain(5, 'tide', 'uint64'),
  b2.list(6, 'interests', () => NatsInterestCodec),
  b2.list(7, 'addresses', 'string'),
  b2.list(8, 'services', () => ServiceEntryCodec),
]);
export const encodeNatsHello = (message: b2.Init<NatsHello>): Uint8Array => NatsHelloCodec.encode(message);
export const decodeNatsHello = (bytes: Uint8Array): NatsHello => NatsHelloCodec.decode(bytes);

export interface NatsTopic {
  subject: string;
  run: bigint;
  sequence: bigint;
  data: Uint8Array;
  /** for one member of this group */
  group: string;
  /** of a message for a group: grows from one to the next */
  id: bigint;
}
export const NatsTopicCodec: b2.Codec<NatsTopic> = b2.codec('b2.v1.NatsTopic', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'run', 'uint64'),
  b2.plain(3, 'sequence', 'uint64'),
  b2.plain(4, 'data', 'bytes'),
  b2.plain(5, 'group', 'string'),
  b2.plain(6, 'id', 'uint64'),
]);
export const encodeNatsTopic = (message: b2.Init<NatsTopic>): Uint8Array => NatsTopicCodec.encode(message);
export const decodeNatsTopic = (bytes: Uint8Array): NatsTopic => NatsTopicCodec.decode(bytes);

export interface NatsPosition {
  subject: string;
  run: bigint;
  /** of the last message */
  sequence: bigint;
}
export const NatsPositionCodec: b2.Codec<NatsPosition> = b2.codec('b2.v1.NatsPosition', [
  b2.plain(1, 'subject', 'string'),
  b2.plain(2, 'run', 'uint64'),
  b2.plain(3, 'sequence', 'uint64'),
]);
export const encodeNatsPosition = (message: b2.Init<NatsPosition>): Uint8Array => NatsPositionCodec.encode(message);
export const decodeNatsPosition = (bytes: Uint8Array): NatsPosition => NatsPositionCodec.decode(bytes);

export interface NatsGroupLoss {
  group: string;
  subject: string;
  /** messages for the group that nobody said to have taken, in this life of the node */
  total: bigint;
}
export const NatsGroupLossCodec: b2.Codec<NatsGroupLoss> = b2.codec('b2.v1.NatsGroupLoss', [
  b2.plain(1, 'group', 'string'),
  b2.plain(2, 'subject', 'string'),
  b2.plain(3, 'total', 'uint64'),
]);
export const encodeNatsGroupLoss = (message: b2.Init<NatsGroupLoss>): Uint8Array => NatsGroupLossCodec.encode(message);
export const decodeNatsGroupLoss = (bytes: Uint8Array): NatsGroupLoss => NatsGroupLossCodec.decode(bytes);

export interface NatsTide {
  /** each next one is one more */
  tide: bigint;
  /** that changed since the tide before */
  positions: NatsPosition[];
  losses: NatsGroupLoss[];
}
export const NatsTideCodec: b2.Codec<NatsTide> = b2.codec('b2.v1.NatsTide', [
  b2.plain(1, 'tide', 'uint64'),
  b2.list(2, 'positions', () => NatsPositionCodec),
  b2.list(3, 'losses', () => NatsGroupLossCodec),
]);
export const encodeNatsTide = (message: b2.Init<NatsTide>): Uint8Array => NatsTideCodec.encode(message);
export const decodeNatsTide = (bytes: Uint8Array): NatsTide => NatsTideCodec.decode(bytes);

export interface NatsAsk {
  /** of the asker's interests */
  generation: bigint;
  /** all it has */
  interests: NatsInterest[];
  /** asks for a hello, too */
  who: boolean;
}
export const NatsAskCodec: b2.Codec<NatsAsk> = b2.codec('b2.v1.NatsAsk', [
  b2.plain(1, 'generation', 'uint64'),
  b2.list(2, 'interests', () => NatsInterestCodec),
  b2.plain(3, 'who', 'bool'),
]);
export const encodeNatsAsk = (message: b2.Init<NatsAsk>): Uint8Array => NatsAskCodec.encode(message);
export const decodeNatsAsk = (bytes: Uint8Array): NatsAsk => NatsAskCodec.decode(bytes);

export interface NatsPositions {
  /** of the question */
  generation: bigint;
  /** the last before this answer */
  tide: bigint;
  /** 0, 1, … */
  part: number;
  /** another part follows */
  more: boolean;
  positions: NatsPosition[];
  losses: NatsGroupLoss[];
}
export const NatsPositionsCodec: b2.Codec<NatsPositions> = b2.codec('b2.v1.NatsPositions', [
  b2.plain(1, 'generation', 'uint64'),
  b2.plain(2, 'tide', 'uint64'),
  b2.plain(3, 'part', 'uint32'),
  b2.plain(4, 'more', 'bool'),
  b2.list(5, 'positions', () => NatsPositionCodec),
  b2.list(6, 'losses', () => NatsGroupLossCodec),
]);
export const encodeNatsPositions = (message: b2.Init<NatsPositions>): Uint8Array => NatsPositionsCodec.encode(message);
export const decodeNatsPositions = (bytes: Uint8Array): NatsPositions => NatsPositionsCodec.decode(bytes);

export interface NatsTaken {
  id: bigint;
  /** false: no member is left here */
  taken: boolean;
}
export const NatsTakenCodec: b2.Codec<NatsTaken> = b2.codec('b2.v1.NatsTaken', [
  b2.plain(1, 'id', 'uint64'),
  b2.plain(2, 'taken', 'bool'),
]);
export const encodeNatsTaken = (message: b2.Init<NatsTaken>): Uint8Array => NatsTakenCodec.encode(message);
export const decodeNatsTaken = (bytes: Uint8Array): NatsTaken => NatsTakenCodec.decode(bytes);

export interface NatsBye {
  /** its last */
  tide: bigint;
}
export const NatsByeCodec: b2.Codec<NatsBye> = b2.codec('b2.v1.NatsBye', [
  b2.plain(1, 'tide', 'uint64'),
]);
export const encodeNatsBye = (message: b2.Init<NatsBye>): Uint8Array => NatsByeCodec.encode(message);
export const decodeNatsBye = (bytes: Uint8Array): NatsBye => NatsByeCodec.decode(bytes);

export interface NatsCall {
  /** 16 random bytes */
  id: Uint8Array;
  service: string;
  method: string;
  /** from receipt until the deadline */
  timeoutMs: number;
  request: Uint8Array;
}
export const NatsCallCodec: b2.Codec<NatsCall> = b2.codec('b2.v1.NatsCall', [
  b2.plain(1, 'id', 'bytes'),
  b2.plain(2, 'service', 'string'),
  b2.plain(3, 'method', 'string'),
  b2.plain(4, 'timeoutMs', 'uint32'),
  b2.plain(5, 'request', 'bytes'),
]);
export const encodeNatsCall = (message: b2.Init<NatsCall>): Uint8Array => NatsCallCodec.encode(message);
export const decodeNatsCall = (bytes: Uint8Array): NatsCall => NatsCallCodec.decode(bytes);

export interface NatsResult {
  id: Uint8Array;
  /** 0, or why it failed (§5) */
  status: number;
  message: string;
  response: Uint8Array;
}
export const NatsResultCodec: b2.Codec<NatsResult> = b2.codec('b2.v1.NatsResult', [
  b2.plain(1, 'id', 'bytes'),
  b2.plain(2, 'status', 'uint32'),
  b2.plain(3, 'message', 'string'),
  b2.plain(4, 'response', 'bytes'),
]);
export const encodeNatsResult = (message: b2.Init<NatsResult>): Uint8Array => NatsResultCodec.encode(message);
export const decodeNatsResult = (bytes: Uint8Array): NatsResult => NatsResultCodec.decode(bytes);

export interface NatsCancel {
  id: Uint8Array;
}
export const NatsCancelCodec: b2.Codec<NatsCancel> = b2.codec('b2.v1.NatsCancel', [
  b2.plain(1, 'id', 'bytes'),
]);
export const encodeNatsCancel = (message: b2.Init<NatsCancel>): Uint8Array => NatsCancelCodec.encode(message);
export const decodeNatsCancel = (bytes: Uint8Array): NatsCancel => NatsCancelCodec.decode(bytes);

/** What nodes say to each other through NATS (docs/spec/b2.md §15): 64 bytes of Ed25519 signature, then a NatsEnvelope. */
export interface NatsEnvelope {
  /** who says it, */
  node: Uint8Array;
  /** in which life */
  epoch: bigint;
  /** when, since 1970 by its clock */
  sentMs: bigint;
  /** whom it is for; empty for all */
  to: Uint8Array;
  toEpoch: bigint;
  /** At most one of the members of `body` is there. */
  hello?: NatsHello | undefined;
  /** At most one of the members of `body` is there. */
  topic?: NatsTopic | undefined;
  /** At most one of the members of `body` is there. */
  tide?: NatsTide | undefined;
  /** At most one of the members of `body` is there. */
  ask?: NatsAsk | undefined;
  /** At most one of the members of `body` is there. */
  positions?: NatsPositions | undefined;
  /** At most one of the members of `body` is there. */
  taken?: NatsTaken | undefined;
  /** At most one of the members of `body` is there. */
  bye?: NatsBye | undefined;
  /** At most one of the members of `body` is there. */
  call?: NatsCall | undefined;
  /** At most one of the members of `body` is there. */
  result?: NatsResult | undefined;
  /** At most one of the members of `body` is there. */
  cancel?: NatsCancel | undefined;
}
export const NatsEnvelopeCodec: b2.Codec<NatsEnvelope> = b2.codec('b2.v1.NatsEnvelope', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'epoch', 'uint64'),
  b2.plain(3, 'sentMs', 'uint64'),
  b2.plain(4, 'to', 'bytes'),
  b2.plain(5, 'toEpoch', 'uint64'),
  b2.choice('body', 8, 'hello', () => NatsHelloCodec),
  b2.choice('body', 9, 'topic', () => NatsTopicCodec),
  b2.choice('body', 10, 'tide', () => NatsTideCodec),
  b2.choice('body', 11, 'ask', () => NatsAskCodec),
  b2.choice('body', 12, 'positions', () => NatsPositionsCodec),
  b2.choice('body', 13, 'taken', () => NatsTakenCodec),
  b2.choice('body', 14, 'bye', () => NatsByeCodec),
  b2.choice('body', 15, 'call', () => NatsCallCodec),
  b2.choice('body', 16, 'result', () => NatsResultCodec),
  b2.choice('body', 17, 'cancel', () => NatsCancelCodec),
]);
export const encodeNatsEnvelope = (message: b2.Init<NatsEnvelope>): Uint8Array => NatsEnvelopeCodec.encode(message);
export const decodeNatsEnvelope = (bytes: Uint8Array): NatsEnvelope => NatsEnvelopeCodec.decode(bytes);

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.NatsInterest': NatsInterestCodec,
  'b2.v1.NatsHello': NatsHelloCodec,
  'b2.v1.NatsTopic': NatsTopicCodec,
  'b2.v1.NatsPosition': NatsPositionCodec,
  'b2.v1.NatsGroupLoss': NatsGroupLossCodec,
  'b2.v1.NatsTide': NatsTideCodec,
  'b2.v1.NatsAsk': NatsAskCodec,
  'b2.v1.NatsPositions': NatsPositionsCodec,
  'b2.v1.NatsTaken': NatsTakenCodec,
  'b2.v1.NatsBye': NatsByeCodec,
  'b2.v1.NatsCall': NatsCallCodec,
  'b2.v1.NatsResult': NatsResultCodec,
  'b2.v1.NatsCancel': NatsCancelCodec,
  'b2.v1.NatsEnvelope': NatsEnvelopeCodec,
};
