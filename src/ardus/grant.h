#pragma once
#include "ardus/receipt.h"

namespace ghost::ardus {

/// What a sender lets a member do in its session (docs/spec/ardus.md §9.2).
enum class GrantKind : std::uint8_t {
  fetch = 1,  ///< take chunks of the content from receivers that are done
  relay = 2   ///< hand the content on to receivers of another site, and their receipts back
};

/// A sender's word that a member may do so. It names the session by its nonce, so that it is worth nothing in another.
struct Grant {
  GrantKind kind = GrantKind::fetch;
  ContentId content{};
  std::uint64_t session = 0;
  ReceiptNonce nonce{};
  PublicKey node{};  ///< of the member
  friend bool operator==(const Grant&, const Grant&) = default;
};

constexpr std::size_t kGrantBytes = 8 + 1 + 32 + 8 + 16 + 32 + 64;

Bytes encode_grant(const Grant& grant, const KeyPair& sender);
/// Reads one; unauthenticated when `sender` did not sign it.
Result<Grant> parse_grant(BytesView bytes, const PublicKey& sender);

}  // namespace ghost::ardus
