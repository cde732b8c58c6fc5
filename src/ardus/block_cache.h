#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "ardus/payload.h"

namespace ghost::ardus {

/// A sender's blocks of late, and parity made of them when it is asked for.
class BlockCache {
 public:
  /// @param most  blocks kept; at least one window
  BlockCache(const StreamShape& stream, BlockSource& source, std::size_t most);

  /// The bytes of a symbol, valid until the next call.
  /// @param more  how many of the symbols after it will probably be asked for too
  Result<BytesView> symbol(BlockIndex block, SymbolIndex symbol, std::size_t more);
  /// The symbol is asked for soon: what is kept of it is brought near the CPU. A window of blocks is larger than its caches.
  void expect(BlockIndex block, SymbolIndex symbol) const;

 private:
  struct Entry {
    BlockIndex block;
    std::uint64_t used = 0;
    std::vector<std::uint8_t> source;
    std::vector<std::uint8_t> parity;       ///< symbols first_parity … in one piece
    std::uint16_t first_parity = 0;
  };
  Result<Entry*> entry(BlockIndex block);

  StreamShape stream_;
  std::size_t size_;  ///< of a symbol
  BlockSource& source_;
  std::size_t most_;
  std::uint64_t clock_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Entry*> of_block_;  ///< null where it is not kept
};

}  // namespace ghost::ardus
