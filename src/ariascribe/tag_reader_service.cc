#include "ariascribe/tag_reader_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kFirstRead = 64 * 1024;
constexpr std::size_t kMostFiles = 100'000;

/// Reads until `bytes` has `wanted` bytes or the file ends.
Status read_up_to(const UniqueFd& file, Bytes& bytes, std::size_t wanted, const std::filesystem::path& path) {
  std::size_t at = bytes.size();
  bytes.resize(wanted);
  while (at < wanted) {
    const ssize_t got = ::pread(file.get(), bytes.data() + at, wanted - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", path.string());
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  bytes.resize(at);
  return {};
}

}  // namespace

Result<TaggedFile> read_tags(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno_error("open", path.string());
  return read_tags(file, path);
}

Result<TaggedFile> read_tags(const UniqueFd& file, const std::filesystem::path& path) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return errno_error("look at", path.string());
  if (!S_ISREG(info.st_mode)) return Error{Errc::unsupported, path.string() + ": this is no regular file"};
  Bytes bytes;
  std::size_t wanted = kFirstRead;
  for (;;) {
    if (const Status read = read_up_to(file, bytes, wanted, path); !read) return read.error();
    const auto length = flac_head_length(bytes);
    if (!length) return length.error().in(path.string());
    if (length->complete && bytes.size() >= length->bytes) {
      bytes.resize(length->bytes);
      break;
    }
    if (bytes.size() < wanted) return Error{Errc::malformed, path.string() + ": the file ends inside its metadata; it has " + std::to_string(bytes.size()) + " bytes"};
    wanted = std::max(length->bytes, bytes.size() + kFirstRead);
  }
  auto head = parse_flac_head(bytes);
  if (!head) return head.error().in(path.string());
  TaggedFile tagged{path, std::move(*head), {}};
  tagged.identity.device = info.st_dev;
  tagged.identity.inode = info.st_ino;
  tagged.identity.size = static_cast<std::uint64_t>(info.st_size);
  tagged.identity.modified_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  tagged.identity.head = sha256(tagged.head.bytes);
  return tagged;
}

Result<std::vector<std::filesystem::path>> flac_files(const std::vector<std::filesystem::path>& places) {
  std::vector<std::filesystem::path> files;
  std::set<std::filesystem::path> seen;
  const auto add = [&](const std::filesystem::path& path) {
    if (seen.insert(path.lexically_normal()).second) files.push_back(path.lexically_normal());
  };
  for (const auto& place : places) {
    std::error_code error;
    const auto status = std::filesystem::status(place, error);
    if (error || !std::filesystem::exists(status)) return Error{error && error != std::errc::no_such_file_or_directory ? Errc::refused : Errc::not_found, place.string() + ": " + (error ? error.message() : "there is no such file or folder")};
    if (!std::filesystem::is_directory(status)) {
      add(place);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    for (std::filesystem::recursive_directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
      std::string extension = at->path().extension().string();
      std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      std::error_code ignored;
      if (extension == ".flac" && at->is_regular_file(ignored) && !at->path().filename().string().starts_with('.')) inside.push_back(at->path());
      if (inside.size() > kMostFiles) return Error{Errc::exhausted, place.string() + ": more than " + std::to_string(kMostFiles) + " files; take its folders one by one"};
    }
    if (error) return Error{Errc::refused, place.string() + ": " + error.message()};
    std::sort(inside.begin(), inside.end());
    for (const auto& each : inside) add(each);
  }
  return files;
}

}  // namespace ghost::ariascribe
