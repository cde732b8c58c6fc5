// Made by protoc-gen-b2 from portlight/v1/ports.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export interface RegistryEntry {
  /** "b2-runtime" */
  name: string;
  /** "tcp" */
  transport: string;
  first: number;
  last: number;
  description: string;
  assignee: string;
  /** date as in the registry */
  registered: string;
  modified: string;
  /** "formerly newheights", where it comes from */
  note: string;
}
export const RegistryEntryCodec: b2.Codec<RegistryEntry> = b2.codec('portlight.v1.RegistryEntry', [
  b2.plain(1, 'name', 'string'),
  b2.plain(2, 'transport', 'string'),
  b2.plain(3, 'first', 'uint32'),
  b2.plain(4, 'last', 'uint32'),
  b2.plain(5, 'description', 'string'),
  b2.plain(6, 'assignee', 'string'),
  b2.plain(7, 'registered', 'string'),
  b2.plain(8, 'modified', 'string'),
  b2.plain(9, 'note', 'string'),
]);
export const encodeRegistryEntry = (message: b2.Init<RegistryEntry>): Uint8Array => RegistryEntryCodec.encode(message);
export const decodeRegistryEntry = (bytes: Uint8Array): RegistryEntry => RegistryEntryCodec.decode(bytes);

export interface Identity {
  /** confirmed, contradicts, owner_only, silent, not_probed */
  status: string;
  /** "http", "b2", "tls", "ssh" */
  protocol: string;
  /** "nginx", "ariascribe" */
  product: string;
  version: string;
  confidence: number;
  evidence: string[];
}
export const IdentityCodec: b2.Codec<Identity> = b2.codec('portlight.v1.Identity', [
  b2.plain(1, 'status', 'string'),
  b2.plain(2, 'protocol', 'string'),
  b2.plain(3, 'product', 'string'),
  b2.plain(4, 'version', 'string'),
  b2.plain(5, 'confidence', 'double'),
  b2.list(6, 'evidence', 'string'),
]);
export const encodeIdentity = (message: b2.Init<Identity>): Uint8Array => IdentityCodec.encode(message);
export const decodeIdentity = (bytes: Uint8Array): Identity => IdentityCodec.decode(bytes);

export interface Owner {
  /** package_verified, package_modified, unpackaged, deleted, container, kernel, no_descriptor, not_visible */
  status: string;
  pid: number;
  process: string;
  user: string;
  unit: string;
  container: string;
  package: string;
  executable: string;
  command: string;
}
export const OwnerCodec: b2.Codec<Owner> = b2.codec('portlight.v1.Owner', [
  b2.plain(1, 'status', 'string'),
  b2.plain(2, 'pid', 'int32'),
  b2.plain(3, 'process', 'string'),
  b2.plain(4, 'user', 'string'),
  b2.plain(5, 'unit', 'string'),
  b2.plain(6, 'container', 'string'),
  b2.plain(7, 'package', 'string'),
  b2.plain(8, 'executable', 'string'),
  b2.plain(9, 'command', 'string'),
]);
export const encodeOwner = (message: b2.Init<Owner>): Uint8Array => OwnerCodec.encode(message);
export const decodeOwner = (bytes: Uint8Array): Owner => OwnerCodec.decode(bytes);

export interface Listener {
  /** "tcp", "udp" */
  protocol: string;
  address: string;
  port: number;
  /** "" for this one; else a name, or "net:[4026532501]" */
  netns: string;
  registry: RegistryEntry[];
  /** assigned, several, reserved, unassigned, dynamic */
  registryStatus: string;
  identity?: Identity | undefined;
  owner?: Owner | undefined;
  /** loopback, lan, any, published, blocked */
  exposure: string;
  /** baseline, new, owner_changed, hash_changed, "" where there is no history */
  novelty: string;
  /** ok, notice, warn, alert, unknown */
  verdict: string;
  /** one sentence */
  why: string;
}
export const ListenerCodec: b2.Codec<Listener> = b2.codec('portlight.v1.Listener', [
  b2.plain(1, 'protocol', 'string'),
  b2.plain(2, 'address', 'string'),
  b2.plain(3, 'port', 'uint32'),
  b2.plain(4, 'netns', 'string'),
  b2.list(5, 'registry', () => RegistryEntryCodec),
  b2.plain(6, 'registryStatus', 'string'),
  b2.optional(7, 'identity', () => IdentityCodec),
  b2.optional(8, 'owner', () => OwnerCodec),
  b2.plain(9, 'exposure', 'string'),
  b2.plain(10, 'novelty', 'string'),
  b2.plain(11, 'verdict', 'string'),
  b2.plain(12, 'why', 'string'),
]);
export const encodeListener = (message: b2.Init<Listener>): Uint8Array => ListenerCodec.encode(message);
export const decodeListener = (bytes: Uint8Array): Listener => ListenerCodec.decode(bytes);

export interface ListRequest {
  /** none: all */
  ports: number[];
  /** off, passive, owner, safe, all; "" owner */
  level: string;
  thisNamespaceOnly: boolean;
}
export const ListRequestCodec: b2.Codec<ListRequest> = b2.codec('portlight.v1.ListRequest', [
  b2.packed(1, 'ports', 'uint32'),
  b2.plain(2, 'level', 'string'),
  b2.plain(3, 'thisNamespaceOnly', 'bool'),
]);
export const encodeListRequest = (message: b2.Init<ListRequest>): Uint8Array => ListRequestCodec.encode(message);
export const decodeListRequest = (bytes: Uint8Array): ListRequest => ListRequestCodec.decode(bytes);

export interface ListResponse {
  listeners: Listener[];
  /** what could not be seen, and what would show it */
  unseen: string[];
  milliseconds: number;
}
export const ListResponseCodec: b2.Codec<ListResponse> = b2.codec('portlight.v1.ListResponse', [
  b2.list(1, 'listeners', () => ListenerCodec),
  b2.list(2, 'unseen', 'string'),
  b2.plain(3, 'milliseconds', 'double'),
]);
export const encodeListResponse = (message: b2.Init<ListResponse>): Uint8Array => ListResponseCodec.encode(message);
export const decodeListResponse = (bytes: Uint8Array): ListResponse => ListResponseCodec.decode(bytes);

export interface WhyRequest {
  port: number;
}
export const WhyRequestCodec: b2.Codec<WhyRequest> = b2.codec('portlight.v1.WhyRequest', [
  b2.plain(1, 'port', 'uint32'),
]);
export const encodeWhyRequest = (message: b2.Init<WhyRequest>): Uint8Array => WhyRequestCodec.encode(message);
export const decodeWhyRequest = (bytes: Uint8Array): WhyRequest => WhyRequestCodec.decode(bytes);

export interface WhyResponse {
  port: number;
  registry: RegistryEntry[];
  listeners: Listener[];
  /** prose with its evidence */
  text: string;
  unseen: string[];
}
export const WhyResponseCodec: b2.Codec<WhyResponse> = b2.codec('portlight.v1.WhyResponse', [
  b2.plain(1, 'port', 'uint32'),
  b2.list(2, 'registry', () => RegistryEntryCodec),
  b2.list(3, 'listeners', () => ListenerCodec),
  b2.plain(4, 'text', 'string'),
  b2.list(5, 'unseen', 'string'),
]);
export const encodeWhyResponse = (message: b2.Init<WhyResponse>): Uint8Array => WhyResponseCodec.encode(message);
export const decodeWhyResponse = (bytes: Uint8Array): WhyResponse => WhyResponseCodec.decode(bytes);

export interface IdentifyRequest {
  /** "" this machine */
  host: string;
  port: number;
  level: string;
}
export const IdentifyRequestCodec: b2.Codec<IdentifyRequest> = b2.codec('portlight.v1.IdentifyRequest', [
  b2.plain(1, 'host', 'string'),
  b2.plain(2, 'port', 'uint32'),
  b2.plain(3, 'level', 'string'),
]);
export const encodeIdentifyRequest = (message: b2.Init<IdentifyRequest>): Uint8Array => IdentifyRequestCodec.encode(message);
export const decodeIdentifyRequest = (bytes: Uint8Array): IdentifyRequest => IdentifyRequestCodec.decode(bytes);

/** What is registered on a port, what really listens, who owns it, what it speaks, and whether to worry. */
export const Ports = {
  /** Every listener in every network namespace this process can see. */
  list: {
    service: 'portlight.v1.Ports', name: 'List', kind: 'unary', idempotent: true, needs: '',
    request: ListRequestCodec, response: ListResponseCodec,
  } satisfies b2.Method<ListRequest, ListResponse>,
  why: {
    service: 'portlight.v1.Ports', name: 'Why', kind: 'unary', idempotent: true, needs: '',
    request: WhyRequestCodec, response: WhyResponseCodec,
  } satisfies b2.Method<WhyRequest, WhyResponse>,
  identify: {
    service: 'portlight.v1.Ports', name: 'Identify', kind: 'unary', idempotent: false, needs: 'admin',
    request: IdentifyRequestCodec, response: IdentityCodec,
  } satisfies b2.Method<IdentifyRequest, Identity>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'portlight.v1.RegistryEntry': RegistryEntryCodec,
  'portlight.v1.Identity': IdentityCodec,
  'portlight.v1.Owner': OwnerCodec,
  'portlight.v1.Listener': ListenerCodec,
  'portlight.v1.ListRequest': ListRequestCodec,
  'portlight.v1.ListResponse': ListResponseCodec,
  'portlight.v1.WhyRequest': WhyRequestCodec,
  'portlight.v1.WhyResponse': WhyResponseCodec,
  'portlight.v1.IdentifyRequest': IdentifyRequestCodec,
};
