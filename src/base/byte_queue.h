#pragma once
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace ghost {

/// Bytes on their way out, in order: small pieces are gathered into shared slabs, large ones are kept as they came, so that
/// everything made in one turn leaves in one sendmsg without being copied twice.
class ByteQueue {
 public:
  /// A piece at least this long is linked by append(Bytes&&), a shorter one copied.
  static constexpr std::size_t kLinkFrom = 4096;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Room for `count` bytes at the end, to be filled at once by the caller; valid until the next call.
  std::uint8_t* grow(std::size_t count) {
    if (size_ == 0 || pieces_.back().capacity - pieces_.back().end < count) add_slab(count);
    Piece& last = pieces_.back();
    std::uint8_t* at = last.slab.get() + last.end;
    last.end += count;
    size_ += count;
    return at;
  }
  void append(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  }
  void append(Bytes&& bytes);

  /// Up to `most` runs from the front, none empty; valid until the queue changes.
  std::size_t runs(BytesView* out, std::size_t most) const;
  /// Drops `count` bytes from the front; count <= size().
  void consume(std::size_t count);
  /// All of it as one buffer; the queue is empty afterwards.
  Bytes take();
  void clear();

  /// Called each time the queue goes from empty to not empty, before the bytes are filled in: the owner's cue to plan a flush.
  void on_first_byte(std::function<void()> cue) { cue_ = std::move(cue); }

 private:
  struct Piece {
    std::unique_ptr<std::uint8_t[]> slab;  ///< gathered small pieces; or, when null,
    Bytes linked;                          ///< one large piece as it came
    std::size_t capacity = 0;
    std::size_t end = 0;  ///< bytes filled
    const std::uint8_t* data() const { return slab ? slab.get() : linked.data(); }
  };

  void add_slab(std::size_t count);
  bool no_pieces() const { return first_ == pieces_.size(); }
  void drop_first();

  /// Those before first_ are used up. No deque: an empty one takes 576 bytes, and of the queues of idle connections there are many.
  std::vector<Piece> pieces_;
  std::size_t first_ = 0;
  std::size_t front_ = 0;  ///< consumed of the first piece
  std::size_t size_ = 0;
  std::function<void()> cue_;
};

}  // namespace ghost
