#pragma once
#include <filesystem>
#include <memory>

#include "ariascribe/stored_works.h"

namespace ghost::ariascribe {

/// What the files of an index lean on: a repertoire of another build needs another index.
std::uint64_t fingerprint(const Repertoire& repertoire);

/// Where an index lies: the works of a revision, and what changed since.
struct IndexPaths {
  std::filesystem::path works, changes, lock;
  explicit IndexPaths(const std::filesystem::path& directory) : works(directory / "works.index"), changes(directory / "works.changes"), lock(directory / "index.lock") {}
};

/// A file mapped for reading; its pages are shared with every process that has mapped it.
class MappedFile {
 public:
  /// Errors: those of open(2); malformed for an empty file.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
  BytesView bytes() const { return bytes_; }

 private:
  MappedFile() = default;
  BytesView bytes_;
};

/// Maps the index of a directory and adds its composers to the repertoire, which must not be shared yet. Files replaced later stay as they are for
/// this one. Errors: not_found where there is none; conflict where it leans on another repertoire; malformed, unsupported.
Result<std::shared_ptr<const StoredWorks>> map_works(const std::filesystem::path& directory, Repertoire& repertoire);

/// What names the files of an index, as StoredWorks::builds() does of those it has mapped. Errors as map_works().
Result<std::vector<std::uint64_t>> index_builds(const std::filesystem::path& directory);

}  // namespace ghost::ariascribe
