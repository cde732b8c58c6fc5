#include "ariascribe/tag_reader_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kWindow = 16 * 1024;
constexpr std::size_t kMostFiles = 1'000'000, kMostPlaces = 1000;

Digest digest_of_tags(const std::vector<Tag>& tags) {
  Bytes all;
  for (const Tag& tag : tags) {
    append(all, as_bytes(tag.name));
    all.push_back(tag.bare ? 0 : '=');
    append(all, as_bytes(tag.value));
    all.push_back(0);
  }
  return sha256(all);
}

/// Files with tags, gathered place by place.
class Listing {
 public:
  explicit Listing(const std::function<bool()>& go_on) : go_on_(go_on) {}

  Status add(const std::filesystem::path& place) {
    if (stopped()) return cancelled();
    std::error_code error;
    const auto status = std::filesystem::status(place, error);
    if (error || !std::filesystem::exists(status)) return Error{error && error != std::errc::no_such_file_or_directory ? Errc::refused : Errc::not_found, place.string() + ": " + (error ? error.message() : "there is no such file or folder")};
    if (std::filesystem::is_directory(status)) return add_folder(place);
    add_file(place);
    return {};
  }
  std::vector<std::filesystem::path> files() && { return std::move(files_); }

 private:
  bool stopped() const { return go_on_ && !go_on_(); }
  static Error cancelled() { return {Errc::cancelled, "it was stopped while its files were listed"}; }

  void add_file(const std::filesystem::path& path) {
    auto normal = path.lexically_normal();
    if (seen_.insert(normal.string()).second) files_.push_back(std::move(normal));
  }
  /// False for a folder whose files are here already.
  bool enter(const std::filesystem::path& folder) {
    auto normal = folder.lexically_normal();
    return folders_.insert((normal.has_filename() ? normal : normal.parent_path()).string()).second;
  }
  Status add_folder(const std::filesystem::path& place) {
    if (!enter(place)) return {};
    std::vector<std::string> inside;
    std::error_code error, ignored;
    for (std::filesystem::recursive_directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
      if (stopped()) return cancelled();
      const auto& path = at->path();
      if (at->is_directory(ignored)) {
        if (!at->is_symlink(ignored) && !enter(path)) at.disable_recursion_pending();  // folders behind links are not read from here
      } else if (has_tags(path.extension().native()) && !path.filename().native().starts_with('.') && at->is_regular_file(ignored)) {
        inside.push_back(path.native());
      }
      if (files_.size() + inside.size() > kMostFiles || folders_.size() > kMostFiles) return Error{Errc::exhausted, place.string() + ": more than " + std::to_string(kMostFiles) + " files or folders; take its folders one by one"};
    }
    if (error) return Error{Errc::refused, place.string() + ": " + error.message()};
    std::sort(inside.begin(), inside.end());
    for (const std::string& each : inside) add_file(each);
    return {};
  }

  const std::function<bool()>& go_on_;
  std::vector<std::filesystem::path> files_;
  std::unordered_set<std::string> seen_, folders_;
};

}  // namespace

Result<FileSource> FileSource::open(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno_error("open", path.string());
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return errno_error("look at", path.string());
  if (!S_ISREG(info.st_mode)) return Error{Errc::unsupported, path.string() + ": this is no regular file"};
  return FileSource(std::move(file), static_cast<std::uint64_t>(info.st_size));
}

Result<Bytes> FileSource::read_file(std::uint64_t offset, std::size_t count) const {
  Bytes bytes(count);
  std::size_t at = 0;
  while (at < count) {
    const ssize_t got = ::pread(fd_.get(), bytes.data() + at, count - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", "it");
    if (got == 0) return Error{Errc::conflict, "the file became shorter while it was read"};
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<Bytes> FileSource::read(std::uint64_t offset, std::size_t count) const {
  if (const Status fits = within(offset, count); !fits) return fits.error();
  if (count > kWindow / 2) return read_file(offset, count);
  if (offset < window_at_ || offset + count > window_at_ + window_.size()) {
    auto window = read_file(offset, static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, size_ - offset)));
    if (!window) return window;
    window_ = std::move(*window);
    window_at_ = offset;
  }
  return to_bytes(BytesView(window_).subspan(static_cast<std::size_t>(offset - window_at_), count));
}

Result<TaggedFile> read_tags(const std::filesystem::path& path) {
  const auto file = FileSource::open(path);
  if (!file) return file.error();
  return read_tags(*file, path);
}

Result<TaggedFile> read_tags(const FileSource& file, const std::filesystem::path& path) {
  struct stat info{};
  if (::fstat(file.fd().get(), &info) != 0) return errno_error("look at", path.string());
  const auto format = format_of(file);
  if (!format) return format.error().in(path.string());
  auto tags = read_tags(static_cast<const ByteSource&>(file));
  if (!tags) return tags.error().in(path.string());
  TaggedFile tagged{path, *format, std::move(*tags), {}};
  tagged.identity.device = info.st_dev;
  tagged.identity.inode = info.st_ino;
  tagged.identity.size = static_cast<std::uint64_t>(info.st_size);
  tagged.identity.modified_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  tagged.identity.tags = digest_of_tags(tagged.tags);
  return tagged;
}

Result<std::vector<std::filesystem::path>> places_of_caller(const std::vector<std::string>& paths) {
  if (paths.empty() || paths.size() > kMostPlaces) return Error{Errc::malformed, "1 to " + std::to_string(kMostPlaces) + " files and folders are to be named, not " + std::to_string(paths.size())};
  std::vector<std::filesystem::path> places;
  for (const std::string& path : paths) {
    places.emplace_back(path);
    if (!places.back().is_absolute() || path.find('\0') != std::string::npos) return Error{Errc::malformed, "'" + path + "' is no absolute path; the daemon does not know where its callers are"};
  }
  return places;
}

Result<std::vector<std::filesystem::path>> tagged_files(const std::vector<std::filesystem::path>& places, const std::function<bool()>& go_on) {
  Listing listing(go_on);
  for (const auto& place : places) {
    if (const Status added = listing.add(place); !added) return added.error();
  }
  return std::move(listing).files();
}

}  // namespace ghost::ariascribe
