#pragma once
#include <functional>
#include <map>

#include "ardus/stream_map.h"

namespace ghost::ardus {

/// Puts chunks together from the blocks of the stream, in whatever order those come. Holds only chunks that reach over the edge of a
/// block whose neighbour is still missing. Pure.
class ChunkAssembly {
 public:
  /// @param wanted  the others' bytes are left alone
  ChunkAssembly(const Manifest& manifest, const StreamMap& map, ChunkSet wanted) : manifest_(manifest), map_(map), wanted_(std::move(wanted)) {}

  /// Takes a block and hands out each chunk that is whole by it. Such a chunk is not wanted any more.
  void on_block(std::uint64_t block, BytesView bytes, const std::function<void(std::uint32_t chunk, Bytes bytes)>& whole);
  /// A chunk that came some other way.
  void drop(std::uint32_t chunk);
  /// A chunk that was whole but wrong: it is wanted again.
  void again(std::uint32_t chunk) { wanted_.insert(chunk); }

  const ChunkSet& wanted() const { return wanted_; }
  std::size_t held_bytes() const { return held_; }

 private:
  struct Partial {
    Bytes bytes;
    std::map<std::uint32_t, std::uint32_t> pieces;  ///< offset → size of those that came
    std::size_t filled = 0;
  };

  const Manifest& manifest_;
  const StreamMap& map_;
  ChunkSet wanted_;
  std::map<std::uint32_t, Partial> partial_;  ///< by chunk
  std::size_t held_ = 0;
};

}  // namespace ghost::ardus
