#pragma once
#include <cstdint>
#include <filesystem>

#include "ariascribe/flac_tags.h"
#include "base/sha256.h"
#include "base/unique_fd.h"

namespace ghost::ariascribe {

/// What tells that a file is still the one that was read.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;  ///< since 1970
  Digest head{};                 ///< SHA-256 of all before the audio
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct TaggedFile {
  std::filesystem::path path;
  FlacHead head;
  FileIdentity identity;
};

/// Opens and reads a FLAC file's head. Errors name the file and say what is wrong: not_found, refused, unsupported (not a regular
/// file), malformed (no FLAC, cut off).
Result<TaggedFile> read_tags(const std::filesystem::path& path);
/// The same of an open file.
Result<TaggedFile> read_tags(const UniqueFd& file, const std::filesystem::path& path);

/// The FLAC files at these places: files as named, folders with all below them, each folder's in the order of its names. Errors:
/// not_found and refused, naming the place.
Result<std::vector<std::filesystem::path>> flac_files(const std::vector<std::filesystem::path>& places);

}  // namespace ghost::ariascribe
