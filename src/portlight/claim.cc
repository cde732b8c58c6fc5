#include "portlight/claim.h"

#include <algorithm>

#include "base/ed25519.h"
#include "base/sha256.h"

namespace ghost::portlight {

namespace {

void put_text(ByteWriter& out, std::string_view text) { out.u16(static_cast<std::uint16_t>(text.size())).bytes(as_bytes(text)); }

}  // namespace

Bytes signed_bytes(const v1::Claim& claim, BytesView nonce) {
  Bytes bytes;
  ByteWriter out(bytes);
  put_text(out, as_text(nonce));
  out.bytes(claim.node).u64(claim.time_ms).u16(static_cast<std::uint16_t>(claim.sockets.size()));
  for (const v1::ClaimedSocket& socket : claim.sockets) {
    put_text(out, socket.transport);
    put_text(out, socket.address);
    put_text(out, socket.purpose);
  }
  return bytes;
}

Status check_claim(const v1::Claim& claim, BytesView nonce) {
  constexpr std::size_t kMostSockets = 1024, kLongestText = 512;
  if (claim.sockets.size() > kMostSockets) return Error{Errc::unauthenticated, "its Status lists more sockets than a daemon has"};
  for (const v1::ClaimedSocket& socket : claim.sockets) {
    if (socket.transport.size() + socket.address.size() + socket.purpose.size() > kLongestText) return Error{Errc::unauthenticated, "its Status is longer than it may be"};
  }
  const Digest node = sha256(claim.public_key);
  if (!std::equal(node.begin(), node.end(), claim.node.begin(), claim.node.end())) return Error{Errc::unauthenticated, "its Status names a node whose key it does not show"};
  if (!verify_signature(claim.public_key, kClaimDomain, signed_bytes(claim, nonce), claim.signature)) {
    return Error{Errc::unauthenticated, "the signature of its Status is not valid"};
  }
  return {};
}

}  // namespace ghost::portlight
