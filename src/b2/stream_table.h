#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace ghost::b2 {

/// Open streams by their number. Numbers rise and are never used twice, so a small open-addressed table does: one probe as a
/// rule. Ended streams are kept for reuse, so a call allocates nothing in the long run.
template <class Stream>
class StreamTable {
 public:
  Stream* find(std::uint32_t id) {
    if (last_ != nullptr && last_id_ == id) return last_;  // frames of a stream come in runs
    if (cells_.empty()) return nullptr;
    for (std::size_t i = id & mask(); cells_[i].stream; i = (i + 1) & mask()) {
      if (cells_[i].id != id) continue;
      last_id_ = id;
      return last_ = cells_[i].stream.get();
    }
    return nullptr;
  }

  /// `id` must not be in the table.
  Stream& add(std::uint32_t id) {
    if (count_ * 2 >= cells_.size()) grow();
    std::unique_ptr<Stream> stream;
    if (spare_.empty()) {
      stream = std::make_unique<Stream>();
    } else {
      stream = std::move(spare_.back());
      spare_.pop_back();
    }
    Stream& added = *stream;
    place(id, std::move(stream));
    ++count_;
    last_id_ = id;
    last_ = &added;
    return added;
  }

  /// `id` must be in the table. The stream is reset to a fresh one and kept.
  void remove(std::uint32_t id) {
    std::size_t hole = id & mask();
    while (cells_[hole].id != id) hole = (hole + 1) & mask();
    std::unique_ptr<Stream> stream = std::move(cells_[hole].stream);
    --count_;
    last_ = nullptr;
    for (std::size_t i = (hole + 1) & mask(); cells_[i].stream; i = (i + 1) & mask()) {
      const std::size_t home = cells_[i].id & mask();
      const bool reaches_hole = ((i - home) & mask()) >= ((i - hole) & mask());
      if (reaches_hole) {
        cells_[hole] = std::move(cells_[i]);
        hole = i;
      }
    }
    if (spare_.size() < kSpares) {
      stream->reset();
      spare_.push_back(std::move(stream));
    }
  }

  std::size_t size() const { return count_; }

  /// The numbers of all open streams.
  std::vector<std::uint32_t> ids() const {
    std::vector<std::uint32_t> ids;
    for (const Cell& cell : cells_) {
      if (cell.stream) ids.push_back(cell.id);
    }
    return ids;
  }

 private:
  static constexpr std::size_t kSpares = 128;
  struct Cell {
    std::uint32_t id = 0;
    std::unique_ptr<Stream> stream;
  };

  std::size_t mask() const { return cells_.size() - 1; }

  void place(std::uint32_t id, std::unique_ptr<Stream> stream) {
    std::size_t i = id & mask();
    while (cells_[i].stream) i = (i + 1) & mask();
    cells_[i] = {id, std::move(stream)};
  }

  void grow() {
    std::vector<Cell> old = std::move(cells_);
    cells_ = std::vector<Cell>(old.empty() ? 4 : old.size() * 2);
    for (Cell& cell : old) {
      if (cell.stream) place(cell.id, std::move(cell.stream));
    }
  }

  std::vector<Cell> cells_;
  std::size_t count_ = 0;
  std::uint32_t last_id_ = 0;  ///< what was asked for last; null while that is not known
  Stream* last_ = nullptr;
  std::vector<std::unique_ptr<Stream>> spare_;
};

}  // namespace ghost::b2
