// Made by protoc-gen-b2 from b2/v1/hello.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum MethodKind {
  unary = 0,
  server_stream = 1,
  client_stream = 2,
  bidirectional = 3,
}

export enum Health {
  unknown = 0,
  starting = 1,
  serving = 2,
  not_serving = 3,
}

export interface Limits {
  /** longest payload of a frame */
  frameBytes: number;
  metadataBytes: number;
  /** open at once, started by the other side */
  streams: number;
  /** longest message that is not streamed */
  messageBytes: number;
  /** initial, bytes */
  connectionWindow: number;
  /** initial, bytes */
  streamWindow: number;
}
export const LimitsCodec: b2.Codec<Limits> = b2.codec('b2.v1.Limits', [
  b2.plain(1, 'frameBytes', 'uint32'),
  b2.plain(2, 'metadataBytes', 'uint32'),
  b2.plain(3, 'streams', 'uint32'),
  b2.plain(4, 'messageBytes', 'uint32'),
  b2.plain(5, 'connectionWindow', 'uint32'),
  b2.plain(6, 'streamWindow', 'uint32'),
]);
export const encodeLimits = (message: b2.Init<Limits>): Uint8Array => LimitsCodec.encode(message);
export const decodeLimits = (bytes: Uint8Array): Limits => LimitsCodec.decode(bytes);

export interface Method {
  /** "Describe" */
  name: string;
  kind: MethodKind;
  /** "public", "" (a member of the house), or a role */
  needs: string;
  /** may be called again when the connection broke under it */
  idempotent: boolean;
}
export const MethodCodec: b2.Codec<Method> = b2.codec('b2.v1.Method', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'kind', 'enum'),
  b2.plain(3, 'needs', 'string'),
  b2.plain(4, 'idempotent', 'bool'),
]);
export const encodeMethod = (message: b2.Init<Method>): Uint8Array => MethodCodec.encode(message);
export const decodeMethod = (bytes: Uint8Array): Method => MethodCodec.decode(bytes);

export interface ServiceEntry {
  /** "b2.v1.Core" */
  name: string;
  version: string;
  /** SHA-256 of its FileDescriptorSet */
  descriptorHash: Uint8Array;
  /** method i of the service has index first_method + i */
  firstMethod: number;
  methodCount: number;
  health: Health;
  /** in index order */
  methods: Method[];
}
export const ServiceEntryCodec: b2.Codec<ServiceEntry> = b2.codec('b2.v1.ServiceEntry', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'version', 'string'),
  b2.plain(3, 'descriptorHash', 'bytes'),
  b2.plain(4, 'firstMethod', 'uint32'),
  b2.plain(5, 'methodCount', 'uint32'),
  b2.plain(6, 'health', 'enum'),
  b2.list(7, 'methods', () => MethodCodec),
]);
export const encodeServiceEntry = (message: b2.Init<ServiceEntry>): Uint8Array => ServiceEntryCodec.encode(message);
export const decodeServiceEntry = (bytes: Uint8Array): ServiceEntry => ServiceEntryCodec.decode(bytes);

/** The payload of HELLO (docs/spec/b2.md, "HELLO"). */
export interface Hello {
  /** of the protocol: 1 */
  version: number;
  /** SHA-256 of the node's Ed25519 public key, or empty for a client without one */
  nodeId: Uint8Array;
  /** for people: "archive-3" */
  name: string;
  /** changes with every start of the process */
  bootEpoch: bigint;
  features: string[];
  limits?: Limits | undefined;
  /** the shortest PING interval this side allows */
  keepAliveMs: number;
  services: ServiceEntry[];
  /** name of the house the node belongs to, "" for none */
  house: string;
  /** SHA-256 of the house's public key */
  houseId: Uint8Array;
  /** number of the house's list of revoked nodes that this side knows, 0 for none (docs/spec/house.md §5) */
  revocations: bigint;
}
export const HelloCodec: b2.Codec<Hello> = b2.codec('b2.v1.Hello', [
  b2.plain(1, 'version', 'uint32'),
  b2.plain(2, 'nodeId', 'bytes'),
  b2.plain(3, 'name', 'string'),
  b2.plain(4, 'bootEpoch', 'fixed64'),
  b2.list(5, 'features', 'string'),
  b2.optional(6, 'limits', () => LimitsCodec),
  b2.plain(7, 'keepAliveMs', 'uint32'),
  b2.list(8, 'services', () => ServiceEntryCodec),
  b2.plain(9, 'house', 'string'),
  b2.plain(10, 'houseId', 'bytes'),
  b2.plain(20, 'revocations', 'uint64'),
]);
export const encodeHello = (message: b2.Init<Hello>): Uint8Array => HelloCodec.encode(message);
export const decodeHello = (bytes: Uint8Array): Hello => HelloCodec.decode(bytes);

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.Limits': LimitsCodec,
  'b2.v1.Method': MethodCodec,
  'b2.v1.ServiceEntry': ServiceEntryCodec,
  'b2.v1.Hello': HelloCodec,
};
