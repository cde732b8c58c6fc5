#include "ardus/grant.h"

namespace ghost::ardus {

namespace {

constexpr std::string_view kGrantMagic = "ARDUSGR1";
constexpr std::string_view kGrantDomain = "ardus grant";
constexpr std::size_t kGrantSignature = 64;

}  // namespace

Bytes encode_grant(const Grant& grant, const KeyPair& sender) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(kGrantMagic)).u8(static_cast<std::uint8_t>(grant.kind)).bytes(grant.content).u64(grant.session).bytes(grant.nonce).bytes(grant.node);
  const Signature signature = sender.sign(kGrantDomain, bytes);
  out.bytes(signature);
  return bytes;
}

Result<Grant> parse_grant(BytesView bytes, const PublicKey& sender) {
  if (bytes.size() != kGrantBytes || as_text(bytes.first(kGrantMagic.size())) != kGrantMagic) return Error{Errc::malformed, "grant: it is cut off, or none"};
  ByteReader in(bytes.subspan(kGrantMagic.size()));
  Grant grant;
  const std::uint8_t kind = in.u8();
  if (kind != static_cast<std::uint8_t>(GrantKind::fetch) && kind != static_cast<std::uint8_t>(GrantKind::relay)) return Error{Errc::malformed, "grant: of a kind that is not known"};
  grant.kind = static_cast<GrantKind>(kind);
  in.fill(grant.content);
  grant.session = in.u64();
  in.fill(grant.nonce);
  in.fill(grant.node);
  if (!verify_signature(sender, kGrantDomain, bytes.first(bytes.size() - kGrantSignature), bytes.last(kGrantSignature))) {
    return Error{Errc::unauthenticated, "grant: the session's sender did not sign it"};
  }
  return grant;
}

}  // namespace ghost::ardus
