// Made by protoc-gen-b2 from b2/v1/house.proto: change that, not this.
import * as b2 from '../../../b2/proto';

export interface JoinRequest {
  /** public id of the code, 8 bytes */
  invitation: Uint8Array;
  /** HMAC-SHA-256 over keying material of this TLS connection */
  proof: Uint8Array;
  nodeName: string;
}
export const JoinRequestCodec: b2.Codec<JoinRequest> = b2.codec('b2.v1.JoinRequest', [
  b2.plain(1, 'invitation', 'bytes'),
  b2.plain(2, 'proof', 'bytes'),
  b2.plain(3, 'nodeName', 'string'),
]);
export const encodeJoinRequest = (message: b2.Init<JoinRequest>): Uint8Array => JoinRequestCodec.encode(message);
export const decodeJoinRequest = (bytes: Uint8Array): JoinRequest => JoinRequestCodec.decode(bytes);

export interface JoinResponse {
  /** DER, the node's first, then the house's */
  certificates: Uint8Array[];
  house: string;
  roles: string[];
}
export const JoinResponseCodec: b2.Codec<JoinResponse> = b2.codec('b2.v1.JoinResponse', [
  b2.list(1, 'certificates', 'bytes'),
  b2.plain(2, 'house', 'string'),
  b2.list(3, 'roles', 'string'),
]);
export const encodeJoinResponse = (message: b2.Init<JoinResponse>): Uint8Array => JoinResponseCodec.encode(message);
export const decodeJoinResponse = (bytes: Uint8Array): JoinResponse => JoinResponseCodec.decode(bytes);

/** Membership of a house: served by the node that holds the house's key. */
export const House = {
  /**
   * Turns a one-time code into a certificate. The caller's TLS certificate shows its node key; `proof` shows that it knows the
   * code's secret on this very connection (docs/spec/b2.md, "Joining a house").
   */
  join: {
    service: 'b2.v1.House', name: 'Join', kind: 'unary', idempotent: false, needs: 'public',
    request: JoinRequestCodec, response: JoinResponseCodec,
  } satisfies b2.Method<JoinRequest, JoinResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.JoinRequest': JoinRequestCodec,
  'b2.v1.JoinResponse': JoinResponseCodec,
};
