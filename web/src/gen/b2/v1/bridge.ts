// Made by protoc-gen-b2 from b2/v1/bridge.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { ServiceEntryCodec, type ServiceEntry } from '../../b2/v1/hello';

export interface BridgeListRequest {
}
export const BridgeListRequestCodec: b2.Codec<BridgeListRequest> = b2.codec('b2.v1.BridgeListRequest', [
]);
export const encodeBridgeListRequest = (message: b2.Init<BridgeListRequest>): Uint8Array => BridgeListRequestCodec.encode(message);
export const decodeBridgeListRequest = (bytes: Uint8Array): BridgeListRequest => BridgeListRequestCodec.decode(bytes);

export interface BridgeNode {
  node: Uint8Array;
  epoch: bigint;
  name: string;
  /** "ghostlight 0.1.0" */
  program: string;
  /** heard of within 7 s */
  alive: boolean;
  /** how long ago */
  heardMs: bigint;
  /** where it listens */
  addresses: string[];
  services: ServiceEntry[];
}
export const BridgeNodeCodec: b2.Codec<BridgeNode> = b2.codec('b2.v1.BridgeNode', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'epoch', 'uint64'),
  b2.plain(3, 'name', 'string'),
  b2.plain(4, 'program', 'string'),
  b2.plain(5, 'alive', 'bool'),
  b2.plain(6, 'heardMs', 'uint64'),
  b2.list(7, 'addresses', 'string'),
  b2.list(8, 'services', () => ServiceEntryCodec),
]);
export const encodeBridgeNode = (message: b2.Init<BridgeNode>): Uint8Array => BridgeNodeCodec.encode(message);
export const decodeBridgeNode = (bytes: Uint8Array): BridgeNode => BridgeNodeCodec.decode(bytes);

export interface BridgeCounts {
  /** messages of topics */
  sent: bigint;
  received: bigint;
  /** told to subscriptions here as dropped */
  lost: bigint;
  /** that came twice, or after they had been told as lost */
  stale: bigint;
  /** without a valid signature, too old, or of one who may not */
  refused: bigint;
  /** that found the queue to the broker, or from it, full */
  overflow: bigint;
  reconnects: bigint;
  callsMade: bigint;
  callsTaken: bigint;
  /** requests that came again, and were not carried out again */
  callsRepeated: bigint;
}
export const BridgeCountsCodec: b2.Codec<BridgeCounts> = b2.codec('b2.v1.BridgeCounts', [
  b2.plain(1, 'sent', 'uint64'),
  b2.plain(2, 'received', 'uint64'),
  b2.plain(3, 'lost', 'uint64'),
  b2.plain(4, 'stale', 'uint64'),
  b2.plain(5, 'refused', 'uint64'),
  b2.plain(6, 'overflow', 'uint64'),
  b2.plain(7, 'reconnects', 'uint64'),
  b2.plain(8, 'callsMade', 'uint64'),
  b2.plain(9, 'callsTaken', 'uint64'),
  b2.plain(10, 'callsRepeated', 'uint64'),
]);
export const encodeBridgeCounts = (message: b2.Init<BridgeCounts>): Uint8Array => BridgeCountsCodec.encode(message);
export const decodeBridgeCounts = (bytes: Uint8Array): BridgeCounts => BridgeCountsCodec.decode(bytes);

export interface BridgeListResponse {
  connected: boolean;
  /** the broker's server that this node is connected to */
  server: string;
  /** why it is not, for a person */
  problem: string;
  /** others, heard of within the last 10 minutes */
  nodes: BridgeNode[];
  counts?: BridgeCounts | undefined;
}
export const BridgeListResponseCodec: b2.Codec<BridgeListResponse> = b2.codec('b2.v1.BridgeListResponse', [
  b2.plain(1, 'connected', 'bool'),
  b2.plain(2, 'server', 'string'),
  b2.plain(3, 'problem', 'string'),
  b2.list(4, 'nodes', () => BridgeNodeCodec),
  b2.optional(5, 'counts', () => BridgeCountsCodec),
]);
export const encodeBridgeListResponse = (message: b2.Init<BridgeListResponse>): Uint8Array => BridgeListResponseCodec.encode(message);
export const decodeBridgeListResponse = (bytes: Uint8Array): BridgeListResponse => BridgeListResponseCodec.decode(bytes);

export interface BridgeCallRequest {
  /** its name, its words, or 8 or more digits of its id; "" for one that serves the method */
  node: string;
  service: string;
  method: string;
  /** at most 512 KiB */
  request: Uint8Array;
}
export const BridgeCallRequestCodec: b2.Codec<BridgeCallRequest> = b2.codec('b2.v1.BridgeCallRequest', [
  b2.plain(1, 'node', 'string'),
  b2.plain(2, 'service', 'string'),
  b2.plain(3, 'method', 'string'),
  b2.plain(4, 'request', 'bytes'),
]);
export const encodeBridgeCallRequest = (message: b2.Init<BridgeCallRequest>): Uint8Array => BridgeCallRequestCodec.encode(message);
export const decodeBridgeCallRequest = (bytes: Uint8Array): BridgeCallRequest => BridgeCallRequestCodec.decode(bytes);

export interface BridgeCallResponse {
  response: Uint8Array;
  /** who answered */
  node: string;
}
export const BridgeCallResponseCodec: b2.Codec<BridgeCallResponse> = b2.codec('b2.v1.BridgeCallResponse', [
  b2.plain(1, 'response', 'bytes'),
  b2.plain(2, 'node', 'string'),
]);
export const encodeBridgeCallResponse = (message: b2.Init<BridgeCallResponse>): Uint8Array => BridgeCallResponseCodec.encode(message);
export const decodeBridgeCallResponse = (bytes: Uint8Array): BridgeCallResponse => BridgeCallResponseCodec.decode(bytes);

/** The nodes of the house that are reached by NATS (docs/spec/b2.md §15), and calls to them. */
export const Bridge = {
  /** Who is there, with what they serve. */
  list: {
    service: 'b2.v1.Bridge', name: 'List', kind: 'unary', idempotent: true, needs: '',
    request: BridgeListRequestCodec, response: BridgeListResponseCodec,
  } satisfies b2.Method<BridgeListRequest, BridgeListResponse>,
  /** Calls a unary method on another node, once at most. The caller needs here the right that the method needs there. */
  callNode: {
    service: 'b2.v1.Bridge', name: 'CallNode', kind: 'unary', idempotent: false, needs: '',
    request: BridgeCallRequestCodec, response: BridgeCallResponseCodec,
  } satisfies b2.Method<BridgeCallRequest, BridgeCallResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.BridgeListRequest': BridgeListRequestCodec,
  'b2.v1.BridgeNode': BridgeNodeCodec,
  'b2.v1.BridgeCounts': BridgeCountsCodec,
  'b2.v1.BridgeListResponse': BridgeListResponseCodec,
  'b2.v1.BridgeCallRequest': BridgeCallRequestCodec,
  'b2.v1.BridgeCallResponse': BridgeCallResponseCodec,
};
