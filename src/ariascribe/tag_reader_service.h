#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>

#include "ariascribe/tag_format.h"
#include "base/sha256.h"
#include "base/unique_fd.h"

namespace ghost::ariascribe {

/// What tells that a file is still the one that was read.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;  ///< since 1970
  Digest tags{};                 ///< SHA-256 of names and values
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct TaggedFile {
  std::filesystem::path path;
  TagFormat format = TagFormat::flac;
  std::vector<Tag> tags;
  FileIdentity identity;
};

/// An open file's bytes. Small reads near each other are one of the system's.
class FileSource final : public ByteSource {
 public:
  /// Errors: not_found and refused as the system has them, unsupported when it is no regular file; they name the file.
  static Result<FileSource> open(const std::filesystem::path& path);

  std::uint64_t size() const override { return size_; }
  Result<Bytes> read(std::uint64_t offset, std::size_t count) const override;
  const UniqueFd& fd() const { return fd_; }

 private:
  FileSource(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  Result<Bytes> read_file(std::uint64_t offset, std::size_t count) const;

  UniqueFd fd_;
  std::uint64_t size_ = 0;
  mutable std::uint64_t window_at_ = 0;
  mutable Bytes window_;
};

/// Opens a file and reads its tags. Errors name the file and say what is wrong: as FileSource::open and read_tags(ByteSource) have them.
Result<TaggedFile> read_tags(const std::filesystem::path& path);
/// The same of an open file.
Result<TaggedFile> read_tags(const FileSource& file, const std::filesystem::path& path);

/// The files with tags at these places: files as named, folders with all below them that end as such files do, each folder's in the order
/// of its names. Each is there once, and a folder inside another is read once.
/// @param go_on  asked at each place and each entry of a folder; false: stop. May be empty
/// Errors: not_found and refused, naming the place; exhausted beyond a million files or folders; cancelled when it was stopped.
Result<std::vector<std::filesystem::path>> tagged_files(const std::vector<std::filesystem::path>& places, const std::function<bool()>& go_on = {});

/// The places that a caller of the daemon names. malformed unless they are 1 to 1,000, all absolute.
Result<std::vector<std::filesystem::path>> places_of_caller(const std::vector<std::string>& paths);

}  // namespace ghost::ariascribe
