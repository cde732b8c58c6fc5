#pragma once
#include <vector>

#include "base/sha256.h"

namespace ghost::ardus {

/// The root of a hash tree over leaves in their order, shaped as RFC 6962 §2.1 has it: the left half is the largest power of two
/// below the count. A leaf is SHA-256(0x00, kind, bytes), a node SHA-256(0x01, left, right); no leaf gives SHA-256 of nothing.
class MerkleTree {
 public:
  /// @param kind  keeps leaves of one sort from being taken for another's
  void add(std::uint8_t kind, BytesView leaf);
  Digest root() const;

 private:
  struct Subtree {
    Digest digest;
    unsigned height;
  };
  std::vector<Subtree> peaks_;  ///< of complete subtrees, from left to right, each lower than the one before
  Sha256 hash_;
};

}  // namespace ghost::ardus
