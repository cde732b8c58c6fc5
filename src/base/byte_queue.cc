#include "base/byte_queue.h"

#include <algorithm>
#include <cassert>

namespace ghost {

namespace {
constexpr std::size_t kFirstSlab = 512;  ///< what most turns of most connections fill; an idle one keeps none
constexpr std::size_t kSlab = 32 * 1024;
}

/// Sees to it that the last piece is a slab with room for `count` bytes.
void ByteQueue::add_slab(std::size_t count) {
  if (size_ == 0 && cue_) cue_();
  if (!no_pieces() && pieces_.back().capacity - pieces_.back().end >= count) return;
  Piece piece;
  piece.capacity = std::max(no_pieces() ? kFirstSlab : kSlab, count);
  piece.slab = std::make_unique_for_overwrite<std::uint8_t[]>(piece.capacity);
  pieces_.push_back(std::move(piece));
}

void ByteQueue::append(Bytes&& bytes) {
  if (bytes.size() < kLinkFrom) return append(BytesView(bytes));
  if (size_ == 0 && cue_) cue_();
  size_ += bytes.size();
  Piece piece;
  piece.end = piece.capacity = bytes.size();
  piece.linked = std::move(bytes);
  pieces_.push_back(std::move(piece));
}

std::size_t ByteQueue::runs(BytesView* out, std::size_t most) const {
  std::size_t count = 0;
  std::size_t skip = front_;
  for (std::size_t i = first_; i < pieces_.size() && count < most; ++i) {
    const Piece& piece = pieces_[i];
    if (piece.end > skip) out[count++] = BytesView(piece.data() + skip, piece.end - skip);
    skip = 0;
  }
  return count;
}

void ByteQueue::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  front_ += count;
  while (!no_pieces() && front_ >= pieces_[first_].end) {
    front_ -= pieces_[first_].end;
    drop_first();
  }
}

void ByteQueue::drop_first() {
  pieces_[first_++] = {};
  if (no_pieces()) {
    pieces_.clear();
    if (pieces_.capacity() > 128) pieces_.shrink_to_fit();
    first_ = 0;
  } else if (first_ >= 64 && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

Bytes ByteQueue::take() {
  Bytes all;
  all.reserve(size_);
  std::size_t skip = front_;
  for (std::size_t i = first_; i < pieces_.size(); ++i) {
    all.insert(all.end(), pieces_[i].data() + skip, pieces_[i].data() + pieces_[i].end);
    skip = 0;
  }
  clear();
  return all;
}

void ByteQueue::clear() {
  pieces_.clear();
  first_ = 0;
  front_ = 0;
  size_ = 0;
}

}  // namespace ghost
