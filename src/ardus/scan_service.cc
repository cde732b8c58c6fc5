#include "ardus/scan_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "ardus/chunker.h"
#include "ardus/folder_service.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kReadBuffer = 1024 * 1024;
constexpr std::size_t kOpenSources = 32;
constexpr std::size_t kMostRemarks = 20;

struct ScannedHash {
  std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(ByteReader(digest).u64()); }
};

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

Error changed(const std::filesystem::path& path) {
  return {Errc::conflict, path.string() + " was changed while it was being sent; send it again once it rests"};
}

}  // namespace

Status for_each_chunk(int fd, const std::string& name, const std::function<bool(const Chunk&, std::uint64_t)>& each) {
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  Bytes buffer(kReadBuffer);
  std::size_t begin = 0, end = 0;
  std::uint64_t offset = 0;
  bool at_end = false;
  Sha256 hash;
  for (;;) {
    if (!at_end && end - begin < kLargestChunk) {
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(begin), buffer.begin() + static_cast<std::ptrdiff_t>(end), buffer.begin());
      end -= begin;
      begin = 0;
      while (!at_end && end < buffer.size()) {
        const ssize_t got = ::read(fd, buffer.data() + end, buffer.size() - end);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("read", name);
        at_end = got == 0;
        end += static_cast<std::size_t>(got);
      }
    }
    if (begin == end) return {};
    const std::size_t size = first_chunk(BytesView(buffer).subspan(begin, end - begin));
    const Chunk chunk{static_cast<std::uint32_t>(size), hash.update(BytesView(buffer).subspan(begin, size)).finish()};
    if (!each(chunk, offset)) return {};
    begin += size;
    offset += size;
  }
}

/// Gathers the tree first, then reads the files in its order.
class Scanner {
 public:
  Scanner(const ScanWish& wish) : wish_(wish), content_(std::make_unique<Content>()) {}

  Result<std::unique_ptr<Content>> run(const KeyPair& publisher) {
    for (const auto& path : wish_.paths) {
      if (Status added = add_root(path); !added) return added.error();
    }
    if (found_.empty()) return Error{Errc::malformed, "there is nothing to send: name a file or a folder"};
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return path_less(a.entry.path, b.entry.path); });
    for (Found& found : found_) {
      if (found.entry.kind == EntryKind::file) {
        if (Status read = read_file(found); !read) return read.error();
      }
      content_->manifest_.entries.push_back(std::move(found.entry));
    }
    remark_collisions();
    Manifest& manifest = content_->manifest_;
    manifest.name = (wish_.name.empty() ? wish_.paths.front().filename().string() : wish_.name).substr(0, 255);
    manifest.created_ms = wish_.now_ms;
    auto encoded = encode_manifest(manifest, publisher);
    if (!encoded) return encoded.error();
    content_->encoded_ = std::move(*encoded);
    return std::move(content_);
  }

 private:
  struct Found {
    Entry entry;
    std::filesystem::path path;
    struct stat stat;
  };

  Status add_root(std::filesystem::path path) {
    if (path.filename().empty()) path = path.parent_path();  // "album/"
    struct stat stat {};
    if (::stat(path.c_str(), &stat) != 0) return errno_error("send", path.string());
    const std::string name = path.filename().string();
    if (Status checked = check_path(name); !checked) return checked.error().in("send " + path.string());
    for (const Found& other : found_) {
      if (other.entry.path == name) return Error{Errc::malformed, "send " + path.string() + ": two of the paths end in '" + name + "', and would overwrite each other"};
    }
    return add(path, name, stat);
  }

  Status add(const std::filesystem::path& path, const std::string& name, const struct stat& stat) {
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    Found found{{}, path, stat};
    Entry& entry = found.entry;
    entry.path = name;
    entry.mode = static_cast<std::uint16_t>(stat.st_mode & 0777);
    entry.seconds = stat.st_mtim.tv_sec;
    entry.nanoseconds = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec);
    if (S_ISDIR(stat.st_mode)) {
      entry.kind = EntryKind::directory;
      found_.push_back(std::move(found));
      return add_children(path, name);
    }
    if (S_ISLNK(stat.st_mode)) {
      entry.kind = EntryKind::symlink;
      std::error_code failed;
      entry.link = std::filesystem::read_symlink(path, failed).string();
      if (failed) return Error{Errc::io, "read the link " + path.string() + ": " + failed.message()};
    } else if (!S_ISREG(stat.st_mode)) {
      remark(path.string() + " is a device, socket or pipe and is left out");
      return {};
    }
    found_.push_back(std::move(found));
    return {};
  }

  Status add_children(const std::filesystem::path& path, const std::string& name) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
    if (!folder) return errno_error("open the folder", path.string());
    for (;;) {
      errno = 0;
      const dirent* child = ::readdir(folder.get());
      if (child == nullptr) break;
      const std::string child_name = child->d_name;
      if (child_name == "." || child_name == ".." || child_name == kStagingName) continue;
      struct stat stat {};
      if (::fstatat(::dirfd(folder.get()), child->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) return errno_error("look at", (path / child_name).string());
      if (Status added = add(path / child_name, name + "/" + child_name, stat); !added) return added;
    }
    return errno == 0 ? Status() : Status(errno_error("read the folder", path.string()));
  }

  Status read_file(Found& found) {
    const UniqueFd fd(::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const int why = errno;
    // A path given may itself be a link, and is followed.
    const UniqueFd followed(!fd && why == ELOOP ? ::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1);
    const int file = fd ? fd.get() : followed.get();
    if (file < 0) return errno_error(why, "open", found.path.string());
    const auto source = static_cast<std::uint32_t>(content_->sources_.size());
    content_->sources_.push_back({found.path, found.stat});
    Entry& entry = found.entry;
    Status stopped;
    const Status read = for_each_chunk(file, found.path.string(), [&](const Chunk& chunk, std::uint64_t offset) {
      if (cancelled()) stopped = Error{Errc::cancelled, "cancelled"};
      entry.chunks.push_back(number_of(chunk, source, offset));
      entry.size += chunk.size;
      done_ += chunk.size;
      if (wish_.progress) wish_.progress(done_);
      return stopped.has_value();
    });
    if (!read) return read;
    if (!stopped) return stopped;
    struct stat after {};
    if (::fstat(file, &after) != 0 || !same_file(after, found.stat) || entry.size != static_cast<std::uint64_t>(after.st_size)) return changed(found.path);
    return {};
  }

  std::uint32_t number_of(const Chunk& chunk, std::uint32_t source, std::uint64_t offset) {
    const auto [at, first] = numbers_.emplace(chunk.hash, static_cast<std::uint32_t>(content_->manifest_.chunks.size()));
    if (first) {
      content_->manifest_.chunks.push_back(chunk);
      content_->places_.push_back({source, offset});
    }
    return at->second;
  }

  void remark_collisions() {
    std::vector<std::string> paths;
    for (const Entry& entry : content_->manifest_.entries) paths.push_back(entry.path);
    for (const auto& [a, b] : case_collisions(paths)) remark("'" + a + "' and '" + b + "' are one path where upper and lower case are not told apart");
  }
  void remark(std::string text) {
    if (content_->remarks_.size() < kMostRemarks) content_->remarks_.push_back(std::move(text));
  }
  bool cancelled() const { return wish_.cancelled && *wish_.cancelled; }

  const ScanWish& wish_;
  std::unique_ptr<Content> content_;
  std::vector<Found> found_;
  std::unordered_map<Digest, std::uint32_t, ScannedHash> numbers_;
  std::uint64_t done_ = 0;
};

Result<int> Content::open(std::uint32_t source) {
  const auto at = std::find_if(opened_.begin(), opened_.end(), [&](const OpenFile& file) { return file.source == source; });
  if (at != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, at);
    return opened_.front().fd.get();
  }
  UniqueFd fd(::open(sources_[source].path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error("open", sources_[source].path.string());
  if (opened_.size() >= kOpenSources) opened_.pop_back();
  opened_.push_front({source, std::move(fd)});
  return opened_.front().fd.get();
}

Status Content::read(std::uint32_t chunk, std::uint32_t offset, std::span<std::uint8_t> out) {
  const Place& place = places_[chunk];
  const Source& source = sources_[place.source];
  const auto fd = open(place.source);
  if (!fd) return fd.error();
  if (Status got = read_exactly(*fd, place.offset + offset, out, source.path.string()); !got) return got;
  struct stat now {};
  if (::fstat(*fd, &now) != 0 || !same_file(now, source.found)) return changed(source.path);
  return {};
}

Result<std::unique_ptr<Content>> scan(const ScanWish& wish, const KeyPair& publisher) { return Scanner(wish).run(publisher); }

}  // namespace ghost::ardus
