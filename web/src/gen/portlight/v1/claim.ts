// Made by protoc-gen-b2 from portlight/v1/claim.proto: change that, not this.
import * as b2 from '../../../b2/proto';

/**
 * What a daemon says of its own sockets, signed: ardus.v1.Node/Status in the fields that Portlight reads (proto/ardus/v1/node.proto has
 * the same numbers; docs/spec/portlight.md §5.3).
 */
export interface ClaimRequest {
  nonce: Uint8Array;
}
export const ClaimRequestCodec: b2.Codec<ClaimRequest> = b2.codec('portlight.v1.ClaimRequest', [
  b2.plain(1, 'nonce', 'bytes'),
]);
export const encodeClaimRequest = (message: b2.Init<ClaimRequest>): Uint8Array => ClaimRequestCodec.encode(message);
export const decodeClaimRequest = (bytes: Uint8Array): ClaimRequest => ClaimRequestCodec.decode(bytes);

export interface ClaimedSocket {
  /** "udp" */
  transport: string;
  /** "0.0.0.0:1835" */
  address: string;
  /** "data (receive-only)" */
  purpose: string;
}
export const ClaimedSocketCodec: b2.Codec<ClaimedSocket> = b2.codec('portlight.v1.ClaimedSocket', [
  b2.plain(1, 'transport', 'string'),
  b2.plain(2, 'address', 'string'),
  b2.plain(3, 'purpose', 'string'),
]);
export const encodeClaimedSocket = (message: b2.Init<ClaimedSocket>): Uint8Array => ClaimedSocketCodec.encode(message);
export const decodeClaimedSocket = (bytes: Uint8Array): ClaimedSocket => ClaimedSocketCodec.decode(bytes);

export interface Claim {
  /** SHA-256 of public_key */
  node: Uint8Array;
  /** Ed25519 */
  publicKey: Uint8Array;
  name: string;
  sockets: ClaimedSocket[];
  timeMs: bigint;
  signature: Uint8Array;
  program: string;
}
export const ClaimCodec: b2.Codec<Claim> = b2.codec('portlight.v1.Claim', [
  b2.plain(1, 'node', 'bytes'),
  b2.plain(2, 'publicKey', 'bytes'),
  b2.plain(3, 'name', 'string'),
  b2.list(4, 'sockets', () => ClaimedSocketCodec),
  b2.plain(5, 'timeMs', 'uint64'),
  b2.plain(6, 'signature', 'bytes'),
  b2.plain(7, 'program', 'string'),
]);
export const encodeClaim = (message: b2.Init<Claim>): Uint8Array => ClaimCodec.encode(message);
export const decodeClaim = (bytes: Uint8Array): Claim => ClaimCodec.decode(bytes);

/** The codec of each message, by its full name. */
export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {
  'portlight.v1.ClaimRequest': ClaimRequestCodec,
  'portlight.v1.ClaimedSocket': ClaimedSocketCodec,
  'portlight.v1.Claim': ClaimCodec,
};
