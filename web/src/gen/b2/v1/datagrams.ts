// Made by protoc-gen-b2 from b2/v1/datagrams.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export interface OpenDatagramsRequest {
}
export const OpenDatagramsRequestCodec: b2.Codec<OpenDatagramsRequest> = b2.codec('b2.v1.OpenDatagramsRequest', [
]);
export const encodeOpenDatagramsRequest = (message: b2.Init<OpenDatagramsRequest>): Uint8Array => OpenDatagramsRequestCodec.encode(message);
export const decodeOpenDatagramsRequest = (bytes: Uint8Array): OpenDatagramsRequest => OpenDatagramsRequestCodec.decode(bytes);

export interface DatagramSession {
  id: bigint;
  /** UDP, at the address that this connection goes to */
  port: number;
  /** boot epoch of the server */
  epoch: bigint;
}
export const DatagramSessionCodec: b2.Codec<DatagramSession> = b2.codec('b2.v1.DatagramSession', [
  b2.plain(1, 'id', 'fixed64'),
  b2.plain(2, 'port', 'uint32'),
  b2.plain(3, 'epoch', 'fixed64'),
]);
export const encodeDatagramSession = (message: b2.Init<DatagramSession>): Uint8Array => DatagramSessionCodec.encode(message);
export const decodeDatagramSession = (bytes: Uint8Array): DatagramSession => DatagramSessionCodec.decode(bytes);

export interface FetchRequest {
  session: bigint;
  sequence: bigint;
}
export const FetchRequestCodec: b2.Codec<FetchRequest> = b2.codec('b2.v1.FetchRequest', [
  b2.plain(1, 'session', 'fixed64'),
  b2.plain(2, 'sequence', 'uint64'),
]);
export const encodeFetchRequest = (message: b2.Init<FetchRequest>): Uint8Array => FetchRequestCodec.encode(message);
export const decodeFetchRequest = (bytes: Uint8Array): FetchRequest => FetchRequestCodec.decode(bytes);

export interface FetchResponse {
  /** as the method gave it */
  answer: Uint8Array;
}
export const FetchResponseCodec: b2.Codec<FetchResponse> = b2.codec('b2.v1.FetchResponse', [
  b2.plain(1, 'answer', 'bytes'),
]);
export const encodeFetchResponse = (message: b2.Init<FetchResponse>): Uint8Array => FetchResponseCodec.encode(message);
export const decodeFetchResponse = (bytes: Uint8Array): FetchResponse => FetchResponseCodec.decode(bytes);

/** Keys for calls in datagrams (docs/spec/b2.md §13), by a TLS connection. */
export const Datagrams = {
  /**
   * A session whose keys both ends derive from the connection's TLS. Its datagrams carry the rights of this caller. It lasts as long as
   * the stream, which tells one message and then nothing.
   */
  open: {
    service: 'b2.v1.Datagrams', name: 'Open', kind: 'server_stream', idempotent: false, needs: '',
    request: OpenDatagramsRequestCodec, response: DatagramSessionCodec,
  } satisfies b2.Method<OpenDatagramsRequest, DatagramSession>,
  /** The answer of a call by datagram that was too long for one: to be had once, by the connection that the session was opened on. */
  fetch: {
    service: 'b2.v1.Datagrams', name: 'Fetch', kind: 'unary', idempotent: false, needs: '',
    request: FetchRequestCodec, response: FetchResponseCodec,
  } satisfies b2.Method<FetchRequest, FetchResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.OpenDatagramsRequest': OpenDatagramsRequestCodec,
  'b2.v1.DatagramSession': DatagramSessionCodec,
  'b2.v1.FetchRequest': FetchRequestCodec,
  'b2.v1.FetchResponse': FetchResponseCodec,
};
