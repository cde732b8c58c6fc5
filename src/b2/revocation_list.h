#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "b2/identity.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// A node that a house has taken out.
struct Revoked {
  NodeId node;
  WallTime since;  ///< whole seconds
  friend bool operator==(const Revoked&, const Revoked&) = default;
};

/// The nodes that a house no longer takes for members, numbered and signed by the house (docs/spec/house.md §5).
class RevocationList {
 public:
  static constexpr std::size_t kMost = 16'384;
  static constexpr std::size_t kHeader = 60, kEntry = 40;  ///< bytes
  static constexpr std::size_t kMaxBytes = kHeader + kEntry * kMost + sizeof(Signature);

  /// Reads a stranger's bytes. malformed when they are no such list; unauthenticated when another than the house signed it, or it is
  /// another house's.
  static Result<RevocationList> read(BytesView bytes, const PublicKey& house);
  /// exhausted when there are more than kMost. A node that stands there twice is kept once, since the earlier time.
  static Result<RevocationList> make(const KeyPair& house, std::uint64_t number, WallTime made, std::vector<Revoked> nodes);

  std::uint64_t number() const { return number_; }  ///< a later list has a higher one; from 1
  WallTime made() const { return made_; }
  const std::vector<Revoked>& nodes() const { return nodes_; }  ///< by node id
  const Bytes& bytes() const { return bytes_; }
  /// Null when the node was not taken out.
  const Revoked* find(const NodeId& node) const;

 private:
  RevocationList() = default;
  std::uint64_t number_ = 0;
  WallTime made_;
  std::vector<Revoked> nodes_;
  Bytes bytes_;
};

}  // namespace ghost::b2
