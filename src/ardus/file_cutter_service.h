#pragma once
#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "ardus/chunk_hasher.h"
#include "ardus/manifest.h"

namespace ghost::ardus {

/// A run of zeros shorter than this is sent like other bytes.
constexpr std::uint64_t kSmallestHole = 64 * 1024;

/// Reads files and cuts them into chunks, one file after the other. Memory is used again.
class FileCutter {
 public:
  /// Answers false to end the file early.
  using Each = std::function<bool(const Chunk& chunk, BytesView bytes, std::uint64_t offset)>;

  /// Hands out the chunks of a file that is `stat.st_size` long, in order; a file that became shorter ends early. Holes of the file
  /// system are not read; they are told in `holes`, if it is given.
  Status cut(int fd, const struct stat& stat, const std::string& name, std::vector<Hole>* holes, const Each& each);

 private:
  static Status read_batch(int fd, BytesView left_over, std::uint64_t& read_to, std::uint64_t& stop, const std::string& name, ChunkBatch& batch, std::size_t& end);
  Status cut_run(int fd, std::uint64_t begin, std::uint64_t end, const std::string& name, const Each& each, bool& stopped);
  std::vector<ChunkBatch> batches_;  ///< one, or as many as are under way
};

/// Whether an open file holds what its entry says: every chunk at its place, zeros in its holes. Mode and time don't matter.
bool holds_content(int fd, const Manifest& manifest, const Entry& file, Bytes& buffer);
/// The same but for its chunks: that it is as long as its entry says, and has zeros in its holes.
bool holds_nothing_else(int fd, const Entry& file, Bytes& buffer);
/// Where it does not for the first time; nothing when it does.
std::optional<std::uint64_t> first_difference(int fd, const Manifest& manifest, const Entry& file, Bytes& buffer);

}  // namespace ghost::ardus
