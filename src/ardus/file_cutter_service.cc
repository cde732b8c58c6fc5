#include "ardus/file_cutter_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "ardus/chunker.h"
#include "ardus/folder_service.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kCutterBuffer = 1024 * 1024;
constexpr std::size_t kBatches = 3;                       ///< one is read, one hashed, one between
constexpr std::uint64_t kWorthAThread = 4 * 1024 * 1024;  ///< bytes; a thread's beginning and end take some 50 µs
constexpr std::size_t kMostHoles = 100'000;  ///< of one file; what follows is read, zeros and all

/// Runs without data, as the file system tells them.
std::vector<Hole> holes_of(int fd, const struct stat& stat) {
  std::vector<Hole> holes;
  const auto size = static_cast<std::uint64_t>(stat.st_size);
  if (size < kSmallestHole || static_cast<std::uint64_t>(stat.st_blocks) * 512 >= size) return holes;
  for (std::uint64_t at = 0; at < size && holes.size() < kMostHoles;) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return holes;
    const std::uint64_t end = data < 0 ? size : std::min(size, static_cast<std::uint64_t>(data));
    if (end - at >= kSmallestHole) holes.push_back({at, end - at});
    if (end >= size) break;
    const off_t hole = ::lseek(fd, static_cast<off_t>(end), SEEK_HOLE);
    if (hole < 0) break;
    at = static_cast<std::uint64_t>(hole);
  }
  return holes;
}

bool all_zero(BytesView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// Where the first byte of a run is that is not zero. Only what the file system has data for is read.
std::optional<std::uint64_t> first_data(int fd, const Hole& hole, Bytes& buffer) {
  const std::uint64_t end = hole.offset + hole.length;
  for (std::uint64_t at = hole.offset; at < end;) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return std::nullopt;
    if (data >= 0) at = std::max(at, static_cast<std::uint64_t>(data));
    if (at >= end) return std::nullopt;
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kLargestChunk, end - at)));
    if (!read_exactly(fd, at, buffer, "") || !all_zero(buffer)) return at;
    at += buffer.size();
  }
  return std::nullopt;
}

/// Nothing where one core is all there is, or no thread is to be had: then one thread does it all.
std::unique_ptr<ChunkHasher> hasher_if_any() {
  if (std::thread::hardware_concurrency() < 2) return nullptr;
  try {
    return std::make_unique<ChunkHasher>();
  } catch (const std::system_error&) {
    return nullptr;
  }
}

}  // namespace

Status FileCutter::cut(int fd, const struct stat& stat, const std::string& name, std::vector<Hole>* holes, const Each& each) {
  const auto size = static_cast<std::uint64_t>(stat.st_size);
  std::vector<Hole> found = holes_of(fd, stat);
  if (size > kCutterBuffer) ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::uint64_t at = 0;
  bool stopped = false;
  for (const Hole& hole : found) {
    if (Status cut = cut_run(fd, at, hole.offset, name, each, stopped); !cut || stopped) return cut;
    at = hole.offset + hole.length;
  }
  if (holes != nullptr) *holes = std::move(found);
  return cut_run(fd, at, size, name, each, stopped);
}

/// Fills the batch up behind what the one before left over. `stop` comes down to where the file ends, if it became shorter.
Status FileCutter::read_batch(int fd, BytesView left_over, std::uint64_t& read_to, std::uint64_t& stop, const std::string& name, ChunkBatch& batch, std::size_t& end) {
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kCutterBuffer, left_over.size() + (stop - read_to)));
  if (batch.buffer.size() < room) {
    // It may be this very batch's, whose memory moves.
    const Bytes kept = to_bytes(left_over);
    batch.buffer.resize(room);
    std::copy(kept.begin(), kept.end(), batch.buffer.begin());
  } else {
    std::copy(left_over.begin(), left_over.end(), batch.buffer.begin());  // towards the beginning, if it is the same
  }
  end = left_over.size();
  while (end < batch.buffer.size() && read_to < stop) {
    const ssize_t got = ::pread(fd, batch.buffer.data() + end, static_cast<std::size_t>(std::min<std::uint64_t>(batch.buffer.size() - end, stop - read_to)), static_cast<off_t>(read_to));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", name);
    if (got == 0) stop = read_to;
    end += static_cast<std::size_t>(got);
    read_to += static_cast<std::uint64_t>(got);
  }
  return {};
}

/// What is long is hashed by another thread while the next is read and cut, which takes about as long; its chunks are handed out here, in their order.
Status FileCutter::cut_run(int fd, std::uint64_t offset, std::uint64_t stop, const std::string& name, const Each& each, bool& stopped) {
  const auto hasher = stop - offset >= kWorthAThread ? hasher_if_any() : nullptr;
  const std::size_t batches = hasher ? kBatches : 1;
  batches_.resize(std::max(batches_.size(), batches));
  std::size_t begun = 0, waiting = 0;
  const auto hand_out = [&] {
    const ChunkBatch& batch = batches_[(begun - waiting) % batches];
    if (hasher) hasher->wait();
    --waiting;
    std::uint64_t at = batch.offset;
    for (std::size_t i = 0; i < batch.chunks.size() && !stopped; at += batch.chunks[i++].size()) {
      stopped = !each({static_cast<std::uint32_t>(batch.chunks[i].size()), batch.hashes[i]}, batch.chunks[i], at);
    }
  };
  BytesView left_over;
  for (std::uint64_t read_to = offset; offset < stop && !stopped;) {
    if (waiting == batches) hand_out();
    ChunkBatch& batch = batches_[begun % batches];
    std::size_t end = 0, begin = 0;
    if (Status read = read_batch(fd, left_over, read_to, stop, name, batch, end); !read) {
      while (waiting > 0 && !stopped) hand_out();  // what was read before is right
      return read;
    }
    batch.chunks.clear();
    batch.offset = offset;
    while (begin < end && (end - begin >= kLargestChunk || read_to >= stop)) {
      const BytesView rest = BytesView(batch.buffer).subspan(begin, end - begin);
      batch.chunks.push_back(rest.first(first_chunk(rest)));
      begin += batch.chunks.back().size();
    }
    left_over = BytesView(batch.buffer).subspan(begin, end - begin);
    offset += begin;
    ++begun;
    ++waiting;
    if (hasher) {
      hasher->begin(batch);
    } else {
      hash_batch(batch);
      hand_out();
    }
  }
  while (waiting > 0 && !stopped) hand_out();
  return {};
}

std::optional<std::uint64_t> first_difference(int fd, const Manifest& manifest, const Entry& file, Bytes& buffer) {
  std::optional<std::uint64_t> different;
  Sha256 hash;
  for_each_place(manifest, file, [&](std::uint32_t chunk, std::uint64_t offset) {
    if (different) return;
    buffer.resize(manifest.chunks[chunk].size);
    if (!read_exactly(fd, offset, buffer, file.path) || hash.update(buffer).finish() != manifest.chunks[chunk].hash) different = offset;
  });
  for (const Hole& hole : file.holes) {
    if (different && *different < hole.offset) break;
    if (const auto data = first_data(fd, hole, buffer)) return data;
  }
  return different;
}

bool holds_nothing_else(int fd, const Entry& file, Bytes& buffer) {
  struct stat stat {};
  return ::fstat(fd, &stat) == 0 && static_cast<std::uint64_t>(stat.st_size) == file.size &&
         std::ranges::none_of(file.holes, [&](const Hole& hole) { return first_data(fd, hole, buffer).has_value(); });
}

bool holds_content(int fd, const Manifest& manifest, const Entry& file, Bytes& buffer) {
  struct stat stat {};
  return ::fstat(fd, &stat) == 0 && static_cast<std::uint64_t>(stat.st_size) == file.size && !first_difference(fd, manifest, file, buffer);
}

}  // namespace ghost::ardus
