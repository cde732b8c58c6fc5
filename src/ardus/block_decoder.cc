#include "ardus/block_decoder.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "ardus/fec.h"

namespace ghost::ardus {

struct BlockDecoder::Assembly {
  explicit Assembly(std::size_t block_size) : source(block_size) {}

  BlockIndex block;
  std::vector<std::uint8_t> source;
  std::vector<std::uint8_t> parity;               ///< as many symbols as were placed
  std::vector<std::uint16_t> parity_index;        ///< which they are
  std::bitset<kSymbolEnd> kept;
};

BlockDecoder::BlockDecoder(const StreamShape& stream, BlockSink& sink) : stream_(stream), size_(stream.symbol_size()), sink_(sink) {}
BlockDecoder::~BlockDecoder() = default;

BlockDecoder::Assembly& BlockDecoder::open(BlockIndex block) {
  for (std::size_t i = open_.size(); i-- > 0;) {
    if (open_[i]->block == block) return *open_[i];
  }
  if (spare_.empty()) spare_.push_back(std::make_unique<Assembly>(block_bytes(stream_.layout)));
  open_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  open_.back()->block = block;
  return *open_.back();
}

std::unique_ptr<BlockDecoder::Assembly> BlockDecoder::take(BlockIndex block) {
  const auto at = std::ranges::find_if(open_, [block](const auto& assembly) { return assembly->block == block; });
  if (at == open_.end()) return nullptr;
  auto assembly = std::move(*at);
  open_.erase(at);
  return assembly;
}

void BlockDecoder::recycle(std::unique_ptr<Assembly> assembly) {
  assembly->parity.clear();
  assembly->parity_index.clear();
  assembly->kept.reset();
  if (spare_.size() < window_blocks(stream_.layout)) spare_.push_back(std::move(assembly));
}

std::uint8_t* BlockDecoder::place(BlockIndex block, SymbolIndex symbol) {
  Assembly& assembly = open(block);
  if (symbol.value < kFirstParity) return assembly.source.data() + symbol.value * size_;
  // A place that was given and not kept (a forged packet), or forgotten, is used again; no symbol has two.
  auto& index = assembly.parity_index;
  auto unused = std::ranges::find(index, symbol.value);
  if (unused == index.end()) unused = std::ranges::find_if(index, [&](std::uint16_t at) { return !assembly.kept.test(at); });
  const auto slot = static_cast<std::size_t>(unused - index.begin());
  if (unused == index.end()) {
    index.push_back(symbol.value);
    assembly.parity.resize(assembly.parity.size() + size_);
  } else {
    *unused = symbol.value;
  }
  return assembly.parity.data() + slot * size_;
}

void BlockDecoder::keep(BlockIndex block, SymbolIndex symbol) { open(block).kept.set(symbol.value); }

void BlockDecoder::drop(BlockIndex block) {
  if (auto assembly = take(block)) recycle(std::move(assembly));
}

BytesView BlockDecoder::bytes(BlockIndex block, SymbolIndex symbol) {
  const Assembly& assembly = open(block);
  if (symbol.value < kFirstParity) return BytesView(assembly.source).subspan(symbol.value * size_, size_);
  const auto at = std::ranges::find(assembly.parity_index, symbol.value) - assembly.parity_index.begin();
  return BytesView(assembly.parity).subspan(static_cast<std::size_t>(at) * size_, size_);
}

void BlockDecoder::forget(BlockIndex block, SymbolIndex symbol) { open(block).kept.reset(symbol.value); }

void BlockDecoder::finish(BlockIndex block) {
  auto assembly = take(block);
  if (!assembly) return;
  std::array<std::uint16_t, kBlockSymbols> lost;
  std::size_t lost_count = 0;
  for (std::uint16_t i = 0; i < stream_.symbols_in(block); ++i) {
    if (!assembly->kept.test(i)) lost[lost_count++] = i;
  }
  std::vector<fec::Parity> parity;
  for (std::size_t i = 0; i < assembly->parity_index.size() && parity.size() < lost_count; ++i) {
    const std::uint16_t index = assembly->parity_index[i];
    if (assembly->kept.test(index)) parity.push_back({SymbolIndex{index}, assembly->parity.data() + i * size_});
  }
  const std::span<std::uint8_t> bytes(assembly->source.data(), stream_.bytes_in(block));
  fec::decode(bytes, size_, {lost.data(), lost_count}, parity);
  sink_.on_block(block, bytes);
  recycle(std::move(assembly));
}

}  // namespace ghost::ardus
