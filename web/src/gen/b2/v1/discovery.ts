// Made by protoc-gen-b2 from b2/v1/discovery.proto: change that, not this.
import * as b2 from '../../../b2/proto';
import { type Health } from '../../b2/v1/hello';

export enum FoundState {
  unknown = 0,
  /** says that it is of this house; not proven yet */
  heard = 1,
  /** its certificate was seen */
  proven = 2,
  unreachable = 3,
  /** of another house */
  foreign = 4,
}

export interface FoundService {
  name: string;
  version: string;
  /** when the list was read */
  health: Health;
}
export const FoundServiceCodec: b2.Codec<FoundService> = b2.codec('b2.v1.FoundService', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'version', 'string'),
  b2.plain(3, 'health', 'enum'),
]);
export const encodeFoundService = (message: b2.Init<FoundService>): Uint8Array => FoundServiceCodec.encode(message);
export const decodeFoundService = (bytes: Uint8Array): FoundService => FoundServiceCodec.decode(bytes);

export interface FoundNode {
  nodeId: Uint8Array;
  /** of TCP */
  port: number;
  bootEpoch: bigint;
  servicesHash: bigint;
  houseTag: bigint;
  state: FoundState;
  /** the id as people read it */
  nodeWords: string;
  /** from its certificate; "" until proven */
  name: string;
  /** where it was heard, last first, then where others say it is */
  addresses: string[];
  services: FoundService[];
  heardMsAgo: bigint;
  /** why it is unreachable */
  problem: string;
  /** of this node's, by its last beacon */
  clockAheadMs: bigint;
}
export const FoundNodeCodec: b2.Codec<FoundNode> = b2.codec('b2.v1.FoundNode', [
  b2.plain(1, 'nodeId', 'bytes'),
  b2.plain(2, 'port', 'uint32'),
  b2.plain(3, 'bootEpoch', 'fixed64'),
  b2.plain(4, 'servicesHash', 'fixed64'),
  b2.plain(5, 'houseTag', 'fixed64'),
  b2.plain(6, 'state', 'enum'),
  b2.plain(7, 'nodeWords', 'string'),
  b2.plain(8, 'name', 'string'),
  b2.list(9, 'addresses', 'string'),
  b2.list(10, 'services', () => FoundServiceCodec),
  b2.plain(11, 'heardMsAgo', 'uint64'),
  b2.plain(12, 'problem', 'string'),
  b2.plain(13, 'clockAheadMs', 'sint64'),
]);
export const encodeFoundNode = (message: b2.Init<FoundNode>): Uint8Array => FoundNodeCodec.encode(message);
export const decodeFoundNode = (bytes: Uint8Array): FoundNode => FoundNodeCodec.decode(bytes);

export interface FoundRequest {
}
export const FoundRequestCodec: b2.Codec<FoundRequest> = b2.codec('b2.v1.FoundRequest', [
]);
export const encodeFoundRequest = (message: b2.Init<FoundRequest>): Uint8Array => FoundRequestCodec.encode(message);
export const decodeFoundRequest = (bytes: Uint8Array): FoundRequest => FoundRequestCodec.decode(bytes);

export interface FoundLink {
  interface: string;
  ip4: boolean;
  ip6: boolean;
  /** why the group could not be joined; "" when it was */
  problem: string;
  /** beacons */
  sent: bigint;
  /** of others */
  heard: bigint;
  /** when its own beacon came back; 0 never */
  ownIp4MsAgo: bigint;
  ownIp6MsAgo: bigint;
}
export const FoundLinkCodec: b2.Codec<FoundLink> = b2.codec('b2.v1.FoundLink', [
  b2.plain(1, 'interface', 'string'),
  b2.plain(2, 'ip4', 'bool'),
  b2.plain(3, 'ip6', 'bool'),
  b2.plain(4, 'problem', 'string'),
  b2.plain(5, 'sent', 'uint64'),
  b2.plain(6, 'heard', 'uint64'),
  b2.plain(7, 'ownIp4MsAgo', 'uint64'),
  b2.plain(8, 'ownIp6MsAgo', 'uint64'),
]);
export const encodeFoundLink = (message: b2.Init<FoundLink>): Uint8Array => FoundLinkCodec.encode(message);
export const decodeFoundLink = (bytes: Uint8Array): FoundLink => FoundLinkCodec.decode(bytes);

export interface FoundResponse {
  nodes: FoundNode[];
  links: FoundLink[];
}
export const FoundResponseCodec: b2.Codec<FoundResponse> = b2.codec('b2.v1.FoundResponse', [
  b2.list(1, 'nodes', () => FoundNodeCodec),
  b2.list(2, 'links', () => FoundLinkCodec),
]);
export const encodeFoundResponse = (message: b2.Init<FoundResponse>): Uint8Array => FoundResponseCodec.encode(message);
export const decodeFoundResponse = (bytes: Uint8Array): FoundResponse => FoundResponseCodec.decode(bytes);

export interface ExchangeRequest {
  /** node_id, port, boot_epoch, services_hash, house_tag */
  self?: FoundNode | undefined;
  /** at most 64, with addresses and heard_ms_ago */
  known: FoundNode[];
}
export const ExchangeRequestCodec: b2.Codec<ExchangeRequest> = b2.codec('b2.v1.ExchangeRequest', [
  b2.optional(1, 'self', () => FoundNodeCodec),
  b2.list(2, 'known', () => FoundNodeCodec),
]);
export const encodeExchangeRequest = (message: b2.Init<ExchangeRequest>): Uint8Array => ExchangeRequestCodec.encode(message);
export const decodeExchangeRequest = (bytes: Uint8Array): ExchangeRequest => ExchangeRequestCodec.decode(bytes);

export interface ExchangeResponse {
  self?: FoundNode | undefined;
  known: FoundNode[];
}
export const ExchangeResponseCodec: b2.Codec<ExchangeResponse> = b2.codec('b2.v1.ExchangeResponse', [
  b2.optional(1, 'self', () => FoundNodeCodec),
  b2.list(2, 'known', () => FoundNodeCodec),
]);
export const encodeExchangeResponse = (message: b2.Init<ExchangeResponse>): Uint8Array => ExchangeResponseCodec.encode(message);
export const decodeExchangeResponse = (bytes: Uint8Array): ExchangeResponse => ExchangeResponseCodec.decode(bytes);

/** What a node has found of others (docs/spec/b2.md §14). */
export const Discovery = {
  found: {
    service: 'b2.v1.Discovery', name: 'Found', kind: 'unary', idempotent: true, needs: '',
    request: FoundRequestCodec, response: FoundResponseCodec,
  } satisfies b2.Method<FoundRequest, FoundResponse>,
  /** Tells some of those that the caller has proven, and learns some in return: how members find each other where beacons do not reach. */
  exchange: {
    service: 'b2.v1.Discovery', name: 'Exchange', kind: 'unary', idempotent: true, needs: '',
    request: ExchangeRequestCodec, response: ExchangeResponseCodec,
  } satisfies b2.Method<ExchangeRequest, ExchangeResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.FoundService': FoundServiceCodec,
  'b2.v1.FoundNode': FoundNodeCodec,
  'b2.v1.FoundRequest': FoundRequestCodec,
  'b2.v1.FoundLink': FoundLinkCodec,
  'b2.v1.FoundResponse': FoundResponseCodec,
  'b2.v1.ExchangeRequest': ExchangeRequestCodec,
  'b2.v1.ExchangeResponse': ExchangeResponseCodec,
};
