#pragma once
#include <memory>
#include <unordered_set>
#include <vector>

#include "ariascribe/work_file.h"

namespace ghost::ariascribe {

/// A work by its place; of one that stands in a mapped file what was read of it too. The repertoire's own come first, those of files behind.
struct WorkHandle {
  WorkIndex index{};
  std::shared_ptr<const StoredWork> stored = {};  ///< null: the repertoire's

  WorkHandle() = default;
  WorkHandle(WorkIndex own) : index(own) {}
  WorkHandle(WorkIndex at, std::shared_ptr<const StoredWork> read) : index(at), stored(std::move(read)) {}
  friend bool operator==(const WorkHandle& a, const WorkHandle& b) { return a.index == b.index; }
  friend auto operator<=>(const WorkHandle& a, const WorkHandle& b) { return a.index <=> b.index; }
};

/// What a title asks the files for.
struct StoredQuery {
  std::vector<std::uint64_t> terms;
  std::vector<ComposerIndex> composers;
  bool only_composers = false;         ///< works of others are not wanted
  std::vector<std::uint64_t> numbers;  ///< hashes of bases, "op:27"
  std::size_t limit = 40;
};

/// The imported works: one mapped file, and at most one over it with what changed since. Immutable; any number of threads may use it.
class StoredWorks {
 public:
  /// Adds the files' composers to the repertoire, which must not be shared yet. A file that goes over another one is left out without it.
  /// @param owner  keeps the files' bytes where they are
  StoredWorks(std::vector<WorkFile> files, std::shared_ptr<const void> owner, Repertoire& repertoire);

  struct Found {
    std::vector<WorkHandle> works;
    std::vector<float> rarities;  ///< of each term of the query
  };
  Found find(const StoredQuery& query) const;
  /// By the catalogue's id.
  std::optional<WorkHandle> find(std::string_view id) const;
  /// How many there are to be found.
  std::size_t size() const { return size_; }
  /// What names the files it is read from: each writing of one has another number.
  std::vector<std::uint64_t> builds() const;
  std::int64_t rev() const { return files_.empty() ? 0 : files_.back().file.stamp().rev; }

 private:
  struct Attached {
    WorkFile file;
    std::uint32_t first = 0;                       ///< place of its first work
    std::vector<ComposerIndex> composers;          ///< of each slot
    std::vector<std::uint32_t> slots;              ///< of each composer; kNoSlot
    std::unordered_set<std::uint32_t> hidden;      ///< works another file has instead
  };
  std::optional<WorkHandle> read(const Attached& in, std::uint32_t work) const;
  void gather(const Attached& in, const StoredQuery& query, Found& found) const;

  static constexpr std::uint32_t kNoSlot = ~0U;
  std::vector<Attached> files_;
  std::shared_ptr<const void> owner_;
  std::size_t size_ = 0;
};

}  // namespace ghost::ariascribe
