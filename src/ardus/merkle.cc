#include "ardus/merkle.h"

namespace ghost::ardus {

namespace {

Digest node(Sha256& hash, const Digest& left, const Digest& right) {
  constexpr std::uint8_t kNode = 1;
  return hash.update({&kNode, 1}).update(left).update(right).finish();
}

}  // namespace

void MerkleTree::add(std::uint8_t kind, BytesView leaf) {
  const std::array<std::uint8_t, 2> prefix = {0, kind};
  Subtree last{hash_.update(prefix).update(leaf).finish(), 0};
  while (!peaks_.empty() && peaks_.back().height == last.height) {
    last = {node(hash_, peaks_.back().digest, last.digest), last.height + 1};
    peaks_.pop_back();
  }
  peaks_.push_back(last);
}

Digest MerkleTree::root() const {
  if (peaks_.empty()) return sha256({});
  Sha256 hash;
  Digest root = peaks_.back().digest;
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) root = node(hash, peak->digest, root);
  return root;
}

}  // namespace ghost::ardus
