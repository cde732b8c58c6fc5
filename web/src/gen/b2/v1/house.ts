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

export interface RenewRequest {
  /** "" for the one in the certificate */
  nodeName: string;
}
export const RenewRequestCodec: b2.Codec<RenewRequest> = b2.codec('b2.v1.RenewRequest', [
  b2.plain(1, 'nodeName', 'string'),
]);
export const encodeRenewRequest = (message: b2.Init<RenewRequest>): Uint8Array => RenewRequestCodec.encode(message);
export const decodeRenewRequest = (bytes: Uint8Array): RenewRequest => RenewRequestCodec.decode(bytes);

export interface RevocationsRequest {
  /** number of the list the caller has; 0 for none */
  known: bigint;
}
export const RevocationsRequestCodec: b2.Codec<RevocationsRequest> = b2.codec('b2.v1.RevocationsRequest', [
  b2.plain(1, 'known', 'uint64'),
]);
export const encodeRevocationsRequest = (message: b2.Init<RevocationsRequest>): Uint8Array => RevocationsRequestCodec.encode(message);
export const decodeRevocationsRequest = (bytes: Uint8Array): RevocationsRequest => RevocationsRequestCodec.decode(bytes);

export interface RevocationsResponse {
  /** docs/spec/house.md §5; empty where no later one is known */
  list: Uint8Array;
}
export const RevocationsResponseCodec: b2.Codec<RevocationsResponse> = b2.codec('b2.v1.RevocationsResponse', [
  b2.plain(1, 'list', 'bytes'),
]);
export const encodeRevocationsResponse = (message: b2.Init<RevocationsResponse>): Uint8Array => RevocationsResponseCodec.encode(message);
export const decodeRevocationsResponse = (bytes: Uint8Array): RevocationsResponse => RevocationsResponseCodec.decode(bytes);

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
  /** A certificate for the key of the member that calls, which holds longer than the one it shows (docs/spec/house.md, "Renewal"). */
  renew: {
    service: 'b2.v1.House', name: 'Renew', kind: 'unary', idempotent: false, needs: '',
    request: RenewRequestCodec, response: JoinResponseCodec,
  } satisfies b2.Method<RenewRequest, JoinResponse>,
} as const;

/** What every node tells of the house it is in. */
export const Trust = {
  /** The house's list of revoked nodes as this node knows it. It is signed: whoever brings it, it is the house's. */
  revocations: {
    service: 'b2.v1.Trust', name: 'Revocations', kind: 'unary', idempotent: true, needs: 'public',
    request: RevocationsRequestCodec, response: RevocationsResponseCodec,
  } satisfies b2.Method<RevocationsRequest, RevocationsResponse>,
} as const;

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'b2.v1.JoinRequest': JoinRequestCodec,
  'b2.v1.JoinResponse': JoinResponseCodec,
  'b2.v1.RenewRequest': RenewRequestCodec,
  'b2.v1.RevocationsRequest': RevocationsRequestCodec,
  'b2.v1.RevocationsResponse': RevocationsResponseCodec,
};
