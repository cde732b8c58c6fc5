// Made by protoc-gen-b2 from ardus/v1/session.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum CensusState {
  unknown = 0,
  receiving = 1,
  committing = 2,
  /** with a receipt */
  verified = 3,
  /** with a detail */
  failed = 4,
}

export interface JoinRequest {
  session: number;
  /** where it was told to join: "10.0.0.1:1117" */
  at: string;
  /** it hands the content on to another site, and takes it by Fetch alone */
  relay: boolean;
  /** where its reports on a ManifestStream would come from, and it takes unicast: "10.0.0.7:1834"; "" it wants none */
  reports: string;
  /** bytes of UDP payload that the interface takes it listens on: its MTU less 48; 0: not told */
  largest: number;
}
export const JoinRequestCodec: b2.Codec<JoinRequest> = b2.codec('ardus.v1.JoinRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'at', 'string'),
  b2.plain(3, 'relay', 'bool'),
  b2.plain(4, 'reports', 'string'),
  b2.plain(5, 'largest', 'uint32'),
]);
export const encodeJoinRequest = (message: b2.Init<JoinRequest>): Uint8Array => JoinRequestCodec.encode(message);
export const decodeJoinRequest = (bytes: Uint8Array): JoinRequest => JoinRequestCodec.decode(bytes);

/** the session that a relay hands on */
export interface Origin {
  /** its sender's, DER, its own first */
  certificates: Uint8Array[];
  /** the sender's, for this relay */
  grant: Uint8Array;
}
export const OriginCodec: b2.Codec<Origin> = b2.codec('ardus.v1.Origin', [
  b2.list(1, 'certificates', 'bytes'),
  b2.plain(2, 'grant', 'bytes'),
]);
export const encodeOrigin = (message: b2.Init<Origin>): Uint8Array => OriginCodec.encode(message);
export const decodeOrigin = (bytes: Uint8Array): Origin => OriginCodec.decode(bytes);

/** a session of its own, whose stream is the manifest's bytes (docs/spec/ardus.md §7.2). Fields as in KeysUpdate */
export interface ManifestStream {
  session: number;
  /** 16 bytes */
  nonce: Uint8Array;
  number: number;
  position: number;
  epoch: number;
  epochSecret: Uint8Array;
  ownSecret: Uint8Array;
  reports: string;
}
export const ManifestStreamCodec: b2.Codec<ManifestStream> = b2.codec('ardus.v1.ManifestStream', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'nonce', 'bytes'),
  b2.plain(3, 'number', 'uint32'),
  b2.plain(4, 'position', 'uint32'),
  b2.plain(5, 'epoch', 'uint32'),
  b2.plain(6, 'epochSecret', 'bytes'),
  b2.plain(7, 'ownSecret', 'bytes'),
  b2.plain(8, 'reports', 'string'),
]);
export const encodeManifestStream = (message: b2.Init<ManifestStream>): Uint8Array => ManifestStreamCodec.encode(message);
export const decodeManifestStream = (bytes: Uint8Array): ManifestStream => ManifestStreamCodec.decode(bytes);

export interface JoinResponse {
  /** 16 bytes, the session's: signatures and the receipt are over it */
  nonce: Uint8Array;
  /** content id */
  content: Uint8Array;
  manifestBytes: bigint;
  /** of the transfer, for people */
  name: string;
  /** of the receiver, if it has one in this session already; else 0 */
  number: number;
  /** for a relay: that it may */
  grant: Uint8Array;
  /** by a relay: whose content it is */
  origin?: Origin | undefined;
  /** the manifest comes by multicast; where there is none, or it does not come, by Manifest */
  stream?: ManifestStream | undefined;
}
export const JoinResponseCodec: b2.Codec<JoinResponse> = b2.codec('ardus.v1.JoinResponse', [
  b2.plain(1, 'nonce', 'bytes'),
  b2.plain(2, 'content', 'bytes'),
  b2.plain(3, 'manifestBytes', 'uint64'),
  b2.plain(4, 'name', 'string'),
  b2.plain(5, 'number', 'uint32'),
  b2.plain(6, 'grant', 'bytes'),
  b2.optional(7, 'origin', () => OriginCodec),
  b2.optional(8, 'stream', () => ManifestStreamCodec),
]);
export const encodeJoinResponse = (message: b2.Init<JoinResponse>): Uint8Array => JoinResponseCodec.encode(message);
export const decodeJoinResponse = (bytes: Uint8Array): JoinResponse => JoinResponseCodec.decode(bytes);

export interface AnnouncedRequest {
}
export const AnnouncedRequestCodec: b2.Codec<AnnouncedRequest> = b2.codec('ardus.v1.AnnouncedRequest', [
]);
export const encodeAnnouncedRequest = (message: b2.Init<AnnouncedRequest>): Uint8Array => AnnouncedRequestCodec.encode(message);
export const decodeAnnouncedRequest = (bytes: Uint8Array): AnnouncedRequest => AnnouncedRequestCodec.decode(bytes);

export interface AnnouncedResponse {
  announcements: Uint8Array[];
}
export const AnnouncedResponseCodec: b2.Codec<AnnouncedResponse> = b2.codec('ardus.v1.AnnouncedResponse', [
  b2.list(1, 'announcements', 'bytes'),
]);
export const encodeAnnouncedResponse = (message: b2.Init<AnnouncedResponse>): Uint8Array => AnnouncedResponseCodec.encode(message);
export const decodeAnnouncedResponse = (bytes: Uint8Array): AnnouncedResponse => AnnouncedResponseCodec.decode(bytes);

export interface RelayedReceiver {
  /** node id */
  node: Uint8Array;
  name: string;
  state: CensusState;
  /** of the origin's session */
  receipt: Uint8Array;
  /** with the receipt: DER, its own first */
  certificates: Uint8Array[];
  detail: string;
  bytesDone: bigint;
}
export const RelayedReceiverCodec: b2.Codec<RelayedReceiver> = b2.codec('ardus.v1.RelayedReceiver', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'name', 'string'),
  b2.plain(3, 'state', 'enum'),
  b2.plain(4, 'receipt', 'bytes'),
  b2.list(5, 'certificates', 'bytes'),
  b2.plain(6, 'detail', 'string'),
  b2.plain(7, 'bytesDone', 'uint64'),
]);
export const encodeRelayedReceiver = (message: b2.Init<RelayedReceiver>): Uint8Array => RelayedReceiverCodec.encode(message);
export const decodeRelayedReceiver = (bytes: Uint8Array): RelayedReceiver => RelayedReceiverCodec.decode(bytes);

export interface RelayedRequest {
  session: number;
  /** all of them */
  receivers: RelayedReceiver[];
}
export const RelayedRequestCodec: b2.Codec<RelayedRequest> = b2.codec('ardus.v1.RelayedRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.list(2, 'receivers', () => RelayedReceiverCodec),
]);
export const encodeRelayedRequest = (message: b2.Init<RelayedRequest>): Uint8Array => RelayedRequestCodec.encode(message);
export const decodeRelayedRequest = (bytes: Uint8Array): RelayedRequest => RelayedRequestCodec.decode(bytes);

export interface RelayedResponse {
}
export const RelayedResponseCodec: b2.Codec<RelayedResponse> = b2.codec('ardus.v1.RelayedResponse', [
]);
export const encodeRelayedResponse = (message: b2.Init<RelayedResponse>): Uint8Array => RelayedResponseCodec.encode(message);
export const decodeRelayedResponse = (bytes: Uint8Array): RelayedResponse => RelayedResponseCodec.decode(bytes);

export interface ManifestRequest {
  session: number;
  /** asked before Join was answered: the answer is empty where Join's has a ManifestStream */
  unlessStreamed: boolean;
}
export const ManifestRequestCodec: b2.Codec<ManifestRequest> = b2.codec('ardus.v1.ManifestRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'unlessStreamed', 'bool'),
]);
export const encodeManifestRequest = (message: b2.Init<ManifestRequest>): Uint8Array => ManifestRequestCodec.encode(message);
export const decodeManifestRequest = (bytes: Uint8Array): ManifestRequest => ManifestRequestCodec.decode(bytes);

export interface ManifestPart {
  bytes: Uint8Array;
}
export const ManifestPartCodec: b2.Codec<ManifestPart> = b2.codec('ardus.v1.ManifestPart', [
  b2.plain(1, 'bytes', 'bytes'),
]);
export const encodeManifestPart = (message: b2.Init<ManifestPart>): Uint8Array => ManifestPartCodec.encode(message);
export const decodeManifestPart = (bytes: Uint8Array): ManifestPart => ManifestPartCodec.decode(bytes);

/** ascending, apart from each other */
export interface ChunkRuns {
  first: number[];
  count: number[];
}
export const ChunkRunsCodec: b2.Codec<ChunkRuns> = b2.codec('ardus.v1.ChunkRuns', [
  b2.packed(1, 'first', 'uint32'),
  b2.packed(2, 'count', 'uint32'),
]);
export const encodeChunkRuns = (message: b2.Init<ChunkRuns>): Uint8Array => ChunkRunsCodec.encode(message);
export const decodeChunkRuns = (bytes: Uint8Array): ChunkRuns => ChunkRunsCodec.decode(bytes);

export interface NeedSetRequest {
  session: number;
  chunks?: ChunkRuns | undefined;
  /** where it takes unicast: "10.0.0.7:1834" */
  reports: string;
  /** of files, verified on its disk */
  bytesDone: bigint;
  /** where it hands its copy on once it is done: "10.0.0.7:1834"; "" nowhere */
  serves: string;
}
export const NeedSetRequestCodec: b2.Codec<NeedSetRequest> = b2.codec('ardus.v1.NeedSetRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.optional(2, 'chunks', () => ChunkRunsCodec),
  b2.plain(3, 'reports', 'string'),
  b2.plain(4, 'bytesDone', 'uint64'),
  b2.plain(5, 'serves', 'string'),
]);
export const encodeNeedSetRequest = (message: b2.Init<NeedSetRequest>): Uint8Array => NeedSetRequestCodec.encode(message);
export const decodeNeedSetRequest = (bytes: Uint8Array): NeedSetRequest => NeedSetRequestCodec.decode(bytes);

export interface NeedSetResponse {
}
export const NeedSetResponseCodec: b2.Codec<NeedSetResponse> = b2.codec('ardus.v1.NeedSetResponse', [
]);
export const encodeNeedSetResponse = (message: b2.Init<NeedSetResponse>): Uint8Array => NeedSetResponseCodec.encode(message);
export const decodeNeedSetResponse = (bytes: Uint8Array): NeedSetResponse => NeedSetResponseCodec.decode(bytes);

export interface KeysRequest {
  session: number;
}
export const KeysRequestCodec: b2.Codec<KeysRequest> = b2.codec('ardus.v1.KeysRequest', [
  b2.plain(1, 'session', 'uint32'),
]);
export const encodeKeysRequest = (message: b2.Init<KeysRequest>): Uint8Array => KeysRequestCodec.encode(message);
export const decodeKeysRequest = (bytes: Uint8Array): KeysRequest => KeysRequestCodec.decode(bytes);

export interface PeerSource {
  /** "10.0.0.7:1834" */
  address: string;
  /** node id of who answers there */
  node: Uint8Array;
  /** signed: to be shown there */
  grant: Uint8Array;
}
export const PeerSourceCodec: b2.Codec<PeerSource> = b2.codec('ardus.v1.PeerSource', [
  b2.plain(1, 'address', 'string'),
  b2.plain(2, 'node', 'bytes'),
  b2.plain(3, 'grant', 'bytes'),
]);
export const encodePeerSource = (message: b2.Init<PeerSource>): Uint8Array => PeerSourceCodec.encode(message);
export const decodePeerSource = (bytes: Uint8Array): PeerSource => PeerSourceCodec.decode(bytes);

export interface KeysUpdate {
  /** signed segments of the stream map, in order */
  map: Uint8Array[];
  /** of this receiver */
  number: number;
  /** blocks before it were sent already, and come again */
  position: number;
  epoch: number;
  epochSecret: Uint8Array;
  ownSecret: Uint8Array;
  /** where the sender takes reports: "10.0.0.1:1834" */
  reports: string;
  /** chunks that are not in the stream */
  fetch?: ChunkRuns | undefined;
  /** receivers that are done, to fetch from. An update of them alone has no map */
  peers: PeerSource[];
  /** not 0: bytes of the stream's datagrams, which this receiver does not take, or does not get: all it lacks is in `fetch`, and there is neither map nor number */
  datagram: number;
}
export const KeysUpdateCodec: b2.Codec<KeysUpdate> = b2.codec('ardus.v1.KeysUpdate', [
  b2.list(1, 'map', 'bytes'),
  b2.plain(2, 'number', 'uint32'),
  b2.plain(3, 'position', 'uint32'),
  b2.plain(4, 'epoch', 'uint32'),
  b2.plain(5, 'epochSecret', 'bytes'),
  b2.plain(6, 'ownSecret', 'bytes'),
  b2.plain(7, 'reports', 'string'),
  b2.optional(8, 'fetch', () => ChunkRunsCodec),
  b2.list(9, 'peers', () => PeerSourceCodec),
  b2.plain(10, 'datagram', 'uint32'),
]);
export const encodeKeysUpdate = (message: b2.Init<KeysUpdate>): Uint8Array => KeysUpdateCodec.encode(message);
export const decodeKeysUpdate = (bytes: Uint8Array): KeysUpdate => KeysUpdateCodec.decode(bytes);

export interface HeardRequest {
  session: number;
  /** of the TRIAL it heard last */
  round: number;
  /** bytes of the longest TRIAL it has heard */
  longest: number;
}
export const HeardRequestCodec: b2.Codec<HeardRequest> = b2.codec('ardus.v1.HeardRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'round', 'uint32'),
  b2.plain(3, 'longest', 'uint32'),
]);
export const encodeHeardRequest = (message: b2.Init<HeardRequest>): Uint8Array => HeardRequestCodec.encode(message);
export const decodeHeardRequest = (bytes: Uint8Array): HeardRequest => HeardRequestCodec.decode(bytes);

export interface HeardResponse {
}
export const HeardResponseCodec: b2.Codec<HeardResponse> = b2.codec('ardus.v1.HeardResponse', [
]);
export const encodeHeardResponse = (message: b2.Init<HeardResponse>): Uint8Array => HeardResponseCodec.encode(message);
export const decodeHeardResponse = (bytes: Uint8Array): HeardResponse => HeardResponseCodec.decode(bytes);

export interface CensusRequest {
  session: number;
  state: CensusState;
  receipt: Uint8Array;
  /** for a person */
  detail: string;
  bytesDone: bigint;
  /** with a receipt, to a relay: DER, its own first */
  certificates: Uint8Array[];
  /** it fetches what it lacks from others: needs no unicast meanwhile */
  elsewhere: boolean;
}
export const CensusRequestCodec: b2.Codec<CensusRequest> = b2.codec('ardus.v1.CensusRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'state', 'enum'),
  b2.plain(3, 'receipt', 'bytes'),
  b2.plain(4, 'detail', 'string'),
  b2.plain(5, 'bytesDone', 'uint64'),
  b2.plain(6, 'elsewhere', 'bool'),
  b2.list(7, 'certificates', 'bytes'),
]);
export const encodeCensusRequest = (message: b2.Init<CensusRequest>): Uint8Array => CensusRequestCodec.encode(message);
export const decodeCensusRequest = (bytes: Uint8Array): CensusRequest => CensusRequestCodec.decode(bytes);

export interface CensusResponse {
}
export const CensusResponseCodec: b2.Codec<CensusResponse> = b2.codec('ardus.v1.CensusResponse', [
]);
export const encodeCensusResponse = (message: b2.Init<CensusResponse>): Uint8Array => CensusResponseCodec.encode(message);
export const decodeCensusResponse = (bytes: Uint8Array): CensusResponse => CensusResponseCodec.decode(bytes);

export interface FetchRequest {
  session: number;
  chunks?: ChunkRuns | undefined;
}
export const FetchRequestCodec: b2.Codec<FetchRequest> = b2.codec('ardus.v1.FetchRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.optional(2, 'chunks', () => ChunkRunsCodec),
]);
export const encodeFetchRequest = (message: b2.Init<FetchRequest>): Uint8Array => FetchRequestCodec.encode(message);
export const decodeFetchRequest = (bytes: Uint8Array): FetchRequest => FetchRequestCodec.decode(bytes);

export interface FetchedPart {
  chunk: number;
  offset: number;
  bytes: Uint8Array;
}
export const FetchedPartCodec: b2.Codec<FetchedPart> = b2.codec('ardus.v1.FetchedPart', [
  b2.plain(1, 'chunk', 'uint32'),
  b2.plain(2, 'offset', 'uint32'),
  b2.plain(3, 'bytes', 'bytes'),
]);
export const encodeFetchedPart = (message: b2.Init<FetchedPart>): Uint8Array => FetchedPartCodec.encode(message);
export const decodeFetchedPart = (bytes: Uint8Array): FetchedPart => FetchedPartCodec.decode(bytes);

export interface PeerChunksRequest {
  session: number;
  grant: Uint8Array;
  chunks?: ChunkRuns | undefined;
}
export const PeerChunksRequestCodec: b2.Codec<PeerChunksRequest> = b2.codec('ardus.v1.PeerChunksRequest', [
  b2.plain(1, 'session', 'uint32'),
  b2.plain(2, 'grant', 'bytes'),
  b2.optional(3, 'chunks', () => ChunkRunsCodec),
]);
export const encodePeerChunksRequest = (message: b2.Init<PeerChunksRequest>): Uint8Array => PeerChunksRequestCodec.encode(message);
export const decodePeerChunksRequest = (bytes: Uint8Array): PeerChunksRequest => PeerChunksRequestCodec.decode(bytes);

/**
 * What a receiver asks the sender of an announced session, by TLS on 1117 (docs/spec/ardus.md, "Control"). A receiver is a member of the
 * sender's house with the role listen; it calls Join, Manifest (unless the manifest comes by its own stream), NeedSet and Keys in this order,
 * and Census when its copy is verified.
 */
export const Session = {
  /** What is being sent here, for relays, which no announcement reaches: signed announcements. */
  announced: {
    service: 'ardus.v1.Session', name: 'Announced', kind: 'unary', idempotent: false, needs: 'listen',
    request: AnnouncedRequestCodec, response: AnnouncedResponseCodec,
  } satisfies b2.Method<AnnouncedRequest, AnnouncedResponse>,
  /** Says what the session is about. A receiver that lost its connection joins again. */
  join: {
    service: 'ardus.v1.Session', name: 'Join', kind: 'unary', idempotent: false, needs: 'listen',
    request: JoinRequestCodec, response: JoinResponseCodec,
  } satisfies b2.Method<JoinRequest, JoinResponse>,
  /** The signed manifest, in pieces, in order. */
  manifest: {
    service: 'ardus.v1.Session', name: 'Manifest', kind: 'server_stream', idempotent: false, needs: 'listen',
    request: ManifestRequestCodec, response: ManifestPartCodec,
  } satisfies b2.Method<ManifestRequest, ManifestPart>,
  /** Tells the sender which chunks this receiver lacks. */
  needSet: {
    service: 'ardus.v1.Session', name: 'NeedSet', kind: 'unary', idempotent: false, needs: 'listen',
    request: NeedSetRequestCodec, response: NeedSetResponseCodec,
  } satisfies b2.Method<NeedSetRequest, NeedSetResponse>,
  /** The stream's map and this receiver's keys, once the session has begun. */
  keys: {
    service: 'ardus.v1.Session', name: 'Keys', kind: 'server_stream', idempotent: false, needs: 'listen',
    request: KeysRequestCodec, response: KeysUpdateCodec,
  } satisfies b2.Method<KeysRequest, KeysUpdate>,
  /** How the receivers fare that a relay serves: those that are verified with their receipts, which they signed themselves. */
  relayed: {
    service: 'ardus.v1.Session', name: 'Relayed', kind: 'unary', idempotent: false, needs: 'listen',
    request: RelayedRequestCodec, response: RelayedResponseCodec,
  } satisfies b2.Method<RelayedRequest, RelayedResponse>,
  /** Which TRIAL datagrams came: by that the sender decides how large the session's are. */
  heard: {
    service: 'ardus.v1.Session', name: 'Heard', kind: 'unary', idempotent: false, needs: 'listen',
    request: HeardRequestCodec, response: HeardResponseCodec,
  } satisfies b2.Method<HeardRequest, HeardResponse>,
  /** How the receiver fares: that it failed and why, or its receipt. */
  census: {
    service: 'ardus.v1.Session', name: 'Census', kind: 'unary', idempotent: false, needs: 'listen',
    request: CensusRequestCodec, response: CensusResponseCodec,
  } satisfies b2.Method<CensusRequest, CensusResponse>,
  /** Chunks that are not in the stream: what a late joiner lacks and nobody else did. */
  fetch: {
    service: 'ardus.v1.Session', name: 'Fetch', kind: 'server_stream', idempotent: false, needs: 'listen',
    request: FetchRequestCodec, response: FetchedPartCodec,
  } satisfies b2.Method<FetchRequest, FetchedPart>,
} as const;

/** What a receiver that is done hands on, by TLS on 1834 (docs/spec/ardus.md §9.2). */
export const Peer = {
  /** Chunks of a session's content, for a member that the session's sender has named. */
  chunks: {
    service: 'ardus.v1.Peer', name: 'Chunks', kind: 'server_stream', idempotent: false, needs: 'listen',
    request: PeerChunksRequestCodec, response: FetchedPartCodec,
  } satisfies b2.Method<PeerChunksRequest, FetchedPart>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ardus.v1.JoinRequest': JoinRequestCodec,
  'ardus.v1.Origin': OriginCodec,
  'ardus.v1.ManifestStream': ManifestStreamCodec,
  'ardus.v1.JoinResponse': JoinResponseCodec,
  'ardus.v1.AnnouncedRequest': AnnouncedRequestCodec,
  'ardus.v1.AnnouncedResponse': AnnouncedResponseCodec,
  'ardus.v1.RelayedReceiver': RelayedReceiverCodec,
  'ardus.v1.RelayedRequest': RelayedRequestCodec,
  'ardus.v1.RelayedResponse': RelayedResponseCodec,
  'ardus.v1.ManifestRequest': ManifestRequestCodec,
  'ardus.v1.ManifestPart': ManifestPartCodec,
  'ardus.v1.ChunkRuns': ChunkRunsCodec,
  'ardus.v1.NeedSetRequest': NeedSetRequestCodec,
  'ardus.v1.NeedSetResponse': NeedSetResponseCodec,
  'ardus.v1.KeysRequest': KeysRequestCodec,
  'ardus.v1.PeerSource': PeerSourceCodec,
  'ardus.v1.KeysUpdate': KeysUpdateCodec,
  'ardus.v1.HeardRequest': HeardRequestCodec,
  'ardus.v1.HeardResponse': HeardResponseCodec,
  'ardus.v1.CensusRequest': CensusRequestCodec,
  'ardus.v1.CensusResponse': CensusResponseCodec,
  'ardus.v1.FetchRequest': FetchRequestCodec,
  'ardus.v1.FetchedPart': FetchedPartCodec,
  'ardus.v1.PeerChunksRequest': PeerChunksRequestCodec,
};
