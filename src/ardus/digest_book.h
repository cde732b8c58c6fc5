#pragma once
#include <bitset>
#include <map>
#include <vector>

#include "ardus/message.h"

namespace ghost::ardus {

/// What a symbol's bytes are known by in a DIGEST: the first half of their SHA-256.
SymbolDigest symbol_digest(BytesView symbol);

/// What a receiver under attack knows of the symbols of blocks it lacks: which digests the sender signed, and which symbols it holds
/// were found to be the sender's (docs/spec/ardus.md §5.8). Pure.
class DigestBook {
 public:
  /// @param most  blocks that are kept; beyond, the last of the stream is forgotten
  explicit DigestBook(std::size_t most) : most_(most) {}

  /// What the sender signed.
  void add(const DigestList& list);
  enum class Verdict : unsigned char { right, wrong, unknown };
  Verdict judge(BlockIndex block, SymbolIndex symbol, BytesView bytes) const;
  bool knows(BlockIndex block, SymbolIndex symbol) const;

  /// The symbol is the sender's: its digest says so, or the path it came by.
  void set_right(BlockIndex block, SymbolIndex symbol);
  bool is_right(BlockIndex block, SymbolIndex symbol) const;
  std::size_t right(BlockIndex block) const;

  /// The symbols are to be collected anew; what was signed stays.
  void restart(BlockIndex block);
  void forget(BlockIndex block) { pages_.erase(block); }
  void clear() { pages_.clear(); }

 private:
  struct Page {
    std::vector<SymbolDigest> digests;  ///< by symbol, kSymbolEnd of them once there is any
    std::bitset<kSymbolEnd> known, right;
  };
  Page* page(BlockIndex block);
  const Page* find(BlockIndex block) const;

  std::size_t most_;
  std::map<BlockIndex, Page> pages_;
};

}  // namespace ghost::ardus
