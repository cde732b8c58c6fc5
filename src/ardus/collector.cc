#include "ardus/collector.h"

#include <algorithm>
#include <cassert>

namespace ghost::ardus {

Collector::Collector(const StreamShape& stream, BlockSet wanted, std::size_t max_open)
    : stream_(stream), lacking_(std::move(wanted)), wanted_(lacking_.size()), max_open_(std::clamp<std::size_t>(max_open, 1, kClosed)),
      slot_(stream.blocks(), kClosed) {}

bool Collector::wants(BlockIndex block, SymbolIndex symbol) const {
  if (!lacking_.contains(block) || block.value >= slot_.size()) return false;
  if (symbol.value < kFirstParity && symbol.value >= stream_.symbols_in(block)) return false;
  const std::uint16_t slot = slot_[block.value];
  return slot == kClosed || !open_[slot].held[symbol.value];
}

std::optional<BlockIndex> Collector::in_the_way(BlockIndex block) const {
  if (slot_[block.value] != kClosed || open_.size() < max_open_) return std::nullopt;
  return std::ranges::min_element(open_, {}, &Open::touched)->block;
}

bool Collector::holds(BlockIndex block, SymbolIndex symbol) const {
  if (block.value >= slot_.size() || slot_[block.value] == kClosed) return false;
  return open_[slot_[block.value]].held[symbol.value];
}

bool Collector::take(BlockIndex block, SymbolIndex symbol) {
  hold(block, symbol);
  if (open_[slot_[block.value]].count < stream_.symbols_in(block)) return false;
  close(block);
  return true;
}

void Collector::close(BlockIndex block) {
  drop(block);
  lacking_.erase(block);
}

void Collector::lose(BlockIndex block, SymbolIndex symbol) {
  assert(holds(block, symbol));
  Open& open = open_[slot_[block.value]];
  open.held.reset(symbol.value);
  --open.count;
}

void Collector::hold(BlockIndex block, SymbolIndex symbol) {
  assert(wants(block, symbol));
  std::uint16_t& slot = slot_[block.value];
  if (slot == kClosed) {
    slot = static_cast<std::uint16_t>(open_.size());
    open_.push_back({block, 0, 0, {}});
  }
  Open& open = open_[slot];
  open.held.set(symbol.value);
  open.touched = ++clock_;
  ++open.count;
}

std::uint8_t Collector::deficit(BlockIndex block) const {
  if (!lacking_.contains(block)) return 0;
  const std::uint16_t slot = slot_[block.value];
  const std::size_t held = slot == kClosed ? 0 : open_[slot].count;
  return static_cast<std::uint8_t>(stream_.symbols_in(block) - std::min(held, stream_.symbols_in(block)));
}

void Collector::drop(BlockIndex block) {
  const std::uint16_t slot = slot_[block.value];
  if (slot == kClosed) return;
  slot_[block.value] = kClosed;
  if (slot + std::size_t{1} != open_.size()) {
    open_[slot] = open_.back();
    slot_[open_[slot].block.value] = slot;
  }
  open_.pop_back();
}

bool Collector::set_held(BlockIndex block) {
  if (!lacking_.erase(block)) return false;
  drop(block);
  return true;
}

void Collector::set_lacking(BlockIndex block) {
  if (block.value >= slot_.size() || !lacking_.insert(block)) return;
  wanted_ = std::max(wanted_, lacking_.size());
}

}  // namespace ghost::ardus
