#include "ardus/block_cache.h"

#include <algorithm>

#include "ardus/fec.h"

namespace ghost::ardus {

BlockCache::BlockCache(const StreamShape& stream, BlockSource& source, std::size_t most)
    : stream_(stream), size_(stream.symbol_size()), source_(source), most_(std::max(most, window_blocks(stream.layout))), of_block_(stream.blocks()) {}

Result<BlockCache::Entry*> BlockCache::entry(BlockIndex block) {
  Entry*& known = of_block_.at(block.value);
  if (known == nullptr) {
    if (entries_.size() < most_) {
      entries_.push_back(std::make_unique<Entry>());
    } else {
      std::ranges::nth_element(entries_, entries_.end() - 1, std::ranges::greater{}, [](const auto& e) { return e->used; });
      of_block_[entries_.back()->block.value] = nullptr;
    }
    Entry& fresh = *entries_.back();
    fresh.block = block;
    fresh.parity.clear();
    fresh.source.resize(stream_.bytes_in(block));
    if (const Status read = source_.read(block, fresh.source); !read) {
      entries_.pop_back();
      return read.error();
    }
    known = &fresh;
  }
  known->used = ++clock_;
  return known;
}

Result<BytesView> BlockCache::symbol(BlockIndex block, SymbolIndex symbol, std::size_t more) {
  const auto found = entry(block);
  if (!found) return found.error();
  Entry& entry = **found;
  if (symbol.value < kFirstParity) return BytesView(entry.source).subspan(symbol.value * size_, size_);
  const std::size_t made = entry.parity.size() / size_;
  if (symbol.value < entry.first_parity || symbol.value >= entry.first_parity + made) {
    const std::size_t count = std::min<std::size_t>(std::clamp<std::size_t>(more + 1, 1, 32), kSymbolEnd - symbol.value);
    entry.parity.resize(count * size_);
    entry.first_parity = symbol.value;
    fec::encode(entry.source, size_, symbol, count, entry.parity);
  }
  return BytesView(entry.parity).subspan(static_cast<std::size_t>(symbol.value - entry.first_parity) * size_, size_);
}

void BlockCache::expect(BlockIndex block, SymbolIndex symbol) const {
  const Entry* const entry = of_block_[block.value];
  const std::size_t begin = symbol.value * size_;
  if (entry == nullptr || symbol.value >= kFirstParity || begin >= entry->source.size()) return;
  for (std::size_t at = begin; at < begin + kSymbolSize; at += kCacheLine) __builtin_prefetch(entry->source.data() + at);
}

}  // namespace ghost::ardus
