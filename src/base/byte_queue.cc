#include "base/byte_queue.h"

#include <algorithm>
#include <cassert>

namespace ghost {

namespace {
constexpr std::size_t kFirstSlab = 512;  ///< an idle connection keeps one of these and no more
constexpr std::size_t kSlab = 32 * 1024;
}

/// Sees to it that the last piece is a slab with room for `count` bytes.
void ByteQueue::add_slab(std::size_t count) {
  if (size_ == 0 && cue_) cue_();
  if (!pieces_.empty() && pieces_.back().capacity - pieces_.back().end >= count) return;
  Piece piece;
  piece.capacity = std::max(pieces_.empty() ? kFirstSlab : kSlab, count);
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
  for (const Piece& piece : pieces_) {
    if (count == most) break;
    if (piece.end > skip) out[count++] = BytesView(piece.data() + skip, piece.end - skip);
    skip = 0;
  }
  return count;
}

void ByteQueue::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  front_ += count;
  while (!pieces_.empty() && front_ >= pieces_.front().end) {
    Piece& first = pieces_.front();
    front_ -= first.end;
    if (pieces_.size() == 1 && front_ == 0 && first.slab && first.capacity == kFirstSlab) {
      first.end = 0;  // the next turn fills it again
      return;
    }
    pieces_.pop_front();
  }
}

Bytes ByteQueue::take() {
  Bytes all;
  all.reserve(size_);
  std::size_t skip = front_;
  for (const Piece& piece : pieces_) {
    all.insert(all.end(), piece.data() + skip, piece.data() + piece.end);
    skip = 0;
  }
  clear();
  return all;
}

void ByteQueue::clear() {
  pieces_.clear();
  front_ = 0;
  size_ = 0;
}

}  // namespace ghost
