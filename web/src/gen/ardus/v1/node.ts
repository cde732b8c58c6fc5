// Made by protoc-gen-b2 from ardus/v1/node.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export enum Layout {
  /** in a Send: standard, since who comes late with an MTU of 1500 would take a jumbo session's content by TCP alone; in a Transfer: not known yet */
  unspecified = 0,
  /** datagrams of 1,448 bytes */
  standard = 1,
  /** of 8,872; to receivers that don't take them it goes by TCP */
  jumbo = 2,
  /** jumbo where every receiver there is when it begins takes it */
  automatic = 3,
}

export enum Congestion {
  /** for networks of one's own: what nearly all receivers' ways carry */
  quantile = 0,
  /** for routed networks: what TCP would get on the worst way */
  tfmcc = 1,
  /** what other traffic leaves over */
  background = 2,
}

export enum TransferPhase {
  unknown = 0,
  /** sender: reading, chunking, hashing; receiver: comparing with what is there */
  scanning = 1,
  /** sender: waiting for receivers; receiver: joining */
  announcing = 2,
  streaming = 3,
  /** all source sent once; repair goes on */
  draining = 4,
  /** census and receipts; receiver: verifying and committing */
  settling = 5,
  /** every expected receiver is verified */
  done = 6,
  /** ended, some expected receiver is not verified */
  partly = 7,
  failed = 8,
  cancelled = 9,
}

export enum ReceiverState {
  unknown = 0,
  /** has not joined */
  expected = 1,
  joined = 2,
  receiving = 3,
  repairing = 4,
  committing = 5,
  /** its signed receipt is here */
  verified = 6,
  /** not heard of for a while; may come back */
  silent = 7,
  failed = 8,
}

export interface SendRequest {
  /** absolute; of files and folders on the sender's machine */
  paths: string[];
  /** of the transfer, for people; "" for the first path's last part */
  name: string;
  /** to multicast on; none: the one the default route uses, and loopback when there is none */
  interfaces: string[];
  /** bit/s on the wire; 0: found by the sender */
  rate: bigint;
  /** starts once so many have joined, and ends only when so many are verified */
  receivers: number;
  /** starts after this with those who joined; 0: 5000 */
  waitMs: number;
  /** nodes that must have a verified copy, by name or words; others may */
  expected: string[];
  /** how long a receiver that fell silent is waited for; 0: 60000 */
  patienceMs: number;
  /** how the rate is found; with another than the first, `rate` is the most it may be */
  congestion: Congestion;
  /** how large its datagrams are */
  layout: Layout;
  /** 4 or 6: by that IP alone; 0: by IPv4 where the interfaces have it, and by IPv6 for whom it alone reaches */
  ip: number;
  /** groups that carry this sender's datagrams alone (SSM): nothing by multicast for whose network can't do that */
  sourceSpecific: boolean;
}
export const SendRequestCodec: b2.Codec<SendRequest> = b2.codec('ardus.v1.SendRequest', [
  b2.list(1, 'paths', 'string'),
  b2.plain(2, 'name', 'string'),
  b2.list(3, 'interfaces', 'string'),
  b2.plain(4, 'rate', 'uint64'),
  b2.plain(5, 'receivers', 'uint32'),
  b2.plain(6, 'waitMs', 'uint32'),
  b2.list(7, 'expected', 'string'),
  b2.plain(8, 'patienceMs', 'uint32'),
  b2.plain(9, 'congestion', 'enum'),
  b2.plain(10, 'layout', 'enum'),
  b2.plain(11, 'ip', 'uint32'),
  b2.plain(12, 'sourceSpecific', 'bool'),
]);
export const encodeSendRequest = (message: b2.Init<SendRequest>): Uint8Array => SendRequestCodec.encode(message);
export const decodeSendRequest = (bytes: Uint8Array): SendRequest => SendRequestCodec.decode(bytes);

export interface Receiver {
  /** node id */
  node: Uint8Array;
  name: string;
  /** the id as people read it */
  words: string;
  address: string;
  state: ReceiverState;
  /** verified on its disk */
  bytesDone: bigint;
  /** of packets, 0 … 1 */
  loss: number;
  /** signed (docs/spec/ardus.md), once verified */
  receipt: Uint8Array;
  /** for a person: why it failed, what it waits for */
  detail: string;
}
export const ReceiverCodec: b2.Codec<Receiver> = b2.codec('ardus.v1.Receiver', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'name', 'string'),
  b2.plain(3, 'words', 'string'),
  b2.plain(4, 'address', 'string'),
  b2.plain(5, 'state', 'enum'),
  b2.plain(6, 'bytesDone', 'uint64'),
  b2.plain(7, 'loss', 'double'),
  b2.plain(8, 'receipt', 'bytes'),
  b2.plain(9, 'detail', 'string'),
]);
export const encodeReceiver = (message: b2.Init<Receiver>): Uint8Array => ReceiverCodec.encode(message);
export const decodeReceiver = (bytes: Uint8Array): Receiver => ReceiverCodec.decode(bytes);

export interface Transfer {
  session: bigint;
  name: string;
  sending: boolean;
  phase: TransferPhase;
  /** content id: the manifest's Merkle root */
  content: Uint8Array;
  files: bigint;
  /** of the files */
  bytes: bigint;
  /** union of what the group lacked */
  bytesNeeded: bigint;
  /** sender: of bytes_needed, sent once; receiver: verified */
  bytesDone: bigint;
  sourcePackets: bigint;
  /** source and repair */
  sentPackets: bigint;
  repairSymbols: bigint;
  /** UDP payload sent, by sender */
  wireBytes: bigint;
  /** bit/s of late */
  rate: bigint;
  /** since it began */
  seconds: number;
  /** sender only */
  receivers: Receiver[];
  /** for a person: what it waits for, or why it failed */
  detail: string;
  /** receiver: the folder */
  into: string;
  /** receiver: the sender's name */
  sender: string;
  /** receiver: multicast has been heard */
  joinedGroup: boolean;
  /** that came by unicast */
  fallbackBytes: bigint;
  /** of one that failed: its b2 status by name, "refused" */
  error: string;
  /** once it has begun */
  layout: Layout;
}
export const TransferCodec: b2.Codec<Transfer> = b2.codec('ardus.v1.Transfer', [
  b2.plain(1, 'session', 'uint64'),
  b2.plain(2, 'name', 'string'),
  b2.plain(3, 'sending', 'bool'),
  b2.plain(4, 'phase', 'enum'),
  b2.plain(5, 'content', 'bytes'),
  b2.plain(6, 'files', 'uint64'),
  b2.plain(7, 'bytes', 'uint64'),
  b2.plain(8, 'bytesNeeded', 'uint64'),
  b2.plain(9, 'bytesDone', 'uint64'),
  b2.plain(10, 'sourcePackets', 'uint64'),
  b2.plain(11, 'sentPackets', 'uint64'),
  b2.plain(12, 'repairSymbols', 'uint64'),
  b2.plain(13, 'wireBytes', 'uint64'),
  b2.plain(14, 'rate', 'uint64'),
  b2.plain(15, 'seconds', 'double'),
  b2.list(16, 'receivers', () => ReceiverCodec),
  b2.plain(17, 'detail', 'string'),
  b2.plain(18, 'into', 'string'),
  b2.plain(19, 'sender', 'string'),
  b2.plain(20, 'joinedGroup', 'bool'),
  b2.plain(21, 'fallbackBytes', 'uint64'),
  b2.plain(22, 'error', 'string'),
  b2.plain(23, 'layout', 'enum'),
]);
export const encodeTransfer = (message: b2.Init<Transfer>): Uint8Array => TransferCodec.encode(message);
export const decodeTransfer = (bytes: Uint8Array): Transfer => TransferCodec.decode(bytes);

export interface ReceiveRequest {
  /** absolute */
  into: string;
  interfaces: string[];
  /** ends with the first transfer */
  once: boolean;
  /** absolute; folders whose files may hold some of what comes */
  seedFrom: string[];
  /** files get the owners and ACLs they have at the publisher */
  owners: boolean;
  /** addresses of publications whose chunks are taken where multicast is not enough */
  mirrors: string[];
  /** 4 or 6: sessions announced by that IP alone; 0: by either */
  ip: number;
}
export const ReceiveRequestCodec: b2.Codec<ReceiveRequest> = b2.codec('ardus.v1.ReceiveRequest', [
  b2.plain(1, 'into', 'string'),
  b2.list(2, 'interfaces', 'string'),
  b2.plain(3, 'once', 'bool'),
  b2.list(4, 'seedFrom', 'string'),
  b2.plain(5, 'owners', 'bool'),
  b2.list(6, 'mirrors', 'string'),
  b2.plain(7, 'ip', 'uint32'),
]);
export const encodeReceiveRequest = (message: b2.Init<ReceiveRequest>): Uint8Array => ReceiveRequestCodec.encode(message);
export const decodeReceiveRequest = (bytes: Uint8Array): ReceiveRequest => ReceiveRequestCodec.decode(bytes);

export interface StatusRequest {
  nonce: Uint8Array;
}
export const StatusRequestCodec: b2.Codec<StatusRequest> = b2.codec('ardus.v1.StatusRequest', [
  b2.plain(1, 'nonce', 'bytes'),
]);
export const encodeStatusRequest = (message: b2.Init<StatusRequest>): Uint8Array => StatusRequestCodec.encode(message);
export const decodeStatusRequest = (bytes: Uint8Array): StatusRequest => StatusRequestCodec.decode(bytes);

export interface Socket {
  /** "tcp", "udp" */
  transport: string;
  /** "0.0.0.0:1835", "[::]:1117" */
  address: string;
  /** "control", "announcements", "reports", "data (receive-only)" */
  purpose: string;
}
export const SocketCodec: b2.Codec<Socket> = b2.codec('ardus.v1.Socket', [
  b2.plain(1, 'transport', 'string'),
  b2.plain(2, 'address', 'string'),
  b2.plain(3, 'purpose', 'string'),
]);
export const encodeSocket = (message: b2.Init<Socket>): Uint8Array => SocketCodec.encode(message);
export const decodeSocket = (bytes: Uint8Array): Socket => SocketCodec.decode(bytes);

export interface StatusResponse {
  node: Uint8Array;
  publicKey: Uint8Array;
  name: string;
  sockets: Socket[];
  /** UTC */
  timeMs: bigint;
  /** Ed25519 over domain tag, nonce, node, time and sockets */
  signature: Uint8Array;
  program: string;
  receivingInto: string;
}
export const StatusResponseCodec: b2.Codec<StatusResponse> = b2.codec('ardus.v1.StatusResponse', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'publicKey', 'bytes'),
  b2.plain(3, 'name', 'string'),
  b2.list(4, 'sockets', () => SocketCodec),
  b2.plain(5, 'timeMs', 'uint64'),
  b2.plain(6, 'signature', 'bytes'),
  b2.plain(7, 'program', 'string'),
  b2.plain(8, 'receivingInto', 'string'),
]);
export const encodeStatusResponse = (message: b2.Init<StatusResponse>): Uint8Array => StatusResponseCodec.encode(message);
export const decodeStatusResponse = (bytes: Uint8Array): StatusResponse => StatusResponseCodec.decode(bytes);

export interface CancelRequest {
  session: bigint;
}
export const CancelRequestCodec: b2.Codec<CancelRequest> = b2.codec('ardus.v1.CancelRequest', [
  b2.plain(1, 'session', 'uint64'),
]);
export const encodeCancelRequest = (message: b2.Init<CancelRequest>): Uint8Array => CancelRequestCodec.encode(message);
export const decodeCancelRequest = (bytes: Uint8Array): CancelRequest => CancelRequestCodec.decode(bytes);

export interface CancelResponse {
  found: boolean;
}
export const CancelResponseCodec: b2.Codec<CancelResponse> = b2.codec('ardus.v1.CancelResponse', [
  b2.plain(1, 'found', 'bool'),
]);
export const encodeCancelResponse = (message: b2.Init<CancelResponse>): Uint8Array => CancelResponseCodec.encode(message);
export const decodeCancelResponse = (bytes: Uint8Array): CancelResponse => CancelResponseCodec.decode(bytes);

export interface WatchRequest {
}
export const WatchRequestCodec: b2.Codec<WatchRequest> = b2.codec('ardus.v1.WatchRequest', [
]);
export const encodeWatchRequest = (message: b2.Init<WatchRequest>): Uint8Array => WatchRequestCodec.encode(message);
export const decodeWatchRequest = (bytes: Uint8Array): WatchRequest => WatchRequestCodec.decode(bytes);

export interface Transfers {
  transfers: Transfer[];
}
export const TransfersCodec: b2.Codec<Transfers> = b2.codec('ardus.v1.Transfers', [
  b2.list(1, 'transfers', () => TransferCodec),
]);
export const encodeTransfers = (message: b2.Init<Transfers>): Uint8Array => TransfersCodec.encode(message);
export const decodeTransfers = (bytes: Uint8Array): Transfers => TransfersCodec.decode(bytes);

/** A node that sends and receives: what its owner and the main job steer. */
export const Node = {
  /**
   * Sends paths to every receiver that joins. The whole state at once, then again whenever it changes, at most ten times a second; the
   * stream ends with the transfer. Cancelling the call leaves the transfer running: Cancel ends it.
   */
  send: {
    service: 'ardus.v1.Node', name: 'Send', kind: 'server_stream', idempotent: false, needs: 'send',
    request: SendRequestCodec, response: TransferCodec,
  } satisfies b2.Method<SendRequest, Transfer>,
  /** Takes the transfers announced to this node from now on into a folder, instead of the one it was started with while the call lasts. */
  receive: {
    service: 'ardus.v1.Node', name: 'Receive', kind: 'server_stream', idempotent: false, needs: 'admin',
    request: ReceiveRequestCodec, response: TransferCodec,
  } satisfies b2.Method<ReceiveRequest, Transfer>,
  /** Who this node is and which sockets it holds, signed with the node's key over the caller's nonce (docs/spec/ardus.md). */
  status: {
    service: 'ardus.v1.Node', name: 'Status', kind: 'unary', idempotent: true, needs: 'public',
    request: StatusRequestCodec, response: StatusResponseCodec,
  } satisfies b2.Method<StatusRequest, StatusResponse>,
  cancel: {
    service: 'ardus.v1.Node', name: 'Cancel', kind: 'unary', idempotent: false, needs: 'send',
    request: CancelRequestCodec, response: CancelResponseCodec,
  } satisfies b2.Method<CancelRequest, CancelResponse>,
  /** Every transfer of this node, in and out, as they change. */
  watch: {
    service: 'ardus.v1.Node', name: 'Watch', kind: 'server_stream', idempotent: false, needs: '',
    request: WatchRequestCodec, response: TransfersCodec,
  } satisfies b2.Method<WatchRequest, Transfers>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'ardus.v1.SendRequest': SendRequestCodec,
  'ardus.v1.Receiver': ReceiverCodec,
  'ardus.v1.Transfer': TransferCodec,
  'ardus.v1.ReceiveRequest': ReceiveRequestCodec,
  'ardus.v1.StatusRequest': StatusRequestCodec,
  'ardus.v1.Socket': SocketCodec,
  'ardus.v1.StatusResponse': StatusResponseCodec,
  'ardus.v1.CancelRequest': CancelRequestCodec,
  'ardus.v1.CancelResponse': CancelResponseCodec,
  'ardus.v1.WatchRequest': WatchRequestCodec,
  'ardus.v1.Transfers': TransfersCodec,
};
