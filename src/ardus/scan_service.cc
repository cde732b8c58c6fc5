#include "ardus/scan_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <unordered_map>

#include "ardus/file_cutter_service.h"
#include "ardus/folder_service.h"
#include "ardus/metadata_service.h"
#include "ardus/store_service.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kOpenSources = 32;
constexpr std::size_t kMostRemarks = 20;

struct ScannedHash {
  std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(ByteReader(digest).u64()); }
};

Error changed(const std::string& path) {
  return {Errc::conflict, path + " was changed while it was being sent; send it again once it rests"};
}

}  // namespace

Content::Stamp Content::stamp(const struct stat& stat) {
  return {stat.st_dev, stat.st_ino, static_cast<std::uint64_t>(stat.st_size), stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec};
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
    manifest_.entries.reserve(found_.size());
    for (Found& found : found_) {
      if (found.entry.kind == EntryKind::file) {
        if (Status read = link_or_read(found); !read) return read.error();
      }
      manifest_.entries.push_back(std::move(found.entry));
    }
    found_ = {};
    numbers_ = {};
    remark_collisions();
    Manifest& manifest = manifest_;
    manifest.name = (wish_.name.empty() ? wish_.paths.front().filename().string() : wish_.name).substr(0, 255);
    manifest.created_ms = wish_.now_ms;
    auto encoded = encode_manifest(manifest, publisher);
    if (!encoded) return encoded.error();
    content_->encoded_ = std::move(*encoded);
    content_->manifest_ = std::make_shared<const Manifest>(std::move(manifest));
    return std::move(content_);
  }

 private:
  struct Found {
    Entry entry;
    std::string path;
    Content::Stamp stamp;
    bool linked;  ///< it has other names
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
    return add(path.string(), name, stat);
  }

  Status add(const std::string& path, const std::string& name, const struct stat& stat) {
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    Found found{{}, path, Content::stamp(stat), stat.st_nlink > 1};
    Entry& entry = found.entry;
    entry.path = name;
    entry.mode = static_cast<std::uint16_t>(stat.st_mode & 0777);
    entry.seconds = stat.st_mtim.tv_sec;
    entry.nanoseconds = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec);
    if (wish_.owners) entry.owner = Owner{stat.st_uid, stat.st_gid};
    if ((stat.st_mode & (S_ISUID | S_ISGID)) != 0 && S_ISREG(stat.st_mode)) remark(path + " is set-uid or set-gid, which is not carried");
    if (S_ISDIR(stat.st_mode)) {
      entry.kind = EntryKind::directory;
      const std::size_t at = found_.size();
      found_.push_back(std::move(found));
      return add_children(path, name, at);
    }
    if (S_ISLNK(stat.st_mode)) {
      entry.kind = EntryKind::symlink;
      std::error_code failed;
      entry.link = std::filesystem::read_symlink(path, failed).string();
      if (failed) return Error{Errc::io, "read the link " + path + ": " + failed.message()};
    } else if (!S_ISREG(stat.st_mode)) {
      remark(path + " is a device, socket or pipe and is left out");
      return {};
    }
    found_.push_back(std::move(found));
    return {};
  }

  /// Gathers first and goes deeper then, so that a deep tree does not use up the files a process may have open.
  Status add_children(const std::string& path, const std::string& name, std::size_t at) {
    std::vector<std::pair<std::string, struct stat>> children;
    {
      const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
      if (!folder) return errno_error("open the folder", path);
      auto attributes = read_attributes(::dirfd(folder.get()), EntryKind::directory, path);
      if (!attributes) return attributes.error();
      found_[at].entry.attributes = std::move(*attributes);
      for (;;) {
        errno = 0;
        const dirent* child = ::readdir(folder.get());
        if (child == nullptr) break;
        const std::string_view child_name = child->d_name;
        if (child_name == "." || child_name == ".." || child_name == kStagingName) continue;
        struct stat stat {};
        if (::fstatat(::dirfd(folder.get()), child->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) return errno_error("look at", path + "/" + child->d_name);
        children.emplace_back(child_name, stat);
      }
      if (errno != 0) return errno_error("read the folder", path);
    }
    for (const auto& [child, stat] : children) {
      if (Status added = add(path + "/" + child, name + "/" + child, stat); !added) return added;
    }
    return {};
  }

  /// A file that was read under another name is a hard link to it.
  Status link_or_read(Found& found) {
    if (!found.linked) return read_file(found);
    const auto [at, first] = names_.emplace(std::pair{found.stamp.device, found.stamp.inode}, found.entry.path);
    if (first) return read_file(found);
    Entry link;
    link.kind = EntryKind::hardlink;
    link.path = std::move(found.entry.path);
    link.mode = 0;
    link.link = at->second;
    found.entry = std::move(link);
    return {};
  }

  Status read_file(Found& found) {
    const UniqueFd fd(::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const int why = errno;
    // A path given may itself be a link, and is followed.
    const UniqueFd followed(!fd && why == ELOOP ? ::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1);
    const int file = fd ? fd.get() : followed.get();
    if (file < 0) return errno_error(why, "open", found.path);
    struct stat before {};
    if (::fstat(file, &before) != 0 || Content::stamp(before) != found.stamp) return changed(found.path);
    const auto source = static_cast<std::uint32_t>(content_->sources_.size());
    content_->sources_.push_back({found.path, found.stamp});
    Entry& entry = found.entry;
    auto attributes = read_attributes(file, EntryKind::file, found.path);
    if (!attributes) return attributes.error();
    entry.attributes = std::move(*attributes);
    Status stopped;
    const Status read = cutter_.cut(file, before, found.path, &entry.holes, [&](const Chunk& chunk, BytesView, std::uint64_t offset) {
      if (cancelled()) stopped = Error{Errc::cancelled, "cancelled"};
      entry.chunks.push_back(number_of(chunk, source, offset));
      entry.size += chunk.size;
      done_ += chunk.size;
      if (wish_.progress) wish_.progress(done_);
      return stopped.has_value();
    });
    if (!read) return read;
    if (!stopped) return stopped;
    for (const Hole& hole : entry.holes) entry.size += hole.length;
    entry.chunks.shrink_to_fit();
    struct stat after {};
    if (::fstat(file, &after) != 0 || Content::stamp(after) != found.stamp || entry.size != found.stamp.size) return changed(found.path);
    return {};
  }

  std::uint32_t number_of(const Chunk& chunk, std::uint32_t source, std::uint64_t offset) {
    const auto [at, first] = numbers_.emplace(chunk.hash, static_cast<std::uint32_t>(manifest_.chunks.size()));
    if (first) {
      manifest_.chunks.push_back(chunk);
      content_->places_.push_back({source, offset});
    }
    return at->second;
  }

  void remark_collisions() {
    std::vector<std::string_view> paths;
    paths.reserve(manifest_.entries.size());
    for (const Entry& entry : manifest_.entries) paths.push_back(entry.path);
    for (const auto& [a, b] : case_collisions(paths)) remark("'" + a + "' and '" + b + "' are one path where upper and lower case are not told apart");
  }
  void remark(std::string text) {
    if (content_->remarks_.size() < kMostRemarks) content_->remarks_.push_back(std::move(text));
  }
  bool cancelled() const { return wish_.cancelled && *wish_.cancelled; }

  const ScanWish& wish_;
  std::unique_ptr<Content> content_;
  Manifest manifest_;
  std::vector<Found> found_;
  std::unordered_map<Digest, std::uint32_t, ScannedHash> numbers_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> names_;  ///< of files with several: device and inode
  FileCutter cutter_;
  std::uint64_t done_ = 0;
};

Result<int> Content::open(std::uint32_t source) {
  const auto at = std::find_if(opened_.begin(), opened_.end(), [&](const OpenFile& file) { return file.source == source; });
  if (at != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, at);
    return opened_.front().fd.get();
  }
  const Source& from = sources_[source];
  UniqueFd fd;
  if (!from.staged.empty()) fd.reset(::open(from.staged.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) fd.reset(::open(from.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error("open", sources_[source].path);
  if (opened_.size() >= kOpenSources) opened_.pop_back();
  opened_.push_front({source, std::move(fd)});
  return opened_.front().fd.get();
}

Status Content::read(std::uint32_t chunk, std::uint32_t offset, std::span<std::uint8_t> out) {
  const Place& place = places_[chunk];
  const Source& source = sources_[place.source];
  const auto fd = open(place.source);
  if (!fd) return fd.error();
  if (Status got = read_exactly(*fd, place.offset + offset, out, source.path); !got) return got;
  struct stat now {};
  if (!kept_ && (::fstat(*fd, &now) != 0 || stamp(now) != source.found)) return changed(source.path);
  return {};
}

std::unique_ptr<Content> Content::kept(const std::filesystem::path& target, std::shared_ptr<const Manifest> manifest, Bytes encoded) {
  return received(target, {}, std::move(manifest), std::move(encoded));
}

std::unique_ptr<Content> Content::coming(const std::filesystem::path& target, std::shared_ptr<const Manifest> manifest, Bytes encoded) {
  const auto staging = target / kStagingName / short_name(manifest->content);
  return received(target, staging, std::move(manifest), std::move(encoded));
}

/// @param staging  "" when nothing is there any more
std::unique_ptr<Content> Content::received(const std::filesystem::path& target, const std::filesystem::path& staging, std::shared_ptr<const Manifest> manifest, Bytes encoded) {
  auto content = std::make_unique<Content>();
  content->kept_ = true;
  content->places_.resize(manifest->chunks.size());
  std::vector<bool> placed(manifest->chunks.size());
  for (std::uint32_t number = 0; number < manifest->entries.size(); ++number) {
    const Entry& entry = manifest->entries[number];
    if (entry.kind != EntryKind::file || entry.chunks.empty()) continue;
    const auto source = static_cast<std::uint32_t>(content->sources_.size());
    content->sources_.push_back({(target / entry.path).string(), {}, staging.empty() ? std::string() : (staging / staged_name(number)).string()});
    for_each_place(*manifest, entry, [&](std::uint32_t chunk, std::uint64_t offset) {
      if (placed[chunk]) return;
      placed[chunk] = true;
      content->places_[chunk] = {source, offset};
    });
  }
  content->manifest_ = std::move(manifest);
  content->encoded_ = std::move(encoded);
  return content;
}

Result<std::unique_ptr<Content>> scan(const ScanWish& wish, const KeyPair& publisher) { return Scanner(wish).run(publisher); }

}  // namespace ghost::ardus
