#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "ardus/payload.h"

namespace ghost::ardus {

/// Some of the blocks 0 … end-1 of a stream, one bit each.
class BlockSet {
 public:
  BlockSet() = default;
  explicit BlockSet(std::uint32_t end) : end_(end), words_((std::size_t{end} + 63) / 64) {}
  static BlockSet all(std::uint32_t end) {
    BlockSet set(end);
    for (std::uint32_t block = 0; block < end; ++block) set.insert(BlockIndex{block});
    return set;
  }

  std::uint32_t end() const { return end_; }
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool contains(BlockIndex block) const { return block.value < end_ && (words_[block.value / 64] >> (block.value % 64) & 1) != 0; }

  /// Blocks at or beyond the end are ignored. Both say whether the set changed.
  bool insert(BlockIndex block) {
    if (block.value >= end_ || contains(block)) return false;
    words_[block.value / 64] |= std::uint64_t{1} << (block.value % 64);
    ++size_;
    return true;
  }
  bool erase(BlockIndex block) {
    if (!contains(block)) return false;
    words_[block.value / 64] &= ~(std::uint64_t{1} << (block.value % 64));
    --size_;
    return true;
  }

  /// The first block of the set that is not before `from`; end() when there is none.
  std::uint32_t next(std::uint32_t from) const {
    if (from >= end_) return end_;
    std::size_t word = from / 64;
    std::uint64_t bits = words_[word] & ~std::uint64_t{0} << (from % 64);
    while (bits == 0) {
      if (++word == words_.size()) return end_;
      bits = words_[word];
    }
    return static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }

 private:
  std::uint32_t end_ = 0;
  std::uint32_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace ghost::ardus
