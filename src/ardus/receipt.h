#pragma once
#include <cstdint>

#include "ardus/manifest.h"
#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/result.h"

namespace ghost::ardus {

/// How a receiver knows that its copy is right; flags.
enum class Verified : std::uint8_t {
  on_arrival = 1,  ///< every chunk that came was hashed before it was written
  read_back = 2,   ///< every chunk was read from the disk again and hashed, before the file took its place
  was_there = 4    ///< some of it had been there before
};
constexpr std::uint8_t operator|(Verified a, Verified b) { return static_cast<std::uint8_t>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b)); }

using ReceiptNonce = std::array<std::uint8_t, 16>;

/// A receiver's word that it holds a verified copy (docs/spec/ardus.md, "Receipt"). The sender's nonce makes it fresh.
struct Receipt {
  ContentId content{};
  std::uint64_t session = 0;
  ReceiptNonce nonce{};       ///< the sender's, for this session
  PublicKey node{};           ///< the receiver's key; its id is the key's hash
  std::uint64_t time_ms = 0;  ///< UTC, of the receiver's clock
  std::uint64_t bytes = 0;    ///< of the files
  std::uint8_t how = 0;       ///< Verified
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

constexpr std::size_t kReceiptBytes = 8 + 32 + 8 + 16 + 32 + 8 + 8 + 1 + 64;

/// Signs; fills in `node`.
Bytes encode_receipt(Receipt& receipt, const KeyPair& node);
/// Reads one; unauthenticated when the key it names did not sign it. Whose key that is, and whether the content, session and nonce
/// are the ones expected, is the caller's question: check_receipt().
Result<Receipt> parse_receipt(BytesView bytes);
/// Whether this is the receipt for that content in that session, by that node: conflict names what differs.
Status check_receipt(const Receipt& receipt, const ContentId& content, std::uint64_t session, const ReceiptNonce& nonce, BytesView node_key);

}  // namespace ghost::ardus
