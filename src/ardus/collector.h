#pragma once
#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "ardus/block_set.h"

namespace ghost::ardus {

/// Which symbols of which blocks a receiver holds; not their bytes.
class Collector {
 public:
  Collector(const StreamShape& stream, BlockSet wanted, std::size_t max_open);

  const BlockSet& lacking() const { return lacking_; }
  std::uint32_t wanted() const { return wanted_; }
  std::uint32_t done() const { return wanted_ - lacking_.size(); }

  /// Whether the symbol is of a block that is lacking, and not held.
  bool wants(BlockIndex block, SymbolIndex symbol) const;
  /// Whether the symbol is held, of a block that is lacking.
  bool holds(BlockIndex block, SymbolIndex symbol) const;
  /// Whether some symbol of it is held and others are lacking.
  bool is_open(BlockIndex block) const { return slot_[block.value] != kClosed; }
  /// The block that must be forgotten (call drop()) before a symbol of `block` can be taken, the one that got nothing for longest;
  /// nothing as a rule.
  std::optional<BlockIndex> in_the_way(BlockIndex block) const;
  /// Takes a symbol that is wanted; true when its block is whole with it, and so no longer lacking.
  bool take(BlockIndex block, SymbolIndex symbol);
  /// The same, but that the block stays lacking until close().
  void hold(BlockIndex block, SymbolIndex symbol);
  void close(BlockIndex block);
  /// A symbol that is held turned out to be wrong.
  void lose(BlockIndex block, SymbolIndex symbol);
  /// Symbols the block still needs: 0 … 128.
  std::uint8_t deficit(BlockIndex block) const;

  void drop(BlockIndex block);  ///< its symbols are forgotten
  /// The block came some other way; says whether it was lacking.
  bool set_held(BlockIndex block);
  void set_lacking(BlockIndex block);

 private:
  static constexpr std::uint16_t kClosed = 0xffff;
  struct Open {
    BlockIndex block;
    std::uint16_t count = 0;
    std::uint64_t touched = 0;
    std::bitset<kSymbolEnd> held;
  };

  StreamShape stream_;
  BlockSet lacking_;
  std::uint32_t wanted_;
  std::size_t max_open_;
  std::vector<std::uint16_t> slot_;  ///< of a block in open_
  std::vector<Open> open_;
  std::uint64_t clock_ = 0;
};

}  // namespace ghost::ardus
