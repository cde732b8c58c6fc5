#include "base/byte_queue.h"

#include <algorithm>
#include <cassert>

namespace ghost {

namespace {
constexpr std::size_t kSlab = 32 * 1024;
}

std::uint8_t* ByteQueue::grow(std::size_t count) {
  if (size_ == 0 && cue_) cue_();
  if (pieces_.empty() || pieces_.back().bytes.size() - pieces_.back().end < count) {
    Piece piece;
    if (spare_.size() >= count) {
      piece.bytes = std::move(spare_);
      spare_.clear();
    } else {
      piece.bytes.resize(std::max(kSlab, count));
    }
    pieces_.push_back(std::move(piece));
  }
  Piece& last = pieces_.back();
  std::uint8_t* at = last.bytes.data() + last.end;
  last.end += count;
  size_ += count;
  return at;
}

void ByteQueue::append(Bytes&& bytes) {
  if (bytes.size() < kLinkFrom) return append(BytesView(bytes));
  if (size_ == 0 && cue_) cue_();
  size_ += bytes.size();
  const std::size_t end = bytes.size();
  pieces_.push_back({std::move(bytes), end});
}

std::size_t ByteQueue::runs(BytesView* out, std::size_t most) const {
  std::size_t count = 0;
  std::size_t skip = front_;
  for (const Piece& piece : pieces_) {
    if (count == most) break;
    if (piece.end > skip) out[count++] = BytesView(piece.bytes).subspan(skip, piece.end - skip);
    skip = 0;
  }
  return count;
}

void ByteQueue::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  front_ += count;
  while (!pieces_.empty() && front_ >= pieces_.front().end) {
    front_ -= pieces_.front().end;
    if (pieces_.size() == 1 && pieces_.front().bytes.size() == kSlab) {
      pieces_.front().end = 0;  // keep the slab: the next turn fills it again
      front_ = 0;
      return;
    }
    if (pieces_.front().bytes.size() == kSlab && spare_.empty()) spare_ = std::move(pieces_.front().bytes);
    pieces_.pop_front();
  }
}

Bytes ByteQueue::take() {
  Bytes all;
  all.reserve(size_);
  std::size_t skip = front_;
  for (const Piece& piece : pieces_) {
    all.insert(all.end(), piece.bytes.begin() + static_cast<std::ptrdiff_t>(skip),
               piece.bytes.begin() + static_cast<std::ptrdiff_t>(piece.end));
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
