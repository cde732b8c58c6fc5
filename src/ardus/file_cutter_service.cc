#include "ardus/file_cutter_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ardus/chunker.h"
#include "ardus/folder_service.h"
#include "base/sha256_many.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kCutterBuffer = 1024 * 1024;
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

Status FileCutter::cut_run(int fd, std::uint64_t offset, std::uint64_t stop, const std::string& name, const Each& each, bool& stopped) {
  const std::uint64_t room = std::min<std::uint64_t>(kCutterBuffer, stop - offset);
  if (buffer_.size() < room) buffer_.resize(static_cast<std::size_t>(room));
  std::size_t begin = 0, end = 0;
  std::uint64_t read_to = offset;
  while (offset < stop) {
    if (end - begin < kLargestChunk && read_to < stop) {
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin), buffer_.begin() + static_cast<std::ptrdiff_t>(end), buffer_.begin());
      end -= begin;
      begin = 0;
      while (end < buffer_.size() && read_to < stop) {
        const ssize_t got = ::pread(fd, buffer_.data() + end, static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - end, stop - read_to)), static_cast<off_t>(read_to));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("read", name);
        if (got == 0) stop = read_to;
        end += static_cast<std::size_t>(got);
        read_to += static_cast<std::uint64_t>(got);
      }
      if (begin == end) return {};
    }
    chunks_.clear();
    do {
      chunks_.push_back(BytesView(buffer_).subspan(begin, first_chunk(BytesView(buffer_).subspan(begin, end - begin))));
      begin += chunks_.back().size();
    } while (begin < end && (end - begin >= kLargestChunk || read_to >= stop));
    hashes_.resize(chunks_.size());
    sha256_many(chunks_, hashes_);
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      stopped = !each({static_cast<std::uint32_t>(chunks_[i].size()), hashes_[i]}, chunks_[i], offset);
      if (stopped) return {};
      offset += chunks_[i].size();
    }
  }
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
